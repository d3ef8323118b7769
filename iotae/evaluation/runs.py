"""The results of a prequential run: each row's score, alarm and times, and their evaluation."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from iotae._typing import Bool, Float64, Int64
from iotae.evaluation.report import Evaluation, evaluate

__all__ = ["Prequential", "StreamDetector"]


class StreamDetector(Protocol):
    """The methods that a prequential run calls: River's two, and ``classify(score)`` where there is one."""

    def score_one(self, x: Any, /) -> float:
        """Return the row's anomaly score and change nothing."""

    def learn_one(self, x: Any, /) -> object:
        """Learn from the row."""


@dataclass(frozen=True, eq=False)
class Prequential:
    """The results of a prequential run, row by row; see :func:`~iotae.evaluation.prequential`.

    Parameters
    ----------
    scores : ndarray of float64, shape (n,)
        Each row's score, given before the row was learned.
    labels : ndarray of int64, shape (n,)
        1 for an anomaly, 0 for a normal row.
    predicted : ndarray of bool, shape (n,), or None
        The model's own alarms; None if it has no ``classify``.
    score_seconds, learn_seconds : ndarray of float64, shape (n,)
        Time each row took in ``score_one`` and in ``learn_one``.
    warm_up : int
        Rows at the start, of each group where there are groups, left out of :attr:`after_warm_up`.
    models : dict
        The trained models: one for each group, or one under None.
    groups : ndarray of object, shape (n,), or None
        Each row's group; None if one model saw all rows.
    """

    scores: Float64
    labels: Int64
    predicted: Bool | None
    score_seconds: Float64
    learn_seconds: Float64
    warm_up: int
    models: dict[Hashable, StreamDetector]
    groups: NDArray[np.object_] | None = None

    @property
    def evaluation(self) -> Evaluation:
        """Evaluation over all rows."""
        return self._of(np.ones(self.labels.size, dtype=np.bool_))

    @property
    def warmed_up(self) -> Bool:
        """Whether each row (n,) comes after its model's warm-up."""
        places = np.empty(self.labels.size, dtype=np.int64)
        for rows in self._rows_by_group().values():
            places[rows] = np.arange(rows.size)
        return np.asarray(places >= self.warm_up)

    @property
    def after_warm_up(self) -> Evaluation | None:
        """Evaluation over the rows after the warm-up; None if the stream ended within it."""
        rest = self.warmed_up
        return self._of(rest) if rest.any() else None

    @property
    def by_group(self) -> dict[Hashable, Evaluation]:
        """Evaluation of each model over its own rows; the scores of two models may differ in scale."""
        return {name: self._of(rows) for name, rows in self._rows_by_group().items()}

    def _of(self, rows: NDArray[Any]) -> Evaluation:
        predicted = None if self.predicted is None else self.predicted[rows]
        return evaluate(self.labels[rows], self.scores[rows], predicted=predicted)

    def _rows_by_group(self) -> dict[Hashable, Int64]:
        if self.groups is None:
            return {None: np.arange(self.labels.size)}
        rows: dict[Hashable, list[int]] = {name: [] for name in self.models}
        for row, name in enumerate(self.groups.tolist()):
            rows[name].append(row)
        return {name: np.array(places, dtype=np.int64) for name, places in rows.items()}

    @property
    def microseconds(self) -> dict[str, float]:
        """Median and 99.9th percentile of the microseconds a row took to score and to learn."""
        figures: dict[str, float] = {}
        for name, seconds in (("score", self.score_seconds), ("learn", self.learn_seconds)):
            median, tail = np.quantile(seconds, [0.5, 0.999]) * 1e6
            figures |= {f"{name}_median": float(median), f"{name}_p99.9": float(tail)}
        return figures

    def __str__(self) -> str:
        """Return the evaluation and the times as one aligned table."""
        times = self.microseconds
        lines = [
            str(self.evaluation),
            f"{'':<18}{'median':>10}{'99.9 %':>10}",
            f"{'score, µs a row':<18}{times['score_median']:>10.1f}{times['score_p99.9']:>10.1f}",
            f"{'learn, µs a row':<18}{times['learn_median']:>10.1f}{times['learn_p99.9']:>10.1f}",
        ]
        if self.warm_up:
            lines += [f"after {self.warm_up:,} rows", str(self.after_warm_up or "no row left")]
        return "\n".join(lines)
