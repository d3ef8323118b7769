"""Each sensor by itself: how it misses what the others and the past say, how it moves, and if it repeats.

A stuck sensor shows a value that is normal, and a noisy one is right in the mean. So what is looked at are
statistics of a whole window: the mean square of the misses, the mean square of the steps (too large or too
small), and for how many rows the very same value has come.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from iotae._typing import Float32, Float64, State
from iotae.nn.leave_one_out_rows import predict_rows, train_rows
from iotae.nn.training import schedule
from iotae.sequence.windows import moving_mean

__all__ = ["KINDS", "SensorView"]

KINDS = ("misses", "steps", "repeats")

_UPDATES, _BATCH, _RATE = 2000, 64, 3e-3
_FEWEST_UPDATES, _MOST_CELLS = 200, 160
"""An update costs as much as the context has cells: beyond so many there are fewer updates."""

_CLIP = np.float32(6.0)
_FORGETS = 0.1
"""Share of the newest row in the running mean of the past."""

_USUAL = 0.99
_LEAST_STEP = 1e-4
_NO_RUN = 2
"""So many equal values in a row are a chance of rounding."""


def _context(rows: Float32) -> Float32:
    """Each row (n, d), the two rows before it, and a running mean of its past: (n, 4 d)."""
    n, d = rows.shape
    result = np.empty((n, 4 * d), np.float32)
    mean = rows[0].astype(np.float32)
    for i in range(n):
        result[i, 3 * d :] = mean
        mean = mean + np.float32(_FORGETS) * (rows[i] - mean)
    result[:, :d] = rows
    for lag in (1, 2):
        result[:lag, lag * d : (lag + 1) * d] = rows[0]
        result[lag:, lag * d : (lag + 1) * d] = rows[: n - lag] if n > lag else rows[:0]
    return np.clip(result, -_CLIP, _CLIP)


def _repeats(raw: Float64) -> Float64:
    """For how many rows the value of each cell (n, d) stays the same, around it; 1 for missing cells."""
    n, d = raw.shape
    result = np.ones((n, d))
    for j in range(d):
        column = raw[:, j]
        starts = np.flatnonzero(np.concatenate([[True], column[1:] != column[:-1]]))
        lengths = np.diff(np.concatenate([starts, [n]]))
        result[:, j] = np.repeat(lengths, lengths)
    return result


class SensorView:
    """Three statistics of each sensor over a window, each in units of what is usual for it.

    Parameters
    ----------
    window : int
        Rows of a window.
    seed : int
        Seed of the network that predicts each sensor from the others and the past.
    """

    def __init__(self, window: int, seed: int) -> None:
        self.window, self.seed = window, seed
        self._network: tuple[Float32, Float32]
        self._usual: Float64 = np.ones((4, 0))
        self._middle: Float64 = np.zeros(0)

    def fit(self, segments: Sequence[tuple[Float32, Float64]]) -> SensorView:
        """Learn from segments: scaled rows (n_i, d) with 0 for missing, and the rows as they came."""
        cells = np.concatenate([_context(rows) for rows, _ in segments])
        target = cells.copy()
        target[:, segments[0][0].shape[1] :] = np.nan
        generator = np.random.default_rng((self.seed, 5))
        updates = int(np.clip(_UPDATES * _MOST_CELLS // cells.shape[1], _FEWEST_UPDATES, _UPDATES))
        batches = generator.integers(0, len(cells), (updates, _BATCH))
        self._network = train_rows(cells, target, batches, schedule(updates, _RATE), self.seed)
        found = [self._statistics(rows, raw) for rows, raw in segments]
        misses, steps, repeats = (np.concatenate(part) for part in zip(*found, strict=True))
        self._middle = np.median(steps, axis=0)
        self._usual = np.stack(
            [
                np.quantile(misses, _USUAL, axis=0) + 1e-6,
                np.quantile(steps, _USUAL, axis=0) - self._middle + 0.1,
                self._middle - np.quantile(steps, 1.0 - _USUAL, axis=0) + 0.1,
                np.quantile(repeats, _USUAL, axis=0) + np.log(2.0),
            ]
        )
        return self

    def _statistics(self, rows: Float32, raw: Float64) -> tuple[Float64, Float64, Float64]:
        """Mean square of misses, logarithm of that of the steps, logarithm of repeats: (n, d) each."""
        d = rows.shape[1]
        cells = _context(rows)
        expected = np.zeros_like(cells)
        predict_rows(cells, *self._network, np.arange(d), expected)
        missed = np.square((cells[:, :d] - expected[:, :d]).astype(np.float64))
        step = np.square(np.diff(rows.astype(np.float64), axis=0, prepend=rows[:1]))
        repeats = np.log1p(np.maximum(_repeats(raw) - _NO_RUN, 0.0))
        return moving_mean(missed, self.window), np.log(moving_mean(step, self.window) + _LEAST_STEP), repeats

    def ratios(self, rows: Float32, raw: Float64) -> Float64:
        """Each statistic of each sensor next to what is usual for it: (3, n, d), in the order of KINDS."""
        misses, steps, repeats = self._statistics(rows, raw)
        moved = steps - self._middle
        more, less = moved / self._usual[1], -moved / self._usual[2]
        return np.stack([misses / self._usual[0], np.maximum(more, less), repeats / self._usual[3]])

    def to_state(self) -> State:
        """Everything, as arrays."""
        weights, bias = self._network
        return {"weights": weights, "bias": bias, "usual": self._usual, "middle": self._middle}

    @classmethod
    def from_state(cls, window: int, seed: int, data: State) -> SensorView:
        """Rebuild from :meth:`to_state`, of a state that is as a model's schema says."""
        view = cls(window, seed)
        view._network = data["weights"], data["bias"]
        view._usual, view._middle = data["usual"], data["middle"]
        return view
