"""The fuzz benchmark: wrong files by the thousand, and what came of each.

Files are tried in a process of their own (:mod:`benchmarks.fuzz_worker`), which is begun again behind a file
that ends it.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from benchmarks import datasets, render
from benchmarks.fuzz_kinds import N_ROWS
from benchmarks.fuzz_worker import KINDS, LOADED, MOST_BYTES, MOST_SECONDS, REFUSED

__all__ = ["Tried", "compare", "fuzz"]

N_FILES = 10_000

TEXT = (
    "{n:,} files of each kind. A model's, a checkpoint's or a ledger's file is a right state in which one "
    "to three parts were changed: a value (NaN, infinities, huge, tiny and negative numbers), a type, a "
    "shape, a dtype or a name; parts that are missing, added, swapped, doubled or in another order; deep "
    "nesting, control characters, and a wrong format, kind or digest around it. The digest is then made "
    "right. Of a ledger, bytes and the cells of its tables are changed too. A text (rows, rules, answers, "
    "messages) has up to eight changes: bytes at random, hostile cells, lines that are cut, moved or "
    "doubled, other ends of lines. *Refused* is one error of one printable line, in less than {seconds:g} "
    "s and {mb} MB. What loads is used: a model scores and learns {rows} rows, and every score must be "
    "finite. What the command reads must come out again, row for row, or be counted as set aside. "
    "Anything else (another error, a signal, a call that does not end, a score that is not finite, a row "
    "that is gone) would be a failure and stand below the table."
)


@dataclass
class Tried:
    """What came of some files of a kind: how often each outcome, and the failures in words."""

    counts: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    def note(self, kind: str, seed: int, number: int, found: str, said: str) -> None:
        """Count one file's outcome."""
        self.counts[found] += 1
        if found not in (REFUSED, LOADED):
            self.failures.append(f"iotae failed on {kind}, seed {seed}, file {number}: {found}: {said}")


def _ended(code: int) -> str:
    """Say how a process ended that did not end by itself."""
    if code == -signal.SIGALRM:
        return "FAILED: did not end"
    return f"FAILED: died of {signal.Signals(-code).name}" if code < 0 else f"FAILED: exit {code}"


def fuzz(kinds: Sequence[str], n_files: int = N_FILES, seed: int = 0) -> dict[str, Tried]:
    """Try so many wrong files of each kind, out of `fuzz_worker.KINDS`, in one process as long as it lives.

    Raises
    ------
    RuntimeError
        If the process that should try them does not begin.
    """
    tried, left, start = {kind: Tried() for kind in kinds}, list(kinds), 0
    while left:
        given = map(str, (seed, start, n_files))
        command = [sys.executable, "-m", "benchmarks.fuzz_worker", *given, *left]
        done = subprocess.run(command, capture_output=True, text=True, cwd=datasets.ROOT)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        for kind, number, found, said in (line for line in lines if len(line) > 2):
            tried[kind].note(kind, seed, number, found, said)
        if not done.returncode:
            break
        if not lines or len(lines[-1]) > 2:
            raise RuntimeError(f"the process that tries files of {left} failed: {done.stderr[-2000:]}")
        kind, number = lines[-1]
        tried[kind].note(kind, seed, number, _ended(done.returncode), done.stderr.strip()[-200:])
        left, start = left[left.index(kind) :], number + 1
    return tried


def compare(seed: int = 0, n_files: int = N_FILES) -> tuple[list[str], list[str]]:
    """Return the page's sections, and a note for each failure."""
    rows, notes = [], []
    for kind in KINDS:
        tried = fuzz([kind], n_files, seed)[kind]
        failed = sum(tried.counts.values()) - tried.counts[REFUSED] - tried.counts[LOADED]
        rows.append(
            [f"`{kind}`", *(f"{tried.counts[found]:,}" for found in (REFUSED, LOADED)), f"{failed:,}"]
        )
        notes += tried.failures
    text = TEXT.format(n=n_files, seconds=MOST_SECONDS, mb=MOST_BYTES // 10**6, rows=N_ROWS)
    return [f"{text}\n\n{render.markdown(['kind', REFUSED, LOADED, 'failed'], rows)}"], notes
