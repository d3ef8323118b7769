"""CSV text to chunks of text columns: comments, delimiters, headers, and uneven or torn rows."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any

import numpy as np

from iotae.data import Table, TableError
from iotae.data.clocks import time_of
from iotae.data.names import plain_names
from iotae.data.numbers import number_and_unit, number_of
from iotae.data.table_notation import TableNotation
from iotae.io.chunks import rows_at_a_time
from iotae.io.csv_repair import repaired_lines
from iotae.io.lines import Lines
from iotae.io.plain_csv import even_out, plain_columns, plain_rows

__all__ = ["chunks_of_rows", "csv_chunks", "text_columns"]

_LARGEST_CELL = 2**31 - 1
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)
_TORN = "torn row at the end of the input, set aside"
_QUOTED = re.compile(r'"[^"]*"')


def csv_chunks(
    lines: Lines, shown: str, chunk_rows: int, live: bool, ragged: str, notation: TableNotation
) -> Iterator[Table]:
    """Yield chunks of text columns, at least one; the header is checked before the first.

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
    first, has_comments = _before_rows(lines, notation)
    notation.separator = delimiter = notation.form.mark or notation.separator or _separator(first, lines)
    rest: Iterable[str] = lines
    if has_comments:
        rest = (line for line in lines if not line.startswith("#"))
    mend = ragged != "error"
    reader = csv.reader(chain([first], rest), delimiter=delimiter)
    written = next(reader)
    header = _header(written, shown, notation)
    done, size = 0, rows_at_a_time(chunk_rows, len(header))
    waiting = lines if live else None
    if live or has_comments or len(header) < 2:
        rest = repaired_lines(iter(rest), delimiter) if mend else rest
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
    rest = repaired_lines(iter(lines), delimiter) if ragged != "error" else lines
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


def _is_time(text: str) -> bool:
    return not _is_number(text) and any(time_of(text, order) is not None for order in ("dmy", "mdy"))


def _is_row(cells: list[str]) -> bool:
    """Whether a first line is a row already: nothing but numbers and times, or a time and then a number."""
    values = [_is_number(cell) or _is_time(cell) for cell in cells]
    return all(values) or (_is_time(cells[0]) and any(map(_is_number, cells[1:])))


def _by_blanks(header: str, row: str) -> bool:
    """Whether a file without any other mark has its cells divided by blanks.

    So it is if the header has as many words as the row has numbers and times, and the row as a whole is none.
    """
    names, cells = header.split(" "), row.split(" ")
    if len(names) != len(cells) or len(cells) < 2 or number_and_unit(row) or _is_time(row):
        return False
    return all(names) and all(_is_number(cell) or _is_time(cell) for cell in cells)


def _best(line: str) -> str:
    bare = _QUOTED.sub("", line)
    # the first wins a tie, so a header without any delimiter is one column
    return max(",;\t|", key=bare.count)


def _separator(header: str, lines: Lines) -> str:
    """Whichever mark the header has most of; of several, one that the next line has as often.

    Where this is true of more than one, it is the one that leaves the more numbers between them: in a file of
    decimal commas, names with a unit may have as many commas as the cells. Blanks are taken where there is
    no such mark and they leave nothing but numbers and times between them.
    """
    bare = _QUOTED.sub("", header)
    found = sorted((mark for mark in ",;\t|" if mark in bare), key=bare.count, reverse=True)
    if len(found) == 1 or not (found or " " in bare.strip()):
        return _best(header)
    following = next(lines, "")
    if following:
        lines.put_back(following)
    if not found:
        return " " if _by_blanks(bare.strip(), following.strip()) else ","
    row = _QUOTED.sub("", following)
    alike = [mark for mark in found if row.count(mark) == bare.count(mark)]

    def numbers(mark: str) -> float:
        cells = row.rstrip("\r\n").split(mark)
        return sum(map(_is_number, cells)) / len(cells)

    return max(alike, key=numbers) if alike else found[0]


def _header(written: list[str], shown: str, notation: TableNotation) -> list[str]:
    """Return the names of the columns, and note those that are written otherwise."""
    if written and _is_row(written):
        raise TableError(
            f"Got {shown} with numbers in its first line ({', '.join(written)[:40]}), but expected column "
            "names: add a header."
        )
    names = plain_names(written, notation.notes)
    notation.written_names |= {n: w for n, w in zip(names, written, strict=True) if n != w}
    return names
