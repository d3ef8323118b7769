"""Figure of a search: how F1 goes with each setting that was tried."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from iotae.plots.figure import COLOURS, DOUBLE, TEXT_SIZE, Display, figure_of, finish, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["TuningDisplay"]

_FIGURES = ("f1_mean", "f1_sd")


class TuningDisplay(Display):
    """F1 over each setting, one panel a setting: every candidate, the best of each value, and the chosen one.

    Parameters
    ----------
    table : sequence of mapping
        Records of :class:`iotae.tuning.Tuning`: ``f1_mean``, ``f1_sd`` and the settings, best first.
    ylabel : str
        What F1 was taken from.

    Raises
    ------
    ValueError
        If no setting has two values: there is nothing to show.

    Attributes
    ----------
    names : list of str
        The settings that have two values or more.
    figure_ : matplotlib.figure.Figure
    ax_ : ndarray of matplotlib.axes.Axes, shape (len(names),)
    """

    ax_: NDArray[Any]

    def __init__(self, table: Sequence[Mapping[str, Any]], *, ylabel: str = "F1, mean over folds") -> None:
        self.table, self.ylabel = list(table), ylabel
        settings = [name for name in self.table[0] if name != "rank" and not name.startswith("f1_")]
        self.names = [name for name in settings if len({record[name] for record in self.table}) > 1]
        if not self.names:
            raise ValueError(f"Got one value of each of {settings}, but expected a setting with two values.")

    @classmethod
    def from_results(
        cls, table: Sequence[Mapping[str, Any]], *, ylabel: str = "F1, mean over folds"
    ) -> TuningDisplay:
        """Show a search's table, e.g. ``tune(...).table``."""
        return cls(table, ylabel=ylabel)

    def plot(self, ax: Sequence[Axes] | None = None) -> TuningDisplay:
        """Draw on the given axes, one for each setting, or on a new figure two columns wide."""
        if ax is None:
            widths = [1 + len({record[name] for record in self.table}) for name in self.names]
            grid = {"width_ratios": widths}
            figure = new_figure(DOUBLE, 2.6)
            ax = list(figure.subplots(1, len(widths), sharey=True, squeeze=False, gridspec_kw=grid)[0])
        self.ax_ = np.asarray(ax, dtype=object)
        if self.ax_.shape != (len(self.names),):
            raise ValueError(
                f"Got axes of shape {self.ax_.shape}, but expected one for each of {', '.join(self.names)}."
            )
        self.figure_ = figure_of(self.ax_[0])
        for axes, name in zip(self.ax_, self.names, strict=True):
            self._panel(axes, name)
        finish(self.ax_[0], xlabel=self.names[0].replace("_", " "), ylabel=self.ylabel, grid="y")
        self.figure_.legend(
            *self.ax_[0].get_legend_handles_labels(),
            loc="outside upper left",
            ncols=3,
            fontsize=TEXT_SIZE,
            frameon=False,
        )
        return self

    def _panel(self, axes: Axes, name: str) -> None:
        values = sorted({record[name] for record in self.table})
        place = {value: i for i, value in enumerate(values)}
        x = [place[record[name]] for record in self.table]
        mean, sd = (np.array([record[figure] for record in self.table]) for figure in _FIGURES)
        # the table is best first, so that a value's first record is its best
        best = [next(i for i, record in enumerate(self.table) if record[name] == value) for value in values]
        axes.scatter(x, mean, s=7, color=COLOURS["grey"], linewidths=0, zorder=2, label="every candidate")
        axes.errorbar(
            range(len(values)),
            mean[best],
            sd[best],
            color=COLOURS["blue"],
            marker="o",
            markersize=3.5,
            linewidth=1.2,
            capsize=2,
            zorder=3,
            label="best of its value, ± 1 sd over folds",
        )
        axes.scatter(
            x[0],
            mean[0],
            s=90,
            marker="*",
            facecolor=COLOURS["vermilion"],
            edgecolor="white",
            linewidths=0.6,
            zorder=4,
            label="chosen",
        )
        finish(axes, xlabel=name.replace("_", " "), grid="y")
        axes.set_xticks(range(len(values)), [_text(value) for value in values])
        axes.set_xlim(-0.4, len(values) - 0.6)


def _text(value: Any) -> str:
    if isinstance(value, (tuple, list)):
        return "-".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)
