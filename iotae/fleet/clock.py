"""The time of a whole fleet, which no device's wrong clock can stop or hurry."""

from __future__ import annotations

from collections import deque

import numpy as np

from iotae._typing import State
from iotae._validation.schema import Array, Maybe, Number, Record

__all__ = ["FleetClock"]

_ROWS = 101
"""Latest rows that are looked at: a device that has gone silent has no say for longer."""

_MOST = 86_400.0
"""Seconds that a row lets pass at most: after a day a budget is whole, so that more make no difference."""

_FARTHEST = 1e15


class FleetClock:
    """How much time has passed, by the median of the devices heard lately; it never goes back.

    Half of the devices heard in the latest 101 rows may have a clock of 1970 or 2099. Of two devices the
    earlier one counts.

    Attributes
    ----------
    elapsed : float
        Seconds since the first row that told a time.

    Examples
    --------
    >>> clock = FleetClock()
    >>> for minute in range(10):
    ...     for device, wrong in ((1, 0.0), (2, 0.0), (3, 2e9)):
    ...         clock.note(device, 60.0 * minute + wrong * (minute % 2))
    >>> clock.elapsed
    540.0
    """

    SCHEMA = Record(
        {
            "devices": Array(np.int64, "clock", low=0),
            "times": Array(np.float64, "clock", low=-_FARTHEST, high=_FARTHEST),
            "median": Maybe(Number(-_FARTHEST, _FARTHEST)),
            "elapsed": Number(0.0, _FARTHEST),
        }
    )

    def __init__(self) -> None:
        self.elapsed = 0.0
        self._median: float | None = None
        self._rows: deque[tuple[int, float]] = deque(maxlen=_ROWS)

    def after(self, device: int, moment: float | None) -> tuple[float, float | None]:
        """Seconds passed and the median once a device has told a time; nothing changes."""
        if moment is None or abs(moment) > _FARTHEST:
            return self.elapsed, self._median
        latest: dict[int, float] = {}
        for one, at in (*self._rows, (device, moment)):
            latest[one] = max(at, latest.get(one, at))
        median = sorted(latest.values())[(len(latest) - 1) // 2]
        passed = 0.0 if self._median is None else min(max(median - self._median, 0.0), _MOST)
        return self.elapsed + passed, median

    def note(self, device: int, moment: float | None) -> None:
        """Go on with a row of a device; one without a time lets none pass."""
        self.elapsed, self._median = self.after(device, moment)
        if moment is not None and abs(moment) <= _FARTHEST:
            self._rows.append((device, moment))

    @property
    def told(self) -> bool:
        """Whether any row has told a time."""
        return self._median is not None

    def to_state(self) -> State:
        """Everything needed to continue."""
        return {
            "devices": np.array([device for device, _ in self._rows], np.int64),
            "times": np.array([at for _, at in self._rows], np.float64),
            "median": self._median,
            "elapsed": self.elapsed,
        }

    @classmethod
    def from_state(cls, data: State) -> FleetClock:
        """Rebuild from :meth:`to_state`, of a state that is as :attr:`SCHEMA` says."""
        restored = cls()
        restored.elapsed, restored._median = data["elapsed"], data["median"]
        restored._rows.extend(zip(data["devices"].tolist(), data["times"].tolist(), strict=True))
        return restored
