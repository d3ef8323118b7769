"""A flat window as a whole: how far it is from what windows usually are, and from the space they lie in.

The principal components of the training windows are a linear autoencoder, found in closed form. Two energies
are taken of a window: whitened over all components, where a rare combination weighs, and what the components
that hold nine tenths of the variance leave over, where a new form weighs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from iotae._typing import Float32, Float64, State
from iotae.sequence.windows import flat_windows, pooled_steps, rows_of_windows, steps_around

__all__ = ["USUAL", "WindowView"]

USUAL = 0.99
"""Share of the training rows that are usual: a view's unit is their largest value."""

_FIT_WINDOWS = 4000
_MOST_COMPONENTS = 256
_HELD = 0.9
_LEAST_VARIANCE = 0.05
"""Added to the variance along each component, in units of a sensor's own: no constant one explodes."""

_LEAST_UNIT = 0.01
"""Where every training row is the same, a change counts as large and not as endless."""

_BLOCK = 1024


class WindowView:
    """Energies of flat windows, and each cell's share of them.

    Parameters
    ----------
    window : int
        Rows of a window.
    """

    def __init__(self, window: int) -> None:
        self.window = window
        self._mean: Float64 = np.zeros(0)
        self._components: Float64 = np.zeros((0, 0))
        self._factors: Float64 = np.zeros(0)
        self._rest = 1.0
        self._held = 0
        self._units: Float64 = np.ones(2)

    def fit(self, segments: Sequence[Float32]) -> WindowView:
        """Learn from scaled segments (n_i, d), missing cells as 0."""
        self.pool = pooled_steps(self.window, segments[0].shape[1])
        total = sum(max(len(rows) - self.window, 0) + 1 for rows in segments)
        chosen = np.unique(np.linspace(0, total - 1, min(total, _FIT_WINDOWS)).astype(np.int64))
        windows, start = [], 0
        for rows in segments:
            found = flat_windows(rows, self.window, self.pool)
            mine = chosen[(chosen >= start) & (chosen < start + len(found))] - start
            windows.append(found[mine])
            start += len(found)
        self._decompose(np.concatenate(windows).astype(np.float64))
        energies = np.concatenate([self._energies(rows) for rows in segments])
        self._units = np.maximum(np.quantile(energies, USUAL, axis=0), _LEAST_UNIT)
        return self

    def _decompose(self, windows: Float64) -> None:
        self._mean = windows.mean(axis=0)
        windows -= self._mean
        variances, components = np.linalg.eigh(windows.T @ windows / len(windows))
        variances, components = np.maximum(variances[::-1], 0.0), components[:, ::-1]
        kept = min(_MOST_COMPONENTS, variances.size)
        share = np.cumsum(variances) / max(variances.sum(), 1e-12)
        self._held = min(int(np.searchsorted(share, _HELD)) + 1, kept, max(variances.size - 1, 0))
        self._components = np.ascontiguousarray(components[:, :kept])
        self._factors = 1.0 / (variances[:kept] + _LEAST_VARIANCE)
        left = variances[kept:]
        self._rest = 1.0 / (float(left.mean() if left.size else 0.0) + _LEAST_VARIANCE)

    def _blocks(self, rows: Float32) -> Iterator[tuple[Float64, Float64]]:
        """Yield deviations (m, w) of the windows and their components (m, k), block by block."""
        n = max(len(rows) - self.window, 0) + 1
        for start in range(0, n, _BLOCK):
            part = rows[start : start + _BLOCK + self.window - 1]
            deviation = flat_windows(part, self.window, self.pool) - self._mean
            yield deviation, deviation @ self._components

    def _energies(self, rows: Float32) -> Float64:
        """Both energies (m, 2) of the windows of a segment."""
        found = []
        for deviation, along in self._blocks(rows):
            squares = along * along
            length = (deviation * deviation).sum(axis=1)
            beside = np.maximum(length - squares.sum(axis=1), 0.0)
            left = np.maximum(length - squares[:, : self._held].sum(axis=1), 0.0)
            found.append(np.stack([squares @ self._factors + self._rest * beside, left], axis=1))
        return np.concatenate(found)

    def score(self, rows: Float32) -> Float64:
        """Mean of both energies, in their units, of the windows that hold each row (n,)."""
        energies = (self._energies(rows) / self._units).mean(axis=1)
        return rows_of_windows(energies, len(rows), self.window)

    def _cells(self, rows: Float32) -> Iterator[Float64]:
        """Yield the share of each step and column in the windows' energy, (m, steps, d) >= 0, by blocks."""
        root = np.sqrt(self._rest)
        for deviation, along in self._blocks(rows):
            turned = (along * (np.sqrt(self._factors) - root)) @ self._components.T
            whitened = root * deviation + turned
            left = deviation - along[:, : self._held] @ self._components[:, : self._held].T
            both = np.square(whitened) / self._units[0] + np.square(left) / self._units[1]
            yield both.reshape(len(both), -1, rows.shape[1]) / 2.0

    def shares(self, rows: Float32) -> Float64:
        """Each column's share (n, d) of :meth:`score`."""
        by_column = np.concatenate([cells.sum(axis=1) for cells in self._cells(rows)])
        return rows_of_windows(by_column, len(rows), self.window)

    def steps(self, rows: Float32, row: int) -> Float64:
        """Share of each step around a row, which is in the middle, in its score: (2 window - 1, d)."""
        first = max(row - self.window + 1, 0)
        last = min(row, max(len(rows) - self.window, 0))
        cells = np.concatenate(list(self._cells(rows[first : last + self.window])))
        widths = np.full(cells.shape[1], self.pool)
        widths[-1] = self.window - self.pool * (cells.shape[1] - 1)
        each = np.repeat(cells / widths[:, None], widths, axis=1)
        return steps_around(each, first, row, len(rows))

    def to_state(self) -> State:
        """Everything, as arrays and numbers."""
        return {
            "pool": self.pool,
            "mean": self._mean,
            "components": self._components,
            "factors": self._factors,
            "rest": self._rest,
            "held": self._held,
            "units": self._units,
        }

    @classmethod
    def from_state(cls, window: int, data: State) -> WindowView:
        """Rebuild from :meth:`to_state`, of a state that is as a model's schema says."""
        view = cls(window)
        view.pool, view._mean, view._components = data["pool"], data["mean"], data["components"]
        view._factors, view._rest = data["factors"], data["rest"]
        view._held, view._units = data["held"], data["units"]
        return view
