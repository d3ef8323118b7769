"""What each sensor of a row says: how far it is from what the others make one expect, and how it moves.

A sensor's *conditional residual* is its reading less what all other slots make one expect of it: by the
running covariance (:mod:`iotae.stream.conditional`), and by what a network adds to that
(:mod:`iotae.nn.leave_one_out`), as far as it has proved true. Five statistics are made of it and of how
the sensor moves. Scoring puts them into the scratch and changes nothing else; learning keeps them.
"""

from __future__ import annotations

import numpy as np

from iotae._compiled import compiled
from iotae._typing import Float64
from iotae.nn.leave_one_out import predict
from iotae.stream.conditional import INVERSE_MEAN, INVERSE_SCALE, residuals
from iotae.stream.evidence import ENERGY, LEVEL, MOVE, NOW, RUN, SLOWEST, follow_run, follow_tail
from iotae.stream.memory import (
    BIASES_AT,
    FIGURES,
    HEAD_AT,
    HIDDEN_AT,
    KINDS_AT,
    MOMENTS_AT,
    SENSOR_SCRATCH,
    SENSOR_SCRATCH_AT,
    SENSORS_AT,
    SHOWN_AT,
    SINGLES,
    SINGLES_AT,
    STATS_AT,
    TAILS_AT,
    Memory,
)
from iotae.stream.scaler import CENTRE, COUNT, HEAD, SPREAD

__all__ = [
    "CELLS",
    "EQUAL",
    "IS_PRESENT",
    "LEARNED_REACH",
    "PREDICTED",
    "RECENT",
    "RESIDUALS",
    "RESIDUAL_NOW",
    "SHOWN",
    "TARGET",
    "TO_DEVIATION",
    "VALUES",
    "Z",
    "is_absurd",
    "keep_sensors",
    "learn_sensors",
    "new_figures",
    "order_of_stream",
    "read_sensors",
    "share_of_sensors",
]

(
    _SIGMA2,
    _PROVED,
    _SQUARED,
    _VARIANCE,
    _LEVEL,
    _LEVEL2,
    _ENERGY,
    _LAST,
    _BEFORE,
    _STEP,
    _MOVED,
    _MOVE_MEAN,
    _MOVE2,
    _RUN,
    EQUAL,
    _COVARIANCE,
    _POWER,
) = range(FIGURES)
"""Running figures of a slot: squares of the linear residual, network times residual and network squared,
squares of the joined residual; recent level and its square, recent energy; last reading and last z; usual
step, recent movement, mean and square of its logarithm; run of equal readings and how often readings are
equal; and the products that say how far a reading tells of the next."""

(
    Z,
    IS_PRESENT,
    RESIDUAL_NOW,
    _Q,
    _LEVEL_NOW,
    _ENERGY_NOW,
    _DISTANCE,
    _MOVED_NOW,
    _LOG_MOVED,
    _RUN_NOW,
    VALUES,
) = range(SENSOR_SCRATCH - 4)
"""Rows of the scratch; the five statistics are the last."""

CELLS, RESIDUALS, SHOWN, PREDICTED, TARGET = range(SINGLES)
"""Rows of single-precision scratch: deviations, linear residuals, what the network sees and says, its
target."""

_FAR, LEARNED_REACH, _SEEN_REACH = 30.0, 6.0, 4.0
"""Deviations that a reading counts for at most: when it is scored, learned, and seen by the network."""

_ABSURD = 1000.0
"""Deviations from which on a reading cannot be meant: it counts for one more than any other."""

_UNMOVED = 8.0
"""Deviations that a so far constant sensor's first move counts for."""

TO_DEVIATION = 1.2533
"""A normal variable's standard deviation in mean absolute deviations."""

RECENT = 0.1
"""The recent rows are about ten."""

_MOST_ENERGY = 12.0
_MOST_MOVE = 5.0
_SELDOM = 0.2
"""Readings that are equal to the last one more often than this say nothing by being so."""

_LEAST_VARIANCE = 1e-6
_PROVED_RATE = 2e-3


