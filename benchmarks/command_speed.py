"""The speed of the command: how many rows a second `iotae stream` takes from a file, start to end."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np

from benchmarks import datasets
from benchmarks.timing import factor_rows

__all__ = ["COLUMNS", "stream_rows_per_s", "write_rows"]

COLUMNS = 7
WARM_UP_ROWS = 500
PIECE = 10_000


def _lines(n_rows: int, seed: int) -> Iterator[str]:
    yield ",".join(f"s{j}" for j in range(COLUMNS)) + "\n"
    for piece in factor_rows(n_rows, COLUMNS, seed, PIECE):
        yield from (",".join(f"{value:.4f}" for value in row) + "\n" for row in piece.tolist())


def write_rows(path: Path, n_rows: int, seed: int) -> None:
    """Write a CSV file of ``n_rows`` rows of seven numbers with four decimals."""
    with path.open("w", encoding="utf-8") as file:
        file.writelines(_lines(n_rows, seed))


def _run(path: Path, scored: Path) -> float:
    """Return the seconds that the command takes.

    Raises
    ------
    RuntimeError
        If it fails, with the last line that it said.
    """
    command = [sys.executable, "-m", "iotae", "stream", str(path), "-o", str(scored), "--seed", "0"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    start = perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=datasets.ROOT)
    seconds = perf_counter() - start
    if done.returncode:
        raise RuntimeError(f"iotae stream failed: {done.stderr.strip().splitlines()[-1]}")
    return seconds


def stream_rows_per_s(n_rows: int, *, seed: int = 0, repeats: int = 3) -> float:
    """Return the rows a second of `iotae stream`, the median of some runs, the program's start included.

    A short run that is not counted pays for what is compiled.
    """
    with TemporaryDirectory() as folder:
        given, scored = Path(folder) / "rows.csv", Path(folder) / "scored.csv"
        write_rows(given, WARM_UP_ROWS, seed)
        _run(given, scored)
        write_rows(given, n_rows, seed)
        return n_rows / float(np.median([_run(given, scored) for _ in range(repeats)]))
