"""From scores to alarms: cuts with a stated meaning, for tables and for a stream's recent scores."""

from __future__ import annotations

from bisect import bisect_left, insort
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from iotae.state import State

__all__ = ["ConformalThreshold", "QuantileThreshold"]


class _ScoreWindow:
    """The latest scores, kept in order of time and in order of size."""

    def __init__(self, size: int) -> None:
        if isinstance(size, bool) or not isinstance(size, int) or size < 1:
            raise ValueError(f"Got window={size!r}, but expected a positive number of scores, e.g. 1000.")
        self.size = int(size)
        self.n_seen = 0
        self.ring: list[float] = []
        self.sorted: list[float] = []

    def fill(self, scores: ArrayLike) -> NDArray[np.float64]:
        values = np.asarray(scores, np.float64).ravel()
        if values.size == 0 or not np.isfinite(values).all():
            raise ValueError(
                f"Got {values.size} scores of which {int((~np.isfinite(values)).sum())} are not finite, "
                "but expected at least one, all finite."
            )
        self.ring = values[-self.size :].tolist()
        self.sorted = sorted(self.ring)
        # the next score takes the oldest place
        self.n_seen = len(self.ring)
        return values

    def push(self, score: float) -> None:
        value = float(score)
        if not isfinite(value):
            raise ValueError(f"Got score={score!r}, but expected a finite number.")
        if self.n_seen >= self.size:
            place = self.n_seen % self.size
            del self.sorted[bisect_left(self.sorted, self.ring[place])]
            self.ring[place] = value
        else:
            self.ring.append(value)
        insort(self.sorted, value)
        self.n_seen += 1

    def p_value(self, scores: ArrayLike) -> Any:
        n = len(self.sorted)
        if isinstance(scores, float):
            return (1 + n - bisect_left(self.sorted, scores)) / (n + 1)
        below = np.searchsorted(np.asarray(self.sorted), np.asarray(scores, np.float64), side="left")
        return (1 + n - below) / (n + 1)

    def to_state(self) -> State:
        return {"size": self.size, "n_seen": self.n_seen, "ring": np.array(self.ring)}

    @classmethod
    def from_state(cls, data: State) -> _ScoreWindow:
        made = cls(data["size"])
        made.n_seen = data["n_seen"]
        made.ring = data["ring"].tolist()
        made.sorted = sorted(made.ring)
        return made


def _above(scores: ArrayLike, cut: float) -> Any:
    if isinstance(scores, float):
        return scores > cut
    above: NDArray[np.bool_] = np.asarray(scores, np.float64) > cut
    return bool(above) if above.ndim == 0 else above


class QuantileThreshold:
    """Alarm above the ``1 - contamination`` quantile of the scores seen.

    Guarantee: of the n scores given to :meth:`fit`, at most ``ceil(contamination * (n - 1))`` lie above
    the cut. Nothing is promised for other scores; on a stream the realised alarm rate follows the
    share asked for only as long as the scores of the last ``window`` rows look like the next one.

    Parameters
    ----------
    contamination : float, in (0, 1)
        Share of the scores to lie above the cut. PyOD's name; a stream's ``alpha``.
    window : int, at least 1
        How many of the latest scores :meth:`update` remembers.

    Attributes
    ----------
    threshold : float
        The cut on the scale of the scores; infinity before any score was seen.

    Examples
    --------
    >>> cut = QuantileThreshold(contamination=0.1).fit(np.arange(100.0))
    >>> round(cut.threshold, 1)
    89.1
    >>> int(cut.classify(np.arange(100.0)).sum())
    10
    """

    def __init__(self, contamination: float = 0.1, window: int = 1000) -> None:
        if not (isinstance(contamination, (int, float, np.number)) and 0.0 < contamination < 1.0):
            raise ValueError(
                f"Got contamination={contamination!r}, but expected a number in (0, 1): "
                "the share of rows you expect to be anomalous, e.g. contamination=0.1."
            )
        self.contamination = float(contamination)
        self.threshold = float("inf")
        self._window = _ScoreWindow(window)

    def fit(self, scores: ArrayLike) -> QuantileThreshold:
        """Set the cut from ``scores`` (n,); the latest of them become the window.

        Raises
        ------
        ValueError
            If there are no scores, or if one is not finite.
        """
        values = self._window.fill(scores)
        self.threshold = float(np.quantile(values, 1.0 - self.contamination))
        return self

    def update(self, score: float) -> None:
        """Take one more score into the window and move the cut.

        Raises
        ------
        ValueError
            If the score is not finite.
        """
        self._window.push(score)
        # NumPy's linear interpolation, on the list that is kept sorted
        ordered = self._window.sorted
        position = (len(ordered) - 1) * (1.0 - self.contamination)
        low = int(position)
        high = min(low + 1, len(ordered) - 1)
        self.threshold = ordered[low] + (ordered[high] - ordered[low]) * (position - low)

    def classify(self, scores: ArrayLike) -> Any:
        """Whether each score lies above the cut: a bool for a number, else an array of bool."""
        return _above(scores, self.threshold)

    def p_value(self, scores: ArrayLike) -> Any:
        """Share of the window's scores, the row itself counted in, that are at least as high."""
        return self._window.p_value(scores)

    def to_state(self) -> State:
        """Everything needed to continue, as arrays and numbers."""
        return {
            "contamination": self.contamination,
            "threshold": np.array(self.threshold),
            "window": self._window.to_state(),
        }

    @classmethod
    def from_state(cls, data: State) -> QuantileThreshold:
        """Rebuild from :meth:`to_state`."""
        made = cls(data["contamination"])
        made.threshold = float(data["threshold"])
        made._window = _ScoreWindow.from_state(data["window"])
        return made


