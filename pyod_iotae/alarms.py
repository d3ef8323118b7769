"""From the PyOD detector's scores to labels and p-values: a share, a PyThresh object or a calibrated cut."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted

from iotae._typing import Bool, Float64, Int64, State
from iotae._validation import check_choice
from iotae.thresholds import ConformalThreshold, TailThreshold, Threshold
from pyod_iotae.judging import confidence, pythresh_cut, weighted_cut

__all__ = ["FITTED", "Alarms", "calibrated", "held_out", "restored", "saved", "without"]

_CUTS: dict[str, type[ConformalThreshold] | type[TailThreshold]] = {
    "conformal": ConformalThreshold,
    "tail": TailThreshold,
}

FITTED = ("decision_scores_", "threshold_", "labels_")
"""Attributes of a fitted detector."""

_NUMBERS = (int, float, np.number)

_SHARE = 0.2
"""Share of the rows that are held out for calibration."""

_MOST = 10_000
"""Rows held out at most."""

_LEAST_TAIL = 200
"""Held-out rows that a tail is fitted to at least."""


class Alarms:
    """The part of the detector that turns its scores into labels, p-values and their confidence."""

    contamination: Any
    threshold: str
    decision_scores_: Float64
    labels_: Int64
    cut_: Threshold | None
    _row_weights: Float64 | None
    decision_function: Callable[[ArrayLike], Float64]

    def _check_alarms(self) -> None:
        # the constructor's check can be passed by with set_params
        share = self.contamination
        check_choice("threshold", self.threshold, ("contamination", *_CUTS))
        if isinstance(share, _NUMBERS):
            if not 0.0 < share <= 0.5:
                raise ValueError(f"Got contamination={share!r}, but expected a share in (0, 0.5], e.g. 0.1.")
        elif not hasattr(share, "fit"):
            raise ValueError(
                f"Got contamination={share!r}, but expected a share in (0, 0.5] or a PyThresh object."
            )
        elif self.threshold != "contamination":
            raise ValueError(
                f"Got threshold={self.threshold!r} with contamination={share!r}, but expected a number for "
                "contamination, e.g. 0.01: it is the false-alarm rate of a calibrated cut."
            )
        if self.threshold == "tail" and share == 0.5:
            raise ValueError(
                "Got contamination=0.5 with threshold='tail', but expected less: a half is no tail. Take "
                "threshold='conformal'."
            )

    @property
    def _counted(self) -> Float64:
        """Scores of the training rows that have a say: all but those of weight 0."""
        weights = self._row_weights
        return self.decision_scores_ if weights is None else self.decision_scores_[weights > 0]

    def _process_decision_scores(self) -> Any:
        scores = self._counted
        if self.cut_ is not None:
            self.threshold_: Any = self.cut_.threshold
        elif isinstance(self.contamination, _NUMBERS):
            share = float(self.contamination)
            self.threshold_ = weighted_cut(self.decision_scores_, self._row_weights, share)
        else:
            self.threshold_ = pythresh_cut(self.contamination, scores)
        self.labels_ = (self.decision_scores_ > self.threshold_).astype(int)
        self._mu, self._sigma = np.mean(scores), np.std(scores)
        return self

    def predict_pvalue(self, X: ArrayLike) -> Float64:
        """How rare scores so high are among rows held out from training (n_samples,), in (0, 1].

        A row alike them has a p-value of at most u with probability at most u (``'conformal'``), or about
        u, beyond their largest score by extrapolation (``'tail'``). A row is an outlier by :meth:`predict`
        where it is at most ``contamination``.
        """
        check_is_fitted(self, FITTED)
        if self.cut_ is None:
            raise ValueError(
                "Got threshold='contamination', but expected 'conformal' or 'tail' at fit: "
                "p-values need rows that the network did not learn from."
            )
        p: Float64 = self.cut_.p_value(self.decision_function(X))
        return p

    def predict_confidence(self, X: ArrayLike) -> Float64:
        """How surely the same label would be given had the training rows been others (n_samples,).

        Perini et al. (2020), as in the base class, but without its product of both tables' lengths.
        """
        check_is_fitted(self, FITTED)
        training = self._counted
        fixed = isinstance(self.contamination, _NUMBERS) and self.cut_ is None
        share = self.contamination if fixed else (training > self.threshold_).mean()
        return confidence(self.decision_function(X), training, self.threshold_, share)


def held_out(n_rows: int, threshold: str, contamination: Any, seed: int | None) -> Bool:
    """Which rows (n_rows,) are for calibration: none for ``'contamination'``, else a seeded fifth.

    At most 10,000, and as many as the smallest p-value asks for even where that is more than a fifth.

    Raises
    ------
    ValueError
        If that would be more than half of the rows.
    """
    mask = np.zeros(n_rows, bool)
    if threshold == "contamination":
        return mask
    least = _LEAST_TAIL if threshold == "tail" else int(np.ceil(round(1.0 / contamination, 9))) - 1
    size = max(least, min(int(_SHARE * n_rows), _MOST))
    if 2 * size > n_rows:
        raise ValueError(
            f"Got {n_rows} rows with threshold={threshold!r} and contamination={contamination!r}, but "
            f"expected at least {2 * least}, of which {least} are held out to calibrate the cut. "
            "For fewer rows use threshold='contamination'."
        )
    mask[np.random.default_rng(seed).permutation(n_rows)[:size]] = True
    return mask


def without(mask: Bool, sample_weight: ArrayLike | None = None) -> ArrayLike | None:
    """Row weights that leave the held-out rows out of all that is learned; as given where there are none."""
    if not mask.any():
        return sample_weight
    return np.where(mask, 0.0, 1.0 if sample_weight is None else np.asarray(sample_weight, np.float64))


def calibrated(threshold: str, contamination: Any, scores: Float64) -> Threshold | None:
    """Fit the cut of a mode to the scores (n,) of the held-out rows; None for ``'contamination'``."""
    if threshold == "contamination":
        return None
    return _CUTS[threshold](float(contamination), window=len(scores)).fit(scores)


def saved(cut: Threshold | None) -> State | None:
    """Return the state of a calibrated cut."""
    return None if cut is None else {type(cut).__name__: cut.to_state()}


def restored(data: State | None) -> Threshold | None:
    """Rebuild what :func:`saved` gave."""
    if data is None:
        return None
    ((name, inner),) = data.items()
    return next(cut for cut in _CUTS.values() if cut.__name__ == name).from_state(inner)
