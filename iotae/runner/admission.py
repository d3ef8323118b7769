"""Which of a broker's messages are new: told by the numbers of each device, or by the offsets of Kafka."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from typing import Any, NamedTuple, Protocol

from iotae.data import TableError
from iotae.runner.database import Database
from iotae.runner.messages import Message

__all__ = ["Admission", "DeviceNumbers", "PartitionOffsets", "Sifted", "cells_text", "storable"]

_MOST_DEVICES = 100_000
_MOST_WARNINGS = 20
_TOO_MANY = "messages of more than {} devices"
_USED_BEFORE = "messages with a number that their device had used for other cells"
_PASSED = "messages with a number below the last one of their device, which is not in the file"


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


class DeviceNumbers:
    """Messages with a number of their producer, which only rises for each device.

    A number that is not above the device's last one came again if its row in the file has the same cells.
    Otherwise the device counts from a lower number, or messages came late: they are set aside, as a number
    taken twice could not be told from one that came twice.

    Examples
    --------
    >>> from iotae.runner.ledger_layout import LAYOUT
    >>> import os, tempfile
    >>> numbers = DeviceNumbers()
    >>> with Database(os.path.join(tempfile.mkdtemp(), "rows.sqlite"), LAYOUT) as base:
    ...     numbers.load(base)
    ...     sifted = numbers.sift([Message("a", 5, {"x": 1.0}, "", (1, 1)) for _ in range(2)])
    >>> len(sifted.new), sifted.n_again
    (1, 1)
    """

    def __init__(self) -> None:
        self._pending: dict[str, tuple[int, int]] = {}
        self._warned: set[str] = set()

    def load(self, base: Database) -> None:
        """Read the last number of each device."""
        self._base = base
        found = base.rows("select device, part, last_seq from devices")
        for device, part, seq in found:
            # SQLite keeps what does not fit a column's type as it is
            if not isinstance(device, str) or not isinstance(part, int) or not isinstance(seq, int):
                raise TableError(
                    f"Got the number {seq!r} of the device {device!r} in {base.path}, but expected a whole "
                    "number and a text: the file was changed, put it back or name another."
                )
        self._last = {device: (part, seq) for device, part, seq in found}

    def sift(self, messages: Iterable[Message]) -> Sifted:
        """Sort messages by whether their number is above the last one of their device."""
        sifted = Sifted([], Counter(), 0, [])
        pending = self._pending = {}
        fresh: dict[tuple[str, int, int], str] = {}
        n_known, n_again = len(self._last), 0
        for message in messages:
            device, number = message.device, (message.part, message.seq)
            last = pending.get(device, self._last.get(device))
            if message.aside:
                sifted.aside[message.aside] += message.n
            elif last is None and n_known >= _MOST_DEVICES:
                sifted.aside[_TOO_MANY.format(_MOST_DEVICES)] += 1
            elif last is None or number > last:
                n_known += last is None
                pending[device] = number
                fresh[device, *number] = cells_text(message.row)
                sifted.new.append(message)
            elif (reason := self._reason_of(message, fresh)) is None:
                n_again += 1
            else:
                sifted.aside[reason] += 1
                sifted.warnings.extend(self._warning_of(message, last))
        return sifted._replace(n_again=n_again)

    def _reason_of(self, message: Message, fresh: Mapping[tuple[str, int, int], str]) -> str | None:
        """Why a message whose number is not above the last is set aside; None where it came again."""
        key = message.device, message.part, message.seq
        there = fresh.get(key)
        if there is None:
            found = self._base.rows("select cells from rows where device = ? and part = ? and seq = ?", key)
            if not found:
                return _PASSED
            there = found[0][0]
        return None if there == cells_text(message.row) else _USED_BEFORE

    def _warning_of(self, message: Message, last: tuple[int, int]) -> list[str]:
        """A line about a device whose numbers went back, once for each, and not for thousands."""
        device = message.device
        if device in self._warned or len(self._warned) > _MOST_WARNINGS:
            return []
        self._warned.add(device)
        if len(self._warned) > _MOST_WARNINGS:
            return ["warning: more devices have gone back in their numbers; they are counted, not named"]
        starts = f" (start {message.part} after start {last[0]})" if message.part or last[0] else ""
        return [
            f"warning: {device!r} sent number {message.seq} after {last[1]}{starts}, and it is no message "
            "that came again: its messages are set aside until their number is above that; if it counts anew "
            "after each start, name the cell that counts its starts with --epoch"
        ]

    def store(self, change: sqlite3.Connection) -> None:
        """Put down the last numbers."""
        change.executemany(
            "insert or replace into devices (device, part, last_seq) values (?, ?, ?)",
            [(device, *number) for device, number in self._pending.items()],
        )

    def stored(self) -> None:
        """Take the last numbers for stored."""
        self._last |= self._pending
        self._pending = {}


class PartitionOffsets:
    """Messages told by their place in a partition, each of which is read in order.

    Parameters
    ----------
    bounds_devices : bool
        Whether messages of more than 100,000 devices are set aside, as where each has a model.

    Examples
    --------
    >>> from iotae.runner.ledger_layout import LAYOUT
    >>> import os, tempfile
    >>> offsets = PartitionOffsets()
    >>> with Database(os.path.join(tempfile.mkdtemp(), "rows.sqlite"), LAYOUT) as base:
    ...     offsets.load(base)
    ...     sifted = offsets.sift([Message("a", 5, {"x": 1.0}, "", (0, 0), part=2)])
    ...     with base.transaction() as change:
    ...         offsets.store(change)
    ...     offsets.stored()
    >>> len(sifted.new), offsets.next_of
    (1, {2: 6})
    """

    def __init__(self, bounds_devices: bool = False) -> None:
        self.next_of: dict[int, int] = {}
        self._pending: dict[int, int] = {}
        self._bounds, self._devices = bounds_devices, set[str]()
        self._newcomers: dict[str, tuple[int, int]] = {}

    def load(self, base: Database) -> None:
        """Read the next offset of each partition."""
        self.next_of = dict(base.rows("select part, next from partitions"))
        self._devices = {device for (device,) in base.rows("select device from devices")}

    def sift(self, messages: Iterable[Message]) -> Sifted:
        """Sort messages by whether their place is behind what was read."""
        sifted = Sifted([], Counter(), 0, [])
        pending = self._pending = {}
        self._newcomers = {}
        n_again = 0
        for message in messages:
            if message.seq < pending.get(message.part, self.next_of.get(message.part, -1)):
                n_again += message.n
                continue
            pending[message.part] = message.seq + 1
            if message.aside:
                sifted.aside[message.aside] += message.n
            elif message.n and self._bounds and not self._admits(message):
                sifted.aside[_TOO_MANY.format(_MOST_DEVICES)] += 1
            elif message.n:
                sifted.new.append(message)
        return sifted._replace(n_again=n_again)

    def _admits(self, message: Message) -> bool:
        device = message.device
        if device not in self._devices and device not in self._newcomers:
            if len(self._devices) + len(self._newcomers) >= _MOST_DEVICES:
                return False
            self._newcomers[device] = message.part, message.seq
        return True

    def store(self, change: sqlite3.Connection) -> None:
        """Put down the next offsets, and the devices that are new."""
        change.executemany("insert or replace into partitions values (?, ?)", self._pending.items())
        change.executemany(
            "insert or replace into devices (device, part, last_seq) values (?, ?, ?)",
            [(storable(device), *place) for device, place in self._newcomers.items()],
        )

    def stored(self) -> None:
        """Take these for stored."""
        self.next_of |= self._pending
        self._devices |= self._newcomers.keys()
        self._pending, self._newcomers = {}, {}


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
