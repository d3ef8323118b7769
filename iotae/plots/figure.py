"""The style of every figure: sizes, colours that colour-blind readers can tell apart, and its axes.

matplotlib is imported only when something is drawn. pyplot is not, so no backend and no setting changes.
"""

from __future__ import annotations

from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "COLOURS",
    "DOUBLE",
    "LABEL_SIZE",
    "LINES",
    "SINGLE",
    "TEXT_SIZE",
    "Display",
    "drawn_name",
    "figure_of",
    "finish",
    "label_line",
    "label_time",
    "legend_above",
    "new_figure",
]

# Widths of one and of two columns of print, in inches; type sizes in points.
SINGLE, DOUBLE = 3.5, 7.0
LABEL_SIZE, TEXT_SIZE = 9, 8
_LINE_WIDTH = 0.8

# Okabe and Ito (2008), "Color universal design".
COLOURS = {
    "black": "#000000",
    "orange": "#E69F00",
    "sky": "#56B4E9",
    "green": "#009E73",
    "yellow": "#F0E442",
    "blue": "#0072B2",
    "vermilion": "#D55E00",
    "purple": "#CC79A7",
    "grey": "#8C8C8C",
    "dark": "#4D4D4D",
    "pale": "#B4C7D6",
}

# Colour and dash of each of several detectors in a figure; either one tells them apart.
LINES = (
    ("vermilion", "-"),
    ("blue", "--"),
    ("green", "-."),
    ("purple", ":"),
    ("orange", "-"),
    ("sky", "--"),
)


class Display:
    """A figure's data, which ``plot`` draws and ``save`` writes to a file.

    Attributes
    ----------
    figure_ : matplotlib.figure.Figure
        Set by ``plot``.
    """

    figure_: Figure
    ax_: Any

    def _one(self, ax: Axes | None, width: float, height: float) -> Axes:
        """Take the axes given, or those of a new figure of this size in inches."""
        axes = new_figure(width, height).add_subplot() if ax is None else ax
        self.ax_, self.figure_ = axes, figure_of(axes)
        return axes

    def _several(self, ax: Any, n: int, what: str) -> NDArray[Any]:
        """Take the n axes given as an array, or say which axes were expected."""
        axes = np.asarray(ax, dtype=object)
        if axes.shape != (n,):
            raise ValueError(f"Got axes of shape {axes.shape}, but expected {what}.")
        self.ax_, self.figure_ = axes, figure_of(axes[0])
        return axes

    def save(self, path: str | PathLike[str]) -> None:
        """Write the figure as PNG (or what the suffix says) at 200 dots an inch.

        Raises
        ------
        RuntimeError
            If nothing has been plotted yet.
        """
        if not hasattr(self, "figure_"):
            raise RuntimeError(
                f"Got no figure to save, but expected one: call {type(self).__name__}.plot() first."
            )
        self.figure_.savefig(path, dpi=200, facecolor="white")


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure that lays itself out, or say which package is missing."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError(
            "Got a call to plot, but matplotlib is missing: `pip install 'iotae[plots]'`."
        ) from error
    return Figure(figsize=(width, height), layout="constrained")


def figure_of(ax: Axes) -> Figure:
    """Return the figure that holds the axes, however deep in sub-figures."""
    figure = ax.get_figure(root=True)
    if figure is None:
        raise ValueError(
            "Got axes that belong to no figure, but expected axes in one: make them by add_subplot."
        )
    return figure


def finish(ax: Axes, *, xlabel: str = "", ylabel: str = "", title: str = "", grid: str = "") -> None:
    """Set the labels in the common sizes, a grid along "x", "y" or "both", and only two borders."""
    ax.set_xlabel(xlabel, fontsize=LABEL_SIZE)
    ax.set_ylabel(ylabel, fontsize=LABEL_SIZE)
    if title:
        ax.set_title(title, fontsize=LABEL_SIZE)
    ax.tick_params(labelsize=TEXT_SIZE, width=_LINE_WIDTH, length=3)
    for offset in (ax.xaxis.get_offset_text(), ax.yaxis.get_offset_text()):
        offset.set_fontsize(TEXT_SIZE)
    for side, spine in ax.spines.items():
        spine.set_linewidth(_LINE_WIDTH)
        spine.set_visible(side in ("left", "bottom"))
    if grid:
        ax.set_axisbelow(True)
        for axis in "xy" if grid == "both" else grid:
            ax.grid(axis="x" if axis == "x" else "y", color="#E3E3E3", linewidth=0.6)


def drawn_name(name: object, longest: int = 16) -> str:
    """Return a user's name as text to draw: a long one is cut in the middle, and ``$`` starts no formula.

    Examples
    --------
    >>> drawn_name("inlet_temperature_of_the_pump_7"), len(drawn_name("$"))
    ('inlet_te…e_pump_7', 2)
    """
    text, half = str(name), longest // 2
    # Similar names often differ in their last letters.
    shown = text if len(text) <= longest else f"{text[:half]}…{text[-half:]}"
    return shown.replace("$", r"\$")


def label_line(ax: Axes, y: float, text: str) -> None:
    """Name a horizontal line at its right end, outside the axes."""
    ax.annotate(
        text,
        (1.0, y),
        xycoords=ax.get_yaxis_transform(),
        xytext=(3, 0),
        textcoords="offset points",
        va="center",
        fontsize=TEXT_SIZE,
    )


def label_time(ax: Axes, time: NDArray[Any]) -> None:
    """Label the horizontal axis: concise dates, "row" for whole numbers and "time" for others."""
    if time.dtype.kind == "M":
        from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

        locator = AutoDateLocator()  # type: ignore[no-untyped-call]
        ax.xaxis.set_major_locator(locator)
        ax.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
    else:
        ax.set_xlabel("row" if time.dtype.kind == "i" else "time", fontsize=LABEL_SIZE)


def legend_above(ax: Axes, columns: int) -> None:
    """Put the legend over the axes, clear of the data, with marks of legible size."""
    from matplotlib.collections import PathCollection

    legend = ax.legend(
        loc="lower left",
        bbox_to_anchor=(0.0, 1.01),
        ncols=columns,
        fontsize=TEXT_SIZE,
        frameon=False,
        borderaxespad=0.0,
        handlelength=1.6,
        handletextpad=0.4,
        columnspacing=1.2,
    )
    for handle in legend.legend_handles:
        if isinstance(handle, PathCollection):
            handle.set(alpha=1.0, sizes=[18.0])
