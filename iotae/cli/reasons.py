"""The reason of an alarm in words: the columns that contribute most to its score, and what was expected."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from datetime import datetime
from math import floor, isfinite, log10
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["no_reasons", "reason_of"]

_MOST = 3
_LEAST_SHARE = 0.005
"""A column with less of the score would be named with 0 %."""

_MOST_DIGITS = 6


def no_reasons(n: int) -> NDArray[Any]:
    """Return a column of n empty texts."""
    return np.full(n, "", dtype=object)


def reason_of(
    parts: Mapping[Hashable, float], row: Mapping[Hashable, Any], expected: Mapping[Hashable, float]
) -> str:
    """Say which columns a score comes from, what they hold, and what the model expected of the numbers.

    Parameters
    ----------
    parts : mapping of column to float
        The columns' parts of the score, at least 0. The largest three are named.
    row : mapping of column to its cell
        A number, a text, a time, or None or NaN where it is missing.
    expected : mapping of column to float
        Of the columns that are numbers.

    Examples
    --------
    >>> row = {"watts": 71.04, "amps": None, "mode": "eco"}
    >>> reason_of({"watts": 8.2, "mode": 0.9, "amps": 0.9}, row, {"watts": 35.128, "amps": 2.0531})
    "watts 71, expected about 35 (82 %); mode 'eco', seldom (9 %); amps missing, expected about 2.05 (9 %)"
    """
    whole = sum(parts.values()) or 1.0
    largest = sorted(parts.items(), key=lambda item: -item[1])[:_MOST]
    named = [item for i, item in enumerate(largest) if item[1] > (_LEAST_SHARE * whole if i else 0.0)]
    return "; ".join(
        f"{name} {_said_of(row.get(name), expected.get(name))} ({100 * part / whole:.0f} %)"
        for name, part in named
    )


def _said_of(cell: Any, expected: float | None) -> str:
    if isinstance(cell, datetime):
        return f"{cell:%H:%M}, sensors say otherwise"
    # None or NaN, which does not equal itself
    missing = cell is None or cell != cell
    if expected is None or not isfinite(expected):
        if missing:
            return "missing"
        return f"{cell!r}, seldom" if isinstance(cell, str) else f"{_rounded(cell, cell)}, seldom"
    if missing or isinstance(cell, str):
        return f"{'missing' if missing else repr(cell)}, expected about {_rounded(expected, expected)}"
    value, other = _rounded(cell, expected), _rounded(expected, cell)
    # a sensor that is stuck, or noisy, may be near what is expected of it
    return f"{value}, expected about {other}" if value != other else value


def _rounded(value: float, other: float) -> str:
    """Return a number with as many decimals as show two digits of its difference from another.

    Three digits of it where there is no difference, and six of the larger one at most.
    """
    difference, size = abs(value - other), max(abs(value), abs(other))
    if size == 0.0:
        return "0"
    magnitude = floor(log10(size))
    if not -4 <= magnitude < 15:
        return f"{value:.3g}"
    decimals = 1 - floor(log10(difference)) if difference else 2 - magnitude
    decimals = min(max(decimals, 0), max(_MOST_DIGITS - 1 - magnitude, 0))
    text = f"{value:.{decimals}f}"
    text = text.rstrip("0").rstrip(".") if decimals else text
    return "0" if text == "-0" else text
