"""CSV text to chunks of text columns: delimiters, headers, uneven rows, and rows as they arrive."""

from __future__ import annotations

import csv
import gzip
import io
import re
import sys
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain, islice
from typing import IO, Any

import numpy as np

from iotae.data import Table, TableError
from iotae.data.columns import parse_numbers
from iotae.io.chunks import rows_at_a_time
from iotae.io.csv_repair import repaired_lines

__all__ = ["iter_csv"]

_READ_BYTES = 65_536
_LARGEST_CELL = 2**31 - 1


def iter_csv(path: str, chunk_rows: int, live: bool, ragged: str) -> Iterator[Table]:
    """Yield chunks of text columns, at least one; the header is checked before the first.

    Parameters are those of :func:`iotae.io.files.iter_table`.

    Raises
    ------
    TableError
        If the file is missing, empty or not text, or a row has another number of cells than the header.
    """
    shown = "standard input" if path == "-" else path
    try:
        with _open_lines(path) as lines:
            first = next(lines, "")
            if not first.strip():
                raise TableError(f"Got {shown} empty, but expected a header line and rows.")
            if first.startswith(("\udcff\udcfe", "\udcfe\udcff", "PAR1", "PK\x03\x04")) or "\0" in first:
                raise TableError(f"Got {shown}, which is no UTF-8 text: save it as CSV (UTF-8).")
            bare = re.sub(r'"[^"]*"', "", first)
            # the first wins a tie, so a header without any delimiter is one column
            delimiter = max(",;\t|", key=bare.count)
            # the default limit would refuse a file for one large cell
            csv.field_size_limit(_LARGEST_CELL)
            rest = repaired_lines(lines, delimiter) if ragged == "pad" else lines
            reader = csv.reader(chain([first], rest), delimiter=delimiter)
            header = _check_header(next(reader), shown)
            width = len(header)
            rows = (row or [""] for row in reader if row or width == 1)
            done = 0
            for chunk in _chunks(rows, rows_at_a_time(chunk_rows, width), lines if live else None):
                uneven = None
                if set(map(len, chunk)) != {width}:
                    uneven = next(i for i, row in enumerate(chunk) if len(row) != width)
                if uneven is not None and ragged == "error":
                    raise TableError(
                        f"Got {len(chunk[uneven])} cells in row {done + uneven + 1} of {shown} "
                        f"({delimiter.join(chunk[uneven])[:40]!r}), but expected {width}: correct this row."
                    )
                if uneven is not None:
                    chunk = [(row + [""] * (width - len(row)))[:width] for row in chunk]
                done += len(chunk)
                yield Table(dict(zip(header, map(_texts, zip(*chunk, strict=True)), strict=True)))
            if not done:
                yield Table({name: _texts(()) for name in header})
    except FileNotFoundError:
        raise TableError(f"There is no file {path}.") from None
    except csv.Error as error:
        raise TableError(f"Cannot read {shown} as CSV: {error}.") from None
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise TableError(f"Cannot unpack {shown}: {error}.") from None
    except (IsADirectoryError, PermissionError) as error:
        raise TableError(f"Cannot read {path}: {error.strerror}.") from None


def _chunks(rows: Iterator[list[str]], size: int, lines: _Lines | None) -> Iterator[list[list[str]]]:
    """Cut rows into chunks: full ones, or shorter where the input has nothing more at hand."""
    if lines is None:
        yield from iter(lambda: list(islice(rows, size)), [])
        return
    chunk: list[list[str]] = []
    for row in rows:
        chunk.append(row)
        if len(chunk) >= size or lines.drained:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _texts(cells: Iterable[str]) -> Any:
    return np.array(tuple(cells), dtype=object)


def _check_header(header: list[str], shown: str) -> list[str]:
    names = [name.strip() for name in header]
    if all(name and parse_numbers(_texts([name]))[1] == 0 for name in names):
        raise TableError(
            f"Got {shown} with numbers in its first line, but expected column names: add a header."
        )
    doubles = sorted({name for name in names if names.count(name) > 1})
    if doubles:
        raise TableError(
            f"Got {shown} with two columns {doubles[0]!r}: rename one (or add a missing header)."
        )
    return names


class _Lines:
    """Decoded lines of a binary file as they arrive; ``drained`` says that no whole line is left to take."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._waiting: list[bytes] = []
        self._rest = b""
        self._fresh = True

    @property
    def drained(self) -> bool:
        return not self._waiting

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        while not self._waiting:
            read = getattr(self._file, "read1", self._file.read)
            block = read(_READ_BYTES)
            if not block:
                if not self._rest:
                    raise StopIteration
                self._waiting, self._rest = [self._rest], b""
                break
            *whole, self._rest = (self._rest + block).split(b"\n")
            self._waiting = [line + b"\n" for line in reversed(whole)]
        line = self._waiting.pop()
        if self._fresh:
            self._fresh, line = False, line.removeprefix(b"\xef\xbb\xbf")
        # Bytes that are not UTF-8 pass through unchanged, as surrogates.
        return line.decode("utf-8", "surrogateescape")


@contextmanager
def _open_lines(path: str) -> Iterator[_Lines]:
    """Open a CSV file, packed or not, or standard input, as lines."""
    if path == "-":
        yield _Lines(sys.stdin.buffer)
        return
    with open(path, "rb") as raw:
        packed = path.lower().endswith(".gz")
        yield _Lines(io.BufferedReader(gzip.GzipFile(fileobj=raw)) if packed else raw)
