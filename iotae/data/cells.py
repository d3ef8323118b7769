"""One cell of text read by itself, the same at every door: a number, a time, missing, or a text."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from typing import Any

from iotae.data.clocks import hour_is_told, time_of
from iotae.data.numbers import number_of

__all__ = ["is_row", "read_text"]

_SHORT = 64
"""Letters up to which a text is remembered with what it says, as values of categories repeat."""


def is_row(x: Any) -> bool:
    """Whether ``x`` says what cell each feature has: a mapping, or what has keys and items as one does.

    River's ``VectorDict`` and a pandas ``Series`` are no mappings, but do.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"a": [1.0]})
    >>> is_row({"a": 1.0}), is_row(frame.iloc[0]), is_row(frame), is_row([1.0])
    (True, True, False, False)
    """
    if isinstance(x, Mapping):
        return True
    return hasattr(x, "keys") and hasattr(x, "items") and getattr(x, "ndim", 1) == 1


def read_text(text: str) -> float | date | str:
    """A cell as a finite number, NaN where it says missing, a time, a date, or the text that it is.

    It depends on nothing but the text, so that a row means the same wherever a stream is cut.

    Parameters
    ----------
    text : str
        Numbers have a decimal point, or a comma that only a decimal one can be; times are in any notation of
        :func:`iotae.data.clocks.time_of`; their zone is dropped, as the wall clock counts.

    Examples
    --------
    >>> [read_text(cell) for cell in ("20.1", "20,1", "true", "NA", "31.1.2026 14:05", "tcp")]
    [20.1, 20.1, 1.0, nan, datetime.datetime(2026, 1, 31, 14, 5), 'tcp']
    """
    if type(text) is not str:
        # a subclass of str may have an equality of its own
        text = str.__str__(text)
    return _remembered(text) if len(text) <= _SHORT else text


def _read(text: str) -> float | date | str:
    for decimal in (".", ","):
        number = number_of(text, decimal)
        if number is not None:
            return number
    # the hour is the same whether the day or the month comes first
    moment = time_of(text) or time_of(text, "mdy")
    if moment is None:
        return text
    return moment if hour_is_told(text) else moment.date()


_remembered = lru_cache(maxsize=4096)(_read)
