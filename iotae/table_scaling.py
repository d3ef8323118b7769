"""Bring a table's columns to one scale, whatever their tails: linear near the centre, logarithmic far out."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from iotae.architecture import Float32
from iotae.scaling import Float64
from iotae.state import State

__all__ = ["TableScaler"]

_BEND = 4.0
"""A value stays linear up to about four robust units and is logarithmic beyond: with 1 ordinary tables
lose, without a bend network traffic does."""

_MOMENT_CLIP = 40.0
"""Bent values enter mean and deviation clipped here: one 1e300 cannot squash the bulk."""

_SCALE_FLOOR = 0.1
"""Smallest deviation in robust units: a rare one-hot column ends about ten deviations away, not 1,000."""

_INPUT_CLIP = 30.0
"""Scaled values are clipped here, so that distances in float32 stay exact to about 1e-3."""

_SMALLEST_UNIT = 1e-290

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
        made = cls()
        made._columns = np.repeat([[0.0], [1.0], [0.0], [1.0]], n_features, axis=1)
        made._bent = False
        return made

    def fit(self, X: ArrayLike) -> TableScaler:
        """Learn the scale of each column of a table (n, d); missing cells are NaN."""
        self.fit_transform(X)
        return self

    def fit_transform(self, X: ArrayLike) -> Float32:
        """Learn the scale of each column, and return the scaled rows, as :meth:`transform` would."""
        table = np.asarray(X, np.float64)
        centre, unit = np.zeros(table.shape[1]), np.ones(table.shape[1])
        # medians of contiguous columns are three times as fast
        for j, column in enumerate(np.ascontiguousarray(table.T)):
            values = np.clip(column[~np.isnan(column)], -_LARGEST, _LARGEST)
            if values.size:
                centre[j] = np.median(values)
                apart = np.abs(values - centre[j])
                apart = apart[apart > 0]
                if apart.size:
                    unit[j] = max(float(np.median(apart)), _SMALLEST_UNIT)
        self._bent = True
        self._columns = np.stack([centre, unit, np.zeros_like(centre), np.ones_like(centre)])
        bent = self._bend(table)
        self._columns[2:] = _moments(np.clip(bent, -_MOMENT_CLIP, _MOMENT_CLIP))
        return self._standardise(bent)

    def _bend(self, table: Float64) -> Float32:
        centre, unit = self._columns[:2]
        # the difference is taken in float64, the dear arcsinh in float32
        with np.errstate(over="ignore"):
            bent: Float32 = ((table - centre) / (unit * _BEND)).astype(np.float32)
        np.clip(bent, -_MOST_UNITS, _MOST_UNITS, out=bent)
        np.arcsinh(bent, out=bent)
        bent *= np.float32(_BEND)
        return bent

    def _standardise(self, bent: Float32) -> Float32:
        mean, deviation = self._columns[2:].astype(np.float32)
        bent -= mean
        bent /= deviation
        np.clip(bent, -_INPUT_CLIP, _INPUT_CLIP, out=bent)
        return bent

    def transform(self, X: ArrayLike) -> Float32:
        """Scaled rows as float32 (n, d); missing cells stay NaN."""
        table = np.asarray(X, np.float64)
        if self._bent:
            return self._standardise(self._bend(table))
        return np.clip(table, -_AS_IT_IS, _AS_IT_IS).astype(np.float32)

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
        """Rebuild from :meth:`to_state`."""
        made = cls()
        made._columns, made._bent = data["columns"], data["bent"]
        return made


def _moments(bent: Float32) -> Float64:
    """Mean and floored deviation (2, d) of bent and clipped columns, missing cells left out."""
    missing = np.isnan(bent)
    present = np.maximum(len(bent) - missing.sum(axis=0), 1)
    bent[missing] = 0.0
    mean = bent.sum(axis=0, dtype=np.float64) / present
    bent -= mean.astype(np.float32)
    bent[missing] = 0.0
    variance = np.einsum("ij,ij->j", bent, bent, dtype=np.float64) / present
    return np.stack([mean, np.where(variance > 1e-8, np.maximum(np.sqrt(variance), _SCALE_FLOOR), 1.0)])
