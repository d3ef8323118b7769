"""Which training rows are held out for calibration, and the threshold that their scores give."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from iotae._typing import Bool, Float64, State
from iotae._validation import check_choice, check_row_weights
from iotae.thresholds import ConformalThreshold, TailThreshold, Threshold

__all__ = ["TrainingRows", "calibrated", "check_threshold", "held_out", "restored", "saved", "split_rows"]

_CUTS: dict[str, type[ConformalThreshold] | type[TailThreshold]] = {
    "conformal": ConformalThreshold,
    "tail": TailThreshold,
}

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


def check_threshold(threshold: Any, contamination: Any) -> None:
    """Refuse a kind of threshold that does not exist, or that does not go with the contamination.

    The constructor of PyOD's base class checks contamination too, but ``set_params`` passes it by.
    """
    check_choice("threshold", threshold, ("contamination", *_CUTS))
    if isinstance(contamination, (int, float, np.number)):
        if not 0.0 < contamination <= 0.5:
            raise ValueError(
                f"Got contamination={contamination!r}, but expected a share in (0, 0.5], e.g. 0.1."
            )
    elif not hasattr(contamination, "fit"):
        raise ValueError(
            f"Got contamination={contamination!r}, but expected a share in (0, 0.5] or a PyThresh object."
        )
    elif threshold != "contamination":
        raise ValueError(
            f"Got threshold={threshold!r} with contamination={contamination!r}, but expected a number for "
            "contamination, e.g. 0.01: it is the false-alarm rate of a calibrated threshold."
        )
    if threshold == "tail" and contamination == 0.5:
        raise ValueError(
            "Got contamination=0.5 with threshold='tail', but expected less: a half is no tail. Take "
            "threshold='conformal'."
        )


def split_rows(
    n_rows: int, sample_weight: ArrayLike | None, threshold: str, contamination: Any, seed: int | None
) -> TrainingRows:
    """Check the weights of n rows, and choose the rows to hold out among those that count."""
    counted = check_row_weights(n_rows, sample_weight) > 0
    held = np.zeros(n_rows, bool)
    held[counted] = held_out(int(counted.sum()), threshold, contamination, seed)
    weights = None if sample_weight is None else np.asarray(sample_weight, np.float64)
    return TrainingRows(weights, counted, held)


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
            f"expected at least {2 * least}, of which {least} are held out to calibrate the threshold. "
            "For fewer rows use threshold='contamination'."
        )
    mask[np.random.default_rng(seed).permutation(n_rows)[:size]] = True
    return mask


def calibrated(threshold: str, contamination: Any, scores: Float64) -> Threshold | None:
    """Fit a threshold to the scores (n,) of the held-out rows; None for ``'contamination'``."""
    if threshold == "contamination":
        return None
    return _CUTS[threshold](float(contamination), window=len(scores)).fit(scores)


def saved(cut: Threshold | None) -> State | None:
    """Return the state of a calibrated threshold."""
    return None if cut is None else {type(cut).__name__: cut.to_state()}


def restored(data: State | None) -> Threshold | None:
    """Rebuild what :func:`saved` gave."""
    if data is None:
        return None
    ((name, inner),) = data.items()
    return next(cut for cut in _CUTS.values() if cut.__name__ == name).from_state(inner)
