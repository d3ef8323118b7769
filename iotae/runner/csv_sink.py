"""A CSV file that is cut to the length that a checkpoint says, and goes on from there."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from errno import ELOOP
from pathlib import Path
from types import TracebackType
from typing import Any

from numpy.typing import NDArray

from iotae._files import naming, replacing
from iotae.data import Table, TableError
from iotae.io.csv_rows import CsvRows, written_columns
from iotae.io.files import is_parquet

__all__ = ["CsvSink", "check_resumable_output"]


class CsvSink:
    """A CSV file that rows are appended to, and that is cut to the length that a checkpoint says.

    Use it in a ``with`` statement. A new file is no more readable than the sources are.

    Parameters
    ----------
    path : str
        The file: ``.csv`` or any other name, not packed, no Parquet, and no link.
    sources : sequence of str
        Files that the rows come from.
    safe : bool
        Whether formulas get an apostrophe.
    length : int, optional
        The bytes that are kept of the file that is there; by default it is begun anew.

    Raises
    ------
    TableError
        If the file cannot be gone on with.
    OSError
        If it cannot be written.
    """

    def __init__(self, path: str, sources: Sequence[str], safe: bool, length: int | None = None) -> None:
        check_resumable_output(path)
        there = os.path.getsize(path) if os.path.exists(path) else 0
        if length is not None and there < length:
            raise TableError(
                f"Got {path} with {there} bytes, but the checkpoint was made when it had {length}: put the "
                "file back, or name another folder for the checkpoint to begin anew."
            )
        self._path, self._sources, self._safe, self._length = path, sources, safe, length
        self._columns: list[str] | None = None

    def __enter__(self) -> CsvSink:
        if self._length is None:
            # made whole with its permissions, before a byte of a row is in it
            with replacing(self._path, self._sources):
                pass
            _sync_folder(Path(self._path).parent)
        length = self._length or 0
        self._raw = open(_opened(self._path), "r+b")
        self._raw.truncate(length)
        self._raw.seek(length)
        self._text = io.TextIOWrapper(self._raw, "utf-8", "surrogateescape", newline="")
        self._rows = CsvRows(self._text, self._safe, headed=length > 0)
        return self

    def write(self, table: Table, added: Mapping[str, NDArray[Any]]) -> None:
        """Append the rows of a table, with further columns at the right."""
        self._columns = written_columns(table, added, self._columns)
        with naming(self._path):
            self._rows.write(table, added)
            self._text.flush()

    def sync(self) -> int:
        """Bring what was written to the disk, and return the length of the file."""
        with naming(self._path):
            self._text.flush()
            os.fsync(self._raw.fileno())
            return self._raw.tell()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            with naming(self._path):
                self._text.close()
            return
        # what cannot be written any more is written again by the run that goes on
        with suppress(OSError):
            self._text.close()


def check_resumable_output(path: str) -> None:
    """Raise an error unless a file can be cut to a length and gone on with."""
    if path == "-":
        raise TableError(
            "Got standard output with --checkpoint, but what went there cannot be taken back: name a file, "
            "-o FILE."
        )
    if path.lower().endswith(".gz") or is_parquet(path):
        raise TableError(
            f"Got the output {path} with --checkpoint, but only plain CSV can be cut to a length and gone on "
            "with: name a .csv file."
        )
    if os.path.islink(path) or (os.path.exists(path) and not os.path.isfile(path)):
        raise TableError(f"Got the output {path} with --checkpoint, but expected an ordinary file, no link.")


def _opened(path: str) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_NOFOLLOW)
    except OSError as error:
        if error.errno == ELOOP:
            raise TableError(f"Got the output {path}, which is a link: name the file itself.") from None
        raise


def _sync_folder(folder: Path) -> None:
    """Bring the name of a new file to the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
