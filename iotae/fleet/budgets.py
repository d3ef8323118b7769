"""A budget of alarms for a whole fleet, of which one device has half at most."""

from __future__ import annotations

import copy
from collections import OrderedDict

import numpy as np

from iotae._typing import State
from iotae._validation.schema import COUNT, Array, Record
from iotae.fleet.clock import FleetClock
from iotae.thresholds import AlertBudget

__all__ = ["FleetBudget"]

_DAY = 86_400.0
_FARTHEST = 1e15


class FleetBudget:
    """Which rows of a fleet are alarms where there is a budget of them.

    An alarm is a row above the fleet's cut, among the rarest that the budget allows for. A device has half of
    the budget at most (and one alarm at least) in a day, or so many rows. Of its rows above the cut only as
    many count as it may have alarms, the highest ones; others count as usual rows, so that a device that is
    odd all the time does not make it harder for others. A fleet of one device has the whole budget.

    Parameters
    ----------
    budget : AlertBudget
        It is copied.
    cut : float
        The fleet's cut.

    Attributes
    ----------
    n_over : int
        Rows above the fleet's cut that raised no alarm because of the budget.
    """

    SCHEMA = Record(
        {
            "budget": AlertBudget.SCHEMA,
            "devices": Array(np.int64, "highest", low=0),
            "at": Array(np.float64, "highest", low=0.0, high=_FARTHEST),
            "scores": Array(np.float64, "highest", low=0.0, high=1.0),
            "alarms": Array(np.int64, "highest", low=0, high=1),
            "clock": FleetClock.SCHEMA,
            "n_over": COUNT,
        }
    )

    def __init__(self, budget: AlertBudget, cut: float) -> None:
        self.budget, self._cut = copy.deepcopy(budget), cut
        self.n_over = 0
        self._clock, self._share = FleetClock(), max(1, budget.alerts // 2)
        # of each device that was above the cut lately, the latest one last: when, how high, and if an alarm
        self._highest: OrderedDict[int, list[tuple[float, float, bool]]] = OrderedDict()

    @property
    def cut(self) -> float:
        """The present cut of a device that has not had its share; infinity while the budget is spent."""
        return max(self._cut, self.budget.threshold)

    def cut_of(self, device: int, n_devices: int, moment: float | None) -> float:
        """The cut of a row of a device of a fleet of so many; nothing changes."""
        at = self._now(device, moment)
        if at is None or not self._allows(1.0, at):
            return float("inf")
        least = self._least(self._lately(device, at), n_devices)
        return max(least, self.budget._window.cut(self.budget.level))

    def take(self, device: int, n_devices: int, score: float, moment: float | None) -> bool:
        """Whether a row is an alarm, which is then taken from the budget."""
        at = self._now(device, moment)
        self._clock.note(device, moment)
        if at is None:
            self.n_over += score > self._cut
            return False
        lately = self._lately(device, at)
        counts = score > self._least(lately, n_devices)
        # at the fleet's cut a row is one of many that are alike, and no candidate
        shown = score if counts else self._cut
        alarm = self._allows(shown, at)
        self.budget.update(shown, None if self.budget.per_day is None else at)
        if counts:
            lately = [*lately, (at, score, alarm)]
            least = sorted(one[1] for one in lately)[-self._share :][0]
            self._highest[device] = [one for one in lately if one[2] or one[1] >= least]
            self._highest.move_to_end(device)
            while at - next(iter(self._highest.values()))[-1][0] >= self._span:
                self._highest.popitem(last=False)
        self.n_over += score > self._cut and not alarm
        return alarm

    @property
    def _span(self) -> float:
        return _DAY if self.budget.per_day is not None else float(self.budget.rows)

    def _lately(self, device: int, at: float) -> list[tuple[float, float, bool]]:
        """The rows of a device that counted within the last day, or rows."""
        return [one for one in self._highest.get(device, ()) if at - one[0] < self._span]

    def _least(self, lately: list[tuple[float, float, bool]], n_devices: int) -> float:
        """What the next row of a device must be above to count."""
        if n_devices == 1 or len(lately) < self._share:
            return self._cut
        if sum(alarm for _, _, alarm in lately) >= self._share:
            return float("inf")
        return sorted(score for _, score, _ in lately)[-self._share]

    def _now(self, device: int, moment: float | None) -> float | None:
        """Seconds, or rows where the budget is one of rows; None before any row has told a time."""
        if self.budget.per_day is None:
            return float(self.budget._n_rows)
        at, median = self._clock.after(device, moment)
        return None if median is None else at

    def _allows(self, score: float, at: float) -> bool:
        return bool(self.budget.classify(score, None if self.budget.per_day is None else at))

    def to_state(self) -> State:
        """Everything needed to continue."""
        rows = [(device, *one) for device, held in self._highest.items() for one in held]
        devices, at, scores, alarms = zip(*rows, strict=True) if rows else ((), (), (), ())
        return {
            "budget": self.budget.to_state(),
            "devices": np.array(devices, np.int64),
            "at": np.array(at, np.float64),
            "scores": np.array(scores, np.float64),
            "alarms": np.array(alarms, np.int64),
            "clock": self._clock.to_state(),
            "n_over": self.n_over,
        }

    @classmethod
    def from_state(cls, data: State, cut: float) -> FleetBudget:
        """Rebuild from :meth:`to_state`, of a state that is as :attr:`SCHEMA` says."""
        restored = cls(AlertBudget.from_state(data["budget"]), cut)
        restored.n_over, restored._clock = data["n_over"], FleetClock.from_state(data["clock"])
        columns = [data[name].tolist() for name in ("devices", "at", "scores", "alarms")]
        for device, at, score, alarm in zip(*columns, strict=True):
            restored._highest.setdefault(device, []).append((at, score, bool(alarm)))
        return restored
