"""Whether scores have moved: the latest ones beside a sample of all before."""

from __future__ import annotations

from collections import deque
from random import Random
from typing import Any

import numpy as np

__all__ = ["LATEST", "Drift"]

LATEST = 500
"""Scores that are compared with those before."""

_SAMPLE = 2000
_FEWEST_LATEST, _FEWEST_BEFORE = 100, 500
_MOVED = 0.25


class Drift:
    """The latest scores, and a seeded sample of those before, each of which has the same chance to be in it.

    Scores are called higher when a quarter of the latest lie above what a tenth of the earlier ones did, and
    lower when a quarter lie below what a tenth did.

    Examples
    --------
    >>> drift = Drift()
    >>> for place in range(3000):
    ...     drift.add(place % 100 / 100 + (0.5 if place > 2600 else 0))
    >>> drift.told()["word"], drift.told()["above"]
    ('higher', 0.5)
    """

    def __init__(self) -> None:
        self._latest: deque[float] = deque()
        self._before: list[float] = []
        self._n_before = 0
        self._random = Random(0)

    def add(self, score: float) -> None:
        """Take a score in; NaN is passed over."""
        if score != score:
            return
        self._latest.append(score)
        if len(self._latest) <= LATEST:
            return
        left = self._latest.popleft()
        self._n_before += 1
        if len(self._before) < _SAMPLE:
            self._before.append(left)
        elif (place := int(self._random.random() * self._n_before)) < _SAMPLE:
            self._before[place] = left

    def told(self) -> dict[str, Any] | None:
        """Return what there is to tell, None as long as there are too few scores."""
        if len(self._latest) < _FEWEST_LATEST or len(self._before) < _FEWEST_BEFORE:
            return None
        latest, before = np.array(self._latest), np.array(self._before)
        low, middle, high = np.quantile(before, (0.1, 0.5, 0.9))
        above, below = float((latest > high).mean()), float((latest < low).mean())
        word = "as before"
        if max(above, below) >= _MOVED:
            word = "higher" if above >= below else "lower"
        now = np.quantile(latest, (0.5, 0.9))
        return {
            "word": word,
            "above": round(above, 3),
            "below": round(below, 3),
            "latest": len(latest),
            "before": self._n_before,
            "now": [_three(x) for x in now.tolist()],
            "then": [_three(middle), _three(high)],
        }


def _three(score: float) -> float:
    """A score in three digits."""
    return float(f"{score:.3g}")
