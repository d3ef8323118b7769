"""What a stream's model calls: score or learn one row or many, and train on full mini-batches.

Each function is one compiled call on the model's memory (:mod:`iotae.stream.memory`). The steps on a
mini-batch are spread over the rows that follow it, one each, so that no row waits for all of them.
"""

from __future__ import annotations

import numpy as np

from iotae._compiled import compiled
from iotae._typing import Float32, Float64, Int64
from iotae.nn.elementwise import load_rows
from iotae.nn.kernels import Batch, Learner, train_step
from iotae.stream.histogram import refresh
from iotae.stream.kernels import (
    BATCHES,
    LEARNED,
    LEFT,
    MASS,
    N_COUNTERS,
    PENDING,
    REFRESH,
    STEPS,
    learn_row,
    score_row,
)
from iotae.stream.memory import float_parts, network_parts, row_parts, training_parts

__all__ = ["learn", "learn_many", "score", "score_many"]

_MOST_STEPS, _LEAST_STEPS, _EARLY_STEPS = 8, 2, 512
"""Steps on a mini-batch: the first 64 get eight each, then ever fewer, and two from the 256th on. A network
that learns slowly has no say while the stream is young."""

_ACTIVATION = N_COUNTERS + 2


@compiled
def _score(row: Float64, floats: Float64, singles: Float32, whole: Int64) -> float:
    n_slots = whole[N_COUNTERS]
    scratch = row_parts(floats, n_slots)[1]
    stats, _, _, table, figures, _, context, _ = float_parts(floats, n_slots)
    parameters, _, _, tape, _, _, sizes = network_parts(singles, whole)
    return score_row(
        row, stats, table, figures, context, parameters, sizes, whole[_ACTIVATION], tape, scratch
    )


@compiled
def _train(floats: Float64, singles: Float32, whole: Int64) -> None:
    """One step on the mini-batch in training."""
    learning_rate = float_parts(floats, whole[N_COUNTERS])[7][0]
    parameters, first, second, _, _, lesson, sizes = network_parts(singles, whole)
    target, mask, row_weights, scratch = training_parts(singles, whole)
    load_rows(lesson, target, mask)
    row_weights[:] = np.float32(1.0)
    whole[STEPS] += 1
    whole[LEFT] -= 1
    train_step(
        Learner(parameters, first, second),
        sizes,
        whole[_ACTIVATION],
        Batch(target, target, mask, row_weights),
        learning_rate,
        whole[STEPS],
        scratch,
    )


@compiled
def _learn(row: Float64, floats: Float64, singles: Float32, whole: Int64) -> float:
    n_slots = whole[N_COUNTERS]
    scratch = row_parts(floats, n_slots)[1]
    stats, head, counts, table, figures, gate, context, rates = float_parts(floats, n_slots)
    parameters, _, _, tape, pending, lesson, sizes = network_parts(singles, whole)
    raw = learn_row(
        row,
        stats,
        head,
        counts,
        table,
        figures,
        gate,
        context,
        whole,
        pending,
        parameters,
        sizes,
        whole[_ACTIVATION],
        rates[1],
        tape,
        scratch,
    )
    if raw < 0.0:
        return raw
    full = whole[PENDING] == pending.shape[0]
    early = whole[LEARNED] == whole[REFRESH]
    if early:
        # so it cannot be due again for a row that teaches nothing
        whole[REFRESH] *= 2
    if full or early:
        refresh(counts, figures[MASS], table, (1.0 - rates[1]) ** whole[PENDING])
    if full:
        # with tiny mini-batches the next is there before the last is learned
        while whole[LEFT] > 0:
            _train(floats, singles, whole)
        lesson[:, :] = pending
        whole[PENDING] = 0
        whole[BATCHES] += 1
        whole[LEFT] = min(_MOST_STEPS, max(_LEAST_STEPS, _EARLY_STEPS // whole[BATCHES]))
    elif whole[LEFT] > 0:
        _train(floats, singles, whole)
    return raw


@compiled
def score(floats: Float64, singles: Float32, whole: Int64) -> float:
    """Raw score of the row in memory; what each feature adds is left in the scratch."""
    return _score(row_parts(floats, whole[N_COUNTERS])[0], floats, singles, whole)


@compiled
def learn(floats: Float64, singles: Float32, whole: Int64) -> float:
    """Learn the row in memory; returns the raw score that it had before, -1 if no cell was usable."""
    return _learn(row_parts(floats, whole[N_COUNTERS])[0], floats, singles, whole)


@compiled
def score_many(rows: Float64, floats: Float64, singles: Float32, whole: Int64) -> Float64:
    """Raw scores (n,) of rows (n, d)."""
    raws = np.empty(rows.shape[0])
    for i in range(rows.shape[0]):
        raws[i] = _score(rows[i], floats, singles, whole)
    return raws


@compiled
def learn_many(rows: Float64, floats: Float64, singles: Float32, whole: Int64) -> Float64:
    """Learn rows (n, d) in order; returns the raw scores (n,) that they had before."""
    raws = np.empty(rows.shape[0])
    for i in range(rows.shape[0]):
        raws[i] = _learn(rows[i], floats, singles, whole)
    return raws
