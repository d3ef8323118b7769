"""Whether false-alarm rates are kept: the histogram of p-values, and rates asked for and realised."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from iotae._validation import check_count, check_labels, check_p_values, check_same_length
from iotae.evaluation.calibration import ALPHAS, RealisedRates, realised_rates
from iotae.plots.estimators import judge_p_values
from iotae.plots.figure import (
    COLOURS,
    LINES,
    SINGLE,
    TEXT_SIZE,
    Display,
    drawn_name,
    finish,
    label_line,
    legend_above,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["CalibrationDisplay", "PValueDisplay"]

_MARKERS = "osD^vP"


class PValueDisplay(Display):
    """The histogram of p-values: flat for normal rows if they are calibrated, on the left for anomalies.

    Parameters
    ----------
    y : array-like of shape (n,)
        1 for an anomaly, 0 for a normal row.
    p_values : array-like of shape (n,)
        In [0, 1].
    bins : int
        Number of bins, at least 2.

    Attributes
    ----------
    figure_ : matplotlib.figure.Figure
    ax_ : matplotlib.axes.Axes
    """

    ax_: Axes

    def __init__(self, y: ArrayLike, p_values: ArrayLike, *, bins: int = 20) -> None:
        self.label, self.p_values = check_labels(y), check_p_values(p_values)
        check_same_length(y=self.label, p_values=self.p_values)
        self.bins = check_count("bins", bins, 2)

    @classmethod
    def from_predictions(cls, y: ArrayLike, p_values: ArrayLike, *, bins: int = 20) -> PValueDisplay:
        """Show p-values against labels."""
        return cls(y, p_values, bins=bins)

    @classmethod
    def from_estimator(cls, estimator: Any, X: Any, y: ArrayLike, *, bins: int = 20) -> PValueDisplay:
        """Show a model's p-values of rows X; see :func:`iotae.plots.estimators.judge` for which models."""
        return cls(y, judge_p_values(estimator, X), bins=bins)

    def plot(self, ax: Axes | None = None) -> PValueDisplay:
        """Draw on the given axes or on a new figure one column wide."""
        self._one(ax, SINGLE, 2.4)
        edges = np.linspace(0.0, 1.0, self.bins + 1)
        looks: tuple[dict[str, Any], dict[str, Any]] = (
            {"color": COLOURS["pale"]},
            {"facecolor": "none", "edgecolor": COLOURS["vermilion"], "hatch": "////", "linewidth": 1.2},
        )
        for rows, name, look in zip((~self.label, self.label), ("normal", "anomaly"), looks, strict=True):
            if rows.any():
                density, _ = np.histogram(self.p_values[rows], edges, density=True)
                self.ax_.stairs(density, edges, fill=True, label=f"{name} ({rows.sum():,})", **look)
        self.ax_.axhline(1.0, color=COLOURS["dark"], linestyle="--", linewidth=1.0)
        label_line(self.ax_, 1.0, "uniform")
        finish(self.ax_, xlabel="p-value", ylabel="density", grid="y")
        self.ax_.set_xlim(0.0, 1.0)
        legend_above(self.ax_, 2)
        return self


class CalibrationDisplay(Display):
    """False-alarm rates realised over those asked for, with their intervals, on logarithmic axes.

    Below the diagonal there are fewer false alarms than allowed, above it more. A rate without any false
    alarm is an open mark at the bottom of the figure.

    Parameters
    ----------
    rates : mapping of str to RealisedRates
        The rates of each threshold or detector; after six, colours and dashes repeat.

    Attributes
    ----------
    figure_ : matplotlib.figure.Figure
    ax_ : matplotlib.axes.Axes
    """

    ax_: Axes

    def __init__(self, rates: Mapping[str, RealisedRates]) -> None:
        if not rates:
            raise ValueError("Got no rates, but expected at least one detector's.")
        self.rates = dict(rates)

    @classmethod
    def from_predictions(
        cls,
        y: ArrayLike,
        p_values: ArrayLike | Mapping[str, ArrayLike],
        *,
        alphas: Sequence[float] = ALPHAS,
        confidence: float = 0.95,
        name: str = "iotae",
    ) -> CalibrationDisplay:
        """Count false alarms in one detector's p-values under ``name``, or in several under their own."""
        named = p_values if isinstance(p_values, Mapping) else {name: p_values}
        return cls({key: realised_rates(y, p, alphas, confidence=confidence) for key, p in named.items()})

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: ArrayLike,
        *,
        alphas: Sequence[float] = ALPHAS,
        confidence: float = 0.95,
        name: str | None = None,
    ) -> CalibrationDisplay:
        """Count false alarms of a model on rows X; see :func:`iotae.plots.estimators.judge`."""
        p_values = {name or type(estimator).__name__: judge_p_values(estimator, X)}
        return cls.from_predictions(y, p_values, alphas=alphas, confidence=confidence)

    def plot(self, ax: Axes | None = None) -> CalibrationDisplay:
        """Draw on the given axes or on a new figure one column wide."""
        ax = self._one(ax, SINGLE, 3.0 + 0.17 * len(self.rates))
        alphas = np.concatenate([found.alphas for found in self.rates.values()])
        counted = np.concatenate([found.rates for found in self.rates.values()])
        ends = np.array([alphas.min() / 1.5, min(alphas.max() * 1.5, 1.0)])
        foot = 0.5 * min([*counted[counted > 0], alphas.min()])
        dashes: dict[str, Any] = {"color": COLOURS["grey"], "linewidth": 0.9, "linestyle": (0, (1, 2))}
        ax.plot(ends, ends, label="as asked for", **dashes)
        for i, (name, found) in enumerate(self.rates.items()):
            self._line(ax, found, foot, i, name)
        ax.set(xscale="log", yscale="log", xlim=ends)
        ax.set_ylim(foot / 1.3, None)
        finish(ax, xlabel="false-alarm rate asked for", ylabel="false-alarm rate realised", grid="both")
        ax.tick_params(which="minor", labelsize=TEXT_SIZE)
        # Below the axes: within them it would hide some detector's marks.
        ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), fontsize=TEXT_SIZE, frameon=False)
        return self

    def _line(self, ax: Axes, found: RealisedRates, foot: float, i: int, name: str) -> None:
        colour, style = LINES[i % len(LINES)]
        # Each detector is drawn a little beside the last, so that no interval hides another.
        beside = found.alphas * 1.05 ** (i - (len(self.rates) - 1) / 2)
        shown = np.maximum(found.rates, foot)
        reach = np.array([shown - np.maximum(found.low, foot), found.high - shown])
        look: dict[str, Any] = {"color": COLOURS[colour], "linestyle": style, "linewidth": 1.2}
        label = f"{drawn_name(name)} ({found.n_normal:,} normal rows)"
        marker = _MARKERS[i % len(_MARKERS)]
        ax.errorbar(
            beside, shown, np.maximum(reach, 0.0), marker=marker, ms=3.5, capsize=2, label=label, **look
        )
        never = found.rates == 0
        ax.plot(beside[never], shown[never], marker, ms=3.5, color=COLOURS[colour], mfc="white", zorder=3)
