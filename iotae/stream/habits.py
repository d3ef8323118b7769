"""Which sensors are far out again and again: a machine that is switched each day is usual, and no fault.

A row far out does not count for the threshold, or a fault that lasts would hold it up by itself. But what
comes back, day after day, has to count, or its alarms never end.
"""

from __future__ import annotations

import numpy as np

from iotae._compiled import compiled
from iotae.stream.counters import ROWS
from iotae.stream.evidence import SLOWEST
from iotae.stream.memory import CALIBRATION_AT, COUNTS_AT, SENSORS_AT, TAILS_AT, Memory
from iotae.stream.sensor_figures import EPISODES, FAR_ROWS, LAST_EPISODE

__all__ = ["is_habit", "note_far_row"]

_APART = 200.0
"""Rows of one episode: a fault of an hour is one, and two that begin in it are no two."""

_LASTS = 3.0
"""Rows far out that make an episode: fewer are chance."""

_HABIT = 4.0
"""Episodes from which on they are a sensor's habit."""


@compiled
def is_habit(sensor: int, memory: Memory) -> bool:
    """Whether a sensor has been far out so often that it is its habit."""
    return bool(memory.slots[SENSORS_AT:TAILS_AT][EPISODES, sensor] >= _HABIT)


@compiled
def note_far_row(sensor: int, memory: Memory) -> None:
    """Take in that a sensor brings the most nats of a row far out."""
    figures = memory.slots[SENSORS_AT:TAILS_AT]
    rows = memory.figures[COUNTS_AT:CALIBRATION_AT][ROWS]
    since = rows - figures[LAST_EPISODE, sensor]
    if since > _APART:
        figures[LAST_EPISODE, sensor] = rows
        figures[FAR_ROWS, sensor] = 0.0
        figures[EPISODES, sensor] *= np.exp(-SLOWEST * since)
    figures[FAR_ROWS, sensor] += 1.0
    if figures[FAR_ROWS, sensor] == _LASTS:
        figures[EPISODES, sensor] += 1.0
