"""JSON lines to chunks of text columns: one object a line, nested ones as names with dots."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import chain, islice
from typing import Any

from iotae.data import Table, TableError
from iotae.data.names import plain_names
from iotae.data.table_notation import TableNotation
from iotae.io.chunks import rows_at_a_time
from iotae.io.csv import chunks_of_rows, text_columns
from iotae.io.lines import Lines

__all__ = ["flat", "json_chunks", "looks_like_json"]

_TORN = "\0torn"
"""The name of the one cell of a line that is no object."""
_MOST_NOTES = 200
"""Names that are noted one by one: a stream of months may have a new one in each row."""

_ADVICE = "write one object a line, e.g. with jq -c '.[]' FILE for an array or jq -c . FILE for objects"


def looks_like_json(line: str) -> bool:
    """Whether a file that begins with this line is JSON, of lines or not.

    Examples
    --------
    >>> [looks_like_json(line) for line in ('{"a": 1}', "[", '[{"a": 1},', "[a],b", "a,b")]
    [True, True, True, False, False]
    """
    start = line.strip()
    return start.startswith("{") or start == "[" or start[:1] + start[1:].lstrip()[:1] in ("[{", "[[")


def flat(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Yield the cells of a JSON value as text, each with its name: keys and places joined by dots.

    Examples
    --------
    >>> list(flat({"id": "a7", "at": {"x": "1.5", "y": None}, "on": True, "taps": ["3", "4"]}))
    [('id', 'a7'), ('at.x', '1.5'), ('at.y', ''), ('on', 'true'), ('taps.0', '3'), ('taps.1', '4')]
    """
    if isinstance(value, dict | list):
        parts = value.items() if isinstance(value, dict) else enumerate(value)
        for key, part in parts:
            yield from flat(part, f"{name}.{key}" if name else str(key))
    elif value is None or isinstance(value, bool):
        yield name, "" if value is None else str(value).lower()
    else:
        yield name, value


def json_chunks(
    lines: Lines, shown: str, chunk_rows: int, live: bool, ragged: str, notation: TableNotation
) -> Iterator[Table]:
    """Yield chunks of text columns, whose names are those of the first chunk's objects.

    Numbers keep their digits as text, so that they are read as those of CSV. Parameters are those of
    :func:`iotae.io.csv.csv_chunks`. With ``ragged='pad'`` a line that is no object is set aside.

    Raises
    ------
    TableError
        If a line is no object, or the file is an array or an object over several lines.
    """
    names = notation.names
    written = [notation.written_names.get(name, name) for name in names]
    seen = bool(names)
    rows = _objects(lines, shown, ragged, notation)
    done = 0
    head = list(islice(rows, 1))
    size = rows_at_a_time(chunk_rows, len(head[0]) if head else 1)
    for chunk in chunks_of_rows(chain(head, rows), size, lines if live else None):
        if not seen and not names:
            written = list(dict.fromkeys(name for row in chunk for name in row if name != _TORN))
            names = notation.names = plain_names(written, notation.notes)
            notation.written_names |= {n: w for n, w in zip(names, written, strict=True) if n != w}
        seen = True
        known = {*written, _TORN}
        if ragged == "keep":
            notation.torn += [done + i for i, row in enumerate(chunk) if _TORN in row]
            chunk = [{(written or [_TORN])[0]: row[_TORN]} if _TORN in row else row for row in chunk]
        done += len(chunk)
        for row in chunk:
            for name in row.keys() - known:
                notation.notes[_left_out(name, notation)] += 1
        yield text_columns(names, [[row.get(name, "") for name in written] for row in chunk], notation)
    if not seen:
        raise TableError(f"Got {shown} without one whole JSON object, but expected one a line.")


def _left_out(name: str, notation: TableNotation) -> str:
    """What is said of a cell whose name no row of the first chunk has."""
    note = f"cells named {name!r} left out, as no row of the first chunk has them"
    known = note in notation.notes or len(notation.notes) < _MOST_NOTES
    return note if known else "cells of further names left out, as no row of the first chunk has them"


def _objects(lines: Lines, shown: str, ragged: str, notation: TableNotation) -> Iterator[dict[str, str]]:
    """Yield the object of each line, flat; numbers as they are written."""
    decode = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=str).decode
    # where the names are known, the first line was read before
    for number, line in enumerate(lines, start=2 if notation.names else 1):
        if not line.strip():
            continue
        try:
            value = decode(line)
            # a newer Python decodes objects that are deeper than its own calls may be
            cells = dict(flat(value)) if isinstance(value, dict) else None
        except (ValueError, RecursionError) as error:
            value, cells, reason = None, None, str(error).splitlines()[0]
        else:
            reason = f"it is {type(value).__name__}"
        if cells is not None:
            yield cells
        elif number == 1 and (value is None or isinstance(value, list)):
            raise TableError(f"Got {shown}, which is JSON, but no object in its first line: {_ADVICE}.")
        elif ragged == "keep":
            yield {_TORN: line.rstrip("\r\n")}
        elif lines.unfinished and value is None:
            notation.notes["torn row at the end of the input, set aside"] += 1
        elif ragged == "pad":
            notation.notes["lines that are no JSON object, set aside"] += 1
        else:
            raise TableError(
                f"Got line {number} of {shown} ({line.strip()[:40]!r}), which is no JSON object ({reason}): "
                "correct this line."
            )
