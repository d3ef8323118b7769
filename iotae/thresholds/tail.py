"""A threshold beyond the scores seen, from their fitted tail: peaks over threshold, also under drift."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from iotae._typing import Float64, State
from iotae._validation import check_alpha, check_count, check_finite_score, check_finite_scores
from iotae._validation.schema import COUNT, Array, Number, Record, check, refuse
from iotae.thresholds.base import Threshold
from iotae.thresholds.pareto import excess_at, fit_excesses, survival
from iotae.thresholds.window import ScoreWindow

__all__ = ["TailThreshold"]

_LEAST_PEAKS = 10
"""Peaks that a tail is fitted to at least; with fewer there is no alarm."""

_TRUSTED = 1e-6
"""Below this share of the peaks the tail is not trusted: p-values follow 1 / excess, and still rank."""

_FARTHEST = 1e301
"""Heights in a file are at most this, so that differences and sums of them stay finite."""

_REFITS = 100
"""The tail is fitted again whenever a hundredth of the window is new."""


def _check_history(data: State, place: str) -> None:
    size, depth = data["window"]["size"], data["depth"]
    if not data["alpha"] < data["tail"] < 1.0 or size * data["tail"] < 2 * _LEAST_PEAKS:
        raise refuse(
            data["tail"], f"{place}.tail", f"more than alpha, and {2 * _LEAST_PEAKS} peaks in a window"
        )
    if data["recent"].size > depth:
        raise refuse(data["recent"], f"{place}.recent", f"at most {depth} scores")
    rows, n_seen = data["alarm_rows"], data["window"]["n_seen"]
    if (np.diff(rows) <= 0).any() or (rows < n_seen - size).any() or (rows >= n_seen).any():
        raise refuse(rows, f"{place}.alarm_rows", "numbers of rows in the window, in order")


class TailThreshold(Threshold):
    """Alarm where the fitted tail of the scores leaves a probability of at most ``alpha``.

    Peaks over threshold (Siffer et al., 2017): the excesses over a high quantile nearly follow a generalised
    Pareto distribution, whatever the distribution of the scores. So ``alpha`` may be smaller than one in the
    number of scores seen.

    Guarantee: only in the limit of many scores that are nearly independent, identically distributed over the
    window, and have a tail of that kind. Then a normal row is an alarm with probability close to ``alpha``.
    For a finite number of scores this is no bound, and beyond the largest score the p-value is an
    extrapolation.

    As in SPOT, an alarm's score does not become a peak. Leaving it out would bias the tail downwards, so it
    counts as a score of which only a lower bound is known: the threshold at its time.

    Parameters
    ----------
    alpha : float, in (0, 0.5)
        The share of the calibration scores that lie above the threshold, by their fitted tail: the
        false-alarm rate where the calibration rows are normal.
    window : int, optional
        How many of the latest scores are remembered; by default ``5 / alpha``, at least 2,000 and at most
        20,000.
    tail : float, optional
        Share of the scores that are peaks, more than ``alpha``; by default 0.1 or ``2 * alpha`` if larger.
    depth : int
        For drift (DSPOT): scores are judged by how far they lie above the mean of the ``depth`` scores
        before; in that mean, too, an alarm counts as the threshold at its time. 0 judges scores as they are.

    Examples
    --------
    >>> scores = np.random.default_rng(0).exponential(size=2000)
    >>> cut = TailThreshold(alpha=1e-4).fit(scores)
    >>> bool(scores.max() < cut.threshold), round(cut.threshold, 1)
    (True, 9.9)
    """

    SCHEMA: ClassVar[Record] = Record(
        {
            "alpha": Number(0.0, 1.0, inner=True),
            "tail": Number(0.0, 1.0, inner=True),
            "depth": COUNT,
            "window": ScoreWindow.SCHEMA,
            "recent": Array(np.float64, "recent scores", low=-_FARTHEST, high=_FARTHEST),
            "centre": Number(-_FARTHEST, _FARTHEST),
            "alarm_rows": Array(np.int64, "alarms", low=0),
            "alarm_cuts": Array(np.float64, "alarms", low=-_FARTHEST, high=_FARTHEST),
            "fitted": Array(
                np.float64,
                4,
                low=[0.0, -_FARTHEST, -1.0, np.finfo(np.float64).tiny],
                high=[1.0, np.inf, 1.0, _FARTHEST],
            ),
            "cut": Array(np.float64, high=np.inf),
        },
        (_check_history,),
    )

    def __init__(
        self, alpha: float = 0.001, window: int | None = None, tail: float | None = None, depth: int = 0
    ) -> None:
        self.alpha = check_alpha(alpha)
        self.tail = max(0.1, 2.0 * self.alpha) if tail is None else tail
        if not (isinstance(self.tail, (int, float, np.number)) and self.alpha < self.tail < 1.0):
            raise ValueError(
                f"Got tail={tail!r} with alpha={alpha!r}, but expected a share above alpha and below 1, "
                "e.g. tail=0.1 with alpha=0.001."
            )
        self.depth = check_count("depth", depth, 0)
        self._window = ScoreWindow(min(max(2000, int(5 / self.alpha)), 20_000) if window is None else window)
        if self._window.size * self.tail < 2 * _LEAST_PEAKS:
            raise ValueError(
                f"Got window={window!r} with tail={self.tail!r}, but expected at least {2 * _LEAST_PEAKS} "
                f"peaks: a window of {int(np.ceil(2 * _LEAST_PEAKS / self.tail))} scores."
            )
        self._forget()

    def _forget(self) -> None:
        self._window = ScoreWindow(self._window.size)
        self._recent: deque[float] = deque(maxlen=self.depth)
        self._centre = 0.0
        # row number and threshold of each alarm in the window
        self._alarms: deque[tuple[int, float]] = deque()
        # share of the peaks, where they begin, and shape and scale of their tail
        self._fitted = (1.0, float("inf"), 0.0, 1.0)
        self._threshold = float("inf")

    @property
    def threshold(self) -> float:
        """The threshold on the scale of the scores; infinity before there are ten peaks."""
        return self._centre + self._threshold

    def fit(self, scores: ArrayLike) -> TailThreshold:
        """Fit the tail to ``scores`` (n,), in order of time where ``depth`` is given; none is an alarm."""
        values = check_finite_scores(scores)
        self._forget()
        if self.depth:
            self._recent.extend(values[-self.depth :].tolist())
            self._centre = sum(self._recent) / len(self._recent)
            sums = np.concatenate([[0.0], np.cumsum(values)])
            values = values[self.depth :] - (sums[self.depth : -1] - sums[: -1 - self.depth]) / self.depth
        if values.size:
            self._window.fill(values)
            self._refit()
        return self

    def update(self, score: float) -> None:
        """Learn one more score; the tail is fitted again whenever a hundredth of the window is new."""
        value = check_finite_score(score)
        if len(self._recent) == self.depth:
            height = value - self._centre
            if height > self._threshold:
                height = self._threshold
                self._alarms.append((self._window.n_seen, height))
            value = self._centre + height
            self._window.push(height)
            if self._alarms and self._alarms[0][0] < self._window.n_seen - self._window.size:
                self._alarms.popleft()
            if self._window.n_seen % max(1, len(self._window) // _REFITS) == 0:
                self._refit()
        if self.depth:
            self._follow(value)

    def _follow(self, value: float) -> None:
        """Move the mean of the latest ``depth`` scores."""
        full = len(self._recent) == self.depth
        leaving = self._recent[0] if full else 0.0
        self._recent.append(value)
        if full and self._window.n_seen % self.depth:
            self._centre += (value - leaving) / self.depth
        else:
            # summed again now and then, so that rounding errors do not add up
            self._centre = sum(self._recent) / len(self._recent)

    def _refit(self) -> None:
        ordered = self._window.sorted
        n = len(ordered)
        begin = max(int((1.0 - self.tail) * n) - 1, 0)
        if n - begin <= _LEAST_PEAKS:
            return
        start = ordered[begin]
        excesses = np.array(ordered[bisect_right(ordered, start) :]) - start
        # the window holds an alarm as the threshold of its time; below the start it still counts as a peak
        bounds = np.array([height - start for _, height in self._alarms])
        n_peaks = excesses.size + int((bounds <= 0.0).sum())
        shape, scale = fit_excesses(excesses, bounds[bounds > 0.0])
        share = (n_peaks + 1) / (n + 1)
        self._fitted = (share, start, shape, scale)
        if self.alpha < share:
            self._threshold = start + excess_at(self.alpha / share, shape, scale)
        else:
            self._threshold = self._window.cut(self.alpha)

    def p_value(self, scores: ArrayLike) -> Any:
        """Probability of a score at least as high: from the fitted tail above its start, by counting below.

        A float for a number, else an array; 1 before there is a tail. It falls strictly beyond the largest
        score seen. Below a millionth of the share of the peaks it only ranks scores.
        """
        heights = np.asarray(scores, np.float64) - self._centre
        share, start, shape, scale = self._fitted
        counted = np.asarray(self._window.p_value(heights))
        beyond = np.maximum(heights - start, 0.0)
        fitted = share * np.maximum(survival(beyond, shape, scale), _TRUSTED / (1.0 + beyond / scale))
        p: Float64 = np.where(heights > start, fitted, np.maximum(counted, share))
        # an infinite score has the smallest p-value that a float can hold
        p = np.maximum(p, np.finfo(np.float64).tiny)
        return float(p) if p.ndim == 0 else p

    def to_state(self) -> State:
        """Everything needed to continue, as arrays and numbers."""
        return {
            "alpha": self.alpha,
            "tail": self.tail,
            "depth": self.depth,
            "window": self._window.to_state(),
            "recent": np.array(self._recent),
            "centre": self._centre,
            "alarm_rows": np.array([row for row, _ in self._alarms], np.int64),
            "alarm_cuts": np.array([cut for _, cut in self._alarms]),
            "fitted": np.array(self._fitted),
            "cut": np.array(self._threshold),
        }

    @classmethod
    def from_state(cls, data: State) -> TailThreshold:
        """Rebuild from :meth:`to_state`; ``StateError`` if the state is not as such a threshold's."""
        check(data, cls.SCHEMA)
        restored = cls(data["alpha"], data["window"]["size"], data["tail"], data["depth"])
        restored._window = ScoreWindow.from_state(data["window"])
        restored._recent.extend(data["recent"].tolist())
        restored._centre = data["centre"]
        restored._alarms.extend(zip(data["alarm_rows"].tolist(), data["alarm_cuts"].tolist(), strict=True))
        share, start, shape, scale = data["fitted"].tolist()
        restored._fitted = (share, start, shape, scale)
        restored._threshold = float(data["cut"])
        return restored
