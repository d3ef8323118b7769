"""Columns of text cells to arrays of numbers or times, by the notation that was decided for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from iotae._typing import Float64
from iotae.data.clocks import time_of
from iotae.data.epochs import times_of_numbers
from iotae.data.notation import PLAIN, Notation
from iotae.data.numbers import Decimal, factor_between, number_and_unit, number_of

__all__ = ["number_in", "parse_numbers", "parse_times"]

_OTHER: dict[Decimal, Decimal] = {".": ",", ",": "."}


def number_in(notation: Notation) -> Callable[[str], float | None]:
    """Return the reader of one cell of a column of numbers: see :func:`iotae.data.numbers.number_of`.

    A cell that can only be read with the other decimal mark is read with that.

    Examples
    --------
    >>> read = number_in(Notation("numeric", ",", "kB"))
    >>> read("1.234,5 kB"), read("2 MB"), read("45.2"), read("5 V")
    (1234.5, 2000.0, 45.2, None)
    """

    def read(text: str) -> float | None:
        value = number_of(text, notation.decimal)
        if value is not None:
            return value
        found = number_and_unit(text, notation.decimal) or number_and_unit(text, _OTHER[notation.decimal])
        if found is None:
            return None
        value, unit = found
        factor = factor_between(unit, notation.unit)
        return None if factor is None else value if factor == 1.0 else value * factor

    return read


def parse_numbers(cells: NDArray[Any], notation: Notation = PLAIN) -> tuple[Float64, int]:
    """Read text cells as numbers.

    Parameters
    ----------
    cells : ndarray of shape (n,)
        Text, read as :func:`iotae.data.numbers.number_of` says.
    notation : Notation
        How the column is written.

    Returns
    -------
    values : ndarray of shape (n,), float64
        NaN where the cell is missing or could not be read. Infinities count as unreadable.
    unreadable : int
        Number of cells that are present but are not finite numbers.

    Examples
    --------
    >>> import numpy as np
    >>> parse_numbers(np.array(["1.5", "", "true", "1e3", "warm"], dtype=object))
    (array([   1.5,    nan,    1. , 1000. ,    nan]), 1)
    """
    texts = cells.tolist()
    plain = _plain_numbers(texts, notation.decimal)
    if plain is not None:
        return plain, 0
    read = number_in(notation)
    known = {text: read(text) for text in set(texts)}
    values = np.array([known[text] for text in texts], dtype=np.float64)  # None becomes NaN
    bad = {text for text, value in known.items() if value is None}
    return values, sum(map(bad.__contains__, texts)) if bad else 0


def _plain_numbers(texts: list[str], decimal: Decimal) -> Float64 | None:
    """The cells as numbers, in one step for all, where none has more than digits, a mark and a power."""
    joined = "\n".join(texts)
    if decimal == "," and "." in joined:
        return None
    if decimal == "," and "," in joined:
        texts = joined.replace(",", ".").split("\n")
    try:
        values = np.array(texts, dtype=object).astype(np.float64)
    except ValueError:
        return None
    # float() accepts '1_000', which no writer means as a number
    return values if np.isfinite(values).all() and "_" not in joined else None


def parse_times(cells: NDArray[Any], notation: Notation = PLAIN) -> tuple[NDArray[np.datetime64], int]:
    """Read text cells as times, in any notation of :func:`iotae.data.clocks.time_of`.

    Parameters
    ----------
    cells : ndarray of shape (n,)
        Text; empty cells and words for missing are missing. A number that is a time by its size is read too:
        see :func:`iotae.data.epochs.times_of_numbers`.
    notation : Notation
        How the column is written.

    Returns
    -------
    times : ndarray of shape (n,), datetime64[us]
        The wall clock as written, without its zone; NaT where missing or unreadable.
    unreadable : int
        Number of cells that are present but are no such times.

    Examples
    --------
    >>> import numpy as np
    >>> parse_times(np.array(["2026-01-31T14:05+02:00", "", "noon"], dtype=object))
    (array(['2026-01-31T14:05:00.000000',                        'NaT',
                                'NaT'], dtype='datetime64[us]'), 1)
    """
    texts = cells.tolist()
    plain = None if notation.form else _plain_times(texts)
    if plain is not None:
        return plain, 0
    known = {text: time_of(text, notation.order, notation.form or None) for text in set(texts)}
    times = np.array([known[text] for text in texts], dtype="datetime64[us]")  # None becomes NaT
    left = [text for text, moment in known.items() if moment is None]
    if left:
        numbers, _ = parse_numbers(np.array(left, dtype=object), notation)
        known |= zip(left, times_of_numbers(numbers)[0].tolist(), strict=True)
        times = np.array([known[text] for text in texts], dtype="datetime64[us]")
    bad = {text for text in left if known[text] is None and not _is_missing(text)}
    return times, sum(map(bad.__contains__, texts)) if bad else 0


def _plain_times(texts: list[str]) -> NDArray[np.datetime64] | None:
    """The cells as times, in one step for all, where each is as 2026-01-31T14:05:00, with a T or a blank."""
    if not texts or set(map(len, texts)) != {_LONG}:
        return None
    letters = np.array(texts, f"<U{_LONG}").view(np.uint32).reshape(-1, _LONG)
    digits = letters[:, _DIGITS] - ord("0")
    marks = letters[:, [4, 7, 13, 16]] == [ord(mark) for mark in "--::"]
    if (digits > 9).any() or not marks.all() or not np.isin(letters[:, 10], (ord("T"), ord(" "))).all():
        return None
    # the year 0 is one for NumPy alone
    if (digits[:, :4] == 0).all(axis=1).any():
        return None
    try:
        return np.array(texts, "datetime64[s]").astype("datetime64[us]")
    except ValueError:
        return None


_LONG = 19
_DIGITS = [0, 1, 2, 3, 5, 6, 8, 9, 11, 12, 14, 15, 17, 18]


def _is_missing(text: str) -> bool:
    value = number_of(text)
    return value is not None and value != value
