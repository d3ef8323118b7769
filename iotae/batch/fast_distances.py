"""Fast squared distances of rows to references: the nearest of each group, and the least of these.

As ``|a|^2 + |b|^2 - 2ab`` they cost a product and a sum for each cell, but where a and b are near their
rounding error is large, and it differs from processor to processor. So they only say which references may be
the nearest.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

from iotae._compiled import compiled, compiled_or, compiled_roughly
from iotae._typing import Float32
from iotae.nn.products import add_products

__all__ = ["Number", "block_minima", "group_minima", "load_block", "reach", "smallest"]

Number: TypeAlias = np.float32

_ZERO = np.float32(0.0)
_ONE = np.float32(1.0)
_TWO = np.float32(2.0)
_NOWHERE = np.float32(np.inf)
_TINY = np.float32(1e-30)
_ROUNDING = np.float32(2.0**-24)


@compiled
def load_block(rows: Float32, start: int, columns: Float32, own: Float32, scale: Float32) -> None:
    """What the products are multiplied by for a block of rows, their squared lengths and their scales.

    A column of ``columns`` holds a row and, if there is room, ones for its present cells.
    """
    width, d = min(own.size, rows.shape[0] - start), rows.shape[1]
    gappy = columns.shape[0] >= 2 * d
    for i in range(own.size):
        own[i] = scale[i] = _ZERO
    for j in range(d):
        for i in range(width):
            cell = rows[start + i, j]
            # a missing cell is the only one that differs from itself
            value, there = (cell, _ONE) if cell == cell else (_ZERO, _ZERO)
            columns[j, i] = value
            if gappy:
                columns[d + j, i] = there
            own[i] += value * value
            scale[i] += there
    for i in range(width):
        scale[i] = np.float32(d) / max(scale[i], _ONE)


@compiled_roughly
def block_minima(
    products: Float32,
    constants: Float32,
    columns: Float32,
    own: Float32,
    n_groups: int,
    marks: int,
    nearest: Float32,
) -> None:
    """Squared distances, not scaled, to the two nearest references of each group, (groups, 2, n).

    The binary digits ``marks`` at a distance's end hold the reference's number instead.
    """
    sums = np.empty((4, own.size), np.float32)
    digits, others = sums.view(np.int32), np.int32(~marks)
    for g in range(0, products.shape[1], 4):
        for j in range(4):
            best, next_best = nearest[g + j, 0], nearest[g + j, 1]
            for i in range(own.size):
                best[i] = next_best[i] = _NOWHERE
        for member in range(products.shape[0]):
            for j in range(4):
                constant, square = constants[member, g + j], sums[j]
                for i in range(own.size):
                    square[i] = own[i] + constant
            add_products(products[member, g : g + 4], columns, sums)
            for j in range(4):
                mark = np.int32((member * n_groups + g + j) & marks)
                line, square = digits[j], sums[j]
                for i in range(own.size):
                    line[i] = (line[i] & others) | mark
                best, next_best = nearest[g + j, 0], nearest[g + j, 1]
                for i in range(own.size):
                    low, high = (square[i], best[i]) if square[i] < best[i] else (best[i], square[i])
                    best[i] = low
                    next_best[i] = high if high < next_best[i] else next_best[i]


def group_minima(rows: Float32, products: Float32, constants: Float32) -> tuple[Float32, Float32, Float32]:
    """Fast squared distances of rows to the nearest reference of each group, not scaled, by whole arrays.

    Their last digits hang on the processor's BLAS.

    Parameters
    ----------
    rows : (n, d)
        Missing cells are left out.
    products, constants : (members, groups, terms) and (members, groups)
        What a row and the presence of its cells is multiplied by, and what is added, for each reference, as
        :class:`iotae.batch.neighbours.Neighbours` lays it out; both are filled up to fours.

    Returns
    -------
    minima : (groups, n)
    own, scale : (n,)
        The squared lengths of the rows, and what makes a distance over the present cells one over all.
    """
    missing = np.isnan(rows)
    d = rows.shape[1]
    terms = np.zeros((len(rows), products.shape[2]), np.float32)
    terms[:, :d] = np.where(missing, _ZERO, rows)
    if products.shape[2] >= 2 * d:
        terms[:, d : 2 * d] = ~missing
    own = np.cumsum(terms[:, :d] * terms[:, :d], axis=1)[:, -1]
    scale = np.float32(d) / np.maximum(d - missing.sum(axis=1), 1).astype(np.float32)
    # one member at a time: what is held stays small
    minima = np.full((products.shape[1], len(rows)), _NOWHERE, np.float32)
    for multiplied, added in zip(products, constants, strict=True):
        squares = multiplied @ terms.T
        squares += added[:, None]
        np.minimum(minima, squares, out=minima)
    minima += own
    return minima, own, scale


def _smallest_arrays(values: Float32, least: Float32) -> None:
    k = min(len(least), len(values))
    least[k:] = _NOWHERE
    least[:k] = np.sort(values, axis=0)[:k]


@compiled_or(_smallest_arrays)
def smallest(values: Float32, least: Float32) -> None:
    """The least five of each column of ``values`` (g, n) in rising order, into ``least`` (5, n).

    Where there are fewer than five, infinity fills up.
    """
    a, b, c, d, e = least[0], least[1], least[2], least[3], least[4]
    for i in range(values.shape[1]):
        a[i] = b[i] = c[i] = d[i] = e[i] = _NOWHERE
    for g in range(values.shape[0]):
        column = values[g]
        for i in range(column.size):
            # one value falls through the five places: without a branch, many columns at a time
            v = column[i]
            w, a[i] = (a[i], v) if v < a[i] else (v, a[i])
            x, b[i] = (b[i], w) if w < b[i] else (w, b[i])
            y, c[i] = (c[i], x) if x < c[i] else (x, c[i])
            z, d[i] = (d[i], y) if y < d[i] else (y, d[i])
            e[i] = z if z < e[i] else e[i]


@compiled
def reach(fourth: Any, own: Any, n_terms: int, n_features: int, marks: int) -> Any:
    """The fast distance up to which a group may hold one of the four nearest references.

    With u for float32's rounding error a sum of n terms is wrong by at most n u times the sum of their sizes,
    in any order (Higham, 2002, section 3.1). For a fast distance this is at most ``(|a| + |b|)^2``, for an
    exact one the distance itself. No reference that matters is longer than ``|a| + sqrt(fourth)`` and a
    little; for that little the bound is doubled, which holds for up to 100,000 features. The error counts
    once for the fourth and once for the group, as does the loss of the digits in ``marks``.
    """
    fourth = np.maximum(fourth, _ZERO)
    length = _TWO * np.sqrt(own) + np.sqrt(fourth)
    error = np.float32(n_terms + n_features // 4 + 16) * length * length + np.float32(n_features) * fourth
    error = _ROUNDING * (_TWO * error + np.float32(2 * marks) * fourth)
    return fourth + _TWO * error + _TINY
