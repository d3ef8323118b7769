"""An SQLite file in which a batch's rows and the model that has learned them change together."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from time import time
from types import TracebackType
from typing import Any, NamedTuple

from iotae import serialization
from iotae._typing import State
from iotae.data import TableError
from iotae.runner.admission import Admission, cells_text, storable
from iotae.runner.database import Database
from iotae.runner.ledger_layout import LAYOUT
from iotae.runner.messages import Message
from iotae.runner.outbox import Outbox
from iotae.runner.seldom import SeldomTold
from iotae.serialization.tree import made, printable

__all__ = ["Judgement", "Ledger"]

_KIND = "StreamLedger"
_DAY_SECONDS = 86_400.0
_FEWEST_DELETED = 1000
"""Rows that a commit may delete, so that each takes about the same time; at least twice what it takes in."""

_COLUMNS = ("device", "part", "seq", "cells", "score", "alarm", "threshold", "reason", "taken")


class Judgement(NamedTuple):
    """What the model says of one row; the threshold is None as long as there is none."""

    score: float
    alarm: bool
    threshold: float | None
    reason: str


class Ledger:
    """The rows of a broker's stream, each once, and the model that has learned them.

    Use it in a ``with`` statement. Others may read the file meanwhile, and delete rows: what was taken in is
    known from the last numbers.

    Parameters
    ----------
    path : str
        The SQLite file, made for its user alone if it is not there.
    words : mapping of str to a JSON value
        What the stream was started with; a file of other words is refused.
    admission : Admission
        Knows which messages are new.
    keep : float, optional
        Days that a row is kept; by default all are.
    queues : bool
        Whether alarms are put down to be sent.

    Attributes
    ----------
    n_doubled : int
        Messages that came again and were passed over.
    outbox : Outbox
        The alarms that are to be sent.

    Raises
    ------
    TableError
        If the file is none of this kind, of another stream, or used by another process.

    Examples
    --------
    >>> import os, tempfile
    >>> from iotae.runner.device_numbers import DeviceNumbers
    >>> path = os.path.join(tempfile.mkdtemp(), "rows.sqlite")
    >>> with Ledger(path, {"topic": "t"}, DeviceNumbers()) as ledger:
    ...     batch = ledger.new_of([Message("a", 1, {"x": 1.0}, "", (1, 1)), Message("a", 1, {}, "", (2, 1))])
    ...     ledger.commit(batch, [Judgement(0.5, True, 0.4, "x 1")], {"counts": {}})
    ...     len(ledger.new_of([Message("a", 1, {"x": 1.0}, "", (1, 1))])), len(ledger.outbox.unsent())
    (0, 1)
    """

    def __init__(
        self,
        path: str,
        words: Mapping[str, Any],
        admission: Admission,
        keep: float | None = None,
        queues: bool = True,
    ) -> None:
        self._path, self._words = path, json.dumps(words, sort_keys=True)
        self._admission, self._keep, self._queues = admission, keep, queues
        self._base = Database(path, LAYOUT)
        self.outbox = Outbox(self._base)
        self.n_doubled, self.saved_at = 0, time()
        self._warnings: list[str] = []
        self._aside: Counter[str] = Counter()
        self._seldom = SeldomTold()

    def __enter__(self) -> Ledger:
        self._base.__enter__()
        try:
            self._admission.load(self._base)
        except BaseException:
            self._base.__exit__(None, None, None)
            raise
        return self

    def load(self) -> State | None:
        """Return the state that was committed last, None for a new file.

        Raises
        ------
        TableError
            If it is of a stream with other words.
        iotae.serialization.StateError
            If it is damaged.
        """
        found = self._base.rows("select state from model")
        if not found:
            return None
        kind, data = made(self._path, _KIND, found[0][0], _opened)
        words = data.get("words")
        # an array in its place would be compared cell by cell
        if kind != _KIND or not isinstance(words, str) or words != self._words:
            begun, now = _differing(words, self._words)
            raise TableError(
                f"Got {self._path}, which was begun with {begun}, but expected {now}: give the same again, "
                "or name another file."
            )
        state = data.get("state")
        if not isinstance(state, dict):
            raise serialization.StateError(f"{self._path}: holds no stream to go on with")
        return state

    def new_of(self, messages: Iterable[Message]) -> list[Message]:
        """Return the messages that are rows and were not taken in; the others are counted."""
        sifted = self._admission.sift(messages)
        self._aside = sifted.aside
        self.n_doubled += sifted.n_again
        self._warnings += sifted.warnings
        for reason, n in sifted.aside.items():
            self._seldom.note(reason, n)
        return sifted.new

    def warnings(self) -> list[str]:
        """Return what an operator should hear of and was not told before, a line each."""
        told, self._warnings = self._warnings, []
        return told + [f"warning: set aside: {n} {reason}" for n, reason in self._seldom.due()]

    def parts(self) -> list[tuple[int, bytes]]:
        """Return the pieces of the model that were committed, each under its number."""
        return self._base.rows("select number, state from models")

    def commit(
        self,
        batch: Sequence[Message],
        judged: Sequence[Judgement],
        state: State,
        parts: Mapping[int, bytes] | None = None,
    ) -> None:
        """Take in a batch: all of it is on the disk when this returns, or nothing of it is."""
        now = time()
        rows = [
            (
                *(storable(one.device), one.part, one.seq, cells_text(one.row)),
                *(said.score, int(said.alarm), said.threshold, storable(said.reason), now),
            )
            for one, said in zip(batch, judged, strict=True)
        ]
        blob = serialization.dumps(_KIND, {"words": self._words, "state": state})
        with self._base.transaction() as base:
            base.executemany(f"insert into rows ({', '.join(_COLUMNS)}) values (?{', ?' * 8})", rows)
            self._admission.store(base)
            self.outbox.put(base, [(row[0], row[2], _alarm(row)) for row in rows if row[5] and self._queues])
            base.executemany(
                "insert into aside values (?, ?) on conflict (reason) do update set n = n + excluded.n",
                self._aside.items(),
            )
            base.execute("insert or replace into model values (1, ?)", (blob,))
            base.executemany("insert or replace into models values (?, ?)", (parts or {}).items())
            if self._keep is not None:
                self._delete(base, now - self._keep * _DAY_SECONDS, max(_FEWEST_DELETED, 2 * len(rows)))
        self._admission.stored()
        self._aside, self.saved_at = Counter(), now

    @staticmethod
    def _delete(base: sqlite3.Connection, before: float, most: int) -> None:
        """Delete the oldest rows and refused alarms; what is not sent yet stays."""
        old = base.execute(
            "select device, part, seq from rows where taken < ? order by taken limit ?", (before, most)
        )
        base.executemany("delete from rows where device = ? and part = ? and seq = ?", old.fetchall())
        Outbox.delete(base, before)

    def aside(self) -> dict[str, int]:
        """Return how many messages were set aside, by reason."""
        return dict(self._base.rows("select reason, n from aside order by reason"))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._base.__exit__(kind, error, trace)


def _opened(blob: Any) -> tuple[str, State]:
    if not isinstance(blob, bytes):
        raise serialization.StateError(f"Got a {type(blob).__name__} as the model, but expected bytes")
    return serialization.loads(blob)


def _alarm(row: tuple[Any, ...]) -> str:
    told = dict(zip(_COLUMNS, row, strict=True)) | {"cells": json.loads(row[3])}
    return json.dumps({name: value for name, value in told.items() if name != "alarm"})


def _differing(begun: Any, now: str) -> tuple[str, str]:
    """What differs between the words that a file was begun with and those of now, each as text.

    Examples
    --------
    >>> _differing('{"topic": "a", "seed": 1}', '{"topic": "a", "seed": 2, "group mode": "shared"}')
    ('no group mode, seed 1', 'group mode shared, seed 2')
    """
    wanted = json.loads(now)
    try:
        found = json.loads(begun)
        names = [name for name in sorted({*found, *wanted}) if found.get(name) != wanted.get(name)]
    except (TypeError, ValueError, AttributeError):
        # a file that was changed by hand
        return printable(begun)[:500], now
    first, second = (", ".join(_told(name, some.get(name)) for name in names) for some in (found, wanted))
    return first[:500], second


def _told(name: str, value: Any) -> str:
    return f"no {name}" if value is None else printable(f"{name} {value}")
