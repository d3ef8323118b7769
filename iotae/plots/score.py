"""The score along time, with its threshold and its alarms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from iotae._validation import check_labels, check_same_length, check_scores, check_times
from iotae.plots.estimators import judge
from iotae.plots.figure import (
    COLOURS,
    DOUBLE,
    Display,
    finish,
    label_line,
    label_time,
    legend_above,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["ScoreDisplay"]


class ScoreDisplay(Display):
    """The score over time with the threshold; shape and colour tell hits, misses and false alarms apart.

    Parameters
    ----------
    y : array-like of shape (n,)
        1 for an anomaly, 0 for a normal row.
    scores : array-like of shape (n,)
        Anomaly scores, higher is more anomalous.
    threshold : float or array-like of shape (n,)
        A row is an alarm where ``score > threshold``; an array where the threshold moves. Infinite where
        there is none yet, as in a stream's grace period: nothing is drawn there.
    time : array-like of shape (n,), optional
        Dates, durations (drawn in seconds) or row numbers; the row's place if absent.

    Attributes
    ----------
    figure_ : matplotlib.figure.Figure
    ax_ : matplotlib.axes.Axes
    """

    ax_: Axes

    def __init__(
        self, y: ArrayLike, scores: ArrayLike, threshold: ArrayLike, *, time: ArrayLike | None = None
    ) -> None:
        self.label = check_labels(y)
        self.scores = check_scores(scores)
        check_same_length(y=self.label, scores=self.scores)
        self.threshold = np.broadcast_to(np.asarray(threshold, dtype=np.float64), self.scores.shape)
        self.time = np.arange(self.label.size) if time is None else check_times(time)
        check_same_length(time=self.time, scores=self.scores)

    @classmethod
    def from_predictions(
        cls, y: ArrayLike, scores: ArrayLike, threshold: ArrayLike, *, time: ArrayLike | None = None
    ) -> ScoreDisplay:
        """Show scores against labels, as scikit-learn's displays do."""
        return cls(y, scores, threshold, time=time)

    @classmethod
    def from_estimator(
        cls, estimator: Any, X: Any, y: ArrayLike, *, time: ArrayLike | None = None
    ) -> ScoreDisplay:
        """Show a model's scores of rows X under its own threshold, which may move as a stream model learns.

        See :func:`iotae.plots.estimators.judge` for which models; without a threshold only the scores show.
        """
        judged = judge(estimator, X)
        return cls(y, judged.scores, np.inf if judged.thresholds is None else judged.thresholds, time=time)

    @property
    def heavy_tailed(self) -> bool:
        """Whether all scores are positive and their 99.9th percentile exceeds 20 medians: log axis."""
        median, tail = np.quantile(self.scores, [0.5, 0.999])
        return bool(self.scores.min() > 0 and tail > 20 * median)

    def plot(self, ax: Axes | None = None, *, log: bool | None = None) -> ScoreDisplay:
        """Draw on the given axes or on a new figure two columns wide; ``log=None`` lets the scores decide."""
        self._one(ax, DOUBLE, 2.6)
        order = np.argsort(self.time, kind="stable")
        alarm = self.scores > self.threshold
        size = float(np.clip(6_000 / self.label.size, 0.8, 8.0))
        groups = (
            ("normal", ~self.label & ~alarm, "o", "pale", size),
            ("missed anomaly", self.label & ~alarm, "v", "blue", 20.0),
            ("false alarm", ~self.label & alarm, "x", "black", 18.0),
            ("anomaly found", self.label & alarm, "o", "vermilion", 12.0),
        )
        for i, (name, rows, marker, colour, area) in enumerate(groups):
            crossed = marker == "x"
            self.ax_.scatter(
                self.time[rows],
                self.scores[rows],
                s=area,
                marker=marker,
                color=COLOURS[colour],
                linewidths=1.0 if crossed else 0.0,
                label=f"{name} ({rows.sum():,})",
                zorder=2 + i,
            )
        cut = np.where(np.isfinite(self.threshold), self.threshold, np.nan)[order]
        style: dict[str, Any] = {"color": COLOURS["dark"], "linewidth": 1.0, "linestyle": "--"}
        self.ax_.plot(self.time[order], cut, zorder=1.5, **style)
        if np.isfinite(cut[-1]):
            label_line(self.ax_, cut[-1], "threshold")
        if self.heavy_tailed if log is None else log:
            self.ax_.set_yscale("log")
        finish(self.ax_, ylabel="anomaly score", grid="y")
        label_time(self.ax_, self.time)
        self.ax_.margins(x=0.01)
        legend_above(self.ax_, 4)
        return self
