"""One process of the fuzz benchmark: load wrong files, use what loads, and say what came of each.

``python -m benchmarks.fuzz_worker SEED START STOP KIND...`` prints a file's kind and number before it tries
it, and both with the outcome after it. So the process that waits knows which file ended this one.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import fuzz_inputs, fuzz_runs, fuzz_streams, fuzz_tables
from benchmarks.fuzz_kinds import Kind

__all__ = ["KINDS", "LOADED", "MOST_BYTES", "MOST_SECONDS", "OUTCOMES", "REFUSED", "outcome"]

MOST_SECONDS, MOST_BYTES = 1.0, 100 * 10**6
"""What a refusal may take."""

PATIENCE = 30
"""Seconds after which a file that is still at work has hung."""

OUTCOMES = REFUSED, LOADED = "refused", "loaded and worked"

UNFORESEEN = "can be made of it"
"""What an error says that was no check: what followed from a part that no check looked at."""

KINDS: dict[str, Kind] = {
    **fuzz_streams.STREAM,
    **fuzz_tables.TABLES,
    **fuzz_streams.THRESHOLDS,
    **fuzz_streams.FILTERS,
    **fuzz_streams.MORE_STREAMS,
    **fuzz_tables.MORE_TABLES,
    **fuzz_runs.RUNS,
    **fuzz_inputs.INPUTS,
}


@contextlib.contextmanager
def _little_memory() -> Any:
    """Let the process have little more memory than it has."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + MOST_BYTES, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (hard, hard))


def outcome(name: str, path: Path) -> tuple[str, str]:
    """Load a file as a kind of model, use it if it loads, and return what came of it and a word on that."""
    kind = KINDS[name]
    begin = time.perf_counter()
    try:
        with _little_memory():
            model = kind.load(path)
    except kind.refusals as error:
        said, seconds = str(error), time.perf_counter() - begin
        if not said.isprintable() or len(said) > 1000:
            return "FAILED: no printable line", repr(said[:300])
        if seconds > MOST_SECONDS:
            return "FAILED: slow", f"{seconds:.1f} s: {said}"
        if UNFORESEEN in said:
            return "FAILED: not foreseen", said
        return REFUSED, said
    except Exception as error:
        return "FAILED: another error", repr(error)[:300]
    try:
        kind.use(model)
    except Exception as error:
        return "FAILED: in use", repr(error)[:300]
    return LOADED, ""


def _try(name: str, seed: int, numbers: range) -> None:
    """Try files of a kind, by their numbers."""
    kind, place = KINDS[name], list(KINDS).index(name)
    rights = kind.rights()
    # in memory where there is such a folder: the disk would take most of the time
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        path = Path(folder) / kind.name
        for one in rights:
            # compiles and imports what a load and a use need, and fails unless the right file loads and works
            path.write_bytes(kind.right(one))
            kind.use(kind.load(path))
        for i in numbers:
            print(json.dumps([name, i]), flush=True)
            rng = np.random.default_rng([seed, place, i])
            path.write_bytes(kind.wrong(rights[i % len(rights)], rng))
            signal.alarm(PATIENCE)
            found = outcome(name, path)
            signal.alarm(0)
            print(json.dumps([name, i, *found]).replace(folder, ""), flush=True)


def main(argv: list[str]) -> int:
    """Try the files from START to STOP of the first kind, and those up to STOP of the others."""
    seed, start, stop = map(int, argv[:3])
    warnings.simplefilter("ignore")
    for name in argv[3:]:
        _try(name, seed, range(start, stop))
        start = 0
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
