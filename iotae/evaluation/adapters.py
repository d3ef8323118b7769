"""Adapters that give other detectors ``score_one`` and ``learn_one``, so that all run along a stream."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np

from iotae._typing import Float64
from iotae._validation import check_count

__all__ = ["SlidingFit", "WithTarget", "last_step"]

Row = Mapping[Hashable, Any]


class SlidingFit:
    """A PyOD model on a stream: fitted again to the latest rows at regular intervals.

    A row is scored by the ``decision_function`` of the last fit. Before the first fit every row scores 0 and
    none is an alarm. The columns are the features of the first row: a feature that a later row lacks is NaN,
    and one that it adds is ignored.

    Parameters
    ----------
    model : object with fit and decision_function
        Any PyOD detector; it is fitted in place.
    window : int
        How many of the latest rows to fit to, at least 2.
    every : int
        After how many rows to fit again, at least 2.

    Attributes
    ----------
    n_fits : int
        How often the model was fitted.

    Raises
    ------
    ValueError
        If ``window`` or ``every`` is below 2.
    TypeError
        If the model is one of scikit-learn's.

    Examples
    --------
    >>> class FarFromMean:
    ...     def fit(self, X):
    ...         self.mean, self.threshold_ = X.mean(axis=0), 3.0
    ...     def decision_function(self, X):
    ...         return abs(X - self.mean).sum(axis=1)
    >>> model = SlidingFit(FarFromMean(), window=4, every=2)
    >>> for value in (1.0, 2.0, 3.0):
    ...     model.learn_one({"a": value})
    >>> score = model.score_one({"a": 5.0})
    >>> score, model.classify(score), model.n_fits
    (3.5, True, 1)
    """

    def __init__(self, model: Any, window: int = 1000, every: int = 200) -> None:
        check_count("window", window, 2)
        check_count("every", every, 2)
        if hasattr(model, "score_samples"):
            raise TypeError(
                f"Got a {type(model).__name__}, but expected a PyOD model: scikit-learn's decision_function "
                "is low for anomalies, so take PyOD's model of the same name."
            )
        self.model = model
        self.every = every
        self.n_fits = 0
        self._rows: deque[Float64] = deque(maxlen=window)
        self._names: list[Hashable] = []
        self._since_fit = 0

    def score_one(self, x: Row, /) -> float:
        """Score a row by the model as it was last fitted; 0.0 before the first fit."""
        if not self.n_fits:
            return 0.0
        return float(np.ravel(self.model.decision_function(self._vector(x)[None, :]))[0])

    def classify(self, score: float) -> bool:
        """Whether a score lies above the model's own ``threshold_``."""
        return bool(self.n_fits and score > self.model.threshold_)

    def learn_one(self, x: Row, /) -> None:
        """Add the row to the window, and fit the model again if it is due."""
        self._names = self._names or list(x)
        self._rows.append(self._vector(x))
        self._since_fit += 1
        if self._since_fit == self.every:
            self.model.fit(np.array(self._rows))
            self.n_fits, self._since_fit = self.n_fits + 1, 0

    def _vector(self, x: Row) -> Float64:
        values = [x.get(name) for name in self._names]
        try:
            return np.array([np.nan if value is None else value for value in values], dtype=np.float64)
        except (TypeError, ValueError):
            raise ValueError(
                f"Got a row {dict(x)!r}, but expected a number for each of {self._names}: encode text first."
            ) from None


class WithTarget:
    """A River detector that scores a target, such as GaussianScorer, where the target is a feature.

    The feature is taken out of the row and passed as ``y``; the label of the row is never passed.

    Parameters
    ----------
    model : object with score_one(x, y) and learn_one(x, y)
        One of River's ``SupervisedAnomalyDetector``.
    target : hashable
        The feature to score.

    Examples
    --------
    >>> class Far:
    ...     def score_one(self, x, y):
    ...         return abs(y - x["a"])
    ...     def learn_one(self, x, y):
    ...         pass
    >>> WithTarget(Far(), "b").score_one({"a": 1.0, "b": 4.0})
    3.0
    """

    def __init__(self, model: Any, target: Hashable) -> None:
        self.model = model
        self.target = target

    def score_one(self, x: Row, /) -> float:
        """Score the target, given the rest of the row."""
        return float(self.model.score_one(*self._split(x)))

    def learn_one(self, x: Row, /) -> None:
        """Learn the target, given the rest of the row."""
        self.model.learn_one(*self._split(x))

    def _split(self, x: Row) -> tuple[dict[Hashable, Any], Any]:
        if self.target not in x:
            raise ValueError(
                f"Got a row with {list(x)}, but expected the target {self.target!r} in it: leave the row out."
            )
        return {name: value for name, value in x.items() if name != self.target}, x[self.target]


def last_step(model: Any) -> Any:
    """Return what classifies a model's scores: the last step of a River pipeline, else the model."""
    steps = getattr(model, "steps", None)
    return list(steps.values())[-1] if isinstance(steps, Mapping) and steps else model
