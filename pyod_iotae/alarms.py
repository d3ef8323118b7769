"""Which training rows are held out for calibration, and the threshold that their scores give."""

from __future__ import annotations

import warnings
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from iotae._typing import Bool, Float64, State
from iotae._validation import check_alpha, check_choice, check_row_weights
from iotae.thresholds import ConformalThreshold, TailThreshold, Threshold

__all__ = [
    "TrainingRows",
    "calibrated",
    "check_threshold",
    "held_out",
    "rate_of",
    "restored",
    "saved",
    "split_rows",
]

_CUTS: dict[str, type[ConformalThreshold] | type[TailThreshold]] = {
    "conformal": ConformalThreshold,
    "tail": TailThreshold,
}

_DEFAULT_RATE = 0.1
"""The contamination by default, which is also the false-alarm rate by default."""

_SHARE = 0.2
"""Share of the rows that are held out for calibration."""

_MOST = 10_000
"""Rows held out at most."""

_LEAST_TAIL = 200
"""Held-out rows that a tail is fitted to at least."""


class TrainingRows(NamedTuple):
    """What each of the n training rows is used for.

    ``weights`` (n,) are the caller's, or None; ``counted`` (n,) are the rows with a weight above 0, and
    ``held`` (n,) those among them that are held out for calibration.
    """

    weights: Float64 | None
    counted: Bool
    held: Bool

    @property
    def learned(self) -> Bool:
        """The rows (n,) that anything is learned from."""
        return self.counted & ~self.held

    @property
    def learning_weights(self) -> Float64 | None:
        """The weights (n,) to learn with, 0 for rows held out; None where all rows count the same."""
        if not self.held.any():
            return self.weights
        return np.where(self.held, 0.0, 1.0 if self.weights is None else self.weights)


def rate_of(contamination: Any, alpha: float | None) -> Any:
    """The false-alarm rate asked for: ``alpha``, or the contamination that stood for it before."""
    return contamination if alpha is None else float(alpha)


def check_threshold(threshold: Any, contamination: Any, alpha: Any) -> None:
    """Refuse a kind of threshold that does not exist, or that does not go with the other two.

    The constructor of PyOD's base class checks contamination too, but ``set_params`` passes it by.
    """
    check_choice("threshold", threshold, ("contamination", *_CUTS))
    number = isinstance(contamination, (int, float, np.number))
    if number and not 0.0 < contamination <= 0.5:
        raise ValueError(f"Got contamination={contamination!r}, but expected a share in (0, 0.5], e.g. 0.1.")
    if not number and not hasattr(contamination, "fit") and not _is_auto(contamination):
        raise ValueError(
            f"Got contamination={contamination!r}, but expected a share in (0, 0.5], 'auto' or a PyThresh "
            "object."
        )
    if alpha is not None:
        check_alpha(alpha)
    if threshold == "contamination":
        if alpha is not None:
            raise ValueError(
                f"Got alpha={alpha!r} with threshold='contamination', but expected threshold='conformal' or "
                "'tail', whose false-alarm rate it is: a share of outliers is contamination."
            )
        return
    if alpha is None and not number:
        raise ValueError(
            f"Got threshold={threshold!r} with contamination={contamination!r}, but expected the false-alarm "
            "rate of a calibrated threshold: pass alpha, e.g. alpha=0.01."
        )
    if threshold == "tail" and rate_of(contamination, alpha) >= 0.5:
        raise ValueError(
            f"Got alpha={rate_of(contamination, alpha)!r} with threshold='tail', but expected less than 0.5: "
            "a half is no tail. Take threshold='conformal'."
        )
    if alpha is None and contamination != _DEFAULT_RATE:
        warnings.warn(
            f"Got contamination={contamination!r} as the false-alarm rate of threshold={threshold!r}, which "
            f"is alpha now: pass alpha={contamination!r}. Later contamination will not count here.",
            FutureWarning,
            stacklevel=3,
        )


def _is_auto(contamination: Any) -> bool:
    return isinstance(contamination, str) and contamination == "auto"


def split_rows(
    n_rows: int, sample_weight: ArrayLike | None, threshold: str, rate: Any, seed: int | None
) -> TrainingRows:
    """Check the weights of n rows, and choose the rows to hold out among those that count."""
    counted = check_row_weights(n_rows, sample_weight) > 0
    held = np.zeros(n_rows, bool)
    held[counted] = held_out(int(counted.sum()), threshold, rate, seed)
    weights = None if sample_weight is None else np.asarray(sample_weight, np.float64)
    return TrainingRows(weights, counted, held)


def held_out(n_rows: int, threshold: str, rate: Any, seed: int | None) -> Bool:
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
    least = _LEAST_TAIL if threshold == "tail" else int(np.ceil(round(1.0 / rate, 9))) - 1
    size = max(least, min(int(_SHARE * n_rows), _MOST))
    if 2 * size > n_rows:
        raise ValueError(
            f"Got {n_rows} rows with threshold={threshold!r} and alpha={rate!r}, but "
            f"expected at least {2 * least}, of which {least} are held out to calibrate the threshold. "
            "For fewer rows use threshold='contamination'."
        )
    mask[np.random.default_rng(seed).permutation(n_rows)[:size]] = True
    return mask


def calibrated(threshold: str, rate: Any, scores: Float64) -> Threshold | None:
    """Fit a threshold to the scores (n,) of the held-out rows; None for ``'contamination'``."""
    if threshold == "contamination":
        return None
    return _CUTS[threshold](float(rate), window=len(scores)).fit(scores)


def saved(cut: Threshold | None) -> State | None:
    """Return the state of a calibrated threshold."""
    return None if cut is None else {type(cut).__name__: cut.to_state()}


def restored(data: State | None) -> Threshold | None:
    """Rebuild what :func:`saved` gave."""
    if data is None:
        return None
    ((name, inner),) = data.items()
    return next(cut for cut in _CUTS.values() if cut.__name__ == name).from_state(inner)
