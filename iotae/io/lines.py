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


class Lines:
    """Decoded lines of a binary file as they arrive.

    Lines end with a line feed, or with a carriage return alone in a file whose beginning has no line feed.

    Attributes
    ----------
    unfinished : bool
        Whether the line given last was the end of the file, without an end of line: it may be torn.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._waiting: list[bytes] = []
        self._back: list[str] = []
        self._rest = b""
        self._end = b""
        self.unfinished = False

    @property
    def drained(self) -> bool:
        """Whether no whole line is left to take."""
        return not self._waiting and not self._back

    def put_back(self, *lines: str) -> None:
        """Give lines again, in this order, before those that follow."""
        self._back += reversed(lines)

    def __iter__(self) -> Lines:
        return self

    def __next__(self) -> str:
        if self._back:
            return self._back.pop()
        while not self._waiting:
            read = getattr(self._file, "read1", self._file.read)
            block = read(_READ_BYTES)
            if not block:
                if not self._rest:
                    raise StopIteration
                self._waiting, self._rest = [self._rest], b""
                self.unfinished = True
                break
            self._split(block)
        # bytes that are not UTF-8 pass through unchanged, as surrogates
        return self._waiting.pop().decode("utf-8", "surrogateescape")

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
                taken.append(self._back.pop())
            else:
                # the next line is the last of those that wait
                start = max(len(self._waiting) - (most - len(taken)), 0)
                taken += [line.decode("utf-8", "surrogateescape") for line in reversed(self._waiting[start:])]
                del self._waiting[start:]
        return taken

    def _split(self, block: bytes) -> None:
        """Add a block of bytes to what is there, and take the whole lines of it."""
        whole = self._rest + block
        if not self._end:
            whole = whole.removeprefix(b"\xef\xbb\xbf")
            # a carriage return that ends the block may have its line feed in the next one
            if b"\n" not in whole and b"\r" in whole[:-1]:
                self._end = b"\r"
            elif b"\n" in whole:
                self._end = b"\n"
        *lines, self._rest = whole.split(self._end or b"\n")
        self._waiting = [line + b"\n" for line in reversed(lines)]


@contextmanager
def open_lines(path: str) -> Iterator[Lines]:
    """Open a text file, packed with gzip or not, or standard input ('-'), as lines."""
    if path == "-":
        yield Lines(_unpacked(sys.stdin.buffer))
        return
    with open(path, "rb") as raw:
        yield Lines(_unpacked(raw, path.lower().endswith(".gz")))


def _unpacked(raw: IO[bytes], packed: bool = False) -> IO[bytes]:
    """The bytes of a file whose name or first bytes say that it is packed with gzip."""
    if not packed and isinstance(raw, io.BufferedReader):
        packed = raw.peek(2).startswith(_GZIP)
    return io.BufferedReader(gzip.GzipFile(fileobj=raw)) if packed else raw
