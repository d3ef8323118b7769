"""Squared distances by matrix products: the nearest of each group of references, and the least of these.

As in :mod:`iotae.nn.elementwise` each kernel is here twice, as loops and as whole arrays. A compiled kernel
keeps its pieces so small that BLAS works on them in one thread and without packing, and they stay in the
cache.
"""

from __future__ import annotations

import numpy as np

from iotae._compiled import compiled_or
from iotae._typing import Float32

__all__ = ["group_minima", "smallest"]

_BLOCK_ROWS, _BLOCK_GROUPS = 64, 128

_ZERO = np.float32(0.0)
_NOWHERE = np.float32(np.inf)


def _group_minima_arrays(
    products: Float32, rows: Float32, own: Float32, scale: Float32, minima: Float32
) -> None:
    (products @ rows.T).reshape(-1, *minima.shape).min(axis=0, out=minima)
    minima += own
    np.maximum(minima, _ZERO, out=minima)
    minima *= scale


@compiled_or(_group_minima_arrays)
def group_minima(products: Float32, rows: Float32, own: Float32, scale: Float32, minima: Float32) -> None:
    """Squared distance of each row to its nearest reference in each group, into ``minima`` (groups, n).

    Parameters
    ----------
    products : (m, k)
        What a row is multiplied by, for each reference; reference j belongs to group j % groups.
    rows : (n, k)
    own, scale : (n,)
        What is added to a row's products, and what the sums are multiplied by.
    minima : (groups, n)
    """
    n_groups, n = minima.shape
    n_terms = products.shape[1]
    # a product of two tables that lie as they are read costs two thirds of one turned over; its last
    # columns are filled up, so that every row goes the same way whatever its place
    columns = np.zeros((n_terms, _BLOCK_ROWS), np.float32)
    for start in range(0, n, _BLOCK_ROWS):
        width = min(_BLOCK_ROWS, n - start)
        for k in range(n_terms):
            for i in range(width):
                columns[k, i] = rows[start + i, k]
        for first in range(0, n_groups, _BLOCK_GROUPS):
            height = min(_BLOCK_GROUPS, n_groups - first)
            nearest = np.empty((height, _BLOCK_ROWS), np.float32)
            other = np.empty((height, _BLOCK_ROWS), np.float32)
            np.dot(products[first : first + height], columns, nearest)
            least, more = nearest.reshape(-1), other.reshape(-1)
            for place in range(first + n_groups, products.shape[0], n_groups):
                np.dot(products[place : place + height], columns, other)
                for i in range(least.size):
                    least[i] = more[i] if more[i] < least[i] else least[i]
            for g in range(height):
                for i in range(width):
                    square = nearest[g, i] + own[start + i]
                    minima[first + g, start + i] = (square if square > _ZERO else _ZERO) * scale[start + i]


def _smallest_arrays(values: Float32, least: Float32) -> None:
    k = min(least.shape[0], len(values))
    least[k:] = _NOWHERE
    by_column = np.ascontiguousarray(values.T)
    if k < len(values):
        by_column.partition(k - 1, axis=1)
    least[:k] = np.sort(by_column[:, :k], axis=1).T


@compiled_or(_smallest_arrays)
def smallest(values: Float32, least: Float32) -> None:
    """The least four of each column of ``values`` (g, n) in rising order, into ``least`` (4, n).

    Where there are fewer than four, infinity fills up.
    """
    least[:, :] = _NOWHERE
    a, b, c, d = least[0], least[1], least[2], least[3]
    for g in range(values.shape[0]):
        for i in range(values.shape[1]):
            # one value falls through the four places: without a branch, many columns at a time
            v = values[g, i]
            x, a[i] = (a[i], v) if v < a[i] else (v, a[i])
            y, b[i] = (b[i], x) if x < b[i] else (x, b[i])
            z, c[i] = (c[i], y) if y < c[i] else (y, c[i])
            d[i] = z if z < d[i] else d[i]
