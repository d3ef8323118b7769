"""How surprising a scaled value is to its feature: smoothed running histograms as free functions.

A histogram's bins cover scaled values from -5 to 5 (about 147 spreads either side). Counts fade at
the stream's slowest rate; a *table* of surprises, -log of the smoothed share of each bin, is made
from them once per mini-batch, so that looking a value up costs two reads.
"""

from __future__ import annotations

import numpy as np

from iotae._compiled import compiled
from iotae._typing import Float64

__all__ = ["BINS", "add", "refresh", "scaled_at", "surprise"]

BINS = 32
"""Bins of a histogram: about a third of a spread wide near the centre."""

_EDGE = 5.0
"""The grid covers scaled values in [-_EDGE, _EDGE]."""

_PER_UNIT = BINS / (2.0 * _EDGE)

_TAIL = 1.6
"""Nats of surprise per unit beyond the grid: a density that falls as the 2.6th power of the distance."""

_PRIOR = 1.0
"""One row's worth of doubt, spread evenly over the bins."""


def scaled_at(place: Float64) -> Float64:
    """The scaled values at places among the bins, 0 the middle of the first."""
    values: Float64 = (place + 0.5) / _PER_UNIT - _EDGE
    return values


@compiled
def surprise(scaled: float, table: Float64, feature: int) -> float:
    """-log of a feature's density at a scaled value, interpolated between the bins of its table."""
    place = (scaled + _EDGE) * _PER_UNIT - 0.5
    beyond = 0.0
    if place < 0.0:
        beyond, place = -place, 0.0
    elif place > BINS - 1.0:
        beyond, place = place - (BINS - 1.0), BINS - 1.0
    low = min(int(place), BINS - 2)
    part = place - low
    inside = table[low, feature] * (1.0 - part) + table[low + 1, feature] * part
    return float(inside + beyond * (_TAIL / _PER_UNIT))


@compiled
def add(scaled: float, counts: Float64, feature: int, weight: float) -> None:
    """Put a scaled value into its feature's row of the counts, shared between the two nearest bins."""
    place = min(max((scaled + _EDGE) * _PER_UNIT - 0.5, 0.0), BINS - 1.0)
    low = min(int(place), BINS - 2)
    part = place - low
    counts[low, feature] += weight * (1.0 - part)
    counts[low + 1, feature] += weight * part


@compiled
def refresh(counts: Float64, mass: Float64, table: Float64, decay: float) -> None:
    """Let all counts (BINS, d) and their ``mass`` (d,) fade, and make the table from them.

    Shares are smoothed over neighbouring bins with weights 1/4, 1/2, 1/4.
    """
    for j in range(counts.shape[1]):
        mass[j] *= decay
        whole = np.log(mass[j] + _PRIOR)
        for b in range(BINS):
            counts[b, j] *= decay
        for b in range(BINS):
            left = counts[b - 1, j] if b > 0 else 0.0
            right = counts[b + 1, j] if b < BINS - 1 else 0.0
            smoothed = 0.5 * counts[b, j] + 0.25 * (left + right)
            table[b, j] = whole - np.log(smoothed + _PRIOR / BINS)
