"""Distances of rows to a sample of reference rows.

A sample is better than all rows where the table is contaminated: a cluster of anomalies hides its
members only if the sample holds enough of it (Pang, Ting and Albrecht, 2015). The sample is cut into
groups, and a row's distances are its nearest reference in each group: their mean says how far it is
from everything, the smallest few how near its own company is.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from iotae._typing import Float32, Float64
from iotae.batch.distances import group_minima, smallest

__all__ = ["FINE_GROUPS", "Neighbours", "near_distance"]

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

    Parameters
    ----------
    rows : ndarray of float32, shape (m, d)
        Scaled rows; NaN is missing and lies at the average.
    groups : int, optional
        Into how many groups the references are cut; by default enough for the near distance.
    """

    def __init__(self, rows: Float32, groups: int | None = None) -> None:
        self.rows = np.nan_to_num(rows, nan=0.0)
        self.groups = groups or min(max(FINE_GROUPS, len(rows) // 8), len(rows))
        d = rows.shape[1]
        size = -(-len(rows) // self.groups)
        # what is multiplied by a row and a 1, and by a row with gaps, the presence of its cells and a 1
        self._gappy = np.zeros((size * self.groups, 2 * d + 1), np.float32)
        self._gappy[: len(rows), :d] = -2.0 * self.rows
        self._gappy[: len(rows), d:-1] = self.rows * self.rows
        self._gappy[len(rows) :, -1] = _UNREACHABLE
        self._whole = np.ascontiguousarray(self._gappy[:, : d + 1])
        self._whole[:, d] = self._gappy[:, d:].sum(axis=1)

    def minima(self, Z: Float32) -> Iterator[tuple[slice, Float32, Float32]]:
        """Yield pieces of rows: where they are, their squared distance to the nearest reference of each
        group (groups, b), and the distance up to which a reference is the row itself (b,).

        Missing cells of a row are left out of its distances, which are then scaled up to all cells.
        """
        d = Z.shape[1]
        for start in range(0, len(Z), _PIECE):
            piece = Z[start : start + _PIECE]
            missing = np.isnan(piece)
            scale = np.ones(len(piece), np.float32)
            if not missing.any():
                products, rows = self._whole, np.ones((len(piece), d + 1), np.float32)
                rows[:, :d] = piece
            else:
                products, rows = self._gappy, np.ones((len(piece), 2 * d + 1), np.float32)
                rows[:, :d] = np.nan_to_num(piece, nan=0.0)
                rows[:, d:-1] = ~missing
                scale[:] = d / np.maximum(d - missing.sum(axis=1), 1)
            own = np.einsum("ij,ij->i", rows[:, :d], rows[:, :d])
            squares = np.empty((self.groups, len(piece)), np.float32)
            group_minima(products, rows, own, scale, squares)
            yield slice(start, start + len(piece)), squares, _TWIN * np.sqrt(own + 1e-3)

    def near(self, Z: Float32) -> Float64:
        """Mean distance of each row to its nearest three references, itself left out (n,)."""
        distances = np.empty(len(Z))
        for place, squares, bound in self.minima(Z):
            distances[place] = near_distance(squares, bound)
        return distances

    def shares(self, Z: Float32) -> Float64:
        """Squared distance to the nearest references by column (n, d)."""
        z = np.nan_to_num(Z, nan=0.0)
        k = min(_NEIGHBOURS + 1, len(self.rows))
        parts = np.empty(Z.shape)
        for start in range(0, len(Z), _PIECE):
            block = z[start : start + _PIECE]
            whole = self._whole[: len(self.rows)]
            distances = block @ whole[:, :-1].T + whole[:, -1]
            nearest = np.argpartition(distances, k - 1, axis=1)[:, :k]
            parts[start : start + _PIECE] = ((block[:, None] - self.rows[nearest]) ** 2).sum(axis=1)
        parts[np.isnan(Z)] = 0.0
        return parts


def near_distance(squares: Float32, bound: Float32) -> Float64:
    """Mean of each row's least three distances, itself left out (n,), from squared ones (groups, n)."""
    n_groups = len(squares)
    k = max(1, min(_NEIGHBOURS, n_groups - 1))
    least = np.empty((_NEIGHBOURS + 1, squares.shape[1]), np.float32)
    smallest(squares, least)
    nearest = np.sqrt(least[: k + 1])
    total: Float64 = nearest[:k].sum(axis=0, dtype=np.float64)
    if n_groups > k:
        twin = np.flatnonzero(nearest[0] <= bound)
        total[twin] = nearest[1:, twin].sum(axis=0, dtype=np.float64)
    total /= k
    return total
