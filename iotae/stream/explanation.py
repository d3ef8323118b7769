"""Why a stream's row scored as it did, and what was expected of it: read from what its scoring left
behind.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from iotae._typing import Float64
from iotae.stream.alarm_kinds import AFTER, OFF, STILL
from iotae.stream.conditional import INVERSE_MEAN, INVERSE_SCALE
from iotae.stream.counters import ACCEPTED
from iotae.stream.evidence import CLOCK, N_PARTS, N_STATISTICS, NOW, RUN, calm, run_nats, tail_nats, weighed
from iotae.stream.grounds import remarks_of
from iotae.stream.kernels import SHARE
from iotae.stream.scaler import CENTRE, SPREAD
from iotae.stream.sensor_figures import EQUAL, IS_PRESENT, RESIDUAL_NOW, RESIDUALS, TO_DEVIATION, VALUES, Z
from iotae.stream.witness import CLOCK_SLOT, JOINED, LISTENED, NATS, SURPRISED

__all__ = ["causes", "expected_values", "remarks", "shares"]

Views = Mapping[str, NDArray[Any]]
"""The parts of a model's memory by name, just after a row was scored."""


def _nats_of_sensors(views: Views) -> tuple[Float64, NDArray[np.int64]]:
    """The most nats that a statistic of each sensor (d,) brings, as if order and sensors counted in full, and
    which statistic that is.
    """
    scratch, tails, kinds = views["sensor_scratch"], views["tails"], views["kinds"][0]
    rows = float(views["counts"][ACCEPTED])
    best, which = np.full(kinds.size, -np.inf), np.zeros(kinds.size, np.int64)
    continuous = (scratch[IS_PRESENT] > 0.0) & (views["sensors"][EQUAL] <= 0.5)
    for j in np.flatnonzero(continuous).tolist():
        for k in range(N_STATISTICS if kinds[j] == 0.0 else NOW + 1):
            value = scratch[VALUES + k, j]
            nats = run_nats(value, tails, j) if k == RUN else tail_nats(value, tails, k, j)
            nats = weighed(nats, k, rows, 1.0, 1.0)
            if nats > best[j]:
                best[j], which[j] = nats, k
    return best, which


def _witness_shares(views: Views) -> Float64:
    """How the sensors (d,) share out what they say together; by nats, so that the oddest has most of it."""
    nats = views["evidence"][NATS : NATS + N_PARTS]
    kinds = views["kinds"][0]
    if np.argmax(nats) == CLOCK:
        told = (kinds == CLOCK_SLOT) & (views["sensor_scratch"][Z] == views["sensor_scratch"][Z])
        by_clock: Float64 = told / max(int(told.sum()), 1)
        return by_clock
    best, _ = _nats_of_sensors(views)
    if not np.isfinite(best).any():
        return np.zeros(kinds.size)
    weights: Float64 = np.exp(best - best.max())
    weights /= weights.sum()
    return weights


def _weight_of_sensors(views: Views) -> float:
    """How much of the score the sensors by themselves make up, in [0, 1]; the surprise makes up the rest."""
    evidence = views["evidence"]
    level = np.log(float(evidence[SURPRISED]) + 0.5) - calm(views["calibration"]) * evidence[LISTENED]
    return float(1.0 / (1.0 + np.exp(min(2.0 * (level - evidence[JOINED]), 700.0))))


def remarks(views: Views) -> list[str | None]:
    """What each slot (d,) of the row scored last did in the rows before, where that is why it stands out."""
    if float(views["evidence"][SURPRISED]) < 0.0:
        return [None] * views["kinds"].shape[1]
    nats, statistic = _nats_of_sensors(views)
    return remarks_of(views, statistic, nats, _weight_of_sensors(views) > 0.5)


def causes(views: Views) -> list[str]:
    """Why each slot (d,) of the row scored last stands out, as :mod:`iotae.stream.confirmed` names it."""
    if float(views["evidence"][SURPRISED]) < 0.0:
        return [OFF] * views["kinds"].shape[1]
    _, statistic = _nats_of_sensors(views)
    named = {RUN: STILL, NOW: OFF}
    told = remarks(views)
    return [
        OFF if one is None else named.get(k, AFTER) for one, k in zip(told, statistic.tolist(), strict=True)
    ]


def shares(views: Views) -> Float64:
    """Each slot's share (d,) >= 0 of the score of the row scored last; they add up to one, or all are 0."""
    evidence = views["evidence"]
    surprise = float(evidence[SURPRISED])
    if surprise < 0.0:
        return np.zeros(views["kinds"].shape[1])
    by_surprise: Float64 = views["scratch"][SHARE] / surprise if surprise > 0.0 else views["scratch"][SHARE]
    by_sensor = _witness_shares(views)
    weight = _weight_of_sensors(views)
    if not by_sensor.any():
        return by_surprise
    if not by_surprise.any():
        return by_sensor
    mixed: Float64 = (1.0 - weight) * by_surprise + weight * by_sensor
    return mixed


def expected_values(views: Views) -> Float64:
    """What was expected of each slot (d,) of the row scored last, in the feature's own units."""
    stats, moments, scratch, singles = (
        views[name] for name in ("stats", "moments", "sensor_scratch", "singles")
    )
    z = scratch[Z]
    present = (scratch[IS_PRESENT] > 0.0) & (z == z)
    # of a cell that is missing the others say what it should have been
    residual = np.where(present, scratch[RESIDUAL_NOW], singles[RESIDUALS])
    expected = np.where(present, z, moments[INVERSE_MEAN]) - residual / moments[INVERSE_SCALE]
    young = (z == z) & ~present
    values: Float64 = stats[CENTRE] + TO_DEVIATION * stats[SPREAD] * np.where(young, 0.0, expected)
    return values
