"""A text file that is read on from where a checkpoint says, and a CSV file that goes on from there too."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from errno import ELOOP
from hashlib import blake2b
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from numpy.typing import NDArray

from iotae._files import naming, replacing
from iotae._typing import State
from iotae.data import Table, TableError
from iotae.data.notation_state import notation_of, notation_state
from iotae.data.table_notation import InputFormat, TableNotation
from iotae.io.csv_rows import CsvRows, written_columns
from iotae.io.files import is_parquet
from iotae.io.lines import Lines
from iotae.io.text import naming_text, text_chunks

__all__ = [
    "CsvSink",
    "FileSource",
    "check_resumable_input",
    "check_resumable_output",
    "ends_of",
    "place_state",
]

_END_BYTES = 1024
_PACKED = b"\x1f\x8b"


class FileSource:
    """The rows of a text file, chunk by chunk, and how far they were taken.

    Parameters
    ----------
    path : str
        CSV or JSON lines, not packed.
    chunk_rows : int
        Rows of a chunk at most; cut at the same rows wherever reading began.
    form : InputFormat

    Raises
    ------
    TableError
        If the file is of a kind that cannot be read on from its middle.
    """

    def __init__(self, path: str, chunk_rows: int, form: InputFormat) -> None:
        check_resumable_input(path, form)
        self._path, self._chunk_rows, self._form = path, chunk_rows, form
        self._notation = TableNotation(form, whole=False)
        self._offset, self._end = 0, b""

    def __iter__(self) -> Iterator[Table]:
        with naming_text(self._path, self._path), open(self._path, "rb") as raw:
            if raw.peek(2).startswith(_PACKED):
                raise TableError(f"Got {self._path}, which is packed, with --checkpoint: unpack it first.")
            raw.seek(self._offset)
            lines = Lines(raw, self._offset, self._end)
            for chunk in text_chunks(lines, self._path, self._chunk_rows, False, "pad", self._notation):
                self._offset, self._end = lines.position, lines.end
                yield chunk

    def to_state(self) -> State:
        """Return how far the chunks given so far reach, and what must not have changed up to there."""
        with open(self._path, "rb") as file:
            return place_state(file, self._offset, self._end, self._notation)

    def restore(self, data: State) -> None:
        """Go on where :meth:`to_state` was asked.

        Raises
        ------
        TableError
            If the file is not the one that was read, or its last line was read and has grown since.
        """
        offset = data["offset"]
        with naming_text(self._path, self._path), open(self._path, "rb") as file:
            if ends_of(file, offset) != data["ends"]:
                raise TableError(
                    f"Got {self._path}, which is not the file that the checkpoint has read {offset} bytes "
                    "of: give that file, or name another folder for the checkpoint."
                )
            file.seek(max(offset - 1, 0))
            last, following = file.read(1), file.read(1)
            if offset and following and last not in b"\r\n":
                raise TableError(
                    f"Got {self._path}, whose last line was scored before it was whole: wait for whole "
                    "lines, e.g. with --follow, and begin anew with another folder for the checkpoint."
                )
        self._offset, self._end = offset, data["line_end"].encode()
        self._notation = notation_of(self._form, data["notation"])


def place_state(file: IO[bytes], offset: int, line_end: bytes, notation: TableNotation) -> State:
    """Return a place in a file as a state, with what lies before it and how the file is written."""
    return {
        "offset": offset,
        "ends": ends_of(file, offset),
        "line_end": line_end.decode(),
        "notation": notation_state(notation),
    }


def check_resumable_input(path: str, form: InputFormat) -> None:
    """Raise an error unless a file can be read on from its middle."""
    if path == "-":
        raise TableError(
            "Got standard input with --checkpoint or --follow, but it cannot be read again from where a run "
            "stopped: write it to a file and read that with --follow."
        )
    if form.kind == "parquet" or (form.kind == "auto" and is_parquet(path, reading=True)):
        raise TableError(
            f"Got {path}, Parquet, with --checkpoint or --follow: convert it to .csv or .jsonl first."
        )
    if path.lower().endswith(".gz"):
        raise TableError(
            f"Got {path}, which is packed, with --checkpoint or --follow, but a packed file cannot be read "
            "on from its middle: unpack it first."
        )


def ends_of(file: IO[bytes], length: int) -> str:
    """A digest of the first and the last bytes of the first ``length`` bytes of a file.

    Where the file is read at the moment stays as it is.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryFile() as file:
    ...     _, _ = file.write(b"a,b,c"), file.flush()
    ...     ends_of(file, 3) == ends_of(file, 3), ends_of(file, 3) == ends_of(file, 4)
    (True, False)
    """
    size = min(length, _END_BYTES)
    seal = blake2b(os.pread(file.fileno(), size, 0), digest_size=16)
    seal.update(os.pread(file.fileno(), size, length - size))
    return f"{length}:{seal.hexdigest()}"


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
