"""What a file of scored rows says, collected chunk by chunk in bounded memory."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Sequence
from itertools import count
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from iotae._typing import Bool, Float64, Int64
from iotae.data import Table
from iotae.report.quality import Quality
from iotae.report.series import Episode, Series

__all__ = ["MOST_EVENTS", "MOST_GROUPS", "Findings", "Rows"]

MOST_GROUPS = 200
"""Devices with a series of their own; those that come later share one."""

MOST_EVENTS = 100
"""Events that are kept: those with the highest scores."""

_OTHERS = "all other devices"


class Rows(NamedTuple):
    """What a chunk of n rows was scored as; text that is not there is empty, a cut or score NaN."""

    scores: Float64
    alarms: Bool
    cuts: Float64
    reasons: NDArray[np.object_]
    groups: NDArray[np.object_]
    times: NDArray[np.object_]
    anomalies: Bool | None = None
    """What the rows are labelled, if they are."""


class Findings:
    """What there is to tell of scored rows.

    Parameters
    ----------
    columns : sequence of str
        The columns that reasons may name.

    Attributes
    ----------
    rows, alarms, judged, unscored : int
        All rows, alarms, rows that could have been one, and rows without a score.
    whole : Series
    series : dict of str to Series
        By device, in the order in which they came.
    leads, named : Counter of str
        How many alarms a column is the first reason of, and one of the reasons.
    confusion : array (2, 2) of int or None
        Rows by label (anomaly, normal) and alarm (yes, no).
    quality : Quality

    Examples
    --------
    >>> findings = Findings(["watts"])
    >>> blank = np.array(["", ""], object)
    >>> reasons = np.array(["", "watts 71, expected about 35 (90 %)"], object)
    >>> cuts = np.array([0.5, 0.5])
    >>> findings.add(Rows(np.array([0.1, 0.9]), np.array([False, True]), cuts, reasons, blank, blank))
    >>> findings.alarms, dict(findings.leads), findings.events()[0].peak_row
    (1, {'watts': 1}, 2)
    """

    def __init__(self, columns: Sequence[str]) -> None:
        # the longest first, as one name may begin with another
        self._columns = sorted(columns, key=len, reverse=True)
        self.rows = self.alarms = self.judged = self.unscored = 0
        self.begin = self.end = ""
        self.has_reasons = False
        self.whole = Series("")
        self.series: dict[str, Series] = {}
        self.n_shared = 0
        self.leads: Counter[str] = Counter()
        self.named: Counter[str] = Counter()
        self.n_events = 0
        self.confusion: Int64 | None = None
        self.quality = Quality()
        self._kept: list[tuple[float, int, Episode]] = []
        self._number = count()
        self._shared_names: set[str] = set()

    def add(self, rows: Rows, cells: Table | None = None) -> None:
        """Take a chunk in, with the cells that the scores are of."""
        n = rows.scores.size
        if cells is not None:
            self.quality.add(cells)
        if not n:
            return
        places = self.rows + np.arange(n)
        self.whole.add(places, rows.scores, rows.alarms, rows.cuts)
        names, which = np.unique(rows.groups, return_inverse=True)
        for i, name in enumerate(names.tolist()):
            here = np.flatnonzero(which == i)
            self._series_of(name).add(places[here], rows.scores[here], rows.alarms[here], rows.cuts[here])
        for i in np.flatnonzero(rows.alarms).tolist():
            self._note_alarm(int(places[i]) + 1, i, rows)
        if rows.anomalies is not None:
            labels = (rows.anomalies, ~rows.anomalies)
            told = (rows.alarms, ~rows.alarms)
            table = np.array([[int((one & other).sum()) for other in told] for one in labels])
            self.confusion = table if self.confusion is None else self.confusion + table
        self.begin = self.begin or next((time for time in rows.times.tolist() if time), "")
        self.end = next((time for time in rows.times[::-1].tolist() if time), self.end)
        self.rows += n
        self.alarms += int(rows.alarms.sum())
        unscored = int(np.isnan(rows.scores).sum())
        self.unscored += unscored
        # of a file with cuts, the rows before there is one could not be alarms
        self.judged += int((~np.isnan(rows.cuts)).sum()) if self._has_cuts(rows) else n - unscored

    def _has_cuts(self, rows: Rows) -> bool:
        return bool((~np.isnan(rows.cuts)).any()) or bool((~np.isnan(self.whole.cuts)).any())

    def _series_of(self, group: str) -> Series:
        if group not in self.series and len(self.series) >= MOST_GROUPS:
            if len(self._shared_names) < 100_000:
                self._shared_names.add(group)
            self.n_shared = len(self._shared_names)
            group = _OTHERS
        return self.series.setdefault(group, Series(group))

    def _note_alarm(self, row: int, i: int, rows: Rows) -> None:
        reason, group = str(rows.reasons[i]), str(rows.groups[i])
        if reason:
            self.has_reasons = True
            columns = list(dict.fromkeys(filter(None, map(self._column_of, reason.split("; ")))))
            self.leads.update(columns[:1])
            self.named.update(columns)
        score = float(rows.scores[i])
        event = Episode(group, row, row, 1, score, row, reason, str(rows.times[i]))
        ended = self._series_of(group).note_alarm(event)
        if ended is not None:
            self._keep(ended)

    def _column_of(self, reason: str) -> str | None:
        """The column that a reason begins with."""
        return next((name for name in self._columns if reason.startswith(f"{name} ")), None)

    def _keep(self, event: Episode) -> None:
        self.n_events += 1
        entry = (event.peak, -next(self._number), event)
        if len(self._kept) < MOST_EVENTS:
            heapq.heappush(self._kept, entry)
        else:
            heapq.heappushpop(self._kept, entry)

    def events(self) -> list[Episode]:
        """End the events under way, and return those with the highest scores, in the order of the rows."""
        for series in self.series.values():
            if series.episode is not None:
                self._keep(series.episode)
                series.episode = None
        return sorted((event for _, _, event in self._kept), key=lambda event: event.first)
