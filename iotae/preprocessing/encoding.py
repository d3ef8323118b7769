"""Columns of a table to columns of numbers: times as angles, categories one-hot and by their rarity."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import repeat
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from iotae._typing import Bool, Float64
from iotae.data import Table
from iotae.data.notation import PLAIN, Kind, Notation
from iotae.preprocessing.rarity import surprise

__all__ = ["ColumnCode", "Encoded", "learn_category", "learn_time"]

DAY_HOURS, WEEK_DAYS = 24, 7
_UNSEEN, _MISSING = -1, -2
_LEAST_SHARE, _LEAST_ROWS = 0.01, 5
"""A value in fewer rows has no column of its own: too few to learn what belongs to it."""


@dataclass(frozen=True)
class Encoded:
    """One column's numbers, (n, k) float64 with NaN for missing, and how many cells could not be encoded."""

    values: Float64
    unreadable: int = 0
    unseen: int = 0


@dataclass(frozen=True)
class ColumnCode:
    """How one column becomes numbers; fixed by fitting, applied without any other library.

    Parameters
    ----------
    name : str
        The column.
    kind : {'numeric', 'category', 'time'}
    values : tuple of str
        For a category: the values that have a column of their own, in order.
    rare : tuple of str
        For a category: the values that share the column ``name=other``.
    fill : str
        For a category: the value that replaces a missing cell; '' leaves it missing.
    cycles : tuple of {'hour', 'weekday'}
        For a time: the cycles to encode, each as its sine and cosine.
    notation : Notation
        How the column was written at fitting, which decides what the cells of another file leave open.
    rarity : tuple of float
        For a category: how surprising each of ``values`` is, then each of ``rare``, then any other
        (:func:`iotae.preprocessing.rarity.surprise`); empty for codes that version 0.1 saved.
    """

    name: str
    kind: Kind
    values: tuple[str, ...] = ()
    rare: tuple[str, ...] = ()
    fill: str = ""
    cycles: tuple[str, ...] = ()
    notation: Notation = PLAIN
    rarity: tuple[float, ...] = ()

    @property
    def names(self) -> list[str]:
        """Names of the columns made, in order."""
        if self.kind == "numeric":
            return [self.name]
        if self.kind == "time":
            return [f"{self.name}:{cycle}_{part}" for cycle in self.cycles for part in ("sin", "cos")]
        own = [f"{self.name}={value}" for value in (*self.values, *(["other"] if self.rare else []))]
        return [*own, *([f"{self.name}:rarity"] if self.rarity else [])]

    def encode(self, table: Table) -> Encoded:
        """Turn the column into numbers.

        A value that fitting did not see has zeros in all columns of its category but the last, its rarity. A
        missing cell is NaN in all of them.

        Examples
        --------
        >>> code = ColumnCode("proto", "category", values=("tcp", "udp"))
        >>> code.encode(Table({"proto": ["udp", "icmp", ""]}))
        Encoded(values=array([[ 0.,  1.],
               [ 0.,  0.],
               [nan, nan]]), unreadable=0, unseen=1)
        """
        if self.kind == "numeric":
            numbers, unreadable = table.numbers(self.name, self.notation)
            return Encoded(numbers[:, None], unreadable)
        if self.kind == "time":
            times, unreadable = table.times(self.name, self.notation)
            return Encoded(cycles_of(times, self.cycles), unreadable)
        places = {value: place for place, value in enumerate((*self.values, *self.rare))}
        places[""] = places.get(self.fill, _MISSING) if self.fill else _MISSING
        texts = table.texts(self.name).tolist()
        codes = np.fromiter(map(places.get, texts, repeat(_UNSEEN)), dtype=np.int64, count=len(texts))
        values = np.zeros((len(texts), len(self.names)))
        known = np.flatnonzero(codes >= 0)
        values[known, np.minimum(codes[known], len(self.values))] = 1.0
        if self.rarity:
            # an unseen value has the place -1: the last
            values[:, -1] = np.array(self.rarity)[np.maximum(codes, _UNSEEN)]
        values[codes == _MISSING] = np.nan
        return Encoded(values, unseen=int(np.count_nonzero(codes == _UNSEEN)))

    def to_state(self) -> dict[str, Any]:
        """Return the code as JSON values."""
        return {
            "name": self.name,
            "kind": self.kind,
            "values": list(self.values),
            "rare": list(self.rare),
            "fill": self.fill,
            "cycles": list(self.cycles),
            "notation": self.notation.to_state(),
            "rarity": list(self.rarity),
        }

    @classmethod
    def from_state(cls, data: Mapping[str, Any]) -> ColumnCode:
        """Rebuild a code from :meth:`to_state`."""
        return cls(
            name=str(data["name"]),
            kind=data["kind"],
            values=tuple(data["values"]),
            rare=tuple(data["rare"]),
            fill=str(data["fill"]),
            cycles=tuple(data["cycles"]),
            # models of versions that read one notation have none
            notation=Notation.from_state(data.get("notation", PLAIN)),
            rarity=tuple(data.get("rarity", ())),
        )


