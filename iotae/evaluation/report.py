"""One report of a detector on labelled rows: the paper's metrics and the ranking metrics."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from iotae._typing import Bool
from iotae._validation import check_labels, check_same_length, check_scores
from iotae.evaluation.budgets import precision_of, recall_of
from iotae.evaluation.metrics import Confusion, count_confusion
from iotae.evaluation.ranking import TieCounts

__all__ = ["BUDGET", "Evaluation", "evaluate"]

BUDGET = 0.01
"""False-alarm rate at which the report gives the recall."""


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
        confusion=None if alarms is None else count_confusion(labels, alarms),
        roc_auc=counts.roc_auc,
        average_precision=counts.average_precision,
        precision_at_n=precision_of(counts),
        recall_at_budget=recall_of(counts, BUDGET),
    )


def _figure(value: float) -> str:
    return "undefined" if np.isnan(value) else f"{value:.3f}"
