"""The series of the page on sequences: real ones, the simulator's wrong hours, and broken sensors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks import datasets
from benchmarks.faulty_sensors import faulty

__all__ = ["REAL", "Series", "series", "sets"]

REAL = ("smd_1_6", "smd_2_1", "asd_omi", "nab_realKnownCause")
FAULTS = ("stuck", "noise", "hour", "drift")
WORLDS = ("linear, autocorrelated", "non-linear, white")
SENSORS, START = 20, 7000
EVERY = {"asd_omi": 3}
"""Of a set of many machines that are alike, one in so many is taken."""
FIRST_SHARE = 0.3
"""Share of a series that trains where its authors marked no part."""


class Series(NamedTuple):
    """One series, cut in two."""

    group: str
    """The set that it belongs to."""

    train: NDArray[np.float64]
    test: NDArray[np.float64]
    y: NDArray[np.int8]
    """Labels of the test rows."""


def sets() -> list[str]:
    """Return the names of the sets: the real ones that are here, and those that are made."""
    here = [name for name in REAL if not datasets.why_absent("stream", name)]
    return [*here, "wrong hours", *(f"sensor: {kind}" for kind in FAULTS)]


def series(name: str, seed: int, most: int) -> Iterator[Series]:
    """Yield the series of a set, each with anomalies among its test rows.

    Parameters
    ----------
    name : str
        One of `sets`.
    seed : int
        Of the made ones.
    most : int
        Rows of each part of a real series at most: the latest that train, and of the rest those from just
        before the first anomaly.
    """
    for train, test, y in _whole(name, seed):
        if 0 < y.sum() < len(y):
            rows = most if name in REAL else len(train) + len(test)
            first = max(int(np.argmax(y)) - rows // 4, 0) if name in REAL else 0
            yield Series(name, train[-rows:], test[first : first + rows], y[first : first + rows])


def _whole(
    name: str, seed: int
) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int8]]]:
    if name.startswith("sensor: "):
        for world in WORLDS:
            stream = faulty(world, name.removeprefix("sensor: "), SENSORS, seed)
            yield stream.X[:START], stream.X[START:], stream.y[START:]
    elif name == "wrong hours":
        yield from _wrong_hours(seed)
    else:
        data = datasets.load("stream", name)
        group = np.zeros(len(data.y), np.int64) if data.group is None else data.group
        for number in np.unique(group)[:: EVERY.get(name, 1)]:
            part = data.take(group == number)
            split = np.arange(len(part.y)) >= int(FIRST_SHARE * len(part.y))
            later = split if part.is_test is None else part.is_test == 1
            yield part.X[~later], part.X[later], part.y[later]


def _wrong_hours(seed: int) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int8]]]:
    from iotae.simulator import simulate

    stream = simulate(30_000, kinds=["contextual"], interval=300, seed=seed)
    for device in np.unique(stream.columns["device"])[:2]:
        mine = stream.columns["device"] == device
        X, y = stream.features[mine], stream.label[mine].astype(np.int8)
        yield X[: len(X) // 3], X[len(X) // 3 :], y[len(X) // 3 :]
