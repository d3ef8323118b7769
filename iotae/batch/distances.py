"""Exact squared distances of rows to references, cell by cell in the order of the columns.

Fast distances (:mod:`iotae.batch.fast_distances`) leave a few references that may be the nearest; theirs are
then taken by differences. What comes out has the same bits in every table, on every processor, compiled or
not.

As in :mod:`iotae.nn.elementwise` each kernel is here twice, as loops and as whole arrays.
"""

from __future__ import annotations

import numpy as np

from iotae._compiled import compiled, compiled_or
from iotae._typing import Float32
from iotae.batch.fast_distances import Number, block_minima, group_minima, load_block, reach, smallest
from iotae.nn.products import lanes

__all__ = ["nearest_four", "nearest_parts"]

_ZERO = np.float32(0.0)
_NOWHERE = np.float32(np.inf)
_FAR = np.float32(1e30)


@compiled
def _four_distances(
    rows: Float32, i: int, references: Float32, a: int, b: int, c: int, d: int
) -> tuple[Number, Number, Number, Number]:
    """Squared distances of row ``i`` to four of the ``references`` (m, d), not scaled."""
    to_a, to_b, to_c, to_d = _ZERO, _ZERO, _ZERO, _ZERO
    for j in range(rows.shape[1]):
        cell = rows[i, j]
        if cell == cell:
            u, v = references[a, j] - cell, references[b, j] - cell
            w, x = references[c, j] - cell, references[d, j] - cell
            to_a, to_b, to_c, to_d = to_a + u * u, to_b + v * v, to_c + w * w, to_d + x * x
    return to_a, to_b, to_c, to_d


@compiled
def _beside(n: int) -> Float32:
    """Memory for n sums whose address is half a page off those of large arrays, see ``iotae.nn.products``."""
    return np.empty(n + 512, np.float32)[512:]


@compiled
def _all_distances(row: Float32, references: Float32, squares: Float32) -> None:
    """Squared distances of a row (d,) to all ``references`` (d, m), not scaled, into ``squares`` (m,)."""
    for r in range(squares.size):
        squares[r] = _ZERO
    j = 0
    while j < row.size:
        p = row[j]
        # a missing cell is the only one that differs from itself
        if j + 4 <= row.size and p == p and row[j + 1] == row[j + 1] and row[j + 2] == row[j + 2]:
            q, s, t = row[j + 1], row[j + 2], row[j + 3]
            if t == t:
                a, b, c, d = references[j], references[j + 1], references[j + 2], references[j + 3]
                for r in range(squares.size):
                    u, v, w, x = a[r] - p, b[r] - q, c[r] - s, d[r] - t
                    squares[r] = squares[r] + u * u + v * v + w * w + x * x
                j += 4
                continue
        column = references[j]
        if p == p:
            for r in range(squares.size):
                u = column[r] - p
                squares[r] += u * u
        j += 1


@compiled
def _sorted_four(a: Number, b: Number, c: Number, d: Number) -> tuple[Number, Number, Number, Number]:
    a, b = (a, b) if a < b else (b, a)
    c, d = (c, d) if c < d else (d, c)
    a, c = (a, c) if a < c else (c, a)
    b, d = (b, d) if b < d else (d, b)
    b, c = (b, c) if b < c else (c, b)
    return a, b, c, d


@compiled
def _four_of_all(
    row: Float32, references: Float32, n_groups: int, squares: Float32
) -> tuple[Number, Number, Number, Number]:
    """The least four group minima of a row (d,) by the exact distances to all references, not scaled."""
    _all_distances(row, references, squares)
    minima = squares[:n_groups]
    for first in range(n_groups, squares.size, n_groups):
        others = squares[first : first + n_groups]
        for g in range(n_groups):
            minima[g] = others[g] if others[g] < minima[g] else minima[g]
    a, b, c, d = _NOWHERE, _NOWHERE, _NOWHERE, _NOWHERE
    for g in range(n_groups):
        if minima[g] < d:
            a, b, c, d = _sorted_four(a, b, c, minima[g])
    return a, b, c, d


