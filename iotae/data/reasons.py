"""The reasons of a score in words: the columns it comes from, what they hold, and what was expected."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from datetime import datetime
from math import floor, isfinite, log10
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from iotae.data.cell_objects import told_cell

__all__ = ["Known", "no_reasons", "reason_of", "reasons_of"]

_MOST = 3
"""Reasons that a reader can weigh."""

_LEAST_SHARE = 0.03
"""A column with less than this share of what the first has of the score is no reason beside it."""

_MOST_DIGITS = 6

_RARELY_MISSING = 0.9
"""Share of the rows that have a cell from which on a row without it is worth a word."""


class Known(NamedTuple):
    """What a model knows of a row's columns, by name; each part may lack some."""

    expected: Mapping[Hashable, float] = {}
    """What a number should have been, in its own units."""

    usual: Mapping[Hashable, tuple[float, float]] = {}
    """From where to where nineteen in twenty of its values lie, in its own units."""

    remarks: Mapping[Hashable, str] = {}
    """Why a column stands out although its present value need not: what it did in the rows before."""

    present: Mapping[Hashable, float] = {}
    """The share of the rows that have the column, in [0, 1]."""


def no_reasons(n: int) -> NDArray[Any]:
    """Return a column of n empty texts."""
    return np.full(n, "", dtype=object)


def reason_of(parts: Mapping[Hashable, float], row: Mapping[Hashable, Any], known: Known) -> str:
    """Return the reasons of :func:`reasons_of` as one text, as a cell of a table holds it."""
    return "; ".join(reasons_of(parts, row, known))


def reasons_of(parts: Mapping[Hashable, float], row: Mapping[Hashable, Any], known: Known) -> list[str]:
    """Say which columns a score comes from, what they hold, and what the model knows of them.

    Parameters
    ----------
    parts : mapping of column to float
        The columns' parts of the score, at least 0. The largest three are named.
    row : mapping of column to its cell
        A number, a text, a time, None or NaN where it is missing, or any other object. A number that is
        farther from what is usual of it than that is wide comes first.
    known : Known
        What was expected and what is usual. An empty cell of a column that nine in ten rows have is the
        last reason, without a share, as a missing cell adds nothing to a score.

    Examples
    --------
    >>> row = {"watts": 71.04, "amps": None, "mode": "eco"}
    >>> known = Known({"watts": 35.128}, {"watts": (32.4, 38.1)}, present={"amps": 0.998})
    >>> for reason in reasons_of({"watts": 8.2, "mode": 0.9}, row, known):
    ...     print(reason)
    watts 71, expected about 35, usual 32 to 38 (90 %)
    mode 'eco', unusual here (10 %)
    amps missing, present in 99.8 % of rows
    """
    row = {name: told_cell(cell) for name, cell in row.items()}
    whole = sum(parts.values()) or 1.0
    # what lies far out bends what is expected of the others, and may so have less of the score than they
    largest = sorted(parts.items(), key=lambda item: (not _is_far_out(item[0], row, known), -item[1]))
    least = _LEAST_SHARE * max(parts.values(), default=0.0)
    named = [item for item in largest if item[1] > least]
    gaps = _gaps(row, known.present, [name for name, _ in named])
    reasons = [
        f"{name} {_said_with_usual(name, row, known)} ({100 * part / whole:.0f} %)"
        for name, part in named[: _MOST - len(gaps)]
    ]
    return reasons + gaps


def _is_far_out(name: Hashable, row: Mapping[Hashable, Any], known: Known) -> bool:
    """Whether a number is farther from what is usual of it than that is wide."""
    cell: Any = row.get(name)
    usual = known.usual.get(name)
    if usual is None or cell is None or isinstance(cell, (str, datetime)):
        return False
    width = abs(usual[1] - usual[0])
    return bool(cell > usual[1] + width or cell < usual[0] - width)


def _gaps(row: Mapping[Hashable, Any], present: Mapping[Hashable, float], named: list[Hashable]) -> list[str]:
    """The one reason, or none, of cells that are missing though hardly ever."""
    missing = [
        (share, name)
        for name, share in present.items()
        if share >= _RARELY_MISSING and name not in named and row.get(name) is None
    ]
    if not missing:
        return []
    share, name = max(missing, key=lambda gap: gap[0])
    others = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
    # a share that rounds to all rows would deny this one
    return [f"{name}{others} missing, present in {min(100 * share, 99.9):.3g} % of rows"]


def _said_with_usual(name: Hashable, row: Mapping[Hashable, Any], known: Known) -> str:
    cell, usual = row.get(name), known.usual.get(name)
    expected, remark = known.expected.get(name), known.remarks.get(name)
    if remark is not None and not (cell is None or isinstance(cell, (str, datetime))):
        number: Any = cell
        said = f"{_rounded(number, number if expected is None else expected)}, {remark}"
    else:
        said = _said_of(cell, expected)
    if usual is None or isinstance(cell, datetime) or not all(map(isfinite, usual)):
        return said
    width = abs(usual[1] - usual[0])
    # ends that are rounded by more than a fifth of what lies between them would mislead
    digits = 1 if width and width >= 5.0 * 10.0 ** floor(log10(width)) else 2
    low, high = (_rounded(end, other, digits) for end, other in (usual, usual[::-1]))
    return f"{said}, usual {low} to {high}" if low != high else f"{said}, usual {low}"


def _said_of(cell: Any, expected: float | None) -> str:
    if isinstance(cell, datetime):
        return f"{cell:%H:%M}, sensors say otherwise"
    missing = cell is None
    if expected is None or not isfinite(expected):
        if missing:
            return "missing"
        return f"{cell!r}, unusual here" if isinstance(cell, str) else f"{_rounded(cell, cell)}, unusual here"
    if missing or isinstance(cell, str):
        return f"{'missing' if missing else repr(cell)}, expected about {_rounded(expected, expected)}"
    value, other = _rounded(cell, expected), _rounded(expected, cell)
    # a sensor that is stuck, or noisy, may be near what is expected of it
    return f"{value}, expected about {other}" if value != other else value


def _rounded(value: float, other: float, digits: int = 2) -> str:
    """Return a number with as many decimals as show so many digits of its difference from another.

    Three digits of it where there is no difference, and six of the larger one at most.
    """
    difference, size = abs(value - other), max(abs(value), abs(other))
    if size == 0.0:
        return "0"
    magnitude = floor(log10(size))
    if not -4 <= magnitude < 15:
        return f"{value:.3g}"
    decimals = digits - 1 - floor(log10(difference)) if difference else 2 - magnitude
    decimals = min(max(decimals, 0), max(_MOST_DIGITS - 1 - magnitude, 0))
    text = f"{value:.{decimals}f}"
    text = text.rstrip("0").rstrip(".") if decimals else text
    return "0" if text == "-0" else text
