"""An SQLite file in which a batch's rows and the model that has learned them change together."""

from __future__ import annotations

import json
import os
import sqlite3
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from contextlib import closing, suppress
from time import time
from types import TracebackType
from typing import Any, NamedTuple

from iotae import serialization
from iotae._typing import State
from iotae.data import TableError
from iotae.runner.messages import Message

__all__ = ["Judgement", "Ledger"]

_KIND = "StreamLedger"
_VERSION = 1
_MOST_DEVICES = 100_000

_SCHEMA = """
create table rows (
    device text not null, seq integer not null, cells text not null, score real not null,
    alarm integer not null, threshold real, reason text not null, taken real not null,
    primary key (device, seq)
) without rowid;
create index alarms on rows (taken) where alarm;
create table devices (device text primary key, last_seq integer not null) without rowid;
create table unsent (id integer primary key, device text not null, seq integer not null, body text not null);
create table aside (reason text primary key, n integer not null) without rowid;
create table model (one integer primary key check (one = 1), state blob not null);
"""


class Judgement(NamedTuple):
    """What the model says of one row; the threshold is None as long as there is none."""

    score: float
    alarm: bool
    threshold: float | None
    reason: str


class Ledger:
    """The rows of a broker's stream, each once, and the model that has learned them.

    Use it in a ``with`` statement. Rows may be deleted by others at any time; what was taken in is known from
    the last number of each device.

    Parameters
    ----------
    path : str
        The SQLite file, made for its user alone if it is not there.
    words : mapping of str to a JSON value
        What the stream was started with; a file of other words is refused.

    Attributes
    ----------
    n_doubled : int
        Messages that came again and were passed over.

    Raises
    ------
    TableError
        If the file is none of this kind, of another stream, or used by another process.

    Examples
    --------
    >>> import tempfile
    >>> path = os.path.join(tempfile.mkdtemp(), "rows.sqlite")
    >>> with Ledger(path, {"topic": "t"}) as ledger:
    ...     batch = ledger.new_of([Message("a", 1, {"x": 1.0}, "", (1, 1)), Message("a", 1, {}, "", (2, 1))])
    ...     ledger.commit(batch, [Judgement(0.5, True, 0.4, "x 1")], {"counts": {}})
    ...     len(ledger.new_of([Message("a", 1, {"x": 1.0}, "", (1, 1))])), len(ledger.unsent())
    (0, 1)
    """

    def __init__(self, path: str, words: Mapping[str, Any]) -> None:
        self._path, self._words = path, json.dumps(words, sort_keys=True)
        self.n_doubled = 0
        self._aside: Counter[str] = Counter()

    def __enter__(self) -> Ledger:
        if not os.path.lexists(self._path):
            with suppress(FileExistsError):
                os.close(os.open(self._path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        elif os.path.islink(self._path) or not os.path.isfile(self._path):
            raise TableError(f"Got the output {self._path}, but expected an ordinary file, no link.")
        self._base = sqlite3.connect(self._path, isolation_level=None, timeout=2.0)
        try:
            self._open()
        except BaseException as error:
            self._base.close()
            if isinstance(error, sqlite3.Error):
                raise TableError(
                    f"Cannot use {self._path} for the rows of a broker: {error}. Name another file, or end "
                    "the process that uses it."
                ) from None
            raise
        return self

    def _open(self) -> None:
        # one process at a time, and a commit that is on the disk when it returns
        for setting in ("locking_mode=exclusive", "journal_mode=wal", "synchronous=full"):
            self._base.execute(f"pragma {setting}").fetchall()
        (version,) = self._base.execute("pragma user_version").fetchone()
        self._base.execute("begin immediate")
        if version == 0:
            if self._base.execute("select count(*) from sqlite_master").fetchone()[0]:
                raise TableError(f"Got {self._path}, an SQLite file of another program: name another file.")
            for statement in _SCHEMA.split(";"):
                self._base.execute(statement)
            self._base.execute(f"pragma user_version = {_VERSION}")
        elif version != _VERSION:
            raise TableError(
                f"Got {self._path} of version {version}, but expected {_VERSION}: upgrade iotae."
            )
        self._base.execute("commit")
        self._last: dict[str, int] = dict(self._base.execute("select device, last_seq from devices"))

    def load(self) -> State | None:
        """Return the state that was committed last, None for a new file.

        Raises
        ------
        TableError
            If it is of a stream with other words.
        iotae.serialization.StateError
            If it is damaged.
        """
        found = self._base.execute("select state from model").fetchone()
        if found is None:
            return None
        try:
            kind, data = serialization.loads(found[0])
        except serialization.StateError as error:
            raise serialization.StateError(f"{self._path}: {error}") from error
        if kind != _KIND or data.get("words") != self._words:
            raise TableError(
                f"Got {self._path}, which was begun with {data.get('words')}, but expected {self._words}: "
                "give the same again, or name another file."
            )
        state: State = data["state"]
        return state

    def new_of(self, messages: Iterable[Message]) -> list[Message]:
        """Return the messages that are rows and were not taken in; the others are counted."""
        new: list[Message] = []
        seen: dict[str, int] = {}
        for message in messages:
            if message.aside:
                self._aside[message.aside] += 1
            elif message.seq <= seen.get(message.device, self._last.get(message.device, -1)):
                self.n_doubled += 1
            elif message.device not in self._last and len(self._last) + len(seen) >= _MOST_DEVICES:
                self._aside[f"messages of more than {_MOST_DEVICES} devices"] += 1
            else:
                seen[message.device] = message.seq
                new.append(message)
        return new

    def commit(self, batch: Sequence[Message], judged: Sequence[Judgement], state: State) -> None:
        """Take in a batch: all of it is on the disk when this returns, or nothing of it is."""
        now, last = time(), {message.device: message.seq for message in batch}
        rows = [
            (one.device, one.seq, _written(one.row), score, int(alarm), threshold, reason, now)
            for one, (score, alarm, threshold, reason) in zip(batch, judged, strict=True)
        ]
        blob = serialization.dumps(_KIND, {"words": self._words, "state": state})
        base = self._base
        base.execute("begin immediate")
        try:
            base.executemany("insert into rows values (?, ?, ?, ?, ?, ?, ?, ?)", rows)
            base.executemany("insert or replace into devices values (?, ?)", last.items())
            base.executemany(
                "insert into unsent (device, seq, body) values (?, ?, ?)",
                [(row[0], row[1], _alarm(row)) for row in rows if row[4]],
            )
            base.executemany(
                "insert into aside values (?, ?) on conflict (reason) do update set n = n + excluded.n",
                self._aside.items(),
            )
            base.execute("insert or replace into model values (1, ?)", (blob,))
            base.execute("commit")
        except BaseException as error:
            with suppress(sqlite3.Error):
                base.execute("rollback")
            if isinstance(error, sqlite3.Error):
                raise OSError(None, str(error), self._path) from error
            raise
        self._last |= last
        self._aside.clear()

    def unsent(self) -> list[tuple[int, str]]:
        """Return up to 100 alarms that are not sent yet, oldest first: their key and their text, JSON."""
        with closing(self._base.execute("select id, body from unsent order by id limit 100")) as found:
            return found.fetchall()

    def sent(self, keys: Iterable[int]) -> None:
        """Take alarms for sent."""
        # each by itself is right, too: what is not deleted is sent again
        self._base.executemany("delete from unsent where id = ?", [(key,) for key in keys])

    def aside(self) -> dict[str, int]:
        """Return how many messages were set aside, by reason."""
        return dict(self._base.execute("select reason, n from aside order by reason"))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._base.close()


def _written(row: Mapping[Hashable, Any]) -> str:
    """A row as JSON, which has no NaN; times as text."""
    return json.dumps({name: None if cell != cell else cell for name, cell in row.items()}, default=str)


def _alarm(row: tuple[Any, ...]) -> str:
    names = ("device", "seq", "cells", "score", "alarm", "threshold", "reason", "taken")
    told = dict(zip(names, row, strict=True)) | {"cells": json.loads(row[2])}
    return json.dumps({name: value for name, value in told.items() if name != "alarm"})
