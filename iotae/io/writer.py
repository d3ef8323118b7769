"""Tables to CSV and Parquet files, chunk by chunk, with '-' for standard output; no half-written files."""

from __future__ import annotations

import gzip
import io
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Any, BinaryIO

from numpy.typing import NDArray

from iotae._files import naming, replacing
from iotae.data import Table, TableError
from iotae.io.csv_rows import CsvRows, written_columns
from iotae.io.files import is_parquet

__all__ = ["TableWriter", "write_table"]


class TableWriter:
    """Append tables to one file, which takes its name only when everything has been written.

    Use it in a ``with`` statement: the file appears when the block ends without an error, and no file is left
    behind otherwise. Cells are written as they were read: text as text, a frame's columns in their own types
    (Parquet). An earlier file's permissions are kept.

    Parameters
    ----------
    path : path or '-'
        ``.csv``, ``.csv.gz`` or ``.parquet``, or '-' for CSV on standard output.
    live : bool, default=False
        Flush after every table.
    sources : sequence of path or '-'
        The files that the rows come from: a new file may be read by no one who may not read these. Standard
        input counts as readable by its user alone, unless it is an ordinary file.
    safe : bool, default=False
        Put an apostrophe before each text that a spreadsheet program would take for a formula: one that
        begins with ``=``, ``+``, ``-``, ``@``, a tab or a carriage return and is no number (CSV only).

    Raises
    ------
    TableError
        If the name means no known format, its folder is not there, or ``safe`` is asked of Parquet.
    OSError
        If something cannot be written, such as on a full disk; the error names the file.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import numpy as np
    >>> path = pathlib.Path(tempfile.mkdtemp(), "scored.csv")
    >>> with TableWriter(path) as writer:
    ...     writer.write(Table({"id": ["007", ""]}), {"score": np.array([0.5, 2.0])})
    >>> print(path.read_text())
    id,score
    007,0.5
    ,2.0
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        live: bool = False,
        sources: Sequence[str | os.PathLike[str]] = (),
        safe: bool = False,
    ) -> None:
        self._name = os.fspath(path)
        self._shown = "standard output" if self._name == "-" else self._name
        self._live, self._sources, self._safe = live, sources, safe
        self._parquet = is_parquet(self._name)
        if safe and self._parquet:
            raise TableError(
                f"Got safe CSV cells for {self._name}, but expected a CSV file: leave --safe-csv out."
            )
        self._target = Path(os.path.realpath(self._name))
        self._direct = self._name == "-" or (self._target.exists() and not self._target.is_file())
        if self._target.is_dir() or not (self._direct or self._target.parent.is_dir()):
            raise TableError(f"Cannot write {self._name}: there is no folder for a file of this name.")
        self._names: list[str] | None = None
        self._stack = ExitStack()
        self._text: IO[str] | None = None
        self._rows: Any = None
        self._parquet_writer: Any = None

    def __enter__(self) -> TableWriter:
        return self

    def write(self, table: Table, extra: Mapping[str, NDArray[Any]] | None = None) -> None:
        """Append a table's rows, with further columns at the right.

        Raises
        ------
        TableError
            If a further column is already in the table, or the columns differ from those written first.
        """
        added = dict(extra or {})
        self._names = written_columns(table, added, self._names)
        with naming(self._shown):
            if self._parquet:
                self._write_parquet(table, added)
                return
            if self._text is None:
                self._text = self._open_text()
                self._rows = CsvRows(self._text, self._safe)
            self._rows.write(table, added)
            if self._live:
                self._text.flush()

    def _write_parquet(self, table: Table, added: Mapping[str, NDArray[Any]]) -> None:
        try:
            import pyarrow as pa
            import pyarrow.parquet as pq
        except ImportError:
            raise TableError("Parquet files need pyarrow: pip install 'iotae[tables]'.") from None
        if table.source is not None:
            arrow = table.source.to_arrow()
        else:
            arrow = pa.table({name: pa.array(table.array(name)) for name in table.names})
        for name, values in added.items():
            arrow = arrow.append_column(name, pa.array(values))
        if self._parquet_writer is None:
            self._parquet_writer = self._stack.enter_context(pq.ParquetWriter(self._open(), arrow.schema))
        self._parquet_writer.write_table(arrow)

    def _open(self) -> BinaryIO:
        if self._direct:
            return self._stack.enter_context(self._target.open("wb"))
        return self._stack.enter_context(replacing(self._name, self._sources))

    def _standard_output(self) -> BinaryIO:
        raw: Any = sys.stdout.buffer
        if isinstance(raw, io.RawIOBase):
            # without Python's own buffer (python -u) what a pipe or a full disk does not take would be lost
            return self._stack.enter_context(open(raw.fileno(), "wb", closefd=False))
        return sys.stdout.buffer

    def _open_text(self) -> IO[str]:
        raw = self._standard_output() if self._name == "-" else self._open()
        packed = self._name.lower().endswith(".gz")
        # without a time stamp, so that equal rows give equal files
        binary: Any = self._stack.enter_context(gzip.GzipFile("", "wb", 6, raw, mtime=0)) if packed else raw
        text = io.TextIOWrapper(binary, "utf-8", "surrogateescape", newline="")
        self._stack.callback(_flush_and_leave_open, text)
        return text

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            # what was written is not wanted any more, and whether more could be written says nothing new
            with suppress(OSError):
                self._stack.__exit__(kind, error, trace)
            return
        with naming(self._shown):
            self._stack.close()


def write_table(
    path: str | os.PathLike[str], table: Table, extra: Mapping[str, NDArray[Any]] | None = None
) -> None:
    r"""Write one table to a file: see :class:`TableWriter`.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp(), "a.csv")
    >>> write_table(path, Table({"watts": [3.5, float("nan")]}))
    >>> path.read_text()
    'watts\n3.5\n""\n'
    """
    with TableWriter(path) as writer:
        writer.write(table, extra)


def _flush_and_leave_open(text: io.TextIOWrapper) -> None:
    """Flush a text, and leave what it is written to open."""
    try:
        text.flush()
    finally:
        text.detach()
