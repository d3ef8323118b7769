"""The protocol of alarms: the false-alarm rate that was asked for against the one that came.

A detector scores the normal rows of a stream, score before learn; each threshold then meets these scores
one by one, judging before it is updated. Rates are counted where a threshold may be expected to have
adapted: from `ADAPTED` rows after the start, and after the jump where there is one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.dataset import Dataset
from benchmarks.detector import Detector, Task
from benchmarks.peers import RiverQuantile, Spot
from benchmarks.protocols import prequential
from iotae.thresholds import AlertBudget, ConformalThreshold, QuantileThreshold, TailThreshold

__all__ = ["ADAPTED", "ALPHAS", "THRESHOLDS", "alarms_of", "realised", "rows_until_adapted"]

ALPHAS = (0.05, 0.01, 0.001)
ADAPTED = 5_000
LEAST_ROWS = 2 * ADAPTED
"""A group with fewer normal rows is left out."""

BLOCKS = 10
"""Stretches of each group whose rates say how much the rate is off by chance."""


class Fixed:
    """The quantile of the first rows, never updated: what a contamination set at the start amounts to."""

    def __init__(self, alpha: float) -> None:
        self._first: list[float] = []
        self._cut = QuantileThreshold(alpha)
        self.classify = self._cut.classify

    def update(self, score: float) -> None:
        """Take in the first rows; no more thereafter."""
        if len(self._first) < ADAPTED:
            self._first.append(score)
            if len(self._first) == ADAPTED:
                self._cut.fit(self._first)


THRESHOLDS: dict[str, Callable[[float], Any]] = {
    "conformal": ConformalThreshold,
    "tail": TailThreshold,
    "tail, depth 100": lambda alpha: TailThreshold(alpha, depth=100),
    "budget": lambda alpha: AlertBudget(10, round(10 / alpha)),
    "quantile": QuantileThreshold,
    "QuantileFilter": RiverQuantile,
    "SPOT": Spot,
    "fixed": Fixed,
}


def alarms_of(threshold: Any, scores: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which rows (n,) are alarms, each judged before it is taken in."""
    alarms = np.zeros(len(scores), bool)
    for i, score in enumerate(scores.tolist()):
        alarms[i] = threshold.classify(score)
        threshold.update(score)
    return alarms


def rows_until_adapted(alarms: NDArray[np.bool_], alpha: float, start: int) -> int | None:
    """Rows from ``start`` until the next ``10 / alpha`` hold alarms at a rate of at most ``2 * alpha``.

    None where that never comes.

    Examples
    --------
    >>> alarms = np.zeros(1000, bool)
    >>> alarms[500:530] = True
    >>> rows_until_adapted(alarms, 0.1, 500), rows_until_adapted(alarms, 0.1, 900)
    (10, 0)
    """
    stretch = min(round(10 / alpha), len(alarms) - start)
    counts = np.cumsum(np.append(0, alarms[start:]))
    calm = np.flatnonzero(counts[stretch:] - counts[:-stretch] <= 2 * alpha * stretch)
    return int(calm[0]) if calm.size else None


def realised(data: Dataset, detector: Detector, seed: int, max_rows: int | None) -> dict[str, Any]:
    """Return the realised rates of all thresholds over the scores that a detector gives normal rows.

    Parameters
    ----------
    data : Dataset
        Normal rows only. Without an order of time they are shuffled with the seed.
    detector : Detector
        An entry with River's interface; a fresh one for each group.
    seed : int
        Decides the shuffle and the detector's own randomness.
    max_rows : int or None
        The first rows of each group only; None or 0 means all.

    Returns
    -------
    dict
        n (rows counted), d, and for each threshold and alpha, as text, ``rates`` (one for each of ten
        stretches of a group) and ``until`` (rows until adapted for each group, None for never).
    """
    if not data.ordered:
        data = data.take(np.random.default_rng(seed).permutation(len(data.y)))
    group = np.zeros(len(data.y), np.int64) if data.group is None else data.group
    results: dict[str, dict[str, Any]] = {
        f"{name} {alpha}": {"rates": [], "until": []} for name in THRESHOLDS for alpha in ALPHAS
    }
    n_counted = 0
    for label in dict.fromkeys(group.tolist()):
        part = data.take(np.flatnonzero(group == label)[: max_rows or None])
        n = len(part.y)
        if n < LEAST_ROWS:
            continue
        scores, _ = prequential(part, detector.make(Task(seed, *part.X.shape)))
        changes = [0, n // 2] if data.name.endswith("shifted") else [0]
        counted = np.ones(n, bool)
        for change in changes:
            counted[change : change + ADAPTED] = False
        n_counted += int(counted.sum())
        for name, threshold in THRESHOLDS.items():
            for alpha in ALPHAS:
                alarms = alarms_of(threshold(alpha), scores)
                result = results[f"{name} {alpha}"]
                result["rates"] += [float(b.mean()) for b in np.array_split(alarms[counted], BLOCKS)]
                result["until"].append(rows_until_adapted(alarms, alpha, changes[-1]))
    if not n_counted:
        raise ValueError(f"Got no group of at least {LEAST_ROWS} normal rows, but expected one.")
    return {"n": n_counted, "d": data.X.shape[1], "results": results}
