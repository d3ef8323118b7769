"""What each slot should read given all the others: a running covariance, inverted one pivot a row.

The rows learned leave sums of products behind. From time to time a correlation matrix R is made of them, with
a ridge, and inverted by sweeps (Goodnight, 1979), one pivot with each row, so that no row pays for a whole
inversion. With P the inverse of R and x a row in deviations, slot j read given all the others leaves the
residual (P x)_j / P_jj.
"""

from __future__ import annotations

import numpy as np

from iotae._compiled import compiled, compiled_or
from iotae._typing import Float32, Float64, Int64
from iotae.stream.counters import N_PRODUCTS, PIVOT

__all__ = [
    "INVERSE_MEAN",
    "INVERSE_SCALE",
    "MOMENTS",
    "SUM",
    "begin_inversion",
    "learn_products",
    "new_moments",
    "next_pivot",
    "residuals",
]

SUM, INVERSE_MEAN, INVERSE_SCALE, _NEXT_MEAN, _NEXT_SCALE, MOMENTS = range(6)
"""Rows of the moments (MOMENTS, d): sums of the slots, mean and 1 / deviation that belong to the inverse
in use, and those that belong to the inverse being made."""

_RIDGE, _RIDGE_ROWS = 0.002, 0.1
"""The ridge is this, and this much more for each slot by row: an inverse of few rows says little."""

_MOST_ROWS = 20_000.0
"""Rows that the covariance remembers."""

_LEAST_VARIANCE, _MOVING = 1e-4, 0.05
"""Smallest variance, and that from which on a slot counts for the ridge."""

_ZERO = np.float32(0.0)
_ONE = np.float32(1.0)


def new_moments(n_slots: int) -> Float64:
    """Moments before any row: each slot is expected at 0, give or take 1."""
    moments = np.zeros((MOMENTS, n_slots))
    moments[[INVERSE_SCALE, _NEXT_SCALE]] = 1.0
    return moments


def _residuals_arrays(cells: Float32, matrices: Float32, result: Float32) -> None:
    d = cells.size
    inverse = matrices[2 * d :]
    result[:] = (cells @ inverse) / np.diag(inverse)


@compiled_or(_residuals_arrays)
def residuals(cells: Float32, matrices: Float32, result: Float32) -> None:
    """Residual of each slot (d,) given all the others, in deviations; ``matrices`` is (3 d, d)."""
    d = cells.size
    first = 2 * d
    for j in range(d):
        result[j] = _ZERO
    # by columns: many slots at a time, and one order of additions for each
    for k in range(d):
        cell = cells[k]
        if cell != _ZERO:
            for j in range(d):
                result[j] += cell * matrices[first + k, j]
    for j in range(d):
        result[j] /= matrices[first + j, j]


def _learn_products_arrays(cells: Float32, matrices: Float32) -> None:
    d = cells.size
    matrices[:d] += np.outer(cells, cells)


@compiled_or(_learn_products_arrays)
def learn_products(cells: Float32, matrices: Float32) -> None:
    """Add the products of a row's slots (d,) to the sums, the first block of the matrices."""
    d = cells.size
    for i in range(d):
        cell = cells[i]
        if cell != _ZERO:
            for j in range(d):
                matrices[i, j] += cell * cells[j]


@compiled
def begin_inversion(matrices: Float32, moments: Float64, counts: Float64, counters: Int64) -> None:
    """Make a correlation matrix of the sums, to be inverted from the next row on."""
    d = matrices.shape[1]
    rows = counts[N_PRODUCTS]
    if rows > _MOST_ROWS:
        fade = _MOST_ROWS / rows
        for i in range(d):
            moments[SUM, i] *= fade
            for j in range(d):
                matrices[i, j] *= np.float32(fade)
        rows = _MOST_ROWS
        counts[N_PRODUCTS] = rows
    moving = 0
    for i in range(d):
        mean = moments[SUM, i] / rows
        variance = max(matrices[i, i] / rows - mean * mean, _LEAST_VARIANCE)
        moments[_NEXT_MEAN, i] = mean
        moments[_NEXT_SCALE, i] = 1.0 / np.sqrt(variance)
        # a slot that is hardly ever filled is no unknown to be paid for
        moving += 1 if variance > _MOVING else 0
    ridge = _RIDGE + _RIDGE_ROWS * moving / rows
    for i in range(d):
        for j in range(d):
            covariance = matrices[i, j] / rows - moments[_NEXT_MEAN, i] * moments[_NEXT_MEAN, j]
            matrices[d + i, j] = covariance * moments[_NEXT_SCALE, i] * moments[_NEXT_SCALE, j]
        matrices[d + i, i] = 1.0 + ridge
    counters[PIVOT] = 0


def _sweep_arrays(matrices: Float32, k: int) -> None:
    d = matrices.shape[1]
    swept = matrices[d : 2 * d]
    row = swept[k].copy()
    pivot = _ONE / row[k]
    swept -= np.outer(row * pivot, row)
    swept[k], swept[:, k] = row * pivot, row * pivot
    swept[k, k] = -pivot


@compiled_or(_sweep_arrays)
def _sweep(matrices: Float32, k: int) -> None:
    d = matrices.shape[1]
    pivot = _ONE / matrices[d + k, k]
    for i in range(d):
        if i != k:
            factor = matrices[d + i, k] * pivot
            if factor != _ZERO:
                for j in range(d):
                    matrices[d + i, j] -= factor * matrices[d + k, j]
            matrices[d + i, k] = factor
    for j in range(d):
        matrices[d + k, j] *= pivot
    matrices[d + k, k] = -pivot


@compiled
def next_pivot(matrices: Float32, moments: Float64, counters: Int64) -> None:
    """Take the next step of the inversion under way, if one is; the last puts the inverse to use."""
    k, d = counters[PIVOT], matrices.shape[1]
    if k < 0:
        return
    _sweep(matrices, k)
    counters[PIVOT] = k + 1
    if k + 1 < d:
        return
    for i in range(d):
        moments[INVERSE_MEAN, i] = moments[_NEXT_MEAN, i]
        moments[INVERSE_SCALE, i] = moments[_NEXT_SCALE, i]
        for j in range(d):
            # rounding leaves the two halves a little apart
            matrices[2 * d + i, j] = _ZERO - matrices[d + i, j]
    counters[PIVOT] = -1
