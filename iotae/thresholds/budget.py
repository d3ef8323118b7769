"""An alert budget: at most a given number of alarms in a given number of rows, whatever the data do."""

from __future__ import annotations

from collections import deque
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from iotae._typing import State
from iotae._validation import check_count, check_finite_score, check_finite_scores, check_share
from iotae._validation.schema import COUNT, Array, Number, Record, Whole, check, refuse
from iotae.thresholds.base import Threshold, classify_in_order
from iotae.thresholds.window import ScoreWindow

__all__ = ["AlertBudget"]

_HIGHEST = 0.5
"""The highest level: a score below the median is never an alarm, however few alarms there were before."""


def _check_alarms(data: State, place: str) -> None:
    if 2 * data["alerts"] > data["rows"]:
        raise refuse(data["alerts"], f"{place}.alerts", "at most half as many as rows")
    alarms = data["alarms"]
    if alarms.size > data["alerts"] or (np.diff(alarms) <= 0).any() or (alarms >= data["n_rows"]).any():
        raise refuse(alarms, f"{place}.alarms", "the numbers of the latest rows that were alarms, in order")


class AlertBudget(Threshold):
    """Alarm on the rarest scores, never more than ``alerts`` times in any ``rows`` consecutive rows.

    Guarantee: among any ``rows`` consecutive rows at most ``alerts`` are alarms, whatever the data do,
    drift and attacks included. There is no guarantee about false alarms: where all rows are normal, all
    alarms are false.

    Below this limit, adaptive conformal inference (Gibbs and Candès, 2021) chooses the candidates: rows
    whose conformal p-value (the rank of their score among the latest scores) is at most ``level``. With
    ``rate = alerts / rows``, the level falls by ``gamma * (1 - rate)`` after a candidate and rises by
    ``gamma * rate`` after any other row. Of the first T rows of any sequence, at most a share of
    ``rate + (rate + gamma) / (gamma T)`` are candidates. As long as the level has not reached its maximum of
    one half, the share differs from the rate by at most ``(max(rate, 1 - rate) + gamma) / (gamma T)``. A
    candidate is no alarm while the budget is spent: on a stationary stream that drops about one in five for
    10 alerts, and one in two for 1.

    Parameters
    ----------
    alerts : int, at least 1
        How many alarms you can look at.
    rows : int, at least ``2 * alerts``
        In how many rows, e.g. the rows of a day.
    window : int, optional
        How many of the latest scores p-values are taken from; by default ``5 / rate``, at least 1,000.
    gamma : float, optional
        Step of the level, by default ``rate / 10``: a larger one follows drift sooner and is less steady.

    Attributes
    ----------
    level : float
        The p-value up to which a row is a candidate, in (-gamma, 0.5].
    rate : float
        ``alerts / rows``.

    Examples
    --------
    >>> scores = np.random.default_rng(0).normal(size=5000) + np.arange(5000) / 500
    >>> alarms = AlertBudget(alerts=5, rows=500).classify(scores)
    >>> int(max(alarms[i : i + 500].sum() for i in range(4500)))
    5
    """

    SCHEMA: ClassVar[Record] = Record(
        {
            "alerts": Whole(1),
            "rows": Whole(1),
            "gamma": Number(0.0, 1.0, inner=True),
            "level": Number(-1.0, _HIGHEST),
            "n_rows": COUNT,
            "alarms": Array(np.int64, "alarms", low=0),
            "window": ScoreWindow.SCHEMA,
        },
        (_check_alarms,),
    )

    def __init__(
        self, alerts: int = 10, rows: int = 1000, window: int | None = None, gamma: float | None = None
    ) -> None:
        self.alerts, self.rows = check_count("alerts", alerts, 1), check_count("rows", rows, 1)
        if 2 * alerts > rows:
            raise ValueError(
                f"Got alerts={alerts} in rows={rows}, but expected at most half as many alerts as rows."
            )
        self.rate = self.alerts / self.rows
        self.gamma = self.rate / 10
        if gamma is not None:
            self.gamma = check_share("gamma", gamma, meaning="the step of the level, e.g. gamma=0.001")
        self.level = self.rate
        self._n_rows = 0
        self._alarms: deque[int] = deque(maxlen=self.alerts)
        self._window = ScoreWindow(max(1000, int(5 / self.rate)) if window is None else window)

    def fit(self, scores: ArrayLike) -> AlertBudget:
        """Make ``scores`` (n,) the window, with the whole budget left."""
        self._window.fill(check_finite_scores(scores))
        self.level = self.rate
        self._n_rows = 0
        self._alarms.clear()
        return self

    @property
    def spent(self) -> bool:
        """Whether the budget of the latest rows is spent, so that the next row cannot be an alarm."""
        return len(self._alarms) == self.alerts and self._n_rows - self._alarms[0] < self.rows

    @property
    def threshold(self) -> float:
        """The threshold of the next row; infinity while the budget is spent."""
        return float("inf") if self.spent else self._window.cut(self.level)

    def classify(self, scores: ArrayLike) -> Any:
        """Whether a score is an alarm; an array is taken as the next rows, in order, and the budget holds."""
        return classify_in_order(self, scores)

    def update(self, score: float) -> None:
        """Add one more score to the window; if it is an alarm, take it from the budget."""
        value = check_finite_score(score)
        candidate = value > self._window.cut(self.level)
        if candidate and not self.spent:
            self._alarms.append(self._n_rows)
        self.level = min(self.level + self.gamma * (self.rate - candidate), _HIGHEST)
        self._window.push(value)
        self._n_rows += 1

    def p_value(self, scores: ArrayLike) -> Any:
        """``(1 + #{scores in the window >= score}) / (n + 1)``: a float, or an array for an array."""
        return self._window.p_value(scores)

    def to_state(self) -> State:
        """Everything needed to continue, as arrays and numbers."""
        return {
            "alerts": self.alerts,
            "rows": self.rows,
            "gamma": self.gamma,
            "level": self.level,
            "n_rows": self._n_rows,
            "alarms": np.array(self._alarms, np.int64),
            "window": self._window.to_state(),
        }

    @classmethod
    def from_state(cls, data: State) -> AlertBudget:
        """Rebuild from :meth:`to_state`; ``StateError`` if the state is not as such a threshold's."""
        check(data, cls.SCHEMA)
        restored = cls(data["alerts"], data["rows"], data["window"]["size"], data["gamma"])
        restored.level, restored._n_rows = data["level"], data["n_rows"]
        restored._alarms.extend(data["alarms"].tolist())
        restored._window = ScoreWindow.from_state(data["window"])
        return restored