def new_figures(n_slots: int) -> Float64:
    """Figures before any row."""
    figures = np.zeros((FIGURES, n_slots))
    figures[[_SIGMA2, _VARIANCE, _ENERGY, _STEP, _MOVED, _POWER]] = 1.0
    figures[_LEVEL2], figures[_MOVE_MEAN], figures[_MOVE2] = 0.05, -0.1, 0.2
    figures[[_LAST, _BEFORE]] = np.nan
    return figures


@compiled
def _deviations(row: Float64, memory: Memory) -> None:
    """Fill the scratch with each slot's deviation from where it usually lies, and what the others see
    of it.
    """
    stats, kinds, moments, scratch, singles = (
        memory.slots[STATS_AT:HEAD_AT],
        memory.slots[KINDS_AT:MOMENTS_AT],
        memory.slots[MOMENTS_AT:SENSORS_AT],
        memory.slots[SENSOR_SCRATCH_AT:],
        memory.batches[SINGLES_AT:BIASES_AT],
    )
    for j in range(row.size):
        value = row[j]
        if not abs(value) < np.inf or stats[COUNT, j] == 0.0:
            scratch[Z, j] = np.nan
            singles[CELLS, j] = 0.0
            singles[SHOWN, j] = 0.0
            continue
        z = value
        if kinds[0, j] % 2.0 == 0.0:
            deviation = value - stats[CENTRE, j]
            if stats[SPREAD, j] > 0.0:
                z = deviation / (TO_DEVIATION * stats[SPREAD, j])
                reach = _FAR if abs(z) < _ABSURD else _FAR + 1.0
                z = min(reach, max(-reach, z))
            elif deviation != 0.0:
                z = _UNMOVED if deviation > 0.0 else -_UNMOVED
            else:
                z = 0.0
        scratch[Z, j] = z
        singles[CELLS, j] = (z - moments[INVERSE_MEAN, j]) * moments[INVERSE_SCALE, j]
        singles[SHOWN, j] = min(_SEEN_REACH, max(-_SEEN_REACH, z))


@compiled
def _statistics(value: float, j: int, rows: float, figures: Float64, scratch: Float64) -> None:
    """Fill the scratch with the five statistics of a present sensor."""
    q, z = scratch[_Q, j], scratch[Z, j]
    level = figures[_LEVEL, j] + RECENT * (min(4.0, max(-4.0, q)) + 1e-30 - figures[_LEVEL, j])
    # a little more than nothing: what fades without end becomes a hundred times slower to work with
    energy = figures[_ENERGY, j] + RECENT * (min(q * q + 1e-30, _MOST_ENERGY) - figures[_ENERGY, j])
    before = figures[_BEFORE, j]
    distance = abs(z - before) if before == before else figures[_STEP, j]
    moved = figures[_MOVED, j] + RECENT * (
        min(distance / figures[_STEP, j] + 1e-30, _MOST_MOVE) - figures[_MOVED, j]
    )
    log_moved = np.log(moved + 0.02)
    run = figures[_RUN, j] + 1.0 if value == figures[_LAST, j] else 0.0
    scratch[_LEVEL_NOW, j] = level
    scratch[_ENERGY_NOW, j] = energy
    scratch[_DISTANCE, j] = distance
    scratch[_MOVED_NOW, j] = moved
    scratch[_LOG_MOVED, j] = log_moved
    scratch[_RUN_NOW, j] = run
    scratch[VALUES + NOW, j] = abs(q)
    scratch[VALUES + LEVEL, j] = abs(level) / np.sqrt(figures[_LEVEL2, j])
    scratch[VALUES + ENERGY, j] = energy
    scratch[VALUES + MOVE, j] = abs(log_moved - figures[_MOVE_MEAN, j]) / np.sqrt(figures[_MOVE2, j])
    scratch[VALUES + RUN, j] = _surprise_of_run(run, figures[EQUAL, j], rows)


@compiled
def _surprise_of_run(run: float, equal: float, rows: float) -> float:
    if run == 0.0 or equal >= _SELDOM:
        return 0.0
    return float(-run * np.log((equal * rows + 1.0) / (rows + 2.0)))


