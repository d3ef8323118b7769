"""What an operator hears of a connection with a broker: once that it is gone, and once that it is back."""

from __future__ import annotations

from collections import deque

__all__ = ["ConnectionNews"]


class ConnectionNews:
    """Lines of one connection, which other threads may add to.

    Parameters
    ----------
    back : str
        What is said when it is back; '' where another line says so.

    Examples
    --------
    >>> news = ConnectionNews("h:9092 answers again")
    >>> for _ in range(2):
    ...     news.gone("no broker answers at h:9092")
    >>> news.back()
    >>> news.lines()
    ['warning: no broker answers at h:9092; trying again', 'h:9092 answers again']
    """

    def __init__(self, back: str = "") -> None:
        self._lines: deque[str] = deque()
        self._back = back
        self.is_gone = False

    def say(self, line: str) -> None:
        """Add a line."""
        self._lines.append(line)

    def gone(self, what: str) -> None:
        """Say what is wrong, and not at each try that fails."""
        if not self.is_gone:
            self.say(f"warning: {what}; trying again")
        self.is_gone = True

    def back(self) -> None:
        """Take the connection for whole, and say so if it was gone."""
        if self.is_gone and self._back:
            self.say(self._back)
        self.is_gone = False

    def lines(self) -> list[str]:
        """Return what was added since this was asked last."""
        return [self._lines.popleft() for _ in range(len(self._lines))]
