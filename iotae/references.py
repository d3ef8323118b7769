"""Distances of rows to a sample of reference rows.

A sample is better than all rows where the table is contaminated: a cluster of anomalies hides its
members only if the sample holds enough of it (Pang, Ting and Albrecht, 2015). The sample is cut into
groups, and a row's distances are its nearest reference in each group: their mean says how far it is
from everything, the smallest few how near its own company is.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from iotae.architecture import Float32
from iotae.scaling import Float64

__all__ = ["FINE_GROUPS", "References", "near_distance"]

_NEIGHBOURS = 3
"""The near distance is the mean to the nearest three: one is noisy, ten blunt on clean rows."""

FINE_GROUPS = 128
"""The nearest three are found among the minima of at least so many groups, without sorting a row."""

_TWIN = 1e-3
"""Closer than this share of a row's length is the row itself: one such hit is not counted."""

_BLOCK = 512
"""Rows per block of distances: 512 x 1024 float32 stays in the cache."""

_UNREACHABLE = np.float32(1e30)


class References:
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
        size = -(-len(rows) // self.groups)
        padded = np.zeros((size * self.groups, rows.shape[1]), np.float32)
        padded[: len(rows)] = self.rows
        self._squares = np.ascontiguousarray((padded * padded).T)
        self._unreachable = np.where(np.arange(len(padded)) < len(rows), np.float32(0), _UNREACHABLE)
        self._lengths = self._squares.sum(axis=0) + self._unreachable
        self._products = np.ascontiguousarray(-2.0 * padded.T)

    def minima(self, Z: Float32) -> Iterator[tuple[slice, Float32, Float32]]:
        """Yield blocks of rows: where they are, their nearest in each group (b, groups), their twin bound.

        Missing cells of a row are left out of its distances, which are then scaled up to all cells.
        """
        for start in range(0, len(Z), _BLOCK):
            block = Z[start : start + _BLOCK]
            present = ~np.isnan(block)
            whole = bool(present.all())
            z = block if whole else np.nan_to_num(block, nan=0.0)
            own = np.einsum("ij,ij->i", z, z)
            distances = z @ self._products
            if whole:
                distances += self._lengths
            else:
                distances += present.astype(np.float32) @ self._squares + self._unreachable
            nearest = distances.reshape(len(z), -1, self.groups).min(axis=1)
            nearest += own[:, None]
            if not whole:
                nearest *= (Z.shape[1] / np.maximum(present.sum(axis=1), 1)).astype(np.float32)[:, None]
            yield slice(start, start + len(z)), np.sqrt(np.maximum(nearest, 0.0)), _TWIN * np.sqrt(own + 1e-3)

    def near(self, Z: Float32) -> Float64:
        """Mean distance of each row to its nearest three references, itself left out (n,)."""
        distances = np.empty(len(Z))
        for place, nearest, bound in self.minima(Z):
            distances[place] = near_distance(nearest, bound)
        return distances

    def shares(self, Z: Float32) -> Float64:
        """Squared distance to the nearest references by column (n, d)."""
        z = np.nan_to_num(Z, nan=0.0)
        k = min(_NEIGHBOURS + 1, len(self.rows))
        parts = np.empty(Z.shape)
        for start in range(0, len(Z), _BLOCK):
            block = z[start : start + _BLOCK]
            distances = block @ self._products[:, : len(self.rows)] + self._lengths[: len(self.rows)]
            nearest = np.argpartition(distances, k - 1, axis=1)[:, :k]
            parts[start : start + _BLOCK] = ((block[:, None] - self.rows[nearest]) ** 2).sum(axis=1)
        parts[np.isnan(Z)] = 0.0
        return parts


def near_distance(nearest: Float32, bound: Float32) -> Float64:
    """Mean of each row's smallest three group minima (n, groups), itself left out (n,)."""
    n_groups = nearest.shape[1]
    k = max(1, min(_NEIGHBOURS, n_groups - 1))
    if n_groups > k + 1:
        nearest = np.partition(nearest, k, axis=1)[:, : k + 1]
    nearest = np.sort(nearest, axis=1).astype(np.float64)
    without_first = nearest[:, 1:].mean(axis=1) if n_groups > 1 else nearest[:, 0]
    twin = (nearest[:, 0] <= bound) & (n_groups > k)
    return np.where(twin, without_first, nearest[:, :k].mean(axis=1))
