"""A text file that grows: its rows as they come, across rotation, and in memory that stays bounded."""

from __future__ import annotations

import csv
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from time import sleep
from typing import IO, Any

from iotae._typing import State
from iotae.data import Table, TableError
from iotae.data.names import plain_names
from iotae.data.notation_state import notation_of
from iotae.data.table_notation import InputFormat
from iotae.io.lines import Lines
from iotae.io.text import naming_text, text_chunks
from iotae.runner.files import FileSource, ends_of, place_state
from iotae.runner.seldom import SeldomTold

__all__ = ["LONGEST_LINE", "FollowedFile"]

LONGEST_LINE = 1 << 20
"""Bytes of a line that are kept: a writer that sends no end of line must not fill the memory."""

_WAIT_SECONDS = 0.2
_ROTATED = re.compile(r"[.-]\d[\d.-]*")


class FollowedFile(FileSource):
    """The rows of a file that grows, chunk by chunk, for ever.

    A chunk has what is at hand. When the file is renamed and another takes its name, or it is emptied, the
    rest of it is read first. A header at the beginning of the next file is passed over. A line without its
    end is no row yet.

    Parameters
    ----------
    path : str
        CSV or JSON lines, not packed; it must be there when it is first read.
    chunk_rows : int
        Rows of a chunk at most.
    form : InputFormat
    wait : callable, optional
        What to do before looking once more whether there is something new; by default to sleep.
    say : callable, optional
        Takes a line about what could not be read as it is, at once and then every ten minutes at most.

    Raises
    ------
    TableError
        If the file is of a kind that cannot be read on from its middle.
    """

    def __init__(
        self,
        path: str,
        chunk_rows: int,
        form: InputFormat,
        wait: Callable[[], None] | None = None,
        say: Callable[[str], None] | None = None,
    ) -> None:
        super().__init__(path, chunk_rows, form)
        self._wait = wait or partial(sleep, _WAIT_SECONDS)
        self._say, self._seldom, self._noted = say, SeldomTold(), Counter[str]()
        self._earlier: list[str] = []
        self._files: list[IO[bytes]] = []
        self._closed: State | None = None

    def __iter__(self) -> Iterator[Table]:
        begins, offset = not self._notation.names, self._offset
        try:
            for path in self._earlier:
                with naming_text(path, path):
                    yield from self._rows_of(open(path, "rb"), offset, path, grows=False)  # noqa: SIM115
                offset = 0
            self._earlier = []
            while True:
                with naming_text(self._path, self._path):
                    yield from self._rows_of(self._opened(begins), offset, self._path, grows=True)
                begins, offset = False, 0
        finally:
            self._closed = self.to_state() if self._files else None
            for file in self._files:
                file.close()

    def _opened(self, must_be_there: bool) -> IO[bytes]:
        while True:
            try:
                return open(self._path, "rb")
            except FileNotFoundError:
                # between the renaming of one file and the making of the next there is none
                if must_be_there:
                    raise
            self._pause()

    def _pause(self) -> None:
        """Tell what is to be told, and wait for more."""
        self._tell()
        self._wait()

    def _tell(self) -> None:
        """Say what was counted since this was asked last, where it is not said too often."""
        if self._say is None:
            return
        notes = self._notation.notes
        for what, n in (notes - self._noted).items():
            self._seldom.note(what, n)
        self._noted = notes.copy()
        for n, what in self._seldom.due():
            self._say(f"note: {n} {what}")

    def _rows_of(self, file: IO[bytes], offset: int, path: str, *, grows: bool) -> Iterator[Table]:
        """Yield the rows of one file from a place on, to its end, or to its rotation if it grows."""
        self._files.append(file)
        file.seek(offset)
        growing: Any = _Growing(file, path, self._pause) if grows else file
        lines = Lines(growing, offset, self._end if offset else b"", LONGEST_LINE)
        if not offset and self._notation.names:
            self._pass_header(lines, path)
        n_cut = 0
        for chunk in text_chunks(lines, path, self._chunk_rows, True, "pad", self._notation):
            # the file before was kept open for a checkpoint at its end
            for before in self._files[:-1]:
                before.close()
            self._files = [file]
            if lines.n_cut > n_cut:
                self._notation.notes[f"lines cut after {LONGEST_LINE} bytes"] += lines.n_cut - n_cut
                n_cut = lines.n_cut
            self._offset, self._end = lines.position, lines.end
            self._tell()
            yield chunk

    def _pass_header(self, lines: Lines, path: str) -> None:
        """Pass over what stands before the rows of a file that comes after another."""
        if self._notation.layout != "csv":
            return
        for line in lines:
            if not line.strip() or (line.startswith("#") and self._notation.comments):
                continue
            cells = next(csv.reader([line], delimiter=self._notation.separator), [])
            names = plain_names(cells, Counter())
            if names == self._notation.names:
                return
            if 2 * len(set(names) & set(self._notation.names)) > len(names):
                raise TableError(
                    f"Got {path} begun anew with the columns {', '.join(names)}, but expected "
                    f"{', '.join(self._notation.names)}: begin a new stream, with another output."
                )
            lines.put_back(line)
            return

    def to_state(self) -> State:
        """Return how far the chunks given so far reach, and what lies before that."""
        if self._closed is not None:
            return self._closed
        if not self._files:
            return super().to_state()
        return place_state(self._files[0], self._offset, self._end, self._notation)

    def restore(self, data: State) -> None:
        """Go on where :meth:`to_state` was asked, in a file that was renamed since if need be."""
        self._offset, self._end = data["offset"], data["line_end"].encode()
        self._notation = notation_of(self._form, data["notation"])
        self._noted = self._notation.notes.copy()
        if _reaches(self._path, self._offset, data["ends"]):
            return
        rotated = sorted(_rotated(self._path), key=lambda path: os.stat(path).st_mtime_ns)
        read = [i for i, path in enumerate(rotated) if _reaches(path, self._offset, data["ends"])]
        if read:
            self._earlier = rotated[read[-1] :]
            return
        self._notation.notes["times that a file was gone before it was known to be read to its end"] += 1
        self._offset = 0


class _Growing:
    """The bytes of a file as they come; the end is where another file has its name, or it was emptied."""

    def __init__(self, file: IO[bytes], path: str, wait: Callable[[], None]) -> None:
        self._file, self._path, self._wait = file, path, wait

    def read(self, size: int) -> bytes:
        """Return up to so many bytes, at least one unless the file will not grow any more."""
        while True:
            # asked before it is read: what is written until it is renamed is read after that
            rotated = self._is_rotated()
            block = self._file.read(size)
            if block or rotated:
                return block
            self._wait()

    def _is_rotated(self) -> bool:
        own = os.fstat(self._file.fileno())
        if own.st_size < self._file.tell():
            return True
        try:
            there = os.stat(self._path)
        except FileNotFoundError:
            # the next one is not made yet, and this one may still be written to
            return False
        # as long as the next file is empty, its writer has not left this one
        return there.st_size > 0 and not os.path.samestat(own, there)


def _reaches(path: str, length: int, ends: str) -> bool:
    """Whether a file has the bytes that were read before."""
    try:
        with open(path, "rb") as file:
            return os.fstat(file.fileno()).st_size >= length and ends_of(file, length) == ends
    except OSError:
        return False


def _rotated(path: str) -> list[str]:
    """The files beside a path that rotation has given its name with a number or a date behind it."""
    whole = Path(path)
    found = (other for other in whole.absolute().parent.iterdir() if other.name.startswith(whole.name))
    return [str(other) for other in found if _ROTATED.fullmatch(other.name.removeprefix(whole.name))]
