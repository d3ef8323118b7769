"""Kinds of files of the fuzz benchmark: the SQLite file of a broker's rows, and messages that go into it."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from argparse import Namespace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import mutations
from benchmarks.fuzz_calls import N_BEFORE, json_text, scratch
from benchmarks.fuzz_kinds import N_ROWS, Kind, State, demand, finite
from iotae import OnlineAutoencoder
from iotae.cli import brokers
from iotae.data import TableError
from iotae.runner.device_numbers import DeviceNumbers
from iotae.runner.ledger import Judgement, Ledger
from iotae.runner.messages import Message, Naming, message_of
from iotae.serialization import StateError

__all__ = ["LEDGER", "taken_in"]

_LEDGER_WORDS = {"topic": "plant/+"}
_TABLES = ("devices", "unsent", "refused", "aside", "model", "rows")


def _messages(payloads: list[bytes], first: int) -> list[Message]:
    return [
        message_of(f"plant/{('fan', 'pump')[i % 2]}", payload, Naming("seq", None, 1), (first + i, 1))
        for i, payload in enumerate(payloads)
    ]


def _judged(model: OnlineAutoencoder, row: dict[Any, Any]) -> Judgement:
    reason, cut = "; ".join(model.reasons_one(row)), model.threshold
    score, alarm = model.score_learn_one(row)
    demand(0.0 <= score < 1.0, f"a score of {score}")
    return Judgement(score, alarm, cut if np.isfinite(cut) else None, reason)


def _commit(ledger: Ledger, model: OnlineAutoencoder, counts: dict[str, int], batch: list[Message]) -> int:
    """Take in messages as a run does; return how many of them were rows."""
    new = ledger.new_of(batch)
    judged = [_judged(model, one.row) for one in new]
    alarms = counts["alarms"] + sum(one.alarm for one in judged)
    counts = {"rows": counts["rows"] + len(new), "alarms": alarms}
    ledger.commit(new, judged, {"model": model.to_state(), "counts": counts})
    return len(new)


def _ledgers() -> list[tuple[bytes, State]]:
    path = scratch() / "begun.sqlite"
    with Ledger(str(path), _LEDGER_WORDS, DeviceNumbers()) as ledger:
        model = OnlineAutoencoder(seed=0, grace_period=20, alpha=0.2)
        lines = [*json_text(N_BEFORE).splitlines(), b"no object"]
        _commit(ledger, model, {"rows": 0, "alarms": 0}, _messages(lines, 0))
        words = json.dumps(_LEDGER_WORDS, sort_keys=True)
        counts = {"rows": N_BEFORE, "alarms": 1}
        state = {"words": words, "state": {"model": model.to_state(), "counts": counts}}
    return [(path.read_bytes(), state)]


def _wrong_ledger(right: tuple[bytes, State], rng: np.random.Generator) -> bytes:
    blob, state = right
    how = rng.random()
    if how < 0.2:
        damaged = np.frombuffer(blob, np.uint8).copy()
        places = rng.integers(len(damaged) if rng.random() < 0.7 else 200, size=int(rng.integers(1, 20)))
        damaged[places] = rng.integers(256, size=len(places))
        return damaged.tobytes()[: len(blob) if rng.random() < 0.8 else int(rng.integers(len(blob)))]
    path = scratch() / "changed.sqlite"
    path.write_bytes(blob)
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as base:
        if how < 0.6:
            base.execute("update model set state = ?", (mutations.mutant("StreamLedger", state, rng),))
        else:
            # a change that the tables themselves refuse leaves the file right
            with contextlib.suppress(sqlite3.Error, OverflowError):
                _change_table(base, rng)
        base.execute("pragma wal_checkpoint(truncate)").fetchall()
    return path.read_bytes()


def _change_table(base: sqlite3.Connection, rng: np.random.Generator) -> None:
    table = _TABLES[rng.integers(len(_TABLES))]
    columns = [row[1] for row in base.execute(f"pragma table_info({table})")]
    column = columns[rng.integers(len(columns))]
    how = rng.random()
    if how < 0.7:
        values = (-1, 0, 7, 2**62, -(2**62), 1.5, "", "x", "\0", b"", b"\xff", "5", None, float("inf"))
        some = "" if rng.random() < 0.5 else f" where rowid % 2 or {column} is not null"
        base.execute(f"update {table} set {column} = ?{some}", (values[rng.integers(len(values))],))
    elif how < 0.8:
        base.execute(f"delete from {table}")
    elif how < 0.9:
        base.execute(f"alter table {table} rename column {column} to other")
    else:
        name = ("user_version", "application_id")[rng.integers(2)]
        base.execute(f"pragma {name} = {int(rng.integers(-3, 9))}")


def _go_on_with_ledger(path: Path) -> OnlineAutoencoder:
    for end in ("-wal", "-shm", "-lock"):
        Path(f"{path}{end}").unlink(missing_ok=True)
    with Ledger(str(path), _LEDGER_WORDS, DeviceNumbers()) as ledger:
        given = Namespace(alpha=None, seed=None, model=None, output=str(path), drop=[], explain=False)
        given.group_mode = None
        judge, (rows, alarms) = brokers._judge_of(ledger, given)
        lines = [line.replace(b'"seq": ', b'"seq": 1') for line in json_text(N_ROWS, 3).splitlines()]
        model: OnlineAutoencoder = judge.model
        _commit(ledger, model, {"rows": rows, "alarms": alarms}, _messages(lines, 1000))
        ledger.outbox.done([key for key, *_ in ledger.outbox.unsent()], {})
        ledger.aside()
    return model


def taken_in(path: Path) -> None:
    """Take in the lines of a file as messages, each of which must be a row or told of."""
    base = scratch() / "taken.sqlite"
    for end in ("", "-wal", "-shm", "-lock"):
        Path(f"{base}{end}").unlink(missing_ok=True)
    payloads = path.read_bytes().split(b"\n")
    with Ledger(str(base), _LEDGER_WORDS, DeviceNumbers()) as ledger:
        model = OnlineAutoencoder(seed=0, grace_period=20, alpha=0.2)
        n_rows = _commit(ledger, model, {"rows": 0, "alarms": 0}, _messages(payloads, 0))
        aside = sum(ledger.aside().values())
        demand(n_rows + aside + ledger.n_doubled == len(payloads), "messages that are not accounted for")
        for *_, body in ledger.outbox.unsent():
            json.loads(body)
    with contextlib.closing(sqlite3.connect(base)) as found:
        written = found.execute("select count(*) from rows").fetchone()[0]
    demand(written == n_rows, f"{n_rows} rows taken in and {written} written")


LEDGER = Kind(
    _ledgers,
    lambda right: right[0],
    _wrong_ledger,
    _go_on_with_ledger,
    lambda model: finite([model.threshold if model.n_seen > 200 else 0.0], "cuts"),
    (StateError, TableError, OSError),
    "rows.sqlite",
)
"""What a stream of a broker goes on with."""
