"""Tables from CSV, JSON lines and Parquet files, whole or chunk by chunk, with '-' for standard input."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import numpy as np

from iotae._validation import check_count
from iotae.data import Table, TableError
from iotae.data.sampling import sample_chunks
from iotae.data.table_notation import InputFormat, TableNotation
from iotae.io.chunks import CHUNK_ROWS, drawn_rows
from iotae.io.parquet import iter_parquet
from iotae.io.text import iter_text
from iotae.io.typed import typed_table

__all__ = ["CHUNK_ROWS", "iter_table", "read_table"]

_PARQUET = (".parquet", ".pq")
_JSON = (".json", ".jsonl", ".ndjson")
_SHEETS = (".xlsx", ".xls", ".ods")
_PACKED = (".zip", ".bz2", ".xz", ".zst", ".lz4", ".7z", ".rar", ".tar", ".tgz")
_BINARY = (".npz", ".npy", ".feather", ".arrow", ".orc", ".avro", ".h5", ".hdf5", ".pkl", ".iotae")


def is_parquet(path: str, *, reading: bool = False) -> bool:
    """Say whether a file name means Parquet (True) or CSV (False); JSON lines are for reading only.

    Raises
    ------
    TableError
        If the name means another format.
    """
    suffix = Path(path).suffix.lower()
    if suffix in _SHEETS + _PACKED + _BINARY + (() if reading else _JSON):
        known = ".csv, .csv.gz, .jsonl or .parquet" if reading else ".csv, .csv.gz or .parquet"
        what = "unpack" if suffix in _PACKED else "convert"
        raise TableError(f"Got the file {path}, but expected {known}: {what} it first.")
    return suffix in _PARQUET


def read_table(
    path: str | os.PathLike[str],
    *,
    columns: Sequence[str] | None = None,
    most_rows: int | None = None,
    seed: int = 0,
    chunk_rows: int = CHUNK_ROWS,
    form: InputFormat | None = None,
) -> Table:
    r"""Read a whole file; the kind of each column is decided on all its rows.

    Parameters
    ----------
    path : path or '-'
        ``.csv``, ``.jsonl``, ``.ndjson``, any of these packed as ``.gz``, ``.parquet``, or '-' for CSV or
        JSON lines on standard input. CSV is UTF-8 with a header line, separated by whichever of comma,
        semicolon, tab and bar the header has most of. Text that begins with ``{`` is JSON lines.
    columns : sequence of str, optional
        Read only these.
    most_rows : int, optional
        Keep at most this many rows, drawn at random while the file is read in chunks. The others are not
        kept in memory.
    seed : int
        Seed of the rows drawn.
    chunk_rows : int, default=65536
        Rows parsed at a time, fewer where the table is wide; the result is the same for any number.
    form : InputFormat, optional
        What should not be guessed of the file.

    Returns
    -------
    Table
        What could not be used or was changed is counted by sentence in its ``notation.notes``.

    Raises
    ------
    TableError
        If the file is missing or empty, a row has another number of cells than the header, or a column asked
        for is not there.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp(), "a.csv")
    >>> _ = path.write_text("watts,state\n3.5,on\n,off\n")
    >>> read_table(path).numbers("watts")
    (array([3.5, nan]), 0)
    """
    name = os.fspath(path)

    def chunks(real: str) -> Iterable[Table]:
        read = iter_table(real, chunk_rows, columns=columns, form=form)
        return read if most_rows is None else drawn_rows(read, most_rows, seed)

    if _reads_parquet(name, form):
        if most_rows is None:
            return next(iter_table(name, sys.maxsize, columns=columns, form=form))
        read = iter_table(name, chunk_rows, columns=columns, form=form)
        generator = np.random.default_rng(seed)
        drawn = sample_chunks(read, most_rows, generator, lambda chunk: chunk.n_rows, Table.take)
        return _joined(drawn, form or InputFormat())
    with _rereadable(name) as real:
        try:
            return typed_table(chunks, real)
        except TableError as error:
            raise TableError(str(error).replace(real, "standard input")) if name == "-" else error from None


def iter_table(
    path: str | os.PathLike[str],
    chunk_rows: int = CHUNK_ROWS,
    *,
    columns: Sequence[str] | None = None,
    live: bool = False,
    ragged: Literal["error", "pad", "keep"] = "error",
    form: InputFormat | None = None,
) -> Iterator[Table]:
    r"""Read a file of any length chunk by chunk; every chunk keeps its cells as they are written.

    Parameters
    ----------
    path : path or '-'
        As in :func:`read_table`.
    chunk_rows : int, default=65536
        At most this many rows a chunk, and at most 196,608 cells.
    columns : sequence of str, optional
        Read only these.
    live : bool, default=False
        Yield the rows that have arrived instead of waiting for a full chunk (CSV only).
    ragged : {'error', 'pad', 'keep'}, default='error'
        What to do with a CSV row that has another number of cells than the header: raise an error that names
        the row, or add empty cells and cut off those that are too many. A last row that is torn, without its
        end of line and with too few cells, is set aside in both cases. With 'keep' every row is kept, what is
        too much is left in the last cell, and the rows' places are added to ``notation.torn`` of the tables.
    form : InputFormat, optional
        What should not be guessed of the file.

    Yields
    ------
    Table
        At least one, without rows if the file has none.

    Raises
    ------
    TableError
        As in :func:`read_table`.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp(), "a.csv")
    >>> _ = path.write_text("watts\n1\n2\n3\n")
    >>> [chunk.n_rows for chunk in iter_table(path, chunk_rows=2)]
    [2, 1]
    """
    name = os.fspath(path)
    check_count("chunk_rows", chunk_rows)
    form = form or InputFormat()
    parquet = _reads_parquet(name, form)
    chunks = (
        iter_parquet(name, chunk_rows, form) if parquet else iter_text(name, chunk_rows, live, ragged, form)
    )
    first = True
    for chunk in chunks:
        absent = [column for column in form.time if column not in chunk] if first else []
        if absent:
            raise TableError(
                f"Got no column {absent[0]!r} for --time: the table has {', '.join(chunk.names)}."
            )
        first = False
        yield chunk if columns is None else _some(chunk, columns)


def _reads_parquet(path: str, form: InputFormat | None) -> bool:
    """Whether a file is to be read as Parquet: its format is said, or its name says it."""
    if form is not None and form.kind != "auto":
        return form.kind == "parquet"
    return is_parquet(path, reading=True)


def _some(chunk: Table, columns: Sequence[str]) -> Table:
    return Table({column: chunk.array(column) for column in columns}, notation=chunk.notation)


def _joined(chunks: Iterable[Table], form: InputFormat) -> Table:
    first, *more = chunks
    columns = {name: np.concatenate([part.array(name) for part in (first, *more)]) for name in first.names}
    notation = TableNotation(form, notes=first.notation.notes)
    notation.show(columns)
    return Table(columns, unsupported=first.unsupported, notation=notation)


@contextmanager
def _rereadable(path: str) -> Iterator[str]:
    """Yield a path that can be read twice: standard input and pipes are first copied to a file."""
    if path != "-" and (os.path.isfile(path) or not os.path.exists(path) or os.path.isdir(path)):
        yield path
        return
    with tempfile.NamedTemporaryFile(suffix=".csv") as copy:
        if path == "-":
            shutil.copyfileobj(sys.stdin.buffer, copy)
        else:
            with open(path, "rb") as pipe:
                shutil.copyfileobj(pipe, copy)
        copy.flush()
        yield copy.name
