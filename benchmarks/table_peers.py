"""Peers for tables as their own documentation advises them: behind a scaler, or from another package.

PyOD's distances, densities and mixtures take columns as they come, and its documentation standardises them
first; trees and the methods of single columns need no scale. Forests of `isotree` get PyOD's interface here.
"""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["RAW", "SCALED", "SELF_SCALED", "VARYING", "Forest", "recipe", "wrapped"]

Floats = NDArray[np.float64]

RAW = "raw values"
SCALED = "behind a StandardScaler"
SELF_SCALED = "raw values, which it standardises itself by default"
VARYING = "without constant columns, with which it fails; it standardises itself by default"
"""What a peer is given: the words of the page."""


class Standardised:
    """A detector behind scikit-learn's ``StandardScaler``, which is fitted on its training rows alone.

    Parameters
    ----------
    detector : object
        A fresh detector with PyOD's ``fit``, ``decision_function`` and ``decision_scores_``.
    """

    def __init__(self, detector: Any) -> None:
        from sklearn.preprocessing import StandardScaler

        self.detector = detector
        self.scaler = StandardScaler()

    def fit(self, X: Floats) -> Standardised:
        """Fit the scaler, then the detector."""
        self.detector.fit(self.scaler.fit_transform(X))
        return self

    def decision_function(self, X: Floats) -> Floats:
        """Return the detector's scores of the scaled rows, shape (n,)."""
        return np.asarray(self.detector.decision_function(self.scaler.transform(X)))

    @property
    def decision_scores_(self) -> Floats:
        """The detector's scores of its training rows, shape (n,)."""
        return np.asarray(self.detector.decision_scores_)


class Varying:
    """A detector that is not shown the columns that are constant in its training rows.

    Parameters
    ----------
    detector : object
        As for `Standardised`.
    """

    def __init__(self, detector: Any) -> None:
        self.detector = detector

    def fit(self, X: Floats) -> Varying:
        """Note which columns vary, and fit the detector on these."""
        self._kept = X.min(axis=0) < X.max(axis=0)
        self.detector.fit(X[:, self._kept])
        return self

    def decision_function(self, X: Floats) -> Floats:
        """Return the detector's scores, shape (n,)."""
        return np.asarray(self.detector.decision_function(X[:, self._kept]))

    @property
    def decision_scores_(self) -> Floats:
        """The detector's scores of its training rows, shape (n,)."""
        return np.asarray(self.detector.decision_scores_)


class Forest:
    """A forest of the package ``isotree``, in one thread, with PyOD's interface.

    Parameters
    ----------
    seed : int
        Seed of the trees.
    **arguments : Any
        What else ``isotree.IsolationForest`` is given.
    """

    def __init__(self, seed: int, **arguments: Any) -> None:
        from isotree import IsolationForest

        self.forest = IsolationForest(random_seed=seed, nthreads=1, **arguments)

    def fit(self, X: Floats) -> Forest:
        """Grow the trees, of no more rows than there are."""
        self.forest.set_params(sample_size=min(self.forest.sample_size, len(X)))
        self.forest.fit(X)
        self.decision_scores_ = self.decision_function(X)
        return self

    def decision_function(self, X: Floats) -> Floats:
        """Return the standardised depths, higher for rows isolated sooner, shape (n,)."""
        return np.asarray(self.forest.predict(X), dtype=np.float64)


WRAPPERS = {SCALED: Standardised, VARYING: Varying}


def recipe(given: str) -> str:
    """Return the source of the wrapper that stands for ``given``: what a stored result depends on."""
    return inspect.getsource(WRAPPERS[given]) if given in WRAPPERS else ""


def wrapped(detector: Any, given: str) -> Any:
    """Return ``detector`` as it is to meet what ``given`` says."""
    return WRAPPERS[given](detector) if given in WRAPPERS else detector
