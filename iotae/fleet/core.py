"""Many devices in one stream: each row goes to its device's model, and scores compare across devices."""

from __future__ import annotations

import copy
import os
from collections.abc import Hashable, Iterator, Mapping
from typing import Any, TypeVar

import numpy as np

from iotae._typing import State
from iotae._validation import check_count
from iotae._validation.moments import moment_of
from iotae.data.device_keys import check_has_key
from iotae.data.frames import frame_rows
from iotae.fleet.budgets import FleetBudget
from iotae.fleet.devices import Entry, Row
from iotae.fleet.mode import Mode
from iotae.fleet.register import Register
from iotae.fleet.residents import Residents
from iotae.fleet.store import Store
from iotae.fleet.told import Told
from iotae.stream.blocks import Judged
from iotae.thresholds import AlertBudget

__all__ = ["FleetOf"]

T = TypeVar("T")


class FleetOf(Told[T]):
    """A fleet whose devices are modelled in a given way; :class:`iotae.fleet.Fleet` says what callers see."""

    def __init__(
        self,
        mode: Mode[T],
        key: Hashable,
        time: Hashable | None,
        warm_start: bool,
        max_in_memory: int,
        store: str | os.PathLike[str] | None,
        max_devices: int = 100_000,
        budget: AlertBudget | None = None,
    ) -> None:
        super().__init__()
        check_count("max_in_memory", max_in_memory, 1)
        self.key, self.time, self.warm_start = key, time, bool(warm_start)
        self.max_in_memory, self.store = int(max_in_memory), store
        self.max_devices = check_count("max_devices", max_devices, 1)
        self.n_keyless = self.n_timeless = self.n_rejected = self.n_unusable = 0
        self._mode = mode
        self._known = Register(self.max_devices)
        self._budget: FleetBudget | None = None
        self.budget = budget
        self._open(Store(store))

    def _open(self, store: Store) -> None:
        self._residents: Residents[T] = Residents(
            self._mode.pack, self._mode.unpack, self.max_in_memory, store
        )

    # -- rows ---------------------------------------------------------------------------------

    def _older(self, row: Row) -> T | None:
        """The device that a newcomer with such a row takes over from: the first mature one of its kind."""
        if self.warm_start:
            for entry in self._known.elders_of(row):
                if entry.n_rows >= self._mode.mature:
                    return self._residents[entry.number]
        return None

    def _device(self, key: Hashable, row: Row) -> T:
        """A device to be looked at; what is made for one that is not known is not kept."""
        entry = self._known.get(key)
        return self._mode.newcomer(self._older(row)) if entry is None else self._residents[entry.number]

    def _admitted(self, key: Hashable, row: Row) -> tuple[Entry, T]:
        """A device that is to learn a row."""
        entry = self._known.get(key)
        if entry is not None:
            self._known.move_to_end(key)
            return entry, self._residents[entry.number]
        device = self._mode.newcomer(self._older(row))
        number = self._known.next_number
        # first what may fail, as the store does where the disk is full
        self._residents[number] = device
        self._known.leave()
        return self._known.add(key, row, number), device

    def _judge(self, x: Mapping[Hashable, Any], told: float | None = None) -> tuple[float, bool, Entry]:
        """Score a row, judge it (by the score that was ``told``, if one was) and learn it."""
        key, row = self._split(x)
        entry, device = self._admitted(key, row)
        before = self._mode.set_aside(device)
        score = self._mode.judge(device, row)
        after = self._mode.set_aside(device)
        self.n_rejected += after[0] - before[0]
        self.n_unusable += after[1] - before[1]
        score = score if told is None else told
        entry.n_rows += 1
        if key is None:
            self.n_keyless += 1
        moment = None
        if self.time is not None:
            moment = moment_of(row.get(self.time))
            if moment is None:
                self.n_timeless += 1
            else:
                entry.rhythm.note(moment)
        if self._budget is not None:
            return score, self._budget.take(entry.came, len(self._known), score, moment), entry
        return score, score > self._mode.threshold, entry

    # -- what callers see ---------------------------------------------------------------------

    def score_one(self, x: Mapping[Hashable, Any]) -> float:
        """Anomaly score of a row in [0, 1), on the scale of its own device's scores; changes nothing."""
        with self._lock:
            key, row = self._split(x)
            return self._mode.score(self._device(key, row), row)

    def learn_one(self, x: Mapping[Hashable, Any]) -> None:
        """Let the row's device learn it."""
        with self._lock:
            self._judge(x)

    def score_learn_one(
        self, x: Mapping[Hashable, Any], answer: bool | int | str | None = None
    ) -> tuple[float, bool]:
        """Score a row, judge it and learn it: the score, and whether it is an alarm.

        An operator's ``answer`` to the row is taken when it has been judged, as by :meth:`confirm_one`, whose
        errors it may raise; then nothing was learned.
        """
        with self._lock:
            told = None if answer is None else self.score_one(x)
            if answer is not None:
                self.confirm_one(x, answer)
            score, alarm, entry = self._judge(x, told)
            entry.n_alarms += alarm
            return score, alarm

    def _rows(self, rows: Any) -> Iterator[Row]:
        check_has_key(rows, self.key)
        return frame_rows(rows)

    def learn_many(self, rows: Any) -> None:
        """Learn the rows of a data frame or a list of dicts in order, the same as row by row."""
        for x in self._rows(rows):
            self.learn_one(x)

    def score_many(self, rows: Any) -> Any:
        """Scores (n,) of the rows of a data frame or a list of dicts; changes nothing."""
        return np.array([self.score_one(x) for x in self._rows(rows)], np.float64)

    def score_learn_many(self, rows: Any) -> Judged:
        """Score, judge and learn rows of a data frame or a list of dicts in order, the same as row by row.

        Returns
        -------
        Judged
            ``scores``, the ``thresholds`` that they were compared with (infinite while a device may not raise
            an alarm yet), and ``alarms``, each (n,).
        """
        judged = [(self.threshold_of(x), *self.score_learn_one(x)) for x in self._rows(rows)]
        cuts, scores, alarms = zip(*judged, strict=True) if judged else ((), (), ())
        return Judged(np.array(scores, np.float64), np.array(cuts, np.float64), np.array(alarms, bool))

    @property
    def threshold(self) -> float:
        """The cut of all devices: a device's scores are measured by its own, so that it is always the same.

        With a budget it is what the budget allows for now, of a device that has not had its share; infinity
        while the budget is spent.
        """
        return self._mode.threshold if self._budget is None else self._budget.cut

    def classify(self, score: float) -> bool:
        """Whether a score is an alarm: above :attr:`threshold`."""
        return bool(score > self.threshold)

    def threshold_of(self, x: Mapping[Hashable, Any]) -> float:
        """The cut for a row: infinity while its device may not raise an alarm (yet, or any more today)."""
        with self._lock:
            key, row = self._split(x)
            if not self._mode.ready(self._device(key, row)):
                return float("inf")
            if self._budget is None:
                return self._mode.threshold
            entry = self._known.get(key)
            came = self._known.n_came if entry is None else entry.came
            moment = None if self.time is None else moment_of(row.get(self.time))
            return self._budget.cut_of(came, len(self._known) + (entry is None), moment)

    def explain_one(self, x: Mapping[Hashable, Any]) -> dict[Hashable, float]:
        """Each feature's share of the score, largest first; the shares add up to the score."""
        with self._lock:
            key, row = self._split(x)
            return self._mode.explain(self._device(key, row), row)

    def expected_one(self, x: Mapping[Hashable, Any]) -> dict[Hashable, float]:
        """What the row's device expects of each number, given the other cells, in the feature's own units."""
        with self._lock:
            key, row = self._split(x)
            return self._mode.expected(self._device(key, row), row)

    # -- copies -------------------------------------------------------------------------------

    def __getstate__(self) -> State:
        with self._lock:
            left_out = ("_lock", "_residents", "_known", "_mode")
            data = {k: copy.deepcopy(v) for k, v in self.__dict__.items() if k not in left_out}
            data["_packed"] = [self._residents.packed(entry.number) for entry in self._known.values()]
            data["_known"] = copy.deepcopy(self._known)
            data["_mode"] = self._mode.copied()
            return data

    def __setstate__(self, data: State) -> None:
        packed = data.pop("_packed")
        super().__setstate__(data)
        self._open(Store(self.store))
        for number, (entry, blob) in enumerate(zip(self._known.values(), packed, strict=True)):
            entry.number = number
            self._residents.put_back(number, blob)
