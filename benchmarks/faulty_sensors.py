"""Made streams in which one sensor of many is broken for a while: worlds, kinds of fault, and where they lie.

The sensors follow three hidden factors, each with its own noise. The factors have a daily rhythm. A world
says whether the sensors are linear in the factors, and whether what is random has a memory.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["DIMENSIONS", "KINDS", "ROWS", "WORLDS", "FaultyStream", "faulty", "healthy"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

WORLDS = ("linear, white", "linear, autocorrelated", "non-linear, white", "non-linear, autocorrelated")
KINDS = {
    "spike": "6 deviations up or down for one row, sixty times",
    "offset": "1.5 deviations up or down",
    "noise": "noise of 0.7 deviations added",
    "stuck": "the value before the fault",
    "swap": "the reading of another sensor, in the sensor's own units",
    "drift": "a straight line up or down to 3 deviations at the end",
    "drop": "zero, or the lowest value so far",
    "hour": "all sensors show what they showed twelve hours ago",
}
"""Kinds of fault, and what the broken sensor shows; a deviation is the sensor's own over the whole stream."""

DIMENSIONS = (5, 20, 60, 200)
ROWS = 12_000
LENGTH = 60
SPIKES = 60
SHARE = 0.05
"""Most of the rows that may be faulty."""

DAY = 1440
"""Rows of a day: one a minute."""

FIRST_ROW = datetime(2026, 1, 5)
FACTORS = 3


@dataclass(frozen=True, eq=False)
class FaultyStream:
    """A stream of rows a minute apart, and what is wrong with it.

    Attributes
    ----------
    X : ndarray of shape (n, d)
        Readings in the sensors' own units.
    fault : ndarray of int, shape (n,)
        Number of the fault that a row belongs to, -1 for none.
    sensor : ndarray of int, shape (n,)
        The broken sensor of a row, -1 where none is or where all are.
    """

    X: Floats
    fault: Ints
    sensor: Ints

    @property
    def y(self) -> NDArray[np.int8]:
        """Labels (n,): 1 where a row is faulty."""
        return (self.fault >= 0).astype(np.int8)

    @property
    def names(self) -> list[str]:
        """Names of the sensors."""
        return [f"s{j}" for j in range(self.X.shape[1])]

    def rows(self, *, time: bool = True) -> Iterator[dict[str, Any]]:
        """Yield the rows as dicts, with the time of day under ``time`` or without."""
        names = self.names
        for i, row in enumerate(self.X):
            x = dict(zip(names, row.tolist(), strict=True))
            yield {"time": FIRST_ROW + timedelta(minutes=i), **x} if time else x


def _generator(*parts: str | int) -> np.random.Generator:
    """Return a generator of its own for each combination of names and numbers."""
    return np.random.default_rng([zlib.crc32(p.encode()) if isinstance(p, str) else p for p in parts])


def _autoregressive(memory: Floats, n: int, rng: np.random.Generator) -> Floats:
    """Return series (n, m) of variance 1, each with the autocorrelation ``memory`` (m,) of neighbours."""
    series = rng.normal(size=(n, memory.size))
    fresh = np.sqrt(1.0 - memory * memory)
    for i in range(1, n):
        series[i] = memory * series[i - 1] + fresh * series[i]
    return series


def _standardised(X: Floats) -> Floats:
    standard: Floats = (X - X.mean(axis=0)) / X.std(axis=0)
    return standard


def _factors(n: int, remembers: bool, rng: np.random.Generator) -> Floats:
    """Return the hidden factors (n, 3): chance, plus a daily rhythm with a second harmonic."""
    angle = 2 * np.pi * np.arange(n)[:, None] / DAY
    phase = rng.uniform(0, 2 * np.pi, size=(2, FACTORS))
    rhythm = rng.uniform(0.8, 1.4, size=FACTORS) * np.sin(angle + phase[0])
    rhythm += 0.3 * np.sin(2 * angle + phase[1])
    memory = rng.uniform(0.95, 0.99, size=FACTORS) if remembers else np.zeros(FACTORS)
    return _standardised(_autoregressive(memory, n, rng) + rhythm)


def _bent(factors: Floats, rng: np.random.Generator) -> Floats:
    """Return a curve (n,) over the factors: one of five forms over two random directions."""
    directions = rng.normal(size=(2, FACTORS))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    u, v = directions @ factors.T
    shift, turn = 0.5 * rng.normal(), rng.uniform(0, 2 * np.pi)
    forms = (
        lambda: np.tanh(1.5 * u + shift),
        lambda: u * u + 0.3 * v,
        lambda: u * v,
        lambda: np.sin(1.5 * u + turn),
        lambda: np.tanh(2.0 * u) + 0.7 * np.sin(2.0 * v),
    )
    curve: Floats = forms[rng.integers(len(forms))]()
    return curve


