"""An operator's answers to alarms, from a file: which rows were normal, and which were anomalies."""

from __future__ import annotations

from iotae.data import Table, TableError

__all__ = ["Answers"]

_LABEL = "label"
_ROW = "row"

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

    Attributes
    ----------
    n_used : int
        Rows that were answered so far.

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

    def __init__(self, table: Table) -> None:
        keys = [name for name in table.names if name != _LABEL]
        if _LABEL not in table or len(keys) != 1:
            raise TableError(
                f"Got answers with the columns {', '.join(table.names) or '(none)'}, but expected two: "
                f"{_LABEL!r}, and {_ROW!r} or a column of the stream that tells its rows apart."
            )
        self.key = keys[0]
        self.n_used = 0
        self._labels: dict[str, str] = {}
        for key, label in zip(table.texts(self.key).tolist(), table.texts(_LABEL).tolist(), strict=True):
            if label.casefold() not in _WORDS:
                raise TableError(f"Got the answer {label!r}, but expected normal or anomaly (or 0 or 1).")
            self._labels[key.removesuffix(".0") if self.key == _ROW else key] = _WORDS[label.casefold()]

    def __len__(self) -> int:
        return len(self._labels)

    def of(self, chunk: Table, before: int) -> list[str]:
        """The answer to each row of a chunk, empty where there is none; ``before`` rows came earlier.

        Raises
        ------
        TableError
            If the chunk has no such column.
        """
        if self.key == _ROW:
            keys = [str(before + i + 1) for i in range(chunk.n_rows)]
        elif self.key in chunk:
            keys = chunk.texts(self.key).tolist()
        else:
            raise TableError(
                f"Got answers by {self.key!r}, but the stream has no such column: it has "
                f"{', '.join(chunk.names)}."
            )
        found = [self._labels.get(key, "") for key in keys]
        self.n_used += sum(1 for label in found if label)
        return found
