"""A stream's whole memory in three flat arrays: a compiled call pays for each of its arguments."""

from __future__ import annotations

import numpy as np

from iotae._compiled import compiled
from iotae._typing import Float32, Float64, Int64
from iotae.nn.kernels import block_size, scratch_size
from iotae.stream.histogram import BINS
from iotae.stream.kernels import N_COUNTERS, N_SCRATCH
from iotae.stream.scaler import HEAD

__all__ = [
    "Memory",
    "allocate",
    "float_parts",
    "network_parts",
    "row_parts",
    "training_parts",
]

Memory = tuple[Float64, Float32, Int64]
"""Everything that a kernel reads and writes, as one array of each type."""

_GATE = _CONTEXT = 6
_STATS, _FIGURES, _RATES = 4, 3, 2
_PER_SLOT = 1 + N_SCRATCH + _STATS + HEAD + 2 * BINS + _FIGURES
_SHAPE = 3
"""Counters are followed by the slots, the rows of a mini-batch, the activation and the layer sizes."""


def allocate(sizes: Int64, activation: int, n_slots: int, batch_size: int) -> Memory:
    """An empty memory for a network of layer ``sizes`` over ``n_slots`` features."""
    shape = np.array([n_slots, batch_size, activation, *sizes], np.int64)
    return (
        np.zeros(_PER_SLOT * n_slots + _GATE + _CONTEXT + _RATES),
        np.zeros(
            3 * block_size(sizes)
            + int(np.sum(sizes))
            + 4 * batch_size * n_slots
            + batch_size
            + scratch_size(sizes, batch_size),
            np.float32,
        ),
        np.concatenate([np.zeros(N_COUNTERS, np.int64), shape]),
    )


@compiled
def row_parts(floats: Float64, n_slots: int) -> tuple[Float64, Float64]:
    """The latest row (d,) and the scratch (N_SCRATCH, d): used, never remembered."""
    stop = (1 + N_SCRATCH) * n_slots
    return floats[:n_slots], floats[n_slots:stop].reshape((N_SCRATCH, n_slots))


@compiled
def float_parts(
    floats: Float64, n_slots: int
) -> tuple[Float64, Float64, Float64, Float64, Float64, Float64, Float64, Float64]:
    """Statistics, first values, counts, table, figures, gate, context, and the two rates."""
    d = n_slots
    a = (1 + N_SCRATCH) * d
    b = a + _STATS * d
    c = b + HEAD * d
    e = c + BINS * d
    f = e + BINS * d
    g = f + _FIGURES * d
    h = g + _GATE
    i = h + _CONTEXT
    return (
        floats[a:b].reshape((d, _STATS)),
        floats[b:c].reshape((d, HEAD)),
        floats[c:e].reshape((d, BINS)),
        floats[e:f].reshape((d, BINS)),
        floats[f:g].reshape((_FIGURES, d)),
        floats[g:h],
        floats[h:i],
        floats[i : i + _RATES],
    )


@compiled
def network_parts(
    singles: Float32, whole: Int64
) -> tuple[Float32, Float32, Float32, Float32, Float32, Float32, Int64]:
    """Parameters, both moments, the units of one row, pending rows, the mini-batch in training, layers."""
    d, rows = whole[N_COUNTERS], whole[N_COUNTERS + 1]
    sizes = whole[N_COUNTERS + _SHAPE :]
    a = block_size(sizes)
    b = 2 * a
    c = 3 * a
    e = c + np.sum(sizes)
    f = e + rows * d
    return (
        singles[:a],
        singles[a:b],
        singles[b:c],
        singles[c:e],
        singles[e:f].reshape((rows, d)),
        singles[f : f + rows * d].reshape((rows, d)),
        sizes,
    )


@compiled
def training_parts(singles: Float32, whole: Int64) -> tuple[Float32, Float32, Float32, Float32]:
    """Room for a step of training: target, mask, row weights and scratch; used, never remembered."""
    d, rows = whole[N_COUNTERS], whole[N_COUNTERS + 1]
    sizes = whole[N_COUNTERS + _SHAPE :]
    a = 3 * block_size(sizes) + np.sum(sizes) + 2 * rows * d
    b = a + rows * d
    c = b + rows * d
    return (
        singles[a:b].reshape((rows, d)),
        singles[b:c].reshape((rows, d)),
        singles[c : c + rows],
        singles[c + rows :],
    )