class ConformalThreshold:
    """Alarm when the conformal p-value of a score is at most ``alpha``.

    Guarantee: a normal row that is exchangeable with the calibration rows, none of which the scorer
    learned from, is an alarm with probability at most ``alpha`` (Vovk et al., 2005). Nothing is
    promised where the stream drifts or depends on its past. Scores of alarms stay in the window:
    leaving them out would bias it downwards and raise the false-alarm rate.

    Parameters
    ----------
    alpha : float, in (0, 1)
        False-alarm rate. No alarm is possible before ``1 / alpha - 1`` scores were seen.
    window : int, optional
        How many of the latest scores make up the calibration; by default twenty for each alarm
        that they should allow, at least 1,000.

    Examples
    --------
    >>> cut = ConformalThreshold(alpha=0.05).fit(np.arange(99.0))
    >>> cut.p_value(95.0), cut.classify(95.0), cut.classify(94.0)
    (0.05, True, False)
    """

    def __init__(self, alpha: float = 0.01, window: int | None = None) -> None:
        if not (isinstance(alpha, (int, float, np.number)) and 0.0 < alpha < 1.0):
            raise ValueError(
                f"Got alpha={alpha!r}, but expected a number in (0, 1): "
                "the false-alarm rate you can live with, e.g. alpha=0.01."
            )
        self.alpha = float(alpha)
        self._window = _ScoreWindow(max(1000, int(20 / alpha)) if window is None else window)
        if self._window.size < round(1.0 / self.alpha, 9) - 1.0:
            raise ValueError(
                f"Got window={window!r} with alpha={alpha!r}, but expected at least 1 / alpha - 1 scores: "
                "with fewer no p-value is small enough for an alarm."
            )

    def fit(self, scores: ArrayLike) -> ConformalThreshold:
        """Calibrate on ``scores`` (n,) of rows that the scorer did not learn from."""
        self._window.fill(scores)
        return self

    def update(self, score: float) -> None:
        """Take one more score into the calibration."""
        self._window.push(score)

    @property
    def threshold(self) -> float:
        """The cut that says the same as the p-value; infinity while no alarm is possible."""
        ordered = self._window.sorted
        # a relative nudge: 0.05 * 100 must count as 5 and not as 4.999...
        spared = int(self.alpha * (len(ordered) + 1) * (1 + 1e-12)) - 1
        return ordered[len(ordered) - 1 - spared] if spared >= 0 else float("inf")

    def classify(self, scores: ArrayLike) -> Any:
        """Whether each p-value is at most ``alpha``: a bool for a number, else an array of bool."""
        return _above(scores, self.threshold)

    def p_value(self, scores: ArrayLike) -> Any:
        """``(1 + #{calibration scores >= score}) / (n + 1)``: a float, or an array for an array."""
        return self._window.p_value(scores)

    def to_state(self) -> State:
        """Everything needed to continue, as arrays and numbers."""
        return {"alpha": self.alpha, "window": self._window.to_state()}

    @classmethod
    def from_state(cls, data: State) -> ConformalThreshold:
        """Rebuild from :meth:`to_state`."""
        made = cls(data["alpha"])
        made._window = _ScoreWindow.from_state(data["window"])
        return made
