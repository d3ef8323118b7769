"""Rows as numbers that kernels can judge: what each cell is, its value, its device and its time."""

from __future__ import annotations

import datetime
from collections.abc import Hashable, Sequence
from functools import lru_cache
from math import nan
from typing import Any, NamedTuple
from zlib import crc32

import numpy as np

from iotae._typing import Float64, Int64
from iotae.data import Table
from iotae.data.cells import read_text
from iotae.data.epochs import times_of_numbers
from iotae.data.notation import PLAIN
from iotae.data.numbers import factor_between, number_and_unit
from iotae.quality.kinds import LARGEST, MISSING, NUMBER, OTHER_UNIT, TEXT, UNUSABLE

__all__ = [
    "Column",
    "column_of_cells",
    "column_of_numbers",
    "column_of_table",
    "digests_of",
    "name_key",
    "read_cell",
    "seconds_of",
    "times_in",
]

_EPOCH = datetime.datetime(1970, 1, 1)


class Column(NamedTuple):
    """The cells of a column, or the one of one row."""

    values: Float64 | float
    """(n,): see :class:`iotae.quality.kernels.Rows`."""
    kinds: Int64 | int
    """(n,)."""


def column_of_cells(cells: Sequence[Any], unit: str) -> tuple[Column, str]:
    """Read objects, each by itself, in a column of a unit; return that unit, or the first seen.

    Examples
    --------
    >>> column, unit = column_of_cells([3, "2.5 °C", "70 °F", None, "warm", float("inf")], "")
    >>> column.kinds.tolist(), column.values[:2].tolist(), unit
    ([1, 1, 3, 0, 2, 4], [3.0, 2.5], '°C')
    """
    values, kinds = np.zeros(len(cells)), np.zeros(len(cells), np.int64)
    for i, cell in enumerate(cells):
        kinds[i], values[i], unit = read_cell(cell, unit)
    return Column(values, kinds), unit


def column_of_numbers(numbers: Float64) -> Column:
    """Take a column of numbers, NaN for missing."""
    there = np.abs(numbers) < LARGEST
    kinds = np.where(there, NUMBER, np.where(np.isnan(numbers), MISSING, UNUSABLE))
    # a negative zero is equal to zero and has other bits
    return Column(np.where(there, numbers, 0.0) + 0.0, kinds)


def read_cell(cell: Any, unit: str) -> tuple[int, float, str]:
    """The kind and value of one cell, and the unit of its column."""
    if type(cell) is float and -LARGEST < cell < LARGEST:
        return NUMBER, cell + 0.0, unit
    if isinstance(cell, str):
        said = read_text(cell)
        if isinstance(said, str):
            return _read_unit(said, unit)
        cell = said
    if isinstance(cell, (datetime.date, datetime.time, np.datetime64)):
        return (MISSING, 0.0, unit) if cell != cell else (TEXT, float(crc32(str(cell).encode())), unit)
    if cell is None or cell is np.ma.masked or type(cell).__name__ == "NAType":
        return MISSING, 0.0, unit
    try:
        number = float(cell)
    except Exception:
        # an object may answer with any error
        return UNUSABLE, 0.0, unit
    if number != number:
        return MISSING, 0.0, unit
    return (NUMBER, number + 0.0, unit) if abs(number) < LARGEST else (UNUSABLE, 0.0, unit)


def _read_unit(text: str, unit: str) -> tuple[int, float, str]:
    """A text that is no plain number: one with a unit, an infinity, or a text."""
    found = number_and_unit(text)
    if found is None:
        infinite = text.strip().lower().lstrip("+-") in ("inf", "infinity")
        digest = float(crc32(text.encode(errors="surrogatepass")))
        return (UNUSABLE, 0.0, unit) if infinite else (TEXT, digest, unit)
    value, own = found
    factor = factor_between(own, unit or own)
    if factor is None or not abs(value * factor) < LARGEST:
        return OTHER_UNIT, value if abs(value) < LARGEST else 0.0, unit
    return NUMBER, value * factor + 0.0, unit or own


def column_of_table(table: Table, name: str, unit: str) -> Column:
    """Read a table's column as the whole of it is written; a declared unit is that of its numbers."""
    values = table.array(name)
    if values.dtype.kind == "M":
        there = ~np.isnat(values)
        moments = np.where(there, values, np.datetime64(0, "us")).astype(np.int64).astype(np.float64)
        return Column(moments, np.where(there, TEXT, MISSING))
    if values.dtype.kind == "f" or table.kind(name) == "numeric":
        return _numbers_of(table, name, unit)
    texts = values.tolist()
    known = {text: _digest_of(text) for text in set(texts)}
    digests = np.array([known[text] for text in texts], np.float64)
    return Column(digests, np.where(digests >= 0.0, TEXT, MISSING) if len(texts) else np.zeros(0, np.int64))


