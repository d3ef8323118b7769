"""A stream's whole memory in a few arrays, and the named views that a compiled call makes of them.

A compiled call pays for each array that it is given. So a model hands over eight, and a kernel cuts what it
needs out of them. The layout is told here and nowhere else: a module that owns a part exports how wide it is.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from iotae._compiled import compiled
from iotae._typing import Float32, Float64, Int8, Int64
from iotae.nn.kernels import block_size, scratch_size
from iotae.nn.leave_one_out import HIDDEN, N_BLOCKS, n_rows_of_block
from iotae.stream import autocorrelation, conditional, counters, evidence, histogram, scaler, update_gate
from iotae.stream.counters import ACTIVATION, BATCH_SIZE, N_COUNTERS, N_SLOTS

RUNNING = 3
"""Running figures of a feature's surprise: see :mod:`iotae.stream.kernels`."""

SCRATCH = 7
"""Numbers of a feature that scoring a row's surprise leaves for its learning."""

FIGURES = 21
"""Running figures of a sensor: see :mod:`iotae.stream.sensors`."""

SENSOR_SCRATCH = 15
SINGLES = 5
"""Numbers of a sensor that scoring a row leaves for its learning, in double and in single precision."""

WITNESS_BATCH = 32
"""Rows of a mini-batch of the network that predicts each cell from the others."""

KEPT = 1024
"""Rows that its reservoir keeps."""

EVIDENCE = 2 * evidence.N_PARTS + evidence.N_STATISTICS + 8
"""Numbers that the scoring of a row leaves behind: see :mod:`iotae.stream.witness`."""

# Where each part begins, and the next: rows of the slots, places of the figures, rows of the batches. To
# numba a number is a constant, and a slice of leading rows costs nothing, as a change of shape would.
ROW_AT, SCRATCH_AT = 0, 1
STATS_AT = SCRATCH_AT + SCRATCH
HEAD_AT = STATS_AT + scaler.STATISTICS
BINS_AT = HEAD_AT + scaler.HEAD
TABLE_AT = BINS_AT + histogram.BINS
RUNNING_AT = TABLE_AT + histogram.BINS
KINDS_AT = RUNNING_AT + RUNNING
MOMENTS_AT = KINDS_AT + 1
SENSORS_AT = MOMENTS_AT + conditional.MOMENTS
TAILS_AT = SENSORS_AT + FIGURES
SENSOR_SCRATCH_AT = TAILS_AT + evidence.TAILS
SLOTS_END = SENSOR_SCRATCH_AT + SENSOR_SCRATCH

RATES_AT = 0
GATE_AT = RATES_AT + 2
CONTEXT_AT = GATE_AT + update_gate.SIZE
COUNTS_AT = CONTEXT_AT + autocorrelation.SIZE
CALIBRATION_AT = COUNTS_AT + counters.N_COUNTS
EVIDENCE_AT = CALIBRATION_AT + evidence.CALIBRATION
FIGURES_END = EVIDENCE_AT + EVIDENCE

SINGLES_AT = 0
BIASES_AT = SINGLES_AT + SINGLES
SHOWN_AT = BIASES_AT + N_BLOCKS
WANTED_AT = SHOWN_AT + WITNESS_BATCH
FRESH_SHOWN_AT = WANTED_AT + WITNESS_BATCH
FRESH_WANTED_AT = FRESH_SHOWN_AT + WITNESS_BATCH
CELLS_AT = FRESH_WANTED_AT + WITNESS_BATCH
TARGET_AT = CELLS_AT + WITNESS_BATCH
PENDING_AT = TARGET_AT + WITNESS_BATCH

HIDDEN_AT = 2 * WITNESS_BATCH + 2


class Memory(NamedTuple):
    """Everything that a kernel reads and writes, for d slots and mini-batches of b rows.

    What is called scratch or room is used and never remembered.
    """

    slots: Float64
    """Rows of d numbers."""
    figures: Float64
    """Single numbers."""
    batches: Float32
    """Mini-batches and more of d numbers in single precision, one below the other."""
    matrices: Float32
    """Sums of products, the matrix being inverted and the inverse in use: (3 d, d)."""
    weights: Float32
    """The autoencoder's."""
    hidden: Float32
    """Scratch and weights of the network that predicts each cell from the others, HIDDEN numbers a row."""
    reservoir: Int8
    """What that network saw of rows, and what it should have said: (2 KEPT, d)."""
    counters: Int64


