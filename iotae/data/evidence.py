"""What the cells of a column of text could be, counted: numbers, times, or neither."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from iotae.data.clocks import Order, is_twelve_hour, time_of
from iotae.data.numbers import Decimal, looks_numeric, number_and_unit

__all__ = ["AGREEMENT", "Evidence", "Times", "evidence_of"]

AGREEMENT = 0.9
"""Share of the cells that are not missing which must agree before a column takes their kind."""

_MOST_UNITS = 32
"""Units of a column that are counted."""


class Times(NamedTuple):
    """How many cells read as times, and the first and the last of these."""

    found: int = 0
    first: datetime = datetime.max
    last: datetime = datetime.min

    def joined(self, other: Times) -> Times:
        """The same of this chunk's cells and another's."""
        return Times(self.found + other.found, min(self.first, other.first), max(self.last, other.last))

    @property
    def days(self) -> float:
        """Days from the first to the last."""
        return (self.last - self.first).total_seconds() / 86_400 if self.found else 0.0


@dataclass
class Evidence:
    """Counts over a column's cells; those of chunks add up to that of the column."""

    present: int = 0
    point: Counter[str] = field(default_factory=Counter)
    """Cells that are numbers with a decimal point, by their unit."""
    comma: Counter[str] = field(default_factory=Counter)
    """Cells that are numbers with a decimal comma, by their unit."""
    with_comma: int = 0
    """Numbers that have a comma somewhere."""
    times: dict[Order, Times] = field(default_factory=lambda: {"dmy": Times(), "mdy": Times()})
    twelve: int = 0
    """Times that say AM or PM."""
    looks_numeric: int = 0

    def add(self, other: Evidence) -> None:
        """Count the cells of another chunk too."""
        self.present += other.present
        self.point = _bounded(self.point + other.point)
        self.comma = _bounded(self.comma + other.comma)
        self.with_comma += other.with_comma
        self.times = {order: seen.joined(other.times[order]) for order, seen in self.times.items()}
        self.twelve += other.twelve
        self.looks_numeric += other.looks_numeric

    def with_decimal(self, decimal: Decimal) -> Evidence:
        """The same counts, of numbers with this decimal mark alone."""
        units = self.point if decimal == "." else self.comma
        return replace(self, point=units, comma=units)


def _bounded(units: Counter[str]) -> Counter[str]:
    return units if len(units) <= _MOST_UNITS else Counter(dict(units.most_common(_MOST_UNITS)))


def evidence_of(cells: NDArray[Any]) -> Evidence:
    """Count what text cells (n,) could be.

    Examples
    --------
    >>> found = evidence_of(np.array(["1,5", "20", "", "tcp"], dtype=object))
    >>> found.present, found.point[""], found.comma[""]
    (3, 1, 2)
    """
    texts: list[str] = cells.tolist()
    try:
        values = cells.astype(np.float64)
    except ValueError:
        pass
    else:
        joined = "".join(texts)
        if np.isfinite(values).all() and "_" not in joined:
            both = "." not in joined or all(number_and_unit(text, ",") for text in texts)
            seen = Counter({"": len(texts)})
            return Evidence(len(texts), seen, seen.copy() if both else Counter(), 0)
    counts = Counter(texts)
    evidence = Evidence()
    for text, n in counts.items():
        point, comma = number_and_unit(text, "."), number_and_unit(text, ",")
        if point is not None and point[0] != point[0]:
            continue
        evidence.present += n
        if point is not None:
            evidence.point[point[1]] += n
        if comma is not None:
            evidence.comma[comma[1]] += n
        if point is not None or comma is not None:
            evidence.with_comma += n * ("," in text)
        evidence.looks_numeric += n * (point is not None or comma is not None or looks_numeric(text))
    _count_times(evidence, counts)
    evidence.point, evidence.comma = _bounded(evidence.point), _bounded(evidence.comma)
    return evidence


def _count_times(evidence: Evidence, counts: Mapping[str, int]) -> None:
    """Count the times, unless nearly all cells are numbers."""
    if max(evidence.point[""], evidence.comma[""]) >= AGREEMENT * evidence.present:
        return
    orders: tuple[Order, ...] = ("dmy", "mdy")
    for order in orders:
        found = [(time_of(text, order), n) for text, n in counts.items()]
        moments = [moment for moment, _ in found if moment is not None]
        if moments:
            total = sum(n for moment, n in found if moment is not None)
            evidence.times[order] = Times(total, min(moments), max(moments))
    evidence.twelve = sum(n for text, n in counts.items() if is_twelve_hour(text))
