"""Figures of the verdict: confusion matrix, metrics beside a reference, ROC and precision-recall curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from iotae.evaluation.metrics import Confusion, confusion
from iotae.evaluation.ranking import (
    average_precision,
    check_labels,
    precision_recall_curve,
    roc_auc,
    roc_curve,
)
from iotae.plots.figure import (
    COLOURS,
    DOUBLE,
    LABEL_SIZE,
    SINGLE,
    TEXT_SIZE,
    Display,
    figure_of,
    finish,
    new_figure,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["PAPER", "ConfusionDisplay", "MetricsDisplay", "RankingDisplay"]

# The paper's Figure 3: TP 9, FP 2, FN 1, TN 18.
PAPER = Confusion(tp=9, fp=2, fn=1, tn=18)
_METRICS = {"accuracy": "accuracy", "precision": "precision", "recall": "recall", "f1": "F1"}
_LINES = (
    ("vermilion", "-"),
    ("blue", "--"),
    ("green", "-."),
    ("purple", ":"),
    ("orange", "-"),
    ("sky", "--"),
)


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

    def plot(self, ax: Axes | None = None) -> ConfusionDisplay:
        """Draw on the given axes or on a new figure one column wide."""
        self.ax_ = new_figure(SINGLE, 2.7).add_subplot() if ax is None else ax
        self.figure_ = figure_of(self.ax_)
        counts = self.confusion.matrix
        share = counts / self.confusion.n
        # Shaded within the column, so that few anomalies are as visible as many normal rows.
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

    def plot(self, ax: Axes | None = None) -> MetricsDisplay:
        """Draw on the given axes or on a new figure one column wide."""
        self.ax_ = new_figure(SINGLE, 2.5).add_subplot() if ax is None else ax
        self.figure_ = figure_of(self.ax_)
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
                places + (i - (len(series) - 1) / 2) * width, heights, 0.95 * width, label=name, **look
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


class RankingDisplay(Display):
    """ROC and precision-recall curves side by side, with their areas and what chance would give.

    Parameters
    ----------
    y : array-like of shape (n,)
        1 for an anomaly, 0 for a normal row; both must occur.
    scores : mapping of str to array-like of shape (n,)
        Each detector's scores, higher is more anomalous; six looks, then they begin again.

    Attributes
    ----------
    figure_ : matplotlib.figure.Figure
    ax_ : ndarray of matplotlib.axes.Axes, shape (2,)
    """

    ax_: NDArray[Any]

    def __init__(self, y: ArrayLike, scores: Mapping[str, ArrayLike]) -> None:
        self.label = check_labels(y)
        if self.label.all() or not self.label.any():
            raise ValueError(
                f"Got {int(self.label.sum())} anomalies in {self.label.size} rows, but expected both "
                "classes: neither curve is defined for one."
            )
        if not scores:
            raise ValueError("Got no scores, but expected at least one detector's.")
        self.roc = {name: roc_curve(self.label, s)[:2] for name, s in scores.items()}
        self.precision_recall = {
            name: precision_recall_curve(self.label, s)[:2] for name, s in scores.items()
        }
        self.roc_auc = {name: roc_auc(self.label, s) for name, s in scores.items()}
        self.average_precision = {name: average_precision(self.label, s) for name, s in scores.items()}

    @classmethod
    def from_predictions(
        cls, y: ArrayLike, scores: ArrayLike | Mapping[str, ArrayLike], *, name: str = "iotae"
    ) -> RankingDisplay:
        """Show one detector's scores under ``name``, or several detectors' scores under their own."""
        return cls(y, scores if isinstance(scores, Mapping) else {name: scores})

    def plot(self, ax: Sequence[Axes] | None = None) -> RankingDisplay:
        """Draw on the given pair of axes or on a new figure two columns wide."""
        if ax is None:
            ax = new_figure(DOUBLE, 3.35 + 0.17 * len(self.roc)).subplots(1, 2)
        self.ax_ = np.asarray(ax, dtype=object)
        if self.ax_.shape != (2,):
            raise ValueError(
                f"Got axes of shape {self.ax_.shape}, but expected two: ROC and precision-recall."
            )
        self.figure_ = figure_of(self.ax_[0])
        left, right = self.ax_
        chance: dict[str, Any] = {"color": COLOURS["grey"], "linewidth": 0.9, "linestyle": (0, (1, 2))}
        for i, name in enumerate(self.roc):
            colour, style = _LINES[i % len(_LINES)]
            look: dict[str, Any] = {
                "color": COLOURS[colour],
                "linestyle": style,
                "linewidth": 1.4,
                "clip_on": False,
            }
            false_alarm_rate, recall = self.roc[name]
            left.plot(false_alarm_rate, recall, label=f"{name}, AUC {self.roc_auc[name]:.3f}", **look)
            precision, recall = self.precision_recall[name]
            label = f"{name}, AP {self.average_precision[name]:.3f}"
            right.plot(recall, precision, drawstyle="steps-pre", label=label, **look)
        share = float(self.label.mean())
        left.plot([0, 1], [0, 1], label="chance, AUC 0.500", **chance)
        right.plot([0, 1], [share, share], label=f"chance, AP {share:.3f}", **chance)
        finish(left, xlabel="false-alarm rate", ylabel="recall", grid="both")
        finish(right, xlabel="recall", ylabel="precision", grid="both")
        for axes in (left, right):
            axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), aspect="equal")
            # Below the axes: within them it would hide some detector's curve.
            axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.17), fontsize=TEXT_SIZE, frameon=False)
        return self
