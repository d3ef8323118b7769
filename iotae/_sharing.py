"""What threads may share, and copies that share nothing with their original."""

from __future__ import annotations

import copy
from threading import RLock
from typing import Any, Self

__all__ = ["Locked", "Unshared"]


class Unshared:
    """Something that changes as it is used, so that every copy is a deep one, also that of ``copy.copy``."""

    def __copy__(self) -> Self:
        # a copy that shared what changes would learn what the original learns
        return copy.deepcopy(self)


class Locked(Unshared):
    """Something that one thread at a time may use.

    A subclass holds ``self._lock`` wherever it reads or writes what may change. While a copy or a pickle is
    made the original stands still; a copy has a lock of its own.
    """

    _NOT_COPIED: tuple[str, ...] = ()
    """Attributes that ``__setstate__`` of a subclass makes anew."""

    def __init__(self) -> None:
        self._lock = RLock()

    def __getstate__(self) -> dict[str, Any]:
        left_out = {"_lock", *self._NOT_COPIED}
        with self._lock:
            # pickle reads the state when the lock is free again
            return copy.deepcopy({key: value for key, value in self.__dict__.items() if key not in left_out})

    def __setstate__(self, data: dict[str, Any]) -> None:
        self.__dict__.update(data)
        self._lock = RLock()

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        twin = type(self).__new__(type(self))
        memo[id(self)] = twin
        twin.__setstate__(self.__getstate__())
        return twin
