"""What is saved as one file and read back: the two methods that every model with a state has."""

from __future__ import annotations

import os
from abc import abstractmethod
from typing import ClassVar, Self

from iotae import serialization
from iotae._typing import State

__all__ = ["Saved"]


class Saved:
    """A model that gives its state, and is made of one."""

    _KIND: ClassVar[str]
    """What a file says that it holds; a subclass of a user's is of the same kind."""

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write everything to one file from which `load` continues bit for bit; no code is stored.

        Raises
        ------
        TypeError
            If a part could only be rebuilt by code of its own, which `to_state` says.
        OSError
            If the file cannot be written; an earlier one stays as it was.

        """
        serialization.write(path, self._KIND, self.to_state())

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read back what `save` wrote.

        Raises
        ------
        iotae.serialization.StateError
            If the file is damaged, foreign, or holds something else.

        """
        return serialization.restore(path, cls._KIND, cls.from_state)

    @abstractmethod
    def to_state(self) -> State:
        """Return everything needed to continue, as arrays, numbers and text."""

    @classmethod
    @abstractmethod
    def from_state(cls, data: State) -> Self:
        """Rebuild from `to_state`; raises `iotae.serialization.StateError` if it is none."""
