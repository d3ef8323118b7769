"""Rows of a table as CSV text: missing cells, carriage returns, and formulas that are made safe."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from iotae.data import Table, TableError
from iotae.data.numbers import number_of
from iotae.io.plain_csv import plain_lines

__all__ = ["CsvRows", "written_columns"]

_FORMULAS = ("=", "+", "-", "@", "\t", "\r")


def written_columns(table: Table, added: Mapping[str, Any], before: Sequence[str] | None) -> list[str]:
    """Return the names of a table's columns as they are written, with those of the columns added.

    Raises
    ------
    TableError
        If a column to be added is in the table, or the names are not those written before.
    """
    own = table.written_names
    taken = [name for name in added if name in own or name in table]
    if taken:
        raise TableError(
            f"Got a column {taken[0]!r} in the input already, where it would be written: "
            "rename it, or choose another name with --prefix."
        )
    names = [*own, *added]
    if before is not None and names != list(before):
        raise TableError(f"Got the columns {names}, but expected {before} as in the rows before.")
    return names


class CsvRows:
    """Write tables to an open text as CSV, the names of the first table's columns before its rows.

    Parameters
    ----------
    text : text file
    safe : bool
        Put an apostrophe before what a spreadsheet program would take for a formula.
    headed : bool, default=False
        Whether the text has its header already.
    """

    def __init__(self, text: IO[str], safe: bool, *, headed: bool = False) -> None:
        self._text = text
        self._plain = csv.writer(text, lineterminator="\n")
        self._quoted = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL)
        self._safe, self._headed = safe, headed

    def write(self, table: Table, added: Mapping[str, NDArray[Any]]) -> None:
        """Write the rows of a table, with further columns at the right."""
        if table.source is not None:
            columns = [table.source[name].to_list() for name in table.source.columns]
        else:
            columns = [_cells(table.array(name)) for name in table.names]
        columns += [_cells(values) for values in added.values()]
        header: list[Any] = [*table.written_names, *added]
        if self._safe:
            header, columns = _safe(header), [_safe(cells) for cells in columns]
        if not self._headed:
            self._write_row(header)
            self._headed = True
        rows = zip(*columns, strict=True)
        lines = plain_lines(columns)
        if lines is not None:
            self._text.write(lines)
        elif not any(map(_breaks_lines, columns)):
            self._plain.writerows(rows)
        else:
            for row in rows:
                self._write_row(row)

    def _write_row(self, row: Sequence[Any]) -> None:
        (self._quoted if _breaks_lines(row) else self._plain).writerow(row)


def _cells(values: NDArray[Any]) -> list[Any]:
    """Return a column as CSV cells; missing is empty."""
    if values.dtype.kind == "O":
        return list(values.tolist())
    if values.dtype.kind == "M":
        return list(np.where(np.isnat(values), "", np.datetime_as_string(values)).tolist())
    if values.dtype.kind == "f" and np.isnan(values).any():
        return ["" if value != value else value for value in values.tolist()]
    return list(values.tolist())


def _breaks_lines(cells: Sequence[Any]) -> bool:
    """Whether a text has a carriage return, for which Python before 3.13 does not quote a cell."""
    try:
        return "\r" in "".join(cells)
    except TypeError:
        # numbers, or numbers and empty cells
        return "\r" in "".join(cell for cell in cells if isinstance(cell, str))


def _safe(cells: list[Any]) -> list[Any]:
    """Put an apostrophe before the texts that a spreadsheet program would take for formulas."""
    return [f"'{cell}" if isinstance(cell, str) and _is_formula(cell) else cell for cell in cells]


def _is_formula(text: str) -> bool:
    return text.startswith(_FORMULAS) and number_of(text) is None
