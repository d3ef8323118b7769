"""What a stream needs of a broker, whatever it speaks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import NamedTuple, Protocol

from iotae.runner.messages import Message
from iotae.runner.outbox import Delivered

__all__ = ["Login", "MessageSource"]


class Login(NamedTuple):
    """Who reads, and what shows that the broker is the right one.

    Attributes
    ----------
    user, password : str or None
    ca_file : str or None
        Certificates of those who may sign the broker's, for TLS; None for the system's.
    mechanism : str or None
        How name and password are checked, where the broker knows several ways.
    """

    user: str | None = None
    password: str | None = None
    ca_file: str | None = None
    mechanism: str | None = None

    def __repr__(self) -> str:
        # a password must not come into a log by way of an error
        return f"Login(user={self.user!r}, ca_file={self.ca_file!r}, mechanism={self.mechanism!r})"


class MessageSource(Protocol):
    """A connection with a broker, in a ``with`` statement, that is made again when it breaks."""

    def __enter__(self) -> MessageSource:
        """Begin to connect."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        """Leave."""

    def batches(self, most: Callable[[], int]) -> Iterator[list[Message]]:
        """Yield what has arrived, up to so many messages at a time, for ever; [] where nothing comes.

        How many is asked for each time.

        What is not taken from here is not fetched without bound: a slow stream slows the broker.

        Raises
        ------
        TableError
            If the broker refuses.
        """

    def acknowledge(self, batch: Sequence[Message]) -> None:
        """Let the broker forget messages that are on the disk."""

    def publish(self, topic: str, alarms: Sequence[tuple[str, str]]) -> Delivered:
        """Send alarms, each a device and a text, and say what came of them."""

    def lag(self) -> int:
        """How many messages are known to wait."""

    def warnings(self) -> list[str]:
        """Return what an operator should hear of and was not told before, a line each."""
