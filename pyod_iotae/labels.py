"""What PyOD asks of every detector once its training rows have scores: labels, probabilities, confidence."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from pyod.models.base import BaseDetector
from scipy.special import erf
from sklearn.utils.validation import check_is_fitted

from iotae._typing import Float64, Int64, State
from iotae._validation import check_choice
from iotae.serialization.saved import Saved
from iotae.thresholds import Threshold
from pyod_iotae import alarms
from pyod_iotae.confidence import automatic_cut, confidence, pythresh_cut, weighted_cut

__all__ = ["LabellingDetector"]

_FITTED = ("decision_scores_", "threshold_", "labels_")


class LabellingDetector(Saved, BaseDetector):
    """A PyOD detector whose labels come from a share, a PyThresh object or a calibrated threshold.

    A subclass gives ``decision_function``, and calls :meth:`_label` at the end of each fit.

    Parameters
    ----------
    contamination : float in (0, 0.5], 'auto', or a PyThresh object
    threshold : {'contamination', 'conformal', 'tail'}
    alpha : float in (0, 1), optional
    """

    decision_scores_: Float64
    labels_: Int64
    cut_: Threshold | None

    def __init__(self, contamination: Any, threshold: str, alpha: float | None) -> None:
        super().__init__(contamination=contamination)
        self.threshold = threshold
        self.alpha = alpha

    @property
    def _rate(self) -> Any:
        """The false-alarm rate of a calibrated threshold."""
        return alarms.rate_of(self.contamination, self.alpha)

    def _check_fitted(self) -> None:
        check_is_fitted(self, _FITTED)

    def _label(self, scores: Float64, rows: alarms.TrainingRows) -> None:
        """Take the scores (n,) of the training rows, and label them."""
        self.decision_scores_ = scores
        self._row_weights = rows.weights
        self.cut_ = alarms.calibrated(self.threshold, self._rate, scores[rows.held])
        self._process_decision_scores()

    @property
    def _counted(self) -> Float64:
        """Scores of the training rows that count: all but those of weight 0."""
        weights = self._row_weights
        return self.decision_scores_ if weights is None else self.decision_scores_[weights > 0]

    def _process_decision_scores(self) -> Any:
        scores = self._counted
        if self.cut_ is not None:
            self.threshold_: Any = self.cut_.threshold
        elif isinstance(self.contamination, str):
            self.threshold_ = automatic_cut(scores)
        elif hasattr(self.contamination, "fit"):
            self.threshold_ = pythresh_cut(self.contamination, scores)
        else:
            share = float(self.contamination)
            self.threshold_ = weighted_cut(self.decision_scores_, self._row_weights, share)
        self.labels_ = (self.decision_scores_ > self.threshold_).astype(int)
        self._mu, self._sigma = np.mean(scores), np.std(scores)
        return self

    def predict(self, X: ArrayLike, return_confidence: bool = False) -> Any:
        """0 for inliers and 1 for outliers (n_samples,); with their confidence if asked for."""
        self._check_fitted()
        labels = (self.decision_function(X) > self.threshold_).astype(int)
        return (labels, self.predict_confidence(X)) if return_confidence else labels

    def predict_proba(self, X: ArrayLike, method: str = "linear", return_confidence: bool = False) -> Any:
        """Probabilities (n_samples, 2) of being an inlier and an outlier.

        Parameters
        ----------
        X : array or data frame, shape (n_samples, n_features)
        method : {'linear', 'unify'}
            Min-max scaling by the training scores, or Kriegel et al.'s (2011) unifying scores.
        return_confidence : bool
            Also return the confidence of :meth:`predict`.
        """
        self._check_fitted()
        check_choice("method", method, ("linear", "unify"))
        scores = self.decision_function(X)
        if method == "linear":
            low, high = self._counted.min(), self._counted.max()
            outlying = (scores - low) / (high - low if high > low else 1.0)
        else:
            outlying = erf((scores - self._mu) / (max(self._sigma, np.finfo(float).tiny) * np.sqrt(2)))
        outlying = outlying.clip(0, 1)
        probabilities = np.column_stack([1 - outlying, outlying])
        return (probabilities, self.predict_confidence(X)) if return_confidence else probabilities

    def predict_pvalue(self, X: ArrayLike) -> Float64:
        """Conformal p-values (n_samples,) in (0, 1]: how rare such scores are among the rows held out.

        A row like those held out has a p-value of at most u with probability at most u (``'conformal'``), or
        about u, extrapolated beyond their largest score (``'tail'``). :meth:`predict` labels a row an outlier
        where its p-value is at most ``alpha``.
        """
        self._check_fitted()
        if self.cut_ is None:
            raise ValueError(
                "Got threshold='contamination', but expected 'conformal' or 'tail' at fit: "
                "p-values need rows that the network did not learn from."
            )
        p: Float64 = self.cut_.p_value(self.decision_function(X))
        return p

    def predict_confidence(self, X: ArrayLike) -> Float64:
        """How surely each row's label would be the same had the training rows been others (n_samples,).

        Perini et al. (2020), as in the base class, but without its product of both tables' lengths.
        """
        self._check_fitted()
        return confidence(self.decision_function(X), self._counted, self.threshold_, self._share)

    @property
    def _share(self) -> float:
        """The share of outliers in the training rows: the one asked for, or else the one there is."""
        if (
            self.cut_ is None
            and not isinstance(self.contamination, str)
            and not hasattr(self.contamination, "fit")
        ):
            return float(self.contamination)
        return float((self._counted > self.threshold_).mean())

    def predict_with_rejection(self, X: ArrayLike, *args: Any, **settings: Any) -> Any:
        """0 for inliers, 1 for outliers and -2 for rows better left undecided; see the base class."""
        self._check_fitted()
        # the base class computes with the share of outliers, whatever gave the threshold
        stand_in = copy.copy(self)
        stand_in.contamination = self._share
        return BaseDetector.predict_with_rejection(stand_in, X, *args, **settings)

    def _labels_to_state(self) -> State:
        """Everything that labels need, as arrays, numbers and text."""
        return {
            "decision_scores": self.decision_scores_,
            "row_weights": self._row_weights,
            "threshold": float(self.threshold_),
            "labels": self.labels_,
            "cut": alarms.saved(self.cut_),
        }

    def _restore_labels(self, data: State) -> None:
        """Take over what :meth:`_labels_to_state` gave."""
        self._set_n_classes(None)
        self.decision_scores_, self._row_weights = data["decision_scores"], data["row_weights"]
        self.threshold_, self.labels_ = data["threshold"], data["labels"]
        self.cut_ = alarms.restored(data["cut"])
        self._mu, self._sigma = np.mean(self._counted), np.std(self._counted)
