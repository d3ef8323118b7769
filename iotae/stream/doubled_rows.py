"""Rows that were sent twice: a second one says nothing that the first has not said, so it teaches nothing.

Only what is rare by chance is taken for a doubled row. A stream that often rests is learned as it is, and
so is a row that comes a third time: then the readings have stopped to move.
"""

from __future__ import annotations

import numpy as np

from iotae._compiled import compiled
from iotae._typing import Float64
from iotae.stream.counters import DOUBLED, ROWS
from iotae.stream.memory import (
    CALIBRATION_AT,
    COUNTS_AT,
    SENSOR_SCRATCH_AT,
    SENSORS_AT,
    TAILS_AT,
    Memory,
)
from iotae.stream.sensor_figures import EQUAL, IS_PRESENT, LAST, RUN_LENGTH

__all__ = ["count_runs", "is_doubled"]

_BY_CHANCE = 4.0
"""Nats of so many equal readings from which on a row is taken for a doubled one."""


@compiled
def is_doubled(row: Float64, memory: Memory) -> bool:
    """Whether every reading is the last one again, for the first time, in a stream where that is rare."""
    figures, scratch = memory.slots[SENSORS_AT:TAILS_AT], memory.slots[SENSOR_SCRATCH_AT:]
    nats = 0.0
    for j in range(row.size):
        if scratch[IS_PRESENT, j] == 0.0:
            continue
        if row[j] != figures[LAST, j]:
            return False
        if figures[RUN_LENGTH, j] == 0.0:
            nats -= np.log(figures[EQUAL, j] + 1e-3)
    return nats > _BY_CHANCE


@compiled
def count_runs(row: Float64, memory: Memory) -> None:
    """Keep of a row that came twice only which readings have not moved."""
    figures = memory.slots[SENSORS_AT:TAILS_AT]
    memory.figures[COUNTS_AT:CALIBRATION_AT][ROWS] += 1.0
    memory.counters[DOUBLED] += 1
    for j in range(row.size):
        if row[j] == figures[LAST, j]:
            figures[RUN_LENGTH, j] += 1.0
