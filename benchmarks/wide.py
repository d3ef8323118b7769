"""The protocol of width: time and peak memory of the command against columns, a process for each figure."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import NamedTuple

from benchmarks import datasets, render
from benchmarks.timing import factor_rows

__all__ = ["SIZES", "Run", "compare", "run", "write_rows"]


class Size(NamedTuple):
    """The columns of a file, its rows, and how many of them the stream takes."""

    columns: int
    rows: int
    streamed: int


SIZES = (
    Size(7, 1_000_000, 100_000),
    Size(100, 100_000, 20_000),
    Size(1_000, 10_000, 500),
    Size(5_000, 2_000, 60),
    Size(10_000, 1_000, 60),
)
QUICK_SIZES = (Size(7, 2_000, 500), Size(300, 200, 50))
FIT_ROWS = 500
PIECE_CELLS = 500_000

TEXT = (
    "CSV files of numbers with four decimals. `iotae fit --rows {fit_rows}` draws that many rows from the "
    "whole file, `iotae score` scores the whole file, and `iotae stream` takes its first rows. One thread, "
    "one process for each figure, the program's start included, what is compiled once not. Memory is the "
    "process's peak; the libraries take about 190 MB of it. A fit holds its {fit_rows} rows several times."
)


class Run(NamedTuple):
    """What a run of the command took: seconds, and the most memory that was resident, in MB."""

    seconds: float
    megabytes: float


def write_rows(path: Path, columns: int, rows: int, seed: int) -> None:
    """Write a CSV file of numbers with four decimals, a piece at a time."""
    with path.open("w", encoding="utf-8") as file:
        file.write(",".join(f"s{j}" for j in range(columns)) + "\n")
        for piece in factor_rows(rows, columns, seed, max(PIECE_CELLS // columns, 1)):
            file.writelines(",".join([f"{value:.4f}" for value in row]) + "\n" for row in piece.tolist())


def run(*arguments: str | Path) -> Run:
    """Run the command once, in one thread.

    Raises
    ------
    RuntimeError
        If it fails, with the last line that it said.
    """
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    start = perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "iotae", *map(str, arguments)],
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        cwd=datasets.ROOT,
    )
    assert process.stderr is not None
    said = process.stderr.read()
    # of this child alone, where getrusage knows the largest of all
    _, status, usage = os.wait4(process.pid, 0)
    seconds = perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    process.stderr.close()
    if process.returncode:
        raise RuntimeError(f"iotae {arguments[0]} failed: {said.strip().splitlines()[-1]}")
    # Linux counts in KiB
    return Run(seconds, usage.ru_maxrss * 1024 / 1e6)


def _measure(size: Size, seed: int, folder: Path) -> tuple[int, list[Run]]:
    """Return the bytes of a file, and what fit, score and stream take for it."""
    given, first = folder / "rows.csv", folder / "first.csv"
    model, scored = folder / "model.iotae", folder / "scored.csv"
    write_rows(given, size.columns, size.rows, seed)
    write_rows(first, size.columns, size.streamed, seed)
    runs = [
        run("fit", given, "--rows", str(FIT_ROWS), "-o", model),
        run("score", model, given, "-o", scored),
        run("stream", first, "-o", scored),
    ]
    return given.stat().st_size, runs


def compare(seed: int, sizes: Sequence[Size]) -> tuple[list[str], list[str]]:
    """Return the page's sections."""
    rows = []
    with TemporaryDirectory() as name:
        folder = Path(name)
        # pays for what is compiled
        _measure(QUICK_SIZES[0], seed, folder)
        for size in sizes:
            n_bytes, (fitted, scored, streamed) = _measure(size, seed, folder)
            rows.append(
                [
                    f"{size.columns:,}",
                    f"{size.rows:,}",
                    f"{n_bytes:,}",
                    *(text for one in (fitted, scored) for text in _told(one)),
                    f"{size.streamed:,}",
                    *_told(streamed),
                ]
            )
    header = ["columns", "rows", "bytes", "fit, s", "MB", "score, s", "MB", "rows streamed", "s", "MB"]
    return [TEXT.format(fit_rows=FIT_ROWS), render.markdown(header, rows, 0)], []


def _told(one: Run) -> tuple[str, str]:
    return f"{one.seconds:.1f}", f"{one.megabytes:,.0f}"
