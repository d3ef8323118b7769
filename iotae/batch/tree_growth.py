"""Grows trees, all at once and level by level, each split where the two sides of a column spread least."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from iotae._typing import Float32, Float64, Int16, Int32, Int64

__all__ = ["Trees", "best_cuts", "grow"]

_SIGN = np.uint32(1 << 31)


class Trees(NamedTuple):
    """Complete binary trees: node i has the children 2i + 1, for values up to the cut, and 2i + 2.

    Attributes
    ----------
    columns : (trees, inner nodes)
        The column that a node looks at.
    cuts : (trees, inner nodes)
        Infinite where a node's rows are all alike, and all go to the first child.
    sizes : (trees, nodes)
        How many rows of the sample came there.
    """

    columns: Int32
    cuts: Float32
    sizes: Int32


def grow(rows: Float32, sample: Int64, tried: Int32) -> Trees:
    """Grow a tree from each sample of rows.

    Parameters
    ----------
    rows : (n, d)
        Without missing cells.
    sample : (trees, own)
        Which rows each tree is grown from.
    tried : (trees, inner nodes, tries)
        Columns that a node may look at: it takes the first that varies among its rows.
    """
    n_trees, n_inner, _ = tried.shape
    trees = Trees(
        tried[:, :, 0].copy(),
        np.full((n_trees, n_inner), np.inf, np.float32),
        np.zeros((n_trees, 2 * n_inner + 1), np.int32),
    )
    tree, node = np.arange(n_trees)[:, None], np.zeros(sample.shape, np.int64)
    trees.sizes[:, 0] = sample.shape[1]
    first = 0
    while first < n_inner:
        width = first + 1
        # the nodes of all trees in one order, so that the rows of each are one stretch
        place = (tree * width + node - first).ravel().astype(np.int16)
        order = np.argsort(place, kind="stable")
        place = place[order]
        starts = np.flatnonzero(np.r_[True, place[1:] > place[:-1]])
        occupied = place[starts]
        candidates = tried[:, first : first + width].reshape(n_trees * width, -1)
        column = _varying(rows, sample.ravel()[order], place, starts, candidates)
        cuts = best_cuts(rows[sample.ravel()[order], column[place]], place, starts)
        trees.columns[:, first : first + width] = column.reshape(n_trees, width)
        level = np.full(n_trees * width, np.inf, np.float32)
        level[occupied] = cuts
        trees.cuts[:, first : first + width] = level.reshape(n_trees, width)
        values = rows[sample, trees.columns[tree, node]]
        node = 2 * node + 1 + (values > trees.cuts[tree, node])
        came = np.bincount((tree * 2 * width + node - 2 * first - 1).ravel(), minlength=2 * width * n_trees)
        trees.sizes[:, 2 * first + 1 : 2 * first + 1 + 2 * width] = came.reshape(n_trees, 2 * width)
        first += width
    return trees


def _varying(rows: Float32, own: Int64, place: Int16, starts: Int64, candidates: Int32) -> Int32:
    """The first candidate of each node (nodes,) that varies among its rows, else the last of all."""
    column: Int32 = candidates[:, 0].copy()
    sizes = np.diff(np.r_[starts, place.size])
    for attempt in range(1, candidates.shape[1]):
        values = rows[own, column[place]]
        constant = np.maximum.reduceat(values, starts) <= np.minimum.reduceat(values, starts)
        column[place[starts[constant]]] = candidates[place[starts[constant]], attempt]
        # one row alone never varies
        left = np.repeat(constant & (sizes > 1), sizes)
        if not left.any():
            break
        own, place = own[left], place[left]
        starts = np.flatnonzero(np.r_[True, place[1:] > place[:-1]])
        sizes = np.diff(np.r_[starts, place.size])
    return column


def _sorted_within(values: Float32, place: Int16) -> Float32:
    """Values (m,) in order of their stretch, and within it in their own."""
    # a float's bits, the sign turned round, have the floats' order: one sort of whole numbers does both
    bits = np.ascontiguousarray(values).view(np.uint32)
    flipped = np.where(bits >> 31, ~bits, bits | _SIGN)
    keys = np.sort(place.astype(np.uint64) << np.uint64(32) | flipped)
    flipped = (keys & np.uint64(0xFFFFFFFF)).astype(np.uint32)
    return np.where(flipped >> 31, flipped & ~_SIGN, ~flipped).view(np.float32)


def best_cuts(values: Float32, place: Int16, starts: Int64) -> Float32:
    """Where each stretch of values is cut (stretches,): the least sum of n times deviation of its two sides.

    Parameters
    ----------
    values : (m,)
    place : (m,)
        A number that rises from stretch to stretch.
    starts : (stretches,)
        Where each stretch begins.

    Examples
    --------
    >>> values = np.array([0.0, 9.0, 1.0, 8.0, 5.0, 5.0], np.float32)
    >>> best_cuts(values, np.array([0, 0, 0, 0, 1, 1], np.int16), np.array([0, 4]))
    array([4.5, inf], dtype=float32)
    """
    ordered = _sorted_within(values, place)
    sizes = np.diff(np.r_[starts, values.size])
    within = np.arange(values.size) - np.repeat(starts, sizes)
    size = np.repeat(sizes, sizes)
    # each stretch from 0 to 1, so that no sum loses the digits of a narrow one
    low, high = ordered[starts].astype(np.float64), ordered[starts + sizes - 1].astype(np.float64)
    width = np.where(high > low, high - low, 1.0)
    unit: Float64 = (ordered - np.repeat(low, sizes)) / np.repeat(width, sizes)
    total, square = _running(unit, starts, sizes), _running(unit * unit, starts, sizes)
    last = starts + sizes - 1
    n_left = within.astype(np.float64) + 1.0
    n_right = size - n_left
    spread = n_left * _deviation(n_left, total, square)
    total, square = np.repeat(total[last], sizes) - total, np.repeat(square[last], sizes) - square
    spread += n_right * _deviation(np.maximum(n_right, 1.0), total, square)
    following = np.r_[ordered[1:], ordered[-1:]]
    spread[(n_right == 0.0) | (following <= ordered)] = np.inf
    least = np.minimum.reduceat(spread, starts)
    at = np.minimum.reduceat(
        np.where(spread == np.repeat(least, sizes), np.arange(values.size), values.size), starts
    )
    below, above = ordered[at], following[at]
    middle = below + (above - below) / np.float32(2.0)
    # between two neighbouring numbers there is none: the lower one itself parts them
    cuts = np.where(middle < above, middle, below).astype(np.float32)
    return np.where(np.isinf(least), np.float32(np.inf), cuts)


def _running(values: Float64, starts: Int64, sizes: Int64) -> Float64:
    """Running sums (m,) that begin anew with each stretch."""
    sums = np.cumsum(values)
    before = np.r_[0.0, sums][starts]
    running: Float64 = sums - np.repeat(before, sizes)
    return running


def _deviation(n: Float64, total: Float64, square: Float64) -> Float64:
    deviation: Float64 = np.sqrt(np.maximum(square / n - (total / n) ** 2, 0.0))
    return deviation
