"""Columns and rows of a table for a stream detector: each cell a number, a time, a text or missing."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterator
from datetime import date
from math import nan
from typing import Any

import numpy as np

from iotae._typing import Float64
from iotae.data import Table
from iotae.data.cells import read_text
from iotae.data.clocks import hour_is_told
from iotae.data.columns import number_in, parse_numbers, parse_times
from iotae.data.notation import PLAIN, Notation

__all__ = ["cells_of", "row_dicts"]

Cells = Float64 | list[Any]
Cell = float | date | str


def cells_of(table: Table, ignore: Collection[str] = ()) -> dict[str, Cells]:
    """Return the columns of a table as a stream detector reads them.

    How a column is written is decided once for a whole input; every cell is then read by itself, so that a
    row means the same wherever a stream is cut. A finite number is a float, a time a ``datetime``, an empty
    cell is NaN or None, and other text stays text. A column that has nothing but numbers and empty cells is
    an array (n,); one of numbers that tell the time is a list of ``datetime``.

    Parameters
    ----------
    table : Table
    ignore : collection of str
        Columns to leave out, such as the label, with or without the blanks around their names.
    """
    ignored = {*ignore, *(name.strip() for name in ignore)}
    return {name: _cells(table, name) for name in table.names if name not in ignored}


def row_dicts(table: Table, ignore: Collection[str] = ()) -> Iterator[dict[Hashable, Any]]:
    """Yield one dict a row, of the cells that :func:`cells_of` gives.

    Examples
    --------
    >>> table = Table({"at": ["31/01/2026 6:00"], "watts": ["3,5"], "mode": ["eco"], "label": ["1"]})
    >>> list(row_dicts(table, ignore=["label"]))
    [{'at': datetime.datetime(2026, 1, 31, 6, 0), 'watts': 3.5, 'mode': 'eco'}]
    """
    cells = cells_of(table, ignore)
    if not cells:
        yield from ({} for _ in range(table.n_rows))
        return
    columns = (column.tolist() if isinstance(column, np.ndarray) else column for column in cells.values())
    for row in zip(*columns, strict=True):
        yield dict(zip(cells, row, strict=True))


def _cells(table: Table, name: str) -> Cells:
    values = table.array(name)
    notation = table.notation.of(name) if values.dtype.kind == "O" else PLAIN
    if notation.kind != "time" and table.tells_time(name):
        times: list[Any] = table.times(name)[0].tolist()
        return times
    if values.dtype.kind == "f":
        return table.numbers(name)[0]
    if values.dtype.kind == "M":
        moments: list[Any] = values.tolist()
        return moments
    readers = {"numeric": _number_first, "time": _time_first}
    # in a column of text, a cell with a unit is a text like others
    read = readers[notation.kind](notation) if notation.kind in readers else read_text
    texts = values.tolist()
    # the first cell spares columns of times and texts the trial
    if not texts or isinstance(read(texts[0]), float):
        numbers, other = parse_numbers(values, notation)
        if not other:
            return numbers
    meaning = {text: read(text) for text in set(texts)}
    return [meaning[text] for text in texts]


def _number_first(notation: Notation) -> Callable[[str], Cell]:
    """The reader of a cell as a number, as a time, or as the text that it is."""
    number = number_in(notation)

    def read(text: str) -> Cell:
        value = number(text)
        return read_text(text) if value is None else value

    return read


def _time_first(notation: Notation) -> Callable[[str], Cell]:
    """The reader of a cell of a column of times, whose digits may look like a number."""

    def read(text: str) -> Cell:
        moments, unreadable = parse_times(np.array([text], dtype=object), notation)
        if not unreadable:
            moment: Any = moments.tolist()[0]
            if moment is None:
                return nan
            # a date alone tells no hour, as an object or as text
            told: Cell = moment if notation.form or hour_is_told(text) else moment.date()
            return told
        return read_text(text)

    return read
