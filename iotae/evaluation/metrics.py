"""The paper's metrics: the confusion matrix, and the rates that follow from it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from iotae._typing import Bool, Int64
from iotae._validation import check_labels, check_same_length

__all__ = ["Confusion", "confusion", "count_confusion"]


@dataclass(frozen=True)
class Confusion:
    """Counts of right and wrong alarms, and the rates that follow from them.

    A rate whose denominator is zero is 0.0, as scikit-learn's ``zero_division=0``: precision without an
    alarm, recall and F1 without an anomaly, the false-alarm rate without a normal row.

    Parameters
    ----------
    tp, fp, fn, tn : int
        Anomalies found, normal rows that raised an alarm, anomalies missed, normal rows without an alarm.

    Raises
    ------
    ValueError
        If a count is negative or all are zero.

    Examples
    --------
    The paper's Figure 3:

    >>> paper = Confusion(tp=9, fp=2, fn=1, tn=18)
    >>> [round(v, 3) for v in (paper.accuracy, paper.precision, paper.recall, paper.f1)]
    [0.9, 0.818, 0.9, 0.857]
    >>> paper.matrix.tolist()
    [[9, 2], [1, 18]]
    """

    tp: int
    fp: int
    fn: int
    tn: int

    def __post_init__(self) -> None:
        counts = (self.tp, self.fp, self.fn, self.tn)
        if min(counts) < 0 or not any(counts):
            raise ValueError(
                f"Got counts tp, fp, fn, tn = {counts}, but expected none below zero "
                "and at least one above it."
            )

    @property
    def matrix(self) -> Int64:
        """The paper's order, [[TP, FP], [FN, TN]]: a row for each prediction, a column for each truth."""
        return np.array([[self.tp, self.fp], [self.fn, self.tn]], dtype=np.int64)

    @property
    def n(self) -> int:
        """Number of rows."""
        return self.tp + self.fp + self.fn + self.tn

    @property
    def accuracy(self) -> float:
        """Share of rows that are right, alarm or not."""
        return (self.tp + self.tn) / self.n

    @property
    def precision(self) -> float:
        """Share of alarms that were anomalies; 0.0 without an alarm."""
        return _ratio(self.tp, self.tp + self.fp)

    @property
    def recall(self) -> float:
        """Share of anomalies that raised an alarm; 0.0 without an anomaly."""
        return _ratio(self.tp, self.tp + self.fn)

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall; 0.0 if nothing was found."""
        return _ratio(2 * self.tp, 2 * self.tp + self.fp + self.fn)

    @property
    def false_alarm_rate(self) -> float:
        """Share of normal rows that raised an alarm; 0.0 without a normal row."""
        return _ratio(self.fp, self.fp + self.tn)


def confusion(y_true: ArrayLike, y_pred: ArrayLike) -> Confusion:
    """Count right and wrong alarms.

    Parameters
    ----------
    y_true : array-like of shape (n,)
        Labels, 1 for an anomaly and 0 for a normal row.
    y_pred : array-like of shape (n,)
        Predictions, 1 for an alarm and 0 for none.

    Returns
    -------
    Confusion

    Raises
    ------
    ValueError
        If lengths differ, input is empty, or a value is neither 0 nor 1.

    Examples
    --------
    >>> confusion([1, 1, 0, 0, 0], [1, 0, 0, 0, 1])
    Confusion(tp=1, fp=1, fn=1, tn=2)
    """
    truth, alarm = check_labels(y_true, "y_true"), check_labels(y_pred, "y_pred")
    check_same_length(y_true=truth, y_pred=alarm)
    return count_confusion(truth, alarm)


def count_confusion(truth: Bool, alarm: Bool) -> Confusion:
    """Return :func:`confusion` of booleans (n,) that have been checked."""
    tp, n_alarms, n_anomalies = int(np.sum(truth & alarm)), int(np.sum(alarm)), int(np.sum(truth))
    return Confusion(
        tp=tp, fp=n_alarms - tp, fn=n_anomalies - tp, tn=truth.size - n_alarms - n_anomalies + tp
    )


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
