"""The latest scores, in order of time and in order of size, and p-values by their ranks."""

from __future__ import annotations

from bisect import bisect_left, insort
from math import nextafter
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from iotae._typing import Float64, State
from iotae._validation import check_count
from iotae._validation.schema import COUNT, Array, Record, Whole, refuse

__all__ = ["ScoreWindow"]


_LARGEST = 1e300
"""Scores in a file are at most this, so that differences and sums of them stay finite."""


def _check_places(data: State, place: str) -> None:
    n_kept = min(data["size"], data["n_seen"])
    if data["ring"].size != n_kept:
        raise refuse(data["ring"], f"{place}.ring", f"the latest {n_kept} scores")


class ScoreWindow:
    """The latest ``size`` scores in bounded memory; the thresholds check what goes in.

    The place in the sorted list is found in O(log n). Inserting moves memory, which takes 3 µs for 20,000
    scores: less than a tree would take.

    Examples
    --------
    >>> window = ScoreWindow(3)
    >>> for score in (5.0, 1.0, 2.0, 3.0):
    ...     window.push(score)
    >>> window.sorted, window.p_value(2.5), window.cut(0.5)
    ([1.0, 2.0, 3.0], 0.5, 2.0)
    """

    SCHEMA: ClassVar[Record] = Record(
        {
            "size": Whole(1),
            "n_seen": COUNT,
            "ring": Array(np.float64, "scores", low=-_LARGEST, high=_LARGEST),
        },
        (_check_places,),
    )

    def __init__(self, size: int) -> None:
        self.size = check_count("window", size, 1)
        self.n_seen = 0
        self.ring: list[float] = []
        self.sorted: list[float] = []

    def __len__(self) -> int:
        return len(self.sorted)

    def fill(self, values: Float64) -> None:
        """Start again from finite scores (n,), of which the latest stay."""
        self.ring = values[-self.size :].tolist()
        self.sorted = sorted(self.ring)
        # the next score takes the oldest place
        self.n_seen = len(self.ring)

    def push(self, value: float) -> None:
        """Add one finite score; the oldest leaves a full window."""
        if self.n_seen >= self.size:
            place = self.n_seen % self.size
            del self.sorted[bisect_left(self.sorted, self.ring[place])]
            self.ring[place] = value
        else:
            self.ring.append(value)
        insort(self.sorted, value)
        self.n_seen += 1

    def push_many(self, values: list[float], level: float) -> Float64:
        """Add finite scores (n,) in order; :meth:`cut` before each of them and after the last, (n + 1,)."""
        cuts = [self.cut(level)]
        for value in values:
            self.push(value)
            cuts.append(self.cut(level))
        return np.array(cuts)

    def p_value(self, scores: ArrayLike) -> Any:
        """``(1 + #{scores in the window >= score}) / (n + 1)``: a float for a number, else an array."""
        n = len(self.sorted)
        if isinstance(scores, float):
            return (1 + n - bisect_left(self.sorted, scores)) / (n + 1) if scores == scores else scores
        values = np.asarray(scores, np.float64)
        below = np.searchsorted(np.asarray(self.sorted), values, side="left")
        p: Float64 = np.where(np.isnan(values), np.nan, (1 + n - below) / (n + 1))
        return float(p) if p.ndim == 0 else p

    def cut(self, level: float) -> float:
        """The threshold above which the p-value is at most ``level``, and only there; infinity if nowhere."""
        n = len(self.sorted)
        # a relative nudge: 0.05 * 100 must count as 5 and not as 4.999...
        spared = int(level * (n + 1) * (1 + 1e-12)) - 1
        if spared < 0:
            return float("inf")
        return self.sorted[n - 1 - spared] if spared < n else float("-inf")

    def score_of(self, p_value: float) -> float:
        """The lowest score with a p-value of at most ``p_value``; NaN for an empty window.

        If too few scores were seen for so small a p-value, that is just above the highest.
        """
        if not self.sorted:
            return float("nan")
        return nextafter(min(self.cut(p_value), self.sorted[-1]), float("inf"))

    def to_state(self) -> State:
        """Return the scores and how many were seen, as arrays and numbers."""
        return {"size": self.size, "n_seen": self.n_seen, "ring": np.array(self.ring)}

    @classmethod
    def from_state(cls, data: State) -> ScoreWindow:
        """Rebuild from :meth:`to_state`, of a state that is as :attr:`SCHEMA` says."""
        restored = cls(data["size"])
        restored.n_seen = data["n_seen"]
        restored.ring = data["ring"].tolist()
        restored.sorted = sorted(restored.ring)
        return restored
