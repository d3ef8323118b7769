"""How far a row's neighbours in time say something about it: the running autocorrelation of surprise.

Where anomalies come in runs, a row's surprise says much about the next row's. The score then leans
on the recent rows, by half of the lag-one autocorrelation; on a shuffled stream it leans not at all.
"""

from __future__ import annotations

import numpy as np

from iotae._compiled import compiled
from iotae._typing import Float64

__all__ = ["RECENT_RATE", "ROWS", "SIZE", "follow", "lean", "new_context"]

_MEAN, _SPREAD, _VARIANCE, _COVARIANCE, _PREVIOUS, ROWS, SIZE = range(7)

RECENT_RATE = 0.1
"""The recent rows are about the last ten."""

_MOST = 0.5
"""Most of the score that the recent rows may make up."""

_RATE = 1e-3
"""The autocorrelation is that of the last thousand rows or so."""

_REACH = 5.0
"""A surprise moves everything here as if it lay at most this many deviations above the mean."""

_LEAST_SPREAD = 0.05
"""Smallest deviation, in nats: a stream that has been constant must be able to move."""

_USUAL_REACH = 3.0
"""... but mean and deviation as if at most this many: a reach that follows what it lets in has no end."""

_FIRST_SPREAD = 1.0
"""Deviation, in nats, that stands for one row before there is any."""

_FROM_ROWS = 50.0


def new_context() -> Float64:
    """The state before any row."""
    context = np.zeros(SIZE)
    context[_SPREAD] = _FIRST_SPREAD
    return context


@compiled
def lean(context: Float64) -> float:
    """Share of the score that the recent rows make up, in [0, 1/2]."""
    if context[ROWS] < _FROM_ROWS or context[_VARIANCE] <= 0.0:
        return 0.0
    return float(_MOST * min(1.0, max(0.0, context[_COVARIANCE] / context[_VARIANCE])))


@compiled
def follow(context: Float64, surprise: float) -> float:
    """Take a row's surprise in; returns the factor by which it had to be cut, 1 where it had not."""
    rows = context[ROWS]
    context[ROWS] = rows + 1.0
    if rows == 0.0:
        context[_MEAN] = surprise
    deviation = surprise - context[_MEAN]
    factor = 1.0
    usual = max(context[_SPREAD], _LEAST_SPREAD)
    reach = _REACH * usual
    if deviation > reach:
        deviation = reach
        factor = (context[_MEAN] + deviation) / surprise
    rate = max(1.0 / (rows + 1.0), _RATE)
    held = min(max(deviation, -_USUAL_REACH * usual), _USUAL_REACH * usual)
    context[_MEAN] += rate * held
    context[_SPREAD] += max(1.0 / (rows + 2.0), _RATE) * (1.25 * abs(held) - context[_SPREAD])
    context[_VARIANCE] += rate * (deviation * deviation - context[_VARIANCE])
    context[_COVARIANCE] += rate * (deviation * context[_PREVIOUS] - context[_COVARIANCE])
    context[_PREVIOUS] = deviation
    return factor
