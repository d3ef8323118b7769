"""Figures of the alarms at one threshold: the confusion matrix, and the metrics beside a reference."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from iotae.evaluation.metrics import Confusion, confusion
from iotae.plots.estimators import judge_alarms
from iotae.plots.figure import (
    COLOURS,
    LABEL_SIZE,
    SINGLE,
    TEXT_SIZE,
    Display,
    drawn_name,
    finish,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["PAPER", "ConfusionDisplay", "MetricsDisplay"]

# The paper's Figure 3: TP 9, FP 2, FN 1, TN 18.
PAPER = Confusion(tp=9, fp=2, fn=1, tn=18)
_METRICS = {"accuracy": "accuracy", "precision": "precision", "recall": "recall", "f1": "F1"}


class ConfusionDisplay(Display):
    """The confusion matrix in the paper's order, [[TP, FP], [FN, TN]], with counts and shares of all rows.

    Parameters
    ----------
    confusion : Confusion
        The counts.

    Attributes
    ----------
    figure_ : matplotlib.figure.Figure
    ax_ : matplotlib.axes.Axes
    """

    ax_: Axes

    def __init__(self, confusion: Confusion) -> None:
        self.confusion = confusion

    @classmethod
    def from_predictions(cls, y_true: ArrayLike, y_pred: ArrayLike) -> ConfusionDisplay:
        """Count alarms against labels, both 0 or 1 and of shape (n,)."""
        return cls(confusion(y_true, y_pred))

    @classmethod
    def from_estimator(cls, estimator: Any, X: Any, y: ArrayLike) -> ConfusionDisplay:
        """Count a model's alarms on rows X; see :func:`iotae.plots.estimators.judge` for which models."""
        return cls.from_predictions(y, judge_alarms(estimator, X))

    def plot(self, ax: Axes | None = None) -> ConfusionDisplay:
        """Draw on the given axes or on a new figure one column wide."""
        self._one(ax, SINGLE, 2.7)
        counts = self.confusion.matrix
        share = counts / self.confusion.n
        # Shaded by the share of the column, so that few anomalies are as visible as many normal rows.
        shade = counts / np.maximum(counts.sum(axis=0), 1)
        self.ax_.imshow(shade, cmap="Blues", vmin=0.0, vmax=1.35, aspect="auto")
        for row, names in enumerate((("TP", "FP"), ("FN", "TN"))):
            for column, name in enumerate(names):
                colour = "white" if shade[row, column] > 0.7 else "black"
                self.ax_.text(
                    column,
                    row,
                    f"{name}  {counts[row, column]:,}",
                    ha="center",
                    va="bottom",
                    fontsize=LABEL_SIZE + 2,
                    color=colour,
                )
                self.ax_.text(
                    column,
                    row + 0.06,
                    f"{share[row, column]:.1%}",
                    ha="center",
                    va="top",
                    fontsize=TEXT_SIZE,
                    color=colour,
                )
        finish(self.ax_, xlabel="truth", ylabel="prediction")
        self.ax_.set_xticks([0, 1], ["anomaly", "normal"])
        self.ax_.set_yticks([0, 1], ["alarm", "no alarm"], rotation=90, va="center")
        self.ax_.xaxis.set_label_position("top")
        self.ax_.tick_params(length=0, labelsize=TEXT_SIZE, top=False, labeltop=True, labelbottom=False)
        self.ax_.axhline(0.5, color="white", linewidth=2)
        self.ax_.axvline(0.5, color="white", linewidth=2)
        for spine in self.ax_.spines.values():
            spine.set_visible(False)
        return self


class MetricsDisplay(Display):
    """Accuracy, precision, recall and F1 as bars, beside a reference such as the paper's.

    Parameters
    ----------
    measured : Confusion
        What was measured.
    reference : Confusion or None
        What it is compared with; the paper's Figure 3 by default.
    names : pair of str
        What to call the two.

    Attributes
    ----------
    figure_ : matplotlib.figure.Figure
    ax_ : matplotlib.axes.Axes
    """

    ax_: Axes

    def __init__(
        self,
        measured: Confusion,
        *,
        reference: Confusion | None = PAPER,
        names: tuple[str, str] = ("this run", "paper"),
    ) -> None:
        self.measured = measured
        self.reference = reference
        self.names = names

    @classmethod
    def from_predictions(
        cls,
        y_true: ArrayLike,
        y_pred: ArrayLike,
        *,
        reference: Confusion | None = PAPER,
        names: tuple[str, str] = ("this run", "paper"),
    ) -> MetricsDisplay:
        """Count alarms against labels, both 0 or 1 and of shape (n,)."""
        return cls(confusion(y_true, y_pred), reference=reference, names=names)

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: ArrayLike,
        *,
        reference: Confusion | None = PAPER,
        names: tuple[str, str] = ("this run", "paper"),
    ) -> MetricsDisplay:
        """Count a model's alarms on rows X; see :func:`iotae.plots.estimators.judge` for which models."""
        return cls.from_predictions(y, judge_alarms(estimator, X), reference=reference, names=names)

    def plot(self, ax: Axes | None = None) -> MetricsDisplay:
        """Draw on the given axes or on a new figure one column wide."""
        self._one(ax, SINGLE, 2.5)
        series: list[tuple[str, Confusion, dict[str, Any]]] = [
            (self.names[0], self.measured, {"color": COLOURS["blue"]})
        ]
        if self.reference is not None:
            pale: dict[str, Any] = {"facecolor": "white", "edgecolor": COLOURS["grey"], "hatch": "////"}
            series.append((self.names[1], self.reference, pale))
        width = 0.9 / len(series)
        places = np.arange(len(_METRICS))
        for i, (name, counts, look) in enumerate(series):
            heights = [getattr(counts, metric) for metric in _METRICS]
            bars = self.ax_.bar(
                places + (i - (len(series) - 1) / 2) * width,
                heights,
                0.95 * width,
                label=drawn_name(name),
                **look,
            )
            self.ax_.bar_label(bars, fmt="%.3f", fontsize=TEXT_SIZE, padding=1.5)
        finish(self.ax_, grid="y")
        self.ax_.set_xticks(places, list(_METRICS.values()))
        self.ax_.tick_params(axis="x", length=0)
        self.ax_.set_ylim(0.0, 1.06)
        self.ax_.set_yticks(np.linspace(0.0, 1.0, 6))
        self.ax_.legend(
            loc="lower right",
            bbox_to_anchor=(1.0, 1.0),
            ncols=2,
            fontsize=TEXT_SIZE,
            frameon=False,
            borderaxespad=0.0,
        )
        return self
