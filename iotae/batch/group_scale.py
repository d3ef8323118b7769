"""Scores of the models of several groups on one scale, by what each group's own training rows score."""

from __future__ import annotations

import numpy as np

from iotae._typing import Float64

__all__ = ["heights", "points_of"]

_BODY = 0.9
"""The quantile of a group's scores that becomes 1."""

_LEAST = 1e-6
"""Distance of a point from the one before at least, where the scores of a group are all alike."""


def points_of(scores: Float64, share: float) -> Float64:
    """Two points (2,) of a group's training scores (n,): the one that becomes 1, and the group's own cut.

    Parameters
    ----------
    scores : ndarray, shape (n,)
        At least 0.
    share : float, in (0, 1)
        The share of the rows that lies above the group's cut. From a tenth on both points are the cut.

    Examples
    --------
    >>> points_of(np.arange(101.0), 0.01), points_of(np.arange(101.0), 0.5)
    (array([90., 99.]), array([50., 50.]))
    """
    body, cut = np.quantile(scores, [min(_BODY, 1.0 - share), 1.0 - share])
    body = max(float(body), _LEAST)
    return np.array([body, max(float(cut), body)])


def heights(scores: Float64, points: Float64, level: float) -> Float64:
    """Scores (n,) on the scale of all groups: in proportion up to the body, and from the cut on.

    Parameters
    ----------
    scores : ndarray, shape (n,)
    points : ndarray, shape (2,)
        See :func:`points_of`.
    level : float, at least 1
        What every group's own cut becomes.

    Examples
    --------
    >>> heights(np.array([45.0, 90.0, 99.0, 189.0]), np.array([90.0, 99.0]), 2.0)
    array([0.5, 1. , 2. , 3. ])
    """
    body, cut = points
    between = 1.0 + (level - 1.0) * (scores - body) / max(cut - body, _LEAST * body)
    beyond = level + (scores - cut) / body
    height: Float64 = np.where(scores <= body, scores / body, np.where(scores < cut, between, beyond))
    return height
