"""Text files to chunks of text columns: CSV or JSON lines, told apart by what they begin with."""

from __future__ import annotations

import csv
import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from iotae.data import Table, TableError
from iotae.data.table_notation import InputFormat, TableNotation
from iotae.io.csv import csv_chunks
from iotae.io.jsonl import json_chunks, looks_like_json
from iotae.io.lines import Lines, open_lines

__all__ = ["iter_text", "naming_text", "text_chunks"]

_UTF_16 = ("\udcff\udcfe", "\udcfe\udcff")
_NO_TEXT = (*_UTF_16, "PAR1", "PK\x03\x04", "BZh", "\udcfd7zXZ", "(\udcb5/\udcfd")


def iter_text(path: str, chunk_rows: int, live: bool, ragged: str, form: InputFormat) -> Iterator[Table]:
    """Yield chunks of text columns, at least one, which share one notation.

    Parameters are those of :func:`iotae.io.files.iter_table`.

    Raises
    ------
    TableError
        If the file is missing, empty or not text, or has a row that cannot be read.
    """
    shown = "standard input" if path == "-" else path
    with naming_text(path, shown), open_lines(path) as lines:
        yield from text_chunks(lines, shown, chunk_rows, live, ragged, TableNotation(form, whole=False))


def text_chunks(
    lines: Lines, shown: str, chunk_rows: int, live: bool, ragged: str, notation: TableNotation
) -> Iterator[Table]:
    """Yield chunks of text columns, at least one, of lines of CSV or of JSON, whichever they are.

    Where the notation knows what the file is, the lines go on in the middle of it. Parameters are those of
    :func:`iotae.io.csv.csv_chunks`.

    Raises
    ------
    TableError
        If there is no line or no text, or a row cannot be read.
    """
    if not notation.layout:
        first, kind = _first_line(lines, shown), notation.form.kind
        as_json = kind == "jsonl" or (kind == "auto" and looks_like_json(first))
        notation.layout = "jsonl" if as_json else "csv"
    chunks = json_chunks if notation.layout == "jsonl" else csv_chunks
    yield from chunks(lines, shown, chunk_rows, live, ragged, notation)


@contextmanager
def naming_text(path: str, shown: str) -> Iterator[None]:
    """Turn the errors of reading a text file into a ``TableError`` that names it."""
    try:
        yield
    except FileNotFoundError:
        raise TableError(f"There is no file {path}.") from None
    except csv.Error as error:
        raise TableError(f"Cannot read {shown} as CSV: {error}.") from None
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise TableError(f"Cannot unpack {shown}: {error}.") from None
    except (IsADirectoryError, PermissionError) as error:
        raise TableError(f"Cannot read {path}: {error.strerror}.") from None


def _first_line(lines: Lines, shown: str) -> str:
    """The first line that is not empty, which is given once more."""
    first = next((line for line in lines if line.strip()), "")
    if not first:
        raise TableError(f"Got {shown} empty, but expected a header line and rows.")
    if first.startswith(_NO_TEXT) or "\0" in first:
        raise TableError(f"Got {shown}, which is no UTF-8 text: save it as CSV (UTF-8).")
    lines.put_back(first)
    return first