def _digest_of(text: str) -> float:
    missing = read_text(text) if len(text) < 5 else text
    return -1.0 if missing != missing else float(crc32(text.encode(errors="surrogatepass")))


def _numbers_of(table: Table, name: str, unit: str) -> Column:
    numbers, unreadable = table.numbers(name)
    raw = table.array(name)
    written = table.notation.of(name) if raw.dtype.kind == "O" else PLAIN
    values, kinds = (np.asarray(part) for part in column_of_numbers(numbers))
    if unit and written.unit and factor_between(written.unit, unit) is None:
        kinds[kinds == NUMBER] = OTHER_UNIT
    elif unit and written.unit not in ("", unit):
        values *= factor_between(written.unit, unit) or 1.0
    if unreadable and raw.dtype.kind == "f":
        kinds[np.isinf(raw)] = UNUSABLE
    elif unreadable:
        for i in np.flatnonzero(kinds == MISSING):
            # the unit that the column is written in was understood
            kinds[i], values[i], _ = read_cell(raw[i], written.unit or unit or "\0")
    return Column(values, kinds)


def times_in(table: Table, name: str) -> Float64:
    """Return a column of times as seconds since 1970 (n,), NaN where it tells none."""
    if table.array(name).dtype.kind == "f" or table.kind(name) == "numeric":
        return _epochs(table.numbers(name)[0])
    times = table.times(name)[0]
    return np.where(np.isnat(times), nan, times.astype(np.int64) / 1e6)


def seconds_of(cells: Sequence[Any]) -> Float64:
    """Return times as seconds since 1970 (n,), NaN where a cell tells none.

    A number from 2000 to 2100 in some unit of epochs is one; any other number is seconds.

    Examples
    --------
    >>> seconds_of([datetime.datetime(1970, 1, 2), "1970-01-02 00:00", 1769868300000, 7, "noon"]).tolist()
    [86400.0, 86400.0, 1769868300.0, 7.0, nan]
    """
    return np.array([_second(cell) for cell in cells], np.float64)


def _second(cell: Any) -> float:
    if isinstance(cell, str):
        cell = read_text(cell)
    if isinstance(cell, np.datetime64):
        cell = cell.astype("datetime64[us]").item()
    if isinstance(cell, datetime.datetime):
        return nan if cell != cell else (cell.replace(tzinfo=None) - _EPOCH).total_seconds()
    if cell is None or isinstance(cell, (str, datetime.date, datetime.time)):
        return nan
    try:
        number = float(cell)
    except Exception:
        # an object may answer with any error
        return nan
    return float(_epochs(np.array([number]))[0])


def _epochs(numbers: Float64) -> Float64:
    """Numbers as seconds: epochs of any unit, else the numbers themselves."""
    moments = times_of_numbers(numbers)[0]
    seconds = np.where(np.abs(numbers) < LARGEST, numbers, nan)
    told = ~np.isnat(moments)
    seconds[told] = moments[told].astype(np.int64) / 1e6
    return seconds


@lru_cache(maxsize=4096)
def name_key(name: Hashable) -> int:
    """A number that stands for a column's name in checksums."""
    return crc32(str(name).encode(errors="surrogatepass")) * 0x9E3779B97F4A7C15 % 2**63 | 1


def digests_of(values: Float64, kinds: Int64, times: Float64, keys: Int64) -> Int64:
    """Return a checksum of each row (n,), which does not depend on the order of the columns.

    Parameters
    ----------
    values, kinds : ndarray of shape (n, d)
    times : ndarray of shape (n,)
    keys : ndarray of shape (d,)
        The columns' :func:`name_key`.
    """
    bits = values.view(np.uint64) + kinds.view(np.uint64) * np.uint64(0xA0761D6478BD642F)
    bits = (bits ^ (bits >> np.uint64(29))) * keys.view(np.uint64)
    total = (bits ^ (bits >> np.uint64(32))).sum(axis=1, dtype=np.uint64)
    total = total + (times + 0.0).view(np.uint64) * np.uint64(0xD6E8FEB86659FD93)
    digests: Int64 = (total ^ (total >> np.uint64(31))).view(np.int64)
    return digests
