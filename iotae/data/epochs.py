"""Numbers that are times: epochs of any unit, and the digits of a date; and which columns hold them."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from iotae._typing import Float64
from iotae.data.clocks import time_of

__all__ = ["is_clock_column", "times_of_numbers"]

_FROM, _UNTIL = 946_684_800.0, 4_102_444_800.0
"""2000 and 2100 as seconds since 1970: what is outside is hardly the time of a sensor's reading."""

_UNITS = ((1.0, 1e6), (1e3, 1e3), (1e6, 1.0), (1e9, 1e-3))
"""For seconds, milliseconds, microseconds and nanoseconds: how many a second has, and microseconds in one."""

_TIME_WORDS = re.compile(
    r"(?:^|[^a-z])(?:date|time|datetime|date_?time|time_?stamp|stamp|ts|epoch|unix|utc|when|at|zeit|datum|"
    r"heure|fecha|hora|ora|tijd|moment|clock)(?:$|[^a-z])"
)


def times_of_numbers(values: Float64) -> tuple[NDArray[np.datetime64], int]:
    """Read numbers as times, each by its size alone.

    Parameters
    ----------
    values : ndarray of shape (n,)
        Seconds, milliseconds, microseconds or nanoseconds since 1970 of a time from 2000 to 2100, or the
        digits of a date and clock: YYYYMMDD, YYYYMMDDhhmm or YYYYMMDDhhmmss. NaN is missing.

    Returns
    -------
    times : ndarray of shape (n,), datetime64[us]
        NaT where missing or unreadable.
    unreadable : int

    Examples
    --------
    >>> times_of_numbers(np.array([1769868300.0, 1769868300000.0, 20260131140500.0, np.nan, 7.0]))
    (array(['2026-01-31T14:05:00.000000', '2026-01-31T14:05:00.000000',
           '2026-01-31T14:05:00.000000',                        'NaT',
                                  'NaT'], dtype='datetime64[us]'), 1)
    """
    times = np.full(values.shape, np.datetime64("NaT"), dtype="datetime64[us]")
    for a_second, microseconds in _UNITS:
        inside = (values >= _FROM * a_second) & (values < _UNTIL * a_second)
        if inside.any():
            times[inside] = np.rint(values[inside] * microseconds).astype(np.int64).astype("datetime64[us]")
    digits = (values >= 19700101) & (values < 20991232235960) & np.isnat(times) & (values == np.floor(values))
    if digits.any():
        known = {value: _of_digits(value) for value in set(values[digits].tolist())}
        times[digits] = np.array([known[value] for value in values[digits].tolist()], dtype="datetime64[us]")
    return times, int(np.count_nonzero(np.isnat(times) & ~np.isnan(values)))


def _of_digits(value: float) -> Any:
    text = str(int(value))
    if len(text) not in (8, 12, 14):
        return None
    return time_of(text if len(text) > 8 else f"{text[:4]}-{text[4:6]}-{text[6:]}")


def is_clock_column(name: str, values: Float64) -> bool:
    """Whether a column of numbers tells the time of its rows.

    All numbers must be such times, see :func:`times_of_numbers`, and the column's name say so or the times
    go on from row to row, by at most a day in the usual step.

    Examples
    --------
    >>> seconds = 1.7e9 + np.repeat(np.arange(100.0), 3)
    >>> is_clock_column("t", seconds), is_clock_column("t", seconds[::-1])
    (True, False)
    """
    present = values[~np.isnan(values)]
    if not present.size or present.min() < 19700101:
        return False
    times, unreadable = times_of_numbers(present)
    if unreadable:
        return False
    split = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()
    if _TIME_WORDS.search(split):
        return True
    if present.size < 50 or present.min() < _FROM:
        return False
    steps = np.diff(times).astype(np.int64)
    forward = steps[steps > 0]
    return bool((steps >= 0).mean() >= 0.99 and forward.size and np.median(forward) <= 86_400e6)
