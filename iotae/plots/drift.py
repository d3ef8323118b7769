"""Drift as a stream model sees it: the level of its scores, rows that it did not learn, spans of drift."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from iotae._typing import Int64
from iotae._validation import check_labels, check_same_length, check_scores, check_times
from iotae.evaluation.events import runs_of
from iotae.plots.estimators import rows_of
from iotae.plots.figure import (
    COLOURS,
    DOUBLE,
    TEXT_SIZE,
    Display,
    finish,
    label_time,
    legend_above,
    new_figure,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["DriftDisplay"]

_MOST_BINS, _LEAST_ROWS = 200, 20


class DriftDisplay(Display):
    """The score's median and its middle 80 %, the share of rows refused, and where drift was detected.

    Figures are of consecutive bins of rows, at most 200 and of at least 20 rows.

    Parameters
    ----------
    scores : array-like of shape (n,)
        Each row's score, given before the row was learned.
    drift : array-like of shape (n,)
        1 where the model reported drift, else 0.
    refused : array-like of shape (n,), optional
        1 where the row was not learned because it looked anomalous, else 0; without it there is one panel.
    time : array-like of shape (n,), optional
        Dates, durations (drawn in seconds) or row numbers, in order; the row's place if absent.

    Attributes
    ----------
    figure_ : matplotlib.figure.Figure
    ax_ : ndarray of matplotlib.axes.Axes, shape (1,) or (2,)
    """

    ax_: NDArray[Any]

    def __init__(
        self,
        scores: ArrayLike,
        drift: ArrayLike,
        *,
        refused: ArrayLike | None = None,
        time: ArrayLike | None = None,
    ) -> None:
        self.scores = check_scores(scores)
        self.drift = check_labels(drift, "drift")
        self.refused = None if refused is None else check_labels(refused, "refused")
        self.time = np.arange(self.scores.size) if time is None else check_times(time)
        check_same_length(scores=self.scores, drift=self.drift, time=self.time)
        if self.refused is not None:
            check_same_length(scores=self.scores, refused=self.refused)

    @classmethod
    def from_estimator(cls, estimator: Any, X: Any, *, time: ArrayLike | None = None) -> DriftDisplay:
        """Run a stream model along rows X, which it learns, and record ``drift_detected`` and ``n_refused``.

        X is an iterable of dicts or a data frame.

        Raises
        ------
        TypeError
            If the model has no ``drift_detected``.
        """
        if not hasattr(estimator, "drift_detected"):
            raise TypeError(
                f"Got a {type(estimator).__name__} without drift_detected, but expected a stream model that "
                "tells it, such as river_iotae.IoTAE."
            )
        counts = hasattr(estimator, "n_refused")
        scores, drift, refused = [], [], []
        for x in rows_of(X):
            scores.append(estimator.score_one(x))
            before = estimator.n_refused if counts else 0
            estimator.learn_one(x)
            drift.append(bool(estimator.drift_detected))
            refused.append(bool(counts and estimator.n_refused > before))
        return cls(scores, drift, refused=refused if counts else None, time=time)

    def plot(self, ax: Sequence[Axes] | None = None) -> DriftDisplay:
        """Draw on the given axes, one or two as there are panels, or on a new figure two columns wide."""
        panels = 1 if self.refused is None else 2
        if ax is None:
            figure = new_figure(DOUBLE, 1.0 + 1.3 * panels)
            heights = [3, 2][:panels]
            ax = list(figure.subplots(panels, 1, sharex=True, squeeze=False, height_ratios=heights)[:, 0])
        self._several(ax, panels, f"{panels}, one for each panel")
        n_bins = int(np.clip(self.scores.size // _LEAST_ROWS, 1, _MOST_BINS))
        bins = np.array_split(np.arange(self.scores.size), n_bins)
        middle = self.time[[rows[rows.size // 2] for rows in bins]]
        self._level(self.ax_[0], bins, middle)
        if self.refused is not None:
            share = [self.refused[rows].mean() for rows in bins]
            self.ax_[1].plot(middle, share, color=COLOURS["blue"], linewidth=1.2, drawstyle="steps-mid")
            finish(self.ax_[1], ylabel="share of\nrows refused", grid="y")
            self.ax_[1].set_ylim(0.0, max(1.05 * max(share), 0.05))
        for axes in self.ax_:
            for i, (start, stop) in enumerate(runs_of(self.drift).tolist()):
                label = "drift detected" if i == 0 else None
                span = self.time[start], self.time[min(stop, self.time.size - 1)]
                axes.axvspan(*span, color=COLOURS["orange"], alpha=0.3, linewidth=0, zorder=0, label=label)
            axes.yaxis.label.set_fontsize(TEXT_SIZE)
            axes.margins(x=0.01)
        self.figure_.align_ylabels(list(self.ax_))
        label_time(self.ax_[-1], self.time)
        legend_above(self.ax_[0], 3)
        return self

    def _level(self, axes: Axes, bins: list[Int64], middle: NDArray[Any]) -> None:
        low, median, high = np.array([np.quantile(self.scores[rows], [0.1, 0.5, 0.9]) for rows in bins]).T
        axes.fill_between(
            middle, low, high, color=COLOURS["sky"], alpha=0.5, linewidth=0, label="middle 80 %"
        )
        axes.plot(middle, median, color=COLOURS["dark"], linewidth=1.2, label="median score")
        finish(axes, ylabel="anomaly score", grid="y")
