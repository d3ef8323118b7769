"""Checks that several models share; each error says what to pass instead."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from iotae.architecture import Float32
from iotae.cells import ACTIVATIONS
from iotae.scaling import Float64

__all__ = [
    "NotFittedError",
    "check_choice",
    "check_count",
    "check_network_settings",
    "check_row_weights",
    "check_share",
    "check_table",
]


class NotFittedError(ValueError, AttributeError):
    """The model was asked for something that only a fitted one can give."""


def check_count(name: str, value: Any, least: int = 1) -> int:
    """Return a whole number of at least ``least``."""
    whole = isinstance(value, int) or (hasattr(value, "__index__") and not isinstance(value, bool))
    if isinstance(value, bool) or not whole or value < least:
        raise ValueError(f"Got {name}={value!r}, but expected a whole number of at least {least}.")
    return int(value)


def check_share(name: str, value: Any, *, zero: bool = False, meaning: str) -> float:
    """Return a number in (0, 1), or in [0, 1) where ``zero`` is allowed."""
    number = isinstance(value, (int, float, np.number))
    if not (number and (0.0 < value < 1.0 or (zero and value == 0.0))):
        raise ValueError(
            f"Got {name}={value!r}, but expected a number in {'[' if zero else '('}0, 1): {meaning}."
        )
    return float(value)


def check_choice(name: str, value: Any, choices: Any) -> str:
    """Return one of ``choices``."""
    if value not in choices:
        raise ValueError(f"Got {name}={value!r}, but expected one of {', '.join(map(repr, choices))}.")
    return str(value)


def check_network_settings(activation: Any, learning_rate: Any, batch_size: Any, seed: Any) -> None:
    """Check what every trained network is given."""
    check_choice("activation", activation, ACTIVATIONS)
    if not (isinstance(learning_rate, (int, float, np.number)) and 0.0 < learning_rate <= 1.0):
        raise ValueError(
            f"Got learning_rate={learning_rate!r}, but expected a number in (0, 1], e.g. 0.005: "
            "Adam's steps are of this size."
        )
    check_count("batch_size", batch_size)
    if seed is not None:
        check_count("seed", seed, 0)


def check_table(table: Float64) -> int:
    """Return the number of rows of a table, and refuse one without rows or columns."""
    if table.ndim != 2 or 0 in table.shape:
        raise ValueError(
            f"Got a table of shape {table.shape}, but expected (n, d) with at least one row and one column."
        )
    return len(table)


def check_row_weights(n_rows: int, sample_weight: ArrayLike | None) -> Float32:
    """Return the weights of ``n_rows`` rows (n,), all 1 for None."""
    if sample_weight is None:
        return np.ones(n_rows, np.float32)
    weights = np.asarray(sample_weight, np.float32)
    if weights.shape != (n_rows,):
        raise ValueError(f"Got sample_weight of shape {weights.shape}, but expected ({n_rows},).")
    wrong = np.flatnonzero(~(np.isfinite(weights) & (weights >= 0)))
    if wrong.size:
        raise ValueError(
            f"Got sample_weight[{wrong[0]}]={weights[wrong[0]]}, but expected finite numbers of at least 0."
        )
    if not (weights > 0).any():
        raise ValueError("Got a sample_weight of zero for every row, but expected at least one that counts.")
    return weights
