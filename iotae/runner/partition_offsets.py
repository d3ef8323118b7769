"""Which of Kafka's messages are new: told by their place in a partition."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable

from iotae.runner import admission
from iotae.runner.admission import Sifted, storable
from iotae.runner.database import Database
from iotae.runner.messages import Message

__all__ = ["PartitionOffsets"]


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
                sifted.aside[admission.TOO_MANY.format(admission.MOST_DEVICES)] += 1
            elif message.n:
                sifted.new.append(message)
        return sifted._replace(n_again=n_again)

    def _admits(self, message: Message) -> bool:
        device = message.device
        if device not in self._devices and device not in self._newcomers:
            if len(self._devices) + len(self._newcomers) >= admission.MOST_DEVICES:
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
