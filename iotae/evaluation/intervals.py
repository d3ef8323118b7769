"""How certain a figure is: bootstrap intervals of any metric, and Wilson's interval of a rate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike

from iotae._typing import Float64
from iotae._validation import check_count, check_same_length, check_share

__all__ = ["Interval", "bootstrap_interval", "wilson_interval"]


@dataclass(frozen=True)
class Interval:
    """An estimate between two bounds; see :func:`bootstrap_interval`.

    Parameters
    ----------
    estimate : float
        The figure on the rows as they are.
    low, high : float
        The bounds; NaN if the metric was undefined on every resample.
    confidence : float
        Asked-for probability that the bounds enclose the true figure.
    n_undefined : int
        Resamples on which the metric was NaN, as ROC AUC without an anomaly; they are left out of the bounds.
    """

    estimate: float
    low: float
    high: float
    confidence: float
    n_undefined: int

    def __str__(self) -> str:
        """Return the figure with its bounds."""
        return f"{self.estimate:.3f} [{self.low:.3f}, {self.high:.3f}]"


def bootstrap_interval(
    metric: Callable[..., float],
    *columns: ArrayLike,
    n_resamples: int = 1000,
    confidence: float = 0.95,
    block: int = 1,
    seed: int | None = 0,
) -> Interval:
    """Return a metric with its percentile bootstrap interval.

    The interval says how far the figure would move with other rows of the same kind. It does not cover other
    seeds, other data sets, or drift.

    Parameters
    ----------
    metric : callable
        Takes the columns and returns a number, such as :func:`~iotae.evaluation.roc_auc`.
    *columns : array-like of shape (n, ...)
        What the metric takes, one entry a row: labels and scores, or one figure a seed for ``np.mean``.
    n_resamples : int
        Number of resamples, at least 1.
    confidence : float
        In (0, 1).
    block : int
        Rows are drawn in runs of this length, from 1 to n; the first row follows the last. Rows that depend
        on their neighbours, as in a series, need a block that is longer than the dependence. With 1 they
        count as independent, and the interval is too narrow. A metric of ranges, such as
        :func:`~iotae.evaluation.vus`, needs blocks.
    seed : int or None
        The same seed gives the same interval; None gives another one each time.

    Returns
    -------
    Interval

    Raises
    ------
    ValueError
        If no column is given, lengths differ, or a number is outside its range.

    Notes
    -----
    Efron (1979) for independent rows; the circular blocks are Politis and Romano's (1992).

    Examples
    --------
    >>> from iotae.evaluation import roc_auc
    >>> rng = np.random.default_rng(0)
    >>> y = np.arange(500) < 50
    >>> print(bootstrap_interval(roc_auc, y, rng.normal(size=500) + 2 * y))
    0.946 [0.915, 0.974]
    """
    arrays = [np.asarray(column) for column in columns]
    if not arrays or arrays[0].ndim == 0 or not len(arrays[0]):
        raise ValueError("Got no rows to resample, but expected columns of at least one row, e.g. y, scores.")
    check_same_length(**{f"column {i}": column for i, column in enumerate(arrays)})
    n = len(arrays[0])
    check_count("n_resamples", n_resamples)
    if not 1 <= block <= n:
        raise ValueError(f"Got block={block}, but expected a number of rows from 1 to all {n}.")
    tail = _tail(confidence)
    rng = np.random.default_rng(seed)
    figures = np.empty(n_resamples)
    for i in range(n_resamples):
        starts = rng.integers(n, size=-(-n // block))
        rows = ((starts[:, None] + np.arange(block)) % n).ravel()[:n]
        figures[i] = metric(*(column[rows] for column in arrays))
    defined = figures[~np.isnan(figures)]
    low, high = np.quantile(defined, [tail, 1.0 - tail]).tolist() if defined.size else (np.nan, np.nan)
    return Interval(float(metric(*arrays)), low, high, confidence, n_resamples - defined.size)


def wilson_interval(hits: ArrayLike, n: int, *, confidence: float = 0.95) -> tuple[Float64, Float64]:
    """Return the bounds of a rate that was observed as ``hits`` among ``n`` independent rows.

    Parameters
    ----------
    hits : array-like of int
        Counts, from 0 to n.
    n : int
        At least 1.
    confidence : float
        In (0, 1).

    Returns
    -------
    low, high : ndarray of float64, as many as ``hits``
        In [0, 1]; also valid for 0 hits.

    Raises
    ------
    ValueError
        If a count is not in [0, n], or ``n`` or ``confidence`` is outside its range.

    Notes
    -----
    Wilson (1927), "Probable inference, the law of succession, and statistical inference".

    Examples
    --------
    >>> low, high = wilson_interval([0, 10], 100)
    >>> low.round(3).tolist(), high.round(3).tolist()
    ([0.0, 0.055], [0.037, 0.174])
    """
    counts = np.asarray(hits, dtype=np.float64)
    if n < 1 or not ((counts >= 0) & (counts <= n)).all():
        raise ValueError(f"Got hits={counts.tolist()} of n={n}, but expected n >= 1 and counts from 0 to n.")
    z = NormalDist().inv_cdf(1.0 - _tail(confidence))
    centre = (counts + z * z / 2) / (n + z * z)
    reach = z / (n + z * z) * np.sqrt(counts * (n - counts) / n + z * z / 4)
    return np.maximum(centre - reach, 0.0), np.minimum(centre + reach, 1.0)


def _tail(confidence: float) -> float:
    share = check_share("confidence", confidence, meaning="the probability that the bounds hold, e.g. 0.95")
    return (1.0 - share) / 2
