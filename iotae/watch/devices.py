"""What a page tells of each device, in bounded memory: those seen last are kept."""

from __future__ import annotations

import heapq
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from iotae.watch.found import ScoredRow
from iotae.watch.recent import Recent, short

__all__ = ["LISTED", "MOST_DEVICES", "ORDERS", "Device", "Devices"]

MOST_DEVICES = 10_000
"""Devices that are told apart; for another one, the one that was silent longest is forgotten."""

LISTED = 50
"""Devices of a list at most."""

_POINTS = 240


class Device:
    """A device's counts, its latest row, and its latest scores."""

    __slots__ = ("alarms", "cut", "name", "recent", "rows", "score", "seen", "when")

    def __init__(self, name: str) -> None:
        self.name = name
        self.rows = self.alarms = 0
        self.score = self.cut = float("nan")
        self.when, self.seen = "", 0.0
        self.recent = Recent(_POINTS)

    def add(self, row: ScoredRow) -> None:
        """Take a row of it in."""
        self.rows += 1
        self.alarms += row.alarm
        self.score, self.cut, self.when, self.seen = row.score, row.cut, row.when, row.at
        self.recent.add(row.score, row.cut, row.alarm)


ORDERS: dict[str, Callable[[Device], Any]] = {
    "alarms": lambda one: (one.alarms, one.seen),
    "latest": lambda one: one.seen,
    "silent": lambda one: -one.seen,
    "score": lambda one: one.score if one.score == one.score else -1.0,
}
"""What comes first in a list of devices: the highest of these."""


class Devices:
    """Devices by name.

    Attributes
    ----------
    n_forgotten : int
        How often one was forgotten to make room for another.

    Examples
    --------
    >>> devices = Devices()
    >>> for name, alarm in (("a", False), ("b", True), ("a", False)):
    ...     devices.add(ScoredRow(name, "", 0.5, 0.9, alarm, True, "", 7.0))
    >>> len(devices), [name for name, *_ in devices.listed("alarms", "", 8.0)["list"]]
    (2, ['b', 'a'])
    """

    def __init__(self) -> None:
        self._by_name: OrderedDict[str, Device] = OrderedDict()
        self.n_forgotten = 0

    def __len__(self) -> int:
        return len(self._by_name)

    def add(self, row: ScoredRow) -> None:
        """Take a row in."""
        device = self._by_name.get(row.device)
        if device is None:
            if len(self._by_name) >= MOST_DEVICES:
                self._by_name.popitem(last=False)
                self.n_forgotten += 1
            device = self._by_name[row.device] = Device(row.device)
        else:
            self._by_name.move_to_end(row.device)
        device.add(row)

    def get(self, name: str) -> Device | None:
        """Return a device, None if it is not known."""
        return self._by_name.get(name)

    def listed(self, order: str, part: str, now: float) -> dict[str, Any]:
        """Return the first devices in an order whose names have a part, whatever its case.

        Each is its name, rows, alarms, latest time, seconds since it was seen, score and cut.
        """
        part = part.casefold()
        matching = [one for one in self._by_name.values() if not part or part in one.name.casefold()]
        first = heapq.nlargest(LISTED, matching, ORDERS[order])
        told = [
            [one.name, one.rows, one.alarms, one.when, now - one.seen, short(one.score), short(one.cut)]
            for one in first
        ]
        return {"matching": len(matching), "list": told}
