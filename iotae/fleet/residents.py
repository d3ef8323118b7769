"""The devices seen last, in memory, and the others as bytes in a store: nobody need know which is where."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from iotae.fleet.store import Store

__all__ = ["Residents"]

T = TypeVar("T")


class Residents(Generic[T]):
    """What is known of each device, by the device's number.

    Parameters
    ----------
    pack, unpack : callables
        To bytes and back, exactly.
    most : int, at least 1
        Devices in memory at most.
    store : Store
        Where the others are.

    Examples
    --------
    >>> residents = Residents(str.encode, bytes.decode, 1, Store())
    >>> residents[1], residents[2] = "one", "two"
    >>> residents[1], residents[2], residents.n_in_memory
    ('one', 'two', 1)
    """

    def __init__(
        self, pack: Callable[[T], bytes], unpack: Callable[[bytes], T], most: int, store: Store
    ) -> None:
        self._pack, self._unpack, self._most, self.store = pack, unpack, most, store
        self._live: OrderedDict[int, T] = OrderedDict()

    @property
    def n_in_memory(self) -> int:
        """Devices that are in memory."""
        return len(self._live)

    def live(self) -> Iterator[tuple[int, T]]:
        """The devices in memory with their numbers; none is moved."""
        yield from self._live.items()

    def __getitem__(self, number: int) -> T:
        live = self._live
        device = live.get(number)
        if device is None:
            # it stays in the store until it is back
            device = self._unpack(self.store.get(number))
            self._admit(number, device)
            self.store.drop(number)
        else:
            live.move_to_end(number)
        return device

    def __setitem__(self, number: int, device: T) -> None:
        self._admit(number, device)
        # what a forgotten device has left under its number
        self.store.drop(number)

    def _admit(self, number: int, device: T) -> None:
        if len(self._live) >= self._most and number not in self._live:
            oldest = next(iter(self._live))
            self.store.put(oldest, self._pack(self._live[oldest]))
            del self._live[oldest]
        self._live[number] = device
        self._live.move_to_end(number)

    def put_back(self, number: int, blob: bytes) -> None:
        """Set aside a device that comes as bytes."""
        self.store.put(number, blob)

    def packed(self, number: int) -> bytes:
        """A device as bytes, wherever it is; it stays there."""
        device = self._live.get(number)
        return self.store.get(number) if device is None else self._pack(device)

    def looked_at(self, number: int) -> T:
        """A device as it is, for reading: one that is set aside is made of its bytes, and stays there."""
        device = self._live.get(number)
        return self._unpack(self.store.get(number)) if device is None else device
