"""The generalised Pareto distribution of the excesses over a high level: fit, tail and quantile."""

from __future__ import annotations

import numpy as np

from iotae._typing import Float64

__all__ = ["excess_at", "fit_excesses", "survival"]

_HEAVIEST = 1.0
"""Largest shape fitted: beyond it the excesses have no mean."""

_STRAIGHT = 1e-9
"""A shape this close to 0 counts as 0: an exponential tail."""


def fit_excesses(excesses: Float64, censored: Float64) -> tuple[float, float]:
    """Fit shape and scale to excesses, of some of which only a lower bound is known.

    Zhang and Stephens' (2009) weighted mean over a grid of ``shape / scale``, which needs no starting value
    and no iterations, with the likelihood of a sample that is censored to the right. There too the best shape
    for a given ratio has a closed form, ``sum(log(1 + ratio * x)) / r``, with all excesses x, and the number
    r of those known exactly.

    Parameters
    ----------
    excesses : ndarray of shape (n,)
        All of them, positive.
    censored : ndarray of shape (m,)
        Those among them that are lower bounds.

    Returns
    -------
    shape : float, in [-1, 1]
    scale : float, positive
        An exponential tail (shape 0) where fewer than two differ.

    Examples
    --------
    >>> shape, scale = fit_excesses(np.random.default_rng(0).exponential(3.0, size=2000), np.zeros(0))
    >>> round(shape, 2), round(scale, 1)
    (0.02, 3.0)
    """
    x = np.sort(excesses)
    n, r = x.size, x.size - censored.size
    if r < 2 or x[-1] <= x[0]:
        return 0.0, max(float(x.sum()) / max(r, 1), 1e-12)
    n_grid = 20 + int(n**0.5)
    steps = np.sqrt(n_grid / (np.arange(1, n_grid + 1) - 0.5)) - 1.0
    ratios = steps / (3.0 * x[(n + 2) // 4 - 1]) - 1.0 / x[-1]
    ratios = ratios[np.abs(ratios) * x[-1] > _STRAIGHT]
    logs = np.log1p(np.outer(ratios, x)).sum(axis=1)
    shapes = logs / r
    heights = r * np.log(ratios / shapes) - logs + np.log1p(np.outer(ratios, censored)).sum(axis=1)
    heights[~((shapes >= -1.0) & (shapes <= _HEAVIEST))] = -np.inf
    best = heights.max()
    if best > -np.inf:
        weights = np.exp(heights - best)
        ratio = float(ratios @ weights / weights.sum())
        shape = float(np.log1p(ratio * x).sum()) / r
        if abs(shape) > _STRAIGHT and -1.0 <= shape <= _HEAVIEST:
            return shape, shape / ratio
    return 0.0, float(x.sum()) / r


def survival(excesses: Float64, shape: float, scale: float) -> Float64:
    """Probability of a larger excess (n,), for excesses (n,) >= 0.

    Examples
    --------
    >>> survival(np.array([0.0, 1.0, 3.0]), 1.0, 1.0)
    array([1.  , 0.5 , 0.25])
    """
    if abs(shape) < _STRAIGHT:
        tail: Float64 = np.exp(-excesses / scale)
        return tail
    tail = np.maximum(1.0 + shape * excesses / scale, 0.0) ** (-1.0 / shape)
    return tail


def excess_at(probability: float, shape: float, scale: float) -> float:
    """The excess that is exceeded with a probability in (0, 1]: the inverse of :func:`survival`."""
    if abs(shape) < _STRAIGHT:
        return float(-scale * np.log(probability))
    return float(scale / shape * (probability**-shape - 1.0))
