"""Alarms on their way out: kept with the rows until they are taken, or set aside where they never will be."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from time import time
from typing import NamedTuple

from iotae.runner.database import Database

__all__ = ["Deliver", "Delivered", "Outbox"]


class Delivered(NamedTuple):
    """What came of alarms that were handed over in order.

    Attributes
    ----------
    n : int
        How many of them, from the first on, are done with: taken, or refused for good.
    refused : mapping of int to str
        Which of these would be refused again whenever they were sent, by their place, and why.
    why : str
        Why the next one is not taken for now; '' where an operator need not hear of it.
    """

    n: int
    refused: Mapping[int, str]
    why: str = ""


Deliver = Callable[[Sequence[tuple[str, str]]], Delivered]
"""Takes alarms, each a device and a text, and says what came of them."""


class Outbox:
    """The tables of alarms in the file of a broker's rows.

    Parameters
    ----------
    base : Database
        Opened by its owner.

    Attributes
    ----------
    n_refused : int
        Alarms that were refused since the start.
    """

    def __init__(self, base: Database) -> None:
        self._base, self.n_refused = base, 0

    @staticmethod
    def put(change: sqlite3.Connection, alarms: Iterable[tuple[str, int, str]]) -> None:
        """Put down, in the transaction of their rows, alarms to be sent: device, number and text."""
        change.executemany("insert into unsent (device, seq, body) values (?, ?, ?)", alarms)

    def unsent(self) -> list[tuple[int, str, str]]:
        """Return up to 100 alarms that are not sent yet, oldest first: key, device and text, JSON."""
        return self._base.rows("select id, device, body from unsent order by id limit 100")

    def done(self, keys: Sequence[int], refused: Mapping[int, str]) -> None:
        """Take alarms out: those that are taken, and with a reason those that never will be."""
        if not keys:
            return
        now = time()
        with self._base.transaction() as change:
            change.executemany(
                "insert into refused (device, seq, body, reason, refused) "
                "select device, seq, body, ?, ? from unsent where id = ?",
                [(why, now, key) for key, why in refused.items()],
            )
            change.executemany("delete from unsent where id = ?", [(key,) for key in keys])
        self.n_refused += len(refused)

    def n_waiting(self) -> int:
        """Return how many alarms wait, without a look at each of them."""
        ((last, first),) = self._base.rows(
            "select (select max(id) from unsent), (select min(id) from unsent)"
        )
        return 0 if last is None else int(last - first + 1)

    def n_set_aside(self) -> int:
        """Return how many alarms were refused, in this run or an earlier one, and are still there."""
        return int(self._base.rows("select count(*) from refused")[0][0])

    @staticmethod
    def delete(change: sqlite3.Connection, before: float) -> None:
        """Delete what was refused before a moment, in seconds since 1970."""
        change.execute("delete from refused where refused < ?", (before,))
