"""The latest scores of a stream or a device, in bounded memory, and as many as a chart can show."""

from __future__ import annotations

from array import array
from typing import Any

import numpy as np
from numpy.typing import NDArray

from iotae.report.series import Series

__all__ = ["MOST_BUCKETS", "Recent", "buckets_of", "buckets_of_series", "drawn", "short"]

MOST_BUCKETS = 500
"""Buckets of a chart at most."""

_WIDTHS = (1, 2, 5)


class Recent:
    """The latest scores, cuts and alarms.

    Parameters
    ----------
    capacity : int
        How many.

    Attributes
    ----------
    n : int
        Rows taken in, those forgotten included.

    Examples
    --------
    >>> recent = Recent(2)
    >>> for score in (0.25, 0.5, 0.75):
    ...     recent.add(score, 0.6, score > 0.6)
    >>> recent.n, recent.latest()[:, 0].tolist()
    (3, [0.5, 0.75])
    """

    __slots__ = ("_capacity", "_cells", "n")

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._cells = array("f")
        self.n = 0

    def add(self, score: float, cut: float, alarm: bool) -> None:
        """Take a row in; NaN is a score or a cut that is not there."""
        cells = self._cells
        cells.extend((score, cut, alarm))
        self.n += 1
        if len(cells) >= 6 * self._capacity:
            del cells[: 3 * self._capacity]

    def latest(self) -> NDArray[np.float32]:
        """Return score, cut and alarm of the latest rows, (n, 3)."""
        rows = np.frombuffer(self._cells, np.float32).reshape(-1, 3)
        # a copy, as what is lent out could not grow
        return rows[-self._capacity :].copy()


def buckets_of(recent: Recent, most: int = MOST_BUCKETS) -> dict[str, Any]:
    """Return the latest rows for a chart: buckets of 1, 2, 5, 10, ... rows.

    The edges are multiples of the width, counted from the first row of all, so that a bucket stays as it is
    when rows come.

    Examples
    --------
    >>> recent = Recent(10)
    >>> for place in range(4):
    ...     recent.add(place / 4, 0.6, False)
    >>> found = buckets_of(recent, 2)
    >>> found["width"], found["first"], found["high"], found["alarms"]
    (2, 0, [0.25, 0.75], [0, 0])
    """
    rows = recent.latest()
    first = recent.n - len(rows)
    width = _width(len(rows), most)
    which = (first + np.arange(len(rows))) // width
    starts = np.flatnonzero(np.diff(which, prepend=-1))
    if not len(rows):
        return drawn(0, 1, rows[:, 0], rows[:, 0], rows[:, 1], rows[:, 2])
    ends = np.append(starts[1:], len(rows)) - 1
    return drawn(
        first // width * width,
        width,
        np.fmin.reduceat(rows[:, 0], starts),
        np.fmax.reduceat(rows[:, 0], starts),
        rows[ends, 1],
        np.add.reduceat(rows[:, 2], starts),
    )


def buckets_of_series(series: Series) -> dict[str, Any]:
    """Return all rows for a chart."""
    n = -(-series.rows // series.width)
    return drawn(
        0, series.width, series.lowest[:n], series.highest[:n], series.cuts[:n], series.alarms_of[:n]
    )


def drawn(first: int, width: int, low: Any, high: Any, cut: Any, alarms: Any) -> dict[str, Any]:
    """Return buckets as JSON has them, null where there is no number."""
    return {
        "first": first,
        "width": width,
        "low": [short(x) for x in low.tolist()],
        "high": [short(x) for x in high.tolist()],
        "cut": [short(x) for x in cut.tolist()],
        "alarms": [int(x) for x in alarms.tolist()],
    }


def short(number: float) -> float | None:
    """Return a number in four digits, None for one that is not finite.

    Examples
    --------
    >>> short(0.123456), short(float("nan"))
    (0.1235, None)
    """
    return float(f"{number:.4g}") if np.isfinite(number) else None


def _width(n: int, most: int) -> int:
    """The least of 1, 2, 5, 10, ... that makes few enough buckets of n rows, one more for the edge."""
    scale = 1
    while True:
        for step in _WIDTHS:
            if n <= most * step * scale:
                return step * scale
        scale *= 10
