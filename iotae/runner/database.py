"""An SQLite file that one process writes, and that others may read, and clean up, meanwhile."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from time import monotonic
from types import TracebackType
from typing import Any, NamedTuple

from iotae.data import TableError
from iotae.runner.locks import lock_of_one
from iotae.serialization.tree import printable

__all__ = ["DAMAGED", "Database", "Layout", "said"]

DAMAGED = (sqlite3.Error, UnicodeDecodeError)
"""What SQLite raises at a file that it cannot use; what it says of a damaged one may be no text at all."""


def said(error: BaseException) -> str:
    """What one of these errors says, on one line; SQLite repeats what it finds in a file."""
    return "its tables are damaged" if isinstance(error, UnicodeDecodeError) else printable(error)


_SLICE_SECONDS, _OPENING_SECONDS, _WAIT_SECONDS = 1.0, 5.0, 300.0
_LARGEST_LOG = 1 << 26
"""Bytes that the write-ahead log keeps when a reader who held it has left."""


class Layout(NamedTuple):
    """The tables of a kind of file.

    Attributes
    ----------
    kind : int
        SQLite's ``application_id``, which tells files of this kind from others.
    schema : str
        Statements that make an empty file one of the latest version.
    upgrades : mapping of int to str
        By version, the statements that make a file of it one of the next.
    version : int
        The latest version.
    """

    kind: int
    schema: str
    version: int
    upgrades: Mapping[int, str]


class Database:
    """A file of tables, in a ``with`` statement: one process writes it at a time.

    Others may read it at any time, and a long read does not hold up the writer. Others may write, too, such
    as a job that deletes old rows; the writer waits for them, for five minutes at most.

    Parameters
    ----------
    path : str
        The file, made for its user alone if it is not there. Beside it lies a lock, ``PATH-lock``.
    layout : Layout

    Raises
    ------
    TableError
        If the file is none of this kind, or another process writes it.

    Examples
    --------
    >>> import tempfile
    >>> path = os.path.join(tempfile.mkdtemp(), "a.sqlite")
    >>> layout = Layout(7, "create table heights (metres real)", 1, {})
    >>> with Database(path, layout) as base:
    ...     with base.transaction() as change:
    ...         _ = change.execute("insert into heights values (8.5)")
    ...     with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as reader:
    ...         print(reader.execute("select * from heights").fetchall(), base.rows("select 1"))
    ...     reader.close()
    [(8.5,)] [(1,)]
    """

    def __init__(self, path: str, layout: Layout) -> None:
        self.path, self._layout = path, layout

    def __enter__(self) -> Database:
        if os.path.islink(self.path) or (os.path.exists(self.path) and not os.path.isfile(self.path)):
            raise TableError(f"Got the output {self.path}, but expected an ordinary file, no link.")
        try:
            lock = lock_of_one(f"{self.path}-lock")
        except OSError as error:
            raise TableError(f"Cannot use {self.path}: {error.strerror}: {error.filename}.") from None
        if lock is None:
            raise TableError(f"Cannot use {self.path}, as a running process does: end it, or name another.")
        self._lock = lock
        try:
            self._open()
        except BaseException:
            os.close(lock)
            raise
        return self

    def _open(self) -> None:
        # SQLite would make it as readable as any new file
        with suppress(FileExistsError):
            os.close(os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        self._base = sqlite3.connect(self.path, isolation_level=None, timeout=_SLICE_SECONDS)
        try:
            # a commit is on the disk when it returns
            for setting in ("journal_mode=wal", "synchronous=full", f"journal_size_limit={_LARGEST_LOG}"):
                self._base.execute(f"pragma {setting}").fetchall()
            with self._begun(_OPENING_SECONDS):
                self._make_tables()
        except BaseException as error:
            self._base.close()
            if isinstance(error, DAMAGED):
                raise TableError(f"Cannot use {self.path}: {said(error)}. Name another file.") from None
            raise

    def _make_tables(self) -> None:
        kind, version = (self.rows(f"pragma {name}")[0][0] for name in ("application_id", "user_version"))
        wanted = self._layout
        if version == 0 and self.rows("select 1 from sqlite_master limit 1"):
            raise TableError(f"Got {self.path}, an SQLite file of another program: name another file.")
        # the first version had no kind yet
        if version and kind not in (wanted.kind, 0 if version in wanted.upgrades else wanted.kind):
            raise TableError(f"Got {self.path}, a file with other tables than these rows: name another.")
        if not 0 <= version <= wanted.version:
            raise TableError(
                f"Got {self.path} of version {version}, but expected {wanted.version}: upgrade iotae."
            )
        steps = [wanted.upgrades[step] for step in range(version, wanted.version)] if version else []
        for statement in ";".join(steps or [wanted.schema] * (version == 0)).split(";"):
            self._base.execute(statement)
        self._base.execute(f"pragma application_id = {wanted.kind}")
        self._base.execute(f"pragma user_version = {wanted.version}")

    @contextmanager
    def _begun(self, longest: float) -> Iterator[sqlite3.Connection]:
        """A transaction; while another process writes, wait for it."""
        base, until = self._base, monotonic() + longest
        while not base.in_transaction:
            try:
                base.execute("begin immediate")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or monotonic() > until:
                    raise
        try:
            yield base
            base.execute("commit")
        except BaseException:
            with suppress(sqlite3.Error):
                base.execute("rollback")
            raise

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Change the file: all that the block does is on the disk when it ends, or nothing of it is.

        Raises
        ------
        OSError
            If the file cannot be written.
        """
        try:
            with self._begun(_WAIT_SECONDS) as base:
                yield base
        except DAMAGED as error:
            raise OSError(None, said(error), self.path) from error

    def rows(self, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Return what a query finds.

        Raises
        ------
        OSError
            If the file cannot be read.
        """
        try:
            return self._base.execute(query, values).fetchall()
        except DAMAGED as error:
            raise OSError(None, said(error), self.path) from error

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._base.close()
        os.close(self._lock)
