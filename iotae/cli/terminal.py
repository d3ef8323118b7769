"""What a subcommand says on standard error: messages of one line, and a progress bar on a terminal."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from iotae._progress import Progress

__all__ = ["announce_compiler", "counted", "progress_bar", "say", "say_notes", "shows_bars", "words_of"]


def announce_compiler() -> None:
    """Let the compiler say that it works, or that it is missing; asked for by commands that need it."""
    from iotae._compiled import say_on_standard_error

    say_on_standard_error()


def counted(n: int, one: str, many: str | None = None) -> str:
    """Return a number with its noun: 1 row, 2 rows.

    Examples
    --------
    >>> counted(1, "alarm"), counted(0, "alarm"), counted(2, "anomaly", "anomalies")
    ('1 alarm', '0 alarms', '2 anomalies')
    """
    return f"{n} {one if n == 1 else many or one + 's'}"


def say(line: str) -> None:
    """Print one line on standard error."""
    # a terminal that was closed must not cost the model that is saved next
    with suppress(OSError):
        print(f"iotae: {line}", file=sys.stderr)


def words_of(error: OSError) -> str:
    """Return what an error of the system is, and of which file."""
    return f"{error.strerror or error}" + (f": {error.filename}" if error.filename else "")


def say_notes(notes: Counter[str]) -> None:
    """Print what could not be used, a line each."""
    for note, count in notes.items():
        say(f"note: {count} {note}")


def shows_bars() -> bool:
    """Whether there is a terminal to draw progress on."""
    return sys.stderr.isatty()


@contextmanager
def progress_bar(what: str) -> Iterator[Any]:
    """Yield a function that counts rows and shows how many on a terminal, and does nothing in a pipe."""
    if not shows_bars():
        yield lambda rows: None
        return
    with Progress(what, "rows") as progress:
        yield progress.advance
