"""From a row and its reconstruction to one score, and to each feature's share of it.

With missing cells the score is what a full row with the same mean squared residual would have.
"""

from __future__ import annotations

import numpy as np

from iotae._typing import Float32, Float64, Int64

__all__ = ["distance", "shares", "squared_residuals"]


def squared_residuals(target: Float32, reconstruction: Float32) -> Float32:
    """Squared residual of each cell (n, d); 0 where the target is missing."""
    residual = target - reconstruction
    np.nan_to_num(residual, copy=False, nan=0.0)
    squared: Float32 = np.square(residual, out=residual)
    return squared


def _present_factor(target: Float32) -> Float64:
    present: Int64 = target.shape[1] - np.isnan(target).sum(axis=1)
    factor: Float64 = target.shape[1] / np.maximum(present, 1)
    return factor


def distance(target: Float32, reconstruction: Float32) -> Float64:
    """Reconstruction error ||x - x^||_2 of each row (n,).

    Examples
    --------
    >>> target = np.array([[3.0, 4.0], [3.0, np.nan]], np.float32)
    >>> distance(target, np.zeros_like(target)).round(3).tolist()
    [5.0, 4.243]
    """
    total = squared_residuals(target, reconstruction).sum(axis=1, dtype=np.float64)
    error: Float64 = np.sqrt(total * _present_factor(target))
    return error


def shares(target: Float32, reconstruction: Float32) -> Float64:
    """Each feature's share (n, d) >= 0 of :func:`distance`; a row's shares add up to its score.

    Examples
    --------
    >>> target = np.array([[3.0, 4.0]], np.float32)
    >>> shares(target, np.zeros_like(target)).round(3).tolist()
    [[1.8, 3.2]]
    """
    squared = squared_residuals(target, reconstruction).astype(np.float64)
    total = squared.sum(axis=1, keepdims=True)
    scores = np.sqrt(total * _present_factor(target)[:, None])
    parts: Float64 = squared * (scores / np.maximum(total, np.finfo(np.float64).tiny))
    return parts
