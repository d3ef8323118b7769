"""Windows over the rows of one segment: flat, moving means, and from windows back to rows."""

from __future__ import annotations

import numpy as np

from iotae._typing import Float32, Float64

__all__ = ["flat_windows", "moving_mean", "pooled_steps", "rows_of_windows"]

_MOST_CELLS = 1280
"""Cells of a flat window at most, where the number of columns allows it: a fit costs their third power."""


def pooled_steps(window: int, n_features: int) -> int:
    """How many neighbouring steps become one, their mean, so that a flat window stays narrow.

    Examples
    --------
    >>> pooled_steps(32, 20), pooled_steps(32, 200)
    (1, 6)
    """
    steps = max(_MOST_CELLS // n_features, 1)
    return -(-window // min(steps, window))


def flat_windows(rows: Float32, window: int, pool: int) -> Float32:
    """Every window of ``rows`` (n, d) as one row (max(n - window, 0) + 1, steps * d), ``pool`` steps as one.

    A segment shorter than a window is filled up with its last row.

    Examples
    --------
    >>> flat_windows(np.arange(4, dtype=np.float32)[:, None], 3, 1).tolist()
    [[0.0, 1.0, 2.0], [1.0, 2.0, 3.0]]
    """
    if len(rows) < window:
        rows = np.concatenate([rows, np.repeat(rows[-1:], window - len(rows), axis=0)])
    n = len(rows) - window + 1
    parts = []
    for start in range(0, window, pool):
        width = min(pool, window - start)
        total = rows[start : start + n].astype(np.float32)
        for step in range(start + 1, start + width):
            total += rows[step : step + n]
        parts.append(total / np.float32(width))
    return np.concatenate(parts, axis=1)


def rows_of_windows(values: Float64, n_rows: int, window: int) -> Float64:
    """Mean of the values (m,) or (m, d) of the windows that hold a row, for each of ``n_rows`` rows.

    Examples
    --------
    >>> rows_of_windows(np.array([1.0, 3.0]), 4, 3).tolist()
    [1.0, 2.0, 2.0, 3.0]
    """
    total = np.concatenate([np.zeros((1, *values.shape[1:])), np.cumsum(values, axis=0)])
    place = np.arange(n_rows)
    first = np.clip(place - window + 1, 0, len(values) - 1)
    last = np.minimum(place + 1, len(values))
    count = (last - first).reshape(-1, *[1] * (values.ndim - 1))
    mean: Float64 = (total[last] - total[first]) / count
    return mean


def moving_mean(values: Float64, window: int) -> Float64:
    """Mean of the values (n, d) over a window around each row; at the ends over what there is of it.

    Examples
    --------
    >>> moving_mean(np.array([[0.0], [3.0], [6.0]]), 3).ravel().tolist()
    [1.5, 3.0, 4.5]
    """
    n = len(values)
    total = np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(values, axis=0)])
    place = np.arange(n)
    first, last = np.maximum(place - window // 2, 0), np.minimum(place + (window + 1) // 2, n)
    mean: Float64 = (total[last] - total[first]) / (last - first)[:, None]
    return mean
