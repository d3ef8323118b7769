"""What the cells of a file are like, column by column: missing, odd, and from where to where."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from iotae._typing import Bool
from iotae.data import Table

__all__ = ["ColumnQuality", "Quality"]

_MOST_VALUES = 1000
"""Values of a column that are remembered; the chunk that reaches it is the last that is."""


@dataclass
class ColumnQuality:
    """The cells of one column: how many are missing, how many odd, the range of its numbers, its values."""

    kind: str
    missing: int = 0
    odd: int = 0
    low: float = np.inf
    high: float = -np.inf
    values: set[str] = field(default_factory=set)


class Quality:
    """Count the cells of a table that comes in chunks.

    Attributes
    ----------
    rows, empty_rows : int
        All rows, and those that have no cell in any column.
    columns : dict of str to ColumnQuality

    Examples
    --------
    >>> quality = Quality()
    >>> watts, state = ["3.1", "", "2.9"] * 9, ["on", "", "off"] * 9
    >>> quality.add(Table({"watts": [*watts, "fault"], "state": [*state, "on"]}))
    >>> column = quality.columns["watts"]
    >>> column.missing, column.odd, column.low, column.high, quality.empty_rows
    (9, 1, 2.9, 3.1, 9)
    """

    def __init__(self) -> None:
        self.rows = self.empty_rows = 0
        self.columns: dict[str, ColumnQuality] = {}

    def add(self, table: Table) -> None:
        """Take the rows of a chunk in."""
        empty = np.ones(table.n_rows, bool)
        for name in table.names:
            empty &= self._gaps(table, name)
        self.rows += table.n_rows
        self.empty_rows += int(empty.sum()) if table.names else 0

    def _gaps(self, table: Table, name: str) -> Bool:
        """Take a column in; which of its cells (n,) are missing."""
        gaps: Bool = table.texts(name) == ""
        column = self.columns.setdefault(name, ColumnQuality(table.kind(name)))
        column.missing += int(gaps.sum())
        if column.kind == "numeric":
            numbers, odd = table.numbers(name)
            column.odd += odd
            column.low = min(column.low, float(np.fmin.reduce(numbers, initial=np.inf)))
            column.high = max(column.high, float(np.fmax.reduce(numbers, initial=-np.inf)))
        elif column.kind == "time":
            column.odd += table.times(name)[1]
        elif len(column.values) <= _MOST_VALUES:
            column.values.update(set(table.texts(name)[~gaps].tolist()))
        return gaps
