"""The views of which the oddest counts: each sensor by itself, and the clock, by how rare a value is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from iotae._typing import Bool, Float32, Float64, State
from iotae.batch.tail_calibration import TailCalibration
from iotae.sequence.clock import ClockView
from iotae.sequence.sensor_view import KINDS, SensorView
from iotae.sequence.window_view import USUAL

__all__ = ["Part", "SingleViews"]

_WEIGHT = 0.5
"""Weight of the oddest single view beside the window as a whole."""

_UNIT = -np.log(1.0 - USUAL)
"""The rarity of one row in a hundred, in nats."""


class Part(NamedTuple):
    """A segment, scaled, with where its rows are in time."""

    rows: Float32
    """Scaled rows (m, d), 0 for missing cells."""

    raw: Float64
    """The rows as they came."""

    places: Float64
    """When they are (m,), in intervals."""


class SingleViews:
    """What the oddest of several views adds to a row's score.

    Parameters
    ----------
    sensors : SensorView
    clock : ClockView or None
        Both fitted.
    """

    def __init__(self, sensors: SensorView, clock: ClockView | None) -> None:
        self.sensors, self.clock = sensors, clock
        self._tails: list[TailCalibration] = []

    def fit(self, parts: Sequence[Part]) -> SingleViews:
        """Learn from the training rows how rare a value of each view is."""
        found = np.concatenate([self._largest(self._odd(part)) for part in parts], axis=1)
        self._tails = [TailCalibration().fit(values) for values in found]
        return self

    def _odd(self, part: Part) -> Float64:
        """What each sensor shows in each view (3 or 4, n, d)."""
        ratios = self.sensors.ratios(part.rows, part.raw)
        if self.clock is None:
            return ratios
        return np.concatenate([ratios, self.clock.squares(part.rows, part.places)[None]])

    def _largest(self, odd: Float64) -> Float64:
        """One value of each view for each row (3 or 4, n): of the farthest sensor, and of the clock's all."""
        found: Float64 = odd[: len(KINDS)].max(axis=2)
        return found if self.clock is None else np.concatenate([found, odd[len(KINDS) :].sum(axis=2)])

    def _heights(self, odd: Float64) -> Float64:
        """The rarity of each view's value, in units of what one row in a hundred has: (3 or 4, n)."""
        values = self._largest(odd)
        heights = np.stack([tail(row) for tail, row in zip(self._tails, values, strict=True)])
        scaled: Float64 = heights * (_WEIGHT / _UNIT)
        return scaled

    def score(self, part: Part) -> Float64:
        """What the oddest view adds to the score (n,)."""
        largest: Float64 = self._heights(self._odd(part)).max(axis=0)
        return largest

    def shares(self, part: Part) -> Float64:
        """The same by feature (n, d): of one sensor, or of all that the clock finds off."""
        odd = self._odd(part)
        heights = self._heights(odd)
        which, rows = heights.argmax(axis=0), np.arange(len(part.rows))
        shares = np.where(which[:, None] == len(KINDS), odd[-1], 0.0)
        alone: Bool = which < len(KINDS)
        guilty = odd[which, rows].argmax(axis=1)
        shares[alone, guilty[alone]] = 1.0
        total = shares.sum(axis=1, keepdims=True)
        even = np.full_like(shares, 1.0 / shares.shape[1])
        shares = np.where(total > 0.0, shares / np.maximum(total, 1e-300), even)
        blamed: Float64 = shares * heights.max(axis=0)[:, None]
        return blamed

    def steps(self, part: Part, row: int, window: int) -> Float64:
        """Share of each step around a row in its score (2 window - 1, d): those of its window alike."""
        steps = np.zeros((2 * window - 1, part.rows.shape[1]))
        first = window - 1 - min(window // 2, row)
        last = window - 1 + min((window + 1) // 2, len(part.rows) - row)
        steps[first:last] = self.shares(part)[row] / (last - first)
        return steps

    def to_state(self) -> State:
        """Everything, as arrays and numbers."""
        return {
            "sensors": self.sensors.to_state(),
            "clock": None if self.clock is None else self.clock.to_state(),
            "tails": [tail.to_state() for tail in self._tails],
        }

    @classmethod
    def from_state(cls, window: int, seed: int, data: State) -> SingleViews:
        """Rebuild from :meth:`to_state`, of a state that is as a model's schema says."""
        clock = None if data["clock"] is None else ClockView.from_state(window, data["clock"])
        views = cls(SensorView.from_state(window, seed, data["sensors"]), clock)
        views._tails = [TailCalibration.from_state(tail) for tail in data["tails"]]
        return views
