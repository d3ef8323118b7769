"""The results of a search: a panel for each parameter, with the best score of each of its values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from iotae.plots.figure import (
    COLOURS,
    DOUBLE,
    SINGLE,
    TEXT_SIZE,
    Display,
    drawn_name,
    finish,
    new_figure,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["TuningDisplay"]

_PER_LINE = 4
_INCHES_A_LETTER = 0.075


class TuningDisplay(Display):
    """The mean score of every combination of a grid, parameter by parameter.

    Each panel shows all combinations as dots. A line joins the best score of each value over all values of
    the other parameters, and a dashed line joins the medians. A parameter with flat lines does not matter.

    Parameters
    ----------
    results : sequence of dict, or mapping of str to sequence
        The table, row by row or column by column: one row a combination; a column for each parameter, with
        values of any kind (None and tuples too), one of mean scores and maybe one of their deviations.
    score : str
        The column of mean scores. NaN, as of a fit that failed, is left out.
    spread : str
        The column of the scores' deviations, drawn at the best combination if it is there.
    parameters : sequence of str, optional
        Which columns are parameters; by default all but ``score`` and ``spread``. Those of one value alone
        are not drawn.
    higher_is_better : bool
        False for errors.
    ylabel : str
        What the score is.

    Attributes
    ----------
    best : dict
        The row of the best combination.
    figure_ : matplotlib.figure.Figure
    ax_ : ndarray of matplotlib.axes.Axes, one for each parameter drawn

    Raises
    ------
    ValueError
        If a column is missing, columns differ in length, no score is a number, or no parameter varies.

    Examples
    --------
    >>> rows = [{"lr": lr, "layers": n, "mean_score": lr + n} for lr in (0.1, 0.2) for n in (1, 2)]
    >>> TuningDisplay(rows).best
    {'lr': 0.2, 'layers': 2, 'mean_score': 2.2}
    """

    ax_: NDArray[Any]

    def __init__(
        self,
        results: Sequence[Mapping[str, Any]] | Mapping[str, Sequence[Any]],
        *,
        score: str = "mean_score",
        spread: str = "std_score",
        parameters: Sequence[str] | None = None,
        higher_is_better: bool = True,
        ylabel: str = "mean score",
    ) -> None:
        rows = _rows(results)
        missing = [name for name in [score, *(parameters or [])] if not rows or name not in rows[0]]
        if missing:
            raise ValueError(
                f"Got results with {list(rows[0]) if rows else 'no rows'}, but expected "
                f"a column {missing[0]!r}."
            )
        self.rows = [row for row in rows if not np.isnan(row[score])]
        if not self.rows:
            raise ValueError(f"Got {len(rows)} rows, but no number in {score!r}: all fits failed.")
        self.score, self.spread, self.ylabel = score, spread, ylabel
        self.sign = 1 if higher_is_better else -1
        self.best = max(self.rows, key=lambda row: self.sign * row[score])
        names = (
            [name for name in rows[0] if name not in (score, spread)] if parameters is None else parameters
        )
        self.values = {name: _distinct([row[name] for row in self.rows]) for name in names}
        self.values = {name: values for name, values in self.values.items() if len(values) > 1}
        if not self.values:
            raise ValueError(
                f"Got one value alone of each of {list(names)}, but expected a parameter that varies."
            )

    @classmethod
    def from_results(
        cls, table: Sequence[Mapping[str, Any]], *, ylabel: str = "F1, mean over folds"
    ) -> TuningDisplay:
        """Show the table that ``iotae tune`` writes: ``f1_mean``, ``f1_sd``, a rank, and the settings."""
        names = [name for name in (table[0] if table else ()) if name != "rank" and name[:3] != "f1_"]
        return cls(table, score="f1_mean", spread="f1_sd", parameters=names, ylabel=ylabel)

    @classmethod
    def from_estimator(cls, estimator: Any) -> TuningDisplay:
        """Show a fitted search of scikit-learn's, such as GridSearchCV, by its ``cv_results_``.

        Raises
        ------
        TypeError
            If there is no ``cv_results_``.
        """
        if not hasattr(estimator, "cv_results_"):
            raise TypeError(
                f"Got a {type(estimator).__name__} without cv_results_, but expected a fitted search, such "
                "as GridSearchCV: call fit first."
            )
        found = estimator.cv_results_
        columns = {name.removeprefix("param_"): found[name] for name in found if name.startswith("param_")}
        return cls({**columns, "mean_score": found["mean_test_score"], "std_score": found["std_test_score"]})

    def plot(self, ax: Sequence[Axes] | None = None) -> TuningDisplay:
        """Draw on the given axes, one for each parameter that varies, or on a new figure."""
        n = len(self.values)
        across = n
        if ax is None:
            down = -(-n // _PER_LINE)
            across = -(-n // down)
            figure = new_figure(SINGLE if across == 1 else DOUBLE, 0.5 + 2.2 * down)
            grid = figure.subplots(down, across, sharey=True, squeeze=False).ravel()
            for spare in grid[n:]:
                spare.set_axis_off()
            ax = list(grid[:n])
        self._several(ax, n, f"one for each of {list(self.values)}")
        for i, (axes, name) in enumerate(zip(self.ax_, self.values, strict=True)):
            self._panel(axes, name)
            finish(
                axes,
                xlabel=drawn_name(str(name).replace("_", " ")),
                ylabel="" if i % across else self.ylabel,
                grid="y",
            )
            self._ticks(axes, [drawn_name(_shown(value)) for value in self.values[name]])
        handles, labels = self.ax_[0].get_legend_handles_labels()
        legend = self.figure_.legend if len(self.ax_) > 1 else self.ax_[0].legend
        place: dict[str, Any] = (
            {"loc": "outside upper left"}
            if len(self.ax_) > 1
            else {"loc": "lower left", "bbox_to_anchor": (-0.1, 1.01), "borderaxespad": 0.0}
        )
        columns = 4 if len(self.ax_) > 1 else 2
        legend(handles, labels, ncols=columns, fontsize=TEXT_SIZE, frameon=False, **place)
        return self

    def _ticks(self, axes: Axes, shown: list[str]) -> None:
        # The final layout, which comes later, makes a panel about a quarter wider.
        width = 1.25 * axes.get_window_extent().width / self.figure_.dpi
        turned = len(shown) * (max(map(len, shown)) + 1) * _INCHES_A_LETTER > width
        axes.set_xticks(
            range(len(shown)), shown, rotation=35 if turned else 0, ha="right" if turned else "center"
        )
        axes.set_xlim(-0.5, len(shown) - 0.5)

    def _panel(self, axes: Axes, name: str) -> None:
        values = self.values[name]
        place = np.array([values.index(row[name]) for row in self.rows])
        score = np.array([row[self.score] for row in self.rows], dtype=np.float64)
        # A regular scatter about the value's place, which needs no seed and is always the same.
        beside = ((np.arange(place.size) * 0.618) % 1.0 - 0.5) * 0.3
        axes.scatter(place + beside, score, s=8, color=COLOURS["pale"], linewidths=0, label="combination")
        best = [self.sign * (self.sign * score[place == i]).max() for i in range(len(values))]
        median = [np.median(score[place == i]) for i in range(len(values))]
        axes.plot(median, color=COLOURS["blue"], linestyle="--", linewidth=1.1, label="median of the value")
        axes.plot(
            best, color=COLOURS["vermilion"], linewidth=1.3, marker="o", ms=3.5, label="best of the value"
        )
        chosen: dict[str, Any] = {"color": COLOURS["black"], "marker": "D", "ms": 5, "linestyle": "none"}
        axes.errorbar(
            values.index(self.best[name]),
            self.best[self.score],
            self.best.get(self.spread),
            capsize=2,
            mfc="none",
            label="best of all",
            **chosen,
        )


def _rows(results: Any) -> list[dict[str, Any]]:
    if not isinstance(results, Mapping):
        return [dict(row) for row in results]
    lengths = {name: len(column) for name, column in results.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"Got columns of lengths {lengths}, but expected as many values in each.")
    return [dict(zip(results, row, strict=True)) for row in zip(*results.values(), strict=True)]


def _distinct(values: list[Any]) -> list[Any]:
    """Return the values that differ: numbers in order, others as they came."""
    seen: list[Any] = []
    for value in values:
        if value not in seen:
            seen.append(value)
    numbers = all(
        isinstance(value, (int, float, np.number)) and not isinstance(value, bool) for value in seen
    )
    return sorted(seen) if numbers else seen


def _shown(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return "-".join(map(str, value))
    return f"{value:.4g}" if isinstance(value, (float, np.floating)) else str(value)
