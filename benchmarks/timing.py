"""The protocols of speed: the detectors take turns block by block in one process, one thread.

The rows come from a seeded factor model, so that nothing but the width decides. A mini-batch that
is due every few dozen rows would vanish from a median over rows, so the cost of a row is the mean
over a block, and the figure is the median over blocks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from time import perf_counter, perf_counter_ns
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import detectors
from benchmarks.dataset import Dataset
from benchmarks.detector import Detector, Task
from benchmarks.protocols import rows_as_dicts
from benchmarks.runner import one_thread
from iotae.nn.network import Network

__all__ = ["factor_rows", "first_row_ms", "network_speed", "stream_speed", "table_speed"]

WARM_UP_BLOCKS = 2


def factor_rows(
    n_rows: int, n_features: int, seed: int, piece: int | None = None
) -> Iterator[NDArray[np.float64]]:
    """Yield rows of a Gaussian factor model: a third as many factors as features, and noise."""
    rng = np.random.default_rng(seed)
    loadings = rng.normal(size=(max(n_features // 3, 1), n_features))
    for start in range(0, n_rows, piece or n_rows):
        n = min(piece or n_rows, n_rows - start)
        yield rng.normal(size=(n, len(loadings))) @ loadings + 0.3 * rng.normal(size=(n, n_features))


def _rows(n_rows: int, n_features: int, seed: int) -> Dataset:
    X = next(factor_rows(n_rows, n_features, seed))
    names = tuple(f"f{i}" for i in range(n_features))
    return Dataset("factors", X, np.zeros(n_rows, dtype=np.int8), names, ordered=True)


def _first_row(name: str, n_features: int, seed: int) -> float:
    entry = detectors.STREAMS[name]
    x = next(rows_as_dicts(_rows(1, n_features, seed)))[0]
    entry.make(Task(seed, 1, n_features))  # imports are paid here
    start = perf_counter()
    model = entry.make(Task(seed, 1, n_features))
    model.score_one(x)
    model.learn_one(x)
    return (perf_counter() - start) * 1e3


def first_row_ms(entry: Detector, n_features: int, seed: int) -> float:
    """Return the milliseconds from construction to the end of the first row, in a fresh process.

    Importing the package is not counted; loading or compiling kernels, where it happens then, is.
    """
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as fresh:
        return fresh.submit(_first_row, entry.name, n_features, seed).result()


FUSED = "score_learn_one"
"""A model's method that scores and learns in one call; one that has it is timed with it too."""


def _block(model: Any, rows: Sequence[dict[str, float]], fused: bool) -> NDArray[np.float64]:
    """Return the microseconds of score + learn of each row, in two calls or in one."""
    stamps = np.empty(len(rows) + 1, dtype=np.int64)
    stamps[0] = perf_counter_ns()
    if fused:
        for i, x in enumerate(rows, 1):
            model.score_learn_one(x)
            stamps[i] = perf_counter_ns()
    else:
        for i, x in enumerate(rows, 1):
            model.score_one(x)
            model.learn_one(x)
            stamps[i] = perf_counter_ns()
    return np.diff(stamps) / 1e3


