"""An operator's answers to alarms, from a file: which rows were normal, and which were anomalies."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from iotae.data import Table, TableError

__all__ = ["Answers"]

_LABEL = "label"
_ROW = "row"
_SHOWN = 3

T = TypeVar("T")

_WORDS = {"normal": "normal", "0": "normal", "0.0": "normal", "false": "normal"} | {
    "anomaly": "anomaly",
    "1": "anomaly",
    "1.0": "anomaly",
    "true": "anomaly",
}


class Answers:
    """Answers by the number of a row, or by what it has in another column.

    Parameters
    ----------
    table : Table
        A column ``label`` of ``normal`` or ``anomaly`` (or 0 and 1), and one other: ``row``, the number of a
        row from 1, or a column of the stream whose cell names the row.
    device : str, optional
        The column of the device; where the table has it too, an answer is about a row of that device.

    Attributes
    ----------
    n_used : int
        Rows that were answered so far.
    refused : list of str
        Why answers could not be taken, the first few.
    n_refused : int
        How many could not.

    Raises
    ------
    TableError
        If the table is not so.

    Examples
    --------
    >>> answers = Answers(Table({"row": ["2", "7"], "label": ["normal", "anomaly"]}))
    >>> answers.of(Table({"watts": [1.0, 2.0, 3.0]}), 0)
    ['', 'normal', '']
    """

    def __init__(self, table: Table, device: str | None = None) -> None:
        keys = [name for name in table.names if name not in (_LABEL, device)]
        if _LABEL not in table or len(keys) != 1:
            also = "" if device is None else f", and maybe {device!r}"
            raise TableError(
                f"Got answers with the columns {', '.join(table.names) or '(none)'}, but expected two: "
                f"{_LABEL!r}, and {_ROW!r} or a column of the stream that tells its rows apart{also}."
            )
        self.key = keys[0]
        self.n_used = self.n_refused = 0
        self.refused: list[str] = []
        self._device = device if device is not None and device in table else None
        self._labels: dict[tuple[str, str], str] = {}
        keys = table.texts(self.key).tolist()
        if self.key == _ROW:
            keys = [key.removesuffix(".0") for key in keys]
        for name, label in zip(self._named(table, keys), table.texts(_LABEL).tolist(), strict=True):
            if label.casefold() not in _WORDS:
                raise TableError(f"Got the answer {label!r}, but expected normal or anomaly (or 0 or 1).")
            self._labels[name] = _WORDS[label.casefold()]

    def _named(self, table: Table, keys: list[str]) -> list[tuple[str, str]]:
        """Each row's device, where the answers have it, and its key."""
        if self._device is None:
            return [("", key) for key in keys]
        return [(one.strip(), key) for one, key in zip(table.texts(self._device), keys, strict=True)]

    def __len__(self) -> int:
        return len(self._labels)

    def of(self, chunk: Table, before: int) -> list[str]:
        """The answer to each row of a chunk, empty where there is none; ``before`` rows came earlier.

        Raises
        ------
        TableError
            If the chunk has no such column.
        """
        for name in (self.key, self._device):
            if name not in (_ROW, None, *chunk.names):
                raise TableError(
                    f"Got answers by {name!r}, but the stream has no such column: it has "
                    f"{', '.join(chunk.names)}."
                )
        if self.key == _ROW:
            keys = [str(before + i + 1) for i in range(chunk.n_rows)]
        else:
            keys = chunk.texts(self.key).tolist()
        found = [self._labels.get(name, "") for name in self._named(chunk, keys)]
        self.n_used += sum(1 for label in found if label)
        return found

    def taken(self, take: Callable[[str], T], label: str) -> T | None:
        """What comes of giving a model an answer; None where it cannot take it, which costs no row."""
        try:
            return take(label)
        except ValueError as error:
            self.n_refused += 1
            if len(self.refused) < _SHOWN:
                self.refused.append(str(error))
            return None