def allocate(sizes: Int64, activation: int, n_slots: int, batch_size: int) -> Memory:
    """An empty memory for an autoencoder of layer ``sizes`` over ``n_slots`` features."""
    shape = np.zeros(N_COUNTERS + sizes.size, np.int64)
    shape[N_SLOTS], shape[BATCH_SIZE], shape[ACTIVATION] = n_slots, batch_size, activation
    shape[N_COUNTERS:] = sizes
    weights = 3 * block_size(sizes) + int(np.sum(sizes)) + batch_size + scratch_size(sizes, batch_size)
    hidden = HIDDEN_AT + N_BLOCKS * n_rows_of_block(n_slots)
    return Memory(
        np.zeros((SLOTS_END, n_slots)),
        np.zeros(FIGURES_END),
        np.zeros((PENDING_AT + 4 * batch_size, n_slots), np.float32),
        np.zeros((3 * n_slots, n_slots), np.float32),
        np.zeros(weights, np.float32),
        np.zeros((hidden, HIDDEN), np.float32),
        np.zeros((2 * KEPT, n_slots), np.int8),
        shape,
    )


def scoring_copy(memory: Memory) -> Memory:
    """A memory for scoring while this one learns; scoring leaves the reservoir alone, which is shared."""
    copies = {name: part.copy() for name, part in memory._asdict().items() if name != "reservoir"}
    return memory._replace(**copies)


class Autoencoder(NamedTuple):
    """Named views of what the autoencoder's training reads and writes."""

    pending: Float32
    minibatch: Float32
    """Rows that wait for a mini-batch, and the mini-batch in training (b, d)."""
    target: Float32
    mask: Float32
    parameters: Float32
    first: Float32
    second: Float32
    row_weights: Float32
    scratch_of_training: Float32
    """Target, mask, row weights and this are room for a step of training."""
    tape: Float32
    """Units of all layers for one row: room."""
    sizes: Int64


@compiled
def autoencoder_of(memory: Memory) -> Autoencoder:
    """Name the parts of the autoencoder."""
    batches, weights, counts = memory.batches, memory.weights, memory.counters
    b, a = counts[BATCH_SIZE], PENDING_AT
    sizes = counts[N_COUNTERS:]
    block = block_size(sizes)
    tape = 3 * block
    for i in range(sizes.size):
        tape += sizes[i]
    return Autoencoder(
        batches[a : a + b],
        batches[a + b : a + 2 * b],
        batches[a + 2 * b : a + 3 * b],
        batches[a + 3 * b :],
        weights[:block],
        weights[block : 2 * block],
        weights[2 * block : 3 * block],
        weights[tape : tape + b],
        weights[tape + b :],
        weights[3 * block : tape],
        sizes,
    )


def views_of(memory: Memory) -> dict[str, NDArray[Any]]:
    """Every part by its name, as a view."""
    return {
        "hidden_scratch": memory.hidden[:HIDDEN_AT],
        "hidden": memory.hidden[HIDDEN_AT:],
        "row": memory.slots[ROW_AT:SCRATCH_AT],
        "scratch": memory.slots[SCRATCH_AT:STATS_AT],
        "stats": memory.slots[STATS_AT:HEAD_AT],
        "head": memory.slots[HEAD_AT:BINS_AT],
        "counts_of_bins": memory.slots[BINS_AT:TABLE_AT],
        "table": memory.slots[TABLE_AT:RUNNING_AT],
        "running": memory.slots[RUNNING_AT:KINDS_AT],
        "kinds": memory.slots[KINDS_AT:MOMENTS_AT],
        "moments": memory.slots[MOMENTS_AT:SENSORS_AT],
        "sensors": memory.slots[SENSORS_AT:TAILS_AT],
        "tails": memory.slots[TAILS_AT:SENSOR_SCRATCH_AT],
        "sensor_scratch": memory.slots[SENSOR_SCRATCH_AT:],
        "rates": memory.figures[RATES_AT:GATE_AT],
        "gate": memory.figures[GATE_AT:CONTEXT_AT],
        "context": memory.figures[CONTEXT_AT:COUNTS_AT],
        "counts": memory.figures[COUNTS_AT:CALIBRATION_AT],
        "calibration": memory.figures[CALIBRATION_AT:EVIDENCE_AT],
        "evidence": memory.figures[EVIDENCE_AT:],
        "singles": memory.batches[SINGLES_AT:BIASES_AT],
        "biases": memory.batches[BIASES_AT:SHOWN_AT],
        "witness_shown": memory.batches[SHOWN_AT:WANTED_AT],
        "witness_wanted": memory.batches[WANTED_AT:FRESH_SHOWN_AT],
        "fresh_shown": memory.batches[FRESH_SHOWN_AT:FRESH_WANTED_AT],
        "fresh_wanted": memory.batches[FRESH_WANTED_AT:CELLS_AT],
        "witness_cells": memory.batches[CELLS_AT:TARGET_AT],
        "witness_target": memory.batches[TARGET_AT:PENDING_AT],
        "matrices": memory.matrices,
        "reservoir": memory.reservoir,
        "counters": memory.counters,
        **autoencoder_of(memory)._asdict(),
    }