@compiled
def read_sensors(row: Float64, memory: Memory, rows: float) -> int:
    """Fill the scratch with what each sensor of a row (d,) says; how many are present and known.

    ``rows`` is how many rows were accepted before.
    """
    _deviations(row, memory)
    stats, kinds, figures = (
        memory.slots[STATS_AT:HEAD_AT],
        memory.slots[KINDS_AT:MOMENTS_AT],
        memory.slots[SENSORS_AT:TAILS_AT],
    )
    scratch, singles = memory.slots[SENSOR_SCRATCH_AT:], memory.batches[SINGLES_AT:BIASES_AT]
    residuals(singles[CELLS], memory.matrices, singles[RESIDUALS])
    predict(
        singles[SHOWN],
        memory.hidden[HIDDEN_AT:],
        memory.batches[BIASES_AT:SHOWN_AT][0],
        memory.hidden[:HIDDEN_AT],
        singles[PREDICTED],
    )
    present = 0
    for j in range(row.size):
        known = kinds[0, j] % 2.0 == 0.0 and scratch[Z, j] == scratch[Z, j] and stats[COUNT, j] >= HEAD
        scratch[IS_PRESENT, j] = 1.0 if known else 0.0
        if not known:
            continue
        present += 1
        linear, sigma = singles[RESIDUALS, j], np.sqrt(figures[_SIGMA2, j])
        # the share of the network that has proved true: 0 leaves the linear prediction
        share = min(1.0, max(0.0, figures[_PROVED, j] / max(figures[_SQUARED, j], 1e-9)))
        residual = linear - share * sigma * singles[PREDICTED, j]
        singles[TARGET, j] = min(_SEEN_REACH, max(-_SEEN_REACH, linear / sigma))
        scratch[RESIDUAL_NOW, j] = residual
        scratch[_Q, j] = residual / np.sqrt(figures[_VARIANCE, j])
        _statistics(row[j], j, rows, figures, scratch)
    return present


@compiled
def share_of_sensors(memory: Memory) -> float:
    """Share of the present features that are continuous: whose readings seldom equal the last one."""
    figures, scratch = memory.slots[SENSORS_AT:TAILS_AT], memory.slots[SENSOR_SCRATCH_AT:]
    present, moving = 0.0, 0.0
    for j in range(figures.shape[1]):
        present += scratch[IS_PRESENT, j]
        moving += scratch[IS_PRESENT, j] if figures[EQUAL, j] <= 0.5 else 0.0
    return moving / max(present, 1.0)


@compiled
def order_of_stream(memory: Memory) -> float:
    """How far a reading tells of the next, on average: 0 in a stream whose order carries nothing."""
    figures = memory.slots[SENSORS_AT:TAILS_AT]
    covariance, power = 0.0, 1e-9
    for j in range(figures.shape[1]):
        covariance += figures[_COVARIANCE, j]
        power += figures[_POWER, j]
    return covariance / power


@compiled
def is_absurd(memory: Memory) -> bool:
    """Whether a reading of the row lies so far out that what the others say of it means nothing."""
    scratch = memory.slots[SENSOR_SCRATCH_AT:]
    farthest = 0.0
    for j in range(scratch.shape[1]):
        if scratch[IS_PRESENT, j] > 0.0:
            farthest = max(farthest, abs(scratch[Z, j]))
    return farthest > _FAR


