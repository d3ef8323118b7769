"""Online control of the false discovery rate: the share of false alarms among the alarms."""

from __future__ import annotations

from typing import Any, ClassVar

from numpy.typing import ArrayLike

from iotae._typing import State
from iotae._validation import check_count, check_finite_score, check_finite_scores, check_share
from iotae._validation.schema import Number, Record, Whole, check, refuse
from iotae.thresholds.base import Threshold, classify_in_order
from iotae.thresholds.window import ScoreWindow

__all__ = ["OnlineFDR"]


def _least_window(fdr: float, horizon: int) -> float:
    """Scores that it takes for the smallest p-value that can be an alarm."""
    return round(horizon / fdr, 9) - 1.0


def _check_window(data: State, place: str) -> None:
    if ("fdr" in data) == ("alpha" in data):
        raise refuse(data, place, "one that has either fdr or, from version 0.1, alpha")
    least = _least_window(data["fdr"] if "fdr" in data else data["alpha"], data["horizon"])
    if data["window"]["size"] < least:
        raise refuse(
            data["window"]["size"], f"{place}.window.size", f"at least {least:g}, by fdr and horizon"
        )


class OnlineFDR(Threshold):
    """Alarm so that few of the alarms are false: LORD++ with an allowance that is renewed.

    Guarantee: of the first T rows, with V false alarms among R alarms, E[V] <= fdr (E[R] + T / horizon).
    It holds if, given the past, the p-value of a normal row is at most u with probability at most u. The
    p-values of rows that are exchangeable with the calibration rows (any order of them is equally likely)
    come close to that; they share one calibration, whose sampling error remains. The guarantee does not hold
    under drift. Outliers among the calibration rows make fewer alarms.

    The level of a row, up to which its p-value is an alarm, is fdr times ``1 / horizon``, plus fdr times
    ``(1 - r) r**(k - 1)`` for each alarm k rows ago, with r = 1 - 1 / reach. The levels of T rows add up to
    at most fdr (R + T / horizon), from which the guarantee follows. LORD++ (Ramdas et al., 2017) spends one
    allowance over the whole stream, so its level falls towards 0 in a long stream without alarms (Rebjock et
    al., 2021). Here the allowance is renewed every ``horizon`` rows. Any weights that add up to 1 for an
    alarm give the guarantee; with geometric weights one number holds the whole history of alarms.

    The first ``window`` scores, or those given to :meth:`fit`, are the calibration scores and stay so. In a
    moving window, alarms would have to be kept: without them it would be biased downwards. With them, no
    p-value would be small enough where more than one row in ``horizon / fdr`` is anomalous.

    Parameters
    ----------
    fdr : float, in (0, 1)
        The false discovery rate: the share of false alarms among the alarms.
    horizon : int, at least 2
        Number of normal rows in which ``fdr`` false alarms are accepted. No alarm is possible before
        ``horizon / fdr`` scores.
    window : int, optional
        Number of calibration scores, by default ``2 * horizon / fdr``.
    reach : int, at least 2
        Number of rows over which an alarm raises the level of the next rows.

    Attributes
    ----------
    level : float
        The p-value up to which the next row is an alarm, in (0, fdr].

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> cut = OnlineFDR(fdr=0.1).fit(rng.normal(size=20_000))
    >>> scores = np.append(rng.normal(size=1000), [6.0, 3.5, 6.0])
    >>> np.flatnonzero(cut.classify(scores)).tolist()
    [1000, 1001, 1002]
    """

    SCHEMA: ClassVar[Record] = Record(
        {
            "fdr": Number(0.0, 1.0, inner=True),
            "alpha": Number(0.0, 1.0, inner=True),
            "horizon": Whole(2),
            "reach": Whole(2),
            "earned": Number(0.0, 1.0),
            "window": ScoreWindow.SCHEMA,
        },
        (_check_window,),
        frozenset({"fdr", "alpha"}),
    )

    def __init__(
        self, fdr: float = 0.1, horizon: int = 1000, window: int | None = None, reach: int = 100
    ) -> None:
        self.fdr = check_share("fdr", fdr, meaning="the share of false alarms among the alarms, e.g. fdr=0.1")
        self.horizon, self.reach = check_count("horizon", horizon, 2), check_count("reach", reach, 2)
        self._window = ScoreWindow(int(2 * horizon / fdr) if window is None else window)
        if self._window.size < _least_window(self.fdr, self.horizon):
            raise ValueError(
                f"Got window={window!r} with fdr={fdr!r} and horizon={horizon}, but expected at least "
                "horizon / fdr - 1 scores: with fewer no p-value is small enough for an alarm."
            )
        self._earned = 0.0

    @property
    def level(self) -> float:
        """The p-value up to which the next row is an alarm."""
        return min(self.fdr * (1.0 / self.horizon + self._earned), self.fdr)

    @property
    def threshold(self) -> float:
        """The threshold of the next row; infinity while no alarm is possible."""
        return self._window.cut(self.level)

    def fit(self, scores: ArrayLike) -> OnlineFDR:
        """Calibrate on ``scores`` (n,) of rows that the detector did not learn from; forget all alarms."""
        self._window.fill(check_finite_scores(scores))
        self._earned = 0.0
        return self

    def update(self, score: float) -> None:
        """Move the level by whether this score is an alarm; calibrate with it until the window is full."""
        value = check_finite_score(score)
        alarm = value > self.threshold
        self._earned += (alarm - self._earned) / self.reach
        if len(self._window) < self._window.size:
            self._window.push(value)

    def classify(self, scores: ArrayLike) -> Any:
        """Whether a score is an alarm; an array is the next rows, in order, each of which moves the level."""
        return classify_in_order(self, scores)

    def p_value(self, scores: ArrayLike) -> Any:
        """``(1 + #{calibration scores >= score}) / (n + 1)``: a float, or an array for an array."""
        return self._window.p_value(scores)

    def to_state(self) -> State:
        """Everything needed to continue, as arrays and numbers."""
        return {
            "fdr": self.fdr,
            "horizon": self.horizon,
            "reach": self.reach,
            "earned": self._earned,
            "window": self._window.to_state(),
        }

    @classmethod
    def from_state(cls, data: State) -> OnlineFDR:
        """Rebuild from :meth:`to_state`; ``StateError`` if the state is not as such a threshold's."""
        check(data, cls.SCHEMA)
        # version 0.1 called it alpha
        fdr = data["fdr"] if "fdr" in data else data["alpha"]
        restored = cls(fdr, data["horizon"], data["window"]["size"], data["reach"])
        restored._earned = data["earned"]
        restored._window = ScoreWindow.from_state(data["window"])
        return restored
