"""What a window reads of a row's cells, and what the features that it adds are called."""

from __future__ import annotations

import datetime
from collections.abc import Hashable
from math import isfinite, nan
from typing import Any

import numpy as np

from iotae.data.clocks import time_of

__all__ = ["FARTHEST", "MEAN", "STEPS", "number_of", "own_name", "seconds_of"]

MEAN, STEPS = "mean of the window", "steps of the window"

FARTHEST = 1e100
"""Values beyond this count as this: their squares stay finite."""


def own_name(name: Hashable) -> Hashable:
    """The feature that a derived one belongs to; any other stands for itself."""
    derived = isinstance(name, tuple) and len(name) == 2 and name[1] in (MEAN, STEPS)
    return name[0] if derived else name  # type: ignore[index]


def number_of(value: Any) -> float:
    """A cell as a number, NaN for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        return nan
    try:
        number = float(value)
    except OverflowError:
        return nan
    return min(max(number, -FARTHEST), FARTHEST) if isfinite(number) else nan


def seconds_of(value: Any) -> float:
    """A time as seconds, a number as it is, NaN for what is neither."""
    if isinstance(value, str):
        value = time_of(value)
    if isinstance(value, np.datetime64):
        value = None if np.isnat(value) else value.astype("datetime64[us]").item()
    if isinstance(value, datetime.datetime) and value == value:
        return (value if value.tzinfo else value.replace(tzinfo=datetime.UTC)).timestamp()
    return number_of(value)
