"""Which columns of an encoded table stand for one category, so that it counts as one source of surprise.

An array of whole numbers has one for each column: 0 for a number, k > 0 for one of the values of the k-th
category, and -k for how rare its value is.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from iotae._typing import Float32, Int64

__all__ = ["blocks", "check_categories", "column_weights"]


def check_categories(categories: ArrayLike | None, n_features: int) -> Int64 | None:
    """The categories as an array (d,); None where all columns are numbers.

    Raises
    ------
    ValueError
        If there is not one whole number for each column.
    """
    if categories is None:
        return None
    found = np.asarray(categories)
    if found.shape != (n_features,) or found.dtype.kind not in "iu":
        raise ValueError(
            f"Got categories of shape {found.shape} and type {found.dtype}, but expected a whole number for "
            f"each of {n_features} columns: 0 for a number, k or -k for the k-th category."
        )
    return found.astype(np.int64) if found.any() else None


def blocks(categories: Int64) -> Sequence[Int64]:
    """The columns of each category.

    Examples
    --------
    >>> blocks(np.array([0, 1, 1, -1, 0, 2]))
    [array([1, 2, 3]), array([5])]
    """
    kinds = np.abs(categories)
    return [np.flatnonzero(kinds == number) for number in np.unique(kinds[kinds > 0])]


def column_weights(categories: Int64 | None, n_features: int) -> Float32:
    """Weight of each column (d,) where all would vary alike: those of a category count together as one.

    Examples
    --------
    >>> column_weights(np.array([0, 1, 1, 1, -1]), 5)
    array([1. , 0.5, 0.5, 0.5, 0.5], dtype=float32)
    """
    weights = np.ones(n_features, np.float32)
    for columns in [] if categories is None else blocks(categories):
        weights[columns] = 1.0 / np.sqrt(columns.size)
    return weights
