"""An operator's answers to alarms, from a file: which rows were normal, and which were anomalies."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import numpy as np

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
    n_rows : int
        Rows that were answered so far: more than :attr:`n_met`, where several rows have the same cell.
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
        self.n_rows = self.n_refused = 0
        self.refused: list[str] = []
        self._met: set[tuple[str, str]] = set()
        self._seen: tuple[str, str] | None = None
        self._device = device if device is not None and device in table else None
        self._labels: dict[tuple[str, str], str] = {}
        keys = table.texts(self.key).tolist()
        if self.key == _ROW:
            keys = [key.strip().removesuffix(".0") for key in keys]
        labels = [label.strip() for label in table.texts(_LABEL).tolist()]
        for name, label in zip(self._named(table, keys), labels, strict=True):
            if label.casefold() not in _WORDS:
                raise TableError(f"Got the answer {label!r}, but expected normal or anomaly (or 0 or 1).")
            self._labels[name] = _WORDS[label.casefold()]

    @classmethod
    def read(cls, path: str, device: str | None = None) -> Answers:
        """Read them from a file, with the cells as they are written, as a stream's are compared.

        Raises
        ------
        TableError
            As the class does, or if the file cannot be read.
        """
        from iotae.io.files import iter_table

        chunks = list(iter_table(path))
        names = chunks[0].names
        return cls(
            Table({name: np.concatenate([one.array(name) for one in chunks]) for name in names}), device
        )

    @property
    def n_met(self) -> int:
        """How many answers have met a row so far."""
        return len(self._met)

    def _named(self, table: Table, keys: list[str]) -> list[tuple[str, str]]:
        """Each row's device, where the answers have it, and its key."""
        if self._device is None:
            return [("", key.strip()) for key in keys]
        return [(one.strip(), key.strip()) for one, key in zip(table.texts(self._device), keys, strict=True)]

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
        named = self._named(chunk, keys)
        self._seen = self._seen or next(iter(named), None)
        met = [name for name in named if name in self._labels]
        self._met.update(met)
        self.n_rows += len(met)
        return [self._labels.get(name, "") for name in named]

    def doubts(self) -> list[str]:
        """Say what is odd about how the answers met their rows, a line each."""
        lines = []
        if self._labels and not self._met and self._seen is not None and self.key != _ROW:
            lines.append(
                f"warning: no row has the {self.key!r} of an answer: got answers such as "
                f"{_shown(next(iter(self._labels)))}, but the stream has cells such as {_shown(self._seen)}: "
                f"write both alike, or answer by {_ROW!r}"
            )
        if self.n_rows > self.n_met:
            lines.append(
                f"warning: {self.n_met} of the answers met {self.n_rows} rows, as rows have the same "
                f"{self.key!r}: add the column of the device, or answer by {_ROW!r}"
            )
        return lines

    def taken(self, take: Callable[[str], T], label: str) -> T | None:
        """What comes of giving a model an answer; None where it cannot take it, which costs no row."""
        try:
            return take(label)
        except ValueError as error:
            self.n_refused += 1
            if len(self.refused) < _SHOWN:
                self.refused.append(str(error))
            return None


def _shown(name: tuple[str, str]) -> str:
    """What tells a row apart, for a message."""
    device, key = name
    return f"{key!r} of {device!r}" if device else repr(key)
