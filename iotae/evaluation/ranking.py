"""Ranking metrics: how well a score orders anomalies above normal rows, whatever the threshold.

All are computed from one table of counts at each distinct score (:class:`TieCounts`), so no result depends
on the order of rows with equal scores.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from iotae._typing import Bool, Float64, Int64
from iotae._validation import check_labels, check_same_length, check_scores

__all__ = [
    "TieCounts",
    "average_precision",
    "last_of_ties",
    "precision_recall_curve",
    "roc_auc",
    "roc_curve",
    "tie_counts",
]


class TieCounts(NamedTuple):
    """Hits and false alarms (k + 1,) at no threshold and at each of the k distinct scores (k,), falling."""

    hits: Int64
    false_alarms: Int64
    scores: Float64

    @classmethod
    def of(cls, labels: Bool, scores: Float64) -> TieCounts:
        """Count labels and scores, both (n,), that have been checked."""
        order = np.argsort(-scores, kind="stable")
        labels, falling = labels[order], scores[order]
        last = last_of_ties(falling)
        hits = np.cumsum(labels, dtype=np.int64)[last]
        zero = np.zeros(1, dtype=np.int64)
        return cls(np.concatenate((zero, hits)), np.concatenate((zero, last + 1 - hits)), falling[last])

    @property
    def roc_auc(self) -> float:
        """See :func:`roc_auc`."""
        n_anomalies, n_normal = int(self.hits[-1]), int(self.false_alarms[-1])
        if not n_anomalies or not n_normal:
            return float("nan")
        # Twice the trapezoids' area is a whole number, so that the only rounding is the final division.
        twice_area = int(np.sum(np.diff(self.false_alarms) * (self.hits[1:] + self.hits[:-1])))
        return twice_area / (2 * n_anomalies * n_normal)

    @property
    def average_precision(self) -> float:
        """See :func:`average_precision`."""
        if not self.hits[-1]:
            return float("nan")
        return float(np.sum(np.diff(self.hits) * self._precision) / self.hits[-1])

    @property
    def roc_curve(self) -> tuple[Float64, Float64, Float64]:
        """See :func:`roc_curve`."""
        return _share(self.false_alarms), _share(self.hits), np.concatenate(([np.inf], self.scores))

    @property
    def precision_recall_curve(self) -> tuple[Float64, Float64, Float64]:
        """See :func:`precision_recall_curve`."""
        precision = np.concatenate(([1.0], self._precision))
        return precision[::-1], _share(self.hits)[::-1], self.scores[::-1]

    @property
    def _precision(self) -> Float64:
        return np.asarray(self.hits[1:] / (self.hits[1:] + self.false_alarms[1:]))


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
    return tie_counts(y, scores).roc_auc


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
    return tie_counts(y, scores).average_precision


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
        Thresholds, falling; a row is an alarm where ``score >= cut``. The first is infinity.

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
    return tie_counts(y, scores).roc_curve


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
    return tie_counts(y, scores).precision_recall_curve


def tie_counts(y: ArrayLike, scores: ArrayLike) -> TieCounts:
    """Check labels and scores, and count hits and false alarms at each distinct score."""
    labels, values = check_labels(y), check_scores(scores)
    check_same_length(y=labels, scores=values)
    return TieCounts.of(labels, values)


def last_of_ties(falling: Float64) -> Int64:
    """Return the place of the last of each run of equal scores; infinities are compared, not subtracted."""
    return np.append(np.flatnonzero(falling[1:] != falling[:-1]), falling.size - 1)


def _share(counts: Int64) -> Float64:
    total = int(counts[-1])
    return counts / total if total else np.full(counts.size, np.nan)
