"""All that a page shows of a stream: taken in row by row, told to each browser as it asks."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from itertools import islice
from threading import Condition
from time import monotonic, time
from typing import Any, NamedTuple

import numpy as np

from iotae.report.series import Series
from iotae.watch.devices import MOST_DEVICES, Devices
from iotae.watch.drift import Drift
from iotae.watch.found import Found, ScoredRow
from iotae.watch.recent import Recent, buckets_of, buckets_of_series, short

__all__ = ["SHOWN_ALARMS", "Asked", "Board"]

SHOWN_ALARMS = 200
_RECENT_ROWS = 5000
_RATE_SECONDS = 60.0


class Asked(NamedTuple):
    """What a browser wants to see.

    Attributes
    ----------
    device : str or None
        The device of the chart, None for all rows.
    span : str
        ``recent`` or ``all``: which rows the chart of all devices is of.
    order, part : str
        How devices are ordered, and a part of their names.
    """

    device: str | None = None
    span: str = "recent"
    order: str = "alarms"
    part: str = ""


class Board:
    """What is known of a stream; one thread takes rows in, others ask.

    Memory is bounded: the latest 5,000 scores, 512 buckets of all, the latest 200 alarms, 10,000 devices.

    Parameters
    ----------
    title : str
    alpha : float, optional
        The false-alarm rate that the detector was asked for.
    named : bool
        Whether rows are told apart by device.
    clock, ticks : callable
        Seconds since 1970, and seconds that are never set back.

    Examples
    --------
    >>> board = Board("scored.csv")
    >>> board.take(Found([ScoredRow("", "", 0.9, 0.5, True, True, "watts 71", 1.0)], anew=True))
    >>> told = board.told(Asked(), (0, 0))
    >>> told["totals"]["alarms"], told["alarms"]["new"][0][-1]
    (1, 'watts 71')
    """

    def __init__(
        self,
        title: str,
        alpha: float | None = None,
        *,
        named: bool = False,
        clock: Callable[[], float] = time,
        ticks: Callable[[], float] = monotonic,
    ) -> None:
        self.title, self._alpha, self._named = title, alpha, named
        self._clock, self._ticks = clock, ticks
        self.changed = Condition()
        self.version = self._begun = 0
        self._waits, self.trouble = "", ""
        self._came: deque[tuple[float, int]] = deque()
        self._started = ticks()
        self._begin(earlier=False)

    def _begin(self, *, earlier: bool) -> None:
        self._begun += 1
        self._earlier = earlier
        self._rows = self._alarms_n = self._judged = self._aside = 0
        self._first_when = ""
        self._last_at: float | None = None
        self._recent = Recent(_RECENT_ROWS)
        self._whens: deque[str] = deque(maxlen=_RECENT_ROWS)
        self._whole = Series("")
        self._devices = Devices()
        self._drift = Drift()
        self._alarms: deque[list[Any]] = deque(maxlen=SHOWN_ALARMS)

    def take(self, found: Found, trouble: str = "") -> None:
        """Take in what a look at the source found, or what was wrong with it."""
        with self.changed:
            news = found.rows or found.anew or found.aside
            if not news and (found.waits, trouble) == (self._waits, self.trouble):
                return
            self._waits, self.trouble = found.waits, trouble
            if found.anew:
                self._begin(earlier=found.earlier)
            elif found.rows:
                self._came.append((self._ticks(), len(found.rows)))
                self._forget_what_came()
            self._aside += found.aside
            if found.rows:
                self._take_rows(found.rows)
            self.version += 1
            self.changed.notify_all()

    def _take_rows(self, rows: Sequence[ScoredRow]) -> None:
        places = self._rows + np.arange(len(rows))
        numbers = np.array([(row.score, row.cut) for row in rows])
        alarms = np.array([row.alarm for row in rows])
        self._whole.add(places, numbers[:, 0], alarms, numbers[:, 1])
        for row in rows:
            self._rows += 1
            self._judged += row.judged
            self._recent.add(row.score, row.cut, row.alarm)
            self._whens.append(row.when)
            self._drift.add(row.score)
            if self._named:
                self._devices.add(row)
            if row.alarm:
                self._alarms_n += 1
                told = [row.device, row.when, short(row.score), short(row.cut), row.reason]
                self._alarms.append([self._alarms_n, self._rows, *told])
        self._first_when = self._first_when or rows[0].when
        self._last_at = rows[-1].at

    def wait(self, version: int, seconds: float) -> None:
        """Return when there is more than this version, or after so many seconds."""
        with self.changed:
            self.changed.wait_for(lambda: self.version != version, seconds)

    def status(self) -> dict[str, Any]:
        """Return how the stream is at this moment: the part that changes without rows."""
        with self.changed:
            self._forget_what_came()
            since = min(self._ticks() - self._started, _RATE_SECONDS)
            came = sum(n for _, n in self._came)
            return {
                "waits": self._waits,
                "trouble": self.trouble,
                "age": None if self._last_at is None else max(self._clock() - self._last_at, 0.0),
                "rate": short(came / max(since, 1.0)),
            }

    def _forget_what_came(self) -> None:
        while self._came and self._came[0][0] < self._ticks() - _RATE_SECONDS:
            self._came.popleft()

    def told(self, asked: Asked, seen: tuple[int, int]) -> dict[str, Any]:
        """Return what a browser shows, of alarms those that it has not.

        Parameters
        ----------
        asked : Asked
        seen : tuple of int
            How often the stream had been begun, and how many alarms there were, when it was told last.
        """
        with self.changed:
            known = seen[1] if seen[0] == self._begun else 0
            new = min(self._alarms_n - known, len(self._alarms))
            return {
                "title": self.title,
                "status": self.status(),
                "totals": {
                    "rows": self._rows,
                    "alarms": self._alarms_n,
                    "judged": self._judged,
                    "alpha": self._alpha,
                    "aside": self._aside,
                    "earlier": self._earlier,
                    "since": self._first_when,
                    "devices": len(self._devices) if self._named else None,
                    "forgotten": self._devices.n_forgotten,
                    "most": MOST_DEVICES,
                },
                "drift": self._drift.told(),
                "chart": self._chart(asked),
                "devices": self._devices.listed(asked.order, asked.part, self._clock()),
                "alarms": {
                    "begun": self._begun,
                    "n": self._alarms_n,
                    "most": SHOWN_ALARMS,
                    "new": list(islice(self._alarms, len(self._alarms) - new, None)),
                },
            }

    def _chart(self, asked: Asked) -> dict[str, Any]:
        if asked.device is not None:
            device = self._devices.get(asked.device)
            recent = Recent(1) if device is None else device.recent
            told = {"device": asked.device, "begin": "", "end": "" if device is None else device.when}
            return buckets_of(recent) | told | {"rows": recent.n}
        begin, end = self._first_when, self._whens[-1] if self._whens else ""
        if asked.span == "all":
            buckets = buckets_of_series(self._whole)
        else:
            buckets, begin = buckets_of(self._recent), self._whens[0] if self._whens else ""
        return buckets | {"device": None, "begin": begin, "end": end, "rows": self._rows}
