"""A line on standard error that says how far long work has come, drawn again in place."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from types import TracebackType
from typing import TypeVar

__all__ = ["Progress", "shown"]

Item = TypeVar("Item")

_EVERY = 0.2
"""Seconds between two drawings."""


class Progress:
    """How far work of a known or unknown length has come; use it in a ``with`` statement.

    Parameters
    ----------
    what : str
        The work, in a word: ``'scoring'``.
    unit : str
        What is counted, in the plural: ``'rows'``.
    total : int, optional
        How many there will be.

    Examples
    --------
    >>> with Progress("scoring", "rows") as progress:
    ...     progress.advance(4096)
    """

    def __init__(self, what: str, unit: str, total: int | None = None) -> None:
        self.what, self.unit, self.total = what, unit, total
        self.done = 0
        self._start = self._drawn = time.monotonic()

    def __enter__(self) -> Progress:
        self._draw()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._draw("\n")

    def advance(self, n: int = 1) -> None:
        """Count ``n`` more, and draw the line where it is time."""
        self.done += n
        now = time.monotonic()
        if now - self._drawn >= _EVERY:
            self._drawn = now
            self._draw()

    def line(self, seconds: float) -> str:
        """What the line says after so many seconds.

        Examples
        --------
        >>> progress = Progress("scoring", "rows")
        >>> progress.done = 10_000
        >>> progress.line(4.0)
        'scoring: 10,000 rows, 2,500 rows/s'
        >>> progress.total = 30_000
        >>> progress.line(4.0)
        'scoring: 10,000 of 30,000 rows, 2,500 rows/s, 8 s left'
        """
        so_far = f"{self.done:,}" if self.total is None else f"{self.done:,} of {self.total:,}"
        said = f"{self.what}: {so_far} {self.unit}"
        if not self.done or seconds <= 0.0:
            return said
        rate = self.done / seconds
        said += f", {rate:,.0f} {self.unit}/s" if rate >= 10 else f", {rate:.2g} {self.unit}/s"
        if self.total is not None and self.done < self.total:
            said += f", {(self.total - self.done) / rate:,.0f} s left"
        return said

    def _draw(self, end: str = "") -> None:
        # a terminal may not say how wide it is
        width = shutil.get_terminal_size().columns or 80
        text = self.line(time.monotonic() - self._start)[: width - 1]
        # a terminal that was closed must not end the work
        with suppress(OSError, ValueError):
            sys.stderr.write(f"\r{text:<{width - 1}}{end}")
            sys.stderr.flush()


def shown(items: Iterable[Item], what: str, unit: str, total: int | None = None) -> Iterator[Item]:
    """Yield the items, and show how many have been worked on."""
    with Progress(what, unit, total) as progress:
        for item in items:
            yield item
            progress.advance()
