"""How surprising each value of a category is, however many values the category has."""

from __future__ import annotations

import numpy as np

from iotae._typing import Float64, Int64

__all__ = ["surprise"]


def surprise(counts: Int64) -> Float64:
    """Surprise of each value of a category, and of a value that is none of them.

    Two questions are asked of a value. How few rows have a value as rare as this or rarer? And how much
    rarer is it than a usual value, by the excess of its information over the mean, the entropy? The smaller
    answer counts. So a rare state surprises. A value of an identifier, where all values are rare, does not,
    and neither does the least frequent of many that are about as frequent.

    Parameters
    ----------
    counts : ndarray of shape (k,), int64
        In how many rows each value was found.

    Returns
    -------
    ndarray of shape (k + 1,), float64
        In nats, >= 0. The last is for an unseen value, which counts as one row more.

    Examples
    --------
    >>> surprise(np.array([480, 490, 30])).round(1)
    array([0. , 0. , 2.7, 6.1])
    >>> surprise(np.full(1000, 2)).round(1)[[0, -1]]
    array([0. , 0.7])
    """
    n = int(counts.sum())
    if not n:
        return np.zeros(counts.size + 1)
    shares = counts[counts > 0] / n
    entropy = -float((shares * np.log(shares)).sum())
    # a value that no row has is as rare as one row more would make it, and as those in one row
    seen = np.maximum(np.append(counts, 0), 1)
    ordered = np.sort(counts[counts > 0])
    at_most = np.append(0, np.cumsum(ordered))[np.searchsorted(ordered, seen, side="right")]
    new = np.append(counts == 0, True)
    tail = np.where(new, at_most + 1, at_most) / np.where(new, n + 1, n)
    nats = np.minimum(-np.log(tail), np.log(np.where(new, n + 1, n) / seen) - entropy)
    surprises: Float64 = np.maximum(nats, 0.0)
    return surprises
