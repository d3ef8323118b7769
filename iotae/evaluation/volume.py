"""Ranking metrics for series: area and volume under range-aware curves, after Paparrizos et al. (2022)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from iotae._typing import Bool, Float64
from iotae._validation import check_count, check_labels, check_same_length, check_scores
from iotae.evaluation.events import runs_of
from iotae.evaluation.ranking import last_of_ties

__all__ = ["RangeArea", "range_auc", "vus"]


class RangeArea(NamedTuple):
    """Area under the range-aware ROC and precision-recall curves, or its mean over buffers; in [0, 1]."""

    roc: float
    pr: float


def range_auc(y: ArrayLike, scores: ArrayLike, buffer: int) -> RangeArea:
    """Return R-AUC-ROC and R-AUC-PR: ranking metrics that accept an alarm just beside an anomalous range.

    A row d rows away from a range is anomalous to the degree ``sqrt(1 - d / buffer)`` as long as
    ``d <= buffer // 2``; degrees from a range on either side add up, to one at most. At every threshold,
    recall is taken relative to the mean of the sharp and the buffered number of anomalies, and multiplied by
    the share of buffered ranges in which there is an alarm.

    Parameters
    ----------
    y : array-like of shape (n,)
        Labels in order of time, 1 for an anomaly and 0 for a normal row.
    scores : array-like of shape (n,)
        Anomaly scores, higher is more anomalous.
    buffer : int
        Length of the buffer, at least 0; half of it lies on each side of a range.

    Returns
    -------
    RangeArea
        Both NaN without an anomaly; the ROC's NaN too if there is nothing else.

    Raises
    ------
    ValueError
        If ``buffer`` is negative, lengths differ, input is empty, a label is not 0 or 1, or a score is NaN.

    See Also
    --------
    vus : The mean over all buffers, so that none has to be chosen.

    Examples
    --------
    >>> y, late = [0, 0, 0, 1, 1, 0, 0, 0, 0, 0], [0, 0, 0, 0, 1, 2, 0, 0, 0, 0]
    >>> [round(range_auc(y, late, buffer).pr, 3) for buffer in (0, 4)]
    [0.35, 0.717]
    """
    return _Surface(y, scores).area(check_count("buffer", buffer, 0))


def vus(y: ArrayLike, scores: ArrayLike, buffer: int) -> RangeArea:
    """Return VUS-ROC and VUS-PR: the mean of :func:`range_auc` over the buffers 0, 1, ..., ``buffer``.

    Parameters
    ----------
    y : array-like of shape (n,)
        Labels in order of time, 1 for an anomaly and 0 for a normal row.
    scores : array-like of shape (n,)
        Anomaly scores, higher is more anomalous.
    buffer : int
        Longest buffer, at least 0: the authors take the period of the series. It decides how early or late an
        alarm may be, so report it, and compare only figures with the same buffer.

    Returns
    -------
    RangeArea
        Both NaN without an anomaly; the ROC's NaN too if there is nothing else. The rows of a buffer are
        partly anomalous, so even the labels, taken as a score, stay below 1.

    Raises
    ------
    ValueError
        If ``buffer`` is negative, lengths differ, input is empty, a label is not 0 or 1, or a score is NaN.

    Notes
    -----
    Paparrizos, Boniol, Palpanas, Tsay, Elmore and Franklin (VLDB 2022), "Volume under the surface".

    There are two differences from the authors' program. Each distinct score is a threshold here; theirs
    takes 250. The precision-recall curve is summed in steps here, as in
    :func:`~iotae.evaluation.average_precision`; theirs joins points by straight lines, with which a constant
    score reaches a half or more.

    Examples
    --------
    >>> y = [0, 0, 0, 1, 1, 0, 0, 0, 0, 0]
    >>> exact, late = [0, 0, 0, 2, 2, 0, 0, 0, 0, 0], [0, 0, 0, 0, 1, 2, 0, 0, 0, 0]
    >>> [round(vus(y, scores, buffer=4).pr, 3) for scores in (exact, late)]
    [0.886, 0.546]
    """
    surface = _Surface(y, scores)
    areas = np.array([surface.area(length) for length in range(check_count("buffer", buffer, 0) + 1)])
    return RangeArea(*areas.mean(axis=0).tolist())


class _Surface:
    """What all buffers share: the rows in falling order of score, and their distance to the ranges."""

    def __init__(self, y: ArrayLike, scores: ArrayLike) -> None:
        self.label, self.scores = check_labels(y), check_scores(scores)
        check_same_length(y=self.label, scores=self.scores)
        self.order = np.argsort(-self.scores, kind="stable")
        falling = self.scores[self.order]
        self.last_of_tie = last_of_ties(falling)
        self.cuts = falling[self.last_of_tie]
        self.from_left = _rows_since(self.label)
        self.from_right = _rows_since(self.label[::-1])[::-1]

    def area(self, buffer: int) -> RangeArea:
        sharp, n = float(self.label.sum()), self.label.size
        if not sharp:
            return RangeArea(float("nan"), float("nan"))
        degree = self._degree(buffer)
        found = np.cumsum(degree[self.order])[self.last_of_tie]
        alarms = self.last_of_tie + 1.0
        anomalous = (sharp + float(degree.sum())) / 2
        recall = np.minimum(found / anomalous, 1.0) * self._share_touched(degree > 0)
        step = np.diff(recall, prepend=0.0)
        pr = float(np.sum(step * found / alarms))
        if n == anomalous:
            return RangeArea(float("nan"), pr)
        # Buffered rows are partly hits and partly false alarms, so the last threshold does not reach (1, 1).
        across = np.concatenate(([0.0], (alarms - found) / (n - anomalous), [1.0]))
        up = np.concatenate(([0.0], recall, [1.0]))
        return RangeArea(float(np.sum(np.diff(across) * (up[1:] + up[:-1]) / 2)), pr)

    def _degree(self, buffer: int) -> Float64:
        """To what degree each row is anomalous (n,), in [0, 1]."""
        degree = self.label.astype(np.float64)
        for distance in (self.from_left, self.from_right):
            near = distance <= buffer // 2
            degree[near] += np.sqrt(1.0 - distance[near] / max(buffer, 1))
        return np.minimum(degree, 1.0)

    def _share_touched(self, anomalous: Bool) -> Float64:
        """Share of the ranges in which there is an alarm, at each threshold."""
        ranges = runs_of(anomalous)
        # One more score, because the last range may end at the end, which reduceat takes for no index.
        highest = np.maximum.reduceat(np.append(self.scores, -np.inf), ranges.ravel())[::2]
        touched = np.searchsorted(np.sort(-highest), -self.cuts, side="right")
        return np.asarray(touched / len(ranges), dtype=np.float64)


def _rows_since(label: Bool) -> Float64:
    """Rows since the last anomaly (n,), 0 at an anomaly and infinity before the first."""
    row = np.arange(label.size, dtype=np.float64)
    return row - np.maximum.accumulate(np.where(label, row, -np.inf))
