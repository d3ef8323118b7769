"""Processor time and memory of this process and all below it, such as Spark's: from Linux's /proc."""

from __future__ import annotations

import os
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

__all__ = ["Taken", "now", "peak_mib"]


class Taken(NamedTuple):
    """Seconds, and processor seconds of this process and all below it."""

    seconds: float
    processor: float

    def __sub__(self, earlier: Taken) -> Taken:
        return Taken(self.seconds - earlier.seconds, self.processor - earlier.processor)


def _tree() -> dict[int, list[str]]:
    """The fields of ``/proc/PID/stat`` after the name, of this process and all below it."""
    found: dict[int, list[str]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            # the name stands in brackets and may hold spaces
            found[int(path.parent.name)] = path.read_text().rpartition(")")[2].split()
        except OSError:  # it has ended in the meantime
            continue
    ours, more = {os.getpid()}, True
    while more:
        below = {pid for pid, fields in found.items() if int(fields[1]) in ours}
        more, ours = not below <= ours, ours | below
    return {pid: found[pid] for pid in ours}


def now() -> Taken:
    """The clock, and the processor time so far; ended processes count where they were waited for."""
    ticks = sum(int(field) for fields in _tree().values() for field in fields[11:15])
    return Taken(perf_counter(), ticks / os.sysconf("SC_CLK_TCK"))


def peak_mib() -> float:
    """The sum of each process's peak of resident memory: what they hold at once is at most that."""
    kib = 0
    for pid in _tree():
        try:
            status = Path(f"/proc/{pid}/status").read_text()
        except OSError:
            continue
        kib += sum(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:"))
    return kib / 1024
