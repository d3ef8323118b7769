"""Which of a broker's messages are new: what every way to tell has in common."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from typing import Any, NamedTuple, Protocol

from iotae.runner.database import Database
from iotae.runner.messages import Message

__all__ = ["MOST_DEVICES", "TOO_MANY", "Admission", "Sifted", "cells_text", "storable"]

MOST_DEVICES = 100_000
TOO_MANY = "messages of more than {} devices"


class Sifted(NamedTuple):
    """What came of a batch.

    Attributes
    ----------
    new : list of Message
        Rows that were not taken in yet.
    aside : Counter
        How many messages are no rows, or cannot be told from others, by reason.
    n_again : int
        Messages that came again.
    warnings : list of str
        What an operator should hear of at once.
    """

    new: list[Message]
    aside: Counter[str]
    n_again: int
    warnings: list[str]


class Admission(Protocol):
    """Knows which messages were taken in; what it knows is kept in tables of the file of the rows."""

    def load(self, base: Database) -> None:
        """Read what was taken in."""

    def sift(self, messages: Iterable[Message]) -> Sifted:
        """Sort messages by whether they are new; what is not stored after that is forgotten."""

    def store(self, change: sqlite3.Connection) -> None:
        """Put down, in a transaction, what was sifted last."""

    def stored(self) -> None:
        """Say that the transaction is on the disk."""


def storable(text: str) -> str:
    """A text as a database can hold it: half a pair of surrogates, which JSON can say, as its escape."""
    return text.encode("utf-8", "backslashreplace").decode()


def cells_text(row: Mapping[Hashable, Any]) -> str:
    """A row as JSON, which has no NaN; times as text.

    Examples
    --------
    >>> cells_text({"watts": 5.5, "amps": float("nan")})
    '{"watts": 5.5, "amps": null}'
    """
    return json.dumps({name: None if cell != cell else cell for name, cell in row.items()}, default=str)
