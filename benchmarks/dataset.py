"""One labelled set of rows, as every benchmark meets it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Dataset"]


@dataclass(frozen=True)
class Dataset:
    """A labelled set: rows in file order.

    Attributes
    ----------
    name : str
        Name in this registry.
    X : ndarray of shape (n, d)
        Raw values, float64.
    y : ndarray of shape (n,)
        1 = anomaly, 0 = normal.
    feature_names : tuple of str
        One name a column.
    ordered : bool
        Whether the order of the rows is time.
    group : ndarray of shape (n,) or None
        Series, device or capture of each row: each gets a fresh model.
    is_test : ndarray of shape (n,) or None
        0 where the set's authors marked a training part.
    """

    name: str
    X: NDArray[np.float64]
    y: NDArray[np.int8]
    feature_names: tuple[str, ...]
    ordered: bool = False
    group: NDArray[np.int64] | None = None
    is_test: NDArray[np.int8] | None = None

    def take(self, rows: NDArray[Any]) -> Dataset:
        """Return the set cut down to ``rows`` (indices or a mask), in that order."""
        return Dataset(
            self.name,
            self.X[rows],
            self.y[rows],
            self.feature_names,
            self.ordered,
            None if self.group is None else self.group[rows],
            None if self.is_test is None else self.is_test[rows],
        )