def stream_speed(
    entries: Sequence[Detector],
    n_features: int,
    *,
    seed: int = 0,
    n_blocks: int = 22,
    block_rows: int = 500,
    reference: str = "HalfSpaceTrees",
) -> list[dict[str, Any]]:
    """Time score + learn of every detector on the same rows, in turns.

    One that can do both in one call (`FUSED`) takes part a second time, with a fresh model and that call.

    Parameters
    ----------
    entries : sequence of Detector
        Entries with River's interface.
    n_features : int
        Width of a row.
    seed : int
        Seed of the rows and detectors.
    n_blocks, block_rows : int
        Each detector meets ``n_blocks`` blocks; the first two are left out of the figures.
    reference : str
        The detector that the ratios are taken against, block by block.

    Returns
    -------
    list of dict
        us (median over blocks of the mean), ratio (reference / this: above 1 is faster), p999_us, first_ms.
    """
    rows = [x for chunk in rows_as_dicts(_rows(n_blocks * block_rows, n_features, seed)) for x in chunk]
    task = Task(seed, len(rows), n_features)
    runs = [(entry, entry.make(task), False) for entry in entries]
    runs += [(entry, entry.make(task), True) for entry, model, _ in runs if hasattr(model, FUSED)]
    times = np.empty((len(runs), n_blocks, block_rows))
    for b in range(n_blocks):
        for turn in range(len(runs)):
            i = (turn + b) % len(runs)
            entry, model, fused = runs[i]
            with one_thread(entry):
                times[i, b] = _block(model, rows[b * block_rows : (b + 1) * block_rows], fused)
    times = times[:, WARM_UP_BLOCKS:]
    blocks = times.mean(axis=2)
    names = [entry.name for entry, _, _ in runs]
    base = blocks[names.index(reference)] if reference in names else blocks[0] * np.nan
    return [
        {
            "detector": f"{entry.name}, {FUSED}" if fused else entry.name,
            "d": n_features,
            "us": float(np.median(blocks[i])),
            "ratio": float(np.median(base / blocks[i])),
            "p999_us": float(np.quantile(times[i], 0.999)),
            "first_ms": first_row_ms(entry, n_features, seed),
        }
        for i, (entry, _, fused) in enumerate(runs)
    ]


def table_speed(
    entries: Sequence[Detector],
    n_rows: int,
    n_features: int,
    *,
    seed: int = 0,
    repeats: int = 3,
    score_rows: int = 100_000,
) -> list[dict[str, Any]]:
    """Time fit and scoring of every detector on the same float32 table, in turns.

    A first, small fit that is not counted pays for imports and compilation.

    Parameters
    ----------
    entries : sequence of Detector
        Entries with PyOD's interface.
    n_rows, n_features : int
        Size of the table that is fitted.
    seed : int
        Seed of the rows and detectors.
    repeats : int
        Turns; the figures are medians over them.
    score_rows : int
        Rows of the table that is scored.

    Returns
    -------
    list of dict
        fit_s; rows_per_s of ``decision_function``; n, d.
    """
    train = _rows(n_rows, n_features, seed).X.astype(np.float32)
    test = _rows(score_rows, n_features, seed + 1).X.astype(np.float32)
    task = Task(seed, n_rows, n_features)
    fit, score = np.empty((2, len(entries), repeats))
    for entry in entries:
        with one_thread(entry):
            entry.make(task).fit(train[:500]).decision_function(test[:500])
    for r in range(repeats):
        for i, entry in enumerate(entries):
            with one_thread(entry):
                model = entry.make(task)
                start = perf_counter()
                model.fit(train)
                fitted = perf_counter()
                model.decision_function(test)
                fit[i, r], score[i, r] = fitted - start, perf_counter() - fitted
    return [
        {
            "detector": entry.name,
            "n": n_rows,
            "d": n_features,
            "fit_s": float(np.median(fit[i])),
            "rows_per_s": float(score_rows / np.median(score[i])),
        }
        for i, entry in enumerate(entries)
    ]


def network_speed(n_features: int, *, seed: int = 0, n_rows: int = 100_000) -> float:
    """Return how many scaled float32 rows a second our network alone encodes and reconstructs."""
    rows = _rows(n_rows, n_features, seed).X.astype(np.float32)
    # the network's shape decides its speed, what it has learned does not
    network = Network(n_features, None, "tanh", seed)
    network.propagate(rows[:500])
    seconds = []
    with one_thread(detectors.TABLES["iotae"]):
        for _ in range(9):
            start = perf_counter()
            network.propagate(rows)
            seconds.append(perf_counter() - start)
    return n_rows / float(np.median(seconds))
