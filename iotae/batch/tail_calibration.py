"""Several views of a row on one footing: how far out in the tail of the training rows each puts it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from iotae._typing import Float64, State

__all__ = ["TailCalibration", "join", "rising_knots"]

_KNOTS = 2048
"""A distribution is kept as so many quantiles of its bulk and its so many largest values."""


def rising_knots(places: Float64, heights: Float64) -> Float64:
    """Knots (2, at most 2 * _KNOTS) of a function that never falls, from sorted places and heights (n,)."""
    n = places.size
    if n > 2 * _KNOTS:
        bulk = np.linspace(0, n - 1, _KNOTS).astype(np.int64)
        kept = np.unique(np.concatenate([bulk, np.arange(n - _KNOTS, n)]))
        places, heights = places[kept], heights[kept]
    # equal places make one knot, at the mean of their heights
    first = np.concatenate([[True], places[1:] > places[:-1]])
    group = np.cumsum(first) - 1
    means = np.bincount(group, heights) / np.bincount(group)
    # the mean of equal heights may be less than each of them, by the rounding of their sum
    return np.stack([places[first], np.maximum.accumulate(means)])


class TailCalibration:
    """-log of the share of the training values that are larger, as a function without ties at the top.

    Between training values it is interpolated; beyond the largest it goes on growing, slowly.

    Examples
    --------
    >>> tail = TailCalibration().fit(np.arange(100.0))
    >>> tail(np.array([0.0, 50.0, 98.0, 200.0])).round(2)
    array([0.01, 0.7 , 4.2 , 7.71])
    """

    def __init__(self) -> None:
        self._knots = np.zeros((2, 0))
        self._span = 1.0

    def fit(self, values: ArrayLike) -> TailCalibration:
        """Learn from the values (n,) of the training rows."""
        ordered = np.sort(np.asarray(values, np.float64))
        n = ordered.size
        heights = -np.log((n - np.arange(n) - 0.5) / n)
        top = ordered[-1]
        self._span = float(max(top - ordered[int(0.9 * (n - 1))], 1e-6 * abs(top) + 1e-12))
        self._knots = rising_knots(ordered, heights)
        return self

    def __call__(self, values: Float64) -> Float64:
        """Heights (n,), >= 0, of values (n,)."""
        places, heights = self._knots
        beyond = np.maximum(values - places[-1], 0.0)
        height: Float64 = np.interp(values, places, heights) + np.log1p(beyond / self._span)
        return height

    def to_state(self) -> State:
        """Everything, as arrays."""
        return {"knots": self._knots.copy(), "span": self._span}

    @classmethod
    def from_state(cls, data: State) -> TailCalibration:
        """Rebuild from :meth:`to_state`, of a state that is as a model's schema says."""
        restored = cls()
        restored._knots, restored._span = data["knots"], data["span"]
        return restored


def join(heights: Sequence[Float64], weights: Sequence[float]) -> Float64:
    """One score from several views: the root of the weighted sum of their squared heights (n,)."""
    joined: Float64 = np.sqrt(sum(w * (height * height) for w, height in zip(weights, heights, strict=True)))
    return joined
