"""The latest lines of a text file and those that come after, and whether it was begun anew."""

from __future__ import annotations

import os
from stat import S_ISREG
from typing import IO, NamedTuple

from iotae.data import TableError
from iotae.runner.files import ends_of

__all__ = ["HISTORY_BYTES", "Piece", "TailedFile"]

HISTORY_BYTES = 1 << 22
"""Bytes at the end of a file that is opened: what was written before them is not read."""

_LONGEST_LINE = 1 << 20
_PACKED = {b"\x1f\x8b": "packed", b"PAR1": "Parquet", b"SQLi": "an SQLite file"}


class Piece(NamedTuple):
    """What is new in a file.

    Attributes
    ----------
    header : str or None
        The first record of a file, where one was begun; empty for JSON lines, which have none.
    lines : list of str
        Whole lines, each with its end.
    anew : bool
        Whether lines given before count no more.
    earlier : bool
        Whether lines between header and these are left out.
    overlong : int
        Lines that were passed over, as they were too long.
    more : bool
        Whether there is more to read at once.
    waits : str
        Why nothing can be read.
    """

    header: str | None = None
    lines: tuple[str, ...] = ()
    anew: bool = False
    earlier: bool = False
    overlong: int = 0
    more: bool = False
    waits: str = ""


class TailedFile:
    r"""A file's header and latest lines, then what is appended.

    A stream's :class:`iotae.runner.follow.FollowedFile` reads every row of every file. This one leaves out
    what is old, and says when lines that it gave are gone: a stream that goes on after a crash cuts its
    output and writes the end once more.

    Parameters
    ----------
    path : str
        CSV or JSON lines; it need not be there yet.

    Attributes
    ----------
    written_at : float
        When the file that is open was written to before it was opened, in seconds since 1970.

    Examples
    --------
    >>> import tempfile
    >>> path = os.path.join(tempfile.mkdtemp(), "scored.csv")
    >>> tailed = TailedFile(path)
    >>> tailed.poll().waits
    'there is no such file yet'
    >>> from pathlib import Path
    >>> _ = Path(path).write_text("a,score\n1,0.5\n2,0.")
    >>> piece = tailed.poll()
    >>> piece.header, piece.lines
    ('a,score\n', ('1,0.5\n',))
    >>> tailed.close()
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._file: IO[bytes] | None = None
        self._anew = True
        self._rest, self._skips = b"", False
        self._offset, self._ends = 0, ""
        self._looked = (0, 0)
        self.written_at = 0.0

    def poll(self) -> Piece:
        """Return what is new.

        Raises
        ------
        TableError
            If the file is no text that lines can be read of.
        OSError
            If it cannot be read.
        """
        if self._file is None:
            return self._begin()
        now = os.fstat(self._file.fileno())
        looked = (now.st_size, now.st_mtime_ns)
        if looked != self._looked:
            if now.st_size < self._offset or ends_of(self._file, self._offset) != self._ends:
                self.close()
                return self._begin()
            piece = self._read()
            # a file that is written to while it is read is looked at once more
            self._looked = looked if not piece.more else (0, 0)
            return piece
        if self._is_renamed(now):
            self.close()
            # the rows so far stay: they are in a file of another name
            self._anew = False
            return self._begin()
        return Piece()

    def close(self) -> None:
        """Close the file; the next look begins anew."""
        if self._file is not None:
            self._file.close()
        self._file, self._anew = None, True

    def _is_renamed(self, now: os.stat_result) -> bool:
        try:
            there = os.stat(self._path)
        except OSError:
            return False
        return there.st_size > 0 and not os.path.samestat(now, there)

    def _begin(self) -> Piece:
        """Open the file, and read its header and its latest lines."""
        try:
            there = os.stat(self._path)
        except FileNotFoundError:
            return Piece(waits="there is no such file yet")
        if not S_ISREG(there.st_mode):
            raise TableError(f"Got {self._path}, but expected an ordinary file: name the stream's output.")
        file = open(self._path, "rb", buffering=0)  # noqa: SIM115  (kept open)
        try:
            first = os.pread(file.fileno(), _LONGEST_LINE, 0)
            for mark, kind in _PACKED.items():
                if first.startswith(mark):
                    raise TableError(f"Got {self._path}, {kind}, but expected plain CSV or JSON lines.")
            end = 0 if first.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"{") else _end_of_header(first)
            if end < 0 and len(first) == _LONGEST_LINE:
                raise TableError(f"Got {self._path} without the end of a header line in {len(first)} bytes.")
        except BaseException:
            file.close()
            raise
        if end < 0 or not first:
            file.close()
            return Piece(waits="there is no header yet" if first else "the file is empty")
        now = os.fstat(file.fileno())
        size, self.written_at = now.st_size, now.st_mtime
        self._offset = max(end, size - HISTORY_BYTES)
        earlier = self._offset > end
        # what is left of a line in whose middle reading begins
        self._rest, self._skips, self._file = b"", earlier, file
        anew, self._anew = self._anew, False
        self._looked = (0, 0)
        header = first[:end].decode("utf-8-sig", "replace")
        return self._read()._replace(header=header, anew=anew, earlier=earlier)

    def _read(self) -> Piece:
        file = self._file
        assert file is not None
        block = os.pread(file.fileno(), HISTORY_BYTES, self._offset)
        self._offset += len(block)
        self._ends = ends_of(file, self._offset)
        *lines, self._rest = (self._rest + block).split(b"\n")
        if self._skips and lines:
            lines, self._skips = lines[1:], False
        overlong = sum(len(line) > _LONGEST_LINE for line in lines)
        if self._skips or len(self._rest) > _LONGEST_LINE:
            overlong += not self._skips
            self._rest, self._skips = b"", True
        told = tuple(line.decode("utf-8", "replace") + "\n" for line in lines if len(line) <= _LONGEST_LINE)
        return Piece(lines=told, overlong=overlong, more=len(block) == HISTORY_BYTES)


def _end_of_header(first: bytes) -> int:
    """Where the first record ends: at a line feed that is not between quotes; -1 if not yet."""
    end = 0
    while (end := first.find(b"\n", end) + 1) > 0:
        if first.count(b'"', 0, end) % 2 == 0:
            return end
    return -1
