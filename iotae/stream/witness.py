"""What all sensors together say of a row, whether the row may teach them, and the joined score.

The row's surprise (:mod:`iotae.stream.kernels`) is a mean over its features: it sees rows that are odd
all over. One broken sensor among many it does not see. So the most surprising sensor has a say of its own
(:mod:`iotae.stream.evidence`).
"""

from __future__ import annotations

import numpy as np

from iotae._compiled import compiled
from iotae._typing import Float64, Int64
from iotae.nn.leave_one_out import train_step
from iotae.stream.conditional import (
    INVERSE_SCALE,
    begin_inversion,
    learn_products,
    next_pivot,
)
from iotae.stream.conditional import (
    SUM as SUMS,
)
from iotae.stream.counters import (
    ACCEPTED,
    AGREE,
    AGREE2,
    AGREE_MEAN,
    DRAWN,
    DUE,
    N_COUNTS,
    N_PRODUCTS,
    PIVOT,
    ROWS,
    WIDTH,
    WITNESS_BATCHES,
    WITNESS_LEFT,
    WITNESS_PENDING,
    WITNESS_STEPS,
)
from iotae.stream.evidence import (
    CLOCK,
    LN2,
    N_PARTS,
    N_STATISTICS,
    NOW,
    RUN,
    SLOWEST,
    SUM,
    SURPRISE,
    calibrate,
    calm,
    part_nats,
    run_nats,
    soft_sum,
    tail_nats,
    to_surprise,
    weighed,
)
from iotae.stream.memory import (
    BIASES_AT,
    CALIBRATION_AT,
    CELLS_AT,
    CONTEXT_AT,
    COUNTS_AT,
    EVIDENCE,
    EVIDENCE_AT,
    FRESH_SHOWN_AT,
    FRESH_WANTED_AT,
    GATE_AT,
    HIDDEN_AT,
    KEPT,
    KINDS_AT,
    MOMENTS_AT,
    PENDING_AT,
    SENSOR_SCRATCH_AT,
    SENSORS_AT,
    SHOWN_AT,
    SINGLES_AT,
    TAILS_AT,
    TARGET_AT,
    WANTED_AT,
    WITNESS_BATCH,
    Memory,
)
from iotae.stream.sensors import (
    CELLS,
    EQUAL,
    IS_PRESENT,
    LEARNED_REACH,
    RECENT,
    RESIDUALS,
    SHOWN,
    TARGET,
    VALUES,
    Z,
    is_absurd,
    keep_sensors,
    learn_sensors,
    order_of_stream,
    read_sensors,
    share_of_sensors,
)
from iotae.stream.update_gate import adopting

__all__ = [
    "CLOCK_SLOT",
    "COUNTED",
    "JOINED",
    "LISTENED",
    "NATS",
    "SCORE",
    "SURPRISED",
    "joined_score",
    "learn_witness",
    "new_counts",
]

NATS = N_PARTS
_AGREED, _BIGGEST, JOINED, LISTENED, SURPRISED, SCORE, COUNTED = range(2 * N_PARTS, EVIDENCE)
"""Where in the evidence of a row the parts' nats begin, as they were weighed, after the parts' values;
then how far the clock agrees, the most nats of a part, the surprise that these are as rare as, how far
sensors are listened to, the row's mean surprise, its raw score, and whether it counts for the threshold:
1 or 0."""

_VALUE = 0

_ORDER_FROM, _ORDER_OVER = 0.03, 0.07
"""Mean autocorrelation from which on the order of rows is believed to say something, and over which fully."""

_SENSORS_FROM, _SENSORS_OVER = 0.1, 0.2
"""The same of the share of features that are continuous."""

CLOCK_SLOT = 3.0
"""Kind of a slot that holds the hour of the day: see :mod:`iotae.stream.features`."""

_GATE = 7.0
"""Nats of a part from which on a row teaches nothing."""

_UNUSUAL = 6.0
"""Nats of a part from which on a row does not count for the threshold. A fault that lasts would hold it up by
itself: one row in ten of it is more than one alarm in a hundred."""

_OPEN_ROWS = 64.0
"""Rows accepted before any may be refused."""

_SHARE, _WIDEN, _GIVEN_WAY, _ESCAPE_RATE = 0.1, 0.005, 2.0, 0.01
"""As of the gate of surprises: see :mod:`iotae.stream.update_gate`."""

_CALIBRATED_FROM = 60.0
"""Accepted rows after which the parts' distributions begin to follow."""

_FIRST_INVERSION = 50.0

_LEARNING_RATE = 5e-3
_FRESH = 4
"""Rows of a mini-batch that are of the latest; the others are drawn from the reservoir."""

_LEAST_KEPT = 64
_HORIZON = 20 * KEPT
"""Rows that the reservoir is a sample of."""

_MOST_STEPS, _LEAST_STEPS, _EARLY_STEPS = 8, 2, 512

