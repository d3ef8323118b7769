"""A threshold from conformal p-values: a false-alarm rate with a finite-sample guarantee."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from iotae._typing import Float64, State
from iotae._validation import check_alpha, check_finite_score, check_finite_scores
from iotae._validation.schema import Number, Record, check, refuse
from iotae.thresholds.base import Threshold
from iotae.thresholds.window import ScoreWindow

__all__ = ["ConformalThreshold"]

_MOST = 100_000
"""Scores kept by default at most; for a smaller ``alpha`` than one in so many, give a larger ``window``."""


def _least_window(alpha: float) -> float:
    """Scores that it takes for a p-value of ``alpha``."""
    return round(1.0 / alpha, 9) - 1.0


def _check_window(data: State, place: str) -> None:
    least = _least_window(data["alpha"])
    if data["window"]["size"] < least:
        raise refuse(data["window"]["size"], f"{place}.window.size", f"at least {least:g}, by its alpha")


class ConformalThreshold(Threshold):
    """Alarm when the conformal p-value of a score is at most ``alpha``.

    A conformal p-value is the rank of a score among calibration scores: the share of them, its own counted
    in, that are at least as high.

    Guarantee: a normal row that is exchangeable with the calibration rows (their order tells nothing: any
    order is equally likely), none of which the detector learned from, is an alarm with probability at most
    ``alpha`` (Vovk et al., 2005). The guarantee does not hold where the stream drifts or depends on its past.
    Scores of alarms stay in the window: leaving them out would bias it downwards and raise the false-alarm
    rate.

    Parameters
    ----------
    alpha : float, in (0, 1)
        The share of the calibration scores that lie above the threshold: the false-alarm rate where the
        calibration rows are normal. No alarm is possible before ``1 / alpha - 1`` scores were seen.
    window : int, optional
        How many of the latest scores are the calibration scores; by default ``20 / alpha``, at least 1,000
        and at most 100,000.

    Examples
    --------
    >>> import numpy as np
    >>> cut = ConformalThreshold(alpha=0.05).fit(np.arange(99.0))
    >>> cut.p_value(95.0), cut.classify(95.0), cut.classify(94.0)
    (0.05, True, False)
    """

    SCHEMA: ClassVar[Record] = Record(
        {"alpha": Number(0.0, 1.0, inner=True), "window": ScoreWindow.SCHEMA}, (_check_window,)
    )

    def __init__(self, alpha: float = 0.01, window: int | None = None) -> None:
        self.alpha = check_alpha(alpha)
        self._window = ScoreWindow(int(min(max(1000, 20 / alpha), _MOST)) if window is None else window)
        if self._window.size < _least_window(self.alpha):
            raise ValueError(
                f"Got window={window!r} with alpha={alpha!r}, but expected at least 1 / alpha - 1 scores: "
                "with fewer no p-value is small enough for an alarm."
            )

    def fit(self, scores: ArrayLike) -> ConformalThreshold:
        """Calibrate on ``scores`` (n,) of rows that the detector did not learn from."""
        self._window.fill(check_finite_scores(scores))
        return self

    def update(self, score: float) -> None:
        """Add one more score to the calibration."""
        self._window.push(check_finite_score(score))

    def update_many(self, scores: ArrayLike) -> Float64:
        """Add scores (n,) in order; the thresholds (n + 1,) before each of them and after the last."""
        values = np.asarray(scores, np.float64)
        return self._window.push_many(check_finite_scores(values).tolist() if values.size else [], self.alpha)

    @property
    def threshold(self) -> float:
        """The threshold that classifies as the p-value does; infinity while no alarm is possible."""
        return self._window.cut(self.alpha)

    def p_value(self, scores: ArrayLike) -> Any:
        """``(1 + #{calibration scores >= score}) / (n + 1)``: a float, or an array for an array."""
        return self._window.p_value(scores)

    def score_of(self, p_value: float) -> float:
        """The lowest score whose p-value is at most ``p_value``; NaN before any score was seen.

        Where the calibration scores are too few for so small a p-value, just above the highest of them.

        Examples
        --------
        >>> cut = ConformalThreshold(alpha=0.05).fit([1.0, 2.0, 3.0, 4.0])
        >>> round(cut.score_of(0.6), 9), cut.p_value(cut.score_of(0.6)), round(cut.score_of(0.001), 9)
        (2.0, 0.6, 4.0)
        """
        return self._window.score_of(p_value)

    def to_state(self) -> State:
        """Everything needed to continue, as arrays and numbers."""
        return {"alpha": self.alpha, "window": self._window.to_state()}

    @classmethod
    def from_state(cls, data: State) -> ConformalThreshold:
        """Rebuild from :meth:`to_state`; ``StateError`` if the state is not as such a threshold's."""
        check(data, cls.SCHEMA)
        restored = cls(data["alpha"], data["window"]["size"])
        restored._window = ScoreWindow.from_state(data["window"])
        return restored
