"""The reason of an alarm in words: the columns that contribute most to its score."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from iotae._typing import Bool, Float64

__all__ = ["no_reasons", "reason_of", "reasons_of"]

_MOST = 3


def no_reasons(n: int) -> NDArray[Any]:
    """Return a column of n empty texts."""
    return np.full(n, "", dtype=object)


def reason_of(parts: list[tuple[str, float]]) -> str:
    """Return the largest shares of a score with their columns.

    Examples
    --------
    >>> reason_of([("watts", 3.0), ("amps", 1.0), ("mode", 0.0)])
    'watts 75%, amps 25%'
    """
    whole = sum(part for _, part in parts) or 1.0
    largest = sorted(parts, key=lambda item: -item[1])[:_MOST]
    return ", ".join(f"{name} {part / whole:.0%}" for name, part in largest if part > 0)


def reasons_of(columns: list[str], shares: Float64, alarms: Bool) -> NDArray[Any]:
    """Return the reason of each alarm among n rows, and empty texts for the others.

    Parameters
    ----------
    columns : list of str, length c
    shares : ndarray of shape (k, c)
        Of the k alarms, in order.
    alarms : ndarray of shape (n,), bool
    """
    reasons = no_reasons(len(alarms))
    reasons[alarms] = [reason_of(list(zip(columns, row, strict=True))) for row in shares.tolist()]
    return reasons
