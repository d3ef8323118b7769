"""Ranking metrics: how well a score orders anomalies above normal rows, whatever the threshold.

All are computed from one table of counts at each distinct score (:func:`tie_counts`), so ties are shared
fairly and no curve depends on the order of equal rows.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "average_precision",
    "check_labels",
    "check_same_length",
    "check_scores",
    "check_vector",
    "precision_recall_curve",
    "roc_auc",
    "roc_curve",
    "tie_counts",
]

Floats = NDArray[np.float64]


def check_labels(values: ArrayLike, name: str = "y") -> NDArray[np.bool_]:
    """Return labels of shape (n,), 0 or False for normal and 1 or True for anomalous, as a boolean vector.

    Raises
    ------
    ValueError
        If they are empty, not one-dimensional, or hold anything but 0 and 1.
    """
    labels = check_vector(values, name)
    if labels.dtype.kind == "b":
        return labels.astype(np.bool_)
    wrong = np.flatnonzero(~((labels == 0) | (labels == 1)))
    if wrong.size:
        first = int(wrong[0])
        raise ValueError(
            f"Got {name}[{first}]={labels.tolist()[first]!r} ({wrong.size} of {labels.size} values are "
            "neither 0 nor 1), but expected labels in {0, 1}: map normal rows to 0 and anomalies to 1."
        )
    return np.asarray(labels == 1, dtype=np.bool_)


def check_scores(values: ArrayLike, name: str = "scores") -> Floats:
    """Return scores of shape (n,) as a float64 vector; infinities are allowed, for they can be ordered.

    Raises
    ------
    ValueError
        If they are empty, not one-dimensional, not numeric, or hold a NaN.
    """
    vector = check_vector(values, name)
    try:
        scores = vector.astype(np.float64)
    except (TypeError, ValueError):
        raise ValueError(
            f"Got {name} of type {vector.dtype}, but expected numbers: pass one score a row."
        ) from None
    missing = np.flatnonzero(np.isnan(scores))
    if missing.size:
        raise ValueError(
            f"Got {missing.size} NaN among {scores.size} {name}, the first in row {missing[0]}, but expected "
            "numbers: a row without a score can be neither an alarm nor none; score it or leave it out."
        )
    return scores


def check_same_length(**vectors: NDArray[np.generic]) -> None:
    """Raise a ValueError that shows both lengths unless all the named vectors are equally long."""
    (first, a), *others = vectors.items()
    for name, b in others:
        if len(a) != len(b):
            raise ValueError(
                f"Got {len(a)} values in {first} and {len(b)} in {name}, but expected as many in each: "
                "pass vectors of the same rows."
            )


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


def roc_curve(y: ArrayLike, scores: ArrayLike) -> tuple[Floats, Floats, Floats]:
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


def precision_recall_curve(y: ArrayLike, scores: ArrayLike) -> tuple[Floats, Floats, Floats]:
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


def tie_counts(y: ArrayLike, scores: ArrayLike) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats]:
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


def check_vector(values: ArrayLike, name: str) -> NDArray[np.generic]:
    """Return values of shape (n,) as an array of their own type.

    Raises
    ------
    ValueError
        If they are empty or not one-dimensional.
    """
    vector = np.asarray(values)
    if vector.ndim != 1:
        raise ValueError(
            f"Got {name} of shape {vector.shape}, but expected one dimension: pass one value a row."
        )
    if not vector.size:
        raise ValueError(f"Got an empty {name}, but expected at least one row: there is nothing to evaluate.")
    return vector


def _share(counts: NDArray[np.int64]) -> Floats:
    total = int(counts[-1])
    return counts / total if total else np.full(counts.size, np.nan)
