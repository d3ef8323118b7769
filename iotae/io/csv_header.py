"""What stands before the rows of a CSV file: comments, the mark between cells, and the header."""

from __future__ import annotations

import re

from iotae.data import TableError
from iotae.data.clocks import time_of
from iotae.data.names import plain_names
from iotae.data.numbers import number_and_unit, number_of
from iotae.data.table_notation import TableNotation
from iotae.io.lines import Lines

__all__ = ["before_rows", "header_of", "separator_of"]

_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)
_QUOTED = re.compile(r'"[^"]*"')


def before_rows(lines: Lines, notation: TableNotation) -> tuple[str, bool]:
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


def separator_of(header: str, lines: Lines) -> str:
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


def header_of(written: list[str], shown: str, notation: TableNotation) -> list[str]:
    """Return the names of the columns, and note those that are written otherwise."""
    if written and _is_row(written):
        raise TableError(
            f"Got {shown} with numbers in its first line ({', '.join(written)[:40]}), but expected column "
            "names: add a header."
        )
    names = plain_names(written, notation.notes)
    notation.written_names |= {n: w for n, w in zip(names, written, strict=True) if n != w}
    return names
