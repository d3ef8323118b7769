"""What a fleet asks of the way its devices are modelled."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Hashable
from typing import Any, Generic, TypeVar

from iotae._typing import State
from iotae.fleet.likeness import Scales
from iotae.stream.autoencoder import OnlineAutoencoder

__all__ = ["Mode"]

T = TypeVar("T")
Row = dict[Hashable, Any]


class Mode(ABC, Generic[T]):
    """How the devices of a fleet are modelled; T is what is kept of each of them.

    A row here is one device's, without its key. Scores compare across devices.
    """

    threshold: float
    """The cut of all devices."""

    mature: int
    """Rows that a device must have before newcomers take over from it."""

    @abstractmethod
    def newcomer(self, older: T | None) -> T:
        """A device of which no row was seen, which takes over what it can of an older one."""

    @abstractmethod
    def score(self, device: T, x: Row) -> float:
        """The score of a row; changes nothing that is remembered."""

    @abstractmethod
    def judge(self, device: T, x: Row) -> float:
        """The score of a row, which is learned next."""

    def ready(self, device: T) -> bool:
        """Whether the device has rows enough to raise an alarm."""
        return True

    def set_aside(self, device: T) -> tuple[int, int]:
        """Rows without a usable cell and cells that could not be used, of this device at least."""
        return 0, 0

    @abstractmethod
    def explain(self, device: T, x: Row) -> dict[Hashable, float]:
        """Each feature's share of the score, largest first."""

    @abstractmethod
    def expected(self, device: T, x: Row) -> dict[Hashable, float]:
        """What the device's numbers should be."""

    def scales(self, device: T) -> Scales:
        """The centre and spread of each of the device's numbers, where its model holds them."""
        return {}

    def answering(self, device: T) -> OnlineAutoencoder:
        """The device's model, which takes an operator's answers; :meth:`answered` is called afterwards.

        Raises
        ------
        TypeError
            If the detector takes none.
        """
        raise TypeError(
            f"Got an answer for a fleet of {type(self).__name__}, but expected one of iotae's models: other "
            "detectors take no answers."
        )

    def answered(self, device: T) -> None:
        """Keep what an answer has changed of the device's model."""

    @abstractmethod
    def pack(self, device: T) -> bytes:
        """A device as bytes, for this process."""

    @abstractmethod
    def unpack(self, blob: bytes) -> T:
        """The device that :meth:`pack` was given, bit for bit."""

    @abstractmethod
    def state_of(self, device: T) -> State:
        """A device for a file, as arrays, numbers and text."""

    @abstractmethod
    def of_state(self, data: State) -> T:
        """The device of a file; ``StateError`` if it is none that this fleet could have."""

    def to_state(self) -> State:
        """What devices begin with and share, for a file.

        Raises
        ------
        TypeError
            If only code could rebuild it.
        """
        raise TypeError(
            f"Got a fleet of {type(self).__name__}, but expected one of iotae's models: others can only be "
            "rebuilt by their code, e.g. with pickle."
        )

    def copied(self) -> Mode[T]:
        """The mode for a copy of the fleet; what devices share is copied too."""
        return copy.deepcopy(self)
