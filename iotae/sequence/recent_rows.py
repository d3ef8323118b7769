"""The latest rows of a stream, and what they add to the next one: each sensor's mean and its steps."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from math import isnan, log, nan
from threading import RLock
from typing import Any

import numpy as np

from iotae._sharing import Locked
from iotae._typing import Float64, State
from iotae._validation import check_count
from iotae._validation.schema import COUNT, Array, ListOf, Maybe, Number, Record, check, refuse
from iotae.sequence.window_cells import FARTHEST, MEAN, STEPS, number_of, seconds_of
from iotae.stream.names import NAME, is_name, packed_name, unpacked_name

__all__ = ["RECENT_ROWS", "RecentRows"]

_FLOOR = 1e-3
"""Added to the mean square of the steps, as a share of the usual: a stuck sensor has a finite logarithm."""

_HORIZON = 10_000
"""Rows over which the usual steps are remembered."""

_CALM = 32
"""Steps after which one alone moves the usual no more than a hundred usual ones would."""


class RecentRows(Locked):
    """A window of rows in bounded memory, and rows made longer by it.

    A late row, older than one before, is compared with the window and does not enter it. A gap of more than
    ``max_gap`` empties it. Only numbers have a window; other cells are left as they are.

    Parameters
    ----------
    window : int, at least 2
        Rows, the newest included.
    time : hashable, optional
        The feature that holds a row's time: a date, or a number. By default rows follow each other.
    max_gap : float, optional
        In seconds, or in the unit of the times.
    most : int
        Features at most that have a window; the one not seen for longest leaves.

    Attributes
    ----------
    n_late : int
        Late rows.

    Examples
    --------
    >>> from iotae.sequence.window_cells import MEAN
    >>> recent = RecentRows(window=3)
    >>> for level in (1.0, 2.0, 6.0):
    ...     recent.push({"level": level})
    >>> recent.extended({"level": 7.0})["level", MEAN]
    5.0
    """

    def __init__(
        self,
        window: int,
        time: Hashable = None,
        max_gap: float | None = None,
        most: int = 512,
    ) -> None:
        super().__init__()
        self.window = check_count("window", window, 2)
        if max_gap is not None and (time is None or not max_gap > 0):
            raise ValueError(
                f"Got max_gap={max_gap!r} with time={time!r}, but expected a positive number, and the name "
                "of the feature that holds the time."
            )
        self.time, self.max_gap, self.most = time, max_gap, check_count("max_features", most)
        self.n_late, self.n_rows, self._latest = 0, 0, nan
        self._names: dict[Hashable, int] = {}
        self._resize(0)

    def _resize(self, width: int) -> None:
        past = self.window - 1
        self._rows: Float64 = np.full((past, width), np.nan)
        self._steps: Float64 = np.full((past, width), np.nan)
        self._usual: Float64 = np.zeros((3, width))

    @property
    def held(self) -> RLock:
        """The lock, for a caller who does more than one thing at once."""
        return self._lock

    def _is_late(self, now: float) -> bool:
        return now < self._latest

    def _is_apart(self, now: float) -> bool:
        return self.max_gap is not None and now - self._latest > self.max_gap

    def extended(self, x: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """The row with two more features for each number in it; changes nothing."""
        row = dict(x)
        apart = self.time is not None and self._is_apart(seconds_of(x.get(self.time)))
        values = {name: number_of(value) for name, value in x.items() if name != self.time}
        known = [name for name, value in values.items() if name in self._names and not isnan(value)]
        if known and not apart:
            places = [self._names[name] for name in known]
            self._derive(row, known, places, np.array([values[name] for name in known]))
        for name, value in values.items():
            if not isnan(value):
                row.setdefault((name, MEAN), value)
                row.setdefault((name, STEPS), 0.0)
        return row

    def _derive(
        self, row: dict[Hashable, Any], known: list[Hashable], places: list[int], values: Float64
    ) -> None:
        past, steps = self._rows[:, places], self._steps[:, places]
        here, moved = ~np.isnan(past), ~np.isnan(steps)
        mean = (np.where(here, past, 0.0).sum(axis=0) + values) / (here.sum(axis=0) + 1)
        last = np.square(values - past[-1])
        counted = ~np.isnan(last)
        total = np.where(moved, steps, 0.0).sum(axis=0) + np.where(counted, last, 0.0)
        square = total / np.maximum(moved.sum(axis=0) + counted, 1)
        usual = self._usual[0, places]
        parts = zip(known, mean.tolist(), square.tolist(), usual.tolist(), strict=True)
        for name, centre, moves, normal in parts:
            row.setdefault((name, MEAN), centre)
            row.setdefault((name, STEPS), log(moves / normal + _FLOOR) if normal > 0.0 else 0.0)

    def push(self, x: Mapping[Hashable, Any]) -> None:
        """Take a row into the window."""
        now = nan if self.time is None else seconds_of(x.get(self.time))
        if self._is_late(now):
            self.n_late += 1
            return
        if self._is_apart(now):
            self._rows[:], self._steps[:] = np.nan, np.nan
        self._latest = self._latest if isnan(now) else now
        self.n_rows += 1
        values = {name: number_of(x[name]) for name in x if name != self.time and is_name(name)}
        self._take_in([name for name, value in values.items() if not isnan(value)])
        cells = np.full(len(self._names), np.nan)
        for name, value in values.items():
            if name in self._names and not isnan(value):
                cells[self._names[name]] = value
        self._remember(cells)

    def _take_in(self, names: list[Hashable]) -> None:
        """Give features a place; those not seen for longest make room."""
        new = sorted((name for name in names if name not in self._names), key=repr)[: self.most]
        if not new:
            return
        seen = self._usual[2]
        by_age = sorted(self._names, key=lambda name: (seen[self._names[name]], repr(name)))
        left_out = set(by_age[: max(len(by_age) + len(new) - self.most, 0)])
        kept = [name for name in self._names if name not in left_out]
        places = [self._names[name] for name in kept]
        before = self._rows[:, places], self._steps[:, places], self._usual[:, places]
        self._resize(len(kept) + len(new))
        for mine, old in zip((self._rows, self._steps, self._usual), before, strict=True):
            mine[:, : len(kept)] = old
        self._names = {name: place for place, name in enumerate([*kept, *new])}

    def _remember(self, cells: Float64) -> None:
        step = np.square(cells - self._rows[-1]) if len(self._rows) else cells
        usual, counts, seen = self._usual
        moved = ~np.isnan(step)
        most = np.where(counts >= _CALM, 100.0 * usual, np.inf)
        counts[moved] = np.minimum(counts[moved] + 1.0, _HORIZON)
        usual[moved] += (np.minimum(step, most)[moved] - usual[moved]) / counts[moved]
        seen[~np.isnan(cells)] = self.n_rows
        for ring, newest in ((self._rows, cells), (self._steps, step)):
            ring[:-1] = ring[1:]
            ring[-1] = newest

    def to_state(self) -> State:
        """Everything needed to go on, as arrays, numbers and text."""
        return {
            "names": [packed_name(name) for name in self._names],
            "rows": self._rows.copy(),
            "steps": self._steps.copy(),
            "usual": self._usual.copy(),
            "n_rows": self.n_rows,
            "n_late": self.n_late,
            "latest": None if isnan(self._latest) else self._latest,
        }

    def restore(self, data: State) -> RecentRows:
        """Go on from :meth:`to_state`, which raises ``StateError`` if it is none of such a window."""
        check(data, RECENT_ROWS)
        if data["rows"].shape[0] != self.window - 1 or len(data["names"]) > self.most:
            raise refuse(
                data["rows"], "recent.rows", f"{self.window - 1} rows of {self.most} features at most"
            )
        self._names = {unpacked_name(name): place for place, name in enumerate(data["names"])}
        self._rows, self._steps, self._usual = data["rows"], data["steps"], data["usual"]
        self.n_rows, self.n_late = data["n_rows"], data["n_late"]
        self._latest = nan if data["latest"] is None else data["latest"]
        return self


def _check_width(data: State, place: str) -> None:
    names = [unpacked_name(name) for name in data["names"]]
    if len(set(names)) != data["usual"].shape[1] or len(names) != len(set(names)):
        raise refuse(names, f"{place}names", f"{data['usual'].shape[1]} different names")


_SQUARE = 5.0 * FARTHEST * FARTHEST

RECENT_ROWS = Record(
    {
        "names": ListOf(NAME),
        "rows": Array(np.float64, "past", "windowed features", low=-FARTHEST, high=FARTHEST, missing=True),
        "steps": Array(np.float64, "past", "windowed features", low=0.0, high=_SQUARE, missing=True),
        "usual": Array(
            np.float64, 3, "windowed features", low=0.0, high=[[_SQUARE], [float(_HORIZON)], [float(2**53)]]
        ),
        "n_rows": COUNT,
        "n_late": COUNT,
        "latest": Maybe(Number(-FARTHEST, FARTHEST)),
    },
    (_check_width,),
)
"""What the state of such a window must look like."""
