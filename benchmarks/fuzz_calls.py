"""The command as the fuzz benchmark calls it: in this process, on small files of readings.

It may refuse a file by its exit code 1 and one line, and never with a traceback.
"""

from __future__ import annotations

import contextlib
import csv
import functools
import io
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.fuzz_kinds import Kind
from benchmarks.text_mutations import changed_text
from iotae.cli import main

__all__ = ["N_BEFORE", "RefusedError", "csv_text", "json_text", "rows_of", "run", "scratch", "text_kind"]

_LINE = "iotae: error: "

N_BEFORE = 60
"""Rows that a run has taken in before its file is changed."""


class RefusedError(Exception):
    """The command ended with exit code 1 and one line that says why."""


@functools.cache
def _scratch() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None)


def scratch() -> Path:
    """A folder of this process, which goes with it."""
    return Path(_scratch().name)


def run(*argv: Any) -> list[str]:
    """Run the command; return what it said.

    Raises
    ------
    RefusedError
        If it said why it would not, in one line.
    """
    said = io.StringIO()
    with contextlib.redirect_stderr(said):
        code = main(list(map(str, argv)))
    lines = said.getvalue().splitlines()
    if code == 0:
        return lines
    errors = [line for line in lines if line.startswith(_LINE)]
    if code != 1 or len(errors) != 1 or lines[-1] != errors[0]:
        raise RuntimeError(f"exit code {code}: {lines[-3:]}")
    raise RefusedError(errors[0])


def csv_text(n_rows: int, seed: int = 0) -> bytes:
    """Readings of three devices, a minute apart, as CSV."""
    rng = np.random.default_rng(seed)
    load = rng.normal(size=n_rows)
    rows = [
        f"{('fan', 'pump', '7')[i % 3]},2026-01-01T{i // 60:02}:{i % 60:02}:00,{50 + 5 * x:.3f},"
        f"{20 + 3 * x + e:.3f},{('eco', 'max')[i % 2]}\n"
        for i, (x, e) in enumerate(zip(load, rng.normal(size=n_rows), strict=True))
    ]
    return ("device,at,power,latency,mode\n" + "".join(rows)).encode()


def json_text(n_rows: int, seed: int = 0) -> bytes:
    """The same readings as JSON lines, numbered, with an object in each."""
    table = csv.DictReader(io.StringIO(csv_text(n_rows, seed).decode()))
    rows = [
        {
            "seq": i,
            **row,
            "power": float(row["power"]),
            "more": {"latency": float(row["latency"]), "on": True},
        }
        for i, row in enumerate(table)
    ]
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def rows_of(path: Path) -> list[list[str]]:
    """The rows of a CSV file that the command wrote, without its header."""
    with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:
        return list(csv.reader(file))[1:]


def text_kind(name: str, right: bytes, load: Callable[[Path], Any], use: Callable[[Any], None]) -> Kind:
    """A kind of text file that the command reads."""
    return Kind(lambda: [right], bytes, changed_text, load, use, (RefusedError,), name)
