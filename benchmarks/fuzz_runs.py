"""Kinds of files of the fuzz benchmark: what a run of the command goes on with, and what it is told."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from benchmarks import mutations
from benchmarks.fuzz_calls import N_BEFORE, RefusedError, csv_text, rows_of, run, scratch, text_kind
from benchmarks.fuzz_inputs import filtered
from benchmarks.fuzz_kinds import N_ROWS, Kind, State, demand, finite
from benchmarks.fuzz_ledgers import LEDGER
from iotae import serialization

__all__ = ["RUNS"]


def _words(group: bool) -> list[Any]:
    folder = scratch() / ("devices" if group else "one")
    argv = ["stream", folder / "events.csv", "-o", folder / "scored.csv", "--checkpoint", folder / "state"]
    return [*argv, "--explain", *(["--group", "device"] if group else [])]


def _checkpoints() -> list[State]:
    """States of a stream of one model and of a fleet, after which more rows have come."""
    states = []
    for group in (False, True):
        folder = scratch() / ("devices" if group else "one")
        folder.mkdir(exist_ok=True)
        whole = csv_text(N_BEFORE + N_ROWS)
        begun = b"".join(whole.splitlines(keepends=True)[: N_BEFORE + 1])
        (folder / "events.csv").write_bytes(begun)
        run(*_words(group))
        (folder / "events.csv").write_bytes(whole)
        shutil.copy(folder / "scored.csv", folder / "before.csv")
        states.append(serialization.read(folder / "state" / "checkpoint.iotae")[1])
    return states


def _go_on(path: Path) -> Path:
    blob = path.read_bytes()
    group = b'\\"key\\"' in blob or b"devices" in blob
    folder = scratch() / ("devices" if group else "one")
    shutil.copy(folder / "before.csv", folder / "scored.csv")
    (folder / "state" / "checkpoint.iotae").write_bytes(blob)
    run(*_words(group))
    return folder / "scored.csv"


def _use_scored(path: Path) -> None:
    # the place where a forged length cuts is its maker's
    latest = rows_of(path)[-N_ROWS // 2 :]
    demand(bool(latest), "no row")
    finite([float(row[-4]) for row in latest], "scores")


def _with_rules(path: Path) -> list[str]:
    out = scratch()
    (out / "rows.csv").write_bytes(csv_text(N_ROWS))
    return filtered(out / "rows.csv", "--rules", path)


def _with_answers(path: Path) -> list[str]:
    (scratch() / "rows.csv").write_bytes(csv_text(N_ROWS))
    return run("stream", scratch() / "rows.csv", "-o", scratch() / "out.csv", "--labels", path)


_RULES = """[columns.power]
least = -40
most = 60.5
unit = 'W'
required = true
sentinels = [85, -127.0]

[columns.mode]
kind = "text"

[columns."late cy"]
kind = "number"
"""

RUNS: dict[str, Kind] = {
    "a checkpoint": Kind(
        _checkpoints,
        lambda state: mutations.sealed("StreamCheckpoint", state),
        lambda state, rng: mutations.mutant("StreamCheckpoint", state, rng),
        _go_on,
        _use_scored,
        (RefusedError,),
    ),
    "a broker's ledger": LEDGER,
    "rules": text_kind("rules.toml", _RULES.encode(), _with_rules, lambda said: None),
    "answers": text_kind(
        "answers.csv", b"row,label\n3,normal\n17,anomaly\n40,0\n", _with_answers, lambda said: None
    ),
}
"""What a run goes on with, or is told."""
