"""What is usual of each sensor: its running figures, and how a learned row moves them."""

from __future__ import annotations

import numpy as np

from iotae._compiled import compiled
from iotae._typing import Float64
from iotae.stream.conditional import INVERSE_MEAN, INVERSE_SCALE
from iotae.stream.evidence import RUN, SLOWEST, follow_run, follow_tail, surprise_of_run
from iotae.stream.memory import (
    BIASES_AT,
    FIGURES,
    MOMENTS_AT,
    SENSOR_SCRATCH,
    SENSOR_SCRATCH_AT,
    SENSORS_AT,
    SINGLES,
    SINGLES_AT,
    TAILS_AT,
    Memory,
)

__all__ = [
    "ABSURD",
    "BEFORE",
    "BEGUN",
    "CELLS",
    "COVARIANCE",
    "DISTANCE",
    "ENERGY_NOW",
    "EPISODES",
    "EQUAL",
    "FAR",
    "FAR_ROWS",
    "IS_PRESENT",
    "LAST",
    "LAST_EPISODE",
    "LEARNED_REACH",
    "LEAST_VARIANCE",
    "LEVEL2",
    "LEVEL_NOW",
    "LOG_MOVED",
    "MOST_ENERGY",
    "MOST_MOVE",
    "MOVE2",
    "MOVED",
    "MOVED_NOW",
    "MOVE_MEAN",
    "POWER",
    "PREDICTED",
    "PROVED",
    "PROVED_RATE",
    "RECENT",
    "RECENT_ENERGY",
    "RECENT_LEVEL",
    "RESIDUALS",
    "RESIDUAL_NOW",
    "RUN_LENGTH",
    "RUN_NOW",
    "SEEN_REACH",
    "SHOWN",
    "SIGMA2",
    "SQUARED",
    "STEP",
    "TARGET",
    "TO_DEVIATION",
    "UNMOVED",
    "VALUES",
    "VARIANCE",
    "Q",
    "Z",
    "keep_sensors",
    "learn_sensors",
    "new_figures",
]

(
    SIGMA2,
    PROVED,
    SQUARED,
    VARIANCE,
    RECENT_LEVEL,
    LEVEL2,
    RECENT_ENERGY,
    LAST,
    BEFORE,
    STEP,
    MOVED,
    MOVE_MEAN,
    MOVE2,
    RUN_LENGTH,
    EQUAL,
    COVARIANCE,
    POWER,
    EPISODES,
    LAST_EPISODE,
    FAR_ROWS,
    BEGUN,
) = range(FIGURES)
"""Running figures of a slot: squares of the linear residual, network times residual and network squared,
squares of the joined residual; recent level and its square, recent energy; last reading and last z; usual
step, recent movement, mean and square of its logarithm; run of equal readings and how often readings are
equal; the products that say how far a reading tells of the next; how often the sensor was far out,
when that last began, and how many rows of it there were; how often a run of equal readings begins."""

(
    Z,
    IS_PRESENT,
    RESIDUAL_NOW,
    Q,
    LEVEL_NOW,
    ENERGY_NOW,
    DISTANCE,
    MOVED_NOW,
    LOG_MOVED,
    RUN_NOW,
    VALUES,
) = range(SENSOR_SCRATCH - 4)
"""Rows of the scratch; the five statistics are the last."""

CELLS, RESIDUALS, SHOWN, PREDICTED, TARGET = range(SINGLES)
"""Rows of single-precision scratch: deviations, linear residuals, what the network sees and says, its
target."""

FAR, LEARNED_REACH, SEEN_REACH = 30.0, 6.0, 4.0
"""Deviations that a reading counts for at most: when it is scored, learned, and seen by the network."""

ABSURD = 1000.0
"""Deviations from which on a reading cannot be meant: it counts for one more than any other."""

UNMOVED = 8.0
"""Deviations that a so far constant sensor's first move counts for."""

TO_DEVIATION = 1.2533
"""A normal variable's standard deviation in mean absolute deviations."""

RECENT = 0.1
"""The recent rows are about ten."""

MOST_ENERGY = 12.0
MOST_MOVE = 5.0

