"""Running centre and spread of each feature: incremental, robust, mergeable, aware of missing values."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from iotae._compiled import compiled
from iotae._typing import Float32, Float64, State

__all__ = [
    "CENTRE",
    "COUNT",
    "HEAD",
    "LARGEST",
    "SPREAD",
    "STATISTICS",
    "RunningScaler",
    "observe_value",
    "scaled_value",
]

COUNT, CENTRE, SPREAD, PENDING, STATISTICS = range(5)
"""Rows of a scaler's statistics, one column a feature."""

HEAD = 8
"""First values of a feature, from which its centre is the median and its spread leaves out the farthest:
one absurd value among them, even the very first, changes little."""

LARGEST = 1e150
"""Numbers beyond this count as this, so that differences stay finite."""

_CENTRE_REACH = 3.0
"""A value moves the centre as if at most this many spreads away (Huber, 1964)."""

_SPREAD_REACH = 10.0
"""... and the spread as if at most this many: a heavy tail may widen it, one 1e300 cannot."""

_RELATIVE_FLOOR = 1e-6
"""Smallest spread relative to the centre's size: rounding is no signal."""

_TINY = 1e-12

_UNMOVED = 50.0
"""Most spreads that a first move of a so far constant feature counts for."""


@compiled
def scaled_value(value: float, count: float, centre: float, spread: float) -> float:
    """One number as signed log(1 + |spreads from the centre|); NaN for NaN and the infinities.

    Near the centre this is linear, far out it keeps growing: nothing is clipped, so two absurd values
    still differ. ``count`` is how many values the statistics have seen.
    """
    if not abs(value) < np.inf:
        return np.nan
    if count == 0.0:
        return 0.0
    deviation = min(max(value, -LARGEST), LARGEST) - centre
    if deviation == 0.0:
        return 0.0
    # of a constant: the longer it was one, the odder is its first move
    spreads = abs(deviation) / spread if spread > 0.0 else min(count + 1.0, _UNMOVED)
    size = float(np.log1p(spreads))
    return size if deviation > 0.0 else -size


@compiled
def _floored(spread: float, centre: float) -> float:
    return max(spread, _RELATIVE_FLOOR * abs(centre) + _TINY)


