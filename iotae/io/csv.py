"""CSV text to chunks of text columns: comments, delimiters, headers, and uneven or torn rows."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import Any

import numpy as np

from iotae.data import Table, TableError
from iotae.data.names import plain_names
from iotae.data.numbers import number_of
from iotae.data.table_notation import TableNotation
from iotae.io.chunks import rows_at_a_time
from iotae.io.csv_repair import repaired_lines
from iotae.io.lines import Lines

__all__ = ["chunks_of_rows", "csv_chunks", "text_columns"]

_LARGEST_CELL = 2**31 - 1
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)
_QUOTED = re.compile(r'"[^"]*"')


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
    goes_on, first = bool(notation.names), ""
    if not goes_on:
        first, notation.comments = _before_rows(lines, notation)
        notation.separator = notation.form.mark or notation.separator or _separator(first, lines)
    delimiter = notation.separator
    rest: Iterable[str] = lines
    if notation.comments:
        rest = (line for line in lines if not line.startswith("#"))
    if ragged == "pad":
        rest = repaired_lines(iter(rest), delimiter, lines)
    reader = csv.reader(rest if goes_on else chain([first], rest), delimiter=delimiter)
    if not goes_on:
        notation.names = _header(next(reader), shown, notation)
    header = notation.names
    width = len(header)
    done = 0
    rows, size = _rows(reader, width, lines, notation), rows_at_a_time(chunk_rows, width)
    for chunk in chunks_of_rows(rows, size, lines if live else None):
        uneven = None
        if set(map(len, chunk)) != {width}:
            uneven = next(i for i, row in enumerate(chunk) if len(row) != width)
        if uneven is not None and ragged == "error":
            raise TableError(
                f"Got {len(chunk[uneven])} cells in row {done + uneven + 1} of {shown} "
                f"({delimiter.join(chunk[uneven])[:40]!r}), but expected {width}: correct this row."
            )
        if uneven is not None:
            repaired = sum(len(row) != width for row in chunk)
            notation.notes["rows without as many cells as the header has, filled up or cut"] += repaired
            chunk = [(row + [""] * (width - len(row)))[:width] for row in chunk]
        done += len(chunk)
        yield text_columns(header, chunk, notation)
    if not done:
        yield text_columns(header, [], notation)


def text_columns(names: list[str], rows: list[list[str]], notation: TableNotation) -> Table:
    """Return rows of text cells as a table that shares the notation of its file."""
    cells = zip(*rows, strict=True) if rows else iter([()] * len(names))
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
    reader: Iterator[list[str]], width: int, lines: Lines, notation: TableNotation
) -> Iterator[list[str]]:
    """Yield the rows that are not empty, without a last one that is torn."""
    for row in reader:
        # a stream's repair has read ahead: only the row that no other follows is torn
        while lines.unfinished and len(row) < width:
            following = next(reader, None)
            if following is None:
                notation.notes["torn row at the end of the input, set aside"] += 1
                return
            if row:
                yield row
            row = following
        if row or width == 1:
            yield row or [""]


def _before_rows(lines: Lines, notation: TableNotation) -> tuple[str, bool]:
    """Skip what stands before the header; return the header's line, and whether there were comments."""
    comments: list[str] = []
    first = ""
    for first in lines:
        if first.startswith("#"):
            comments.append(first)
        elif (said := _SEPARATOR_LINE.fullmatch(first)) is not None:
            notation.separator = said[1]
            notation.notes[f"line that only names the separator {said[1]!r}, skipped"] += 1
        elif first.strip():
            break
    header = _commented_header(comments, first, notation)
    if header:
        lines.put_back(first)
        first = header
    if len(comments) > bool(header):
        notation.notes["comment lines that begin with '#', skipped"] += len(comments) - bool(header)
    return first, bool(comments)


def _commented_header(comments: list[str], first: str, notation: TableNotation) -> str:
    """The header, where it is a comment: Zeek's ``#fields``, or the last one above rows of numbers."""
    for line in comments:
        if line.startswith("#fields\t"):
            notation.separator = "\t"
            return line.removeprefix("#fields\t")
    if not comments or first.startswith("#"):
        # nothing but comments: a header without a row
        return comments[-1].lstrip("# ") if comments else ""
    mark = notation.form.mark or notation.separator or _best(first)
    cells, names = first.rstrip().split(mark), comments[-1].rstrip().split(mark)
    return comments[-1].lstrip("# ") if len(cells) == len(names) and any(map(_is_number, cells)) else ""


def _is_number(text: str) -> bool:
    point, comma = number_of(text), number_of(text, ",")
    return (point is not None or comma is not None) and point == point


def _best(line: str) -> str:
    bare = _QUOTED.sub("", line)
    # the first wins a tie, so a header without any delimiter is one column
    return max(",;\t|", key=bare.count)


def _separator(header: str, lines: Lines) -> str:
    """Whichever mark the header has most of; of several, one that the next line has as often.

    Where this is true of more than one, it is the one that leaves the more numbers between them: in a file of
    decimal commas, names with a unit may have as many commas as the cells.
    """
    bare = _QUOTED.sub("", header)
    found = sorted((mark for mark in ",;\t|" if mark in bare), key=bare.count, reverse=True)
    if len(found) < 2:
        return _best(header)
    following = next(lines, "")
    if following:
        lines.put_back(following)
    row = _QUOTED.sub("", following)
    alike = [mark for mark in found if row.count(mark) == bare.count(mark)]

    def numbers(mark: str) -> float:
        cells = row.rstrip("\r\n").split(mark)
        return sum(map(_is_number, cells)) / len(cells)

    return max(alike, key=numbers) if alike else found[0]


def _header(written: list[str], shown: str, notation: TableNotation) -> list[str]:
    """Return the names of the columns, and note those that are written otherwise."""
    if all(name.strip() and _is_number(name) for name in written):
        raise TableError(
            f"Got {shown} with numbers in its first line, but expected column names: add a header."
        )
    names = plain_names(written, notation.notes)
    notation.written_names |= {n: w for n, w in zip(names, written, strict=True) if n != w}
    return names
