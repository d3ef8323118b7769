"""What an accepted row teaches about its sensors: covariance, figures, calibration and the network.

The network's mini-batch is a few of the latest rows and many that are drawn from a reservoir: what is learned
from neighbours in time alone is forgotten as soon as the time has passed.
"""

from __future__ import annotations

import numpy as np

from iotae._compiled import compiled
from iotae._typing import Float64, Int64
from iotae.nn.leave_one_out import train_step
from iotae.stream.conditional import (
    SUM as SUMS,
)
from iotae.stream.conditional import (
    begin_inversion,
    learn_products,
    next_pivot,
)
from iotae.stream.counters import (
    ACCEPTED,
    AGREE,
    AGREE2,
    AGREE_MEAN,
    DRAWN,
    DUE,
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
    RUN,
    SLOWEST,
    SURPRISE,
    calibrate,
)
from iotae.stream.habits import note_far_row
from iotae.stream.memory import (
    BIASES_AT,
    CALIBRATION_AT,
    CELLS_AT,
    COUNTS_AT,
    EVIDENCE_AT,
    FRESH_SHOWN_AT,
    FRESH_WANTED_AT,
    HIDDEN_AT,
    KEPT,
    MOMENTS_AT,
    PENDING_AT,
    SENSOR_SCRATCH_AT,
    SENSORS_AT,
    SHOWN_AT,
    SINGLES_AT,
    TARGET_AT,
    WANTED_AT,
    WITNESS_BATCH,
    Memory,
)
from iotae.stream.sensor_figures import (
    CELLS,
    IS_PRESENT,
    LEARNED_REACH,
    SHOWN,
    TARGET,
    Z,
    keep_sensors,
    learn_sensors,
)
from iotae.stream.sensors import is_absurd
from iotae.stream.witness import AGREED, BIGGEST, LEADER, OPEN_ROWS, VALUE

__all__ = ["learn_witness"]

_GATE = 7.0
"""Nats of a part from which on a row teaches nothing."""

_SHARE, _WIDEN, _GIVEN_WAY, _ESCAPE_RATE = 0.1, 0.005, 2.0, 0.01
"""As of the gate of surprises: see :mod:`iotae.stream.update_gate`."""

_CALIBRATED_FROM = 60.0
"""Accepted rows after which the parts' distributions begin to follow."""

_LEARNING_RATE = 5e-3
_FRESH = 4
"""Rows of a mini-batch that are of the latest; the others are drawn from the reservoir."""

_LEAST_KEPT = 64
_HORIZON = 20 * KEPT
"""Rows that the reservoir is a sample of."""

_MOST_STEPS, _LEAST_STEPS, _EARLY_STEPS = 4, 2, 256

_CODE = np.float32(31.0)
_NO_TARGET = np.int8(-128)
"""A reservoir holds cells as whole numbers of 1/31 deviation."""


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
        biggest = evidence[BIGGEST]
        refused = rows > OPEN_ROWS and biggest > _GATE * width * (1.0 + 300.0 / rows)
        if rows > OPEN_ROWS and biggest > _GATE:
            note_far_row(int(evidence[LEADER]), memory)
        push = _WIDEN * ((1.0 if refused else 0.0) - _SHARE)
        counts[WIDTH] = max(1.0, width * np.exp(push))
        if not refused:
            fast = _ESCAPE_RATE if width > _GIVEN_WAY and biggest > _GATE else 0.0
            _accept(row, raw, memory, fast)
        if evidence[AGREED] == evidence[AGREED]:
            counts[AGREE] = evidence[AGREED]
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
    if evidence[AGREED] == evidence[AGREED]:
        often = max(SLOWEST, 3.0 / (rows + 90.0))
        deviation = evidence[AGREED] - counts[AGREE_MEAN]
        counts[AGREE_MEAN] += often * deviation
        square = counts[AGREE2]
        counts[AGREE2] = max(1e-6, square + often * (min(deviation * deviation, 16.0 * square) - square))
    if rows > _CALIBRATED_FROM:
        for k in range(CLOCK):
            if k != RUN:
                calibrate(evidence[VALUE + k], memory.figures[CALIBRATION_AT:EVIDENCE_AT], k, rows)
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
