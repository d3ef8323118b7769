"""Kinds of files of the fuzz benchmark: what the command goes on with, and what it reads.

The command runs in this process. It may refuse a file by its exit code 1 and one line, and never with a
traceback. Of what it takes, all rows must come out again or be told of.
"""

from __future__ import annotations

import contextlib
import csv
import functools
import io
import json
import re
import shutil
import sqlite3
import tempfile
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import mutations
from benchmarks.fuzz_kinds import N_ROWS, Kind, State, demand, finite
from benchmarks.text_mutations import changed_text
from iotae import OnlineAutoencoder, serialization
from iotae.cli import brokers, main
from iotae.data import TableError
from iotae.runner.device_numbers import DeviceNumbers
from iotae.runner.ledger import Judgement, Ledger
from iotae.runner.messages import Message, Naming, message_of
from iotae.serialization import StateError

__all__ = ["INPUTS", "RUNS"]

_LINE = "iotae: error: "
_NO_ROW = re.compile(r"iotae: note: (\d+) .*set aside")
_DONE = re.compile(r"iotae: (\d+) rows?(?: scored and learned|: )")
_N_BEFORE = 60


class RefusedError(Exception):
    """The command ended with exit code 1 and one line that says why."""


@functools.cache
def _folder() -> Path:
    # it goes with the process
    made = tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None)
    _KEPT.append(made)
    return Path(made.name)


_KEPT: list[Any] = []


def _run(*argv: Any) -> list[str]:
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


def _csv_text(n_rows: int, seed: int = 0) -> bytes:
    rng = np.random.default_rng(seed)
    load = rng.normal(size=n_rows)
    rows = [
        f"{('fan', 'pump', '7')[i % 3]},2026-01-01T{i // 60:02}:{i % 60:02}:00,{50 + 5 * x:.3f},"
        f"{20 + 3 * x + e:.3f},{('eco', 'max')[i % 2]}\n"
        for i, (x, e) in enumerate(zip(load, rng.normal(size=n_rows), strict=True))
    ]
    return ("device,at,power,latency,mode\n" + "".join(rows)).encode()


def _json_text(n_rows: int, seed: int = 0) -> bytes:
    table = csv.DictReader(io.StringIO(_csv_text(n_rows, seed).decode()))
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


def _rows_of(path: Path) -> list[list[str]]:
    """The rows of a CSV file that the command wrote, without its header."""
    with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:
        return list(csv.reader(file))[1:]


# -- what a run goes on with -------------------------------------------------------------------------


def _words(group: bool) -> list[Any]:
    folder = _folder() / ("devices" if group else "one")
    argv = ["stream", folder / "events.csv", "-o", folder / "scored.csv", "--checkpoint", folder / "state"]
    return [*argv, "--explain", *(["--group", "device"] if group else [])]


def _checkpoints() -> list[State]:
    """States of a stream of one model and of a fleet, after which more rows have come."""
    states = []
    for group in (False, True):
        folder = _folder() / ("devices" if group else "one")
        folder.mkdir(exist_ok=True)
        whole = _csv_text(_N_BEFORE + N_ROWS)
        begun = b"".join(whole.splitlines(keepends=True)[: _N_BEFORE + 1])
        (folder / "events.csv").write_bytes(begun)
        _run(*_words(group))
        (folder / "events.csv").write_bytes(whole)
        shutil.copy(folder / "scored.csv", folder / "before.csv")
        states.append(serialization.read(folder / "state" / "checkpoint.iotae")[1])
    return states


def _go_on(path: Path) -> Path:
    blob = path.read_bytes()
    group = b'\\"key\\"' in blob or b"devices" in blob
    folder = _folder() / ("devices" if group else "one")
    shutil.copy(folder / "before.csv", folder / "scored.csv")
    (folder / "state" / "checkpoint.iotae").write_bytes(blob)
    _run(*_words(group))
    return folder / "scored.csv"


