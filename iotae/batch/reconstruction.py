"""From a row and its reconstruction to one score, and to each feature's share of it.

With missing cells the score is what a full row with the same mean squared residual would have.
"""

from __future__ import annotations

import numpy as np

from iotae._compiled import compiled_or
from iotae._typing import Float32, Float64, Int64

__all__ = ["distance", "row_sums", "shares", "squared_lengths"]


def row_sums(table: Float64) -> Float64:
    """Sum of each row (n,) of a table (n, d), from the first column to the last.

    NumPy's own sum over an axis takes the cells in an order that may depend on the table's shape.

    Examples
    --------
    >>> row_sums(np.array([[1.0, 2.0], [3.0, 4.0]]))
    array([3., 7.])
    """
    total: Float64 = np.cumsum(table, axis=1)[:, -1]
    return total


def _squared_lengths_arrays(rows: Float32, lengths: Float64) -> None:
    lengths[:] = np.cumsum(rows * rows, axis=1, dtype=np.float64)[:, -1]


@compiled_or(_squared_lengths_arrays)
def _squared_lengths(rows: Float32, lengths: Float64) -> None:
    for i in range(rows.shape[0]):
        total = 0.0
        for j in range(rows.shape[1]):
            total += np.float64(rows[i, j] * rows[i, j])
        lengths[i] = total


def squared_lengths(rows: Float32) -> Float64:
    """Sum of the squares of each row (n,) of a table (n, d), from the first column to the last.

    Examples
    --------
    >>> squared_lengths(np.array([[3.0, 4.0]], np.float32))
    array([25.])
    """
    lengths = np.empty(len(rows))
    _squared_lengths(rows, lengths)
    return lengths


def _residual(target: Float32, reconstruction: Float32) -> Float32:
    """Residual of each cell (n, d); 0 where the target is missing."""
    residual = np.ascontiguousarray(target - reconstruction)
    residual[np.isnan(residual)] = 0.0
    return residual


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
    total = squared_lengths(_residual(target, reconstruction))
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
    squared = np.square(_residual(target, reconstruction)).astype(np.float64)
    total = row_sums(squared)[:, None]
    scores = np.sqrt(total * _present_factor(target)[:, None])
    parts: Float64 = squared * (scores / np.maximum(total, np.finfo(np.float64).tiny))
    return parts
