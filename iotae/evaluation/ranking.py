"""Ranking metrics: how well a score orders anomalies above normal rows, whatever the threshold.

All are computed from one table of counts at each distinct score (:func:`tie_counts`), so ties are shared
fairly and no curve depends on the order of equal rows.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from iotae._typing import Float64, Int64
from iotae._validation import check_labels, check_same_length, check_scores

__all__ = [
    "average_precision",
    "precision_recall_curve",
    "roc_auc",
    "roc_curve",
    "tie_counts",
]


def roc_auc(y: ArrayLike, scores: ArrayLike) -> float:
    """Return the area under the ROC curve.

    It is the probability that a random anomaly scores above a random normal row, ties counting one half
    (Hanley and McNeil, 1982).

    Parameters
    ----------
    y : array-like of shape (n,)
        Labels, 1 for an anomaly and 0 for a normal row.
    scores : array-like of shape (n,)
        Anomaly scores, higher is more anomalous.

    Returns
    -------
    float
        In [0, 1]; 0.5 is chance. NaN if a class is absent: there is no pair to compare.

    Raises
    ------
    ValueError
        If lengths differ, input is empty, a label is not 0 or 1, or a score is NaN.

    Examples
    --------
    >>> roc_auc([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    0.75
    """
    hits, false_alarms, _ = tie_counts(y, scores)
    n_anomalies, n_normal = int(hits[-1]), int(false_alarms[-1])
    if not n_anomalies or not n_normal:
        return float("nan")
    # Twice the trapezoids' area is a whole number, so that the only rounding is the final division.
    twice_area = int(np.sum(np.diff(false_alarms) * (hits[1:] + hits[:-1])))
    return twice_area / (2 * n_anomalies * n_normal)


def average_precision(y: ArrayLike, scores: ArrayLike) -> float:
    """Return the average precision: the mean of precision over the recall gained at each distinct score.

    No interpolation, as in scikit-learn; equal scores are one step.

    Parameters
    ----------
    y : array-like of shape (n,)
        Labels, 1 for an anomaly and 0 for a normal row.
    scores : array-like of shape (n,)
        Anomaly scores, higher is more anomalous.

    Returns
    -------
    float
        In (0, 1]; chance is the share of anomalies. NaN if there is no anomaly; 1.0 if there is nothing else.

    Raises
    ------
    ValueError
        If lengths differ, input is empty, a label is not 0 or 1, or a score is NaN.

    Examples
    --------
    >>> round(average_precision([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]), 4)
    0.8333
    """
    hits, false_alarms, _ = tie_counts(y, scores)
    if not hits[-1]:
        return float("nan")
    precision = hits[1:] / (hits[1:] + false_alarms[1:])
    return float(np.sum(np.diff(hits) * precision) / hits[-1])


def roc_curve(y: ArrayLike, scores: ArrayLike) -> tuple[Float64, Float64, Float64]:
    """Return the ROC curve, a point for each distinct score and one for "no alarm at all".

    Parameters
    ----------
    y : array-like of shape (n,)
        Labels, 1 for an anomaly and 0 for a normal row.
    scores : array-like of shape (n,)
        Anomaly scores, higher is more anomalous.

    Returns
    -------
    false_alarm_rate, recall : ndarray of shape (k + 1,)
        Both rise from 0 to 1; that of an absent class is NaN throughout.
    cuts : ndarray of shape (k + 1,)
        Falling; a row is an alarm where ``score >= cut``. The first is infinity.

    Raises
    ------
    ValueError
        If lengths differ, input is empty, a label is not 0 or 1, or a score is NaN.

    Examples
    --------
    >>> false_alarm_rate, recall, cuts = roc_curve([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    >>> recall.tolist()
    [0.0, 0.5, 0.5, 1.0, 1.0]
    """
    hits, false_alarms, cuts = tie_counts(y, scores)
    return _share(false_alarms), _share(hits), np.concatenate(([np.inf], cuts))


def precision_recall_curve(y: ArrayLike, scores: ArrayLike) -> tuple[Float64, Float64, Float64]:
    """Return precision and recall at each distinct score, in scikit-learn's order.

    Parameters
    ----------
    y : array-like of shape (n,)
        Labels, 1 for an anomaly and 0 for a normal row.
    scores : array-like of shape (n,)
        Anomaly scores, higher is more anomalous.

    Returns
    -------
    precision, recall : ndarray of shape (k + 1,)
        Recall falls from 1 to 0; the last point is precision 1 at recall 0, with no cut of its own.
        Recall is NaN throughout if there is no anomaly.
    cuts : ndarray of shape (k,)
        Rising; a row is an alarm where ``score >= cut``.

    Raises
    ------
    ValueError
        If lengths differ, input is empty, a label is not 0 or 1, or a score is NaN.

    Examples
    --------
    >>> precision, recall, cuts = precision_recall_curve([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    >>> precision.round(3).tolist()
    [0.5, 0.667, 0.5, 1.0, 1.0]
    """
    hits, false_alarms, cuts = tie_counts(y, scores)
    precision = np.concatenate(([1.0], hits[1:] / (hits[1:] + false_alarms[1:])))
    return precision[::-1], _share(hits)[::-1], cuts[::-1]


def tie_counts(y: ArrayLike, scores: ArrayLike) -> tuple[Int64, Int64, Float64]:
    """Return hits and false alarms (k + 1,) at no cut and at each of the k distinct scores, falling."""
    labels, values = check_labels(y), check_scores(scores)
    check_same_length(y=labels, scores=values)
    order = np.argsort(-values, kind="stable")
    labels, values = labels[order], values[order]
    # Compared, not subtracted: inf - inf is NaN.
    last_of_tie = np.append(np.flatnonzero(values[1:] != values[:-1]), values.size - 1)
    hits = np.cumsum(labels, dtype=np.int64)[last_of_tie]
    zero = np.zeros(1, dtype=np.int64)
    return np.concatenate((zero, hits)), np.concatenate((zero, last_of_tie + 1 - hits)), values[last_of_tie]


def _share(counts: Int64) -> Float64:
    total = int(counts[-1])
    return counts / total if total else np.full(counts.size, np.nan)