def _use_scored(path: Path) -> None:
    # the place where a forged length cuts is its maker's
    latest = _rows_of(path)[-N_ROWS // 2 :]
    demand(bool(latest), "no row")
    finite([float(row[-4]) for row in latest], "scores")


_LEDGER_WORDS = {"topic": "plant/+"}
_TABLES = ("devices", "unsent", "aside", "model", "rows")


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
    path = _folder() / "begun.sqlite"
    with Ledger(str(path), _LEDGER_WORDS, DeviceNumbers()) as ledger:
        model = OnlineAutoencoder(seed=0, grace_period=20, alpha=0.2)
        lines = [*_json_text(_N_BEFORE).splitlines(), b"no object"]
        _commit(ledger, model, {"rows": 0, "alarms": 0}, _messages(lines, 0))
        words = json.dumps(_LEDGER_WORDS, sort_keys=True)
        counts = {"rows": _N_BEFORE, "alarms": 1}
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
    path = _folder() / "changed.sqlite"
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
        lines = [line.replace(b'"seq": ', b'"seq": 1') for line in _json_text(N_ROWS, 3).splitlines()]
        model: OnlineAutoencoder = judge.model
        _commit(ledger, model, {"rows": rows, "alarms": alarms}, _messages(lines, 1000))
        ledger.outbox.done([key for key, *_ in ledger.outbox.unsent()], {})
        ledger.aside()
    return model


def _texts(name: str, right: bytes, load: Callable[[Path], Any], use: Callable[[Any], None]) -> Kind:
    return Kind(lambda: [right], bytes, changed_text, load, use, (RefusedError,), name)


def _with_rules(path: Path) -> list[str]:
    out = _folder()
    (out / "rows.csv").write_bytes(_csv_text(N_ROWS))
    return _filtered(out / "rows.csv", "--rules", path)


def _with_answers(path: Path) -> list[str]:
    (_folder() / "rows.csv").write_bytes(_csv_text(N_ROWS))
    return _run("stream", _folder() / "rows.csv", "-o", _folder() / "out.csv", "--labels", path)


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
    "a broker's ledger": Kind(
        _ledgers,
        lambda right: right[0],
        _wrong_ledger,
        _go_on_with_ledger,
        lambda model: finite([model.threshold if model.n_seen > 200 else 0.0], "cuts"),
        (StateError, TableError, OSError),
        "rows.sqlite",
    ),
    "rules": _texts("rules.toml", _RULES.encode(), _with_rules, lambda said: None),
    "answers": _texts(
        "answers.csv", b"row,label\n3,normal\n17,anomaly\n40,0\n", _with_answers, lambda said: None
    ),
}
"""What a run goes on with, or is told."""


# -- what a run reads --------------------------------------------------------------------------------


def _n_given(text: bytes, as_json: bool) -> int | None:
    """How many rows a text has, by its lines; None where quotes or comments make these no rows."""
    text = text.removeprefix(b"\xef\xbb\xbf")
    end = b"\r" if b"\n" not in text and b"\r" in text[:-1] else b"\n"
    lines = text.split(end)
    if as_json:
        return sum(1 for line in lines if line.decode("utf-8", "surrogateescape").strip())
    if b'"' in text or b"#" in text or b"sep=" in text.lower():
        return None
    begin = next((i for i, line in enumerate(lines) if line.decode("utf-8", "surrogateescape").strip()), 0)
    # one column alone may be empty
    if not any(mark in lines[begin] for mark in (b",", b";", b"\t", b"|")):
        return None
    return sum(1 for line in lines[begin + 1 :] if line.strip(b"\r"))


def _number(pattern: re.Pattern[str], said: list[str]) -> int:
    return sum(int(found[1]) for line in said if (found := pattern.match(line)))


def _streamed(path: Path, *options: str) -> list[str]:
    out = _folder() / "out.csv"
    said = _run("stream", path, "-o", out, "--explain", *options)
    rows = _rows_of(out)
    done, given = _number(_DONE, said), _n_given(path.read_bytes(), path.suffix == ".jsonl")
    demand(len(rows) == done, f"{done} rows said to be learned and {len(rows)} in the output")
    aside = _number(_NO_ROW, said)
    demand(given in (None, done + aside), f"{given} rows, but {done} came out and {aside} were set aside")
    finite([float(row[-4]) for row in rows], "scores")
    return said


def _filtered(path: Path, *options: Any) -> list[str]:
    out, rejected = _folder() / "valid.csv", _folder() / "rejected.csv"
    said = _run("filter", path, "-o", out, "--rejected", rejected, *options)
    done, given = _number(_DONE, said), _n_given(path.read_bytes(), path.suffix == ".jsonl")
    n_rows = len(_rows_of(out)) + len(_rows_of(rejected))
    demand(n_rows == done, f"{done} rows said to be judged and {n_rows} in the outputs")
    demand(given in (None, done), f"{given} rows, but {done} came out")
    return said


def _taken_in(path: Path) -> None:
    base = _folder() / "taken.sqlite"
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


def _input(name: str, right: bytes, load: Callable[[Path], Any]) -> Kind:
    return _texts(name, right, load, lambda said: None)


INPUTS: dict[str, Kind] = {
    "iotae stream, CSV": _input("rows.csv", _csv_text(N_ROWS), _streamed),
    "iotae stream, JSON lines": _input("rows.jsonl", _json_text(N_ROWS), _streamed),
    "iotae stream --group": _input(
        "rows.csv", _csv_text(N_ROWS), lambda path: _streamed(path, "--group", "device")
    ),
    "iotae filter, CSV": _input(
        "rows.csv", _csv_text(N_ROWS), lambda path: _filtered(path, "--group", "device")
    ),
    "iotae filter, JSON lines": _input("rows.jsonl", _json_text(N_ROWS), _filtered),
    "messages of a broker": _input("messages", _json_text(N_ROWS).rstrip(b"\n"), _taken_in),
}
"""What a run reads."""
