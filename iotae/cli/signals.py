"""The end of an endless stream on Ctrl-C, SIGTERM or SIGHUP, never in the middle of a row."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterable, Iterator
from types import FrameType, TracebackType
from typing import Any, TypeVar

__all__ = ["ENDINGS", "StopSignals"]

Item = TypeVar("Item")

ENDINGS = tuple(
    number for number in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(number) is not signal.SIG_IGN
)
"""Signals that end the command in good order. One that is ignored, as SIGHUP under ``nohup``, stays so."""


class StopSignals:
    """Take Ctrl-C, SIGTERM and SIGHUP as the end of a stream.

    While the stream waits for input, a signal ends it at once. While an item is worked on, a signal ends the
    stream after that item. So each item that was read is also finished, and the block ends as if the stream
    had ended by itself. Outside the main thread, signals are left as they are.

    Attributes
    ----------
    exit_code : int
        0, or 128 plus the signal's number, as in shells (130 for Ctrl-C).

    Examples
    --------
    >>> with StopSignals() as until:
    ...     print(list(until.stopped([1, 2, 3])), until.exit_code)
    [1, 2, 3] 0
    """

    _SIGNALS = (signal.SIGINT, *ENDINGS)

    def __init__(self) -> None:
        self.exit_code = 0
        self._waiting = False
        self._former: dict[int, Any] = {}

    def __enter__(self) -> StopSignals:
        if threading.current_thread() is threading.main_thread():
            self._former = {number: signal.signal(number, self._stop) for number in self._SIGNALS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._former.items():
            signal.signal(number, handler)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self.exit_code = 128 + number
        if self._waiting:
            raise KeyboardInterrupt

    def stopped(self, items: Iterable[Item]) -> Iterator[Item]:
        """Yield the items until they end or a signal comes."""
        source = iter(items)
        while not self.exit_code:
            try:
                self._waiting = True
                item = next(source)
            except (StopIteration, KeyboardInterrupt):
                return
            finally:
                self._waiting = False
            yield item