LEAST_VARIANCE = 1e-6
PROVED_RATE = 2e-3


def new_figures(n_slots: int) -> Float64:
    """Figures before any row."""
    figures = np.zeros((FIGURES, n_slots))
    figures[[SIGMA2, VARIANCE, RECENT_ENERGY, STEP, MOVED, POWER]] = 1.0
    figures[LEVEL2], figures[MOVE_MEAN], figures[MOVE2] = 0.05, -0.1, 0.2
    figures[[LAST, BEFORE]] = np.nan
    return figures


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
            figures[RECENT_LEVEL, j] = scratch[LEVEL_NOW, j]
            figures[RECENT_ENERGY, j] = scratch[ENERGY_NOW, j]
            figures[MOVED, j] = scratch[MOVED_NOW, j]
            before = figures[BEFORE, j]
            # a row that comes twice says nothing about the order of the others
            if before == before and row[j] != figures[LAST, j]:
                mean, scale = moments[INVERSE_MEAN, j], moments[INVERSE_SCALE, j]
                now = min(4.0, max(-4.0, (z - mean) * scale))
                then = min(4.0, max(-4.0, (before - mean) * scale))
                figures[COVARIANCE, j] += rate * (now * then - figures[COVARIANCE, j])
                figures[POWER, j] += rate * (now * now - figures[POWER, j])
        figures[RUN_LENGTH, j] = figures[RUN_LENGTH, j] + 1.0 if row[j] == figures[LAST, j] else 0.0
        figures[LAST, j] = row[j]
        figures[BEFORE, j] = min(8.0, max(-8.0, z))


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
    proof = max(1.0 / (rows + 10.0), PROVED_RATE)
    most = 16.0 if rows > 200.0 else 100.0
    quantiles = max(SLOWEST, 3.0 / ((rows + 100.0) * (1.0 + (rows / 3000.0) ** 2)))
    for j in range(row.size):
        if scratch[IS_PRESENT, j] == 0.0:
            continue
        linear, residual = singles[RESIDUALS, j], scratch[RESIDUAL_NOW, j]
        target, predicted = singles[TARGET, j], singles[PREDICTED, j]
        figures[PROVED, j] += proof * (target * predicted - figures[PROVED, j])
        figures[SQUARED, j] += proof * (predicted * predicted - figures[SQUARED, j])
        square = figures[SIGMA2, j]
        square += quick * (min(linear * linear, most * square) - square)
        figures[SIGMA2, j] = max(square, LEAST_VARIANCE)
        square = figures[VARIANCE, j]
        square += quick * (min(residual * residual, most * square) - square)
        figures[VARIANCE, j] = max(square, LEAST_VARIANCE)
        square = figures[LEVEL2, j]
        level = scratch[LEVEL_NOW, j]
        figures[LEVEL2, j] += slow * (min(level * level, 16.0 * square) - square)
        step = figures[STEP, j]
        step += slow * (min(scratch[DISTANCE, j], 5.0 * step + 0.01) - step)
        figures[STEP, j] = max(1e-3, step)
        deviation = scratch[LOG_MOVED, j] - figures[MOVE_MEAN, j]
        figures[MOVE_MEAN, j] += slow * deviation
        square = figures[MOVE2, j]
        figures[MOVE2, j] = max(1e-4, square + slow * (min(deviation * deviation, 16.0 * square) - square))
        equal = 1.0 if row[j] == figures[LAST, j] else 0.0
        if equal == 0.0 and figures[RUN_LENGTH, j] > 0.0:
            run = surprise_of_run(figures[RUN_LENGTH, j], figures[EQUAL, j], figures[BEGUN, j], rows)
            follow_run(run, tails, j)
        often = max(max(1.0 / (rows + 1.0), SLOWEST), fast)
        figures[EQUAL, j] += often * (equal - figures[EQUAL, j])
        begins = equal if figures[RUN_LENGTH, j] == 0.0 else 0.0
        figures[BEGUN, j] += often * (begins - figures[BEGUN, j])
        if rows > 60.0:
            for statistic in range(RUN):
                follow_tail(scratch[VALUES + statistic, j], tails, statistic, j, quantiles)
