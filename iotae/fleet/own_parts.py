"""What of a stream's memory belongs to one device, and what a fleet may share.

A device's own: the scale of its sensors, how they move, its gates and calibration. Shared: network,
histograms of scaled readings, covariance and the network that predicts each cell from the others, all of
which live on scaled readings.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from iotae._typing import Float64, Int64
from iotae.stream import counters as _counts
from iotae.stream.autoencoder import OnlineAutoencoder
from iotae.stream.kernels import RECENT, RESIDUAL, SCORED_AT
from iotae.stream.memory import (
    BINS_AT,
    CALIBRATION_AT,
    COUNTS_AT,
    EVIDENCE_AT,
    GATE_AT,
    RUNNING_AT,
    SCRATCH_AT,
    SENSOR_SCRATCH_AT,
    SENSORS_AT,
    STATS_AT,
    Memory,
    allocate,
    views_of,
)
from iotae.stream.state import StreamState

__all__ = ["FIGURES", "SLOTS", "OwnParts", "fresh_parts", "own_parts", "put_parts"]

SLOTS: Int64 = np.r_[
    STATS_AT:BINS_AT, RUNNING_AT + RESIDUAL, RUNNING_AT + RECENT, SENSORS_AT:SENSOR_SCRATCH_AT
]
"""Rows of the memory's slots that are a device's own."""

FIGURES: Int64 = np.r_[
    GATE_AT:COUNTS_AT,
    [COUNTS_AT + one for one in (_counts.WIDTH, _counts.AGREE, _counts.AGREE_MEAN, _counts.AGREE2)],
    CALIBRATION_AT:EVIDENCE_AT,
]
"""Places of the memory's figures that are a device's own."""


class OwnParts(NamedTuple):
    """One device's part of a memory of d slots."""

    slots: Float64
    """(SLOTS.size, d)"""
    figures: Float64
    """(FIGURES.size,)"""


def own_parts(memory: Memory) -> OwnParts:
    """A copy of the device's part of a memory."""
    return OwnParts(memory.slots[SLOTS], memory.figures[FIGURES])


def put_parts(parts: OwnParts, memory: Memory) -> None:
    """Make a memory that of another device; no row has been scored with it yet."""
    memory.slots[SLOTS] = parts.slots
    memory.figures[FIGURES] = parts.figures
    memory.slots[SCRATCH_AT + SCORED_AT] = -1.0


def fresh_parts(model: OnlineAutoencoder) -> OwnParts:
    """The part of a device of which no row was seen, for a model of so many slots."""
    state, network = StreamState(model._state.n_slots, 1, model.horizon, 0), model._network
    memory = allocate(network.layers, network.code, state.n_slots, 1)
    views = views_of(memory)
    for name in ("running", "sensors", "tails", "gate", "context", "counts", "calibration"):
        views[name][...] = getattr(state, name)
    return own_parts(memory)