_CODE = np.float32(31.0)
_NO_TARGET = np.int8(-128)
"""A reservoir holds cells as whole numbers of 1/31 deviation."""


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
        evidence[_VALUE + k] = 0.0
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
            if nats > evidence[_VALUE + k]:
                evidence[_VALUE + k] = nats
    evidence[_VALUE + SUM] = np.log(total / max(present, 1) + 0.05) + 3.0
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
    evidence[_AGREED] = _agreement(memory)
    evidence[_VALUE + CLOCK] = 0.0
    if evidence[_AGREED] == evidence[_AGREED]:
        lost = counts[AGREE_MEAN] - evidence[_AGREED]
        evidence[_VALUE + CLOCK] = lost / np.sqrt(counts[AGREE2])
    order = min(1.0, max(0.0, (order_of_stream(memory) - _ORDER_FROM) / _ORDER_OVER))
    sensors = min(1.0, max(0.0, (share_of_sensors(memory) - _SENSORS_FROM) / _SENSORS_OVER))
    evidence[LISTENED] = order * sensors
    best, biggest = LN2, 0.0
    for k in range(N_PARTS):
        nats = part_nats(evidence[_VALUE + k], calibration, k, n_sensors)
        if k != CLOCK:
            biggest = max(biggest, nats)
        evidence[NATS + k] = weighed(nats, k, counts[ACCEPTED], order, sensors)
        # that all residuals are large the surprise says already; their sum only guards what is learned
        if k != SUM:
            best = max(best, evidence[NATS + k])
    evidence[_BIGGEST] = biggest
    reach = counts[WIDTH] * (1.0 + 300.0 / max(counts[ACCEPTED], 1.0))
    far_out = counts[ACCEPTED] > _OPEN_ROWS and biggest > _UNUSUAL * reach
    # where refused rows are taken for a changed world the threshold has to go there too
    evidence[COUNTED] = 0.0 if far_out and not adopting(memory.figures[GATE_AT:CONTEXT_AT]) else 1.0
    evidence[JOINED] = to_surprise(best, calibration)
    surprise = np.log(raw + 0.5) - calm(calibration) * evidence[LISTENED]
    return float(max(0.0, np.exp(soft_sum(surprise, evidence[JOINED])) - 0.5))


@compiled
def learn_witness(row: Float64, raw: float, memory: Memory) -> None:
    """Learn a row that was scored just before by :func:`joined_score`; ``raw`` is its mean surprise."""
    counts, counters, evidence = (
        memory.figures[COUNTS_AT:CALIBRATION_AT],
        memory.counters,
        memory.figures[EVIDENCE_AT:],
    )
    # an absurd reading speaks for itself: what the row's sensors say because of it is not kept. If it lasts,
    # the scale moves there, and it is absurd no longer
    if not is_absurd(memory):
        rows, width = counts[ACCEPTED], counts[WIDTH]
        biggest = evidence[_BIGGEST]
        refused = rows > _OPEN_ROWS and biggest > _GATE * width * (1.0 + 300.0 / rows)
        push = _WIDEN * ((1.0 if refused else 0.0) - _SHARE)
        counts[WIDTH] = max(1.0, width * np.exp(push))
        if not refused:
            fast = _ESCAPE_RATE if width > _GIVEN_WAY and biggest > _GATE else 0.0
            _accept(row, raw, memory, fast)
        if evidence[_AGREED] == evidence[_AGREED]:
            counts[AGREE] = evidence[_AGREED]
        keep_sensors(row, memory, counts[ROWS])
    counts[ROWS] += 1.0
    next_pivot(memory.matrices, memory.slots[MOMENTS_AT:SENSORS_AT], counters)
    if counters[WITNESS_LEFT] > 0:
        _train(memory)


@compiled
def _accept(row: Float64, raw: float, memory: Memory, fast: float) -> None:
    counts, evidence = memory.figures[COUNTS_AT:CALIBRATION_AT], memory.figures[EVIDENCE_AT:]
    rows = counts[ACCEPTED]
    learn_sensors(row, memory, rows, fast)
    if evidence[_AGREED] == evidence[_AGREED]:
        often = max(SLOWEST, 3.0 / (rows + 90.0))
        deviation = evidence[_AGREED] - counts[AGREE_MEAN]
        counts[AGREE_MEAN] += often * deviation
        square = counts[AGREE2]
        counts[AGREE2] = max(1e-6, square + often * (min(deviation * deviation, 16.0 * square) - square))
    if rows > _CALIBRATED_FROM:
        for k in range(CLOCK):
            if k != RUN:
                calibrate(evidence[_VALUE + k], memory.figures[CALIBRATION_AT:EVIDENCE_AT], k, rows)
    calibrate(np.log(raw + 0.5), memory.figures[CALIBRATION_AT:EVIDENCE_AT], SURPRISE, rows)
    counts[ACCEPTED] = rows + 1.0
    _learn_covariance(row, memory)
    _gather(memory)


