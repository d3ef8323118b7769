"""What a subcommand says on standard error: messages of one line, and a progress bar on a terminal."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any, Literal

from iotae._progress import Progress

__all__ = [
    "announce_compiler",
    "counted",
    "log_as",
    "progress_bar",
    "say",
    "say_notes",
    "shows_bars",
    "words_of",
]


_form: Literal["text", "json"] = "text"


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


def log_as(form: Literal["text", "json"]) -> None:
    """Choose how messages are written: as text, or each as a line of JSON with its time and level."""
    global _form
    _form = form


def say(line: str) -> None:
    """Print one line on standard error."""
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
