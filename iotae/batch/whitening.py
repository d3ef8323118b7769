"""Whiten what a network makes of rows, so that each direction counts by how unusual it is."""

from __future__ import annotations

import numpy as np

from iotae._typing import Float32, State
from iotae.nn.products import affine

__all__ = ["Whitening"]

_LEAST_SHRINK = 1e-3
"""Least weight of the identity, so that constant columns invert."""

_WIDEST = 512
"""Widest input that is whitened in full, at a cost of its third power; wider, each column by itself."""


class Whitening:
    """Symmetric (ZCA) whitening by a shrunk covariance (Ledoit and Wolf, 2004).

    Being symmetric, entry j of a whitened row stays the one most like column j, so that its square is
    that column's share of the squared length.

    Examples
    --------
    >>> rows = np.random.default_rng(0).normal(size=(5000, 1)) @ [[3.0, 1.0]]
    >>> rows += np.random.default_rng(1).normal(size=rows.shape)
    >>> whitened = Whitening().fit(rows.astype(np.float32)).transform(rows.astype(np.float32))
    >>> np.cov(whitened.T).round(1)
    array([[1., 0.],
           [0., 1.]])
    """

    def __init__(self) -> None:
        self._mean: Float32 = np.zeros(0, np.float32)
        self._matrix: Float32 = np.zeros((0, 0), np.float32)

    def fit(self, rows: Float32, weights: Float32 | None = None) -> Whitening:
        """Learn mean and covariance of ``rows`` (n, p); ``weights`` (p,) multiply what is whitened."""
        self._learn(rows)
        if weights is not None:
            self._matrix = self._matrix * weights
        return self

    def _learn(self, rows: Float32) -> None:
        mean = rows.mean(axis=0, dtype=np.float64)
        deviation = np.asarray(rows - mean, np.float64)
        n, width = deviation.shape
        self._mean = mean.astype(np.float32)
        if width > _WIDEST:
            deviation *= deviation
            power = np.asarray(deviation.mean(axis=0), np.float64)
            power += _LEAST_SHRINK * max(float(power.mean()), 1e-9)
            self._matrix = np.reciprocal(np.sqrt(power)).astype(np.float32)
            return
        covariance = deviation.T @ deviation / n
        level = np.trace(covariance) / width
        squares = (covariance * covariance).sum()
        gap = max(squares - width * level * level, 1e-300)
        noise = ((np.einsum("ij,ij->i", deviation, deviation) ** 2).mean() - squares) / n
        shrink = min(max(noise / gap, _LEAST_SHRINK), 1.0)
        shrunk = (1.0 - shrink) * covariance + shrink * max(level, 1e-9) * np.eye(width)
        values, vectors = np.linalg.eigh(shrunk)
        self._matrix = ((vectors / np.sqrt(np.maximum(values, 1e-12))) @ vectors.T).astype(np.float32)

    def transform(self, rows: Float32) -> Float32:
        """Whitened rows (n, p)."""
        deviation = np.ascontiguousarray(rows - self._mean, np.float32)
        if self._matrix.ndim == 1:
            return deviation * self._matrix
        whitened = np.empty_like(deviation)
        affine(deviation, self._matrix, np.zeros_like(self._mean), whitened)
        return whitened

    def to_state(self) -> State:
        """Everything, as arrays."""
        return {"mean": self._mean.copy(), "matrix": self._matrix.copy()}

    @classmethod
    def from_state(cls, data: State) -> Whitening:
        """Rebuild from :meth:`to_state`, of a state that is as a model's schema says."""
        restored = cls()
        restored._mean, restored._matrix = data["mean"], data["matrix"]
        return restored
