"""What all sensors together say of a row, whether the row may teach them, and the joined score.

The row's surprise (:mod:`iotae.stream.kernels`) is a mean over its features: it sees rows that are odd
all over. One broken sensor among many it does not see. So the most surprising sensor has a say of its own
(:mod:`iotae.stream.evidence`).
"""

from __future__ import annotations

import numpy as np

from iotae._compiled import compiled
from iotae._typing import Float64
from iotae.stream.conditional import (
    INVERSE_SCALE,
)
from iotae.stream.counters import (
    ACCEPTED,
    AGREE,
    AGREE2,
    AGREE_MEAN,
    DUE,
    N_COUNTS,
    WIDTH,
)
from iotae.stream.evidence import (
    CLOCK,
    LN2,
    N_PARTS,
    N_STATISTICS,
    NOW,
    RUN,
    SUM,
    calm,
    part_nats,
    run_nats,
    soft_sum,
    tail_nats,
    to_surprise,
    weighed,
)
from iotae.stream.habits import is_habit
from iotae.stream.memory import (
    BIASES_AT,
    CALIBRATION_AT,
    CONTEXT_AT,
    COUNTS_AT,
    EVIDENCE,
    EVIDENCE_AT,
    GATE_AT,
    KINDS_AT,
    MOMENTS_AT,
    SENSOR_SCRATCH_AT,
    SENSORS_AT,
    SINGLES_AT,
    TAILS_AT,
    Memory,
)
from iotae.stream.sensor_figures import (
    EQUAL,
    IS_PRESENT,
    RECENT,
    RESIDUALS,
    VALUES,
    Z,
)
from iotae.stream.sensors import order_of_stream, read_sensors, share_of_sensors
from iotae.stream.update_gate import adopting

__all__ = [
    "AGREED",
    "BIGGEST",
    "CLOCK_SLOT",
    "COUNTED",
    "JOINED",
    "LEADER",
    "LISTENED",
    "NATS",
    "OPEN_ROWS",
    "SCORE",
    "SURPRISED",
    "VALUE",
    "joined_score",
    "new_counts",
]

NATS = N_PARTS
LEADERS = 2 * N_PARTS
AGREED, BIGGEST, JOINED, LISTENED, SURPRISED, SCORE, COUNTED, LEADER = range(LEADERS + N_STATISTICS, EVIDENCE)
"""Where in the evidence of a row the parts' nats begin, as they were weighed, after the parts' values; then
the sensor with the largest of each statistic; how far the clock agrees, the most nats of a part, the surprise
that these are as rare as, how far sensors are listened to, the row's mean surprise, its raw score, whether it
counts for the threshold (1 or 0), and the sensor that brings the most nats."""

VALUE = 0

_ORDER_FROM, _ORDER_OVER = 0.03, 0.07
"""Mean autocorrelation from which on the order of rows is believed to say something, and over which fully."""

_SENSORS_FROM, _SENSORS_OVER = 0.1, 0.2
"""The same of the share of features that are continuous."""

CLOCK_SLOT = 3.0
"""Kind of a slot that holds the hour of the day: see :mod:`iotae.stream.features`."""

_UNUSUAL = 6.0
"""Nats of a part from which on a row does not count for the threshold. A fault that lasts would hold it up by
itself: one row in ten of it is more than one alarm in a hundred."""

OPEN_ROWS = 64.0
"""Rows accepted before any may be refused."""

_FIRST_INVERSION = 50.0


def new_counts() -> Float64:
    """Counts before any row."""
    counts = np.zeros(N_COUNTS)
    counts[[DUE, WIDTH, AGREE2]] = _FIRST_INVERSION, 1.0, 0.1
    return counts


@compiled
def _sensor_nats(j: int, statistic: int, memory: Memory) -> float:
    value = memory.slots[SENSOR_SCRATCH_AT:][VALUES + statistic, j]
    if statistic == RUN:
        return run_nats(value, memory.slots[TAILS_AT:SENSOR_SCRATCH_AT], j)
    return tail_nats(value, memory.slots[TAILS_AT:SENSOR_SCRATCH_AT], statistic, j)


