"""Distances of rows to a sample of reference rows.

A sample is better than all rows where the table is contaminated: a cluster of anomalies hides its
members only if the sample holds enough of it (Pang, Ting and Albrecht, 2015). The sample is cut into
groups, and a row's distances are its nearest reference in each group: their mean says how far it is
from everything, the smallest few how near its own company is.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

import numpy as np

from iotae._typing import Float32, Float64
from iotae.batch.distances import nearest_four, nearest_parts
from iotae.nn.products import multiple_of_four

__all__ = ["FINE_GROUPS", "Neighbours", "mean_distance"]

_NEIGHBOURS = 3
"""The near distance is the mean to the nearest three: one is noisy, ten blunt on clean rows."""

FINE_GROUPS = 128
"""The nearest three are found among the minima of at least so many groups, without sorting a row."""

_TWIN = 1e-3
"""Closer than this share of a row's length is the row itself: one such hit is not counted."""

_PIECE = 1024
"""Rows whose group minima are held at a time: 128 x 1024 float32 stay in the cache."""

_UNREACHABLE = np.float32(1e30)


class Neighbours:
    """Reference rows laid out for fast distances.

    Distances are a function of the row and the references alone, bit for bit
    (:mod:`iotae.batch.distances`).

    Parameters
    ----------
    rows : ndarray of float32, shape (m, d)
        Scaled rows; NaN is missing and lies at the average.
    groups : int, optional
        Into how many groups the references are cut; by default enough for the near distance.
    """

    def __init__(self, rows: Float32, groups: int | None = None) -> None:
        self.groups = groups or min(max(FINE_GROUPS, len(rows) // 8), len(rows))
        # reference j is in group j % groups; a short group is filled up with its first member, out of reach
        place = np.arange(-(-len(rows) // self.groups) * self.groups)
        grouped = rows[np.where(place < len(rows), place, place % self.groups)]
        np.nan_to_num(grouped, copy=False, nan=0.0)
        self.rows, self._filled, self._columns = (
            grouped[: len(rows)],
            grouped,
            np.ascontiguousarray(grouped.T),
        )
        grouped = grouped.reshape(-1, self.groups, rows.shape[1])
        self._beyond = np.where(place < len(rows), np.float32(0.0), _UNREACHABLE).reshape(-1, self.groups)
        squares = (grouped * grouped).sum(axis=2)
        self._full = _in_fours(-2.0 * grouped, None, self._beyond + squares)

    @cached_property
    def _gappy(self) -> tuple[Float32, Float32]:
        """What a row with gaps is multiplied by: also the presence of its cells; twice as much to hold."""
        grouped = self._filled.reshape(-1, self.groups, self._filled.shape[1])
        return _in_fours(-2.0 * grouped, grouped * grouped, self._beyond)

    def _nearest(self, Z: Float32, minima: Float32) -> tuple[Float64, Float32]:
        """Mean distance of each row to its nearest three, and up to which distance one is the row itself."""
        least, own = np.empty((_NEIGHBOURS + 1, len(Z)), np.float32), np.empty(len(Z), np.float32)
        products = self._gappy if np.isnan(Z).any() else self._full
        nearest_four(Z, *products, self._filled, self._columns, least, own, minima)
        bound = np.asarray(_TWIN * np.sqrt(own + np.float32(1e-3)), np.float32)
        return mean_distance(least, bound, self.groups), bound

    def near(self, Z: Float32) -> Float64:
        """Mean distance of each row to its nearest three references, itself left out (n,).

        Missing cells of a row are left out of its distances, which are then scaled up to all cells.
        """
        return self._nearest(Z, np.empty((self.groups, 0), np.float32))[0]

    def pieces(self, Z: Float32) -> Iterator[tuple[slice, Float64, Float32, Float32]]:
        """Yield pieces of rows: where they are, their near distances and their distances to the groups.

        These are the near distance (b,), the squared distance to the nearest reference of each group
        (groups, b), and the distance up to which a reference is the row itself (b,). The squared distances
        are fast ones: their last digits hang on the processor.
        """
        for start in range(0, len(Z), _PIECE):
            piece = Z[start : start + _PIECE]
            minima = np.empty((self.groups, len(piece)), np.float32)
            near, bound = self._nearest(piece, minima)
            yield slice(start, start + len(piece)), near, minima, bound

    def shares(self, Z: Float32) -> Float64:
        """Squared distance to the nearest references by column (n, d)."""
        parts = np.empty(Z.shape, np.float32)
        filled = np.nan_to_num(Z, nan=0.0)
        k = min(_NEIGHBOURS + 1, len(self.rows))
        references = np.ascontiguousarray(self.rows.T)
        for start in range(0, len(Z), _PIECE):
            place = slice(start, start + _PIECE)
            nearest_parts(filled[place], references, k, parts[place])
        parts[np.isnan(Z)] = 0.0
        return parts.astype(np.float64)


def _in_fours(terms: Float32, more: Float32 | None, constants: Float32) -> tuple[Float32, Float32]:
    """What is multiplied (members, groups, terms) and added (members, groups), filled up to fours."""
    members, groups, n = terms.shape
    width = n if more is None else 2 * n
    filled = np.zeros((members, multiple_of_four(groups), multiple_of_four(width)), np.float32)
    filled[:, :groups, :n] = terms
    if more is not None:
        filled[:, :groups, n:width] = more
    # a group too many is never looked at
    added = np.zeros(filled.shape[:2], np.float32)
    added[:, :groups] = constants
    return filled, added


def mean_distance(least: Float32, bound: Float32, n_groups: int) -> Float64:
    """Mean of each row's least three distances, itself left out (n,), from the least four squared ones."""
    k = max(1, min(_NEIGHBOURS, n_groups - 1))
    first, *others = np.sqrt(least[: k + 1]).astype(np.float64)
    # one after the other: the order of a sum over an axis may hang on the number of rows
    total = first
    for other in others[: k - 1]:
        total = total + other
    if n_groups > k:
        without = others[0]
        for other in others[1:]:
            without = without + other
        total = np.where(first <= bound, without, total)
    result: Float64 = total / k
    return result
