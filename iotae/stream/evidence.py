"""How rare a statistic is, in nats (-log of its tail), and how several are joined into one score.

A statistic of one sensor has a Pareto tail beyond its running 95 % quantile u: a value a > u is worth
log 20 + log(a / u) / b nats, b the mean excess of its logarithm. The largest of a statistic over the sensors
is calibrated once more, on its own running distribution. The most surprising part is then put on the scale of
the row's surprise at equal rarity, and the two are added softly: a part can raise a score and never hide one.
"""

from __future__ import annotations

import numpy as np

from iotae._compiled import compiled
from iotae._typing import Float64

__all__ = [
    "CALIBRATION",
    "CLOCK",
    "ENERGY",
    "LEVEL",
    "LN20",
    "MOVE",
    "NOW",
    "N_PARTS",
    "N_STATISTICS",
    "RUN",
    "SELDOM",
    "SLOWEST",
    "SUM",
    "SURPRISE",
    "TAILS",
    "calibrate",
    "calm",
    "follow_run",
    "follow_tail",
    "new_calibration",
    "new_tails",
    "part_nats",
    "run_nats",
    "soft_sum",
    "surprise_of_run",
    "tail_nats",
    "to_surprise",
    "weighed",
]

NOW, LEVEL, ENERGY, MOVE, RUN, SUM, CLOCK, SURPRISE = range(8)
"""What speaks of a row. Of each sensor: its conditional residual now, the residual's recent mean, its recent
energy, how much the sensor moves, and how long it has not moved. Of all together: the sum of the
residuals, and whether the clock agrees with the sensors. SURPRISE is the row's mean surprise, which the
others are joined to."""

N_STATISTICS, N_PARTS = SUM, SURPRISE

TAILS = 3 * N_STATISTICS
"""Rows of the tails (TAILS, d): quantile, slope and number of excesses of each statistic."""

_LOW, _HIGH, _SLOPE, _EXCESSES, CALIBRATION = range(0, 5 * (SURPRISE + 1), SURPRISE + 1)
"""Where in the calibration (CALIBRATION,) the eight medians, 95 % quantiles, mean excesses, and numbers of
excesses begin."""

LN2, LN20 = 0.6931471805599453, 2.995732273553991

SLOWEST = 1.0 / 20_000.0
"""Slowest rate of every running figure. A faster one would learn a fault that lasts for an hour."""

_LEAST_SLOPE = 0.03
SELDOM = 0.2
"""Up to this share of repeats each is taken for chance; beyond, what counts is how long they usually last."""

_RUN_QUANTILE = 6.0
_RUN_MOST = 9.0
"""A run of equal values is worth at most so many nats: a sensor that rests is no catastrophe."""

_HANDICAP = 1.0
"""Nats that a statistic with a noisy tail must bring before it counts: all of one sensor but the energy."""

_MOST_JOINED = 9.0
"""Most that a part can bring, as a surprise: beyond, the row's own surprise tells rows apart. Without an end
the score would round to one."""

_YOUNG = 400.0
"""Nats times rows: what a tail that was fitted to few rows says is not known."""


def new_tails(n_slots: int) -> Float64:
    """Tails (TAILS, d) before any row: those of a normal variable, and a long one for runs."""
    tails = np.zeros((TAILS, n_slots))
    for statistic in range(N_STATISTICS):
        tails[3 * statistic], tails[3 * statistic + 1] = 1.96, 0.17
    tails[3 * ENERGY], tails[3 * ENERGY + 1] = 1.8, 0.2
    tails[3 * RUN], tails[3 * RUN + 1] = _RUN_QUANTILE, 1.0
    return tails


def new_calibration() -> Float64:
    """Calibration (CALIBRATION,) before any row."""
    calibration = np.zeros(CALIBRATION)
    calibration[_LOW:_HIGH], calibration[_HIGH:_SLOPE], calibration[_SLOPE:_EXCESSES] = 3.3, 5.5, 1.0
    calibration[[_LOW + SURPRISE, _HIGH + SURPRISE, _SLOPE + SURPRISE]] = 0.7, 1.4, 0.3
    return calibration


@compiled
def tail_nats(value: float, tails: Float64, statistic: int, slot: int) -> float:
    """Nats of a value >= 0 of a sensor's statistic."""
    quantile = tails[3 * statistic, slot]
    if value <= quantile:
        return float(LN20 * value / quantile)
    return float(LN20 + np.log(value / quantile) / tails[3 * statistic + 1, slot])


@compiled
def surprise_of_run(run: float, equal: float, begun: float, rows: float) -> float:
    """Nats of so many readings that equal the one before, by how often they do and how often that begins."""
    if run == 0.0:
        return 0.0
    rate = stays = (equal * rows + 1.0) / (rows + 2.0)
    if equal >= SELDOM:
        # what rests at night begins a run once a day, and then nearly always stays
        stays = max(rate, ((equal - begun) * rows + rate) / (equal * rows + 1.0))
    return float(-np.log(rate) - (run - 1.0) * np.log(stays))


@compiled
def _excess_of_run(value: float, quantile: float) -> float:
    """How far a run is beyond the quantile: in nats near it, by their logarithm far out, as readings rest."""
    return float(quantile * np.log(value / quantile))


