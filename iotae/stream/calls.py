"""The one compiled call of a stream's model: score or learn rows, and train on full mini-batches.

It is one function for a row and for many, for scoring and for learning, so that kernels are compiled once.
The steps on a mini-batch are spread over the rows that follow it, one each, so that no row waits for all.
"""

from __future__ import annotations

from iotae._compiled import compiled
from iotae._typing import Float32, Float64, Int64
from iotae.nn.elementwise import load_rows
from iotae.nn.kernels import train_step
from iotae.stream.counters import ACTIVATION, BATCHES, LEARNED, LEFT, PENDING, REFRESH, STEPS
from iotae.stream.histogram import refresh
from iotae.stream.kernels import MASS, learn_row, score_row
from iotae.stream.memory import Parts, parts_of

__all__ = ["run"]

_MOST_STEPS, _LEAST_STEPS, _EARLY_STEPS = 8, 2, 512
"""Steps on a mini-batch: the first 64 get eight each, then ever fewer, and two from the 256th on. A network
that learns slowly has no say while the stream is young."""


@compiled
def _train(parts: Parts) -> None:
    """Take one step on the mini-batch in training."""
    counters, row_weights = parts.counters, parts.row_weights
    load_rows(parts.minibatch, parts.target, parts.mask)
    for i in range(row_weights.size):
        row_weights[i] = 1.0
    counters[STEPS] += 1
    counters[LEFT] -= 1
    train_step(
        parts.parameters,
        parts.sizes,
        counters[ACTIVATION],
        parts.target,
        parts.target,
        parts.mask,
        row_weights,
        parts.rates[0],
        parts.first,
        parts.second,
        counters[STEPS],
        parts.train_scratch,
    )


@compiled
def _after_learning(parts: Parts) -> None:
    """Where it is time: refresh the surprise tables, take a step of training, begin a mini-batch."""
    counters, pending, minibatch = parts.counters, parts.pending, parts.minibatch
    full = counters[PENDING] == pending.shape[0]
    early = counters[LEARNED] == counters[REFRESH]
    if early:
        # so it cannot be due again for a row that teaches nothing
        counters[REFRESH] *= 2
    if full or early:
        refresh(parts.counts, parts.running[MASS], parts.table, (1.0 - parts.rates[1]) ** counters[PENDING])
    steps = 1 if counters[LEFT] > 0 and not full else 0
    if full:
        # with tiny mini-batches the next is there before the last is learned
        steps = counters[LEFT]
    for _ in range(steps):
        _train(parts)
    if full:
        for i in range(pending.shape[0]):
            for j in range(pending.shape[1]):
                minibatch[i, j] = pending[i, j]
        counters[PENDING] = 0
        counters[BATCHES] += 1
        counters[LEFT] = min(_MOST_STEPS, max(_LEAST_STEPS, _EARLY_STEPS // counters[BATCHES]))


@compiled
def run(
    learns: bool,
    rows: Float64,
    raws: Float64,
    per_slot: Float64,
    figures: Float64,
    batches: Float32,
    weights: Float32,
    counters: Int64,
) -> None:
    """Put the raw scores of rows (n, d) into ``raws`` (n,); where ``learns`` is true, each is learned next.

    A row to be learned that has no usable cell teaches nothing and gets -1. What each feature adds to the
    score of the last row is left in the scratch. The arrays after ``raws`` are a model's memory.
    """
    parts = parts_of(per_slot, figures, batches, weights, counters)
    for i in range(rows.shape[0]):
        if not learns:
            raws[i] = score_row(rows[i], parts)
            continue
        raws[i] = learn_row(rows[i], parts)
        if raws[i] >= 0.0:
            _after_learning(parts)
