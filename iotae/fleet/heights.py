"""Scores that compare across devices: how rare a score is on its own device, in nats, as a score in [0, 1).

A device's latest scores give three points: its own cut, a p-value of ``alpha`` or ``-log(alpha)`` nats, and
the scores of a half and of a quarter of these nats. Between them, and beyond, nats follow a line. So one cut
serves all devices, no two scores tie, and rows beyond every score seen still differ.
"""

from __future__ import annotations

from math import exp, log
from typing import NamedTuple

from iotae.stream.score_scale import bounded
from iotae.thresholds.window import ScoreWindow

__all__ = ["LEAST_SCORES", "Points", "common_cut", "height", "points_of"]

LEAST_SCORES = 20
"""Scores from which on a device's own points say more than those of models in general."""

_LEAST_REACH = 1e-9


class Points(NamedTuple):
    """What a device's scores are measured by."""

    middle: float
    low: float
    high: float
    """Scores with a quarter of the nats of ``top``, with half of them, and with all of them."""
    top: float
    """``alpha``, or the least p-value there can be among so few scores."""


def common_cut(alpha: float) -> float:
    """The cut of all devices: the height of a score of a p-value of ``alpha``."""
    return bounded(-log(alpha))


def points_of(window: ScoreWindow, alpha: float, least: int = LEAST_SCORES) -> Points | None:
    """The points of a device with these latest scores; None where there are fewer than ``least``."""
    n = len(window)
    if n < least:
        return None
    top = max(alpha, 1.0 / (n + 1))
    high = window.cut(top)
    # rounding may ask for one score more than there are
    high = high if high < float("inf") else window.sorted[-1]
    return Points(window.cut(top**0.25), window.cut(top**0.5), high, top)


def height(score: float, points: Points, least: float = _LEAST_REACH) -> float:
    """A score's nats on its own device, at least 0.

    Parameters
    ----------
    score : float
    points : Points
        On the score's scale.
    least : float
        Distance of two points at least, for what lies beyond them: where scores are all alike, one is not odd
        for a rounding error.

    Examples
    --------
    >>> window = ScoreWindow(1000)
    >>> for i in range(999):
    ...     window.push(float(i))
    >>> points = points_of(window, 0.01)
    >>> [round(height(score, points), 2) for score in (0.0, points.middle, points.low, points.high, 2000.0)]
    [0.05, 1.15, 2.3, 4.61, 30.47]
    """
    nats = -log(points.top)
    if score >= points.high:
        return nats + 0.5 * nats * (score - points.high) / max(points.high - points.low, least)
    if score >= points.low:
        return 0.5 * nats * (1.0 + (score - points.low) / (points.high - points.low))
    if score >= points.middle:
        return 0.25 * nats * (1.0 + (score - points.middle) / (points.low - points.middle))
    return 0.25 * nats * exp((score - points.middle) / max(points.low - points.middle, least))
