"""What an option's text may be: names, sizes, counts, numbers and shares, each with an error of one line."""

from __future__ import annotations

from argparse import ArgumentTypeError
from math import nan

__all__ = ["count", "days", "jobs", "names", "numbers", "port", "seconds", "share", "sizes"]


def names(text: str) -> list[str]:
    """Return the names in a list like ``a,b``."""
    return [name.strip() for name in text.split(",") if name.strip()]


def sizes(text: str) -> list[int]:
    """Return the whole numbers in a list like ``64,16,64``."""
    try:
        return [int(size) for size in text.split(",")]
    except ValueError:
        raise ArgumentTypeError(f"expected sizes like 64,16,64, got {text!r}") from None


def count(text: str) -> int:
    """Return a whole number of at least 1."""
    value = int(text) if text.isdecimal() else 0
    if value < 1:
        raise ArgumentTypeError(f"expected a whole number of at least 1, got {text!r}")
    return value


def jobs(text: str) -> int:
    """Return a number of processes: at least 1, or -1 for one a core."""
    value = int(text) if text.isdecimal() else 0
    if value < 1 and text != "-1":
        raise ArgumentTypeError(f"expected a whole number of at least 1, or -1 for one a core, got {text!r}")
    return value or -1


def numbers(text: str) -> list[float]:
    """Return the numbers in a list like ``0.001,0.003``."""
    try:
        return [float(value) for value in text.split(",")]
    except ValueError:
        raise ArgumentTypeError(f"expected numbers like 0.001,0.003, got {text!r}") from None


def _number(text: str) -> float:
    """The number that a text says; NaN, which lies in no range, where it says none."""
    try:
        return float(text)
    except ValueError:
        return nan


def seconds(text: str) -> float:
    """Return a number of seconds of at least 1."""
    value = _number(text)
    if not 1 <= value < float("inf"):
        raise ArgumentTypeError(f"expected seconds of at least 1 like 60, got {text!r}")
    return value


def port(text: str) -> int:
    """Return the number of a port; 0 stands for any that is free."""
    value = int(text) if text.isascii() and text.isdigit() else -1
    if not 0 <= value <= 65_535:
        raise ArgumentTypeError(f"expected a port from 0 to 65535 like 8765, got {text!r}")
    return value


def days(text: str) -> float:
    """Return a number of days above 0."""
    value = _number(text)
    if not 0 < value < float("inf"):
        raise ArgumentTypeError(f"expected days above 0 like 30, got {text!r}")
    return value


def share(text: str) -> float:
    """Return a number between 0 and 1, both excluded."""
    value = _number(text)
    if not 0 < value < 1:
        raise ArgumentTypeError(f"expected a number between 0 and 1 like 0.01, got {text!r}")
    return value
