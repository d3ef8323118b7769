"""Bring a table's columns to one scale, whatever their tails: linear near the centre, logarithmic far out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from iotae._typing import Float32, Float64, Int64, State
from iotae.batch.categories import blocks

__all__ = ["TableScaler", "learn_scale"]

F = TypeVar("F", np.float32, np.float64)

_BEND = 4.0
"""A value stays linear up to about four robust units and is logarithmic beyond: with 1 ordinary tables
lose, without a bend network traffic does."""

_MOMENT_CLIP = 40.0
"""Bent values enter mean and deviation clipped here: one 1e300 cannot squash the bulk."""

_SCALE_FLOOR = 0.1
"""Smallest deviation in robust units: a rare one-hot column ends about ten deviations away, not 1,000."""

_CATEGORY_FLOOR = 0.5
"""Least deviation of a category's columns together: a rare value ends at most a few deviations away."""

_STRAIGHT = 100.0
"""Robust unit of a category's columns, far beyond their values, so that they do not reach the bend."""

_INPUT_CLIP = 30.0
"""Scaled values are clipped here, so that distances in float32 stay exact to about 1e-3."""

_SMALLEST_UNIT = 1e-290

_PIECE_CELLS = 1 << 15
"""Cells that are scaled at a time: they stay in the cache from one step to the next."""

_COLUMNS = 16
"""Columns that are copied together: a line of the cache holds eight neighbours."""

_MOST_UNITS = np.float32(1e30)
"""Robust units beyond this count as this: far beyond the clip of the input, and inside float32."""

_AS_IT_IS = 1e9
"""Rows that are taken as they are count beyond this as this: their squares stay inside float32."""

_LARGEST = 1e300
"""Infinities count as this, so that a column's centre and unit stay finite."""


class TableScaler:
    """Robust units, a bend, then mean 0 and deviation 1 for each column.

    A column's robust unit is the median distance from its median over the rows that differ from it,
    so a column that is mostly one value (a rare counter, a one-hot) gets the scale of its other part.

    Attributes
    ----------
    n_features : int

    Examples
    --------
    >>> scaler = TableScaler().fit([[1.0], [2.0], [3.0], [1e9]])
    >>> scaler.transform([[2.0], [np.nan]]).round(2)
    array([[-0.58],
           [  nan]], dtype=float32)
    """

    def __init__(self) -> None:
        self._columns = np.zeros((4, 0))
        self._bent = True

    @property
    def n_features(self) -> int:
        """Number of columns."""
        return self._columns.shape[1]

    @classmethod
    def identity(cls, n_features: int) -> TableScaler:
        """A scaler that leaves rows as they are, for callers who have scaled already."""
        result = cls()
        result._columns = np.repeat([[0.0], [1.0], [0.0], [1.0]], n_features, axis=1)
        result._bent = False
        return result

    def fit(self, X: ArrayLike) -> TableScaler:
        """Learn the scale of each column of a table (n, d); missing cells are NaN."""
        self.fit_transform(X)
        return self

    def fit_transform(self, X: ArrayLike, categories: Int64 | None = None) -> Float32:
        """Learn the scale of each column, and return the scaled rows, as :meth:`transform` would.

        The columns of one of the ``categories`` (:mod:`iotae.batch.categories`) keep their proportions, and
        are scaled so that together they vary as much as one number.
        """
        table = np.asarray(X, np.float64)
        centre, unit = np.zeros(table.shape[1]), np.ones(table.shape[1])
        # a column that lies together is cut in two three times as fast
        together = np.empty((min(_COLUMNS, table.shape[1]), len(table)))
        for first in range(0, table.shape[1], _COLUMNS):
            some = table[:, first : first + _COLUMNS].T
            np.copyto(together[: len(some)], some)
            for j, column in enumerate(together[: len(some)], start=first):
                centre[j], unit[j] = _centre_and_unit(column)
        self._bent = True
        self._columns = np.stack([centre, unit, np.zeros_like(centre), np.ones_like(centre)])
        bent = self._bend(table)
        self._columns[2:] = _moments(bent)
        if categories is not None:
            bent = self._scale_together(table, categories, bent)
        for piece in _pieces(bent):
            self._standardise(piece)
        return bent

    def _scale_together(self, table: Float64, categories: Int64, bent: Float32) -> Float32:
        """Scale the columns of each category as one, without a bend; what the table is then, bent (n, d)."""
        for columns in blocks(categories):
            # unlike nanmean, the mean of present cells has no warning where there are none
            present = ~np.isnan(table[:, columns])
            cells, n = np.where(present, table[:, columns], 0.0), np.maximum(present.sum(axis=0), 1)
            mean = cells.sum(axis=0) / n
            variance = np.maximum((cells * cells).sum(axis=0) / n - mean * mean, 0.0)
            self._columns[0, columns], self._columns[1, columns] = 0.0, _STRAIGHT
            self._columns[2, columns] = mean / _STRAIGHT
            self._columns[3, columns] = max(np.sqrt(variance.sum()), _CATEGORY_FLOOR) / _STRAIGHT
        return self._bend(table)

    def _bend(self, table: Float64) -> Float32:
        """Rows in robust units, a quarter of them, and bent."""
        centre, unit = self._columns[:2]
        scale = 1.0 / (unit * _BEND)
        bent = np.empty(table.shape, np.float32)
        units = np.empty(next(_pieces(table), table).shape)
        for rows, piece in zip(_pieces(table), _pieces(bent), strict=True):
            # the difference is taken in float64, the dear arcsinh in float32
            deviation = np.subtract(rows, centre, out=units[: len(rows)])
            with np.errstate(over="ignore"):
                deviation *= scale
                piece[:] = deviation
            np.clip(piece, -_MOST_UNITS, _MOST_UNITS, out=piece)
            np.arcsinh(piece, out=piece)
        return bent

    def _standardise(self, bent: Float32) -> None:
        mean, deviation = self._columns[2:]
        bent *= (_BEND / deviation).astype(np.float32)
        bent -= (mean / deviation).astype(np.float32)
        np.clip(bent, -_INPUT_CLIP, _INPUT_CLIP, out=bent)

    def transform(self, X: ArrayLike) -> Float32:
        """Scaled rows as float32 (n, d); missing cells stay NaN."""
        table = np.asarray(X, np.float64)
        if not self._bent:
            return np.clip(table, -_AS_IT_IS, _AS_IT_IS).astype(np.float32)
        scaled = self._bend(table)
        for piece in _pieces(scaled):
            self._standardise(piece)
        return scaled

    def inverse_transform(self, Z: ArrayLike) -> Float64:
        """Rows in the columns' own units from scaled rows (n, d)."""
        z = np.asarray(Z, np.float64)
        if not self._bent:
            return z
        centre, unit, mean, deviation = self._columns
        bent = np.clip((z * deviation + mean) / _BEND, -700.0, 700.0)
        restored: Float64 = centre + unit * _BEND * np.sinh(bent)
        return restored

    def to_state(self) -> State:
        """Everything, as arrays."""
        return {"columns": self._columns.copy(), "bent": self._bent}

    @classmethod
    def from_state(cls, data: State) -> TableScaler:
        """Rebuild from :meth:`to_state`, of a state that is as a model's schema says."""
        restored = cls()
        restored._columns, restored._bent = data["columns"], data["bent"]
        return restored


