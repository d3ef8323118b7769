"""The simulator's kinds of anomaly: where and how long they strike, and what they do to the readings.

=========== ====================================================================== =========================
kind        what happens                                                           lasts
=========== ====================================================================== =========================
spike       one sensor, now and then two, jumps for a moment                       1 to 3 readings
drift       one sensor moves off steadily; its first readings look normal          30 to 120 minutes
stuck       one or two sensors repeat one value that is normal at another hour     30 to 150 minutes
dropout     two to four sensors send nothing (NaN) and the network times out       5 to 30 minutes
attack      several devices at once: latency and power rise                        10 to 40 minutes
contextual  all values normal, but of the wrong hour, 8 to 16 hours off            30 to 120 minutes
=========== ====================================================================== =========================
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from iotae._typing import Bool, Float64

__all__ = ["ANOMALY_KINDS", "Segment", "inject", "place"]

ANOMALY_KINDS = ("spike", "drift", "stuck", "dropout", "attack", "contextual")

_TEMPERATURE, _HUMIDITY, _LIGHT, _POWER, _LATENCY = range(5)
_MINUTES = {
    "spike": (0, 0),
    "drift": (30, 120),
    "stuck": (30, 150),
    "dropout": (5, 30),
    "attack": (10, 40),
    "contextual": (30, 120),
}
_FEWEST = {"spike": 1, "drift": 4, "stuck": 3, "dropout": 2, "attack": 2, "contextual": 2}
_TRIES = 20


class Segment(NamedTuple):
    """One anomaly: a kind that holds some devices for ``length`` readings from tick ``start``."""

    kind: str
    start: int
    length: int
    devices: tuple[int, ...]


def place(
    rng: np.random.Generator,
    n_rows: int,
    n_devices: int,
    n_anomalous: int,
    kinds: Sequence[str],
    interval: float,
) -> list[Segment]:
    """Choose segments that hold exactly ``n_anomalous`` of the rows, shared equally among the kinds.

    No row belongs to two segments. Attacks are placed first, for they need room on several devices at once,
    and spikes last, for they fit anywhere.
    """
    n_ticks = -(-n_rows // n_devices)
    taken = np.zeros((n_ticks, n_devices), dtype=np.bool_)
    taken.ravel()[n_rows:] = True
    share, odd = divmod(n_anomalous, max(len(kinds), 1))
    lucky = rng.permutation(len(kinds)) < odd
    quota = {kind: share + int(extra) for kind, extra in zip(kinds, lucky, strict=True)}
    segments: list[Segment] = []
    for kind in ("attack", "contextual", "stuck", "drift", "dropout", "spike"):
        left = quota.get(kind, 0)
        while left:
            segment = _find(rng, kind, left, taken, interval)
            taken[segment.start : segment.start + segment.length, list(segment.devices)] = True
            left -= segment.length * len(segment.devices)
            segments.append(segment)
    return segments


def inject(
    rng: np.random.Generator,
    segments: Sequence[Segment],
    readings: Float64,
    moved: Callable[[slice, int, float], Float64],
) -> NDArray[np.str_]:
    """Write the anomalies into ``readings`` (ticks, devices, 5) in place and return each reading's kind.

    ``moved(ticks, device, hours)`` gives a device's normal readings with its clock moved on by so many hours.
    """
    kind = np.full(readings.shape[:2], "", dtype=f"<U{max(map(len, ANOMALY_KINDS))}")
    scale = readings.std(axis=(0, 1)) + _LEAST_SCALE
    for segment in segments:
        ticks = slice(segment.start, segment.start + segment.length)
        strength = rng.uniform(0.6, 1.4)
        for device in segment.devices:
            part = readings[ticks, device]
            if segment.kind == "contextual":
                part[:] = moved(ticks, device, rng.uniform(8.0, 16.0))
            elif segment.kind == "attack":
                _attack(rng, part, scale, strength)
            elif segment.kind == "stuck":
                _stuck(rng, part, np.stack([moved(ticks, device, hours)[0] for hours in (8.0, 12.0, 16.0)]))
            else:
                _EFFECTS[segment.kind](rng, part, scale)
            kind[ticks, device] = segment.kind
    return kind


# Standard deviations that a stream of a few minutes may not show: a spike must stand out there too.
_LEAST_SCALE = np.array([0.5, 1.0, 5.0, 3.0, 2.0])


def _spike(rng: np.random.Generator, part: Float64, scale: Float64) -> None:
    which = rng.choice(5, size=rng.choice([1, 1, 2]), replace=False)
    size = rng.uniform(2.5, 6.0, (len(part), len(which))) * scale[which]
    downward = (which < _LIGHT) & (rng.random(len(which)) < 0.5)
    part[:, which] += np.where(downward, -size, size)
    part[:, _HUMIDITY] = np.clip(part[:, _HUMIDITY], 0.0, 100.0)


def _drift(rng: np.random.Generator, part: Float64, scale: Float64) -> None:
    which = rng.choice([_TEMPERATURE, _HUMIDITY, _POWER, _LIGHT])
    end = rng.uniform(3.0, 7.0) * scale[which]
    if which < _LIGHT and rng.random() < 0.5:
        end = -end
    part[:, which] += end * np.linspace(0.0, 1.0, len(part) + 1)[1:]
    part[:, _HUMIDITY] = np.clip(part[:, _HUMIDITY], 0.0, 100.0)


def _stuck(rng: np.random.Generator, part: Float64, elsewhen: Float64) -> None:
    which = rng.choice([_TEMPERATURE, _HUMIDITY, _LIGHT, _POWER], size=rng.integers(1, 3), replace=False)
    # Of the readings (3, 5) at other hours the one least like now: darkness sticks at noon, not at midnight.
    farthest = np.abs(elsewhen - part[0]).argmax(axis=0)
    part[:, which] = elsewhen[farthest[which], which]


def _dropout(rng: np.random.Generator, part: Float64, scale: Float64) -> None:
    silent = rng.choice(_LATENCY, size=rng.integers(2, 5), replace=False)
    part[:, silent] = np.nan
    part[:, _LATENCY] *= rng.uniform(4.0, 12.0, len(part))


def _attack(rng: np.random.Generator, part: Float64, scale: Float64, strength: float) -> None:
    # Every device gets the same blow with its own jitter; it builds up and ebbs away.
    shape = np.sin(np.pi * (np.arange(len(part)) + 1.0) / (len(part) + 1.0)) ** 0.3 * strength
    part[:, _LATENCY] *= 1.0 + 3.5 * shape * rng.uniform(0.7, 1.3, len(part))
    part[:, _POWER] += 1.6 * scale[_POWER] * shape * rng.uniform(0.8, 1.2, len(part))


_EFFECTS: dict[str, Callable[[np.random.Generator, Float64, Float64], None]] = {
    "spike": _spike,
    "drift": _drift,
    "dropout": _dropout,
}


def _find(rng: np.random.Generator, kind: str, left: int, taken: Bool, interval: float) -> Segment:
    """Find free room for the next segment of a kind that still owes ``left`` rows."""
    n_ticks, n_devices = taken.shape
    width = 1
    if kind == "attack" and n_devices > 1:
        width = min(int(rng.integers(max(2, n_devices // 2), n_devices + 1)), left)
    length = _length(rng, kind, left // width, interval)
    length = min(length, n_ticks)
    while True:
        for start in rng.integers(0, n_ticks - length + 1, _TRIES).tolist():
            window = taken[start : start + length]
            free = np.flatnonzero(~window.any(axis=0))
            if len(free) >= width:
                return Segment(
                    kind, start, length, tuple(sorted(rng.choice(free, width, replace=False).tolist()))
                )
        if length == 1 and width == 1:
            start, device = divmod(int(rng.choice(np.flatnonzero(~taken))), n_devices)
            return Segment(kind, start, 1, (device,))
        # Crowded: a shorter segment finds room, and the rows it lacks go to another.
        length, width = max(1, length // 2), (width if length > 1 else max(1, width // 2))


def _length(rng: np.random.Generator, kind: str, most: int, interval: float) -> int:
    low, high = _MINUTES[kind]
    fewest = _FEWEST[kind]
    longest = 3 if kind == "spike" else fewest
    length = max(int(rng.integers(fewest, longest + 1)), round(rng.uniform(low, high) * 60.0 / interval))
    # A rest too short to be this kind of anomaly joins the segment.
    return most if most - length < fewest else length
