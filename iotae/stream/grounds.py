"""What an operator is told beside a share of the score: what is usual of a sensor, and whether it is the
present value or the rows before it that stand out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from iotae._typing import Float64
from iotae.stream.evidence import ENERGY, LEVEL, LN20, MOVE, NOW, RUN
from iotae.stream.histogram import BINS, scaled_at
from iotae.stream.kernels import MASS, own_part_of_surprise
from iotae.stream.scaler import CENTRE, SPREAD
from iotae.stream.sensor_figures import LEVEL_NOW, LOG_MOVED, MOVE_MEAN, RUN_NOW, Z

__all__ = ["presence", "remarks_of", "usual_ranges"]

Views = Mapping[str, NDArray[Any]]

_TAIL = 0.025
"""Share of the values on either side of what is called usual."""

_ENOUGH = 30.0
"""Rows from which on what is usual of a sensor is told."""

_BY_THE_PAST = 0.5
"""Of what a sensor adds to the surprise, the part of its own value below which the rows before are why."""


def usual_ranges(views: Views) -> Float64:
    """From where to where (2, d) nineteen in twenty values of each slot lie; NaN where little is known."""
    counts, mass = views["counts_of_bins"], views["running"][MASS]
    centre, spread = views["stats"][CENTRE], views["stats"][SPREAD]
    ranges = np.full((2, centre.size), np.nan)
    for j in np.flatnonzero(mass >= _ENOUGH).tolist():
        below = np.cumsum(counts[:, j])
        whole = below[-1]
        if not whole > 0.0:
            continue
        # a bin's values lie about its middle: half of them are below it
        places = np.interp(
            [_TAIL * whole, (1.0 - _TAIL) * whole], below - 0.5 * counts[:, j], np.arange(BINS)
        )
        scaled = scaled_at(places)
        ranges[:, j] = centre[j] + np.sign(scaled) * np.expm1(np.abs(scaled)) * spread[j]
    return ranges


def presence(views: Views) -> Float64:
    """The share (d,) of the rows learned that have each slot; NaN before there are enough of them."""
    mass = views["running"][MASS]
    rows = mass.max(initial=0.0)
    return mass / rows if rows >= _ENOUGH else np.full(mass.size, np.nan)


def _is_steady(views: Views, j: int) -> bool:
    """Whether a sensor's present reading lies where its readings usually lie."""
    return bool(abs(views["sensor_scratch"][Z, j]) < 2.0)


def _of_statistic(views: Views, statistic: int, j: int) -> str | None:
    """What a sensor did in the rows before, where one of its statistics speaks of them."""
    scratch, figures = views["sensor_scratch"], views["sensors"]
    if statistic == RUN:
        return f"has not moved for {scratch[RUN_NOW, j]:.0f} rows"
    if statistic == LEVEL:
        return f"{'above' if scratch[LEVEL_NOW, j] > 0.0 else 'below'} what was expected in the latest rows"
    if statistic == ENERGY:
        return "far from what was expected in the latest rows"
    if statistic == MOVE:
        more = scratch[LOG_MOVED, j] > figures[MOVE_MEAN, j]
        return f"has moved {'more' if more else 'less'} than usual in the latest rows"
    return None


def remarks_of(
    views: Views, statistic: NDArray[np.int64], nats: Float64, by_sensors: bool
) -> list[str | None]:
    """What each slot (d,) did in the rows before the one scored last, where that is why it stands out.

    Parameters
    ----------
    views : mapping
        The parts of a model's memory.
    statistic, nats : array (d,)
        The statistic that brings most of each sensor, and the nats that it brings.
    by_sensors : bool
        Whether the score comes from single sensors and not from the surprise of the row.
    """
    told: list[str | None] = [None] * statistic.size
    own = own_part_of_surprise(views["scratch"], views["running"], views["context"])
    for j in range(statistic.size):
        if by_sensors and nats[j] > LN20 and statistic[j] != NOW:
            told[j] = _of_statistic(views, int(statistic[j]), j)
        elif not by_sensors and own[j] < _BY_THE_PAST and _is_steady(views, j):
            told[j] = "odd in the rows just before"
    return told
