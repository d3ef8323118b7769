"""ROC and precision-recall curves of one or several detectors, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from iotae._validation import check_choice, check_labels
from iotae.evaluation.ranking import tie_counts
from iotae.plots.estimators import judge
from iotae.plots.figure import (
    COLOURS,
    DOUBLE,
    LINES,
    TEXT_SIZE,
    Display,
    drawn_name,
    finish,
    new_figure,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["RankingDisplay"]


class RankingDisplay(Display):
    """ROC and precision-recall curves side by side, with their areas and those of random scores.

    Parameters
    ----------
    y : array-like of shape (n,)
        1 for an anomaly, 0 for a normal row; both must occur.
    scores : mapping of str to array-like of shape (n,)
        Each detector's scores, higher is more anomalous; after six, colours and dashes repeat.

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
        counts = {name: tie_counts(self.label, values) for name, values in scores.items()}
        self.roc = {name: found.roc_curve[:2] for name, found in counts.items()}
        self.precision_recall = {name: found.precision_recall_curve[:2] for name, found in counts.items()}
        self.roc_auc = {name: found.roc_auc for name, found in counts.items()}
        self.average_precision = {name: found.average_precision for name, found in counts.items()}

    @classmethod
    def from_predictions(
        cls, y: ArrayLike, scores: ArrayLike | Mapping[str, ArrayLike], *, name: str = "iotae"
    ) -> RankingDisplay:
        """Show one detector's scores under ``name``, or several detectors' scores under their own."""
        return cls(y, scores if isinstance(scores, Mapping) else {name: scores})

    @classmethod
    def from_estimator(
        cls, estimator: Any, X: Any, y: ArrayLike, *, name: str | None = None
    ) -> RankingDisplay:
        """Show a model's scores of rows X; see :func:`iotae.plots.estimators.judge` for which models."""
        return cls(y, {name or type(estimator).__name__: judge(estimator, X).scores})

    def plot(self, ax: Sequence[Axes] | None = None, *, rate_axis: str = "linear") -> RankingDisplay:
        """Draw on the given pair of axes or on a new figure two columns wide.

        Parameters
        ----------
        ax : two Axes, optional
        rate_axis : {'linear', 'log'}
            The axis of the false-alarm rate. A logarithmic one, from one false alarm on, shows what happens
            at the low rates that matter in use, where a good detector's curve lies on the linear axis' edge.
        """
        check_choice("rate_axis", rate_axis, ("linear", "log"))
        if ax is None:
            ax = new_figure(DOUBLE, 3.35 + 0.17 * len(self.roc)).subplots(1, 2)
        left, right = self._several(ax, 2, "two: ROC and precision-recall")
        chance: dict[str, Any] = {"color": COLOURS["grey"], "linewidth": 0.9, "linestyle": (0, (1, 2))}
        # no rate but 0 is lower than one false alarm's, and a logarithmic axis has no 0
        lowest = 1.0 / np.count_nonzero(~self.label) if rate_axis == "log" else 0.0
        for i, name in enumerate(self.roc):
            colour, style = LINES[i % len(LINES)]
            look: dict[str, Any] = {
                "color": COLOURS[colour],
                "linestyle": style,
                "linewidth": 1.4,
                "clip_on": False,
            }
            false_alarm_rate, recall = self.roc[name]
            left.plot(
                np.maximum(false_alarm_rate, lowest),
                recall,
                label=f"{drawn_name(name)}, AUC {self.roc_auc[name]:.3f}",
                **look,
            )
            precision, recall = self.precision_recall[name]
            label = f"{drawn_name(name)}, AP {self.average_precision[name]:.3f}"
            right.plot(recall, precision, drawstyle="steps-post", label=label, **look)
        share = float(self.label.mean())
        even = np.geomspace(lowest, 1.0, 500) if lowest else np.array([0.0, 1.0])
        left.plot(even, even, label="chance, AUC 0.500", **chance)
        right.plot([0, 1], [share, share], label=f"chance, AP {share:.3f}", **chance)
        finish(left, xlabel="false-alarm rate", ylabel="recall", grid="both")
        finish(right, xlabel="recall", ylabel="precision", grid="both")
        for axes in (left, right):
            axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), aspect="equal")
            # Below the axes: within them it would hide some detector's curve.
            axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.17), fontsize=TEXT_SIZE, frameon=False)
        if lowest:
            left.set(xscale="log", xlim=(lowest, 1.0), aspect="auto", box_aspect=1)
        return self
