"""A text file that is read on from where a checkpoint says."""

from __future__ import annotations

import os
from collections.abc import Iterator
from hashlib import blake2b
from typing import IO

from iotae._typing import State
from iotae.data import Table, TableError
from iotae.data.notation_state import notation_of, notation_state
from iotae.data.table_notation import InputFormat, TableNotation
from iotae.io.files import is_parquet
from iotae.io.lines import Lines
from iotae.io.text import naming_text, text_chunks

__all__ = ["FileSource", "check_resumable_input", "ends_of", "place_state"]

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

    def lag(self) -> int:
        """Return how many bytes of the file are not among the chunks given so far."""
        try:
            return max(os.path.getsize(self._path) - self._offset, 0)
        except OSError:
            # a followed file that has no name at the moment
            return 0

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
