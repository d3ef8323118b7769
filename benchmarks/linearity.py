"""The protocol of growth: time and peak memory of fit and of score against rows, a fresh process each.

The rows are those of `timing`, made in pieces so that nothing but the table and the detector takes memory.
"""

from __future__ import annotations

import resource
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import numpy as np

from benchmarks import detectors, render
from benchmarks.detector import Task
from benchmarks.runner import one_thread
from benchmarks.timing import factor_rows

__all__ = ["SIZES", "compare", "growth"]

SIZES = (10_000, 100_000, 1_000_000, 5_000_000)
N_FEATURES = 20
PIECE = 100_000
STEPS = {"fit": "fit", "score": "score", "chunks": "fit and score from Parquet"}

TEXT = (
    "{d} float64 features, one thread, one process for each figure. *Fit* is `pyod_iotae.IoTAE.fit`, "
    "which scores the training rows too; *score* is its `decision_function`, fitted to the first 20,000 "
    "rows; *from Parquet* is `BatchAutoencoder.fit_chunks` over the file's batches, then `score` of each "
    "batch: the table is never held. Memory is the process's peak, libraries and table included."
)


def _write(path: str, n_rows: int, seed: int) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    names = [f"f{i}" for i in range(N_FEATURES)]
    with pq.ParquetWriter(path, pa.schema([(name, pa.float64()) for name in names])) as writer:
        for piece in factor_rows(n_rows, N_FEATURES, seed, PIECE):
            writer.write_table(pa.table(dict(zip(names, piece.T, strict=True))))


def _batches(path: str) -> Iterator[Any]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    # reading ahead would hold the whole file by its end
    with pq.ParquetFile(path, pre_buffer=False) as file:
        for batch in file.iter_batches():
            yield pa.Table.from_batches([batch])


def _from_parquet(path: str, seed: int) -> float:
    from iotae import BatchAutoencoder

    start = perf_counter()
    model = BatchAutoencoder(seed=seed).fit_chunks(_batches(path))
    for batch in _batches(path):
        model.score(batch)
    return perf_counter() - start


def _measure(step: str, n_rows: int, seed: int, path: str) -> tuple[float, float]:
    """Return the seconds of a step and the peak memory of this process in MiB."""
    entry = detectors.TABLES["iotae"]
    model = entry.make(Task(seed, n_rows, N_FEATURES))
    with one_thread(entry):
        model.fit(next(factor_rows(500, N_FEATURES, seed)))  # imports and compilation are paid here
        if step == "chunks":
            seconds = _from_parquet(path, seed)
        else:
            X = np.empty((n_rows, N_FEATURES))
            for i, piece in enumerate(factor_rows(n_rows, N_FEATURES, seed, PIECE)):
                X[i * PIECE : i * PIECE + len(piece)] = piece
            if step == "score":
                model.fit(X[:20_000])
            start = perf_counter()
            model.fit(X) if step == "fit" else model.decision_function(X)
            seconds = perf_counter() - start
    # Linux counts in KiB
    return seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def growth(sizes: Sequence[int], seed: int) -> dict[str, list[tuple[float, float]]]:
    """Return (seconds, MiB) of every step at each number of rows."""
    results: dict[str, list[tuple[float, float]]] = {step: [] for step in STEPS}
    with TemporaryDirectory() as folder:
        for n_rows in sizes:
            path = str(Path(folder, "rows.parquet"))
            _write(path, n_rows, seed)
            for step, found in results.items():
                with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as fresh:
                    found.append(fresh.submit(_measure, step, n_rows, seed, path).result())
    return results


def _draw(sizes: Sequence[int], results: dict[str, list[tuple[float, float]]], path: Path) -> None:
    """Draw time and memory against rows, both axes logarithmic, with a line of slope 1."""
    from iotae.plots.figure import COLOURS, DOUBLE, TEXT_SIZE, finish, new_figure

    figure = new_figure(DOUBLE, 2.7)
    for number, label in enumerate(("seconds", "peak memory, MiB")):
        ax = figure.add_subplot(1, 2, number + 1)
        for (step, found), colour, mark in zip(
            results.items(), ("blue", "vermilion", "green"), "os^", strict=True
        ):
            values = [pair[number] for pair in found]
            ax.plot(sizes, values, color=COLOURS[colour], marker=mark, markersize=4, label=STEPS[step])
        if number == 0:
            top = results["fit"][-1][0]
            line = [top * n / sizes[-1] for n in sizes]
            ax.plot(sizes, line, color=COLOURS["grey"], linestyle=":", label="in proportion")
            ax.legend(fontsize=TEXT_SIZE, frameon=False)
        ax.set_xscale("log")
        ax.set_yscale("log")
        finish(ax, xlabel="rows", ylabel=label, grid="both")
    figure.savefig(path, metadata={"Date": None})


def compare(sizes: Sequence[int], seed: int, page: Path | None) -> tuple[list[str], list[str]]:
    """Return the page's sections; its figure is written beside ``page``, where there is one."""
    results = growth(sizes, seed)
    rows = []
    for i, n_rows in enumerate(sizes):
        cells = [(f"{results[step][i][0]:.3g}", f"{results[step][i][1]:,.0f}") for step in STEPS]
        speed = f"{n_rows / results['score'][i][0]:,.0f}"
        table = f"{n_rows * N_FEATURES * 8 / 2**20:,.0f}"
        rows.append([f"{n_rows:,}", table, *cells[0], *cells[1], speed, *cells[2]])
    header = [
        "rows",
        "table, MiB",
        "fit, s",
        "MiB",
        "score, s",
        "MiB",
        "rows a second",
        "from Parquet, s",
        "MiB",
    ]
    sections = [TEXT.format(d=N_FEATURES), render.markdown(header, rows, 0)]
    if page is not None:
        page.parent.mkdir(parents=True, exist_ok=True)
        figure = page.with_suffix(".svg")
        _draw(sizes, results, figure)
        sections.append(f"![Time and peak memory against rows, both axes logarithmic]({figure.name})")
    return sections, []
