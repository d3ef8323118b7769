"""The protocol of Spark in local mode: what tables cost against rows and cores, beside the single machine."""

from __future__ import annotations

import math
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks import processes, render, spark_fleet
from benchmarks.processes import Taken
from benchmarks.stored import path_of, stored
from iotae import BatchAutoencoder

__all__ = ["compare"]

WIDTH, FILE_ROWS = 20, 250_000
SIZES, QUICK_SIZES = (1_000_000, 4_000_000, 16_000_000, 50_000_000), (100_000,)
SOURCES = ("batch", "data", "nn", "distributed/spark.py")
"""Of ours, what decides a measure."""

TEXT = (
    "Spark in local mode on one machine, where other programs ran too: compare the processor time (CPU), and "
    "the rest within one size. {width} columns of float64 in Parquet files of {file_rows:,} rows, from a "
    "Gaussian factor model. *Spark* is `spark.fit`, and `spark.score` of all rows into Spark's no-op sink; "
    "*one process* is `fit_chunks` and `score` of the same files in one thread. A fresh process each; start "
    "and compilation are not counted. CPU and memory include Java and Python's workers; memory is the sum of "
    "the processes' peaks, of which Java's heap may be 4 GiB. Scores are equal to the bit "
    "(`tests/test_spark.py`). A run goes on from the measures that are stored."
)
Measured = tuple[Taken, Taken, float]
"""What fit and score took, and the peak memory in MiB."""


def _write(folder: Path, n_rows: int, seed: int) -> list[str]:
    """Write files of rows, one at a time, and return their paths in order."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    needed, free = n_rows * WIDTH * 9, shutil.disk_usage(folder).free
    if free < needed:
        raise SystemExit(f"benchmarks: {n_rows:,} rows need {needed:,} bytes in {folder}, which has {free:,}")
    rng = np.random.default_rng(seed)
    mix = rng.normal(size=(4, WIDTH))
    paths = []
    for i in range(0, n_rows, FILE_ROWS):
        n = min(FILE_ROWS, n_rows - i)
        rows = rng.normal(size=(n, 4)) @ mix + rng.normal(size=(n, WIDTH))
        paths.append(str(folder / f"{i:010}.parquet"))
        table = pa.table({f"c{j}": rows[:, j] for j in range(WIDTH)})
        pq.write_table(table, paths[-1], use_dictionary=False)
    return paths


def _one_process(paths: list[str], seed: int) -> Measured:
    """Fit and score in this process, in one thread, a file at a time."""
    import pyarrow.parquet as pq
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    def parts() -> Iterator[Any]:
        return (pq.read_table(path, use_threads=False) for path in paths)

    with threadpool_limits(1):
        # imports and compilation are paid here
        BatchAutoencoder(seed=seed).fit(np.random.default_rng(0).normal(size=(200, WIDTH)))
        start = processes.now()
        model = BatchAutoencoder(seed=seed).fit_chunks(parts())
        fitted = processes.now()
        for part in parts():
            model.score(part)
        scored = processes.now()
    return fitted - start, scored - fitted, processes.peak_mib()


def _on_spark(paths: list[str], seed: int, cores: int) -> Measured:
    from iotae.distributed.spark import fit, score

    spark = spark_fleet.session(cores)
    frame, first = spark.read.parquet(*paths), spark.read.parquet(paths[0]).limit(1_000)
    # starts the workers, and compiles in them too
    score(first, fit(BatchAutoencoder(seed=seed), first)).write.format("noop").mode("overwrite").save()
    start = processes.now()
    model = fit(BatchAutoencoder(seed=seed), frame)
    fitted = processes.now()
    score(frame, model).write.format("noop").mode("overwrite").save()
    found = fitted - start, processes.now() - fitted, processes.peak_mib()
    spark.stop()
    return found


ALONE = "one process"
WHERE: dict[str, Callable[[list[str], int], Measured]] = {
    ALONE: _one_process,
    "Spark, 1 core": partial(_on_spark, cores=1),
    "Spark, 2 cores": partial(_on_spark, cores=2),
}


def _store(n_rows: int, who: str, seed: int) -> Path:
    return path_of([n_rows, who, seed, WIDTH, FILE_ROWS], SOURCES)


def _measured(n_rows: int, who: str, seed: int, paths: list[str]) -> Measured:
    """Return a stored measure, or take it in a fresh process and store it."""

    def fresh() -> Measured:
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
            found = process.submit(WHERE[who], paths[: math.ceil(n_rows / FILE_ROWS)], seed).result()
        print(f"{n_rows:,}", who, *found, sep="  ", file=sys.stderr, flush=True)
        return found

    fitted, scored, mib = stored(_store(n_rows, who, seed), fresh)
    return Taken(*fitted), Taken(*scored), mib


def _tables(runs: Sequence[tuple[int, str]], seed: int) -> str:
    """The table of tables, of rows and places; a smaller one is the first files of the largest."""
    lines = []
    missing = [n_rows for n_rows, who in runs if not _store(n_rows, who, seed).exists()]
    with TemporaryDirectory() as name:
        paths = _write(Path(name), max(missing, default=0), seed)
        for n_rows, who in runs:
            fitted, scored, mib = _measured(n_rows, who, seed, paths)
            fit, fit_cpu = f"{fitted.seconds:.1f}", f"{1e6 * fitted.processor / n_rows:.2f}"
            speed, cpu = f"{n_rows / scored.seconds:,.0f}", f"{1e6 * scored.processor / n_rows:.2f}"
            lines.append([f"{n_rows:,}", who, fit, fit_cpu, speed, cpu, f"{mib:,.0f}"])
    fits, scores = ["fit, s", "fit, CPU µs a row"], ["rows scored a second", "score, CPU µs a row"]
    return render.markdown(["rows", "where", *fits, *scores, "peak, MiB"], lines, 2)


def compare(
    seed: int, quick: bool, sizes: Sequence[int] | None = None, spark_rows: int | None = None
) -> tuple[list[str], list[str]]:
    """Measure tables and a fleet; return the page's sections, and a note where Spark was left out.

    Parameters
    ----------
    seed : int
        Decides the rows and the models.
    quick : bool
        Whether small sizes are taken.
    sizes : sequence of int, optional
        Rows of the tables.
    spark_rows : int, optional
        Tables with more rows are of one process alone.
    """
    if shutil.which("java") is None:
        raise SystemExit("benchmarks: Spark needs Java 17, which is not installed")
    sizes, most = sizes or (QUICK_SIZES if quick else SIZES), spark_rows or math.inf
    tables = _tables([(n, who) for n in sizes for who in WHERE if who == ALONE or n <= most], seed)
    text = TEXT.format(width=WIDTH, file_rows=FILE_ROWS)
    left = [f"{n:,} rows were not run on Spark (--spark-rows {spark_rows})" for n in sizes if n > most]
    return [f"## Tables\n\n{text}\n\n{tables}", spark_fleet.section(seed, quick)], left
