"""The time of one row, whatever it came as, in seconds since 1970."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import numpy as np

__all__ = ["moment_of"]


def moment_of(value: Any) -> float | None:
    """A time in seconds since 1970 (UTC): of a datetime, a date, ISO text or a number of seconds; else None.

    Examples
    --------
    >>> from datetime import datetime
    >>> moment_of("1970-01-02"), moment_of(datetime(1970, 1, 1, 0, 1)), moment_of(60), moment_of("soon")
    (86400.0, 60.0, 60.0, None)
    """
    if isinstance(value, np.datetime64):
        value = value.astype("datetime64[us]").item()
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    if isinstance(value, date):
        if value != value:
            # pandas' NaT
            return None
        moment = value if isinstance(value, datetime) else datetime(value.year, value.month, value.day)
        return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp()
    if isinstance(value, (int, float, np.number)) and not isinstance(value, bool):
        seconds = float(value)
        return seconds if abs(seconds) < float("inf") else None
    return None
