"""What a subcommand says on standard error: messages of one line, and a progress bar on a terminal."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from typing import Any

__all__ = ["announce_compiler", "progress_bar", "say", "say_notes", "shows_bars", "words_of"]


def announce_compiler() -> None:
    """Let the compiler say that it works, or that it is missing; asked for by commands that need it."""
    from iotae._compiled import say_on_standard_error

    say_on_standard_error()


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
    """Whether there is a terminal to draw a progress bar on, and a library to draw it."""
    return sys.stderr.isatty() and find_spec("tqdm") is not None


@contextmanager
def progress_bar(what: str) -> Iterator[Any]:
    """Yield a function that advances a bar on a terminal, and does nothing in a pipe."""
    if not shows_bars():
        yield lambda rows: None
        return
    from tqdm import tqdm

    with tqdm(desc=what, unit=" rows", unit_scale=True) as bar:
        yield bar.update
