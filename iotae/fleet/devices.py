"""What a fleet keeps of every device, also of those set aside, and what it says of them."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, NamedTuple

from iotae.data.device_keys import device_key
from iotae.fleet.rhythm import Rhythm
from iotae.stream.names import is_name

__all__ = ["MOST_ELDERS", "Device", "Entry", "Row", "Silence", "key_in", "kind_of"]

Row = dict[Hashable, Any]

MOST_ELDERS = 64
"""Sets of features of which newcomers may take over from older devices, and older devices of each set."""


class Device(NamedTuple):
    """What a fleet says of one device."""

    key: Hashable
    """None for the rows without a key."""
    n_rows: int
    """Rows learned."""
    n_alarms: int
    """Alarms among the rows that were judged and learned in one call."""
    last: float | None
    """Time of the latest row in seconds since 1970, where rows tell it."""


class Silence(NamedTuple):
    """A device that has not been heard of for much longer than it usually pauses."""

    key: Hashable
    last: float
    """Time of its latest row, in seconds since 1970."""
    pause: float
    """Seconds that it usually pauses."""
    silent: float
    """Seconds since its latest row."""


class Entry:
    """What stays in memory of every device, also of those set aside."""

    __slots__ = ("answered", "came", "n_alarms", "n_rows", "number", "rhythm")

    def __init__(self, number: int, came: int) -> None:
        # the number is that of its place, and the next device's when it is forgotten
        self.number, self.came = number, came
        self.n_rows = self.n_alarms = 0
        self.rhythm = Rhythm()
        self.answered = False


def kind_of(row: Row) -> tuple[Hashable, ...]:
    """The features of a row, in an order that does not depend on the row's."""
    return tuple(sorted(row, key=lambda name: (str(name), type(name).__name__)))


def key_in(row: Row, name: Hashable) -> Hashable:
    """Take its key out of a row: None where it is missing or names no device.

    Raises
    ------
    ValueError
        If it is nothing that may name a device.
    """
    key = row.pop(name, None)
    if type(key) is not str or not key.strip() or key[0].isspace() or key[-1].isspace():
        key = device_key(key)
    if is_name(key):
        named: Hashable = key
        return named
    raise ValueError(
        f"Got {key!r:.60} as the key {name!r} of a row, but expected text of at most 1,000 letters, a "
        "number, or a tuple of them: name the column that holds the device's name."
    )
