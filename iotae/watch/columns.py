"""Cells to scored rows: which column holds the score, the device, the time."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite, nan
from typing import NamedTuple

import numpy as np

from iotae.data import Table, TableError
from iotae.watch.found import LONGEST_NAME, LONGEST_REASON, ScoredRow, shown

__all__ = ["Columns", "RowReader"]

_ALARMS = {"0": False, "1": True, "0.0": False, "1.0": True}
_ADDED = ("score", "alarm", "threshold", "reason")


class Columns(NamedTuple):
    """What columns are called: before those that scoring added, the device's, and that of the times."""

    prefix: str = ""
    group: str | None = None
    when: str | None = None


class RowReader:
    """Read the cells of a file's rows.

    Parameters
    ----------
    names : sequence of str
        The file's columns.
    columns : Columns
    path : str
        What errors call the file.

    Raises
    ------
    TableError
        If a column is not there.

    Examples
    --------
    >>> reader = RowReader(["pump", "score", "alarm"], Columns(group="pump"), "scored.csv")
    >>> row = reader.row(["a", "0.25", "1"], 0.0)
    >>> row.device, row.score, row.alarm, reader.fits(["a", "0.25", "maybe"])
    ('a', 0.25, True, False)
    """

    def __init__(self, names: Sequence[str], columns: Columns, path: str) -> None:
        self._names = [name.strip() for name in names]
        self._added = [columns.prefix + name for name in _ADDED]
        asked = [*self._added[:2], *filter(None, (columns.group, columns.when))]
        absent = [name for name in asked if name.strip() not in self._names]
        if absent:
            raise TableError(
                f"Got {path} without a column {absent[0]!r}, but expected rows that iotae stream or score "
                f"wrote: it has {', '.join(self._names[-12:])}. See --prefix, --group and --when."
            )
        score, alarm, cut, reason = map(self._place, self._added)
        assert score is not None
        assert alarm is not None
        self._score, self._alarm, self._cut, self._reason = score, alarm, cut, reason
        self._group, self._when = self._place(columns.group), self._place(columns.when)
        self._own = (*self._added, columns.group)

    def _place(self, name: str | None) -> int | None:
        """Where a column stands; the last of that name, as scoring adds at the right."""
        if name is None or name.strip() not in self._names:
            return None
        return len(self._names) - 1 - self._names[::-1].index(name.strip())

    def fits(self, cells: Sequence[str]) -> bool:
        """Whether cells can be a row: as many as columns, with a score and an alarm."""
        return (
            len(cells) == len(self._names)
            and cells[self._alarm] in _ALARMS
            and all(_is_number(cells[place]) for place in (self._score, self._cut) if place is not None)
        )

    def find_times(self, rows: Sequence[Sequence[str]]) -> None:
        """Take the first column that tells the time, by these rows, unless one is named."""
        if self._when is not None or not rows:
            return
        texts = {
            name: np.array([row[place] for row in rows], object)
            for place, name in enumerate(self._names)
            if name not in self._own and name
        }
        table = Table(texts)
        self._when = self._place(next((name for name in table.names if table.tells_time(name)), None))

    def row(self, cells: Sequence[str], at: float) -> ScoredRow:
        """Return the row of cells that fit, found at a time."""
        score = _number(cells[self._score])
        cut = nan if self._cut is None else _number(cells[self._cut])
        return ScoredRow(
            "" if self._group is None else shown(cells[self._group], LONGEST_NAME),
            "" if self._when is None else shown(cells[self._when], LONGEST_NAME),
            score,
            cut,
            _ALARMS[cells[self._alarm]],
            score == score and (self._cut is None or cut == cut),
            "" if self._reason is None else shown(cells[self._reason], LONGEST_REASON),
            at,
        )


def _number(text: str) -> float:
    number = float(text) if text else nan
    return number if isfinite(number) else nan


def _is_number(text: str) -> bool:
    try:
        float(text or "nan")
    except ValueError:
        return False
    return True
