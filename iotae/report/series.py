"""Scores over a file of any length in bounded memory: buckets of rows, each with its extremes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from iotae._typing import Bool, Float64, Int64

__all__ = ["MOST_BUCKETS", "Episode", "Series"]

MOST_BUCKETS = 512
"""Buckets of a series at most: more than a chart is wide in points on a phone. An even number."""

_APART = 10
"""Rows of a device without an alarm after which the next alarm is a new event."""


@dataclass
class Episode:
    """Alarms of a device that follow each other: rows by number from 1, and the highest score of them."""

    group: str
    first: int
    last: int
    alarms: int
    peak: float
    peak_row: int
    reason: str
    begin: str
    """The time of the first row as it was written, empty where there is none."""


class Series:
    """One device's scores: highest, lowest and latest cut by bucket of rows, and its latest event.

    Parameters
    ----------
    group : str
        The device; empty for a file without devices.

    Examples
    --------
    >>> series = Series("a")
    >>> places = np.arange(5000)
    >>> series.add(places, places / 5000, places == 7, np.full(5000, 0.9))
    >>> series.width, series.rows, series.alarms, float(series.highest[:500].max())
    (16, 5000, 1, 0.9998)
    """

    def __init__(self, group: str) -> None:
        self.group = group
        self.width = 1
        self.rows = self.alarms = 0
        self.peak = -np.inf
        self.lowest = np.full(MOST_BUCKETS, np.inf)
        self.highest = np.full(MOST_BUCKETS, -np.inf)
        self.cuts = np.full(MOST_BUCKETS, np.nan)
        self.alarms_of = np.zeros(MOST_BUCKETS, np.int64)
        self.episode: Episode | None = None

    def add(self, places: Int64, scores: Float64, alarms: Bool, cuts: Float64) -> None:
        """Take rows in: their places (n,) in the file from 0, scores, alarms, and cuts or NaN."""
        if not places.size:
            return
        while places[-1] >= MOST_BUCKETS * self.width:
            self._halve()
        buckets = places // self.width
        known = ~np.isnan(scores)
        np.maximum.at(self.highest, buckets[known], scores[known])
        np.minimum.at(self.lowest, buckets[known], scores[known])
        np.add.at(self.alarms_of, buckets, alarms)
        told = ~np.isnan(cuts)
        self.cuts[buckets[told]] = cuts[told]
        self.rows += places.size
        self.alarms += int(alarms.sum())
        self.peak = max(self.peak, float(scores[known].max(initial=-np.inf)))

    def _halve(self) -> None:
        """Make one bucket of two."""
        self.width *= 2
        half = MOST_BUCKETS // 2
        self.highest[:half] = self.highest.reshape(-1, 2).max(axis=1)
        self.lowest[:half] = self.lowest.reshape(-1, 2).min(axis=1)
        self.alarms_of[:half] = self.alarms_of.reshape(-1, 2).sum(axis=1)
        pairs = self.cuts.reshape(-1, 2)
        self.cuts[:half] = np.where(np.isnan(pairs[:, 1]), pairs[:, 0], pairs[:, 1])
        self.highest[half:], self.lowest[half:] = -np.inf, np.inf
        self.alarms_of[half:], self.cuts[half:] = 0, np.nan

    def note_alarm(self, event: Episode) -> Episode | None:
        """Take an alarm in, as an event of one row; the earlier event, if this alarm ends it."""
        now = self.episode
        if now is None or event.first - now.last > _APART:
            self.episode = event
            return now
        now.last, now.alarms = event.last, now.alarms + 1
        if event.peak > now.peak:
            now.peak, now.peak_row, now.reason = event.peak, event.peak_row, event.reason
        return None