@compiled
def _learn_covariance(row: Float64, memory: Memory) -> None:
    counts, moments, scratch, singles = (
        memory.figures[COUNTS_AT:CALIBRATION_AT],
        memory.slots[MOMENTS_AT:SENSORS_AT],
        memory.slots[SENSOR_SCRATCH_AT:],
        memory.batches[SINGLES_AT:BIASES_AT],
    )
    for j in range(row.size):
        z = scratch[Z, j]
        # a missing cell lies at the mean: it says nothing about the others
        cell = min(LEARNED_REACH, max(-LEARNED_REACH, z)) if z == z else 0.0
        singles[CELLS, j] = cell
        moments[SUMS, j] += cell
    learn_products(singles[CELLS], memory.matrices)
    counts[N_PRODUCTS] += 1.0
    rows = counts[ACCEPTED]
    if memory.counters[PIVOT] < 0 and rows >= counts[DUE]:
        counts[DUE] = 1.5 * rows if rows < 400.0 else rows + max(50.0, rows / 20.0)
        begin_inversion(memory.matrices, moments, counts, memory.counters)


@compiled
def _draw(counters: Int64) -> float:
    """A number in (0, 1) (Park and Miller, 1988): a generator whose state is one whole number."""
    counters[DRAWN] = counters[DRAWN] * 16807 % 2147483647
    return float(counters[DRAWN] / 2147483647.0)


@compiled
def _gather(memory: Memory) -> None:
    """Put an accepted row into the pending mini-batch and maybe into the reservoir."""
    counters, reservoir, singles, scratch = (
        memory.counters,
        memory.reservoir,
        memory.batches[SINGLES_AT:BIASES_AT],
        memory.slots[SENSOR_SCRATCH_AT:],
    )
    shown, wanted = memory.batches[SHOWN_AT:WANTED_AT], memory.batches[WANTED_AT:FRESH_SHOWN_AT]
    seen = int(memory.figures[COUNTS_AT:CALIBRATION_AT][ACCEPTED]) - 1
    place = seen
    if seen >= KEPT:
        place = int(_draw(counters) * min(seen + 1, _HORIZON))
    at = counters[WITNESS_PENDING]
    for j in range(singles.shape[1]):
        present = scratch[IS_PRESENT, j] > 0.0
        shown[at, j] = singles[SHOWN, j]
        wanted[at, j] = singles[TARGET, j] if present else np.nan
        if place < KEPT:
            reservoir[place, j] = np.int8(np.rint(singles[SHOWN, j] * _CODE))
            reservoir[KEPT + place, j] = (
                np.int8(np.rint(singles[TARGET, j] * _CODE)) if present else _NO_TARGET
            )
    counters[WITNESS_PENDING] = at + 1
    if at + 1 < WITNESS_BATCH:
        return
    for i in range(WITNESS_BATCH):
        for j in range(singles.shape[1]):
            memory.batches[FRESH_SHOWN_AT:FRESH_WANTED_AT][i, j] = shown[i, j]
            memory.batches[FRESH_WANTED_AT:CELLS_AT][i, j] = wanted[i, j]
    counters[WITNESS_PENDING] = 0
    counters[WITNESS_BATCHES] += 1
    counters[WITNESS_LEFT] = min(_MOST_STEPS, max(_LEAST_STEPS, _EARLY_STEPS // counters[WITNESS_BATCHES]))


@compiled
def _train(memory: Memory) -> None:
    """Take one step on a mini-batch of a few of the latest rows and many of the reservoir."""
    counters, reservoir = memory.counters, memory.reservoir
    cells, target = memory.batches[CELLS_AT:TARGET_AT], memory.batches[TARGET_AT:PENDING_AT]
    fresh_shown, fresh_wanted = (
        memory.batches[FRESH_SHOWN_AT:FRESH_WANTED_AT],
        memory.batches[FRESH_WANTED_AT:CELLS_AT],
    )
    kept = min(int(memory.figures[COUNTS_AT:CALIBRATION_AT][ACCEPTED]), KEPT)
    counters[WITNESS_STEPS] += 1
    counters[WITNESS_LEFT] -= 1
    first = _FRESH * counters[WITNESS_LEFT]
    for i in range(WITNESS_BATCH):
        if i < _FRESH or kept < _LEAST_KEPT:
            k = (first + i) % WITNESS_BATCH
            for j in range(cells.shape[1]):
                cells[i, j] = fresh_shown[k, j]
                target[i, j] = fresh_wanted[k, j]
        else:
            k = int(_draw(counters) * kept)
            for j in range(cells.shape[1]):
                cells[i, j] = np.float32(reservoir[k, j]) / _CODE
                code = reservoir[KEPT + k, j]
                target[i, j] = np.float32(code) / _CODE if code != _NO_TARGET else np.float32(np.nan)
    train_step(
        cells,
        target,
        memory.hidden[HIDDEN_AT:],
        memory.batches[BIASES_AT:SHOWN_AT],
        counters[WITNESS_STEPS],
        _LEARNING_RATE,
        memory.hidden[:HIDDEN_AT],
    )
