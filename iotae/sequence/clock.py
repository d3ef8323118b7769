"""Whether the hour of a window is right: the period of a series, its profile, and how far rows are off it.

A wrong hour agrees with itself, so that no comparison within a window sees it. What sees it is a mean of each
sensor at each phase of the period.
"""

from __future__ import annotations

import numpy as np

from iotae._typing import Float32, Float64, Int64, State
from iotae.batch.whitening import Whitening
from iotae.sequence.windows import moving_mean

__all__ = ["ClockView", "find_period", "fitted_clock"]

_BINS = 48
_SHORTEST = 12
_LOOKED_AT = 50_000
"""Rows that a period is looked for in: memory is bounded."""

_LEAST_CORRELATION = 0.1
_NEARLY = 0.85
"""A shorter period is taken where its autocorrelation is that near the best: of 24 and 48 hours the 24."""


def _autocorrelation(rows: Float64) -> Float64:
    n = len(rows)
    size = 1 << (2 * n - 1).bit_length()
    spectrum = np.abs(np.fft.rfft(rows - rows.mean(axis=0), size, axis=0)) ** 2
    found = np.fft.irfft(spectrum, size, axis=0)[:n]
    correlation: Float64 = (found / np.maximum(found[:1], 1e-9)).mean(axis=1) * n / (n - np.arange(n))
    return correlation


def find_period(rows: Float32) -> int | None:
    """Rows of the period of a series (n, d) of three periods at least; None if it has none.

    The lag whose first five multiples are correlated most; of several nearly as good, the first.

    Examples
    --------
    >>> hours = np.arange(24 * 9)
    >>> find_period(np.sin(2 * np.pi * hours / 24)[:, None].astype(np.float32))
    24
    """
    rows = rows[-_LOOKED_AT:]
    n = len(rows)
    longest = n // 3
    if longest <= _SHORTEST + 2:
        return None
    correlation = _autocorrelation(rows.astype(np.float64))
    comb = np.full(longest, -1.0)
    for lag in range(_SHORTEST, longest):
        multiples = lag * np.arange(1, min(5, int(0.75 * n / lag)) + 1)
        comb[lag] = correlation[multiples].mean()
    low = np.flatnonzero(correlation[:longest] < 0.5 * comb.max())
    if not low.size or comb.max() < _LEAST_CORRELATION:
        return None
    comb[: max(int(low[0]), _SHORTEST)] = -1.0
    inner = comb[1:-1]
    peaks = 1 + np.flatnonzero((inner >= comb[:-2]) & (inner >= comb[2:]) & (inner >= _NEARLY * comb.max()))
    if not peaks.size or comb.max() < _LEAST_CORRELATION:
        return None
    near = peaks[peaks <= 1.2 * peaks[0]]
    return int(near[comb[near].argmax()])


class ClockView:
    """How far a window's rows are, in the mean, from what their phase of the period usually shows.

    Parameters
    ----------
    window, period : int
        In rows.
    """

    def __init__(self, window: int, period: float) -> None:
        self.window, self.period = window, period
        self._profile: Float64 = np.zeros((0, 0))
        self._whitening = Whitening()

    def _phase(self, places: Float64) -> Int64:
        n_bins = len(self._profile)
        phase = np.floor(np.mod(places, self.period) * n_bins / self.period).astype(np.int64)
        return np.minimum(phase, n_bins - 1)

    def fit(self, segments: list[tuple[Float32, Float64]]) -> ClockView:
        """Learn from scaled segments (n_i, d), each with the places (n_i,) of its rows in time."""
        n_bins, d = min(_BINS, int(self.period)), segments[0][0].shape[1]
        self._profile, counts = np.zeros((n_bins, d)), np.zeros(n_bins)
        sums = np.zeros((n_bins, d))
        for rows, places in segments:
            np.add.at(sums, self._phase(places), rows)
            counts += np.bincount(self._phase(places), minlength=n_bins)
        self._profile = sums / np.maximum(counts, 1.0)[:, None]
        missed = np.concatenate([self._missed(rows, places) for rows, places in segments])
        self._whitening.fit(missed)
        return self

    def _missed(self, rows: Float32, places: Float64) -> Float32:
        off = rows - self._profile[self._phase(places)]
        return np.ascontiguousarray(moving_mean(off, self.window), np.float32)

    def aligned(self, rows: Float32) -> Float64:
        """Places (n,) of rows whose time is not known: where the profile fits most of them best."""
        place = np.arange(len(rows), dtype=np.float64)
        shifts = np.arange(len(self._profile)) * self.period / len(self._profile)
        fits = [
            float(np.median(np.abs(rows - self._profile[self._phase(place + shift)]).mean(axis=1)))
            for shift in shifts
        ]
        aligned: Float64 = place + shifts[int(np.argmin(fits))]
        return aligned

    def squares(self, rows: Float32, places: Float64) -> Float64:
        """What each column (n, d) adds to how far the rows around each row are off the profile, squared."""
        return np.square(self._whitening.transform(self._missed(rows, places))).astype(np.float64)

    def to_state(self) -> State:
        """Everything, as arrays and numbers."""
        return {
            "period": float(self.period),
            "profile": self._profile,
            "whitening": self._whitening.to_state(),
        }

    @classmethod
    def from_state(cls, window: int, data: State) -> ClockView:
        """Rebuild from :meth:`to_state`, of a state that is as a model's schema says."""
        view = cls(window, data["period"])
        view._profile, view._whitening = data["profile"], Whitening.from_state(data["whitening"])
        return view


def fitted_clock(
    segments: list[tuple[Float32, Float64]], window: int, period: int | None
) -> ClockView | None:
    """Fit the clock to segments of rows and their places; None where the series has no period.

    ``period`` is looked for in the longest segment where it is None, and 0 for none.
    """
    if period is None:
        period = find_period(max(segments, key=lambda segment: len(segment[0]))[0])
    return None if period is None or period <= 1 else ClockView(window, period).fit(segments)