@compiled
def _start(value: float, stats: Float64, head: Float64, place: int) -> None:
    n = int(stats[COUNT, place])
    at = n
    while at > 0 and head[at - 1, place] > value:
        head[at, place] = head[at - 1, place]
        at -= 1
    head[at, place] = value
    n += 1
    centre = head[n // 2, place] if n % 2 == 1 else 0.5 * head[n // 2 - 1, place] + 0.5 * head[n // 2, place]
    farthest = 0.0
    for i in range(n):
        farthest = max(farthest, abs(head[i, place] - centre))
    stats[CENTRE, place] = centre
    if n > 2:
        # summed anew: taking an absurd value off a sum would leave its rounding behind
        total, skipped = 0.0, False
        for i in range(n):
            deviation = abs(head[i, place] - centre)
            if deviation == farthest and not skipped:
                skipped = True
            else:
                total += deviation
        stats[SPREAD, place] = _floored(total / (n - 1), centre) if total > 0.0 else 0.0


@compiled
def observe_value(
    value: float, stats: Float64, head: Float64, place: int, rate: float, widened: float
) -> None:
    """Move the statistics of the feature at ``place`` by one finite number.

    ``rate`` is the least weight that it gets, and ``widened`` how many times farther than usual it may
    reach: 1, or more where the world is known to have changed.
    """
    # single cells and no slices: a slice costs as much as all the arithmetic here
    value = min(max(value, -LARGEST), LARGEST)
    seen = stats[COUNT, place]
    if seen < HEAD:
        _start(value, stats, head, place)
        stats[COUNT, place] = seen + 1.0
        return
    stats[COUNT, place] = seen + 1.0
    weight = max(1.0 / (seen + 1.0), rate)
    centre, spread = stats[CENTRE, place], stats[SPREAD, place]
    deviation = value - centre
    size = abs(deviation)
    if spread > 0.0:
        reach = widened * _CENTRE_REACH * spread
        centre += weight * min(reach, max(-reach, deviation))
        spread += weight * (min(widened * _SPREAD_REACH * spread, size) - spread)
        stats[CENTRE, place] = centre
        stats[SPREAD, place] = _floored(spread, centre)
    elif size > 0.0:
        # a constant moved: the second move sets the spread, so that a single one cannot
        if stats[PENDING, place] == 0.0:
            stats[PENDING, place] = size
        else:
            stats[SPREAD, place] = _floored(min(stats[PENDING, place], size), centre)


@compiled
def _observe_rows(rows: Float64, stats: Float64, head: Float64, rate: float) -> None:
    for i in range(rows.shape[0]):
        for j in range(rows.shape[1]):
            if abs(rows[i, j]) < np.inf:
                observe_value(rows[i, j], stats, head, j, rate, 1.0)


class RunningScaler:
    """Bring features to one scale by a centre and a spread that follow the data.

    The scaled value is the signed logarithm of one plus the number of spreads from the centre. The
    first eight values of a feature set its centre by their median; later ones move centre and
    spread (a mean absolute deviation) with rate ``1 / n``, and with ``1 / horizon`` from there on,
    each as if it lay at most a few spreads away: one absurd value does nothing, a lasting change is
    followed.

    Parameters
    ----------
    n_features : int
        Number of features.
    horizon : float, at least 1
        Values after which old ones begin to fade; infinity for a plain running mean.

    Attributes
    ----------
    count, centre, spread : ndarray of float64, shape (n_features,)
        Values seen, and where they lie; a spread of 0 means that a feature has not moved yet.

    Examples
    --------
    >>> scaler = RunningScaler(n_features=1)
    >>> values = np.random.default_rng(0).normal(20.0, 2.0, size=(1000, 1))
    >>> values[[0, 500]] = 1e9
    >>> scaler.update(values)
    >>> scaler.centre.round(1), scaler.spread.round(1)
    (array([19.9]), array([1.6]))
    >>> scaler.transform([[24.0], [1e9], [np.nan]]).round(2)
    array([[ 1.28],
           [20.27],
           [  nan]], dtype=float32)
    """

    def __init__(self, n_features: int, horizon: float = 100_000.0) -> None:
        if n_features < 0:
            raise ValueError(f"Got n_features={n_features!r}, but expected a whole number of at least 0.")
        if not horizon >= 1.0:
            raise ValueError(f"Got horizon={horizon!r}, but expected a number of rows of at least 1.")
        self.horizon = float(horizon)
        self.stats = np.zeros((STATISTICS, int(n_features)))
        self.head = np.zeros((HEAD, int(n_features)))

    @property
    def n_features(self) -> int:
        """Number of features."""
        return self.stats.shape[1]

    @property
    def count(self) -> Float64:
        """Values seen of each feature."""
        count: Float64 = self.stats[COUNT]
        return count

    @property
    def centre(self) -> Float64:
        """Where each feature's values lie."""
        centre: Float64 = self.stats[CENTRE]
        return centre

    @property
    def spread(self) -> Float64:
        """Mean absolute deviation from the centre; 0 for a feature that has not moved yet."""
        spread: Float64 = self.stats[SPREAD]
        return spread

    def _table(self, X: ArrayLike) -> Float64:
        table = np.ascontiguousarray(X, np.float64)
        if table.ndim != 2 or table.shape[1] != self.n_features:
            raise ValueError(
                f"Got an array of shape {table.shape}, but expected (n_rows, {self.n_features}): "
                "pass rows of the features that the scaler was made for."
            )
        return table

    def update(self, X: ArrayLike) -> None:
        """Take rows (n, n_features) in order; how they are sliced makes no difference."""
        _observe_rows(self._table(X), self.stats, self.head, 1.0 / self.horizon)

    def transform(self, X: ArrayLike) -> Float32:
        """Scaled rows as float32 (n, n_features); missing cells and infinities are NaN."""
        table = self._table(X)
        deviation = np.clip(table, -LARGEST, LARGEST) - self.centre
        unmoved = np.minimum(self.count + 1.0, _UNMOVED)
        moved = self.spread > 0.0
        spreads = np.where(moved, np.abs(deviation) / np.where(moved, self.spread, 1.0), unmoved)
        scaled = np.where(deviation == 0.0, 0.0, np.copysign(np.log1p(spreads), deviation))
        scaled[:, self.count == 0.0] = 0.0
        scaled[~np.isfinite(table)] = np.nan
        return scaled.astype(np.float32)

    def inverse_transform(self, Z: ArrayLike) -> Float64:
        """Rows in the features' own units from scaled rows (n, n_features)."""
        z = self._table(Z)
        restored: Float64 = self.centre + self.spread * np.copysign(np.expm1(np.minimum(np.abs(z), 300.0)), z)
        return restored

    def merge(self, other: RunningScaler) -> None:
        """Take in what ``other`` has seen, as if its values had come after.

        Centres are averaged by count; the spread also takes in how far the centres lie apart.

        Raises
        ------
        ValueError
            If the two differ in the number of features.
        """
        if other.n_features != self.n_features:
            raise ValueError(f"Got a scaler of {other.n_features} features, but expected {self.n_features}.")
        for j in range(self.n_features):
            own, new = self.stats[:, j], other.stats[:, j]
            if new[COUNT] <= HEAD or own[COUNT] < HEAD:
                self._merge_short(other, j)
                continue
            share = new[COUNT] / (own[COUNT] + new[COUNT])
            deviation = abs(new[CENTRE] - own[CENTRE])
            own[CENTRE] += share * (new[CENTRE] - own[CENTRE])
            # a mixture's mean absolute deviation lies between these two; near the larger of them
            within = (1.0 - share) * own[SPREAD] + share * new[SPREAD]
            own[SPREAD] = max(within, 2.0 * share * (1.0 - share) * deviation)
            own[COUNT] += new[COUNT]

    def _merge_short(self, other: RunningScaler, place: int) -> None:
        """Where one side has hardly begun, the other's statistics stand and its values follow."""
        if self.stats[COUNT, place] < HEAD < other.stats[COUNT, place]:
            values = self.head[: int(self.stats[COUNT, place]), place].copy()
            self.stats[:, place], self.head[:, place] = other.stats[:, place], other.head[:, place]
        else:
            values = other.head[: int(other.stats[COUNT, place]), place]
        for value in values:
            observe_value(float(value), self.stats, self.head, place, 0.0, 1.0)

    def to_state(self) -> State:
        """Everything needed to continue, as arrays."""
        return {"horizon": np.array(self.horizon), "stats": self.stats.T.copy(), "head": self.head.T.copy()}

    @classmethod
    def from_state(cls, data: State) -> RunningScaler:
        """Rebuild from :meth:`to_state`, of a state that is as a model's schema says."""
        restored = cls(len(data["stats"]), float(data["horizon"]))
        restored.stats = np.ascontiguousarray(data["stats"].T)
        restored.head = np.ascontiguousarray(data["head"].T)
        return restored