@compiled
def keep_sensors(row: Float64, memory: Memory, rows: float) -> None:
    """Keep what any row changes, refused or not: recent level, energy and movement, and the last reading."""
    figures, scratch, moments = (
        memory.slots[SENSORS_AT:TAILS_AT],
        memory.slots[SENSOR_SCRATCH_AT:],
        memory.slots[MOMENTS_AT:SENSORS_AT],
    )
    rate = max(1.0 / (rows + 1.0), 1e-3)
    for j in range(row.size):
        z = scratch[Z, j]
        if z != z:
            continue
        if scratch[IS_PRESENT, j] > 0.0:
            figures[_LEVEL, j] = scratch[_LEVEL_NOW, j]
            figures[_ENERGY, j] = scratch[_ENERGY_NOW, j]
            figures[_MOVED, j] = scratch[_MOVED_NOW, j]
            before = figures[_BEFORE, j]
            # a row that comes twice says nothing about the order of the others
            if before == before and row[j] != figures[_LAST, j]:
                mean, scale = moments[INVERSE_MEAN, j], moments[INVERSE_SCALE, j]
                now = min(4.0, max(-4.0, (z - mean) * scale))
                then = min(4.0, max(-4.0, (before - mean) * scale))
                figures[_COVARIANCE, j] += rate * (now * then - figures[_COVARIANCE, j])
                figures[_POWER, j] += rate * (now * now - figures[_POWER, j])
        figures[_RUN, j] = figures[_RUN, j] + 1.0 if row[j] == figures[_LAST, j] else 0.0
        figures[_LAST, j] = row[j]
        figures[_BEFORE, j] = min(8.0, max(-8.0, z))


@compiled
def learn_sensors(row: Float64, memory: Memory, rows: float, fast: float) -> None:
    """Let an accepted row move what is usual; ``fast`` is the least rate, above 0 in a changed world.

    To be called before :func:`keep_sensors`, with how many rows were accepted before.
    """
    figures, scratch, singles, tails = (
        memory.slots[SENSORS_AT:TAILS_AT],
        memory.slots[SENSOR_SCRATCH_AT:],
        memory.batches[SINGLES_AT:BIASES_AT],
        memory.slots[TAILS_AT:SENSOR_SCRATCH_AT],
    )
    slow = max(max(1.0 / (rows + 30.0), SLOWEST), fast)
    quick = max(max(1.0 / (rows + 10.0), 2.0 * SLOWEST), fast)
    proof = max(1.0 / (rows + 10.0), _PROVED_RATE)
    most = 16.0 if rows > 200.0 else 100.0
    quantiles = max(SLOWEST, 3.0 / ((rows + 100.0) * (1.0 + (rows / 3000.0) ** 2)))
    for j in range(row.size):
        if scratch[IS_PRESENT, j] == 0.0:
            continue
        linear, residual = singles[RESIDUALS, j], scratch[RESIDUAL_NOW, j]
        target, predicted = singles[TARGET, j], singles[PREDICTED, j]
        figures[_PROVED, j] += proof * (target * predicted - figures[_PROVED, j])
        figures[_SQUARED, j] += proof * (predicted * predicted - figures[_SQUARED, j])
        square = figures[_SIGMA2, j]
        square += quick * (min(linear * linear, most * square) - square)
        figures[_SIGMA2, j] = max(square, _LEAST_VARIANCE)
        square = figures[_VARIANCE, j]
        square += quick * (min(residual * residual, most * square) - square)
        figures[_VARIANCE, j] = max(square, _LEAST_VARIANCE)
        square = figures[_LEVEL2, j]
        level = scratch[_LEVEL_NOW, j]
        figures[_LEVEL2, j] += slow * (min(level * level, 16.0 * square) - square)
        step = figures[_STEP, j]
        step += slow * (min(scratch[_DISTANCE, j], 5.0 * step + 0.01) - step)
        figures[_STEP, j] = max(1e-3, step)
        deviation = scratch[_LOG_MOVED, j] - figures[_MOVE_MEAN, j]
        figures[_MOVE_MEAN, j] += slow * deviation
        square = figures[_MOVE2, j]
        figures[_MOVE2, j] = max(1e-4, square + slow * (min(deviation * deviation, 16.0 * square) - square))
        equal = 1.0 if row[j] == figures[_LAST, j] else 0.0
        if equal == 0.0 and figures[_RUN, j] > 0.0:
            follow_run(_surprise_of_run(figures[_RUN, j], figures[EQUAL, j], rows), tails, j)
        figures[EQUAL, j] += max(1.0 / (rows + 1.0), SLOWEST) * (equal - figures[EQUAL, j])
        if rows > 60.0:
            for statistic in range(RUN):
                follow_tail(scratch[VALUES + statistic, j], tails, statistic, j, quantiles)
