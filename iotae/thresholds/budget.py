"""An alert budget: at most so many alarms in so many rows, whatever the data do."""

from __future__ import annotations

from collections import deque
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from iotae._typing import State
from iotae._validation import check_count, check_finite_score
from iotae.thresholds.base import Threshold, classify_in_order
from iotae.thresholds.window import ScoreWindow

__all__ = ["AlertBudget"]

_CEILING = 0.5
"""The level goes no higher: a score of the lower half is no alarm, however quiet the stream has been."""


class AlertBudget(Threshold):
    """Alarm on the rarest scores, never more than ``alerts`` times in any ``rows`` consecutive rows.

    Guarantee: among any ``rows`` consecutive rows at most ``alerts`` are alarms, whatever the data do,
    drift and attacks included. Nothing is promised about which rows these are, so about false alarms:
    on normal rows the budget is spent on normal rows.

    Under this limit works adaptive conformal inference (Gibbs and Candès, 2021). A row wants an alarm
    where its conformal p-value is at most ``level``; the level falls by ``gamma * (1 - alpha)`` when a
    row does and rises by ``gamma * alpha`` when it does not, alpha being ``alerts / rows``. Of the first
    T rows, on any sequence, a share of at most ``alpha + (alpha + gamma) / (gamma T)`` wants an alarm; as
    long as the level has not met its ceiling of one half, the share is within
    ``(max(alpha, 1 - alpha) + gamma) / (gamma T)`` of alpha on both sides. The limit then drops those that
    come when the budget is spent: about one in five on a quiet stream for 10 alerts, one in two for 1.

    Parameters
    ----------
    alerts : int, at least 1
        How many alarms you can look at.
    rows : int, at least ``2 * alerts``
        In how many rows, e.g. the rows of a day.
    window : int, optional
        How many of the latest scores make up the p-values; by default five for each alarm that they
        should allow, at least 1,000.
    gamma : float, optional
        Step of the level, by default ``alpha / 10``: larger follows a drift sooner and is less steady.

    Attributes
    ----------
    level : float
        The p-value up to which a row wants an alarm, in (-gamma, 0.5].

    Examples
    --------
    >>> scores = np.random.default_rng(0).normal(size=5000) + np.arange(5000) / 500
    >>> alarms = AlertBudget(alerts=5, rows=500).classify(scores)
    >>> int(max(alarms[i : i + 500].sum() for i in range(4500)))
    5
    """

    def __init__(
        self, alerts: int = 10, rows: int = 1000, window: int | None = None, gamma: float | None = None
    ) -> None:
        self.alerts, self.rows = check_count("alerts", alerts, 1), check_count("rows", rows, 1)
        if 2 * alerts > rows:
            raise ValueError(f"Got alerts={alerts} in rows={rows}, but expected at most half as many alerts.")
        self.alpha = self.alerts / self.rows
        self.gamma = self.alpha / 10 if gamma is None else gamma
        if not (isinstance(self.gamma, (int, float, np.number)) and 0.0 < self.gamma < 1.0):
            raise ValueError(f"Got gamma={gamma!r}, but expected a number in (0, 1), e.g. 0.001.")
        self.level = self.alpha
        self._n_rows = 0
        self._alarms: deque[int] = deque(maxlen=self.alerts)
        self._window = ScoreWindow(max(1000, int(5 / self.alpha)) if window is None else window)

    def fit(self, scores: ArrayLike) -> AlertBudget:
        """Make ``scores`` (n,) the window, with a whole budget to spend."""
        self._window.fill(scores)
        self.level = self.alpha
        self._n_rows = 0
        self._alarms.clear()
        return self

    @property
    def spent(self) -> bool:
        """Whether the next row can be no alarm, because the budget of the latest rows is spent."""
        return len(self._alarms) == self.alerts and self._n_rows - self._alarms[0] < self.rows

    @property
    def threshold(self) -> float:
        """The cut of the next row; infinity while the budget is spent."""
        return float("inf") if self.spent else self._window.cut(self.level)

    def classify(self, scores: ArrayLike) -> Any:
        """Whether a score is an alarm; an array is the next rows, in order, so that the budget holds."""
        return classify_in_order(self, scores)

    def update(self, score: float) -> None:
        """Take one more score into the window, and its alarm, if it is one, out of the budget."""
        value = check_finite_score(score)
        wanted = value > self._window.cut(self.level)
        if wanted and not self.spent:
            self._alarms.append(self._n_rows)
        self.level = min(self.level + self.gamma * (self.alpha - wanted), _CEILING)
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
        """Rebuild from :meth:`to_state`."""
        restored = cls(data["alerts"], data["rows"], gamma=data["gamma"])
        restored.level, restored._n_rows = data["level"], data["n_rows"]
        restored._alarms.extend(data["alarms"].tolist())
        restored._window = ScoreWindow.from_state(data["window"])
        return restored
