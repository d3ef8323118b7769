"""CSV text to chunks of text columns, with uneven and torn rows."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any

import numpy as np

from iotae.data import Table
from iotae.data.table_notation import TableNotation
from iotae.io.chunks import rows_at_a_time
from iotae.io.csv_header import before_rows, header_of, separator_of
from iotae.io.csv_repair import repaired_lines
from iotae.io.lines import Lines
from iotae.io.plain_csv import even_out, plain_columns, plain_rows

__all__ = ["chunks_of_rows", "csv_chunks", "text_columns"]

_LARGEST_CELL = 2**31 - 1
_TORN = "torn row at the end of the input, set aside"


def csv_chunks(
    lines: Lines, shown: str, chunk_rows: int, live: bool, ragged: str, notation: TableNotation
) -> Iterator[Table]:
    """Yield chunks of text columns, at least one; the header is checked before the first.

    Where the notation knows the names already, the lines go on in the middle of a file.

    Parameters
    ----------
    lines : Lines
    shown : str
        What errors call the file.
    chunk_rows, live, ragged
        Those of :func:`iotae.io.files.iter_table`.
    notation : TableNotation
        Learns the separator, the names and the notes.

    Raises
    ------
    TableError
        If the header is none, or a row has another number of cells than it has.
    """
    # the default limit would refuse a file for one large cell
    csv.field_size_limit(_LARGEST_CELL)
    first = ""
    if not notation.names:
        first, notation.comments = before_rows(lines, notation)
        notation.separator = notation.form.mark or notation.separator or separator_of(first, lines)
    delimiter = notation.separator
    rest: Iterable[str] = lines
    if notation.comments:
        rest = (line for line in lines if not line.startswith("#"))
    mend = ragged != "error"
    if not notation.names:
        written = next(csv.reader(chain([first], rest), delimiter=delimiter))
        notation.names = header_of(written, shown, notation)
    header = notation.names
    done, size = 0, rows_at_a_time(chunk_rows, len(header))
    waiting = lines if live else None
    if live or notation.comments or len(header) < 2:
        rest = repaired_lines(iter(rest), delimiter, lines) if mend else rest
        rows = _rows(csv.reader(rest, delimiter=delimiter), len(header), lines, notation, ragged)
        pieces: Iterator[Table | list[Any]] = chunks_of_rows(rows, size, waiting)
    else:
        pieces = _pieces(lines, header, size, notation, ragged)
    for piece in pieces:
        if not isinstance(piece, Table):
            even_out(piece, header, shown, done, notation, ragged)
            piece = text_columns(header, piece, notation)
        done += piece.n_rows
        yield piece
    if not done:
        yield text_columns(header, [], notation)


def _pieces(
    lines: Lines, header: list[str], size: int, notation: TableNotation, ragged: str
) -> Iterator[Table | list[Any]]:
    """Yield chunks of rows, as tables where each line is plain; from the first quote on by the csv module."""
    delimiter, width = notation.separator, len(header)
    while block := lines.take(size):
        columns = plain_columns(block, delimiter, width)
        if columns is not None:
            yield _table(header, columns, notation)
            continue
        rows = plain_rows(block, delimiter)
        if rows is None:
            lines.put_back(*block)
            break
        if rows and lines.unfinished and len(rows[-1]) < width and ragged != "keep":
            notation.notes[_TORN] += 1
            rows.pop()
        if rows:
            yield rows
    rest = repaired_lines(iter(lines), delimiter, lines) if ragged != "error" else lines
    reader = csv.reader(rest, delimiter=delimiter)
    yield from chunks_of_rows(_rows(reader, width, lines, notation, ragged), size, None)


def text_columns(names: list[str], rows: list[list[str]], notation: TableNotation) -> Table:
    """Return rows of text cells as a table that shares the notation of its file."""
    return _table(names, zip(*rows, strict=True) if rows else iter([()] * len(names)), notation)


def _table(names: list[str], cells: Iterable[Sequence[str]], notation: TableNotation) -> Table:
    """Return columns of text cells as a table that shares the notation of its file."""
    columns = {name: np.array(column, dtype=object) for name, column in zip(names, cells, strict=True)}
    notation.show(columns)
    return Table(columns, notation=notation)


def chunks_of_rows(rows: Iterator[Any], size: int, lines: Lines | None) -> Iterator[list[Any]]:
    """Cut rows into chunks: full ones, or shorter where the input has nothing more at hand."""
    if lines is None:
        yield from iter(lambda: list(islice(rows, size)), [])
        return
    chunk: list[Any] = []
    for row in rows:
        chunk.append(row)
        if len(chunk) >= size or lines.drained:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _rows(
    reader: Iterator[list[str]], width: int, lines: Lines, notation: TableNotation, ragged: str
) -> Iterator[list[str]]:
    """Yield the rows that are not empty, without a last one that is torn, unless all are kept."""
    for row in reader:
        # a stream's repair has read ahead: only the row that no other follows is torn
        while ragged != "keep" and lines.unfinished and len(row) < width:
            following = next(reader, None)
            if following is None:
                notation.notes[_TORN] += 1
                return
            if row:
                yield row
            row = following
        if row or width == 1:
            yield row or [""]
