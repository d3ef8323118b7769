"""The critical-difference figure: detectors on a line of mean ranks, bars over those that do not differ."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from numpy.typing import ArrayLike

from iotae.evaluation.comparison import Comparison, compare
from iotae.plots.figure import (
    COLOURS,
    DOUBLE,
    LABEL_SIZE,
    TEXT_SIZE,
    Display,
    drawn_name,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["CriticalDifferenceDisplay"]

_INCHES_A_LETTER = 0.062
"""Mean width of a letter of 8 points."""

_LONGEST = 24

_BAR_STEP, _NAME_STEP = 0.45, 0.8


class CriticalDifferenceDisplay(Display):
    """Mean ranks over sets, best at the left, after Demšar (2006).

    A thick bar joins detectors whose mean ranks differ by less than Nemenyi's critical difference, so not
    significantly. The critical difference is drawn to scale above the line.

    Parameters
    ----------
    comparison : Comparison
        What :func:`iotae.evaluation.compare` returns.

    Attributes
    ----------
    figure_ : matplotlib.figure.Figure
    ax_ : matplotlib.axes.Axes
    """

    ax_: Axes

    def __init__(self, comparison: Comparison) -> None:
        self.comparison = comparison

    @classmethod
    def from_predictions(
        cls, figures: Mapping[str, ArrayLike], *, higher_is_better: bool = True, level: float = 0.05
    ) -> CriticalDifferenceDisplay:
        """Compare detectors by one figure on each of the same sets; see :func:`iotae.evaluation.compare`."""
        return cls(compare(figures, higher_is_better=higher_is_better, level=level))

    def plot(self, ax: Axes | None = None) -> CriticalDifferenceDisplay:
        """Draw on a new figure two columns wide, or on given axes with as much room for the names."""
        found = self.comparison
        k = len(found.names)
        left = (k + 1) // 2
        first_name = 1.0 + _BAR_STEP * len(found.cliques)
        # heights are measured in lines of text, from the line of ranks down
        depth = first_name + _NAME_STEP * (left - 1) + 0.5
        is_new = ax is None
        ax = self._one(ax, DOUBLE, 0.22 * (depth + 2.6))
        width = DOUBLE if is_new else ax.get_window_extent().width / self.figure_.dpi
        margin = self._margin(width, k)
        ax.set(xlim=(1.0 - margin, k + margin), ylim=(depth, -2.6))
        ax.set_axis_off()
        line: dict[str, Any] = {"color": COLOURS["black"], "linewidth": 0.8, "solid_capstyle": "butt"}
        ax.plot([1, k], [0, 0], **line)
        for rank in range(1, k + 1):
            ax.plot([rank, rank], [0, -0.25], **line)
            ax.text(rank, -0.4, str(rank), ha="center", va="bottom", fontsize=TEXT_SIZE)
        self._scale(ax, line)
        for i, clique in enumerate(found.cliques):
            ends = [found.names.index(clique[0]), found.names.index(clique[-1])]
            y = 0.5 + _BAR_STEP * i
            low, high = found.mean_ranks[ends]
            bar: dict[str, Any] = {"color": COLOURS["vermilion"], "linewidth": 3.0, "solid_capstyle": "butt"}
            ax.plot([low - 0.01 * k, high + 0.01 * k], [y, y], zorder=3, **bar)
        for i, (name, rank) in enumerate(zip(self._names(), found.mean_ranks, strict=True)):
            # The left half counts down, the right half up, so that no line to a name crosses another.
            on_left = i < left
            y = first_name + _NAME_STEP * (i if on_left else k - 1 - i)
            edge = 1.0 - 0.03 * (k - 1) if on_left else k + 0.03 * (k - 1)
            ax.plot([rank, rank, edge], [0, y, y], **line)
            text, align = (f"{name}  {rank:.2f} ", "right") if on_left else (f" {rank:.2f}  {name}", "left")
            ax.text(edge, y, text, ha=align, va="center", fontsize=TEXT_SIZE)
        return self

    def _names(self) -> list[str]:
        return [drawn_name(name, _LONGEST) for name in self.comparison.names]

    def _scale(self, ax: Axes, line: dict[str, Any]) -> None:
        """Draw the critical difference, to scale, over the line."""
        found = self.comparison
        end = 1.0 + found.critical_difference
        ax.plot([1, end], [-1.6, -1.6], **{**line, "linewidth": 1.6})
        for x in (1.0, end):
            ax.plot([x, x], [-1.75, -1.45], **line)
        text = (
            f"critical difference {found.critical_difference:.2f}, {found.n_sets} sets, level {found.level:g}"
        )
        ax.text(1.0, -1.9, text, ha="left", va="bottom", fontsize=LABEL_SIZE)

    def _margin(self, width: float, k: int) -> float:
        """Room for the names beside the line, in ranks, on axes of a width in inches."""
        text = _INCHES_A_LETTER * (max(map(len, self._names())) + 7)
        for_names = (k - 1) * (0.03 + text / max(0.94 * width - 2 * text, 0.2 * width))
        return float(max(for_names, 1.05 + self.comparison.critical_difference - k))
