"""What one cell of a row says, whatever object it is: a number, a time of the day, or nothing."""

from __future__ import annotations

import datetime
from math import cos, isfinite, isinf, nan, pi, sin, sqrt
from typing import Any

import numpy as np

__all__ = ["as_number", "clock_cells", "hour_of", "is_missing", "is_time", "told_cell"]

_TIMES = (datetime.datetime, datetime.time, np.datetime64)

_DATES = (datetime.date, *_TIMES)

_FINER_THAN_A_DAY = frozenset({"h", "m", "s", "ms", "us", "ns", "ps", "fs", "as"})
"""NumPy's units of time that tell the hour."""

_HOUR = 3_600_000_000
"""Microseconds of an hour."""


def as_number(value: Any) -> float:
    """The cell as a number, a duration in seconds, NaN where it is neither.

    An object may answer with any error. NumPy makes a number of its own durations in nanoseconds, so these
    are numbers of nanoseconds, in a plain row too.
    """
    if isinstance(value, (str, bytes, bytearray, np.datetime64)) or value is np.ma.masked:
        # text was read before, and other letters are no number, whatever they spell
        return nan
    try:
        return float(value)
    except Exception:
        return _seconds_of(value)


def _seconds_of(value: Any) -> float:
    """The seconds of a duration, NaN for anything else."""
    try:
        if isinstance(value, datetime.timedelta):
            return value.total_seconds()
        return float(value / np.timedelta64(1, "s")) if isinstance(value, np.timedelta64) else nan
    except Exception:
        return nan


def is_missing(value: Any) -> bool:
    """Whether the cell is empty: None, NaN, NaT, NA, or masked."""
    if value is None or value is np.ma.masked or type(value).__name__ == "NAType":
        return True
    try:
        # NaN of every kind is the value that is not itself
        return bool(value != value)
    except Exception:
        return False


def is_time(value: Any) -> bool:
    """Whether the cell is a time or a date, as an object and not as text."""
    return isinstance(value, _DATES)


def hour_of(value: Any) -> float | None:
    """The hour of the day with its fraction, as the clock that was read shows it; None for what tells none.

    Takes ``datetime.datetime`` (pandas' ``Timestamp`` is one), ``datetime.time`` and
    ``numpy.datetime64``. A date without a time and NaT tell no hour.
    """
    if not isinstance(value, _TIMES):
        return None
    try:
        if isinstance(value, np.datetime64):
            return _hour_of_numpy(value)
        hour = value.hour + (value.minute + (value.second + value.microsecond / 1e6) / 60.0) / 60.0
    except Exception:
        # a subclass may answer with any error
        return None
    # pandas' NaT is a datetime whose hour is NaN
    return hour if 0.0 <= hour <= 24.0 else None


def _hour_of_numpy(value: np.datetime64) -> float | None:
    if np.isnat(value) or np.datetime_data(value.dtype)[0] not in _FINER_THAN_A_DAY:
        return None
    microseconds = int(value.astype("datetime64[us]").astype(np.int64))
    return microseconds % (24 * _HOUR) / _HOUR


def told_cell(value: Any) -> float | str | datetime.datetime | None:
    """The cell as words can tell it: a finite number, a text, a time with an hour, None where it is empty.

    Examples
    --------
    >>> cells = (7, "eco", np.nan, datetime.time(14, 5), datetime.date(2026, 1, 31), float("inf"), [1])
    >>> [told if isinstance(told := told_cell(cell), float) else str(told) for cell in cells]
    [7.0, 'eco', 'None', '0001-01-01 14:05:00', '2026-01-31', 'inf', 'list']
    """
    if isinstance(value, str):
        return value
    if is_missing(value):
        return None
    number, hour = as_number(value), hour_of(value)
    if isfinite(number):
        return number
    if hour is not None:
        # half a second: an hour is a float, and its minutes are cut off when they are told
        moment = datetime.datetime.min + datetime.timedelta(hours=hour, seconds=0.5)
        return value if isinstance(value, datetime.datetime) else moment.replace(microsecond=0)
    if isinf(number):
        return str(number)
    return str(value) if isinstance(value, (datetime.date, np.datetime64)) else type(value).__name__


def clock_cells(hour: float) -> tuple[float, float, float, float]:
    """Sine and cosine of the hour of the day and of its double, each with a mean square of one."""
    angle = hour * (pi / 12.0)
    s, c, r = sin(angle), cos(angle), sqrt(2.0)
    return r * s, r * c, r * (2.0 * s * c), r * (1.0 - 2.0 * s * s)
