"""The arithmetic of PyOD's contract over scores: thresholds from a share, and the confidence of a label."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
from scipy.stats import binom

from iotae._typing import Float64

__all__ = ["automatic_cut", "confidence", "pythresh_cut", "weighted_cut"]


def weighted_cut(scores: Float64, weights: Float64 | None, share: float) -> float:
    """The threshold above which lies a share of the rows' weight, or of the rows.

    Parameters
    ----------
    scores : ndarray, shape (n,)
    weights : ndarray, shape (n,), optional
        At least 0; equal weights count like none at all.
    share : float in (0, 1)

    Examples
    --------
    >>> scores = np.arange(1.0, 11.0)
    >>> weighted_cut(scores, None, 0.2), weighted_cut(scores, np.r_[np.full(8, 1.0), 3.0, 4.0], 0.2)
    (8.2, 10.0)
    """
    if weights is not None:
        scores, weights = scores[weights > 0], weights[weights > 0]
        if np.ptp(weights) > 0:
            return float(np.quantile(scores, 1 - share, weights=weights, method="inverted_cdf"))
    return float(np.percentile(scores, 100 * (1 - share)))


def automatic_cut(scores: Float64) -> float:
    """Three robust deviations above the median of the scores (n,): 1.4826 times their median distance to it.

    Examples
    --------
    >>> automatic_cut(np.array([1.0, 2.0, 3.0, 4.0, 90.0]))
    7.4478
    """
    centre = float(np.median(scores))
    return centre + 3.0 * 1.4826 * float(np.median(np.abs(scores - centre)))


def pythresh_cut(cutter: Any, scores: Float64) -> float:
    """The largest score that a PyThresh object labels an inlier; the object is copied, never changed."""
    # PyOD fits the object it was given, and may leave a rate where a threshold belongs
    cutter = copy.deepcopy(cutter)
    cutter.fit(scores)
    inliers = scores[np.ravel(cutter.labels_) == 0]
    return float(inliers.max()) if inliers.size else float("-inf")


def confidence(scores: Float64, training: Float64, threshold: float, share: float) -> Float64:
    """How surely the same label would be given had the training rows been others (m,), in [0, 1].

    Perini et al. (2020), in O((n + m) log n).

    Parameters
    ----------
    scores : ndarray, shape (m,)
    training : ndarray, shape (n,)
        Scores of the training rows.
    threshold : float
    share : float
        Of the training rows above the threshold.
    """
    n = len(training)
    below = np.searchsorted(np.sort(training), scores, side="right")
    outlying: Float64 = 1 - binom.cdf(n - int(n * share), n, (1 + below) / (2 + n))
    return np.where(scores > threshold, outlying, 1 - outlying)
