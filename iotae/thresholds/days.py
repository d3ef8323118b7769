"""The days of an alert budget: how many alarms the last 24 hours of the rows' own time had."""

from __future__ import annotations

from collections import deque
from typing import Any, ClassVar

import numpy as np

from iotae._typing import State
from iotae._validation import check_count
from iotae._validation.moments import moment_of
from iotae._validation.schema import COUNT, Array, Flag, Number, Record, Whole, refuse

__all__ = ["Days"]

_DAY = 86_400.0

_REACH = 10.0
"""A pause counts as if at most this many times as long as usual: an outage is no reason for more alarms. The
usual one is that which a moment falls into, as the rows of many devices come in bursts."""

_FARTHEST = 1e15


def _check_times(data: State, place: str) -> None:
    times = data["times"]
    if times.size > data["per_day"] or (np.diff(times) < 0.0).any() or (times > data["now"]).any():
        raise refuse(
            times, f"{place}.times", "the times of the latest alarms, in order, none after the latest row"
        )


class Days:
    """When the latest alarms were, and which share of the rows is a day's budget at their present pace.

    A row that comes late counts as if it had come with the latest.

    Parameters
    ----------
    per_day : int, at least 1

    Examples
    --------
    >>> days = Days(per_day=24)
    >>> days.advance(0.0), days.advance(60.0), days.spent(60.0)
    (0.0, 0.016666666666666666, False)
    """

    SCHEMA: ClassVar[Record] = Record(
        {
            "per_day": Whole(1),
            "now": Number(-_FARTHEST, _FARTHEST),
            "pause": Number(0.0, _FARTHEST),
            "square": Number(0.0, _FARTHEST**2),
            "n_pauses": COUNT,
            "rate": Number(0.0, 0.5),
            "keeps_gamma": Flag(),
            "times": Array(np.float64, "times", low=-_FARTHEST, high=_FARTHEST),
        },
        (_check_times,),
        # the first files had none
        frozenset({"square"}),
    )

    def __init__(self, per_day: int) -> None:
        self.per_day = check_count("per_day", per_day, 1)
        self.now = -_FARTHEST
        self.pause, self.square, self.n_pauses = 0.0, 0.0, 0
        self._times: deque[float] = deque(maxlen=self.per_day)

    def moment(self, at: Any) -> float:
        """A row's time in seconds.

        Raises
        ------
        ValueError
            If it is none.
        """
        moment = moment_of(at)
        if moment is None or abs(moment) > _FARTHEST:
            raise ValueError(
                f"Got at={at!r:.60} with per_day={self.per_day}, but expected the row's time: a datetime, "
                "ISO text or a number of seconds since 1970."
            )
        return max(moment, self.now)

    def spent(self, moment: float) -> bool:
        """Whether the 24 hours before a time have had all their alarms."""
        return len(self._times) == self.per_day and moment - self._times[0] < _DAY

    def advance(self, moment: float) -> float:
        """Go on to a row's time; the share of the rows from the last to this that may be candidates."""
        if self.now == -_FARTHEST:
            self.now = moment
            return 0.0
        pause, self.now = moment - self.now, moment
        if self.pause > 0.0:
            pause = min(pause, _REACH * self.square / self.pause)
        self.n_pauses += 1
        weight = max(1e-3, 1.0 / self.n_pauses)
        self.pause += (pause - self.pause) * weight
        self.square += (pause * pause - self.square) * weight
        return min(0.5, self.per_day * pause / _DAY)

    @property
    def rate(self) -> float:
        """The share of the rows that the budget allows for at the usual pace."""
        return min(0.5, max(1e-9, self.per_day * self.pause / _DAY))

    def note_alarm(self) -> None:
        """Take an alarm at the present time from the budget."""
        self._times.append(self.now)

    def forget(self) -> None:
        """Have the whole budget left."""
        self._times.clear()

    def to_state(self) -> State:
        """Everything needed to continue, as arrays and numbers."""
        return {
            "per_day": self.per_day,
            "now": self.now,
            "pause": self.pause,
            "square": self.square,
            "n_pauses": self.n_pauses,
            "times": np.array(self._times, np.float64),
        }

    @classmethod
    def from_state(cls, data: State) -> Days:
        """Rebuild from :meth:`to_state`, of a state that is as :attr:`SCHEMA` says."""
        restored = cls(data["per_day"])
        restored.now, restored.pause, restored.n_pauses = data["now"], data["pause"], data["n_pauses"]
        restored.square = data.get("square", data["pause"] ** 2)
        restored._times.extend(data["times"].tolist())
        return restored
