"""Range-based precision and recall, after Tatbul et al. (2018): alarms judged by how they cover a range."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from iotae._typing import Bool, Float64
from iotae._validation import check_choice, check_labels, check_same_length
from iotae.evaluation.events import runs_of

__all__ = ["BIASES", "RangeScores", "range_precision_recall"]

BIASES = ("flat", "front", "middle", "back")
"""Where in a range a row counts most."""


class RangeScores(NamedTuple):
    """Range-based precision and recall, both in [0, 1]; see :func:`range_precision_recall`."""

    precision: float
    recall: float

    @property
    def f1(self) -> float:
        """Their harmonic mean; 0.0 if both are 0."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0


def range_precision_recall(
    y: ArrayLike, predicted: ArrayLike, *, existence: float = 0.0, bias: str = "flat"
) -> RangeScores:
    """Return precision and recall where each range of rows counts once, however long it is.

    A range is a run of consecutive ones. The reward of an anomalous range is the share of it that alarms
    cover, divided by the number of separate alarms that cover it, because one event should raise one alarm.
    Recall is the mean reward. Precision is the mean reward of the ranges of alarms, as covered by anomalies,
    without bias and without a reward for existence.

    Parameters
    ----------
    y : array-like of shape (n,)
        Labels in order of time, 1 for an anomaly and 0 for a normal row.
    predicted : array-like of shape (n,)
        Alarms, 0 or 1.
    existence : float
        Share of an anomalous range's reward that any overlap with an alarm gives, in [0, 1]; the paper's
        alpha.
    bias : {"flat", "front", "middle", "back"}
        Where in an anomalous range alarms count most: "front" rewards early alarms.

    Returns
    -------
    RangeScores
        Precision is 0.0 without an alarm, recall 0.0 without an anomaly.

    Raises
    ------
    ValueError
        If ``existence`` is outside [0, 1], ``bias`` is unknown, lengths differ, input is empty, or a value is
        neither 0 nor 1.

    Notes
    -----
    Tatbul, Lee, Zdonik, Alam and Gottschlich (NeurIPS 2018), "Precision and recall for time series".

    Examples
    --------
    >>> range_precision_recall([0, 1, 1, 1, 1, 0], [0, 0, 0, 1, 1, 1])
    RangeScores(precision=0.6666666666666666, recall=0.5)
    >>> range_precision_recall([0, 1, 1, 1, 1, 0], [0, 0, 0, 1, 1, 1], bias="front").recall
    0.3
    """
    truth, alarm = check_labels(y), check_labels(predicted, "predicted")
    check_same_length(y=truth, predicted=alarm)
    if not 0 <= existence <= 1:
        raise ValueError(f"Got existence={existence}, but expected a share of the reward in [0, 1].")
    check_choice("bias", bias, BIASES)
    return RangeScores(_mean_reward(alarm, truth, 0.0, "flat"), _mean_reward(truth, alarm, existence, bias))


def _mean_reward(judged: Bool, other: Bool, existence: float, bias: str) -> float:
    rewards = []
    for start, stop in runs_of(judged).tolist():
        covered = other[start:stop]
        pieces = int(covered[0]) + int(np.sum(covered[1:] & ~covered[:-1]))
        weights = _weights(stop - start, bias)
        share = float(weights[covered].sum() / weights.sum())
        rewards.append(existence * (pieces > 0) + (1.0 - existence) * share / max(pieces, 1))
    return float(np.mean(rewards)) if rewards else 0.0


def _weights(length: int, bias: str) -> Float64:
    rising = np.arange(1.0, length + 1.0)
    if bias == "flat":
        return np.ones(length)
    if bias == "back":
        return rising
    return rising[::-1] if bias == "front" else np.minimum(rising, rising[::-1])
