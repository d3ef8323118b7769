"""The paper's metrics, from confusion matrix to F1, and a report that adds the ranking metrics."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from iotae._typing import Bool, Int64
from iotae._validation import check_labels, check_same_length, check_scores
from iotae.evaluation.budgets import precision_of, recall_of
from iotae.evaluation.ranking import TieCounts

BUDGET = 0.01
"""False-alarm rate at which the report gives the recall."""

__all__ = ["BUDGET", "Confusion", "Evaluation", "confusion", "evaluate"]


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


@dataclass(frozen=True)
class Evaluation:
    """What a detector did on labelled rows; see :func:`evaluate`.

    Parameters
    ----------
    n : int
        Number of rows.
    n_anomalies : int
        How many of them are anomalies.
    confusion : Confusion or None
        None if neither a threshold nor predictions were given.
    roc_auc, average_precision, precision_at_n, recall_at_budget : float
        NaN where undefined; n is the number of anomalies, the budget a false-alarm rate of 1 %.
    """

    n: int
    n_anomalies: int
    confusion: Confusion | None
    roc_auc: float
    average_precision: float
    precision_at_n: float
    recall_at_budget: float

    def to_dict(self) -> dict[str, int | float | None]:
        """Return all figures under flat names, always the same ones; None where no prediction was given."""
        names = ("tp", "fp", "fn", "tn", "accuracy", "precision", "recall", "f1", "false_alarm_rate")
        figures: dict[str, int | float | None] = {"n": self.n, "n_anomalies": self.n_anomalies}
        figures.update(
            (name, None if self.confusion is None else getattr(self.confusion, name)) for name in names
        )
        return figures | {
            name: getattr(self, name)
            for name in ("roc_auc", "average_precision", "precision_at_n", "recall_at_budget")
        }

    def __str__(self) -> str:
        """Return an aligned table for the terminal."""
        lines = [f"{'rows':<18}{self.n:>10,}", f"{'anomalies':<18}{self.n_anomalies:>10,}"]
        if self.confusion is not None:
            c = self.confusion
            lines += [
                f"{'':<18}{'anomaly':>10}{'normal':>10}",
                f"{'alarm':<18}{c.tp:>10,}{c.fp:>10,}",
                f"{'no alarm':<18}{c.fn:>10,}{c.tn:>10,}",
                f"{'accuracy':<18}{c.accuracy:>10.3f}",
                f"{'precision':<18}{c.precision:>10.3f}",
                f"{'recall':<18}{c.recall:>10.3f}",
                f"{'F1':<18}{c.f1:>10.3f}",
                f"{'false-alarm rate':<18}{c.false_alarm_rate:>10.3f}",
            ]
        lines += [
            f"{'ROC AUC':<18}{_figure(self.roc_auc):>10}",
            f"{'average precision':<18}{_figure(self.average_precision):>10}",
            f"{'precision at n':<18}{_figure(self.precision_at_n):>10}",
            f"{f'recall at {BUDGET:.0%} f.a.':<18}{_figure(self.recall_at_budget):>10}",
        ]
        return "\n".join(lines)


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
    return _confusion(truth, alarm)


def _confusion(truth: Bool, alarm: Bool) -> Confusion:
    tp, n_alarms, n_anomalies = int(np.sum(truth & alarm)), int(np.sum(alarm)), int(np.sum(truth))
    return Confusion(
        tp=tp, fp=n_alarms - tp, fn=n_anomalies - tp, tn=truth.size - n_alarms - n_anomalies + tp
    )


def evaluate(
    y: ArrayLike, scores: ArrayLike, threshold: float | None = None, predicted: ArrayLike | None = None
) -> Evaluation:
    """Compare scores, and alarms where they are given, with labels.

    Parameters
    ----------
    y : array-like of shape (n,)
        Labels, 1 for an anomaly and 0 for a normal row.
    scores : array-like of shape (n,)
        Anomaly scores, higher is more anomalous.
    threshold : float, optional
        A row is an alarm where ``score > threshold``.
    predicted : array-like of shape (n,), optional
        The alarms themselves, 0 or 1, where the threshold moved. Give at most one of the two.

    Returns
    -------
    Evaluation

    Raises
    ------
    ValueError
        If lengths differ, input is empty, a label is not 0 or 1, a score or the threshold is NaN, or both a
        threshold and predictions are given.

    Examples
    --------
    >>> print(evaluate([0, 0, 0, 1, 1], [0.1, 0.3, 0.6, 0.5, 0.9], threshold=0.4))
    rows                       5
    anomalies                  2
                         anomaly    normal
    alarm                      2         1
    no alarm                   0         2
    accuracy               0.800
    precision              0.667
    recall                 1.000
    F1                     0.800
    false-alarm rate       0.333
    ROC AUC                0.833
    average precision      0.833
    precision at n         0.500
    recall at 1% f.a.      0.500
    """
    labels, values = check_labels(y), check_scores(scores)
    check_same_length(y=labels, scores=values)
    if threshold is not None and predicted is not None:
        raise ValueError(
            "Got both threshold and predicted, but expected at most one: pass the one that was used."
        )
    if threshold is not None and np.isnan(threshold):
        raise ValueError("Got threshold=nan, but expected a number: fit the threshold first, or pass None.")
    alarms: Bool | None = None if threshold is None else np.asarray(values > threshold)
    if predicted is not None:
        alarms = check_labels(predicted, "y_pred")
        check_same_length(y_true=labels, y_pred=alarms)
    counts = TieCounts.of(labels, values)
    return Evaluation(
        n=labels.size,
        n_anomalies=int(labels.sum()),
        confusion=None if alarms is None else _confusion(labels, alarms),
        roc_auc=counts.roc_auc,
        average_precision=counts.average_precision,
        precision_at_n=precision_of(counts),
        recall_at_budget=recall_of(counts, BUDGET),
    )


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def _figure(value: float) -> str:
    return "undefined" if np.isnan(value) else f"{value:.3f}"
