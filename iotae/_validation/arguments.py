"""Arguments of a constructor: counts, shares, rates, choices and seeds."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = [
    "NotFittedError",
    "TableError",
    "check_alpha",
    "check_choice",
    "check_count",
    "check_seed",
    "check_share",
]


class NotFittedError(ValueError, AttributeError):
    """The model was asked for something that only a fitted one can give."""


class TableError(ValueError):
    """A table, a file or a column that cannot be used; the message is one line and says what to do."""


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


def check_alpha(alpha: Any) -> float:
    """Return the share of the calibration scores that lie above the threshold, in (0, 1)."""
    return check_share("alpha", alpha, meaning="the false-alarm rate you accept, e.g. alpha=0.01")


def check_seed(seed: Any) -> int | None:
    """Return a seed of at least 0, or None."""
    return None if seed is None else check_count("seed", seed, 0)
