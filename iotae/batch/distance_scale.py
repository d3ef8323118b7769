"""A scale on which a joined score goes on growing with the distance, as it does not on a scale of ranks.

Ranks put several views on one footing, and say where a row stands among the others. They do not say how far
it is from them: the gap between the last usual row and the first odd one is one rank, however wide. A
threshold that is found from the scores alone needs the gap.
"""

from __future__ import annotations

import numpy as np

from iotae._typing import Float64, State
from iotae.batch.tail_calibration import rising_knots

__all__ = ["DistanceScale", "joined_distance"]

_SLOPE = 1e-3
"""What each unit of the joined score adds by itself, so that no two scores fall together."""

_LEAST_USUAL = 0.01
"""The usual value is at least this share of the mean, where more than half of the rows are all the same."""

_MOST_NATS = 300.0
"""Growth beyond the training rows ends here: what a file says cannot make a score infinite."""


def joined_distance(squares: list[Float64], weights: tuple[float, ...]) -> Float64:
    """How far out rows are by all views (n,): root of the weighted sum of squares, each over its usual."""
    total = np.zeros_like(squares[0])
    for weight, square in zip(weights, squares, strict=True):
        total += weight * (square / _usual(square))
    distance: Float64 = np.sqrt(total)
    return distance


def _usual(values: Float64) -> float:
    return max(float(np.median(values)), _LEAST_USUAL * float(values.mean())) or 1.0


class DistanceScale:
    """A joined score's distance: rising, so that the order of rows stays, and 1 for the median training row.

    The training row that is k-th by its score gets the k-th largest distance that any training row has.
    Beyond the largest score the logarithms of the tails are undone, so that twice as far is twice the excess.

    Examples
    --------
    >>> ranks = -np.log(1 - np.arange(100) / 100)
    >>> scale = DistanceScale().fit(ranks, np.r_[np.full(99, 2.0), 20.0], reach=1.0)
    >>> scale(np.array([ranks[50], ranks[99], ranks[99] + 2.0])).round(2)
    array([ 1.  , 10.  , 67.51])
    """

    def __init__(self) -> None:
        self._knots = np.zeros((2, 0))
        self._excess = self._reach = 1.0

    def fit(self, joined: Float64, distances: Float64, reach: float) -> DistanceScale:
        """Learn from the joined scores and the distances (n,) of the training rows.

        ``reach`` is by how much the joined score rises when the tails of all views rise by one.
        """
        ordered = np.sort(distances)
        n = ordered.size
        ordered /= _usual(ordered)
        self._knots = rising_knots(np.sort(joined), ordered)
        self._reach = reach
        top = float(ordered[-1])
        self._excess = max(top - float(ordered[int(0.9 * (n - 1))]), 1e-6 * top + 1e-12)
        return self

    def __call__(self, joined: Float64) -> Float64:
        """Distances (n,), >= 0, of joined scores (n,)."""
        places, distances = self._knots
        beyond = np.clip((joined - places[-1]) / self._reach, 0.0, _MOST_NATS)
        distance: Float64 = np.interp(joined, places, distances) + self._excess * np.expm1(beyond)
        return distance + _SLOPE * joined

    def to_state(self) -> State:
        """Everything, as arrays."""
        return {"knots": self._knots.copy(), "excess": self._excess, "reach": self._reach}

    @classmethod
    def from_state(cls, data: State) -> DistanceScale:
        """Rebuild from :meth:`to_state`, of a state that is as a model's schema says."""
        restored = cls()
        restored._knots, restored._excess, restored._reach = data["knots"], data["excess"], data["reach"]
        return restored
