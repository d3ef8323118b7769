"""Which columns and which training rows preprocessing removes or transforms, and why."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from iotae._typing import Bool, Float64

__all__ = [
    "SELECTORS",
    "compress_tails",
    "is_counter",
    "is_trend",
    "long_tailed",
    "outlying_rows",
    "restore_tails",
]

NEAR_CONSTANT = 0.999
"""A column is near-constant when one value fills more than this share of its rows."""
MIN_VARIANCE = 1e-4
"""Smallest variance of a column scaled to [0, 1]: one row in ten thousand at the far end."""
MAX_CORRELATION = 0.98
"""Of two columns more correlated than this, up or down, the later one goes."""
MIN_INFORMATION = 1e-3
"""Smallest mutual information with the label, in nats."""
MAX_OUTLIERS = 0.05
"""Largest share of training rows that outlier removal may take; the farthest go first."""
LONG_TAIL = 100.0
"""A column is long-tailed when its largest value is this many times its median, zeros aside."""
MIN_ROWS_TO_TELL = 50
"""Rows, or different texts, that are needed to recognise a counter, a trend or an identifier."""
_RULES: dict[str, float] = {"robust_z": 5.0, "iqr": 3.0}


_MOST_RISE = 0.5
"""Share of the rows in which a counter rises; what rises seldom, such as a version, is none."""


def is_counter(values: Float64) -> bool:
    """Say whether a column only counts the rows or tells the time, which says nothing about other files.

    True where the values never fall and rise in most rows, or are the whole numbers of a range in any order;
    at least fifty values are needed to tell. Missing cells are passed over.

    Examples
    --------
    >>> is_counter(np.arange(100.0)), is_counter(np.arange(300.0) // 2), is_counter(np.sin(np.arange(100.0)))
    (True, False, False)
    """
    present = values[~np.isnan(values)]
    if present.size < MIN_ROWS_TO_TELL:
        return False
    steps = np.diff(present)
    rises = (steps >= 0).all() and (steps > 0).mean() > _MOST_RISE
    return bool(rises or (np.diff(np.sort(present)) == 1).all())


_TREND_PARTS = 10
"""Parts of the rows that are compared: more would see the nights of a week's meter as standstills."""

_TREND_RISE = (0.5, 1.5)
"""What each part may rise by, over the mean: a half wave or a sorted normal column rises more unevenly."""

_TREND_EXPLAINS = 0.95
"""Share of the variance of the ranks that the order explains at least: noise of some 6 % of the rise."""


def is_trend(values: Float64) -> bool:
    """Say whether a column rises or falls evenly from the first row to the last, as a noisy meter does.

    The values of later rows then lie beyond all that were seen. True where the order of the rows explains
    95 % of the variance of the values' ranks, and the medians of ten parts of the rows go one way, each by
    half to one and a half times the mean; at least fifty values are needed to tell, and twenty that differ.
    Missing cells are passed over.

    A column that was sorted to rise as evenly, or a few hours of a slow rhythm, cannot be told from a meter.
    A meter that stands still for a tenth of the rows, or whose noise is larger, is not recognised.

    Examples
    --------
    >>> meter = np.arange(1000.0) + np.random.default_rng(0).normal(scale=20.0, size=1000)
    >>> is_trend(meter), is_trend(-meter), is_trend(np.sin(np.arange(1000.0) / 500))
    (True, True, False)
    """
    present = values[~np.isnan(values)]
    distinct, place, counts = np.unique(present, return_inverse=True, return_counts=True)
    if present.size < MIN_ROWS_TO_TELL or distinct.size < 2 * _TREND_PARTS:
        return False
    rank = (np.cumsum(counts) - counts / 2)[place]
    if np.corrcoef(rank, np.arange(rank.size))[0, 1] ** 2 < _TREND_EXPLAINS:
        return False
    rises = np.diff([float(np.median(part)) for part in np.array_split(present, _TREND_PARTS)])
    least, most = sorted(share * rises.mean() for share in _TREND_RISE)
    return bool(((rises >= least) & (rises <= most)).all())


def long_tailed(X: Float64) -> Bool:
    """Mark the columns that run over orders of magnitude, such as bytes and durations.

    Examples
    --------
    >>> long_tailed(np.column_stack([[1.0, 2.0, 3.0, 4.0], [0.0, 10.0, 20.0, 5000.0]]))
    array([False,  True])
    """
    size = np.abs(X)

    def ratio(column: Float64) -> float:
        there = column[column > 0]
        return float(there.max() / np.median(there)) if there.size else 0.0

    return np.array([ratio(column) > LONG_TAIL for column in size.T], dtype=bool)


def compress_tails(X: Float64, columns: Bool) -> Float64:
    """Replace the values of some columns by their signed logarithm, sign(x) log(1 + |x|).

    Examples
    --------
    >>> compress_tails(np.array([[-1.0, 7.0]]), np.array([True, False])).round(3)
    array([[-0.693,  7.   ]])
    """
    if not columns.any():
        return X
    short = X.copy()
    short[:, columns] = np.sign(X[:, columns]) * np.log1p(np.abs(X[:, columns]))
    return short


def restore_tails(X: Float64, columns: Bool) -> Float64:
    """Undo :func:`compress_tails`; infinity where a value would be too large for a float.

    Examples
    --------
    >>> restore_tails(compress_tails(np.array([[-1.0, 7.0]]), np.array([True, True])), np.array([True, True]))
    array([[-1.,  7.]])
    """
    long = X.copy()
    with np.errstate(over="ignore"):
        long[:, columns] = np.sign(X[:, columns]) * np.expm1(np.abs(X[:, columns]))
    return long


def outlying_rows(X: Float64, rule: Literal["robust_z", "iqr"]) -> Bool:
    """Mark the training rows that lie far outside in at least one column.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        NaN is missing and never outlying.
    rule : {'robust_z', 'iqr'}
        'robust_z': farther from the median than 5 times 1.4826 times the median absolute deviation
        (Iglewicz and Hoaglin, 1993, with a wider cut for long tails). 'iqr': more than 3 interquartile
        ranges outside the quartiles (Tukey's "far out", 1977).
        Columns without that spread, such as flags, are not judged.

    Returns
    -------
    ndarray of shape (n,), bool
        At most 5 % of the rows, the farthest.

    Examples
    --------
    >>> X = np.append(np.linspace(0.0, 1.0, 99), 50.0)[:, None]
    >>> int(outlying_rows(X, "robust_z").sum()), bool(outlying_rows(X, "iqr")[-1])
    (1, True)
    """
    X = X[:, ~np.isnan(X).all(axis=0)]
    if not X.size:
        return np.zeros(len(X), dtype=bool)
    low, middle, high = np.nanpercentile(X, [25, 50, 75], axis=0)
    if rule == "robust_z":
        distance = np.abs(X - middle)
        spread = 1.4826 * np.nanmedian(distance, axis=0)
    else:
        distance = np.maximum(np.maximum(low - X, X - high), 0.0)
        spread = high - low
    judged = spread > 0
    excess = distance[:, judged] / (_RULES[rule] * spread[judged])
    worst = np.nan_to_num(excess, nan=0.0).max(axis=1, initial=0.0)
    out: Bool = worst > 1.0
    most = int(MAX_OUTLIERS * len(X))
    if np.count_nonzero(out) > most:
        farthest = np.argsort(-worst, kind="stable")[:most]
        out = np.zeros(len(X), dtype=bool)
        out[farthest] = True
    return out


def _constant(X: Float64, y: NDArray[Any] | None) -> Bool:
    # scikit-learn's VarianceThreshold(0) keeps a constant beside a missing cell where its mean rounds
    return np.asarray(np.nanmax(X, axis=0) > np.nanmin(X, axis=0))


def _near_constant(X: Float64, y: NDArray[Any] | None) -> Bool:
    def share(column: Float64) -> float:
        counts = np.unique(column[~np.isnan(column)], return_counts=True)[1]
        return float(counts.max(initial=0) / max(counts.sum(), 1))

    return np.array([share(column) <= NEAR_CONSTANT for column in X.T], dtype=bool)


def _variance(X: Float64, y: NDArray[Any] | None) -> Bool:
    from sklearn.feature_selection import VarianceThreshold
    from sklearn.preprocessing import MinMaxScaler

    try:
        return np.asarray(VarianceThreshold(MIN_VARIANCE).fit(MinMaxScaler().fit_transform(X)).get_support())
    except ValueError:
        return np.zeros(X.shape[1], dtype=bool)


def _correlation(X: Float64, y: NDArray[Any] | None) -> Bool:
    centred = np.nan_to_num(X - np.nanmean(X, axis=0), nan=0.0)
    length = np.linalg.norm(centred, axis=0)
    unit = np.divide(centred, length, out=np.zeros_like(centred), where=length > 0)
    alike = np.abs(unit.T @ unit) > MAX_CORRELATION
    keep = np.ones(X.shape[1], dtype=bool)
    for column in range(1, X.shape[1]):
        keep[column] = not (alike[column, :column] & keep[:column]).any()
    return keep


def _mutual_information(X: Float64, y: NDArray[Any] | None) -> Bool:
    from sklearn.feature_selection import mutual_info_classif
    from sklearn.impute import SimpleImputer

    if y is None or len(np.unique(y)) < 2:
        raise ValueError(
            "Got select='mutual_information' without labels of both classes, but it measures what a column "
            "says about them: pass y, or leave this step out."
        )
    filled = SimpleImputer(strategy="median").fit_transform(X)
    return np.asarray(mutual_info_classif(filled, y, random_state=0) >= MIN_INFORMATION)


SELECTORS: dict[str, tuple[Callable[[Float64, NDArray[Any] | None], Bool], str]] = {
    "constant": (_constant, "constant"),
    "near_constant": (_near_constant, f"one value in more than {NEAR_CONSTANT:.1%} of the rows"),
    "variance": (_variance, f"variance below {MIN_VARIANCE:g} on [0, 1]"),
    "correlation": (_correlation, f"correlated above {MAX_CORRELATION:g} with an earlier column"),
    "mutual_information": (_mutual_information, f"below {MIN_INFORMATION:g} nats about the label"),
}
"""Steps of feature selection: name to (function of X and y that returns the columns to keep, reason)."""
