"""Streams without an anomaly, drawn from a law: what a false-alarm rate is measured on.

Each is several groups, drawn independently; a detector and a threshold start afresh in each.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from benchmarks.dataset import Dataset
from iotae.simulator import simulate

__all__ = ["LAWS", "MADE", "make"]

LAWS = ("exchangeable", "autocorrelated", "drifting", "shifted")
MADE = (*(f"scores: {law}" for law in LAWS), *(f"rows: {law}" for law in LAWS), "rows: IoT simulator")

Floats = NDArray[np.float64]

GROUP_ROWS = 60_000
SCORE_GROUPS = 8
ROW_GROUPS = 2
N_FEATURES = 8
MEMORY = 0.95
"""Autocorrelation of neighbours, where there is one."""

PERIOD = 50_000
"""Rows of one swing of the slow drift, three standard deviations up and down."""

SWING = 3.0
SHIFT = 2.0
"""Standard deviations of the jump halfway."""


def _noise(law: str, n: int, d: int, rng: np.random.Generator) -> Floats:
    """Return standard normal columns (n, d), independent rows or a first-order autoregression."""
    noise = rng.normal(size=(n, d))
    if law == "autocorrelated":
        for i in range(1, n):
            noise[i] = MEMORY * noise[i - 1] + (1 - MEMORY**2) ** 0.5 * noise[i]
    return noise


def _path(law: str, n: int) -> Floats:
    """Return where the centre is (n,), in standard deviations."""
    t = np.arange(n)
    if law == "drifting":
        return SWING * np.sin(2 * np.pi * t / PERIOD)
    return np.where(t >= n // 2, SHIFT, 0.0) if law == "shifted" else np.zeros(n)


def _scores(law: str, rng: np.random.Generator) -> Floats:
    """Return scores (n, 1): squared lengths of four normal columns, skewed as detectors' scores are."""
    lengths = np.square(_noise(law, GROUP_ROWS, 4, rng)).sum(axis=1)
    return (lengths + 8**0.5 * _path(law, GROUP_ROWS))[:, None]


def _rows(law: str, rng: np.random.Generator) -> Floats:
    """Return rows (n, 8): three factors, noise, and a centre that moves along each feature."""
    loadings = rng.normal(size=(3, N_FEATURES))
    rows = _noise(law, GROUP_ROWS, 3, rng) @ loadings + 0.5 * _noise(law, GROUP_ROWS, N_FEATURES, rng)
    return rows + _path(law, GROUP_ROWS)[:, None] * rows.std(axis=0)


def make(name: str) -> Dataset:
    """Return one of ``MADE``, e.g. "scores: drifting" or "rows: IoT simulator"."""
    what, law = name.split(": ")
    seed = MADE.index(name)
    if law in LAWS:
        n_groups = SCORE_GROUPS if what == "scores" else ROW_GROUPS
        draw = _scores if what == "scores" else _rows
        X = np.concatenate([draw(law, np.random.default_rng([seed, group])) for group in range(n_groups)])
    else:
        n_groups = ROW_GROUPS
        X = np.concatenate(
            [simulate(GROUP_ROWS, n_devices=1, anomaly_rate=0.0, seed=i).features for i in range(n_groups)]
        )
    return Dataset(
        name,
        X,
        np.zeros(len(X), np.int8),
        tuple(f"f{i}" for i in range(X.shape[1])),
        ordered=True,
        group=np.repeat(np.arange(n_groups), GROUP_ROWS),
    )
