"""Rows of a table as dicts for a stream detector: each cell a number, a category or missing."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterator
from typing import Any

import numpy as np

from iotae.data import Table
from iotae.data.columns import as_number, as_time
from iotae.preprocessing.encoding import cycles_of

__all__ = ["row_dicts"]


def row_dicts(table: Table, ignore: Collection[str] = ()) -> Iterator[dict[Hashable, Any]]:
    """Yield one dict a row.

    Every cell is read by itself, so that a row means the same wherever a stream is cut: a finite
    number is a float, an ISO time becomes the sine and cosine of its hour of the day, an empty cell
    is NaN or None, and other text stays text.

    Parameters
    ----------
    table : Table
    ignore : collection of str
        Columns to leave out, such as the label.

    Examples
    --------
    >>> table = Table({"at": ["2026-01-31 06:00"], "watts": ["3.5"], "mode": ["eco"], "label": ["1"]})
    >>> for row in row_dicts(table, ignore=["label"]):
    ...     print({name: value if isinstance(value, str) else round(value, 3) for name, value in row.items()})
    {'at:hour_sin': 1.0, 'at:hour_cos': 0.0, 'watts': 3.5, 'mode': 'eco'}
    """
    columns: dict[str, list[Any]] = {}
    for name in table.names:
        if name not in ignore:
            columns |= _cells(table, name)
    if not columns:
        yield from ({} for _ in range(table.n_rows))
        return
    names = list(columns)
    for cells in zip(*columns.values(), strict=True):
        yield dict(zip(names, cells, strict=True))


def _cells(table: Table, name: str) -> dict[str, list[Any]]:
    """Return a column's cells, and in its place or beside it the rhythm of those that are times."""
    values = table.array(name)
    if values.dtype.kind == "f":
        return {name: table.numbers(name)[0].tolist()}
    if values.dtype.kind == "M":
        return _rhythm(name, values)
    texts = values.tolist()
    times: dict[str, np.datetime64] = {}
    meaning: dict[str, Any] = {}
    for text in set(texts):
        meaning[text] = as_number(text)
        if meaning[text] is None:
            moment = as_time(text)
            if moment is None:
                meaning[text] = text
            else:
                times[text] = moment
    if not times:
        return {name: [meaning[text] for text in texts]}
    rhythm = _rhythm(
        name, np.array([times.get(text, np.datetime64("NaT")) for text in texts], "datetime64[us]")
    )
    if len(times) == len(meaning):
        return rhythm
    return {name: [meaning[text] for text in texts], **rhythm}


def _rhythm(name: str, times: Any) -> dict[str, list[Any]]:
    angles = cycles_of(times, ("hour",))
    return {f"{name}:hour_{part}": angles[:, i].tolist() for i, part in enumerate(("sin", "cos"))}
