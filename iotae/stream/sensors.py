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
from iotae.stream.evidence import ENERGY, LEVEL, MOVE, NOW, RUN, surprise_of_run
from iotae.stream.memory import (
    BIASES_AT,
    HEAD_AT,
    HIDDEN_AT,
    KINDS_AT,
    MOMENTS_AT,
    SENSOR_SCRATCH_AT,
    SENSORS_AT,
    SHOWN_AT,
    SINGLES_AT,
    STATS_AT,
    TAILS_AT,
    Memory,
)
from iotae.stream.scaler import CENTRE, COUNT, HEAD, SPREAD
from iotae.stream.sensor_figures import (
    ABSURD,
    BEFORE,
    BEGUN,
    CELLS,
    COVARIANCE,
    DISTANCE,
    ENERGY_NOW,
    EQUAL,
    FAR,
    IS_PRESENT,
    LAST,
    LEVEL2,
    LEVEL_NOW,
    LOG_MOVED,
    MOST_ENERGY,
    MOST_MOVE,
    MOVE2,
    MOVE_MEAN,
    MOVED,
    MOVED_NOW,
    POWER,
    PREDICTED,
    PROVED,
    RECENT,
    RECENT_ENERGY,
    RECENT_LEVEL,
    RESIDUAL_NOW,
    RESIDUALS,
    RUN_LENGTH,
    RUN_NOW,
    SEEN_REACH,
    SHOWN,
    SIGMA2,
    SQUARED,
    STEP,
    TARGET,
    TO_DEVIATION,
    UNMOVED,
    VALUES,
    VARIANCE,
    Q,
    Z,
)

__all__ = ["is_absurd", "order_of_stream", "read_sensors", "share_of_sensors"]


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
                reach = FAR if abs(z) < ABSURD else FAR + 1.0
                z = min(reach, max(-reach, z))
            elif deviation != 0.0:
                z = UNMOVED if deviation > 0.0 else -UNMOVED
            else:
                z = 0.0
        scratch[Z, j] = z
        singles[CELLS, j] = (z - moments[INVERSE_MEAN, j]) * moments[INVERSE_SCALE, j]
        singles[SHOWN, j] = min(SEEN_REACH, max(-SEEN_REACH, z))


@compiled
def _statistics(value: float, j: int, rows: float, figures: Float64, scratch: Float64) -> None:
    """Fill the scratch with the five statistics of a present sensor."""
    q, z = scratch[Q, j], scratch[Z, j]
    level = figures[RECENT_LEVEL, j] + RECENT * (min(4.0, max(-4.0, q)) + 1e-30 - figures[RECENT_LEVEL, j])
    # a little more than nothing: what fades without end becomes a hundred times slower to work with
    energy = figures[RECENT_ENERGY, j] + RECENT * (
        min(q * q + 1e-30, MOST_ENERGY) - figures[RECENT_ENERGY, j]
    )
    before = figures[BEFORE, j]
    distance = abs(z - before) if before == before else figures[STEP, j]
    moved = figures[MOVED, j] + RECENT * (
        min(distance / figures[STEP, j] + 1e-30, MOST_MOVE) - figures[MOVED, j]
    )
    log_moved = np.log(moved + 0.02)
    run = figures[RUN_LENGTH, j] + 1.0 if value == figures[LAST, j] else 0.0
    scratch[LEVEL_NOW, j] = level
    scratch[ENERGY_NOW, j] = energy
    scratch[DISTANCE, j] = distance
    scratch[MOVED_NOW, j] = moved
    scratch[LOG_MOVED, j] = log_moved
    scratch[RUN_NOW, j] = run
    scratch[VALUES + NOW, j] = abs(q)
    scratch[VALUES + LEVEL, j] = abs(level) / np.sqrt(figures[LEVEL2, j])
    scratch[VALUES + ENERGY, j] = energy
    scratch[VALUES + MOVE, j] = abs(log_moved - figures[MOVE_MEAN, j]) / np.sqrt(figures[MOVE2, j])
    scratch[VALUES + RUN, j] = surprise_of_run(run, figures[EQUAL, j], figures[BEGUN, j], rows)


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
        linear, sigma = singles[RESIDUALS, j], np.sqrt(figures[SIGMA2, j])
        # the share of the network that has proved true: 0 leaves the linear prediction
        share = min(1.0, max(0.0, figures[PROVED, j] / max(figures[SQUARED, j], 1e-9)))
        residual = linear - share * sigma * singles[PREDICTED, j]
        singles[TARGET, j] = min(SEEN_REACH, max(-SEEN_REACH, linear / sigma))
        scratch[RESIDUAL_NOW, j] = residual
        scratch[Q, j] = residual / np.sqrt(figures[VARIANCE, j])
        _statistics(row[j], j, rows, figures, scratch)
    return present


@compiled
def is_absurd(memory: Memory) -> bool:
    """Whether a reading of the row lies so far out that what the others say of it means nothing."""
    scratch = memory.slots[SENSOR_SCRATCH_AT:]
    farthest = 0.0
    for j in range(scratch.shape[1]):
        if scratch[IS_PRESENT, j] > 0.0:
            farthest = max(farthest, abs(scratch[Z, j]))
    return farthest > FAR


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
        covariance += figures[COVARIANCE, j]
        power += figures[POWER, j]
    return covariance / power
