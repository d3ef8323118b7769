"""An alert budget: at most so many alarms in so many rows, or in a day, whatever the data do."""

from __future__ import annotations

import copy
from collections import deque
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from iotae._typing import State
from iotae._validation import check_count, check_finite_score, check_finite_scores, check_share
from iotae._validation.schema import COUNT, Array, Number, Record, Whole, check, refuse
from iotae.thresholds.base import Threshold, classify_in_order
from iotae.thresholds.days import Days
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
    """Alarm on the rarest scores, at most ``alerts`` times in any ``rows`` consecutive rows, or in a day.

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

    With ``per_day`` the budget is one of the rows' own time: at most so many alarms in any 24 hours. Then
    :meth:`classify` and :meth:`update` are given the time of each row, ``at``; a row that comes late counts
    as if it had come with the latest, and ``rate`` follows the rows' pace.

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
    per_day : int, at least 1, optional
        How many alarms you can look at in a day, instead of ``alerts`` and ``rows``. The window is then of
        20,000 scores by default.

    Attributes
    ----------
    level : float
        The p-value up to which a row is a candidate, in (-gamma, 0.5].
    rate : float
        ``alerts / rows``, or the share of the rows that a day's alarms are at the rows' pace.

    Examples
    --------
    >>> scores = np.random.default_rng(0).normal(size=5000) + np.arange(5000) / 500
    >>> alarms = AlertBudget(alerts=5, rows=500).classify(scores)
    >>> int(max(alarms[i : i + 500].sum() for i in range(4500)))
    5
    >>> a_day = AlertBudget(per_day=5).classify(scores, at=60.0 * np.arange(5000))
    >>> int(max(a_day[i : i + 1440].sum() for i in range(3560)))
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
            "days": Days.SCHEMA,
        },
        (_check_alarms,),
        frozenset({"days"}),
    )

    def __init__(
        self,
        alerts: int = 10,
        rows: int = 1000,
        window: int | None = None,
        gamma: float | None = None,
        per_day: int | None = None,
    ) -> None:
        self._days = None if per_day is None else Days(per_day)
        if self._days is not None:
            if (alerts, rows) != (10, 1000):
                raise ValueError(
                    f"Got per_day={per_day} with alerts={alerts} in rows={rows}, but expected one budget: "
                    "leave the others out."
                )
            alerts, rows = self._days.per_day, max(1000, 2 * self._days.per_day)
            window = 20_000 if window is None else window
        self.per_day = per_day
        self.alerts, self.rows = check_count("alerts", alerts, 1), check_count("rows", rows, 1)
        if 2 * alerts > rows:
            raise ValueError(
                f"Got alerts={alerts} in rows={rows}, but expected at most half as many alerts as rows."
            )
        self.rate = self.alerts / self.rows
        self.gamma = self.rate / 10
        if gamma is not None:
            self.gamma = check_share("gamma", gamma, meaning="the step of the level, e.g. gamma=0.001")
        self._keeps_gamma = gamma is not None
        self.level = self.rate if self._days is None else 0.0
        self._n_rows = 0
        self._alarms: deque[int] = deque(maxlen=self.alerts)
        self._window = ScoreWindow(max(1000, int(5 / self.rate)) if window is None else window)

    def fit(self, scores: ArrayLike) -> AlertBudget:
        """Make ``scores`` (n,) the window, with the whole budget left."""
        self._window.fill(check_finite_scores(scores))
        self.level = self.rate
        self._n_rows = 0
        self._alarms.clear()
        if self._days is not None:
            self._days.forget()
        return self

    @property
    def spent(self) -> bool:
        """Whether the budget of the latest rows is spent, so that the next row cannot be an alarm."""
        if self._days is not None:
            return self._days.spent(self._days.now)
        return len(self._alarms) == self.alerts and self._n_rows - self._alarms[0] < self.rows

    @property
    def threshold(self) -> float:
        """The threshold of the next row; infinity while the budget is spent."""
        return float("inf") if self.spent else self._window.cut(self.level)

    def classify(self, scores: ArrayLike, at: Any = None) -> Any:
        """Whether a score is an alarm; an array is taken as the next rows, in order, and the budget holds.

        With ``per_day``, ``at`` is the time of the row, or of each row: datetimes, ISO text or seconds since
        1970.
        """
        if self._days is None:
            self._refuse_time(at)
            return classify_in_order(self, scores)
        if np.ndim(scores) == 0:
            moment = self._days.moment(at)
            return float(np.asarray(scores)) > self._window.cut(self.level) and not self._days.spent(moment)
        ahead, alarms = copy.deepcopy(self), []
        for score, moment in zip(np.asarray(scores, np.float64).tolist(), at, strict=True):
            alarms.append(ahead.classify(score, moment))
            if np.isfinite(score):
                ahead.update(score, moment)
        return np.array(alarms, bool)

    def update(self, score: float, at: Any = None) -> None:
        """Add one more score to the window; if it is an alarm, take it from the budget.

        With ``per_day``, ``at`` is the row's time: a datetime, ISO text or seconds since 1970.
        """
        value = check_finite_score(score)
        candidate = value > self._window.cut(self.level)
        if self._days is None:
            self._refuse_time(at)
            if candidate and not self.spent:
                self._alarms.append(self._n_rows)
            self.level = min(self.level + self.gamma * (self.rate - candidate), _HIGHEST)
        else:
            self._update_day(self._days, candidate, self._days.moment(at))
        self._window.push(value)
        self._n_rows += 1

    def _update_day(self, days: Days, candidate: bool, moment: float) -> None:
        alarm, unknown = candidate and not days.spent(moment), days.pause == 0.0
        share = days.advance(moment)
        if alarm:
            days.note_alarm()
        self.rate = days.rate
        if not self._keeps_gamma:
            self.gamma = self.rate / 10.0
        # the first rows of many devices may all have one time
        first = unknown and days.pause > 0.0
        self.level = self.rate if first else self.level + self.gamma * (share - candidate)
        self.level = min(self.level, _HIGHEST)

    def _refuse_time(self, at: Any) -> None:
        if at is not None:
            raise ValueError(
                f"Got at={at!r:.60} with a budget of {self.alerts} alerts in {self.rows} rows, but expected "
                "no time: make AlertBudget(per_day=...) for a budget of days."
            )

    def __repr__(self) -> str:
        budget = (
            f"alerts={self.alerts}, rows={self.rows}" if self._days is None else f"per_day={self.per_day}"
        )
        return f"AlertBudget({budget}, window={self.window}, gamma={self.gamma})"

    def p_value(self, scores: ArrayLike) -> Any:
        """``(1 + #{scores in the window >= score}) / (n + 1)``: a float, or an array for an array."""
        return self._window.p_value(scores)

    def to_state(self) -> State:
        """Everything needed to continue, as arrays and numbers."""
        kept = {"rate": self.rate, "keeps_gamma": self._keeps_gamma}
        return {
            "alerts": self.alerts,
            "rows": self.rows,
            "gamma": self.gamma,
            "level": self.level,
            "n_rows": self._n_rows,
            "alarms": np.array(self._alarms, np.int64),
            "window": self._window.to_state(),
        } | ({} if self._days is None else {"days": self._days.to_state() | kept})

    @classmethod
    def from_state(cls, data: State) -> AlertBudget:
        """Rebuild from :meth:`to_state`; ``StateError`` if the state is not as such a threshold's."""
        check(data, cls.SCHEMA)
        size, gamma, days = data["window"]["size"], data["gamma"], data.get("days")
        if days is None:
            restored = cls(data["alerts"], data["rows"], size, gamma)
        else:
            restored = cls(window=size, gamma=gamma, per_day=days["per_day"])
            restored._days = Days.from_state(days)
            restored.rate, restored._keeps_gamma = days["rate"], days["keeps_gamma"]
        restored.level, restored._n_rows = data["level"], data["n_rows"]
        restored._alarms.extend(data["alarms"].tolist())
        restored._window = ScoreWindow.from_state(data["window"])
        return restored
