"""The one compiled call of a stream's model: score or learn rows, and train on full mini-batches.

It is one function for a row and for many, for scoring and for learning, so that kernels are compiled once.
The steps on a mini-batch are spread over the rows that follow it, one each, so that no row waits for all.
"""

from __future__ import annotations

from iotae._compiled import compiled
from iotae._typing import Float32, Float64, Int8, Int64
from iotae.nn.elementwise import load_rows
from iotae.nn.kernels import Batch, Learner, train_step
from iotae.stream.counters import ACTIVATION, BATCHES, LEARNED, LEFT, PENDING, REFRESH, ROWS, STEPS
from iotae.stream.doubled_rows import count_runs, is_doubled
from iotae.stream.histogram import refresh
from iotae.stream.kernels import MASS, SCORED_AT, SCORED_ROW, learn_surprise, surprise_of_row
from iotae.stream.memory import (
    BINS_AT,
    CALIBRATION_AT,
    COUNTS_AT,
    EVIDENCE_AT,
    GATE_AT,
    KINDS_AT,
    RATES_AT,
    RUNNING_AT,
    SCRATCH_AT,
    STATS_AT,
    TABLE_AT,
    Memory,
    autoencoder_of,
)
from iotae.stream.witness import COUNTED, SCORE, SURPRISED, joined_score
from iotae.stream.witness_learning import learn_witness

__all__ = ["run"]

_MOST_STEPS, _LEAST_STEPS, _EARLY_STEPS = 8, 2, 512
"""Steps on a mini-batch: the first 64 get eight each, then ever fewer, and two from the 256th on. A network
that learns slowly has no say while the stream is young."""


@compiled
def _train(memory: Memory) -> None:
    """Take one step on the mini-batch in training."""
    auto = autoencoder_of(memory)
    counters, row_weights = memory.counters, auto.row_weights
    load_rows(auto.minibatch, auto.target, auto.mask)
    for i in range(row_weights.size):
        row_weights[i] = 1.0
    counters[STEPS] += 1
    counters[LEFT] -= 1
    train_step(
        Learner(auto.parameters, auto.first, auto.second),
        auto.sizes,
        counters[ACTIVATION],
        Batch(auto.target, auto.target, auto.mask, row_weights),
        memory.figures[RATES_AT:GATE_AT][0],
        counters[STEPS],
        auto.scratch_of_training,
    )


@compiled
def _after_learning(memory: Memory) -> None:
    """Where it is time: refresh the surprise tables, take a step of training, begin a mini-batch."""
    auto = autoencoder_of(memory)
    counters, pending, minibatch = memory.counters, auto.pending, auto.minibatch
    full = counters[PENDING] == pending.shape[0]
    early = counters[LEARNED] == counters[REFRESH]
    if early:
        # so it cannot be due again for a row that teaches nothing
        counters[REFRESH] *= 2
    if full or early:
        refresh(
            memory.slots[BINS_AT:TABLE_AT],
            memory.slots[RUNNING_AT:KINDS_AT][MASS],
            memory.slots[TABLE_AT:RUNNING_AT],
            (1.0 - memory.figures[RATES_AT:GATE_AT][1]) ** counters[PENDING],
        )
    steps = 1 if counters[LEFT] > 0 and not full else 0
    if full:
        # with tiny mini-batches the next is there before the last is learned
        steps = counters[LEFT]
    for _ in range(steps):
        _train(memory)
    if full:
        for i in range(pending.shape[0]):
            for j in range(pending.shape[1]):
                minibatch[i, j] = pending[i, j]
        counters[PENDING] = 0
        counters[BATCHES] += 1
        counters[LEFT] = min(_MOST_STEPS, max(_LEAST_STEPS, _EARLY_STEPS // counters[BATCHES]))


@compiled
def _is_fresh(row: Float64, memory: Memory) -> bool:
    """Whether the scratch already holds what the scoring of this row by the model as it is leaves behind."""
    scratch = memory.slots[SCRATCH_AT:STATS_AT]
    if scratch[SCORED_AT, 0] != memory.figures[COUNTS_AT:CALIBRATION_AT][ROWS]:
        return False
    for j in range(row.size):
        # a missing cell equals a missing cell
        if row[j] != scratch[SCORED_ROW, j] and (
            row[j] == row[j] or scratch[SCORED_ROW, j] == scratch[SCORED_ROW, j]
        ):
            return False
    return True


@compiled
def _score(row: Float64, memory: Memory) -> float:
    """Raw score of a row (d,), -1 if no cell is usable; what it is made of is left in the scratch."""
    scratch, evidence = memory.slots[SCRATCH_AT:STATS_AT], memory.figures[EVIDENCE_AT:]
    if _is_fresh(row, memory):
        return float(evidence[SCORE])
    surprise = surprise_of_row(row, memory)
    evidence[SURPRISED] = surprise
    evidence[SCORE] = joined_score(row, surprise, memory) if surprise >= 0.0 else -1.0
    for j in range(row.size):
        scratch[SCORED_ROW, j] = row[j]
    scratch[SCORED_AT, 0] = memory.figures[COUNTS_AT:CALIBRATION_AT][ROWS]
    return float(evidence[SCORE])


@compiled
def run(
    learns: bool,
    rows: Float64,
    results: Float64,
    slots: Float64,
    figures: Float64,
    batches: Float32,
    matrices: Float32,
    weights: Float32,
    hidden: Float32,
    reservoir: Int8,
    counters: Int64,
) -> None:
    """Put what is said of rows (n, d) into ``results`` (n, 2); where ``learns`` is true, each is learned
    next.

    A row's result is its raw score, -1 if no cell is usable, and 1 or 0 for whether that counts for the
    threshold. What the score of the last row is made of is left in the scratch. The arrays after ``results``
    are a model's memory.
    """
    memory = Memory(slots, figures, batches, matrices, weights, hidden, reservoir, counters)
    for i in range(rows.shape[0]):
        for j in range(rows.shape[1]):
            # a zero below zero is zero
            rows[i, j] += 0.0
        results[i, 0] = _score(rows[i], memory)
        results[i, 1] = memory.figures[EVIDENCE_AT + COUNTED]
        if not learns or results[i, 0] < 0.0:
            continue
        if is_doubled(rows[i], memory):
            count_runs(rows[i], memory)
        else:
            learn_witness(rows[i], memory.figures[EVIDENCE_AT:][SURPRISED], memory)
            learn_surprise(rows[i], memory)
            _after_learning(memory)
