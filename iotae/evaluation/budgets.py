"""Metrics for a limited number of alarms: precision at n, recall at a false-alarm rate."""

from __future__ import annotations

from numbers import Integral

import numpy as np
from numpy.typing import ArrayLike

from iotae.evaluation.ranking import TieCounts, tie_counts

__all__ = ["precision_at_n", "precision_of", "recall_at_false_alarm_rate", "recall_of"]


def precision_at_n(y: ArrayLike, scores: ArrayLike, n: int | None = None) -> float:
    """Return the share of anomalies among the n rows of highest score.

    Where the n-th row is one of several of equal score, the result is the mean over all their orders.

    Parameters
    ----------
    y : array-like of shape (rows,)
        Labels, 1 for an anomaly and 0 for a normal row.
    scores : array-like of shape (rows,)
        Anomaly scores, higher is more anomalous.
    n : int, optional
        How many rows are looked at, from 1 to all; by default as many as there are anomalies, where precision
        equals recall.

    Returns
    -------
    float
        In [0, 1]; chance is the share of anomalies. NaN if ``n`` is left out and there is no anomaly.

    Raises
    ------
    ValueError
        If ``n`` is no whole number in [1, rows], lengths differ, input is empty, a label is not 0 or 1, or a
        score is NaN.

    Examples
    --------
    >>> precision_at_n([0, 1, 0, 1], [0.1, 0.9, 0.8, 0.2])
    0.5
    >>> precision_at_n([0, 1, 0, 1], [0.1, 0.9, 0.8, 0.2], n=1)
    1.0
    """
    return precision_of(tie_counts(y, scores), n)


def precision_of(counts: TieCounts, n: int | None = None) -> float:
    """Return the precision at n of labels and scores that are counted already."""
    hits, false_alarms, _ = counts
    rows = int(hits[-1] + false_alarms[-1])
    if n is None:
        if not hits[-1]:
            return float("nan")
        n = int(hits[-1])
    elif not isinstance(n, Integral) or isinstance(n, bool) or not 1 <= n <= rows:
        raise ValueError(f"Got n={n!r}, but expected a whole number of rows from 1 to all {rows}.")
    # Within a tie the expected number of hits grows by the same share with each row.
    return float(np.interp(n, hits + false_alarms, hits)) / n


def recall_at_false_alarm_rate(y: ArrayLike, scores: ArrayLike, budget: float = 0.01) -> float:
    """Return the largest recall of a threshold at which at most this share of normal rows raise an alarm.

    Rows of equal score are on the same side of any threshold, and nothing is interpolated between two.

    Parameters
    ----------
    y : array-like of shape (n,)
        Labels, 1 for an anomaly and 0 for a normal row.
    scores : array-like of shape (n,)
        Anomaly scores, higher is more anomalous.
    budget : float
        Share of the normal rows that may raise an alarm, in [0, 1].

    Returns
    -------
    float
        In [0, 1]; at most about ``budget`` by chance. NaN if a class is absent.

    Raises
    ------
    ValueError
        If ``budget`` is outside [0, 1], lengths differ, input is empty, a label is not 0 or 1, or a score is
        NaN.

    Examples
    --------
    >>> recall_at_false_alarm_rate([0, 0, 0, 0, 1, 1], [0.1, 0.2, 0.3, 0.8, 0.7, 0.9], budget=0.0)
    0.5
    >>> recall_at_false_alarm_rate([0, 0, 0, 0, 1, 1], [0.1, 0.2, 0.3, 0.8, 0.7, 0.9], budget=0.25)
    1.0
    """
    if not 0 <= budget <= 1:
        raise ValueError(
            f"Got budget={budget}, but expected a share of the normal rows in [0, 1], e.g. 0.01."
        )
    return recall_of(tie_counts(y, scores), budget)


def recall_of(counts: TieCounts, budget: float) -> float:
    """Return the recall at a false-alarm rate of labels and scores that are counted already."""
    false_alarm_rate, recall, _ = counts.roc_curve
    if np.isnan(false_alarm_rate[-1]):
        return float("nan")
    return float(recall[np.flatnonzero(false_alarm_rate <= budget)[-1]])
