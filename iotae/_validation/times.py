"""The times of rows, whatever they came as: datetime64 in UTC, or numbers that may be subtracted."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from iotae._validation.vectors import check_vector

__all__ = ["check_times"]


def check_times(values: ArrayLike, name: str = "time") -> NDArray[Any]:
    """Return times of shape (n,): dates as datetime64, durations as seconds, numbers as int64 or float64.

    Dates that have a time zone are turned to UTC; a missing one is NaT, a missing number NaN.

    Raises
    ------
    ValueError
        If they are empty, not one-dimensional, text or of mixed kinds.

    Examples
    --------
    >>> from datetime import datetime, timedelta, timezone
    >>> zone = timezone(timedelta(hours=2))
    >>> check_times([datetime(2024, 1, 1, 2, tzinfo=zone)]).astype("datetime64[h]").tolist()
    [datetime.datetime(2024, 1, 1, 0, 0)]
    >>> check_times([timedelta(minutes=1)]).tolist()
    [60.0]
    """
    times: NDArray[Any] = check_vector(values, name)
    if times.dtype.kind == "O":
        times = _of_objects(times, name)
    if times.dtype.kind == "m":
        return np.asarray(times / np.timedelta64(1, "s"))
    if times.dtype.kind in "iuf":
        # the difference of two small or unsigned integers may not be one
        return times.astype(np.promote_types(times.dtype, np.int64))
    if times.dtype.kind != "M":
        raise _wrong(name, f"of type {times.dtype}")
    return times


def _of_objects(values: NDArray[Any], name: str) -> NDArray[Any]:
    try:
        # pandas' NaT is a datetime, yet none that NumPy can read; it does not equal itself
        given = [None if value is None or value != value else value for value in values]
        known = [value for value in given if value is not None]
        if all(isinstance(value, timedelta) for value in known):
            return np.array(given, dtype="timedelta64[us]")
        if not all(isinstance(value, date) for value in known):
            return np.array(given, dtype=np.float64)
    except (TypeError, ValueError):
        raise _wrong(name, f"of mixed types or text, such as {values[0]!r}") from None
    if len({getattr(value, "tzinfo", None) is None for value in known}) > 1:
        raise _wrong(name, "of dates with and without a time zone")
    return np.array([_utc(value) for value in given], dtype="datetime64[us]")


def _utc(moment: Any) -> Any:
    if isinstance(moment, datetime) and moment.tzinfo is not None:
        return moment.astimezone(UTC).replace(tzinfo=None)
    return moment


def _wrong(name: str, got: str) -> ValueError:
    return ValueError(
        f"Got {name} {got}, but expected dates, durations or numbers, all of one kind: turn text into dates, "
        'e.g. by numpy.asarray(text, "datetime64[s]").'
    )
