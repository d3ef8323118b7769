"""What the arrays of a stream's model must look like: how wide, and in which range the kernels keep them.

The ranges are what the kernels can reach, with room; within them no kernel divides by nothing, takes the
logarithm of what is not positive, or leaves the floats.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from iotae._typing import Float64
from iotae._validation.schema import Array, Digits, Record, Schema
from iotae.nn.leave_one_out import HIDDEN, N_BLOCKS
from iotae.nn.state_schema import SEED_BITS
from iotae.stream import autocorrelation, conditional, counters, evidence, histogram, scaler, update_gate
from iotae.stream import sensor_figures as sensors
from iotae.stream.memory import FIGURES, KEPT, RUNNING, WITNESS_BATCH

__all__ = ["ARRAYS", "HORIZON", "LARGEST_WEIGHT", "LEAST_SPREAD"]

_LARGEST_COUNT = 2.0**53

LEAST_SPREAD = 1e-30
"""A spread is 0, or at least this: so many deviations of any number stay finite."""

_LARGEST_MASS = 1e100
_LARGEST_SURPRISE = 1e6
"""Nats of a feature: no number lies so far out."""

_LARGEST = 1e12
"""Any figure that has no closer bound."""

_LARGEST_LOG = 20.0
"""Of a row's surprise: its exponential is far from the end of the floats."""

_SEEN_BY_AUTOENCODER = 3.001
LARGEST_WEIGHT = 1e4
"""Of the network that predicts each cell from the others."""

_PRESENT_AT_MOST = sensors.SEEN_REACH + 1e-3

Range = tuple[float, float]


def _ranges(n: int, usual: Range, special: Mapping[int, Range]) -> tuple[Float64, Float64]:
    """Lowest and highest values, (n, 1) each, of rows that have a range of their own, or the usual one."""
    ranges = np.array([special.get(row, usual) for row in range(n)])
    return ranges[:, :1], ranges[:, 1:]


_SENSORS = _ranges(
    FIGURES,
    (-_LARGEST, _LARGEST),
    {
        sensors.SIGMA2: (sensors.LEAST_VARIANCE, _LARGEST),
        sensors.PROVED: (-1e18, 1e18),
        sensors.SQUARED: (0.0, 1e30),
        sensors.VARIANCE: (sensors.LEAST_VARIANCE, _LARGEST),
        sensors.RECENT_LEVEL: (-5.0, 5.0),
        sensors.LEVEL2: (1e-200, 1e3),
        sensors.RECENT_ENERGY: (0.0, 2.0 * sensors.MOST_ENERGY),
        sensors.LAST: (-np.inf, np.inf),
        sensors.BEFORE: (-8.0, 8.0),
        sensors.STEP: (1e-3, 1e3),
        sensors.MOVED: (0.0, 2.0 * sensors.MOST_MOVE),
        sensors.MOVE_MEAN: (-5.0, 5.0),
        sensors.MOVE2: (1e-4, 1e3),
        sensors.RUN_LENGTH: (0.0, _LARGEST_COUNT),
        sensors.EQUAL: (0.0, 1.0 + 1e-9),
        sensors.COVARIANCE: (-20.0, 20.0),
        sensors.POWER: (0.0, 20.0),
        sensors.EPISODES: (0.0, _LARGEST),
        sensors.LAST_EPISODE: (0.0, _LARGEST_COUNT),
        sensors.FAR_ROWS: (0.0, _LARGEST_COUNT),
        sensors.BEGUN: (0.0, 1.0 + 1e-9),
    },
)

_UNKNOWN_AT_FIRST = np.isin(np.arange(FIGURES), (sensors.LAST, sensors.BEFORE))[:, None]

_TAILS = _ranges(
    evidence.TAILS,
    (1e-150, 1e18),
    {
        **dict.fromkeys(range(1, evidence.TAILS, 3), (1e-12, 50.0)),
        **dict.fromkeys(range(2, evidence.TAILS, 3), (0.0, _LARGEST_COUNT)),
        3 * evidence.RUN + 1: (1e-12, 1e18),
    },
)

_N_FIGURES = evidence.SURPRISE + 1

# of each part its median, its high quantile, its mean excess and its number of excesses
_CALIBRATION = _ranges(
    evidence.CALIBRATION,
    (-1e6, 1e6),
    {
        **{2 * _N_FIGURES + part: (1e-3, 1e6) for part in range(_N_FIGURES)},
        **{3 * _N_FIGURES + part: (0.0, _LARGEST_COUNT) for part in range(_N_FIGURES)},
        evidence.SURPRISE: (-_LARGEST_LOG, _LARGEST_LOG),
        _N_FIGURES + evidence.SURPRISE: (-_LARGEST_LOG, _LARGEST_LOG),
        2 * _N_FIGURES + evidence.SURPRISE: (1e-3, _LARGEST_LOG),
    },
)

_COUNTS = _ranges(
    counters.N_COUNTS,
    (0.0, _LARGEST_COUNT),
    {
        counters.DUE: (0.0, 2.0 * _LARGEST_COUNT),
        counters.WIDTH: (1.0, _LARGEST),
        counters.AGREE: (-3.0, 3.0),
        counters.AGREE_MEAN: (-3.0, 3.0),
        counters.AGREE2: (1e-6, 100.0),
    },
)

