"""The lines of a text file, packed or not, or of standard input, as they arrive."""

from __future__ import annotations

import gzip
import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

__all__ = ["Lines", "open_lines"]

_READ_BYTES = 65_536
_GZIP = b"\x1f\x8b"
_MARK = b"\xef\xbb\xbf"


class Lines:
    """Decoded lines of a binary file as they arrive.

    Lines end with a line feed, or with a carriage return alone in a file whose beginning has no line feed.

    Parameters
    ----------
    file : binary file
    taken : int, default=0
        Where in the file its next byte stands.
    end : bytes, default=b''
        What ends a line, where it is known: a file that is read on from its middle.
    longest : int, optional
        Bytes of a line that are kept; by default all.

    Attributes
    ----------
    unfinished : bool
        Whether the line given last was the end of the file, without an end of line: it may be torn.
    taken : int
        Bytes of the file up to the end of the line given last.
    position : int
        Bytes of the file up to the end of the last whole record, which a reader that looks ahead moves by
        :meth:`mark`.
    end : bytes
        What ends a line, empty as long as none was seen.
    n_cut : int
        Lines that were longer than the longest, and lost what was too much.
    """

    def __init__(self, file: IO[bytes], taken: int = 0, end: bytes = b"", longest: int | None = None) -> None:
        self._file = file
        self._waiting: list[bytes] = []
        self._back: list[str] = []
        self._rest = b""
        self._marked: int | None = None
        self._longest = longest
        self._cut = self._owed = self.n_cut = 0
        self.end = end
        self.taken = taken
        self.unfinished = False

    @property
    def position(self) -> int:
        """Where reading can go on after the last record."""
        return self.taken if self._marked is None else self._marked

    def mark(self, position: int) -> None:
        """Say where the last record ended, when lines after it have been taken already."""
        self._marked = position

    @property
    def drained(self) -> bool:
        """Whether no whole line is left to take."""
        return not self._waiting and not self._back

    def put_back(self, *lines: str) -> None:
        """Give lines again, in this order, before those that follow."""
        self._back += reversed(lines)
        self.taken -= sum(map(_size, lines))

    def __iter__(self) -> Lines:
        return self

    def __next__(self) -> str:
        if self._back:
            line = self._back.pop()
            self.taken += _size(line)
            return line
        while not self._waiting:
            read = getattr(self._file, "read1", self._file.read)
            block = read(_READ_BYTES)
            if not block:
                if not self._rest:
                    raise StopIteration
                self._waiting, self._rest = [self._rest], b""
                self._owed, self._cut = self._cut, 0
                self.unfinished = True
                break
            self._split(block)
        # bytes that are not UTF-8 pass through unchanged, as surrogates
        raw = self._waiting.pop()
        self.taken += len(raw) + self._owed
        self._owed = 0
        return raw.decode("utf-8", "surrogateescape")

    def take(self, most: int) -> list[str]:
        """Return the next lines, at most so many, and none at the end."""
        taken: list[str] = []
        while len(taken) < most:
            if self.drained:
                line = next(self, None)
                if line is None:
                    break
                taken.append(line)
            elif self._back:
                taken.append(next(self))
            else:
                # the next line is the last of those that wait
                start = max(len(self._waiting) - (most - len(taken)), 0)
                raw = self._waiting[start:]
                del self._waiting[start:]
                self.taken += sum(map(len, raw)) + self._owed
                self._owed = 0
                taken += [line.decode("utf-8", "surrogateescape") for line in reversed(raw)]
        return taken

    def _split(self, block: bytes) -> None:
        """Add a block of bytes to what is there, and take the whole lines of it."""
        whole = self._rest + block
        if not self.end:
            if whole.startswith(_MARK):
                whole = whole.removeprefix(_MARK)
                self.taken += len(_MARK)
            # a carriage return that ends the block may have its line feed in the next one
            if b"\n" not in whole and b"\r" in whole[:-1]:
                self.end = b"\r"
            elif b"\n" in whole:
                self.end = b"\n"
        *lines, self._rest = whole.split(self.end or b"\n")
        self._waiting = [line + b"\n" for line in reversed(lines)]
        if lines:
            self._owed, self._cut = self._cut, 0
            self._shorten_first()
        if self._longest is not None and len(self._rest) > self._longest:
            self.n_cut += not self._cut
            self._cut += len(self._rest) - self._longest
            self._rest = self._rest[: self._longest]

    def _shorten_first(self) -> None:
        """Cut the line that is given next, where only its end came with this block."""
        too_long = 0 if self._longest is None else len(self._waiting[-1]) - 1 - self._longest
        if too_long > 0:
            self.n_cut += not self._owed
            self._owed += too_long
            self._waiting[-1] = self._waiting[-1][: self._longest] + b"\n"


@contextmanager
def open_lines(path: str) -> Iterator[Lines]:
    """Open a text file, packed with gzip or not, or standard input ('-'), as lines."""
    if path == "-":
        yield Lines(_unpacked(sys.stdin.buffer))
        return
    with open(path, "rb") as raw:
        yield Lines(_unpacked(raw, path.lower().endswith(".gz")))


def _size(line: str) -> int:
    """The bytes of a line in its file."""
    return len(line.encode("utf-8", "surrogateescape"))


def _unpacked(raw: IO[bytes], packed: bool = False) -> IO[bytes]:
    """The bytes of a file whose name or first bytes say that it is packed with gzip."""
    if not packed and isinstance(raw, io.BufferedReader):
        packed = raw.peek(2).startswith(_GZIP)
    return io.BufferedReader(gzip.GzipFile(fileobj=raw)) if packed else raw
