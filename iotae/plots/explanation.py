"""Why one row scored as it did: each feature's share of the score, largest first."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from iotae._validation import check_count
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

__all__ = ["ExplanationDisplay"]


class ExplanationDisplay(Display):
    """Each feature's contribution to one row's score, with the value that was read.

    Parameters
    ----------
    contributions : mapping of feature to float
        Shares of the score, at least 0; their sum is the score.
    values : mapping of feature to value, optional
        What was read, to be shown beside the name.
    top : int
        How many of the largest to show; the rest are added up in one bar.
    expected : mapping of feature to float, optional
        What the model expected of the numbers, to be shown beside the bars.

    Attributes
    ----------
    figure_ : matplotlib.figure.Figure
    ax_ : matplotlib.axes.Axes
    """

    ax_: Axes

    def __init__(
        self,
        contributions: Mapping[Any, float],
        *,
        values: Mapping[Any, Any] | None = None,
        top: int = 10,
        expected: Mapping[Any, float] | None = None,
    ) -> None:
        shares = {name: float(share) for name, share in contributions.items()}
        wrong = [name for name, share in shares.items() if not (np.isfinite(share) and share >= 0)]
        if wrong or not shares:
            raise ValueError(
                f"Got contributions {shares}, but expected at least one, all finite and >= 0: pass what "
                "explain_one or a row of explain gives."
            )
        check_count("top", top)
        self.contributions = dict(sorted(shares.items(), key=lambda item: -item[1]))
        self.values = dict(values or {})
        self.top = top
        self.expected = {name: value for name, value in (expected or {}).items() if np.isfinite(value)}

    @classmethod
    def from_estimator(cls, estimator: Any, x: Any, *, top: int = 10) -> ExplanationDisplay:
        """Explain one row: a dict for a model with ``explain_one``, a row or a one-row frame for ``explain``.

        Raises
        ------
        TypeError
            If the model has neither.
        ValueError
            If there are more rows than one.
        """
        if hasattr(estimator, "explain_one"):
            expected = estimator.expected_one(x) if hasattr(estimator, "expected_one") else None
            return cls(estimator.explain_one(x), values=x, top=top, expected=expected)
        if not hasattr(estimator, "explain"):
            raise TypeError(
                f"Got a {type(estimator).__name__}, but expected a model with explain_one or explain, as "
                "those of river_iotae and pyod_iotae."
            )
        row = x if hasattr(x, "columns") else np.atleast_2d(np.asarray(x, dtype=np.float64))
        if len(row) != 1:
            raise ValueError(f"Got {len(row)} rows, but expected the one to explain, e.g. X[[7]].")
        shares = np.asarray(estimator.explain(row), dtype=np.float64).ravel()
        names: list[Hashable] = list(
            row.columns
            if hasattr(row, "columns")
            else getattr(estimator, "feature_names_in_", [f"x{i}" for i in range(shares.size)])
        )
        read = dict(zip(names, np.asarray(row).ravel().tolist(), strict=True))
        expected = None
        if hasattr(estimator, "expected"):
            made = np.asarray(estimator.expected(row), dtype=np.float64).ravel()
            expected = dict(zip(names, made.tolist(), strict=True))
        return cls(dict(zip(names, shares.tolist(), strict=True)), values=read, top=top, expected=expected)

    def plot(self, ax: Axes | None = None) -> ExplanationDisplay:
        """Draw on the given axes or on a new figure one column wide."""
        shown = list(self.contributions.items())[: self.top]
        bars = [(self._named(name), share, COLOURS["vermilion"]) for name, share in shown]
        rest = list(self.contributions.values())[self.top :]
        if rest:
            bars.append((f"{len(rest)} more", sum(rest), COLOURS["grey"]))
        names, shares, colours = zip(*bars, strict=True)
        ax = self._one(ax, SINGLE, 0.85 + 0.22 * len(bars))
        score = sum(self.contributions.values())
        drawn = ax.barh(range(len(bars)), shares, height=0.7, color=colours)
        labels = [f"{share / score:.0%}" if score else "" for share in shares]
        told = [self.expected.get(name) for name, _ in shown] + [None] * bool(rest)
        labels = [
            label if value is None else f"{label}, expected {value:.4g}".removeprefix(", ")
            for label, value in zip(labels, told, strict=True)
        ]
        ax.bar_label(drawn, labels, fontsize=TEXT_SIZE, padding=2)
        finish(ax, grid="x")
        # aligned to the right, because beside long names the axes are narrower than this text
        ax.set_xlabel(f"share of the score {score:.3g}", fontsize=LABEL_SIZE, loc="right")
        ax.set_yticks(range(len(bars)), names)
        ax.tick_params(axis="y", length=0)
        ax.invert_yaxis()
        # so much room do the labels of the longest bars need
        ax.set_xlim(0.0, (1.95 if any(told) else 1.18) * max(*shares, 1e-12))
        ax.locator_params(axis="x", nbins=4)
        return self

    def _named(self, name: Any) -> str:
        text = drawn_name(name)
        if name in self.values:
            value = self.values[name]
            text += f" = {value:.4g}" if isinstance(value, (int, float)) else f" = {drawn_name(value)}"
        return text
