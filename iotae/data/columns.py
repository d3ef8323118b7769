"""Text cells to typed arrays: what is a number, what is a time, what is a category.

Every decision here depends on the cell alone or on counts over a whole column, never on where a
file happened to be cut into chunks.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from iotae._typing import Float64

__all__ = [
    "Kind",
    "Tally",
    "as_datetime",
    "as_number",
    "as_time",
    "kind_of",
    "parse_numbers",
    "parse_times",
    "tally",
]

Kind = Literal["numeric", "category", "time"]

# Share of the cells that are not missing which must agree before a column takes their kind.
AGREEMENT = 0.9

_WORDS = {"true": 1.0, "false": 0.0}
_MISSING_NUMBERS = frozenset({"", "na", "n/a", "nan", "null", "none", "?", "-", "<na>", "nat"})
_ISO_TIME = re.compile(r"\s*\d{4}-\d\d-\d\d([T ]\d\d:\d\d.*)?$")
_NO_TIME = np.datetime64("NaT", "us")


class Tally(NamedTuple):
    """How many cells of a column are present, and how many of them read as numbers or as times."""

    present: int
    numbers: int
    times: int

    def __add__(self, other: object) -> Tally:
        if not isinstance(other, Tally):
            return NotImplemented
        return Tally(self.present + other.present, self.numbers + other.numbers, self.times + other.times)


def as_number(cell: str) -> float | None:
    """Return a cell as a finite number, NaN where it says missing, None where it is neither."""
    word = cell.strip().lower()
    if word in _MISSING_NUMBERS:
        return np.nan
    if word in _WORDS:
        return _WORDS[word]
    try:
        value = float(word)
    except ValueError:
        return None
    # float() accepts '1_000', which no CSV writer means as a number, and 'inf', which no scaler survives.
    return value if np.isfinite(value) and "_" not in word else None


def parse_numbers(cells: NDArray[Any]) -> tuple[Float64, int]:
    """Read text cells as numbers.

    Parameters
    ----------
    cells : ndarray of shape (n,)
        Text. Empty cells and the usual words (NA, NaN, null, None, ?, -) are missing; true and
        false are 1 and 0.

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
    try:
        values = cells.astype(np.float64)
    except ValueError:
        pass
    else:
        if np.isfinite(values).all() and "_" not in "".join(cells.tolist()):
            return values, 0
    texts = cells.tolist()
    known = {text: as_number(text) for text in set(texts)}
    values = np.array([known[text] for text in texts], dtype=np.float64)  # None becomes NaN
    bad = {text for text, value in known.items() if value is None}
    return values, sum(map(bad.__contains__, texts)) if bad else 0


def as_datetime(cell: str) -> datetime | None:
    """Return a cell's wall clock as written, None where it is no ISO time."""
    if _ISO_TIME.match(cell) is None:
        return None
    try:
        moment = datetime.fromisoformat(cell.strip())
    except ValueError:
        return None
    # The daily rhythm of a device follows its own clock: the zone is dropped, not converted.
    return moment if moment.tzinfo is None else moment.replace(tzinfo=None)


def as_time(cell: str) -> np.datetime64 | None:
    """Return a cell's wall clock as written, NaT where the cell is empty, None where it is no ISO time."""
    if not cell.strip():
        return _NO_TIME
    moment = as_datetime(cell)
    return None if moment is None else np.datetime64(moment, "us")


def parse_times(cells: NDArray[Any]) -> tuple[NDArray[np.datetime64], int]:
    """Read text cells as ISO 8601 times (``2026-01-31``, ``2026-01-31 14:05:00``, ``2026-01-31T14:05Z``).

    Parameters
    ----------
    cells : ndarray of shape (n,)
        Text; empty cells are missing.

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
    known = {text: as_time(text) for text in set(texts)}
    bad = {text for text, value in known.items() if value is None}
    times = np.array([known[text] if text not in bad else _NO_TIME for text in texts], dtype="datetime64[us]")
    return times, sum(map(bad.__contains__, texts)) if bad else 0


def tally(cells: NDArray[Any]) -> Tally:
    """Count what a column's text cells could be; tallies of chunks add up to that of the column.

    Examples
    --------
    >>> import numpy as np
    >>> tally(np.array(["1", "2", "", "tcp"], dtype=object))
    Tally(present=3, numbers=2, times=0)
    """
    values, bad = parse_numbers(cells)
    numbers = int(np.count_nonzero(~np.isnan(values)))
    present = numbers + bad
    if not bad or numbers >= AGREEMENT * present:
        return Tally(present, numbers, 0)
    times, _ = parse_times(cells)
    return Tally(present, numbers, int(np.count_nonzero(~np.isnat(times))))


def kind_of(counts: Tally) -> Kind:
    """Decide a column's kind: numbers or times where at least nine in ten present cells are, else text.

    Examples
    --------
    >>> kind_of(Tally(present=100, numbers=99, times=0)), kind_of(Tally(present=100, numbers=50, times=0))
    ('numeric', 'category')
    """
    if counts.numbers >= AGREEMENT * counts.present:
        return "numeric"
    return "time" if counts.times >= AGREEMENT * counts.present else "category"