@compiled
def _largest_nats(memory: Memory) -> int:
    """Put the largest of each statistic over the sensors into the evidence; how many sensors there are."""
    figures, kinds, scratch, evidence = (
        memory.slots[SENSORS_AT:TAILS_AT],
        memory.slots[KINDS_AT:MOMENTS_AT],
        memory.slots[SENSOR_SCRATCH_AT:],
        memory.figures[EVIDENCE_AT:],
    )
    n_sensors = 0
    total = 0.0
    present = 0
    for k in range(N_STATISTICS):
        evidence[VALUE + k] = 0.0
        evidence[LEADERS + k] = 0.0
    for j in range(figures.shape[1]):
        if scratch[IS_PRESENT, j] == 0.0:
            continue
        present += 1
        q = scratch[VALUES + NOW, j]
        total += min(q * q, 25.0)
        # what is mostly equal to its last reading is a flag and no sensor
        if figures[EQUAL, j] > 0.5:
            continue
        n_sensors += 1
        # a category has a value, and no movement
        for k in range(N_STATISTICS if kinds[0, j] == 0.0 else NOW + 1):
            nats = _sensor_nats(j, k, memory)
            if nats > evidence[VALUE + k]:
                evidence[VALUE + k] = nats
                evidence[LEADERS + k] = j
    evidence[VALUE + SUM] = np.log(total / max(present, 1) + 0.05) + 3.0
    return n_sensors


@compiled
def _agreement(memory: Memory) -> float:
    """How far the hour that the sensors tell agrees with the clock's, over the recent rows."""
    kinds, moments, scratch, singles = (
        memory.slots[KINDS_AT:MOMENTS_AT],
        memory.slots[MOMENTS_AT:SENSORS_AT],
        memory.slots[SENSOR_SCRATCH_AT:],
        memory.batches[SINGLES_AT:BIASES_AT],
    )
    counts = memory.figures[COUNTS_AT:CALIBRATION_AT]
    agree, told = 0.0, 0
    for j in range(kinds.shape[1]):
        z = scratch[Z, j]
        if kinds[0, j] == CLOCK_SLOT and z == z:
            told += 1
            agree += z * (z - singles[RESIDUALS, j] / moments[INVERSE_SCALE, j])
    if told == 0:
        return np.nan
    agree = min(3.0, max(-3.0, agree / told))
    return float(counts[AGREE] + 0.5 * RECENT * (agree - counts[AGREE]))


@compiled
def joined_score(row: Float64, raw: float, memory: Memory) -> float:
    """Raw score of a row whose mean surprise is ``raw``, joined with what its sensors say."""
    counts, calibration, evidence = (
        memory.figures[COUNTS_AT:CALIBRATION_AT],
        memory.figures[CALIBRATION_AT:EVIDENCE_AT],
        memory.figures[EVIDENCE_AT:],
    )
    read_sensors(row, memory, counts[ACCEPTED])
    n_sensors = _largest_nats(memory)
    evidence[AGREED] = _agreement(memory)
    evidence[VALUE + CLOCK] = 0.0
    if evidence[AGREED] == evidence[AGREED]:
        lost = counts[AGREE_MEAN] - evidence[AGREED]
        evidence[VALUE + CLOCK] = lost / np.sqrt(counts[AGREE2])
    order = min(1.0, max(0.0, (order_of_stream(memory) - _ORDER_FROM) / _ORDER_OVER))
    sensors = min(1.0, max(0.0, (share_of_sensors(memory) - _SENSORS_FROM) / _SENSORS_OVER))
    evidence[LISTENED] = order * sensors
    best, biggest = LN2, 0.0
    evidence[LEADER] = 0.0
    for k in range(N_PARTS):
        nats = part_nats(evidence[VALUE + k], calibration, k, n_sensors)
        if k != CLOCK and nats > biggest:
            biggest = nats
            evidence[LEADER] = evidence[LEADERS + (k if k < SUM else NOW)]
        evidence[NATS + k] = weighed(nats, k, counts[ACCEPTED], order, sensors)
        # that all residuals are large the surprise says already; their sum only guards what is learned
        if k != SUM:
            best = max(best, evidence[NATS + k])
    evidence[BIGGEST] = biggest
    reach = counts[WIDTH] * (1.0 + 300.0 / max(counts[ACCEPTED], 1.0))
    far_out = counts[ACCEPTED] > OPEN_ROWS and biggest > _UNUSUAL * reach
    far_out = far_out and not is_habit(int(evidence[LEADER]), memory)
    # where refused rows are taken for a changed world the threshold has to go there too
    evidence[COUNTED] = 0.0 if far_out and not adopting(memory.figures[GATE_AT:CONTEXT_AT]) else 1.0
    evidence[JOINED] = to_surprise(best, calibration)
    surprise = np.log(raw + 0.5) - calm(calibration) * evidence[LISTENED]
    return float(max(0.0, np.exp(soft_sum(surprise, evidence[JOINED])) - 0.5))