_COUNTERS = _ranges(
    counters.N_REMEMBERED,
    (0.0, _LARGEST_COUNT),
    {
        counters.LEFT: (0.0, 64.0),
        counters.REFRESH: (1.0, 2.0 * _LARGEST_COUNT),
        counters.PIVOT: (-1.0, _LARGEST_COUNT),
        counters.WITNESS_PENDING: (0.0, WITNESS_BATCH - 1.0),
        counters.WITNESS_LEFT: (0.0, 64.0),
        counters.DRAWN: (1.0, 2147483646.0),
    },
)

HORIZON = Array(np.float64, low=2.0, high=np.inf)


def _cells(most: float, *rows: int | str, missing: bool = False) -> Array:
    return Array(np.float32, *rows, "slots", low=-most, high=most, missing=missing)


def _figures(ranges: tuple[Float64, Float64]) -> Array:
    low, high = ranges
    return Array(np.float64, len(low), low=low[:, 0], high=high[:, 0])


_REACH = scaler.LARGEST
_ROUGHLY_ONE = (0.1, 101.0)

ARRAYS: dict[str, Schema] = {
    "seed": Digits(SEED_BITS),
    "scaler": Record(
        {
            "horizon": HORIZON,
            # values seen, centre, spread, and the first move of what has been constant
            "stats": Array(
                np.float64,
                "slots",
                scaler.STATISTICS,
                low=[0.0, -_REACH, 0.0, 0.0],
                high=[_LARGEST_COUNT, _REACH, 3.0 * _REACH, 3.0 * _REACH],
            ),
            "head": Array(np.float64, "slots", scaler.HEAD, low=-_REACH, high=_REACH),
        }
    ),
    "counts_of_bins": Array(np.float64, histogram.BINS, "slots", low=0.0, high=_LARGEST_MASS),
    "table": Array(np.float64, histogram.BINS, "slots", low=0.0, high=1e3),
    # usual residual, recent contribution, rows counted
    "running": Array(
        np.float64,
        RUNNING,
        "slots",
        low=[[0.02], [0.0], [0.0]],
        high=[[1e15], [_LARGEST_SURPRISE], [_LARGEST_MASS]],
    ),
    "kinds": Array(np.float64, 1, "slots", low=0.0, high=3.0, whole=True),
    # sums; mean and scale of the inverse in use, and of the one being made
    "moments": Array(
        np.float64,
        conditional.MOMENTS,
        "slots",
        low=[[-_LARGEST], [-10.0], [_ROUGHLY_ONE[0]], [-10.0], [_ROUGHLY_ONE[0]]],
        high=[[_LARGEST], [10.0], [_ROUGHLY_ONE[1]], [10.0], [_ROUGHLY_ONE[1]]],
    ),
    "sensors": Array(
        np.float64,
        FIGURES,
        "slots",
        low=_SENSORS[0],
        high=_SENSORS[1],
        missing=_UNKNOWN_AT_FIRST,
    ),
    "tails": Array(np.float64, evidence.TAILS, "slots", low=_TAILS[0], high=_TAILS[1]),
    "biases": _cells(float(np.finfo(np.float32).max), N_BLOCKS),
    "pending": _cells(_SEEN_BY_AUTOENCODER, "rows of a mini-batch", missing=True),
    "minibatch": _cells(_SEEN_BY_AUTOENCODER, "rows of a mini-batch", missing=True),
    "witness_shown": _cells(_PRESENT_AT_MOST, WITNESS_BATCH),
    "witness_wanted": _cells(_PRESENT_AT_MOST, WITNESS_BATCH, missing=True),
    "fresh_shown": _cells(_PRESENT_AT_MOST, WITNESS_BATCH),
    "fresh_wanted": _cells(_PRESENT_AT_MOST, WITNESS_BATCH, missing=True),
    "reservoir": Array(np.int8, 2 * KEPT, "slots"),
    "matrices": _cells(_LARGEST, "rows of matrices"),
    "hidden": Array(np.float32, "rows of weights", HIDDEN),
    # centre, spread, width, recent surprise, rows, rows accepted
    "gate": Array(
        np.float64,
        update_gate.SIZE,
        low=[0.0, 0.0, 3.0, 0.0, 0.0, 0.0],
        high=[_LARGEST_SURPRISE, _LARGEST_SURPRISE, 3.1e6, _LARGEST_SURPRISE, *[_LARGEST_COUNT] * 2],
    ),
    # mean, spread, variance, covariance, the previous deviation, rows
    "context": Array(
        np.float64,
        autocorrelation.SIZE,
        low=[0.0, 0.0, 0.0, -1e15, -1e7, 0.0],
        high=[_LARGEST_SURPRISE, 1e7, 1e15, 1e15, 1e7, _LARGEST_COUNT],
    ),
    "counts": _figures(_COUNTS),
    "calibration": _figures(_CALIBRATION),
    "counters": Array(np.int64, counters.N_REMEMBERED, low=_COUNTERS[0][:, 0], high=_COUNTERS[1][:, 0]),
}
"""The parts of a stream's state; what they must be to each other is in :mod:`iotae.stream.state_schema`."""
