"""What is remembered of devices and columns: arrays that grow with them, up to a fixed number of each."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence

import numpy as np

from iotae._typing import Bool, Int64, State
from iotae._validation.schema import MOST
from iotae.quality.cell_fields import N_FIELDS
from iotae.quality.clock_kernels import N_DEVICE
from iotae.quality.kernels import Memory

__all__ = ["Devices", "as_count", "as_text", "empty_memory", "grown", "of_one", "used"]

RECENT = 64
"""Checksums of latest rows of a device, among which a doubled row is sought."""
KEY_SETS = 8
"""Sets of features of a device that are remembered."""


def empty_memory(n_devices: int = 0, n_columns: int = 0) -> Memory:
    """Return a memory in which nothing is known."""
    return Memory(
        np.zeros((n_devices, n_columns, N_FIELDS)),
        np.zeros((n_devices, N_DEVICE)),
        np.zeros((n_devices, RECENT + 1), np.int64),
        np.zeros((n_devices, 2, KEY_SETS), np.int64),
        np.zeros(1),
    )


def grown(memory: Memory, n_devices: int, n_columns: int) -> Memory:
    """Return a memory with room for so many devices and columns, the same one where it has."""
    devices, columns = memory.cells.shape[:2]
    if n_devices <= devices and n_columns <= columns:
        return memory
    if n_devices > devices:
        # doubled, so that a fleet that grows is not copied for each device
        n_devices = max(n_devices, 2 * devices)
    larger = empty_memory(max(n_devices, devices), max(n_columns, columns))
    larger.cells[:devices, :columns] = memory.cells
    for new, old in zip(larger[1:4], memory[1:4], strict=True):
        new[:devices] = old
    larger.clock[:] = memory.clock
    return larger


def of_one(memory: Memory, slot: int | None, n_columns: int) -> Memory:
    """Return a copy of what is known of one device, of nothing for a new one."""
    one = empty_memory(1, n_columns)
    if slot is not None:
        one.cells[0, : memory.cells.shape[1]] = memory.cells[slot]
        for new, old in zip(one[1:4], memory[1:4], strict=True):
            new[0] = old[slot]
    one.clock[:] = memory.clock
    return one


def used(memory: Memory, n_devices: int) -> State:
    """Return copies of what is known of the first devices, as named arrays."""
    parts = memory._asdict()
    return {name: part.copy() if name == "clock" else part[:n_devices].copy() for name, part in parts.items()}


def as_text(name: Hashable | None) -> str | None:
    """Return a name that a file can hold.

    Raises
    ------
    TypeError
        If it is no text.
    """
    if name is None or isinstance(name, str):
        return name
    raise TypeError(f"Got the name {name!r}, but expected text: only text can be saved.")


def as_count(number: int) -> int:
    """Return a count as a file can hold it: one that has come to the largest stays there."""
    return min(number, MOST)


class Devices:
    """Which device has which place; where all are taken, the one not seen for longest leaves.

    Parameters
    ----------
    most : int
        Places.

    Attributes
    ----------
    n_forgotten : int
        Devices that had to leave.

    Examples
    --------
    >>> devices = Devices(2)
    >>> slots, fresh = devices.places(["a", "b", "a", "c"])
    >>> slots.tolist(), fresh.tolist(), devices.n_forgotten, devices.names
    ([0, 1, 0, 1], [True, True, False, True], 1, ['a', 'c'])
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.n_forgotten = 0
        self._slots: dict[Hashable, int] = {}

    @property
    def names(self) -> list[Hashable]:
        """The devices known, the one not seen for longest first."""
        return list(self._slots)

    def __len__(self) -> int:
        return len(self._slots)

    def place_of(self, name: Hashable) -> int | None:
        """The place of a device, None where it has none."""
        return self._slots.get(name)

    def places(self, names: Sequence[Hashable]) -> tuple[Int64, Bool]:
        """Return the place of each row's device (n,), and whether the row (n,) is the first of a new one."""
        fresh = np.zeros(len(names), np.bool_)
        # each name with its last row, in order of the first
        last = dict(zip(names, range(len(names)), strict=True))
        new = [name for name in last if name not in self._slots]
        if len(self._slots) + len(new) > self.most:
            return np.array([self._place(name, fresh, i) for i, name in enumerate(names)], np.int64), fresh
        for name in new:
            self._slots[name] = len(self._slots)
        if new:
            first = dict(zip(reversed(names), range(len(names) - 1, -1, -1), strict=True))
            fresh[[first[name] for name in new]] = True
        slots = np.fromiter(map(self._slots.__getitem__, names), np.int64, len(names))
        self._seen(sorted(last, key=last.__getitem__))
        return slots, fresh

    def _seen(self, names: Iterable[Hashable]) -> None:
        for name in names:
            self._slots[name] = self._slots.pop(name)

    def _place(self, name: Hashable, fresh: Bool, i: int) -> int:
        slot = self._slots.pop(name, None)
        if slot is None:
            fresh[i] = True
            slot = len(self._slots)
            if slot >= self.most:
                slot = self._slots.pop(next(iter(self._slots)))
                self.n_forgotten += 1
        self._slots[name] = slot
        return slot

    def to_state(self) -> State:
        """Return the names, in order, and their places."""
        slots = np.array(list(self._slots.values()), np.int64)
        return {
            "names": list(map(as_text, self._slots)),
            "slots": slots,
            "most": self.most,
            "forgotten": as_count(self.n_forgotten),
        }

    @classmethod
    def from_state(cls, data: State) -> Devices:
        """Rebuild from a state that was checked."""
        devices = cls(data["most"])
        devices.n_forgotten = data["forgotten"]
        devices._slots = dict(zip(data["names"], data["slots"].tolist(), strict=True))
        return devices
