"""The protocol of scoring: what a table's row costs, in flops and in processor time.

Times are processor time of one thread, so that a shared machine does not count what others do.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from time import process_time
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from benchmarks import detectors, render
from benchmarks.detector import Task
from benchmarks.timing import factor_rows
from iotae import BatchAutoencoder
from iotae.nn.leave_one_out import HIDDEN

__all__ = ["compare", "flops", "peak", "rows_a_second"]

WIDTHS, FITTED, ROUNDS = (5, 20, 100), 10_000, 7
QUICK_WIDTHS, QUICK_FITTED, QUICK_ROUNDS = (5,), 600, 1
SCORED = {"iotae": 40_000, "IForest": 20_000, "KNN": 2_000}
"""Rows that are scored in a round: enough for a steady figure of each."""

MATRIX, PRODUCTS = 1024, 8
EXACT = 4
"""References whose distances are taken exactly."""

TEXT = (
    "Models of {fitted:,} rows of a Gaussian factor model score float32 tables of {scored} rows, with one "
    "thread, in {rounds} rounds in which they alternate. Rows a second of *processor time*, medians; *times "
    "IForest* and *times KNN* are ratios within a round, the median and the worst. IForest and KNN (behind a "
    "StandardScaler) are PyOD's, with their defaults."
)
COST = (
    "A row's floating-point operations, counted from the sizes: 2 for each weight of the autoencoder and of "
    "the two whitenings; 2 d for each reference, and 3 d for each of four that are taken exactly; 8 for each "
    "of {hidden} hidden units and each cell in the network that predicts every cell from the others. Tails, "
    "scaling and the search for the smallest are not counted. The peak is a float32 product of two matrices "
    "of {matrix} x {matrix} in NumPy, in the same rounds and the same thread; both figures are medians."
)


def flops(model: BatchAutoencoder) -> dict[str, int]:
    """Return the floating-point operations of scoring a row, by part; of a model without categories."""
    state = model.to_state()
    sizes, d = model._fitted().sizes, model.n_features
    n_references = len(state["views"]["references"])
    code = min(sizes)
    return {
        "autoencoder": 2 * sum(a * b for a, b in pairwise(sizes)),
        "whitening": 2 * (d + code) ** 2 + 2 * d * d,
        "distances": 2 * d * n_references + 3 * d * EXACT,
        "cells": 8 * HIDDEN * d,
    }


def peak() -> float:
    """Return the flops a second of a float32 matrix product in one thread, in processor time."""
    a = np.random.default_rng(0).normal(size=(MATRIX, MATRIX)).astype(np.float32)
    with threadpool_limits(1):
        a @ a
        start = process_time()
        for _ in range(PRODUCTS):
            a @ a
        seconds = process_time() - start
    return 2 * MATRIX**3 * PRODUCTS / seconds


def rows_a_second(score: Callable[[Any], object], X: np.ndarray[Any, Any]) -> float:
    """Return the rows scored in a second of processor time, in one thread."""
    with threadpool_limits(1):
        start = process_time()
        score(X)
        return len(X) / (process_time() - start)


def _rounds(d: int, fitted: int, n: int, seed: int) -> tuple[dict[str, list[float]], BatchAutoencoder]:
    """Return the rows a second of each detector and the flops a second of the peak, by round."""
    train, test = (
        next(factor_rows(rows, d, seed + i)).astype(np.float32)
        for i, rows in enumerate((fitted, max(SCORED.values())))
    )
    task = Task(seed, fitted, d)
    models = {name: detectors.TABLES[name].make(task).fit(train) for name in SCORED}
    found: dict[str, list[float]] = {name: [] for name in (*SCORED, "peak")}
    for model in models.values():
        model.decision_function(test[:500])
    for r in range(n):
        for name in list(SCORED)[:: 1 if r % 2 else -1]:
            found[name].append(rows_a_second(models[name].decision_function, test[: SCORED[name]]))
        found["peak"].append(peak())
    return found, models["iotae"].model


def _times(ours: list[float], theirs: list[float]) -> str:
    ratios = np.array(ours) / np.array(theirs)
    return f"{np.median(ratios):.2f} (worst {ratios.min():.2f})"


def compare(seed: int, quick: bool) -> tuple[list[str], list[str]]:
    """Measure each width; return the page's sections and no notes."""
    widths = QUICK_WIDTHS if quick else WIDTHS
    fitted, rounds = (QUICK_FITTED, QUICK_ROUNDS) if quick else (FITTED, ROUNDS)
    speeds, costs = [], []
    for d in widths:
        found, model = _rounds(d, fitted, rounds, seed)
        parts = flops(model)
        median = {name: float(np.median(values)) for name, values in found.items()}
        total = sum(parts.values())
        speeds.append(
            [
                str(d),
                *(f"{median[name]:,.0f}" for name in SCORED),
                *(_times(found["iotae"], found[name]) for name in ("IForest", "KNN")),
            ]
        )
        share = median["iotae"] * total / median["peak"]
        costs.append(
            [
                str(d),
                *(f"{flop:,}" for flop in parts.values()),
                f"{total:,}",
                f"{median['iotae'] * total / 1e9:.1f}",
                f"{median['peak'] / 1e9:.1f}",
                f"{share:.0%}",
            ]
        )
    scored = ", ".join(f"{rows:,} ({name})" for name, rows in SCORED.items())
    speed_header = ["features", *SCORED, "times IForest", "times KNN"]
    cost_header = ["features", *parts, "flops a row", "gigaflops a second", "peak", "share of the peak"]
    return [
        TEXT.format(fitted=fitted, scored=scored, rounds=rounds),
        render.markdown(speed_header, speeds),
        "## What a row costs",
        COST.format(hidden=HIDDEN, matrix=MATRIX),
        render.markdown(cost_header, costs),
    ], []
