"""The features along time, a panel each, with their anomalies and the two parts of a split."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from iotae._typing import Float64
from iotae._validation import check_labels, check_same_length, check_times
from iotae.evaluation.events import runs_of
from iotae.plots.figure import (
    COLOURS,
    DOUBLE,
    TEXT_SIZE,
    Display,
    drawn_name,
    finish,
    label_time,
    legend_above,
    new_figure,
)
from iotae.simulator import FEATURES, UNITS, Simulation

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["FeaturesDisplay"]

_KIND_MARKS = (
    ("^", "vermilion"),
    ("s", "blue"),
    ("D", "green"),
    ("v", "purple"),
    ("X", "orange"),
    ("P", "sky"),
)
_MANY_SPANS = 12


class FeaturesDisplay(Display):
    """Features over time, one panel each, in which training rows, test rows and anomalies differ by mark.

    The rows of the two parts have two shades; a split along time shades the background of the test span too.
    A missing value (NaN) in an anomalous row is marked at the bottom of its panel.

    Parameters
    ----------
    time : array-like of shape (n,)
        Dates, durations (drawn in seconds) or row numbers, in any order.
    values : array-like of shape (n, d)
        The features.
    names : sequence of str, length d
        Their names, with units if they have any.
    label : array-like of shape (n,)
        1 for an anomaly, 0 for a normal row.
    kind : array-like of str, shape (n,), optional
        The anomalies' kinds, each with a mark of its own; after six, marks repeat.
    test : array-like of bool, shape (n,), optional
        True for the rows of the test part.

    Attributes
    ----------
    figure_ : matplotlib.figure.Figure
    ax_ : ndarray of matplotlib.axes.Axes, shape (d,)
    """

    ax_: NDArray[Any]

    def __init__(
        self,
        time: ArrayLike,
        values: ArrayLike,
        names: Sequence[str],
        label: ArrayLike,
        *,
        kind: ArrayLike | None = None,
        test: ArrayLike | None = None,
    ) -> None:
        self.time = check_times(time)
        self.values = np.asarray(values, dtype=np.float64)
        self.names = tuple(names)
        self.label = check_labels(label, "label")
        self.kind = np.where(self.label, "anomaly", "") if kind is None else np.asarray(kind)
        self.test = None if test is None else check_labels(test, "test")
        if self.values.ndim != 2 or self.values.shape[1] != len(self.names):
            raise ValueError(
                f"Got values of shape {self.values.shape} and {len(self.names)} names, "
                "but expected shape (n, d) and d names."
            )
        check_same_length(time=self.time, values=self.values, label=self.label, kind=self.kind)
        if self.test is not None:
            check_same_length(time=self.time, test=self.test)

    @classmethod
    def from_simulation(
        cls, simulation: Simulation, *, test_index: ArrayLike | None = None
    ) -> FeaturesDisplay:
        """Show a simulated stream; ``test_index`` holds the row numbers of the test part."""
        test = None
        if test_index is not None:
            test = np.zeros(len(simulation), dtype=np.bool_)
            test[np.asarray(test_index, dtype=np.int64)] = True
        names = [f"{name.replace('_', ' ')} ({UNITS[name]})" for name in FEATURES]
        columns = simulation.columns
        return cls(
            columns["timestamp"],
            simulation.features,
            names,
            simulation.label,
            kind=simulation.kind,
            test=test,
        )

    def plot(self, ax: Sequence[Axes] | None = None) -> FeaturesDisplay:
        """Draw on the given axes, one for each feature, or on a new figure two columns wide."""
        if ax is None:
            height = 1.05 * len(self.names) + 0.75
            figure = new_figure(DOUBLE, height)
            ax = list(figure.subplots(len(self.names), 1, sharex=True, squeeze=False)[:, 0])
        self._several(ax, len(self.names), f"one for each of {len(self.names)}")
        kinds = [str(kind) for kind in np.unique(self.kind[self.label])]
        size = float(np.clip(3_000 / max(len(self.time), 1), 0.6, 6.0))
        for axes, name, column in zip(self.ax_, self.names, self.values.T, strict=True):
            self._normal(axes, column, size)
            for i, kind in enumerate(kinds):
                marker, colour = _KIND_MARKS[i % len(_KIND_MARKS)]
                look: dict[str, Any] = {
                    "marker": marker,
                    "color": COLOURS[colour],
                    "linewidths": 0,
                    "zorder": 3,
                }
                look["s"] = max(3.0 * size, 7.0)
                rows = self.label & (self.kind == kind)
                axes.scatter(self.time[rows], column[rows], alpha=0.85, label=drawn_name(kind), **look)
                lost = self.time[rows & np.isnan(column)]
                foot = axes.get_xaxis_transform()
                axes.scatter(lost, np.full(lost.shape, 0.04), transform=foot, **look)
            title, *unit = map(drawn_name, str(name).split(" (", 1))
            finish(axes, ylabel="\n(".join([title, *unit]), grid="y")
            axes.yaxis.label.set_fontsize(TEXT_SIZE)
            axes.margins(x=0.01)
        self.figure_.align_ylabels(list(self.ax_))
        label_time(self.ax_[-1], self.time)
        if kinds or self.test is not None:
            legend_above(self.ax_[0], len(kinds) + 2 * (self.test is not None))
        return self

    def _normal(self, axes: Axes, column: Float64, size: float) -> None:
        normal = ~self.label
        dots: dict[str, Any] = {"s": size, "linewidths": 0, "zorder": 2}
        if self.test is None:
            axes.scatter(self.time[normal], column[normal], color=COLOURS["grey"], **dots)
            return
        spans = runs_of(self.test)
        for part, colour, name in ((~self.test, "pale", "train"), (self.test, "dark", "test")):
            rows = normal & part
            axes.scatter(self.time[rows], column[rows], color=COLOURS[colour], label=name, **dots)
        if len(spans) <= _MANY_SPANS:
            for first, after in spans:
                axes.axvspan(self.time[first], self.time[after - 1], color="#F2F2F2", linewidth=0, zorder=0)
