"""The alarms of a file's stream: as JSON has them, and in an SQLite file that others may read meanwhile."""

from __future__ import annotations

import json
from collections.abc import Iterator
from time import time
from types import TracebackType
from typing import Any

from iotae.data import Table
from iotae.runner.database import Database, Layout
from iotae.runner.loop import Added

__all__ = ["AlarmFile", "alarms_of"]

_LAYOUT = Layout(
    kind=0x696F7402,
    schema="""
create table alarms (
    row integer primary key, device text, cells text not null, score real not null, threshold real,
    reason text not null, taken real not null
);
create index taken on alarms (taken)
""",
    version=1,
    upgrades={},
)


def alarms_of(table: Table, added: Added) -> Iterator[tuple[int, dict[str, Any], dict[str, Any]]]:
    """Yield the alarms of a chunk: their place in it, what the model says of them, and their cells.

    Examples
    --------
    >>> import numpy as np
    >>> added = {"score": np.array([0.1, 0.9]), "alarm": np.array([0, 1])}
    >>> list(alarms_of(Table({"watts": [5.0, np.nan]}), added))
    [(1, {'score': 0.9}, {'watts': None})]
    """
    for i in added["alarm"].nonzero()[0].tolist():
        cells = {name: _plain(table.array(name)[i]) for name in table.names}
        yield i, {name: _plain(values[i]) for name, values in added.items() if name != "alarm"}, cells


class AlarmFile:
    """A table of alarms, each once under the number of its row; a sink of a runner, in a ``with`` statement.

    When :meth:`write` returns, the alarms of the chunk are on the disk, so that a checkpoint never knows of
    an alarm that the file does not have. Those of rows after it come again when the stream goes on.

    Parameters
    ----------
    path : str
        The SQLite file, made for its user alone if it is not there.
    first : int
        Rows of the stream before those that come; alarms of later rows are deleted when the file is opened.
    key : str, optional
        The column that names the device.

    Raises
    ------
    TableError
        If the file is none of this kind, or another process writes it.
    OSError
        If it cannot be written.
    """

    def __init__(self, path: str, first: int = 0, key: str | None = None) -> None:
        self._base, self._row, self._key = Database(path, _LAYOUT), first, key

    def __enter__(self) -> AlarmFile:
        self._base.__enter__()
        try:
            with self._base.transaction() as base:
                base.execute("delete from alarms where row > ?", (self._row,))
        except BaseException:
            self._base.__exit__(None, None, None)
            raise
        return self

    def write(self, table: Table, added: Added) -> None:
        """Put down the alarms of a chunk."""
        now, key = time(), self._key
        rows = []
        for i, told, cells in alarms_of(table, added):
            name = None if key is None else cells.get(key)
            device = None if name is None else _text(str(name))
            said = told["score"], told["threshold"], _text(told.get("reason") or "")
            rows.append((self._row + i + 1, device, _text(json.dumps(cells)), *said, now))
        self._row += table.n_rows
        if rows:
            with self._base.transaction() as base:
                base.executemany("insert into alarms values (?, ?, ?, ?, ?, ?, ?)", rows)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._base.__exit__(kind, error, trace)


def _plain(value: Any) -> Any:
    """A cell as JSON has it: missing is null, a time is text."""
    value = value.item() if hasattr(value, "item") else value
    if value is None or value != value:
        return None
    return value if isinstance(value, bool | int | float | str) else str(value)


def _text(text: str) -> str:
    """A text as a database can hold it: bytes that were no UTF-8 as their escapes."""
    return text.encode("utf-8", "backslashreplace").decode()
