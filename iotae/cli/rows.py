"""Columns and rows of a table for a stream detector: each cell a number, a time, a text or missing."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterator
from typing import Any

import numpy as np

from iotae._typing import Float64
from iotae.data import Table
from iotae.data.cells import read_text
from iotae.data.columns import parse_numbers

__all__ = ["cells_of", "row_dicts"]

Cells = Float64 | list[Any]


def cells_of(table: Table, ignore: Collection[str] = ()) -> dict[str, Cells]:
    """Return the columns of a table as a stream detector reads them.

    Every cell is read by itself, so that a row means the same wherever a stream is cut: a finite
    number is a float, an ISO time a ``datetime``, an empty cell is NaN or None, and other text stays text.
    A column that has nothing but numbers and empty cells is an array (n,).

    Parameters
    ----------
    table : Table
    ignore : collection of str
        Columns to leave out, such as the label.
    """
    return {name: _cells(table, name) for name in table.names if name not in ignore}


def row_dicts(table: Table, ignore: Collection[str] = ()) -> Iterator[dict[Hashable, Any]]:
    """Yield one dict a row, of the cells that :func:`cells_of` gives.

    Examples
    --------
    >>> table = Table({"at": ["2026-01-31 06:00"], "watts": ["3.5"], "mode": ["eco"], "label": ["1"]})
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
    if values.dtype.kind == "f":
        return table.numbers(name)[0]
    if values.dtype.kind == "M":
        times: list[Any] = values.tolist()
        return times
    texts = values.tolist()
    # the first cell spares columns of times and texts the trial
    if not texts or isinstance(read_text(texts[0]), float):
        numbers, other = parse_numbers(values)
        if not other:
            return numbers
    meaning = {text: read_text(text) for text in set(texts)}
    return [meaning[text] for text in texts]
