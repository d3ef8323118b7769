"""What is said of rows: which reasons, of which columns, and whether a row is set aside."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from iotae._typing import Bool, Int64
from iotae.quality.reasons import BIT, names_in

__all__ = ["Checked", "RowVerdict", "joined"]


class RowVerdict(NamedTuple):
    """What is said of one row.

    Examples
    --------
    >>> verdict = RowVerdict({"jump": ("temperature",), "order": ()}, aside=False)
    >>> verdict.text, verdict.valid
    ('temperature jump; order', False)
    """

    reasons: dict[str, tuple[Hashable, ...]]
    """Each reason with its columns; none where it is of the whole row."""

    aside: bool
    """Whether the row is one to set aside."""

    @property
    def valid(self) -> bool:
        """Whether nothing is said against the row."""
        return not self.reasons

    @property
    def text(self) -> str:
        """The reasons in one line, empty for none."""
        return "; ".join(
            f"{', '.join(map(str, columns))} {reason}" if columns else reason
            for reason, columns in self.reasons.items()
        )


class Checked(NamedTuple):
    """What is said of n rows."""

    found: Int64
    """The bits of each row's reasons (n,), 0 for none, in the order of ``REASONS``."""

    cells: Int64
    """The same of each cell (n, d)."""

    names: list[Hashable]
    """The columns, length d."""

    aside: Bool
    """Which rows (n,) are to be set aside."""

    def has(self, reason: str) -> Bool:
        """Which rows (n,) have a reason.

        Raises
        ------
        KeyError
            If it is none of ``REASONS``.
        """
        return np.asarray((self.found & BIT[reason]) != 0)

    def verdict(self, row: int) -> RowVerdict:
        """What is said of one row, by its place."""
        return RowVerdict(self._reasons(int(self.found[row]), self.cells[row]), bool(self.aside[row]))

    def texts(self) -> NDArray[Any]:
        """The reasons of each row (n,) in one line, as :attr:`RowVerdict.text`; empty for none."""
        texts = np.full(len(self.found), "", object)
        known: dict[bytes, str] = {}
        for i in np.flatnonzero(self.found).tolist():
            key = self.found[i].tobytes() + self.cells[i].tobytes()
            if key not in known:
                known[key] = self.verdict(i).text
            texts[i] = known[key]
        return texts

    def _reasons(self, found: int, cells: Int64) -> dict[str, tuple[Hashable, ...]]:
        places = np.flatnonzero(cells)
        return {
            reason: tuple(self.names[j] for j in places if cells[j] & BIT[reason])
            for reason in names_in(found)
        }


def joined(parts: list[Checked], names: list[Hashable]) -> Checked:
    """The verdicts of pieces, each of which may know more columns than those before."""
    n = sum(len(part.found) for part in parts)
    cells = np.zeros((n, len(names)), np.int64)
    start = 0
    for part in parts:
        cells[start : start + len(part.found), : len(part.names)] = part.cells
        start += len(part.found)
    if not parts:
        return Checked(np.zeros(0, np.int64), cells, names, np.zeros(0, np.bool_))
    found, aside = (np.concatenate([getattr(part, name) for part in parts]) for name in ("found", "aside"))
    return Checked(found, cells, names, aside)
