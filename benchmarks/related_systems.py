"""Supervised systems of papers on IoT anomalies: from labelled rows to the classes of others."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["SAMPLE", "SYSTEMS", "System", "folded"]

Floats = NDArray[np.float64]
Texts = NDArray[np.str_]

SAMPLE = 20_000
"""Training rows, drawn at random, of the systems that are slow."""

STEPS = 8
UPDATES = 1_000
NORMAL, ATTACK = "normal", "attack"


@dataclass(frozen=True)
class System:
    """A supervised system.

    Attributes
    ----------
    title, what : str
        Its line's name, and what it is here.
    predict : callable
        From training rows, their classes, test rows and a seed to the classes of the test rows.
    sampled : bool
        Whether it learns from a sample of the rows.
    """

    title: str
    what: str
    predict: Callable[[Floats, Texts, Floats, int], Texts]
    sampled: bool = False

    @property
    def names_classes(self) -> bool:
        """Whether it tells the classes of attacks apart."""
        return self.predict is not _hybrid


def _classifier(module: str, name: str, *, seeded: bool = True, **settings: Any) -> Any:
    """Return the function for a classifier of scikit-learn."""

    def predict(X: Floats, y: Texts, unseen: Floats, seed: int) -> Texts:
        from importlib import import_module

        random = {"random_state": seed} if seeded else {}
        made = getattr(import_module(f"sklearn.{module}"), name)(**settings, **random)
        with warnings.catch_warnings():
            # a network or a regression that stops at its passes is what the page says it is
            warnings.filterwarnings("ignore", message=".*(failed to converge|hasn't converged)")
            return np.asarray(made.fit(X, y).predict(unseen))

    return predict


def folded(X: Floats) -> Floats:
    """Lay each row (n, d) out as a short sequence (n, 8, ceil(d / 8)), filled up with 0."""
    width = -(-X.shape[1] // STEPS)
    padded = np.pad(X, ((0, 0), (0, STEPS * width - X.shape[1])))
    return padded.reshape(len(X), STEPS, width)


def _hybrid(X: Floats, y: Texts, unseen: Floats, seed: int) -> Texts:
    from benchmarks.sequence_nets import ConvolutionalHybrid, fit_predict

    odd = fit_predict(ConvolutionalHybrid, folded(X), y != NORMAL, folded(unseen), seed, UPDATES)
    return np.where(odd, ATTACK, NORMAL)


SYSTEMS = (
    System(
        "logistic regression (Hasan et al.)",
        "at most 100 steps",
        _classifier("linear_model", "LogisticRegression", max_iter=100),
        sampled=True,
    ),
    System("SVM (Hasan et al.)", "Gaussian kernel", _classifier("svm", "SVC"), sampled=True),
    System("decision tree (Hasan et al.)", "grown in full", _classifier("tree", "DecisionTreeClassifier")),
    System(
        "random forest (Hasan et al.)",
        "50 trees",
        _classifier("ensemble", "RandomForestClassifier", n_estimators=50),
    ),
    System(
        "neural network (Hasan et al.)",
        "100 units, 15 passes",
        _classifier("neural_network", "MLPClassifier", max_iter=15),
        sampled=True,
    ),
    System(
        "kNN (Elmahfoud et al.)",
        "5 neighbours",
        _classifier("neighbors", "KNeighborsClassifier", seeded=False),
        sampled=True,
    ),
    System(
        "AdaBoost (Elmahfoud et al.)",
        "50 stumps",
        _classifier("ensemble", "AdaBoostClassifier"),
        sampled=True,
    ),
    System(
        "CNN-GRU-BiLSTM (Zulfiqar et al.)",
        f"a row as {STEPS} steps; {UPDATES:,} updates, about three passes; attack or not",
        _hybrid,
        sampled=True,
    ),
    System(
        "small decision tree (Alwaisi et al.)",
        "128 leaves: 255 nodes, 2 kB at 8 bytes each",
        _classifier("tree", "DecisionTreeClassifier", max_leaf_nodes=128),
    ),
)
