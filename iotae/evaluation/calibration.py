"""Whether a false-alarm rate is kept: the rate asked for compared with the rate realised."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from iotae._typing import Bool, Float64
from iotae._validation import check_labels, check_p_values, check_same_length
from iotae.evaluation.intervals import wilson_interval

__all__ = ["ALPHAS", "RealisedRates", "realised_rates"]

ALPHAS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2)
"""False-alarm rates that are asked for by default."""


@dataclass(frozen=True, eq=False)
class RealisedRates:
    """False-alarm rates asked for and realised; see :func:`realised_rates`.

    Parameters
    ----------
    alphas, rates, low, high : ndarray of float64, shape (k,)
        The rate asked for, the rate realised, and Wilson's bounds of the latter.
    n_normal : int
        Normal rows behind each rate.
    """

    alphas: Float64
    rates: Float64
    low: Float64
    high: Float64
    n_normal: int

    @property
    def kept(self) -> Bool:
        """Whether each rate asked for lies at or above the lower bound; fewer false alarms are accepted."""
        return np.asarray(self.low <= self.alphas)


def realised_rates(
    y: ArrayLike, p_values: ArrayLike, alphas: Sequence[float] = ALPHAS, *, confidence: float = 0.95
) -> RealisedRates:
    """Count, for each alpha, the share of normal rows whose p-value is at most alpha.

    Parameters
    ----------
    y : array-like of shape (n,)
        Labels, 1 for an anomaly and 0 for a normal row; anomalies are left out.
    p_values : array-like of shape (n,)
        Each row's p-value, in [0, 1].
    alphas : sequence of float
        The rates asked for, in (0, 1).
    confidence : float
        Confidence of the bounds, in (0, 1). They assume independent rows: in a series, where false alarms
        come in clusters, they are too narrow.

    Returns
    -------
    RealisedRates

    Raises
    ------
    ValueError
        If there is no normal row, lengths differ, or a number is NaN or outside its range.

    Examples
    --------
    >>> rates = realised_rates([0, 0, 0, 0, 1], [0.05, 0.4, 0.6, 0.9, 0.01], alphas=[0.1, 0.5])
    >>> rates.rates.tolist(), rates.n_normal
    ([0.25, 0.5], 4)
    """
    labels, p = check_labels(y), check_p_values(p_values)
    check_same_length(y=labels, p_values=p)
    asked = np.asarray(alphas, dtype=np.float64)
    if asked.ndim != 1 or not asked.size or not ((asked > 0) & (asked < 1)).all():
        raise ValueError(f"Got alphas={asked.tolist()}, but expected rates in (0, 1), e.g. [0.01, 0.05].")
    normal = np.sort(p[~labels])
    if not normal.size:
        raise ValueError(
            "Got no normal row, but expected at least one: only normal rows can raise false alarms."
        )
    counts = np.searchsorted(normal, asked, side="right")
    low, high = wilson_interval(counts, normal.size, confidence=confidence)
    return RealisedRates(asked, counts / normal.size, low, high, normal.size)
