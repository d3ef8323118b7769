"""The anchor: a dozen lines of linear algebra that find a broken sensor from all others and its own past."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Anchor"]

Floats = NDArray[np.float64]

FIRST, BLOCK = 50, 50
"""Rows that set centre and deviation at the start, and rows between two inversions."""

CLIP, RIDGE, MOST = 8.0, 0.001, 60.0
"""Bounds of a scaled value and of a square, and what is added to the diagonal before it is inverted."""

SLOWEST = 1e-4
"""Slowest rate of centre and deviation."""

RECENT = 0.1
"""Rate of the moving mean: about ten rows."""


class Anchor:
    """Score a row by its sensor that is farthest from what all others and the row before say of it.

    With u = [z_t, z_(t-1)], z the row in running deviations, and P the inverse of the running covariance of u
    with a small ridge, the residual of u_j given all else is (P u)_j / P_jj, and its square over its own
    variance is (P u)_j^2 / P_jj. The score is the largest over the sensors j. A row whose largest square
    passes 60 does not enter the covariance.

    Parameters
    ----------
    recent : bool
        Score by the moving mean of each sensor's square, bounded by 60, over about ten rows.
    """

    def __init__(self, recent: bool = False) -> None:
        self.recent = recent
        self._n = self._n_inside = 0
        self._first: list[Floats] = []
        self._block: list[Floats] = []
        self._precision: Floats | None = None

    def _lagged(self, row: Floats) -> Floats:
        """Return u (2 d,): the row in deviations, and the row before."""
        return np.concatenate([np.clip((row - self._centre) / self._deviation, -CLIP, CLIP), self._before])

    def _squares(self, u: Floats) -> Floats:
        """Return each sensor's squared residual over its variance (d,)."""
        d = u.size // 2
        if self._precision is None:
            return np.zeros(d)
        residual = (self._precision @ u)[:d]
        squares: Floats = residual * residual / self._precision.diagonal()[:d]
        return squares

    def _heights(self, x: Mapping[Hashable, Any]) -> Floats:
        """Return each sensor's part in the score (d,)."""
        if self._n < FIRST:
            return np.zeros(len(x))
        squares = self._squares(self._lagged(np.array([*x.values()])))
        if not self.recent:
            return squares
        return self._mean + RECENT * (np.minimum(squares, MOST) - self._mean)

    def score_one(self, x: Mapping[Hashable, Any]) -> float:
        """Return the largest square, or the largest moving mean; 0 for the first rows."""
        return float(self._heights(x).max())

    def explain_one(self, x: Mapping[Hashable, Any]) -> dict[Hashable, float]:
        """Return each sensor's part, largest first."""
        parts = zip(x, self._heights(x).tolist(), strict=True)
        return dict(sorted(parts, key=lambda part: -part[1]))

    def learn_one(self, x: Mapping[Hashable, Any]) -> None:
        """Take a row in."""
        row = np.array([*x.values()])
        self._n += 1
        if self._n <= FIRST:
            self._first.append(row)
            if self._n == FIRST:
                self._begin(np.array(self._first))
            return
        u = self._lagged(row)
        squares = self._squares(u)
        self._mean += RECENT * (np.minimum(squares, MOST) - self._mean)
        self._before = u[: row.size]
        if squares.max() < MOST:
            self._block.append(u)
        self._follow(row)
        if self._n % BLOCK == 0 and self._block:
            self._invert()

    def _begin(self, rows: Floats) -> None:
        """Set centre and deviation from the first rows: 1.2533 mean absolute deviations are one."""
        self._centre = np.median(rows, axis=0)
        self._deviation = np.maximum(1.2533 * np.abs(rows - self._centre).mean(axis=0), 1e-12)
        d = rows.shape[1]
        self._before, self._mean, self._moments = np.zeros(d), np.zeros(d), np.zeros((2 * d, 2 * d))

    def _follow(self, row: Floats) -> None:
        """Move centre and deviation, by a row that counts as if at most 3 deviations away."""
        rate = max(1.0 / self._n, SLOWEST)
        away, reach = row - self._centre, self._deviation
        self._centre = self._centre + rate * np.clip(away, -3 * reach, 3 * reach)
        self._deviation = reach + rate * (np.minimum(1.2533 * np.abs(away), 5 * reach) - reach)

    def _invert(self) -> None:
        """Add the rows since the last time to the covariance, and invert it."""
        block = np.array(self._block)
        self._block = []
        self._n_inside += len(block)
        self._moments += block.T @ block
        d = len(self._moments)
        self._precision = np.linalg.inv(self._moments / self._n_inside + RIDGE * np.eye(d))