def cycles_of(times: NDArray[np.datetime64], cycles: tuple[str, ...]) -> Float64:
    """Return the sine and cosine of the hour of the day and of the day of the week, as asked for.

    Parameters
    ----------
    times : ndarray of shape (n,), datetime64[us]
    cycles : tuple of {'hour', 'weekday'}

    Returns
    -------
    ndarray of shape (n, 2 * len(cycles))
        In [-1, 1]; NaN for NaT. Both are continuous in time.

    Examples
    --------
    >>> cycles_of(np.array(["2026-01-31T06:00"], dtype="datetime64[us]"), ("hour",)).round(3)
    array([[1., 0.]])
    """
    hours = (times - np.datetime64(0, "us")) / np.timedelta64(1, "h")  # NaT becomes NaN
    # 1 January 1970 was a Thursday: three days after a Monday.
    turns = {"hour": hours / DAY_HOURS, "weekday": (hours / DAY_HOURS + 3) / WEEK_DAYS}
    angles = [2 * np.pi * (turns[cycle] % 1.0) for cycle in cycles]
    parts = [part for angle in angles for part in (np.sin(angle), np.cos(angle))]
    return np.column_stack(parts) if parts else np.empty((len(times), 0))


def learn_time(table: Table, name: str) -> ColumnCode:
    """Choose the cycles of a time column: day and week, where the rows cover a whole one.

    Examples
    --------
    >>> learn_time(Table({"at": ["2026-01-31 00:00", "2026-02-01 23:00"]}), "at").names
    ['at:hour_sin', 'at:hour_cos']
    """
    times, _ = table.times(name)
    known = times[~np.isnat(times)]
    hours = float((known.max() - known.min()) / np.timedelta64(1, "h")) if known.size else 0.0
    cycles = ["hour"] * (hours >= DAY_HOURS - 1) + ["weekday"] * (hours >= DAY_HOURS * (WEEK_DAYS - 1))
    return ColumnCode(name, "time", cycles=tuple(cycles), notation=table.notation.of(name))


def learn_category(
    table: Table,
    name: str,
    max_categories: int | None,
    missing: Literal["keep", "fill", "drop"],
    normal: Bool | None = None,
) -> ColumnCode:
    """Choose the columns of a category: its frequent values, the others together, and how rare a value is.

    Parameters
    ----------
    table : Table
    name : str
    max_categories : int or None
        At most this many columns for values, 'other' included; equal counts are settled by the alphabet.
        Values in less than 1 % of the rows, or in fewer than five of a hundred rows or more, share a column
        in any case. With None each value has its own.
    missing : {'keep', 'fill', 'drop'}
        With 'fill' a missing cell takes the most frequent value.
    normal : ndarray of shape (n,), bool, optional
        The rows whose counts say how rare a value is; by default all.

    Returns
    -------
    ColumnCode
        Without ``values`` where all of them are too rare to tell anything: an identifier.

    Examples
    --------
    >>> code = learn_category(Table({"proto": ["udp", "tcp", "tcp", "icmp"]}), "proto", 2, "keep")
    >>> code.names, code.encode(Table({"proto": ["tcp", "udp", "coap"]})).values.round(2).tolist()
    (['proto=tcp', 'proto=other', 'proto:rarity'], [[1.0, 0.0, 0.0], [0.0, 1.0, 0.35], [0.0, 0.0, 0.51]])
    """
    from sklearn.impute import SimpleImputer
    from sklearn.preprocessing import OneHotEncoder

    texts = table.texts(name)
    there = texts != ""
    present = texts[there].reshape(-1, 1)
    least = 1 if max_categories is None else _least_count(len(present))
    encoder = OneHotEncoder(handle_unknown="ignore", max_categories=max_categories, min_frequency=least)
    shared = encoder.fit(present).infrequent_categories_[0]
    rare = tuple(shared.tolist()) if shared is not None else ()
    values = tuple(value for value in encoder.categories_[0].tolist() if value not in set(rare))
    counts = Counter(texts[there if normal is None else there & normal].tolist())
    rarity = surprise(np.array([counts[value] for value in (*values, *rare)]))
    fill = (
        str(SimpleImputer(strategy="most_frequent").fit(present).statistics_[0]) if missing == "fill" else ""
    )
    return ColumnCode(name, "category", values=values, rare=rare, fill=fill, rarity=tuple(rarity.tolist()))


def _least_count(n_rows: int) -> int:
    """Rows that a value needs for a column of its own: 1 %, and five where there are a hundred."""
    return max(1, int(np.ceil(_LEAST_SHARE * n_rows)), min(_LEAST_ROWS, n_rows * _LEAST_ROWS // 100))
