"""When a device last spoke, how often it does, and whether it has been silent for too long."""

from __future__ import annotations

__all__ = ["Rhythm"]

_RATE = 0.05
"""The rhythm is that of some twenty rows."""

_REACH = 3.0
"""A pause moves the rhythm as if at most this many times as long: one outage does not make a device slow."""

_LEAST_PAUSES = 5


class Rhythm:
    """The usual pause between a device's rows, and when the last one came; times in seconds.

    Examples
    --------
    >>> rhythm = Rhythm()
    >>> for minute in range(10):
    ...     rhythm.note(60.0 * minute)
    >>> rhythm.pause, rhythm.silence(600.0, 10.0), round(rhythm.silence(6000.0, 10.0))
    (60.0, 0.0, 5460)
    """

    __slots__ = ("last", "n_pauses", "pause")

    def __init__(self, last: float | None = None, pause: float = 0.0, n_pauses: int = 0) -> None:
        self.last, self.pause, self.n_pauses = last, pause, n_pauses

    def note(self, moment: float) -> None:
        """Take note of a row. One that came late, or twice, does not turn the clock back."""
        if self.last is None or moment <= self.last:
            self.last = moment if self.last is None else self.last
            return
        pause = moment - self.last
        self.last = moment
        self.n_pauses += 1
        if self.n_pauses == 1:
            self.pause = pause
        else:
            rate = max(_RATE, 1.0 / self.n_pauses)
            self.pause += rate * (min(pause, _REACH * self.pause) - self.pause)

    def silence(self, now: float, times: float) -> float:
        """For how long the device has been silent, if that is more than ``times`` its usual pause; else 0."""
        if self.last is None or self.n_pauses < _LEAST_PAUSES:
            return 0.0
        silent = now - self.last
        return silent if silent > times * self.pause else 0.0
