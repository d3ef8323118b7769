"""Windows over the rows of one segment: flat, moving means, and from windows back to rows."""

from __future__ import annotations

import numpy as np

from iotae._typing import Bool, Float32, Float64

__all__ = [
    "QUARTERS",
    "flat_windows",
    "hidden_parts",
    "moving_mean",
    "pooled_steps",
    "rows_of_windows",
    "steps_around",
]

QUARTERS = 4
"""A network rebuilds so many parts of a window, one after the other."""

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


def steps_around(cells: Float64, first: int, row: int, n_rows: int) -> Float64:
    """Mean of the cells (m, window, d) of the windows that hold a row, with the row in the middle.

    Parameters
    ----------
    cells : ndarray of float64, shape (m, window, d)
        Of the windows that start at ``first`` and the rows after it.
    first, row, n_rows : int
        In a segment of ``n_rows`` rows.

    Returns
    -------
    ndarray of float64, shape (2 window - 1, d)
    """
    window = cells.shape[1]
    result = np.zeros((2 * window - 1, cells.shape[2]))
    for number, each in enumerate(cells, first):
        start = number - row + window - 1
        # the steps of a short segment's filling count for its last row
        inside = min(n_rows - number, window)
        result[start : start + inside] += each[:inside]
        result[start + inside - 1] += each[inside:].sum(axis=0)
    return result / len(cells)


def hidden_parts(window: int, n_features: int) -> Bool:
    """Which cells (4, window, d) are hidden together: each is in one part, a quarter of the time of a sensor.

    Neighbouring sensors are hidden at other times, so that a cell is rebuilt from the others at its time.

    Examples
    --------
    >>> hidden_parts(4, 2)[0].astype(int).tolist()
    [[1, 0], [0, 0], [0, 0], [0, 1]]
    """
    quarter = QUARTERS * np.arange(window)[:, None] // window
    part = (quarter + np.arange(n_features)) % QUARTERS
    return np.stack([part == number for number in range(QUARTERS)])
