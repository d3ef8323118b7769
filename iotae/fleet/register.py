"""The devices that a fleet knows: at most so many, and the one not seen for longest is forgotten first."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Iterator

from iotae.fleet.devices import MOST_ELDERS, Entry, Row, kind_of

__all__ = ["Register"]


class Register(OrderedDict[Hashable, Entry]):
    """Each device's entry by its key, the device not seen for longest first.

    Parameters
    ----------
    most : int, at least 1
        Devices that are known at most.

    Attributes
    ----------
    n_forgotten : int
        Devices that had to leave; one that comes again begins anew.

    Examples
    --------
    >>> register = Register(2)
    >>> for key in ("a", "b", "a", "c"):
    ...     if key in register:
    ...         register.move_to_end(key)
    ...     else:
    ...         register.leave()
    ...         _ = register.add(key, {"watts": 1.0}, register.next_number)
    >>> list(register), register.n_forgotten
    (['a', 'c'], 1)
    """

    def __init__(self, most: int = 1) -> None:
        # a copy is made without arguments, and given its attributes and devices then
        super().__init__()
        self.most = most
        self.n_forgotten = self.n_came = 0
        self.elders: dict[tuple[Hashable, ...], list[Hashable]] = {}

    @property
    def next_number(self) -> int:
        """The number of the next device: that of the one which leaves for it, if one does."""
        return len(self) if len(self) < self.most else next(iter(self.values())).number

    def leave(self) -> None:
        """Forget a device where there is no room for another."""
        if len(self) < self.most:
            return
        key, _ = self.popitem(last=False)
        self.n_forgotten += 1
        for kind in [kind for kind, keys in self.elders.items() if key in keys]:
            self.elders[kind].remove(key)
            if not self.elders[kind]:
                del self.elders[kind]

    def add(self, key: Hashable, row: Row, number: int | None = None) -> Entry:
        """Enter a new device with its first row, under a number that is free."""
        entry = self[key] = Entry(len(self) if number is None else number, came=self.n_came)
        self.n_came += 1
        kind = kind_of(row)
        if kind in self.elders or len(self.elders) < MOST_ELDERS:
            elders = self.elders.setdefault(kind, [])
            if len(elders) < MOST_ELDERS:
                elders.append(key)
        return entry

    def elders_of(self, row: Row) -> Iterator[Entry]:
        """The first devices that sent rows of such features."""
        yield from (self[key] for key in self.elders.get(kind_of(row), ()))

    def in_order(self) -> list[tuple[Hashable, Entry]]:
        """All devices in the order in which they came."""
        return sorted(self.items(), key=lambda one: one[1].came)
