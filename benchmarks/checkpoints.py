"""What a checkpoint costs: rows a second of ``iotae stream`` with and without, and after ``kill -9``.

The peer is the command without a checkpoint, whose rows a crash loses; no other detector here has one.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np

from benchmarks import datasets, render
from benchmarks.timing import factor_rows

__all__ = ["compare"]

COLUMNS, ROWS, QUICK_ROWS, TURNS = 20, 200_000, 3_000, 3
EVERY = (1_000, 10_000)
"""Rows from one checkpoint to the next."""

TEXT = (
    "`iotae stream` reads a CSV file of {rows:,} rows of {columns} numbers and writes it with score and "
    "alarm, in one thread. With `--checkpoint` the rows are brought to the disk, and model, place and length "
    "to a file, after each so many rows. The runs alternate; medians of {turns}. *Seconds* are of the whole "
    "command; *rows a second* leave out its start, which a file of 100 rows takes. *CPU* is the processor's "
    "time of the same runs, which other work on the machine does not change much."
)
KILLED = (
    "Killed with `kill -9` when half of the output was there and started again, the command wrote the same "
    "bytes as the run that nobody interrupted: {same}."
)


def _write(path: Path, n_rows: int, seed: int) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.write(",".join(f"s{j}" for j in range(COLUMNS)) + "\n")
        for piece in factor_rows(n_rows, COLUMNS, seed, 10_000):
            file.writelines(",".join(f"{value:.4f}" for value in row) + "\n" for row in piece.tolist())


def _command(folder: Path, every: int | None) -> list[str]:
    words = [sys.executable, "-m", "iotae", "stream", str(folder / "rows.csv"), "-o", str(folder / "out.csv")]
    if every is None:
        return words
    return [*words, "--checkpoint", str(folder / "state"), "--checkpoint-every", str(every)]


def _begin_anew(folder: Path) -> None:
    for path in (folder / "out.csv", *(folder / "state").glob("*")):
        path.unlink(missing_ok=True)


def _start(folder: Path, every: int | None) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        _command(folder, every), stderr=subprocess.DEVNULL, env=environment, cwd=datasets.ROOT
    )


def _timed(folder: Path, every: int | None) -> tuple[float, float]:
    """Return the seconds and the processor's seconds of a run from the beginning."""
    _begin_anew(folder)
    start = perf_counter()
    process = _start(folder, every)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"iotae stream failed with exit code {process.returncode}")
    return perf_counter() - start, usage.ru_utime + usage.ru_stime


def _same_after_a_kill(folder: Path, expected: bytes) -> bool:
    """Whether a run that is killed half way and started again writes the same bytes."""
    _begin_anew(folder)
    process, out = _start(folder, EVERY[0]), folder / "out.csv"
    while process.poll() is None and (not out.exists() or out.stat().st_size < len(expected) // 2):
        pass
    process.kill()
    process.wait()
    killed = out.stat().st_size < len(expected)
    process = _start(folder, EVERY[0])
    return process.wait() == 0 and killed and out.read_bytes() == expected


def compare(seed: int, quick: bool) -> tuple[list[str], list[str]]:
    """Return the page's sections, and a note where the rows after a kill are not those without one."""
    n_rows, turns = (QUICK_ROWS, 1) if quick else (ROWS, TURNS)
    kinds = (None, *EVERY)
    with TemporaryDirectory() as name:
        folder = Path(name)
        _write(folder / "rows.csv", 100, seed)
        _timed(folder, None)
        begin = np.min([_timed(folder, None) for _ in range(turns)], axis=0)
        _write(folder / "rows.csv", n_rows, seed)
        found = np.array([[_timed(folder, every) for every in kinds] for _ in range(turns)])
        expected = (folder / "out.csv").read_bytes()
        same = _same_after_a_kill(folder, expected)
    seconds = np.median(found, axis=0)
    speed = n_rows / np.maximum(seconds - begin, 1e-9)
    table = render.markdown(
        ["checkpoint", "seconds", "rows a second", "CPU, s", "rows a second of CPU", "cost"],
        [
            [
                "none" if every is None else f"every {every:,} rows",
                f"{seconds[i, 0]:.2f}",
                f"{speed[i, 0]:,.0f}",
                f"{seconds[i, 1]:.2f}",
                f"{speed[i, 1]:,.0f}",
                f"{seconds[i, 1] / seconds[0, 1] - 1:+.1%}",
            ]
            for i, every in enumerate(kinds)
        ],
    )
    text = TEXT.format(rows=n_rows, columns=COLUMNS, turns=turns)
    sections = [text, table, KILLED.format(same="yes" if same else "no")]
    return sections, [] if same else ["iotae failed to go on as if it had not been killed"]
