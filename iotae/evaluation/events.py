"""Anomalies that last: which events were caught, how late, and with how many false alarms."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from iotae._typing import Bool, Float64, Int64
from iotae._validation import check_labels, check_same_length, check_times

__all__ = ["Events", "anomaly_ranges", "find_events", "runs_of"]


@dataclass(frozen=True, eq=False)
class Events:
    """How alarms and events go together; see :func:`find_events`.

    Parameters
    ----------
    ranges : ndarray of int64, shape (k, 2)
        First row of each event, and the row after its last.
    delays : ndarray of float64, shape (k,)
        From an event's first row to its first alarm; NaN for an event that was missed.
    false_alarms : int
        Rows outside all events that raised an alarm.
    false_episodes : int
        Runs of consecutive alarms that overlap no event: how often somebody was called in vain.
    """

    ranges: Int64
    delays: Float64
    false_alarms: int
    false_episodes: int

    @property
    def n(self) -> int:
        """Number of events."""
        return len(self.ranges)

    @property
    def n_caught(self) -> int:
        """Number of events with at least one alarm."""
        return int(np.sum(~np.isnan(self.delays)))

    @property
    def recall(self) -> float:
        """Share of events caught; 0.0 without an event."""
        return self.n_caught / self.n if self.n else 0.0

    @property
    def precision(self) -> float:
        """Events caught among events caught and false episodes; 0.0 without an alarm."""
        calls = self.n_caught + self.false_episodes
        return self.n_caught / calls if calls else 0.0

    @property
    def mean_delay(self) -> float:
        """Mean delay of the events caught; NaN if none was."""
        return float(np.nanmean(self.delays)) if self.n_caught else float("nan")

    @property
    def median_delay(self) -> float:
        """Median delay of the events caught; NaN if none was."""
        return float(np.nanmedian(self.delays)) if self.n_caught else float("nan")


def anomaly_ranges(y: ArrayLike) -> Int64:
    """Return first row and the row after the last of each run of ones, shape (k, 2), in order.

    Parameters
    ----------
    y : array-like of shape (n,)
        0 and 1, or booleans.

    Raises
    ------
    ValueError
        If y is empty, not one-dimensional, or holds anything but 0 and 1.

    Examples
    --------
    >>> anomaly_ranges([0, 1, 1, 0, 1]).tolist()
    [[1, 3], [4, 5]]
    """
    return runs_of(check_labels(y))


def runs_of(mask: Bool) -> Int64:
    """Return :func:`anomaly_ranges` of a boolean mask (n,) that has been checked."""
    edges = np.diff(mask.astype(np.int8), prepend=0, append=0)
    return np.flatnonzero(edges).reshape(-1, 2)


def find_events(y: ArrayLike, predicted: ArrayLike, *, time: ArrayLike | None = None) -> Events:
    """Judge alarms by events: an event is a run of consecutive anomalous rows, caught by any alarm within it.

    There is no point adjustment: the other rows of a caught event do not count as found. The delay is the
    time from an event's start to its first alarm. Long events may be caught by chance, so read the false
    episodes beside the recall.

    Parameters
    ----------
    y : array-like of shape (n,)
        Labels in order of time, 1 for an anomaly and 0 for a normal row.
    predicted : array-like of shape (n,)
        Alarms, 0 or 1.
    time : array-like of shape (n,), optional
        Time of each row, not falling; delays between dates (with a time zone or without) and between
        durations are in seconds, between numbers in their unit. By default delays count rows.

    Returns
    -------
    Events

    Raises
    ------
    ValueError
        If lengths differ, input is empty, a value is neither 0 nor 1, or ``time`` falls or is
        neither date, duration nor number.

    Examples
    --------
    >>> found = find_events([0, 1, 1, 1, 0, 0, 1, 0], [0, 0, 1, 1, 0, 1, 0, 0])
    >>> found.n, found.n_caught, found.delays.tolist(), found.false_episodes
    (2, 1, [1.0, nan], 1)
    """
    truth, alarm = check_labels(y), check_labels(predicted, "predicted")
    clock = np.arange(truth.size) if time is None else check_times(time)
    check_same_length(y=truth, predicted=alarm, time=clock)
    if clock.dtype.kind == "M":
        clock = (clock - clock[0]) / np.timedelta64(1, "s")
    if not (np.diff(clock) >= 0).all():
        raise ValueError(
            "Got a time that falls or is missing, but expected rows in order of time: sort them."
        )
    ranges = runs_of(truth)
    alarms = np.flatnonzero(alarm)
    # The first alarm at or after an event's start is its own if it comes before the event's end.
    first = np.append(alarms, truth.size)[np.searchsorted(alarms, ranges[:, 0])]
    caught = first < ranges[:, 1]
    delays = np.full(len(ranges), np.nan)
    delays[caught] = clock[first[caught]] - clock[ranges[caught, 0]]
    touching = np.append(0, np.cumsum(truth))[runs_of(alarm)]
    return Events(
        ranges=ranges,
        delays=delays,
        false_alarms=int(np.sum(alarm & ~truth)),
        false_episodes=int(np.sum(touching[:, 0] == touching[:, 1])),
    )