def learn_scale(table: Float64, as_it_is: bool, categories: Int64 | None) -> tuple[TableScaler, Float32]:
    """A scaler fitted to a table (n, d), or one that leaves it as it is, and the scaled rows."""
    if as_it_is:
        scaler = TableScaler.identity(table.shape[1])
        return scaler, scaler.transform(table)
    scaler = TableScaler()
    return scaler, scaler.fit_transform(table, categories)


def _pieces(table: NDArray[F]) -> Iterator[NDArray[F]]:
    rows = max(1, _PIECE_CELLS // max(table.shape[1], 1))
    return (table[start : start + rows] for start in range(0, len(table), rows))


def _centre_and_unit(column: Float64) -> tuple[float, float]:
    """Median of a column (n,), and the median distance from it of the values that differ from it."""
    missing = np.isnan(column)
    values = np.clip(column[~missing] if missing.any() else column, -_LARGEST, _LARGEST)
    if not values.size:
        return 0.0, 1.0
    centre = _median(values, 0)
    values -= centre
    deviation = np.abs(values, out=values)
    equal = deviation.size - int(np.count_nonzero(deviation))
    if equal == deviation.size:
        return centre, 1.0
    return centre, max(_median(deviation, equal), _SMALLEST_UNIT)


def _median(values: Float64, skipped: int) -> float:
    """Median of all but the ``skipped`` least values (n,), which are put into another order."""
    middle = skipped + (values.size - skipped) // 2
    # one place at a time: for two of them the library has no fast path
    values.partition(middle)
    upper = float(values[middle])
    if (values.size - skipped) % 2:
        return upper
    return 0.5 * (float(values[:middle].max()) + upper)


def _moments(bent: Float32) -> Float64:
    """Mean and floored deviation (2, d) in robust units of bent columns, missing cells left out."""
    total, squares, present = np.zeros((3, bent.shape[1]))
    most = _MOMENT_CLIP / _BEND
    for piece in _pieces(bent):
        cells = np.clip(piece, -most, most)
        missing = np.isnan(cells)
        present += len(cells) - np.count_nonzero(missing, axis=0)
        cells[missing] = 0.0
        total += cells.sum(axis=0)
        squares += np.einsum("ij,ij->j", cells, cells)
    # a mean is no farther than one deviation from the median, which is 0 here: the difference is exact
    present = np.maximum(present, 1.0)
    mean = _BEND * total / present
    variance = np.maximum(_BEND * _BEND * squares / present - mean * mean, 0.0)
    return np.stack([mean, np.where(variance > 1e-8, np.maximum(np.sqrt(variance), _SCALE_FLOOR), 1.0)])
