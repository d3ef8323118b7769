"""Which rows follow each other: by device, in order of time, and not across a gap."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from iotae._typing import Float64, Int64
from iotae._validation import check_times

__all__ = ["Clocked", "Segment", "check_as_fitted", "clocked", "seconds_of", "segments_of"]


class Segment(NamedTuple):
    """Rows that follow each other."""

    rows: Int64
    """Their numbers (m,) in the caller's table, in order of time."""

    places: Float64 | None
    """When they are (m,), in intervals since the first training row; None without times."""


class Clocked(NamedTuple):
    """The times of rows, read."""

    seconds: Float64
    """(n,), since 1970 or whatever the caller counts from."""

    origin: float
    """The first of the training rows."""

    interval: float
    """Usual seconds from one row of a device to its next."""


def clocked(times: ArrayLike, groups: NDArray[Any] | None, n_rows: int) -> Clocked:
    """Read the times of training rows.

    Raises
    ------
    ValueError
        If there is not one time a row, one is missing, or all of a device are equal.
    """
    seconds = seconds_of(times, n_rows)
    steps = [np.diff(np.sort(seconds[rows])) for rows in rows_by_group(groups, n_rows)]
    between = np.concatenate(steps)
    between = between[between > 0]
    if not between.size:
        raise ValueError(
            f"Got {n_rows} rows whose times are all equal, but expected times that go on: pass None for none."
        )
    return Clocked(seconds, float(seconds.min()), float(np.median(between)))


def check_as_fitted(table: Float64, n_features: int, times: ArrayLike | None, had_times: bool) -> None:
    """Refuse rows of another width than in the fit, or times where it had none and the other way round.

    Raises
    ------
    ValueError
    """
    if table.ndim != 2 or table.shape[1] != n_features:
        raise ValueError(
            f"Got a table of shape {table.shape}, but expected (n, {n_features}), as it was fitted on."
        )
    if (times is None) == had_times:
        raise ValueError(
            f"Got {'no times' if times is None else 'times'}, but expected "
            f"{'some' if times is None else 'none'}, as in the fit: pass what the fit had."
        )


def seconds_of(times: ArrayLike, n_rows: int) -> Float64:
    """Return the times of rows as numbers (n,): seconds for dates, else as they are."""
    known = check_times(times, "times")
    dates = known.dtype.kind == "M"
    lost = np.isnat(known) if dates else np.isnan(known)
    if len(known) != n_rows or lost.any():
        raise ValueError(
            f"Got {len(known)} times, {int(lost.sum())} of them missing, for {n_rows} rows, but expected one "
            "for each: leave rows without a time out."
        )
    if dates:
        return np.asarray((known - np.datetime64("1970-01-01")) / np.timedelta64(1, "s"), np.float64)
    return known.astype(np.float64)


def rows_by_group(groups: ArrayLike | None, n_rows: int) -> list[Int64]:
    """Return the rows' numbers device by device, each in the order given.

    Raises
    ------
    ValueError
        If there is not one device a row.
    """
    if groups is None:
        return [np.arange(n_rows)]
    names = np.asarray(groups)
    if names.shape != (n_rows,):
        raise ValueError(f"Got groups of shape {names.shape}, but expected ({n_rows},): one device a row.")
    which = np.unique(names.astype(str), return_inverse=True)[1]
    order = np.argsort(which, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(which[order])) + 1)


def segments_of(
    n_rows: int, groups: ArrayLike | None, clock: Clocked | None, most_gap: float
) -> list[Segment]:
    """Cut rows into segments.

    The rows of a device are put in order of time, equal times in the order given, so that a late row takes
    its place; a gap of more than ``most_gap`` intervals starts a new segment.

    Examples
    --------
    >>> clock = clocked([0, 2, 1, 50, 51], None, 5)
    >>> [segment.rows.tolist() for segment in segments_of(5, None, clock, 10)]
    [[0, 2, 1], [3, 4]]
    """
    segments = []
    for rows in rows_by_group(groups, n_rows):
        if clock is None:
            segments.append(Segment(rows, None))
            continue
        ordered = rows[np.argsort(clock.seconds[rows], kind="stable")]
        places = (clock.seconds[ordered] - clock.origin) / clock.interval
        cuts = np.flatnonzero(np.diff(places) > most_gap) + 1
        segments += map(Segment, np.split(ordered, cuts), np.split(places, cuts))
    return segments
