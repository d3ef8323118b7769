"""Streams of many devices: the groups of a stream set in turns, and a made fleet of unlike devices."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.dataset import Dataset

__all__ = ["FleetRow", "devices_of", "in_turns", "made_fleet"]

Series = tuple[NDArray[np.float64], NDArray[np.bool_]]


class FleetRow(NamedTuple):
    """A row, which device it is of, how many that device had before, and whether it is an anomaly."""

    x: dict[str, float]
    device: int
    place: int
    y: bool


def devices_of(data: Dataset, most: int) -> list[Series]:
    """Return the last rows of each group of a stream set: in some, anomalies are only there."""
    groups = np.zeros(len(data.y)) if data.group is None else data.group
    return [(data.X[groups == g][-most:], data.y[groups == g][-most:] == 1) for g in np.unique(groups)]


def made_fleet(n_devices: int, n_rows: int, seed: int) -> list[Series]:
    """Draw devices of five sensors and two kinds of firmware, each with ranges and a day of its own.

    The sensors follow two slow factors and the hour; two rows in a hundred are anomalies: one sensor jumps,
    or all sensors turn their relations round.
    """
    rng = np.random.default_rng(seed)
    firmware = rng.normal(size=(2, 3, 5))
    made = []
    for k in range(n_devices):
        factors, drawn = np.zeros((n_rows, 3)), rng.normal(size=(n_rows, 3))
        for t in range(1, n_rows):
            factors[t] = 0.9 * factors[t - 1] + 0.44 * drawn[t]
        day = rng.integers(96, 480)
        factors[:, 2] = 1.4 * np.sin(2.0 * np.pi * (np.arange(n_rows) + rng.integers(day)) / day)
        cells = factors @ firmware[k % 2] + 0.3 * rng.normal(size=(n_rows, 5))
        y = rng.random(n_rows) < 0.02
        for t in np.flatnonzero(y):
            if rng.random() < 0.5:
                cells[t, rng.integers(5)] += rng.choice([-1.0, 1.0]) * rng.uniform(3.0, 8.0)
            else:
                cells[t] = 2.0 * rng.normal(size=5) - cells[t]
        scale = 10.0 ** rng.uniform(-1.0, 3.0, 5)
        made.append(((cells + 10.0 * rng.normal(size=5)) * scale, y))
    return made


def in_turns(series: list[Series], late: int) -> Iterator[FleetRow]:
    """Yield the devices' rows in turns; the second half of them begins when the first has ``late`` rows."""
    begin = [0 if k < (len(series) + 1) // 2 else late for k in range(len(series))]
    lists = [X.tolist() for X, _ in series]
    for t in range(max(start + len(y) for start, (_, y) in zip(begin, series, strict=True))):
        for k, (_, y) in enumerate(series):
            place = t - begin[k]
            if 0 <= place < len(y):
                x = {f"s{j}": value for j, value in enumerate(lists[k][place]) if value == value}
                yield FleetRow(x, k, place, bool(y[place]))
