"""Which messages are new: told by a number that only rises, which their producer gives them."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from iotae.data import TableError
from iotae.runner import admission
from iotae.runner.admission import Sifted, cells_text
from iotae.runner.database import Database
from iotae.runner.messages import Message

__all__ = ["DeviceNumbers"]

_MOST_WARNINGS = 20
_CONFIRMING = 2
"""Later rows that confirm a number: one that is far too high must not make all that follow look old."""

_USED_BEFORE = "messages with a number that their device had used for other cells"
_PASSED = "messages with a number below the last one of their device, which is not in the file"

_Number = tuple[int, int]
"""A boot of the device and a number in it."""

_Stored = tuple[_Number, tuple[_Number, ...]]
"""The floor of a device, and the numbers taken in last."""

_BELOW_ALL: _Number = (0, -1)


class _Known(NamedTuple):
    """What is known of a device: what is not above ``floor`` is old; ``latest`` were taken in last.

    The latest are kept beside the floor in the file, as their rows may have been deleted.
    """

    floor: _Number
    latest: tuple[_Number, ...]
    highest: _Number

    def after(self, number: _Number) -> _Known:
        """The same when a row was taken in: the floor is the lowest of the latest three."""
        latest = (*self.latest, number)
        floor = max(self.floor, min(latest)) if len(latest) > _CONFIRMING else self.floor
        return _Known(floor, latest[-_CONFIRMING:], max(self.highest, number))


class DeviceNumbers:
    """Messages with a number of their producer, which only rises for each device.

    A number is believed when two later rows have been taken in with higher ones. So a single number that is
    far too high, as a broken device sends, is a row like any other and costs none of those that follow.

    A message whose row is in the file with the same cells came again. One whose number is used for other
    cells, or is below the believed ones, is set aside: the device counts from a lower number, or the message
    came late, and a number taken twice could not be told from one that came twice.

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
        self._known: dict[str, _Known] = {}
        self._pending: dict[str, _Known] = {}
        self._warned: set[str] = set()

    def load(self, base: Database) -> None:
        """Read the number up to which each device is done with."""
        self._base = base
        self._stored: dict[str, _Stored] = {}
        for device, part, seq, text in base.rows("select device, part, last_seq, latest from devices"):
            latest = _numbers_in(text)
            # SQLite keeps what does not fit a column's type as it is
            if not isinstance(device, str) or not _is_number((part, seq)) or latest is None:
                raise TableError(
                    f"Got the number {seq!r} of the device {device!r} in {base.path}, but expected a whole "
                    "number and a text: the file was changed, put it back or name another."
                )
            self._stored[device] = (part, seq), latest

    def sift(self, messages: Iterable[Message]) -> Sifted:
        """Sort messages by whether their number is new for their device."""
        sifted = Sifted([], Counter(), 0, [])
        self._pending = {}
        fresh: dict[tuple[str, int, int], str] = {}
        newcomers: set[str] = set()
        n_again = 0
        for message in messages:
            device, number = message.device, (message.part, message.seq)
            if message.aside:
                sifted.aside[message.aside] += message.n
                continue
            if device not in self._stored and device not in newcomers:
                if len(self._stored) + len(newcomers) >= admission.MOST_DEVICES:
                    sifted.aside[admission.TOO_MANY.format(admission.MOST_DEVICES)] += 1
                    continue
                newcomers.add(device)
            known = self._known_of(device)
            there = None if number > known.highest else self._cells_of(device, number, fresh)
            if there is None and number in known.latest:
                n_again += 1
            elif there is None and number > known.floor:
                self._pending[device] = known.after(number)
                fresh[device, *number] = cells_text(message.row)
                sifted.new.append(message)
            elif there is not None and there == cells_text(message.row):
                n_again += 1
            else:
                sifted.aside[_PASSED if there is None else _USED_BEFORE] += 1
                sifted.warnings.extend(self._warning_of(message, known))
        return sifted._replace(n_again=n_again)

    def _known_of(self, device: str) -> _Known:
        """What is known of a device; when it is first asked for, the highest number in the file."""
        known = self._pending.get(device) or self._known.get(device)
        if known is None:
            query = "select part, seq from rows where device = ? order by part desc, seq desc limit 1"
            (highest,) = self._base.rows(query, (device,)) or [_BELOW_ALL]
            floor, latest = self._stored.get(device, (_BELOW_ALL, ()))
            known = _Known(floor, latest, max([highest, *latest]))
            if device in self._stored:
                self._known[device] = known
        return known

    def _cells_of(
        self, device: str, number: _Number, fresh: Mapping[tuple[str, int, int], str]
    ) -> str | None:
        """The cells of a row of this batch or of the file, None where there is no such row."""
        there = fresh.get((device, *number))
        if there is not None:
            return there
        query = "select cells from rows where device = ? and part = ? and seq = ?"
        found = self._base.rows(query, (device, *number))
        return str(found[0][0]) if found else None

    def _warning_of(self, message: Message, known: _Known) -> list[str]:
        """A line about a device whose numbers went back, once for each, and not for thousands."""
        device, last = message.device, known.latest[-1] if known.latest else known.floor
        if device in self._warned or len(self._warned) > _MOST_WARNINGS:
            return []
        self._warned.add(device)
        if len(self._warned) > _MOST_WARNINGS:
            return ["warning: more devices have gone back in their numbers; they are counted, not named"]
        starts = f" (start {message.part} after start {last[0]})" if message.part or last[0] else ""
        return [
            f"warning: {device!r} sent number {message.seq} after {last[1]}{starts}, and it is no message "
            f"that came again: its messages are set aside until their number is above {known.floor[1]}; if "
            "it counts anew after each start, name the cell that counts its starts with --epoch"
        ]

    def store(self, change: sqlite3.Connection) -> None:
        """Put down the numbers up to which devices are done with."""
        change.executemany(
            "insert or replace into devices (device, part, last_seq, latest) values (?, ?, ?, ?)",
            [(device, *known.floor, json.dumps(known.latest)) for device, known in self._pending.items()],
        )

    def stored(self) -> None:
        """Take what was sifted for stored."""
        self._known |= self._pending
        self._stored |= {device: (known.floor, known.latest) for device, known in self._pending.items()}
        self._pending = {}


def _is_number(found: object) -> bool:
    return isinstance(found, list | tuple) and [type(part) for part in found] == [int, int]


def _numbers_in(text: object) -> tuple[_Number, ...] | None:
    """The numbers taken in last, as the file has them; None where it has something else."""
    try:
        found = json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, list) or not all(map(_is_number, found)):
        return None
    return tuple((part, seq) for part, seq in found)
