"""Tables from CSV and Parquet files, whole or chunk by chunk, with '-' for standard input."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from iotae._validation import check_count
from iotae.data import Table, TableError
from iotae.data.columns import Kind, Tally, kind_of, parse_numbers, parse_times, tally
from iotae.data.sampling import sample_chunks
from iotae.io.chunks import CHUNK_ROWS, drawn_rows, rows_at_a_time
from iotae.io.csv import iter_csv

__all__ = ["CHUNK_ROWS", "iter_table", "read_table"]

_WHOLE = sys.maxsize
_PARQUET = (".parquet", ".pq")
_SHEETS = (".xlsx", ".xls", ".ods", ".json", ".jsonl", ".ndjson")
_BINARY = (".npz", ".npy", ".feather", ".arrow", ".orc", ".avro", ".h5", ".hdf5", ".zip", ".pkl", ".iotae")


def is_parquet(path: str) -> bool:
    """Say whether a file name means Parquet (True) or CSV (False).

    Raises
    ------
    TableError
        If the name means another format.
    """
    suffix = Path(path).suffix.lower()
    if suffix in _SHEETS + _BINARY:
        raise TableError(f"Got the file {path}, but expected .csv, .csv.gz or .parquet: convert it first.")
    return suffix in _PARQUET


def read_table(
    path: str | os.PathLike[str],
    *,
    columns: Sequence[str] | None = None,
    most_rows: int | None = None,
    seed: int = 0,
    chunk_rows: int = CHUNK_ROWS,
) -> Table:
    r"""Read a whole file; the kind of each column is decided on all its rows.

    Parameters
    ----------
    path : path or '-'
        ``.csv``, ``.csv.gz``, ``.parquet``, or '-' for CSV on standard input. CSV is UTF-8 with a
        header line, separated by commas (or by semicolons, tabs or bars where the header has no comma).
    columns : sequence of str, optional
        Read only these.
    most_rows : int, optional
        Keep at most this many rows, drawn at random while the file is read in chunks. The others are not
        kept in memory.
    seed : int
        Seed of the rows drawn.
    chunk_rows : int, default=65536
        Rows parsed at a time, fewer where the table is wide; the result is the same for any number.

    Returns
    -------
    Table

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
        read = iter_table(real, chunk_rows, columns=columns)
        return read if most_rows is None else drawn_rows(read, most_rows, seed)

    if is_parquet(name):
        if most_rows is None:
            return next(iter_table(name, _WHOLE, columns=columns))
        read, generator = iter_table(name, chunk_rows, columns=columns), np.random.default_rng(seed)
        return _joined(sample_chunks(read, most_rows, generator, lambda chunk: chunk.n_rows, Table.take))
    with _rereadable(name) as real:
        try:
            table = _read_csv(chunks(real), {})
            if isinstance(table, dict):  # a column changed its kind on the way: now all kinds are known
                table = _read_csv(chunks(real), table)
        except TableError as error:
            raise TableError(str(error).replace(real, "standard input")) if name == "-" else error from None
    assert isinstance(table, Table)
    return table


def iter_table(
    path: str | os.PathLike[str],
    chunk_rows: int = CHUNK_ROWS,
    *,
    columns: Sequence[str] | None = None,
    live: bool = False,
    ragged: Literal["error", "pad"] = "error",
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
    ragged : {'error', 'pad'}, default='error'
        What to do with a CSV row that has another number of cells than the header: raise an error that names
        the row, or add empty cells and cut off those that are too many.

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
    chunks = _iter_parquet(name, chunk_rows) if is_parquet(name) else iter_csv(name, chunk_rows, live, ragged)
    for chunk in chunks:
        yield chunk if columns is None else Table({c: chunk.array(c) for c in columns})


def _joined(chunks: Iterable[Table]) -> Table:
    first, *more = chunks
    columns = {name: np.concatenate([part.array(name) for part in (first, *more)]) for name in first.names}
    return Table(columns, unsupported=first.unsupported)


def _read_csv(chunks: Iterable[Table], kinds: dict[str, Kind]) -> Table | dict[str, Kind]:
    """Return the table, or the kinds to read it by where the chunks of a column disagreed."""
    parts: dict[str, list[Any]] = {}
    used: dict[str, set[Kind]] = {}
    counts: dict[str, Tally] = {}
    parse: dict[Kind, Callable[[NDArray[Any]], NDArray[Any]]] = {
        "numeric": lambda cells: parse_numbers(cells)[0],
        "time": lambda cells: parse_times(cells)[0],
        "category": lambda cells: np.array(list(map(sys.intern, cells.tolist())), dtype=object),
    }
    for chunk in chunks:
        for name in chunk.names:
            cells = chunk.array(name)
            if name not in kinds:
                seen = tally(cells)
                counts[name] = counts.get(name, Tally(0, 0, 0)) + seen
            kind = kinds[name] if name in kinds else kind_of(seen)
            used.setdefault(name, set()).add(kind)
            parts.setdefault(name, []).append(parse[kind](cells))
    found = {name: kinds[name] if name in kinds else kind_of(counts[name]) for name in parts}
    if any(used[name] != {found[name]} for name in found):
        return found
    return Table({name: np.concatenate(arrays) for name, arrays in parts.items()})


def _iter_parquet(path: str, chunk_rows: int) -> Iterator[Table]:
    """Yield the batches of a Parquet file; their columns go back to a file in their own types."""
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise TableError("Parquet files need pyarrow: pip install 'iotae[tables]'.") from None
    try:
        # reading ahead would hold the whole file by its end
        with pq.ParquetFile(path, pre_buffer=False) as file:
            if len(set(file.schema_arrow.names)) < len(file.schema_arrow.names):
                raise TableError(f"Got {path} with two columns of one name: rename one.")
            size = chunk_rows
            if chunk_rows != _WHOLE:
                size = rows_at_a_time(chunk_rows, len(file.schema_arrow.names))
            if size >= file.metadata.num_rows or not file.metadata.num_rows:
                yield Table.from_frame(file.read())
                return
            for batch in file.iter_batches(batch_size=size):
                yield Table.from_frame(pa.Table.from_batches([batch]))
    except FileNotFoundError:
        raise TableError(f"There is no file {path}.") from None
    except (pa.ArrowException, OSError) as error:
        raise TableError(f"Cannot read {path} as Parquet: {str(error).splitlines()[0]}") from None


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
