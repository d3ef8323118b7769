"""What a subcommand says on standard error: messages of one line, and a progress bar on a terminal."""

from __future__ import annotations

import json
import sys
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any, Literal

from iotae._progress import Progress
from iotae.serialization.tree import printable

__all__ = [
    "announce_compiler",
    "counted",
    "log_as",
    "progress_bar",
    "said_warnings",
    "say",
    "say_notes",
    "shows_bars",
    "words_of",
]


_LONGEST = 900
"""Letters of a message that are shown."""

_form: Literal["text", "json"] = "text"


def announce_compiler() -> None:
    """Let the compiler say that it works, or that it is missing; asked for by commands that need it."""
    from iotae._compiled import say_on_standard_error

    say_on_standard_error(say)


def counted(n: int, one: str, many: str | None = None) -> str:
    """Return a number with its noun: 1 row, 2 rows.

    Examples
    --------
    >>> counted(1, "alarm"), counted(0, "alarm"), counted(2, "anomaly", "anomalies")
    ('1 alarm', '0 alarms', '2 anomalies')
    """
    return f"{n} {one if n == 1 else many or one + 's'}"


def log_as(form: Literal["text", "json"]) -> None:
    """Choose how messages are written: as text, or each as a line of JSON with its time and level."""
    global _form
    _form = form


def say(line: str) -> None:
    """Print one line on standard error, of at most a thousand letters.

    It may tell of a name or a cell that somebody else has written: a terminal must not obey what is in it.
    """
    line = printable(line)
    if len(line) > _LONGEST:
        line = f"{line[:_LONGEST]}..."
    text = f"iotae: {line}"
    if _form == "json":
        level = next((word for word in ("error", "warning") if line.startswith(f"{word}: ")), "info")
        moment = datetime.now(UTC).isoformat(timespec="milliseconds")
        text = json.dumps({"time": moment, "level": level, "message": line.removeprefix(f"{level}: ")})
    # a terminal that was closed must not cost the model that is saved next
    with suppress(OSError):
        print(text, file=sys.stderr)


def words_of(error: OSError) -> str:
    """Return what an error of the system is, and of which file."""
    return f"{error.strerror or error}" + (f": {error.filename}" if error.filename else "")


def say_notes(notes: Counter[str]) -> None:
    """Print what could not be used, a line each."""
    for note, count in notes.items():
        say(f"note: {count} {note}")


@contextmanager
def said_warnings() -> Iterator[None]:
    """Print the warnings that are meant for the user as messages of one line."""
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always", UserWarning)
        yield
    for one in found:
        if one.category is UserWarning:
            say(f"warning: {one.message}")
        else:
            warnings.warn_explicit(one.message, one.category, one.filename, one.lineno)


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