def _nearest_four_arrays(
    rows: Float32,
    products: Float32,
    constants: Float32,
    references: Float32,
    columns: Float32,
    least: Float32,
    own: Float32,
    minima: Float32,
) -> None:
    nearest, own[:], scale = group_minima(rows, products, constants)
    n_members = products.shape[0]
    nearest = nearest[: len(references) // n_members]
    if minima.size:
        minima[:] = np.maximum(nearest, _ZERO) * scale
    fourth = np.sort(nearest, axis=0)[3] if len(nearest) > 3 else np.full_like(own, _FAR)
    group, row = np.nonzero(nearest <= reach(fourth, own, products.shape[2], rows.shape[1], 0))
    grouped = columns.reshape(rows.shape[1], n_members, -1)
    exact = np.zeros((n_members, group.size), np.float32)
    for j in range(rows.shape[1]):
        difference = grouped[j][:, group] - rows[row, j]
        exact += np.where(np.isnan(difference), _ZERO, difference * difference)
    squares = np.full(nearest.shape, _NOWHERE, np.float32)
    squares[group, row] = exact.min(axis=0)
    least[:] = _NOWHERE
    least[: len(squares)] = np.sort(squares, axis=0)[:4]
    least *= scale


@compiled_or(_nearest_four_arrays)
def nearest_four(
    rows: Float32,
    products: Float32,
    constants: Float32,
    references: Float32,
    columns: Float32,
    least: Float32,
    own: Float32,
    minima: Float32,
) -> None:
    """The least four group minima of each row by exact differences, in rising order, into ``least`` (4, n).

    The fast distances leave four references for most rows; where they leave more, all are taken exactly.

    Parameters
    ----------
    rows : (n, d)
        Missing cells are left out, and the rest is scaled up to all cells.
    products, constants : (members, groups, terms) and (members, groups)
        See :func:`iotae.batch.fast_distances.group_minima`.
    references, columns : (members * groups, d) and (d, members * groups)
        The references, row by row and column by column.
    least : (4, n)
        Where there are fewer than four groups, infinity fills up.
    own : (n,)
        Filled with the squared lengths of the rows.
    minima : (groups, n) or (groups, 0)
        If there is room, filled with the fast distances to the nearest reference of each group.
    """
    d, n_references, n_lanes = rows.shape[1], references.shape[0], lanes(rows.shape[0])
    n_groups = n_references // products.shape[0]
    # as many binary digits as it takes to number the references
    marks = 1
    while marks < n_references:
        marks *= 2
    marks -= 1
    terms = np.zeros((products.shape[2], n_lanes), np.float32)
    block_own, scale = np.empty(n_lanes, np.float32), np.empty(n_lanes, np.float32)
    nearest = np.empty((products.shape[1], 2, n_lanes), np.float32)
    fast, squares = np.empty((5, n_lanes), np.float32), _beside(n_references)
    numbers = fast.view(np.int32)
    for start in range(0, rows.shape[0], n_lanes):
        load_block(rows, start, terms, block_own, scale)
        block_minima(products, constants, terms, block_own, n_groups, marks, nearest)
        smallest(nearest[:n_groups].reshape((2 * n_groups, n_lanes)), fast)
        width = min(n_lanes, rows.shape[0] - start)
        for g in range(n_groups if minima.size else 0):
            for i in range(width):
                minima[g, start + i] = max(nearest[g, 0, i], _ZERO) * scale[i]
        for i in range(width):
            a, b = numbers[0, i] & marks, numbers[1, i] & marks
            c, e = numbers[2, i] & marks, numbers[3, i] & marks
            # if more than one of a group may count, its first and second are among the four
            in_a, in_b, in_c, in_e = a % n_groups, b % n_groups, c % n_groups, e % n_groups
            apart = in_a != in_b and in_a != in_c and in_a != in_e
            apart = apart and in_b != in_c and in_b != in_e and in_c != in_e
            if apart and fast[4, i] > reach(fast[3, i], block_own[i], products.shape[2], d, marks):
                four = _four_distances(rows, start + i, references, a, b, c, e)
            else:
                four = _four_of_all(rows[start + i], columns, n_groups, squares)
            first, second, third, fourth = _sorted_four(four[0], four[1], four[2], four[3])
            own[start + i] = block_own[i]
            least[0, start + i], least[1, start + i] = first * scale[i], second * scale[i]
            least[2, start + i], least[3, start + i] = third * scale[i], fourth * scale[i]


def _nearest_parts_arrays(rows: Float32, references: Float32, k: int, parts: Float32) -> None:
    distances = np.zeros((len(rows), references.shape[1]), np.float32)
    for j in range(rows.shape[1]):
        distances += (references[j] - rows[:, j : j + 1]) ** 2
    nearest = np.argsort(distances, axis=1, kind="stable")[:, :k]
    parts[:] = _ZERO
    for place in range(k):
        parts += (references[:, nearest[:, place]].T - rows) ** 2


@compiled_or(_nearest_parts_arrays)
def nearest_parts(rows: Float32, references: Float32, k: int, parts: Float32) -> None:
    """Squared differences by column from the nearest ``k`` of the ``references`` (d, m), into ``parts``.

    Of references at the same distance the first counts.
    """
    d, m = references.shape
    squares = _beside(m)
    best, which = np.empty(k, np.float32), np.empty(k, np.int64)
    for i in range(rows.shape[0]):
        _all_distances(rows[i], references, squares)
        for place in range(k):
            best[place] = _NOWHERE
            which[place] = 0
        for r in range(m):
            if squares[r] < best[k - 1]:
                place = k - 1
                while place > 0 and squares[r] < best[place - 1]:
                    best[place], which[place] = best[place - 1], which[place - 1]
                    place -= 1
                best[place], which[place] = squares[r], r
        for j in range(d):
            total = _ZERO
            for place in range(k):
                difference = references[j, which[place]] - rows[i, j]
                total += difference * difference
            parts[i, j] = total
