"""Running centre and spread of each feature: incremental, robust, mergeable, aware of missing values."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from iotae.architecture import Float32
from iotae.compiled import compiled
from iotae.state import State

__all__ = ["HEAD", "LARGEST", "RunningScaler", "batch_statistics", "observe_row", "scale_row"]

Float64: TypeAlias = NDArray[np.float64]

HEAD = 9
"""Values of a feature that are kept to start from their median: up to four of them may be absurd."""

LARGEST = 1e100
"""Values beyond this are taken as missing: their squares would leave float64."""

_REACH = 4.0
"""An update moves as if its value lay at most this many spreads from the centre: one value cannot
ruin the scale, yet a spread that is far too small still grows by half at each outlying value."""

_FLOOR = 1e-3
"""Smallest spread relative to the centre's size, so that a constant's rounding is not a signal."""

_TINY = 1e-12


@compiled
def _start(head: Float64, n: int) -> tuple[float, float]:
    values = np.sort(head[:n])
    centre = values[n // 2] if n % 2 == 1 else 0.5 * (values[n // 2 - 1] + values[n // 2])
    # the mean absolute deviation of the inner values survives binary features, where the median
    # absolute deviation is 0
    inner, used = 0.0, 0
    for i in range(n // 4, n - n // 4):
        inner += abs(values[i] - centre)
        used += 1
    spread = 2.0 * inner / max(used, 1)
    return centre, spread * spread


@compiled
def observe_row(
    row: Float64, count: Float64, centre: Float64, variance: Float64, head: Float64, horizon: float
) -> None:
    """Take one row (d,) into the statistics; NaN cells leave their feature as it was."""
    for j in range(row.size):
        value = row[j]
        if not abs(value) <= LARGEST:
            continue
        seen = int(count[j])
        count[j] += 1.0
        if seen < HEAD:
            head[j, seen] = value
            centre[j], variance[j] = _start(head[j], seen + 1)
            continue
        spread = max(np.sqrt(variance[j]), _FLOOR * abs(centre[j]), _TINY)
        step = min(max(value - centre[j], -_REACH * spread), _REACH * spread)
        rate = max(1.0 / (seen + 1.0), 1.0 / horizon)
        centre[j] += rate * step
        variance[j] = (1.0 - rate) * (variance[j] + rate * step * step)


@compiled
def scale_row(row: Float64, centre: Float64, variance: Float64, limit: float, out: Float32) -> None:
    """Standardise one row (d,) into ``out``, beyond ``limit`` spreads logarithmically; NaN stays."""
    for j in range(row.size):
        value = row[j]
        if not abs(value) <= LARGEST:
            out[j] = np.nan
            continue
        spread = max(np.sqrt(variance[j]), _FLOOR * abs(centre[j]), _TINY)
        z = (value - centre[j]) / spread
        if z > limit:
            z = limit + np.log1p(z - limit)
        elif z < -limit:
            z = -limit - np.log1p(-z - limit)
        out[j] = z


@compiled
def _observe_rows(
    rows: Float64, count: Float64, centre: Float64, variance: Float64, head: Float64, horizon: float
) -> None:
    for i in range(rows.shape[0]):
        observe_row(rows[i], count, centre, variance, head, horizon)


def batch_statistics(X: Float64) -> tuple[Float64, Float64, Float64]:
    """Count, centre and variance of each column of a whole table, without a loop over rows.

    Values beyond the 0.5 % and 99.5 % quantiles count as if they lay there, so a few absurd
    values in a table cannot ruin its scale.

    Parameters
    ----------
    X : ndarray of float64, shape (n, d)
        NaN is missing.

    Returns
    -------
    count, centre, variance : ndarray of float64, shape (d,)
        A column with no value at all has centre 0 and variance 0.
    """
    usable = np.where(np.abs(X) <= LARGEST, X, np.nan)
    count = np.isfinite(usable).sum(axis=0).astype(np.float64)
    empty = count == 0
    usable[:, empty] = 0.0
    sample = usable if len(usable) <= 50_000 else usable[:: len(usable) // 50_000 + 1]
    # a column whose values all fell between the sampled rows still needs its quantiles
    lost = np.isnan(sample).all(axis=0)
    low, high = np.zeros(X.shape[1]), np.zeros(X.shape[1])
    for columns, source in ((~lost, sample), (lost, usable)):
        if columns.any():
            low[columns], high[columns] = np.nanquantile(source[:, columns], [0.005, 0.995], axis=0)
    clipped = np.clip(usable, low, high)
    # a column that is rarely on would be clipped to a constant: its plain moments are bounded anyway
    flat = low == high
    clipped[:, flat] = usable[:, flat]
    return count, np.nanmean(clipped, axis=0), np.nanvar(clipped, axis=0)


class RunningScaler:
    """Standardise features by a centre and a spread that follow the data.

    The first values of a feature set its centre by their median. Later values move centre and
    spread with rate ``1 / n``, and with ``1 / horizon`` from there on, each clipped at four spreads
    from the centre: one absurd value does nothing, a lasting change is followed.

    Parameters
    ----------
    n_features : int
        Number of features.
    horizon : float, at least 1
        Values after which old ones begin to fade; infinity for a plain running mean.
    limit : float, positive
        Spreads beyond which scaled values grow logarithmically.

    Attributes
    ----------
    count, centre, variance : ndarray of float64, shape (n_features,)

    Examples
    --------
    >>> scaler = RunningScaler(n_features=1)
    >>> values = np.random.default_rng(0).normal(20.0, 2.0, size=(1000, 1))
    >>> values[[0, 500]] = 1e9
    >>> scaler.update(values)
    >>> round(float(scaler.centre[0]), 1), round(float(scaler.variance[0]) ** 0.5, 1)
    (19.9, 2.0)
    >>> scaler.transform([[24.0], [np.nan]]).round(1)
    array([[2.1],
           [nan]], dtype=float32)
    """

    def __init__(self, n_features: int, horizon: float = 10_000.0, limit: float = 10.0) -> None:
        if n_features < 1:
            raise ValueError(f"Got n_features={n_features!r}, but expected a positive integer.")
        if not horizon >= 1.0:
            raise ValueError(f"Got horizon={horizon!r}, but expected a number of rows of at least 1.")
        if not limit > 0.0:
            raise ValueError(f"Got limit={limit!r}, but expected a positive number of spreads, e.g. 10.")
        self.n_features = int(n_features)
        self.horizon = float(horizon)
        self.limit = float(limit)
        self.count = np.zeros(self.n_features)
        self.centre = np.zeros(self.n_features)
        self.variance = np.zeros(self.n_features)
        self.head = np.zeros((self.n_features, HEAD))

    def _table(self, X: ArrayLike) -> Float64:
        table = np.ascontiguousarray(X, np.float64)
        if table.ndim != 2 or table.shape[1] != self.n_features:
            raise ValueError(
                f"Got an array of shape {table.shape}, but expected (n_rows, {self.n_features}): "
                "pass rows of the features that the scaler was made for."
            )
        return table

    def fit(self, X: ArrayLike) -> RunningScaler:
        """Set the statistics from a whole table (n, n_features), whatever was seen before."""
        table = self._table(X)
        self.count, self.centre, self.variance = batch_statistics(table)
        # a later update moves on from here and not from the head, however short the table was
        self.count = np.where(self.count > 0, np.maximum(self.count, HEAD), 0.0)
        return self

    def update(self, X: ArrayLike) -> None:
        """Take rows (n, n_features) in order; how they are sliced makes no difference."""
        _observe_rows(self._table(X), self.count, self.centre, self.variance, self.head, self.horizon)

    @classmethod
    def identity(cls, n_features: int) -> RunningScaler:
        """A scaler that leaves rows as they are, for callers who have scaled already."""
        made = cls(n_features, horizon=float("inf"), limit=float("inf"))
        made.count[:], made.variance[:] = HEAD, 1.0
        return made

    @property
    def spread(self) -> Float64:
        """What scaled values are divided by: never 0, and never below 0.001 of the centre's size."""
        floor = np.maximum(_FLOOR * np.abs(self.centre), _TINY)
        return np.maximum(np.sqrt(self.variance), floor)

    def transform(self, X: ArrayLike) -> Float32:
        """Scaled rows as float32 (n, n_features); missing cells stay NaN."""
        table = self._table(X)
        usable = np.where(np.abs(table) <= LARGEST, table, np.nan)
        z = (usable - self.centre) / self.spread
        size = np.abs(z)
        beyond = self.limit + np.log1p(np.maximum(size - self.limit, 0.0))
        scaled: Float32 = np.where(size > self.limit, np.copysign(beyond, z), z).astype(np.float32)
        return scaled

    def inverse_transform(self, Z: ArrayLike) -> Float64:
        """Rows in the features' own units from scaled rows (n, n_features)."""
        z = self._table(Z)
        size = np.abs(z)
        beyond = self.limit + np.expm1(np.clip(size - self.limit, 0.0, 200.0))
        restored: Float64 = self.centre + self.spread * np.where(size > self.limit, np.copysign(beyond, z), z)
        return restored

    def merge(self, other: RunningScaler) -> None:
        """Take in what ``other`` has seen, by Chan, Golub and LeVeque's (1979) pairwise update.

        Raises
        ------
        ValueError
            If the two differ in the number of features.
        """
        if other.n_features != self.n_features:
            raise ValueError(f"Got a scaler of {other.n_features} features, but expected {self.n_features}.")
        for j in np.flatnonzero((self.count + other.count > 0) & (self.count < HEAD)):
            own, more = int(self.count[j]), int(min(other.count[j], HEAD - self.count[j]))
            self.head[j, own : own + more] = other.head[j, :more]
        total = np.maximum(self.count + other.count, 1.0)
        share = other.count / total
        apart = other.centre - self.centre
        self.centre = self.centre + share * apart
        self.variance = (1 - share) * self.variance + share * other.variance + share * (1 - share) * apart**2
        self.count = self.count + other.count

    def to_state(self) -> State:
        """Everything needed to continue, as arrays and numbers."""
        return {
            "horizon": np.array(self.horizon),
            "limit": np.array(self.limit),
            "count": self.count.copy(),
            "centre": self.centre.copy(),
            "variance": self.variance.copy(),
            "head": self.head.copy(),
        }

    @classmethod
    def from_state(cls, data: State) -> RunningScaler:
        """Rebuild from :meth:`to_state`."""
        made = cls(data["count"].size, float(data["horizon"]), float(data["limit"]))
        made.count, made.centre, made.variance = data["count"], data["centre"], data["variance"]
        made.head = data["head"]
        return made