@compiled
def run_nats(value: float, tails: Float64, slot: int) -> float:
    """Nats of a run of equal values, by the runs that the sensor has had."""
    quantile = tails[3 * RUN, slot]
    if value <= quantile:
        return float(LN20 * value / quantile)
    return float(LN20 + _excess_of_run(value, quantile) / tails[3 * RUN + 1, slot])


@compiled
def follow_tail(value: float, tails: Float64, statistic: int, slot: int, rate: float) -> None:
    """Move the quantile by stochastic approximation (Robbins and Monro, 1951), and the tail's slope."""
    place = 3 * statistic
    quantile, slope = tails[place, slot], tails[place + 1, slot]
    if value <= quantile:
        tails[place, slot] = quantile * (1.0 - rate * slope)
        return
    tails[place + 2, slot] += 1.0
    share = max(20.0 * SLOWEST, 1.0 / (100.0 + tails[place + 2, slot]))
    slope = max(_LEAST_SLOPE, slope + share * (min(np.log(value / quantile), 3.0 * slope) - slope))
    tails[place + 1, slot] = slope
    tails[place, slot] = quantile * (1.0 + 19.0 * rate * slope)


@compiled
def follow_run(value: float, tails: Float64, slot: int) -> None:
    """Take a run in that has ended. Its rows count once: they are no evidence of each other."""
    place = 3 * RUN
    quantile, slope = tails[place, slot], tails[place + 1, slot]
    if value <= quantile:
        lower = quantile - 0.05 * slope / (20.0 + tails[place + 2, slot])
        tails[place, slot] = max(_RUN_QUANTILE, lower)
        return
    tails[place + 2, slot] += 1.0
    share = max(0.005, 1.0 / (20.0 + tails[place + 2, slot]))
    slope += share * (min(_excess_of_run(value, quantile), 5.0 * slope) - slope)
    tails[place + 1, slot] = slope
    tails[place, slot] = quantile + 0.95 * share * slope


@compiled
def part_nats(value: float, calibration: Float64, part: int, n_sensors: int) -> float:
    """Nats of a part of the row at the part's own running distribution."""
    if part == RUN:
        # a tail in nats already: the largest of so many
        return float(min(value - np.log(max(n_sensors, 1)), _RUN_MOST))
    if part == CLOCK:
        # in its own deviations: a running tail of something that lasts for hours would lag behind
        return float(LN2 + (LN20 - LN2) * value)
    low, high, slope = calibration[_LOW + part], calibration[_HIGH + part], calibration[_SLOPE + part]
    if value > high:
        return float(LN20 + (value - high) / slope)
    return float(LN2 + (LN20 - LN2) * (value - low) / max(high - low, 0.05 * slope))


@compiled
def calibrate(value: float, calibration: Float64, part: int, rows: float) -> None:
    """Move a part's running distribution by its value in the latest of so many rows."""
    rate = max(SLOWEST, 1.0 / (rows + 50.0))
    low, high, slope = calibration[_LOW + part], calibration[_HIGH + part], calibration[_SLOPE + part]
    half = max(high - low, slope)
    if value > high:
        calibration[_EXCESSES + part] += 1.0
        share = max(20.0 * SLOWEST, 1.0 / (10.0 + calibration[_EXCESSES + part]))
        least = 0.006 if part == SURPRISE else 0.02
        slope = max(least, slope + share * (min(value - high, 8.0 * slope) - slope))
        calibration[_SLOPE + part] = slope
        high += 19.0 * rate * slope
    else:
        high -= rate * slope
    low += rate * half if value > low else -rate * half
    calibration[_LOW + part], calibration[_HIGH + part] = low, max(high, low)


@compiled
def weighed(nats: float, part: int, rows: float, order: float, sensors: float) -> float:
    """Nats that a part brings to the join, by the kind of stream that this is.

    ``order`` is 0 in a stream whose order carries nothing: what speaks of several rows then has no say.
    ``sensors`` is 0 where hardly a feature is continuous: what speaks of single sensors then has none.
    """
    nats -= _YOUNG / (1.0 + rows)
    if part != ENERGY and part < SUM:
        nats -= _HANDICAP
    if nats <= 0.0:
        return nats
    if part in (NOW, RUN):
        # what speaks of this row alone, or of equal readings, says something in any order
        order = 0.5 + 0.5 * order
    return nats * order * sensors


@compiled
def to_surprise(nats: float, calibration: Float64) -> float:
    """The surprise, as a logarithm, that is as rare as so many nats; at least its median."""
    low, high, slope = (
        calibration[_LOW + SURPRISE],
        calibration[_HIGH + SURPRISE],
        calibration[_SLOPE + SURPRISE],
    )
    if nats > LN20:
        return float(min(high + (nats - LN20) * slope, max(high, _MOST_JOINED)))
    return float(low + (max(nats, LN2) - LN2) / (LN20 - LN2) * (high - low))


@compiled
def soft_sum(surprise: float, evidence: float) -> float:
    """Half the log of the sum of squares of two numbers that are given, and returned, as logarithms."""
    high, low = max(surprise, evidence), min(surprise, evidence)
    return float(high + 0.5 * np.log1p(np.exp(2.0 * (low - high))))


@compiled
def calm(calibration: Float64) -> float:
    """How much less the row's surprise counts, as a logarithm, where single sensors can be listened to."""
    return float(calibration[_SLOPE + SURPRISE])
