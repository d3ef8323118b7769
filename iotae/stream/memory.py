"""A stream's whole memory in five arrays, and the named views that a compiled call makes of them.

A compiled call pays for each array that it is given. So a model hands over five, and the call
names their parts once. The layout is told here and nowhere else: a module that owns a part
exports how wide it is.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from iotae._compiled import compiled
from iotae._typing import Float32, Float64, Int64
from iotae.nn.kernels import block_size, scratch_size
from iotae.stream import autocorrelation, histogram, scaler, update_gate
from iotae.stream.counters import ACTIVATION, BATCH_SIZE, N_COUNTERS, N_SLOTS

__all__ = ["RUNNING", "SCRATCH", "Memory", "Parts", "allocate", "parts_of"]

RUNNING = 3
"""Running figures of a feature: see :mod:`iotae.stream.kernels`."""

SCRATCH = 7
"""Numbers of a feature that scoring a row leaves for its learning."""

# where each part ends; to numba a number of this module is a constant, an attribute of another is not
_ROW = 1
_SCRATCH = _ROW + SCRATCH
_STATS = _SCRATCH + scaler.STATISTICS
_HEADS = _STATS + scaler.HEAD
_COUNTS = _HEADS + histogram.BINS
_TABLE = _COUNTS + histogram.BINS

_RAW = 1
_RATES = _RAW + 2
_GATE = _RATES + update_gate.SIZE
_CONTEXT = _GATE + autocorrelation.SIZE


class Memory(NamedTuple):
    """Everything that a kernel reads and writes, for d slots and mini-batches of b rows."""

    per_slot: Float64
    """Rows of d numbers."""
    figures: Float64
    """Single numbers."""
    batches: Float32
    """Mini-batches, one below the other: (4 b, d)."""
    weights: Float32
    counters: Int64


class Parts(NamedTuple):
    """Named views of a memory."""

    row: Float64
    """The latest row (1, d). Like scratch (SCRATCH, d) and raw score it is never part of the state."""
    scratch: Float64
    stats: Float64
    head: Float64
    counts: Float64
    table: Float64
    running: Float64
    raw: Float64
    rates: Float64
    gate: Float64
    context: Float64
    pending: Float32
    minibatch: Float32
    """Rows that wait for a mini-batch, and the mini-batch in training (b, d)."""
    target: Float32
    mask: Float32
    parameters: Float32
    first: Float32
    second: Float32
    tape: Float32
    row_weights: Float32
    train_scratch: Float32
    """Target, mask, row weights and this are room for a step of training: used, never remembered."""
    counters: Int64
    sizes: Int64


def allocate(sizes: Int64, activation: int, n_slots: int, batch_size: int) -> Memory:
    """An empty memory for a network of layer ``sizes`` over ``n_slots`` features."""
    counters = np.zeros(N_COUNTERS + sizes.size, np.int64)
    counters[N_SLOTS], counters[BATCH_SIZE], counters[ACTIVATION] = n_slots, batch_size, activation
    counters[N_COUNTERS:] = sizes
    weights = 3 * block_size(sizes) + int(np.sum(sizes)) + batch_size + scratch_size(sizes, batch_size)
    return Memory(
        np.zeros((_TABLE + RUNNING, n_slots)),
        np.zeros(_CONTEXT),
        np.zeros((4 * batch_size, n_slots), np.float32),
        np.zeros(weights, np.float32),
        counters,
    )


@compiled
def parts_of(
    per_slot: Float64, figures: Float64, batches: Float32, weights: Float32, counters: Int64
) -> Parts:
    """Name the parts of a memory."""
    # slices alone: to give an array another shape costs a compiled call fifty times as much
    b = counters[BATCH_SIZE]
    sizes = counters[N_COUNTERS:]
    parameters = block_size(sizes)
    first, second = 2 * parameters, 3 * parameters
    tape = second
    for i in range(sizes.size):
        tape += sizes[i]
    row_weights = tape + b
    return Parts(
        per_slot[:_ROW],
        per_slot[_ROW:_SCRATCH],
        per_slot[_SCRATCH:_STATS],
        per_slot[_STATS:_HEADS],
        per_slot[_HEADS:_COUNTS],
        per_slot[_COUNTS:_TABLE],
        per_slot[_TABLE:],
        figures[:_RAW],
        figures[_RAW:_RATES],
        figures[_RATES:_GATE],
        figures[_GATE:],
        batches[:b],
        batches[b : 2 * b],
        batches[2 * b : 3 * b],
        batches[3 * b :],
        weights[:parameters],
        weights[parameters:first],
        weights[first:second],
        weights[second:tape],
        weights[tape:row_weights],
        weights[row_weights:],
        counters,
        sizes,
    )
