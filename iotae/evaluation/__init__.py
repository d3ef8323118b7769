"""Evaluation: the paper's 70/30 split, its score, and metrics of rows, series, streams and many data sets.

There is a module for each question. ``metrics``: the paper's. ``ranking``: scores at any threshold.
``report``: both at once. ``budgets``: a limited number of alarms. ``events`` and ``ranges``: anomalies that
last. ``volume``: ranking in series. ``intervals``: how certain a figure is. ``calibration``: whether a
false-alarm rate is kept. ``comparison``: many data sets. ``prequential`` (score each row, then learn it),
``adapters`` and ``runs``: streams. All can be imported from here; docs/evaluation.md says which to use.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from iotae._typing import Float64, Int64
from iotae._validation import check_share
from iotae.evaluation.adapters import SlidingFit, WithTarget
from iotae.evaluation.budgets import precision_at_n, recall_at_false_alarm_rate
from iotae.evaluation.calibration import RealisedRates, realised_rates
from iotae.evaluation.comparison import Comparison, compare
from iotae.evaluation.events import Events, anomaly_ranges, find_events
from iotae.evaluation.intervals import Interval, bootstrap_interval, wilson_interval
from iotae.evaluation.metrics import Confusion, confusion
from iotae.evaluation.prequential import prequential
from iotae.evaluation.ranges import RangeScores, range_precision_recall
from iotae.evaluation.ranking import average_precision, precision_recall_curve, roc_auc, roc_curve
from iotae.evaluation.report import Evaluation, evaluate
from iotae.evaluation.runs import Prequential, StreamDetector
from iotae.evaluation.volume import RangeArea, range_auc, vus

__all__ = [
    "Comparison",
    "Confusion",
    "Evaluation",
    "Events",
    "Interval",
    "Prequential",
    "RangeArea",
    "RangeScores",
    "RealisedRates",
    "SlidingFit",
    "StreamDetector",
    "WithTarget",
    "anomaly_ranges",
    "average_precision",
    "bootstrap_interval",
    "compare",
    "confusion",
    "evaluate",
    "find_events",
    "precision_at_n",
    "precision_recall_curve",
    "prequential",
    "range_auc",
    "range_precision_recall",
    "realised_rates",
    "recall_at_false_alarm_rate",
    "reconstruction_error",
    "roc_auc",
    "roc_curve",
    "stratified_split",
    "vus",
    "wilson_interval",
]


def stratified_split(y: ArrayLike, test_size: float = 0.3, seed: int | None = 0) -> tuple[Int64, Int64]:
    """Split rows at random into a training and a test part that hold each class in the same proportion.

    The test part has ``round(test_size * n)`` rows, at least one and at most n - 1. They are divided among
    the classes in proportion; what rounding leaves over goes to the largest remainders. A single class is
    split too.

    Parameters
    ----------
    y : array-like of shape (n,)
        The classes: 0 and 1, or anything that sorts, such as the simulator's kinds.
    test_size : float
        Share of the rows in the test part, in (0, 1). The paper's is 0.3.
    seed : int or None
        The same seed gives the same split; None gives another one each time.

    Returns
    -------
    train_index, test_index : ndarray of int64
        Row numbers in increasing order; each row is in exactly one part.

    Raises
    ------
    ValueError
        If ``test_size`` is outside (0, 1), or y is not one-dimensional or has fewer than two rows.

    Examples
    --------
    >>> y = [0] * 20 + [1] * 10
    >>> train, test = stratified_split(y)
    >>> len(train), len(test), sum(y[i] for i in test)
    (21, 9, 3)
    """
    classes = np.asarray(y)
    if classes.ndim != 1 or classes.size < 2:
        raise ValueError(
            f"Got y of shape {classes.shape}, but expected (n,) with n >= 2: a split needs two rows."
        )
    check_share("test_size", test_size, meaning="the share of the rows in the test part, e.g. test_size=0.3")
    n_test = min(max(math.floor(test_size * classes.size + 0.5), 1), classes.size - 1)
    _, member, sizes = np.unique(classes, return_inverse=True, return_counts=True)
    exact = sizes * (n_test / classes.size)
    quota = np.floor(exact).astype(np.int64)
    largest_remainders = np.argsort(quota - exact, kind="stable")[: n_test - int(quota.sum())]
    quota[largest_remainders] += 1
    # Shuffle, then bring each class together; a row's place within its class says which part it falls in.
    shuffled = np.random.default_rng(seed).permutation(classes.size)
    grouped = shuffled[np.argsort(member[shuffled], kind="stable")]
    place = np.arange(classes.size) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    in_test = place < np.repeat(quota, sizes)
    return np.sort(grouped[~in_test]), np.sort(grouped[in_test])


def reconstruction_error(X: ArrayLike, X_hat: ArrayLike) -> Float64:
    """Return the paper's anomaly score, the Euclidean distance ||x - x^|| of each row to its reconstruction.

    Parameters
    ----------
    X : array-like of shape (n, d)
        The rows. NaN is a missing value and adds nothing to the distance.
    X_hat : array-like of shape (n, d)
        Their reconstructions, in the same units and finite wherever X is not NaN.

    Returns
    -------
    ndarray of float64, shape (n,)
        At least zero, in the units of X.

    Raises
    ------
    ValueError
        If the shapes differ, are not two-dimensional, or a value that is not missing has no reconstruction.

    Examples
    --------
    >>> reconstruction_error([[3.0, 0.0], [1.0, float("nan")]], [[0.0, 4.0], [0.0, 7.0]]).tolist()
    [5.0, 1.0]
    """
    rows, rebuilt = np.asarray(X, dtype=np.float64), np.asarray(X_hat, dtype=np.float64)
    if rows.ndim != 2 or rows.shape != rebuilt.shape:
        raise ValueError(
            f"Got X of shape {rows.shape} and X_hat of shape {rebuilt.shape}, but expected the same (n, d): "
            "pass the rows that were reconstructed."
        )
    known = ~np.isnan(rows)
    undefined = np.argwhere(known & np.isnan(rebuilt))
    if undefined.size:
        raise ValueError(
            f"Got {len(undefined)} NaN in X_hat, the first in row {undefined[0, 0]}, column "
            f"{undefined[0, 1]}, but expected a number wherever X has one."
        )
    difference = np.where(known, rows, 0.0) - np.where(known, rebuilt, 0.0)
    error: Float64 = np.linalg.norm(difference, axis=1)
    return error