def healthy(world: str, d: int, seed: int, n: int = ROWS) -> tuple[Floats, Floats, Floats]:
    """Return rows (n, d) without a fault, and each sensor's offset and deviation (d,).

    Parameters
    ----------
    world : str
        One of `WORLDS`.
    d : int
        Number of sensors.
    seed : int
        Another seed is another world of the same kind: factors, sensors and noise.
    n : int
        Number of rows.
    """
    if world not in WORLDS:
        raise ValueError(f"Got the world {world!r}, but expected one of {WORLDS}.")
    linear, remembers = world.startswith("linear"), world.endswith("autocorrelated")
    rng = _generator(world, d, seed)
    factors = _factors(n, remembers, rng)
    if linear:
        signal = factors @ rng.normal(size=(FACTORS, d))
    else:
        signal = np.stack([_bent(factors, rng) for _ in range(d)], axis=1)
    # half of the sensors of a world with memory have noise with a memory
    memory = np.where(rng.random(d) < 0.5, rng.uniform(0.5, 0.9, size=d), 0.0) if remembers else np.zeros(d)
    noise = _autoregressive(memory, n, rng) * rng.uniform(0.1, 0.4, size=d)
    readings = _standardised(_standardised(signal) + noise)
    deviation = 10.0 ** rng.uniform(-2, 4, size=d)
    offset = np.where(rng.random(d) < 0.3, 0.0, 4.0 * rng.normal(size=d)) * deviation
    return offset + deviation * readings, offset, deviation


def _places(kind: str, n: int, start: int, rng: np.random.Generator) -> Iterator[slice]:
    """Yield the rows of each fault, in order, each at random in its share of the rows after ``start``."""
    length = 1 if kind == "spike" else LENGTH
    count = SPIKES * n // ROWS if kind == "spike" else int(SHARE * n) // LENGTH
    share = (n - start) // count
    for i in range(count):
        first = start + i * share + int(rng.integers(share - length))
        yield slice(first, first + length)


def _broken(
    kind: str, usual: Floats, rows: slice, j: int, scales: tuple[Floats, Floats], rng: np.random.Generator
) -> Floats:
    """Return what sensor ``j`` shows in the rows of a fault (m,), given the healthy rows (n, d)."""
    offset, deviation = scales
    own = usual[rows, j]
    m = own.size
    side = rng.choice([-1.0, 1.0]) * deviation[j]
    if kind == "spike":
        return own + 6.0 * side
    if kind == "offset":
        return own + 1.5 * side
    if kind == "noise":
        return own + 0.7 * deviation[j] * rng.normal(size=m)
    if kind == "stuck":
        return np.full(m, usual[rows.start - 1, j])
    if kind == "drift":
        return own + 3.0 * side * np.arange(1, m + 1) / m
    if kind == "drop":
        return np.full(m, 0.0 if rng.random() < 0.5 else usual[: rows.start, j].min())
    k = (j + 1 + int(rng.integers(usual.shape[1] - 1))) % usual.shape[1]
    swapped: Floats = offset[j] + deviation[j] * (usual[rows, k] - offset[k]) / deviation[k]
    return swapped


def faulty(world: str, kind: str, d: int, seed: int, n: int = ROWS) -> FaultyStream:
    """Return a stream with faults of one kind in its last five twelfths, each in one sensor drawn at random.

    Parameters
    ----------
    world : str
        One of `WORLDS`.
    kind : str
        One of `KINDS`.
    d : int, at least 2
        Number of sensors.
    seed : int
        Decides the world, and the faults apart from it: kinds with one seed share their healthy rows.
    n : int
        Number of rows; 12,000 have ten faults of 60 rows, or 60 spikes, after row 7,000.
    """
    if kind not in KINDS:
        raise ValueError(f"Got the kind {kind!r}, but expected one of {tuple(KINDS)}.")
    if n < DAY:
        raise ValueError(f"Got n={n}, but expected a day's rows at least: {DAY}.")
    usual, *scales = healthy(world, d, seed, n)
    rng = _generator(world, kind, d, seed)
    X = usual.copy()
    fault, sensor = np.full(n, -1), np.full(n, -1)
    for i, rows in enumerate(_places(kind, n, n * 7 // 12, rng)):
        fault[rows] = i
        if kind == "hour":
            X[rows] = usual[rows.start - DAY // 2 : rows.stop - DAY // 2]
            continue
        j = int(rng.integers(d))
        sensor[rows] = j
        X[rows, j] = _broken(kind, usual, rows, j, (scales[0], scales[1]), rng)
    return FaultyStream(X, fault, sensor)
