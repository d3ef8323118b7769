"""Online control of the share of false alarms among the alarms."""

from __future__ import annotations

from typing import Any

from numpy.typing import ArrayLike

from iotae._typing import State
from iotae._validation import check_alpha, check_count, check_finite_score
from iotae.thresholds.base import Threshold, classify_in_order
from iotae.thresholds.window import ScoreWindow

__all__ = ["OnlineFDR"]


class OnlineFDR(Threshold):
    """Alarm so that few of the alarms are false: LORD++ with an allowance that is renewed.

    Guarantee: of the first T rows, with V false alarms among R alarms, E[V] <= alpha (E[R] + T / horizon),
    if the p-value of a normal row is, given the past, at most u with probability at most u. Conformal
    p-values are so for rows exchangeable with the calibration, but for what the one shared calibration
    errs. Nothing is promised under drift, and outliers in the calibration cost alarms.

    The level of a row is alpha times ``1 / horizon``, plus ``(1 - r) r**(k - 1)`` for each alarm k rows
    ago, with r = 1 - 1 / reach: the levels of T rows add up to at most alpha (R + T / horizon), which is
    the guarantee. LORD++ (Ramdas et al., 2017) has one allowance for ever, so that its level dies out in a
    long quiet stream (Rebjock et al., 2021); here it is renewed every ``horizon`` rows. Its weights may
    be any that add up to 1 for an alarm; geometric ones make the whole history of alarms one number, so
    the bounded memory costs nothing of the guarantee.

    The first ``window`` scores, or those given to :meth:`fit`, are the calibration and stay so. Did the
    window move, alarms would have to stay in it, and where more than one row in ``horizon / alpha`` is
    anomalous no p-value would be small enough; left out, they would bias it downwards.

    Parameters
    ----------
    alpha : float, in (0, 1)
        Share of false alarms among the alarms.
    horizon : int, at least 2
        Rows that may hold alpha false alarms although nothing happens. No alarm is possible before
        ``horizon / alpha`` scores.
    window : int, optional
        Scores of the calibration, by default ``2 * horizon / alpha``.
    reach : int, at least 2
        Rows over which an alarm makes the next one easier.

    Attributes
    ----------
    level : float
        The p-value up to which the next row is an alarm, in (0, alpha].

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> cut = OnlineFDR(alpha=0.1).fit(rng.normal(size=20_000))
    >>> scores = np.append(rng.normal(size=1000), [6.0, 3.5, 6.0])
    >>> np.flatnonzero(cut.classify(scores)).tolist()
    [1000, 1001, 1002]
    """

    def __init__(
        self, alpha: float = 0.1, horizon: int = 1000, window: int | None = None, reach: int = 100
    ) -> None:
        self.alpha = check_alpha(alpha)
        self.horizon, self.reach = check_count("horizon", horizon, 2), check_count("reach", reach, 2)
        self._window = ScoreWindow(int(2 * horizon / alpha) if window is None else window)
        if self._window.size < round(horizon / self.alpha, 9) - 1.0:
            raise ValueError(
                f"Got window={window!r} with alpha={alpha!r} and horizon={horizon}, but expected at least "
                "horizon / alpha - 1 scores: with fewer no p-value is small enough for an alarm."
            )
        self._earned = 0.0

    @property
    def level(self) -> float:
        """The p-value up to which the next row is an alarm."""
        return min(self.alpha * (1.0 / self.horizon + self._earned), self.alpha)

    @property
    def threshold(self) -> float:
        """The cut of the next row; infinity while no alarm is possible."""
        return self._window.cut(self.level)

    def fit(self, scores: ArrayLike) -> OnlineFDR:
        """Calibrate on ``scores`` (n,) of rows that the scorer did not learn from; forget all alarms."""
        self._window.fill(scores)
        self._earned = 0.0
        return self

    def update(self, score: float) -> None:
        """Move the level by whether this score is an alarm; take it in while the calibration is not full."""
        value = check_finite_score(score)
        alarm = value > self.threshold
        self._earned += (alarm - self._earned) / self.reach
        if len(self._window) < self._window.size:
            self._window.push(value)

    def classify(self, scores: ArrayLike) -> Any:
        """Whether a score is an alarm; an array is the next rows, in order, so that the levels move."""
        return classify_in_order(self, scores)

    def p_value(self, scores: ArrayLike) -> Any:
        """``(1 + #{calibration scores >= score}) / (n + 1)``: a float, or an array for an array."""
        return self._window.p_value(scores)

    def to_state(self) -> State:
        """Everything needed to continue, as arrays and numbers."""
        return {
            "alpha": self.alpha,
            "horizon": self.horizon,
            "reach": self.reach,
            "earned": self._earned,
            "window": self._window.to_state(),
        }

    @classmethod
    def from_state(cls, data: State) -> OnlineFDR:
        """Rebuild from :meth:`to_state`."""
        restored = cls(data["alpha"], data["horizon"], reach=data["reach"])
        restored._earned = data["earned"]
        restored._window = ScoreWindow.from_state(data["window"])
        return restored
