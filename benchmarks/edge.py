"""The protocol of the edge: what exported models find, how fast and in how many bytes, beside a tree."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import datasets, render
from iotae import BatchAutoencoder, OnlineAutoencoder
from iotae.data import Table
from iotae.evaluation import roc_auc
from iotae.export import to_c, to_onnx
from iotae.export.size import Size, size_of_header
from iotae.export.stream_figures import freeze
from iotae.export.table_figures import freeze_table
from iotae.pipeline import TableDetector

__all__ = ["compare"]

SETS = ("asd_omi", "rtiot2022_ad", "kdd99_sa")
MOST, TIMED, TURNS, DEPTH = 24_000, 5_000, 5, 8

TEXT = (
    "The first half of a set is learned, the second half is scored by what was exported. Of a set of "
    "several devices it is the one with most anomalies in the second half. A set of more than {most:,} "
    "rows is thinned to every so many-th row. Ours gets no labels. The decision tree of depth {depth} "
    "(Alwaisi et al., 2024) is **taught by the labels** of the first half, so it knows these very "
    "anomalies; where the first half has none (`asd_omi`) it knows nothing. It is written as nested "
    "comparisons, as emlearn and m2cgen do. *Row after row* carries the stream's state on, *row alone* "
    "does not, and *learning* is the model in Python that goes on learning. The table's model is its "
    "network's view. Microseconds a row are processor time, best of {turns} turns over at most {timed:,} "
    "rows, gcc -O3, one thread; in Python and ONNX Runtime one call for all rows, and ONNX for one row. "
    "Bytes: gcc -Os for this machine (x86-64), without the C library: flash is code and constants, RAM is "
    "state and stack."
)
HEADER = ["what", "ROC AUC", "µs a row", "flash, bytes", "RAM, bytes"]

_CALLER = """
#include "model.h"
void judge(const double *rows, float *scores, int n)
{
    @before@
    for (int i = 0; i < n; i++)
        scores[i] = @call@rows + (long)i * IOTAE_N_CELLS);
}
"""
_CALLS = {
    "next": ("iotae_state state = iotae_exported_state;", "iotae_score_next(&state, "),
    "alone": ("", "iotae_score(&iotae_exported_state, "),
    "table": ("", "iotae_score("),
}

Rows = NDArray[np.float64]
Line = list[str]


def _halves(name: str) -> tuple[Rows, NDArray[np.int8]]:
    """Return a set, or the device of it with most anomalies in the second half."""
    data = datasets.load("stream", name)
    if data.group is None:
        return data.X, data.y
    parts = [data.group == device for device in np.unique(data.group)]
    best = max(parts, key=lambda part: data.y[part][part.sum() // 2 :].sum())
    return data.X[best], data.y[best]


def _in_c(header: str, how: str, rows: Rows) -> tuple[NDArray[np.float32], float]:
    """Scores by a compiled header, and microseconds a row."""
    before, call = _CALLS[how]
    rows = np.ascontiguousarray(rows)
    scores = np.empty(len(rows), np.float32)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "model.h").write_text(header)
        (Path(folder) / "caller.c").write_text(_CALLER.replace("@before@", before).replace("@call@", call))
        command = ["gcc", "-std=c99", "-O3", "-shared", "-fPIC", "caller.c", "-o", "model.so", "-lm"]
        subprocess.run(command, cwd=folder, check=True)
        judge = ctypes.CDLL(f"{folder}/model.so").judge

        def work(n: int) -> None:
            judge(
                rows.ctypes.data_as(ctypes.c_void_p), scores.ctypes.data_as(ctypes.c_void_p), ctypes.c_int(n)
            )

        n_timed = min(len(rows), TIMED)
        seconds = _best(lambda: work(n_timed))
        work(len(rows))
    return scores, seconds / n_timed * 1e6


def _best(work: Callable[[], object]) -> float:
    times = []
    for _ in range(TURNS):
        start = process_time()
        work()
        times.append(process_time() - start)
    return min(times)


def _line(name: str, y: NDArray[np.int8], scores: Rows, micros: float, size: Size | None) -> Line:
    flash, ram = ("", "") if size is None else (f"{size.flash:,}", f"{size.state + size.stack:,}")
    return [name, f"{roc_auc(y, np.asarray(scores, np.float64)):.3f}", f"{micros:.2f}", flash, ram]


def _stream(X: Rows, y: NDArray[np.int8], half: int, seed: int) -> list[Line]:
    names = [f"c{j}" for j in range(X.shape[1])]
    model = OnlineAutoencoder(seed=seed)
    model.score_learn_many(X[:half], names)
    order = [names.index(name) for name in freeze(model).names]
    rows, labels, lines = X[half:, order], y[half:], []
    for weights in ("float32", "int8"):
        header = to_c(model, weights=weights)
        for how, words in (("next", "row after row"), ("alone", "row alone")):
            scores, micros = _in_c(header, how, rows)
            size = size_of_header(header, "iotae")
            lines.append(_line(f"iotae, stream, {weights}, {words}", labels, scores, micros, size))
    lines += _in_onnx(to_onnx(model), "iotae, stream, ONNX", rows, labels)
    start = process_time()
    scores = model.score_learn_many(X[half:], names).scores
    micros = (process_time() - start) / len(rows) * 1e6
    return [*lines, _line("iotae, stream, Python, learning", labels, scores, micros, None)]


def _in_onnx(source: bytes, name: str, rows: Rows, labels: NDArray[np.int8]) -> list[Line]:
    try:
        import onnxruntime
    except ImportError:
        return []
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    graph = onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
    blocks = [np.ascontiguousarray(rows[at : at + 1024]) for at in range(0, len(rows), 1024)]
    scores = np.concatenate([graph.run(["score"], {"cells": block})[0] for block in blocks])
    first = blocks[0]
    micros = _best(lambda: graph.run(["score"], {"cells": first})) / len(first) * 1e6
    single = _best(lambda: [graph.run(["score"], {"cells": first[:1]}) for _ in range(100)]) / 100 * 1e6
    line = _line(name, labels, scores, micros, None)
    line[2] = f"{micros:.2f} ({single:.0f} alone)"
    return [line]


def _table(X: Rows, y: NDArray[np.int8], half: int, seed: int) -> list[Line]:
    names = [f"c{j}" for j in range(X.shape[1])]
    detector = TableDetector(autoencoder=BatchAutoencoder(seed=seed), alpha=0.01, seed=seed)
    detector.fit(Table({name: X[:half, j] for j, name in enumerate(names)}))
    order = [names.index(name) for name in freeze_table(detector).names]
    lines = []
    for weights in ("float32", "int8"):
        header = to_c(detector, weights=weights)
        scores, micros = _in_c(header, "table", X[half:, order])
        size = size_of_header(header, "iotae")
        lines.append(_line(f"iotae, table's network, {weights}", y[half:], scores, micros, size))
    return lines


def _tree(X: Rows, y: NDArray[np.int8], half: int, seed: int) -> list[Line]:
    from sklearn.tree import DecisionTreeClassifier

    X = np.nan_to_num(X)
    tree = DecisionTreeClassifier(max_depth=DEPTH, random_state=seed).fit(X[:half], y[:half])
    header = tree_header(tree)
    scores, micros = _in_c(header, "table", X[half:])
    name = f"decision tree, depth {DEPTH}, with labels"
    return [_line(name, y[half:], scores, micros, size_of_header(header, "iotae"))]


def tree_header(tree: Any) -> str:
    """Return a fitted scikit-learn tree as a header whose score is the share of anomalies in the leaf."""
    nodes = tree.tree_

    def branch(node: int) -> str:
        left, right = nodes.children_left[node], nodes.children_right[node]
        if left == right:
            share = nodes.value[node][0]
            return f"return {share[-1] / share.sum() if share.size > 1 else 0.0:.9e}f;"
        test = f"(float)cells[{nodes.feature[node]}] <= {nodes.threshold[node]:.9e}f"
        return f"if ({test}) {{ {branch(left)} }} else {{ {branch(right)} }}"

    return (
        f"#define IOTAE_CELL double\n#define IOTAE_N_CELLS {nodes.n_features}\n"
        f"static inline float iotae_score(const double *cells) {{ {branch(0)} }}\n"
        "static inline int iotae_is_alarm(float score) { return score > 0.5f; }\n"
    )


def compare(seed: int, quick: bool) -> tuple[list[str], list[str]]:
    """Measure what each exported model finds and takes; return the page's sections and notes."""
    if shutil.which("gcc") is None:
        return [], ["gcc is not here: nothing was compiled"]
    sections, notes = [TEXT.format(depth=DEPTH, most=MOST, turns=TURNS, timed=TIMED)], []
    for name in SETS[:1] if quick else SETS:
        absent = datasets.why_absent("stream", name)
        if absent:
            notes.append(absent)
            continue
        X, y = _halves(name)
        step = -(-len(X) // (MOST // 8 if quick else MOST))
        X, y = X[::step], y[::step]
        half = len(X) // 2
        lines = [*_stream(X, y, half, seed), *_table(X, y, half, seed), *_tree(X, y, half, seed)]
        title = f"## {name}: {half:,} rows of {X.shape[1]} features learned, {len(X) - half:,} scored"
        sections += [title, render.markdown(HEADER, lines)]
    return sections, notes
