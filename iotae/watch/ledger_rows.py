"""The rows of a broker's stream in its SQLite file: the latest, then those committed since."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, suppress
from datetime import datetime
from math import isfinite, nan
from pathlib import Path
from time import time
from typing import Any

from iotae.data import TableError
from iotae.runner.database import DAMAGED, said
from iotae.watch.found import LONGEST_NAME, LONGEST_REASON, Found, ScoredRow, shown
from iotae.watch.scored_file import HISTORY_ROWS

__all__ = ["LedgerRows", "is_ledger"]

_MOST_ROWS = 20_000
_QUERY = (
    f"select device, score, alarm, threshold, substr(reason, 1, {LONGEST_REASON + 1}), taken from rows "
    "where taken {0} ? order by taken {1}, device {1}, seq {1} limit ?"
)


def is_ledger(path: str) -> bool:
    """Whether a file is, or by its name will be, that of a broker's stream.

    Examples
    --------
    >>> is_ledger("nowhere/rows.sqlite"), is_ledger("nowhere/scored.csv")
    (True, False)
    """
    first = b""
    # the end of a pipe would be waited for
    if os.path.isfile(path):
        with suppress(OSError), open(path, "rb") as file:
            first = file.read(16)
    return first == b"SQLite format 3\0" or (not first and Path(path).suffix in (".sqlite", ".db"))


class LedgerRows:
    """The rows of :class:`iotae.runner.ledger.Ledger`, while it is written or after; a source.

    Rows are told apart by when they were taken in: all of a commit have one time, and later ones a later. The
    file is opened for each look at something new alone, so that no writer is ever kept waiting.

    Parameters
    ----------
    path : str
        It need not be there yet.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._which: tuple[int, int] | None = None
        self._looked: tuple[int, ...] = ()
        self._last: Any = None
        self._numbers: Any = None

    def poll(self) -> Found:
        """Return what is new; see :class:`iotae.watch.found.Source`."""
        try:
            there = os.stat(self._path)
        except FileNotFoundError:
            return Found(waits="there is no such file yet")
        if not there.st_size:
            return Found(waits="the file is empty")
        if self._which != (there.st_dev, there.st_ino):
            self.close()
        looked = (there.st_size, there.st_mtime_ns, *_written(f"{self._path}-wal"))
        if looked == self._looked:
            return Found()
        address = _address_of(self._path)
        try:
            with closing(sqlite3.connect(address, uri=True, isolation_level=None, timeout=0.5)) as base:
                base.execute("begin")
                found = self._looked_into(base)
        except DAMAGED as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                return Found(waits="the file is locked by the process that writes it")
            raise TableError(f"Cannot read rows from {self._path}: {said(error)}.") from None
        self._which = (there.st_dev, there.st_ino)
        self._looked = () if found.more else looked
        return found

    def close(self) -> None:
        """Begin anew at the next look."""
        self._which, self._looked, self._last, self._numbers = None, (), None, None

    def _looked_into(self, base: sqlite3.Connection) -> Found:
        numbers = base.execute("select count(*), total(last_seq) from devices").fetchone()
        # files of version 1 have no partitions
        there = base.execute("select 1 from sqlite_master where name = 'partitions'").fetchone()
        read = base.execute("select total(next) from partitions").fetchone() if there else (0.0,)
        numbers = (numbers, read)
        if self._which is None:
            rows = base.execute(_QUERY.format("is not", "desc"), (None, HISTORY_ROWS + 1)).fetchall()
            earlier, more = len(rows) > HISTORY_ROWS, False
            rows = rows[HISTORY_ROWS - 1 :: -1]
        else:
            rows, more = self._since(base)
            earlier = False
        waits = ""
        if rows:
            self._last = rows[-1][-1]
        elif self._numbers is not None and self._is_set_back(numbers):
            waits = f"rows come that are dated before {_told(self._last)}: the writer's clock was set back"
        self._numbers = numbers
        scored = [one for row in rows if (one := _scored(row)) is not None]
        return Found(scored, self._which is None, earlier, len(rows) - len(scored), more, waits)

    def _is_set_back(self, numbers: Any) -> bool:
        """Whether more was taken in without later rows."""
        # an offset of Kafka may be that of no row, and says so only while the latest row is of the future
        devices, read = numbers
        ahead = isinstance(self._last, float) and self._last > time()
        return bool(devices != self._numbers[0] or (read != self._numbers[1] and ahead))

    def _since(self, base: sqlite3.Connection) -> tuple[list[Any], bool]:
        """The rows of the commits since the last look, up to a number, and whether there are more."""
        last = -1.0 if self._last is None else self._last
        rows = base.execute(_QUERY.format(">", "asc"), (last, _MOST_ROWS + 1)).fetchall()
        if len(rows) <= _MOST_ROWS:
            return rows, False
        whole = [row for row in rows if row[-1] != rows[-1][-1]]
        # a commit is taken as a whole, even one of more rows than this
        return whole or base.execute(_QUERY.format("=", "asc"), (rows[-1][-1], -1)).fetchall(), True


def _address_of(path: str) -> str:
    """How the file is opened to be read."""
    whole = Path(path).absolute()
    # where nobody writes it, it can only be opened by who may make a file beside it, or who says that it
    # does not change
    unwritten = not os.path.exists(f"{path}-wal") and not os.access(whole.parent, os.W_OK)
    return f"{whole.as_uri()}?mode=ro{'&immutable=1' if unwritten else ''}"


def _written(path: str) -> tuple[int, ...]:
    try:
        there = os.stat(path)
    except FileNotFoundError:
        return ()
    return there.st_size, there.st_mtime_ns


def _told(taken: float) -> str:
    return datetime.fromtimestamp(taken).isoformat(" ", "seconds")


def _scored(row: Any) -> ScoredRow | None:
    """A row as the ledger wrote it; None if another program wrote something else."""
    device, score, alarm, cut, reason, taken = row
    try:
        score = score if isfinite(score) else nan
        return ScoredRow(
            shown(device, LONGEST_NAME),
            _told(taken),
            score,
            nan if cut is None else float(cut),
            bool(alarm),
            score == score and cut is not None,
            shown(reason, LONGEST_REASON),
            taken,
        )
    except (TypeError, ValueError, OverflowError, OSError, AttributeError):
        return None
