"""What a shared model keeps of one device, as bytes for this process and as a state for a file."""

from __future__ import annotations

import json

import numpy as np

from iotae._typing import Float64, State
from iotae._validation.schema import COUNT, Array, Record, Whole, check, refuse
from iotae.fleet.own_parts import FIGURES, SLOTS, OwnParts
from iotae.stream.compact import as_array, as_list, packed_window, unpacked_window
from iotae.stream.confirmed import CONFIRMED, ConfirmedKinds
from iotae.stream.memory import SENSORS_AT
from iotae.stream.score_scale import CUT
from iotae.stream.sensor_figures import BEFORE, LAST
from iotae.thresholds import ConformalThreshold

__all__ = ["OwnDevice", "own_device", "own_state", "pack_own", "unpack_own"]

_UNKNOWN_AT_FIRST = np.isin(SLOTS, (SENSORS_AT + LAST, SENSORS_AT + BEFORE))[:, None]
"""Parts of a sensor that a device has not sent yet, or only once, are NaN."""

_OWN = Record(
    {
        "n_seen": COUNT,
        "n_rejected": COUNT,
        "grace_period": Whole(),
        "threshold": CUT,
        "slots": Array(np.float64, SLOTS.size, "slots", missing=_UNKNOWN_AT_FIRST),
        "figures": Array(np.float64, FIGURES.size),
        "confirmed": CONFIRMED,
        "at": COUNT,
    },
    # the first files had no "at"
    optional=frozenset({"confirmed", "at"}),
)

_HEAD = 9


class OwnDevice:
    """One device's part of a shared model."""

    __slots__ = (
        *("at", "confirmed", "grace_period", "n_rejected", "n_seen", "n_withheld", "parts", "threshold"),
    )

    def __init__(self, parts: OwnParts, threshold: ConformalThreshold, grace_period: int, at: int) -> None:
        self.parts, self.threshold, self.grace_period, self.at = parts, threshold, grace_period, at
        self.n_seen = self.n_rejected = self.n_withheld = 0
        self.confirmed = ConfirmedKinds()


def pack_own(device: OwnDevice) -> bytes:
    """The bytes of a device, for :func:`unpack_own`."""
    n_scores, ring = packed_window(device.threshold)
    answers = b""
    if device.confirmed:
        answers = json.dumps(device.confirmed.to_state(), default=as_list).encode()
    numbers = [device.n_seen, device.n_rejected, device.n_withheld, device.grace_period, device.at, n_scores]
    head = np.array([*numbers, len(ring) // 8, device.parts.slots.shape[1], len(answers)], np.int64)
    parts = (device.parts.slots.tobytes(), device.parts.figures.tobytes())
    return b"".join([head.tobytes(), ring, *parts, answers])


def unpack_own(blob: bytes, threshold: ConformalThreshold) -> OwnDevice:
    """The device that :func:`pack_own` was given, with a new threshold for its scores."""
    *numbers, n_scores, n_kept, d, n_text = np.frombuffer(blob, np.int64, _HEAD).tolist()
    end = len(blob) - n_text
    values: Float64 = np.frombuffer(blob[:end], np.float64, -1, _HEAD * 8)
    slots, figures = values[n_kept : -FIGURES.size].reshape(SLOTS.size, d), values[-FIGURES.size :]
    unpacked_window(threshold, n_scores, values[:n_kept])
    device = OwnDevice(OwnParts(slots.copy(), figures.copy()), threshold, numbers[3], numbers[4])
    device.n_seen, device.n_rejected, device.n_withheld = numbers[:3]
    if n_text:
        device.confirmed = ConfirmedKinds.from_state(json.loads(blob[end:], object_hook=as_array))
    return device


def own_state(device: OwnDevice) -> State:
    """A device for a file."""
    state: State = {
        "n_seen": device.n_seen,
        "n_rejected": device.n_rejected,
        "grace_period": device.grace_period,
        "threshold": device.threshold.to_state(),
        "slots": device.parts.slots,
        "figures": device.parts.figures,
        "at": device.at,
    }
    if device.confirmed or device.n_withheld:
        state["confirmed"] = {"withheld": device.n_withheld, **device.confirmed.to_state()}
    return state


def own_device(data: State, n_slots: int, like: ConformalThreshold, changes: int) -> OwnDevice:
    """The device of a state: ``StateError`` unless it fits a fleet of so many slots, changed so many times.

    One that was written before the latest change may have fewer slots, and is brought up to date when it is
    looked at.
    """
    check(data, _OWN)
    at, d = data.get("at", changes), data["slots"].shape[1]
    if at > changes or d > n_slots or (at == changes and d < n_slots):
        raise refuse(data["slots"], "device.slots", f"{n_slots} slots, as the fleet has")
    threshold = ConformalThreshold.from_state(data["threshold"])
    if (threshold.alpha, threshold.window) != (like.alpha, like.window):
        raise refuse(threshold.alpha, "device.threshold", "the fleet's rate and window")
    parts = OwnParts(data["slots"], data["figures"])
    device = OwnDevice(parts, threshold, data["grace_period"], at)
    device.n_seen, device.n_rejected = data["n_seen"], data["n_rejected"]
    if "confirmed" in data:
        device.confirmed = ConfirmedKinds.from_state(data["confirmed"])
        device.n_withheld = data["confirmed"]["withheld"]
    return device
