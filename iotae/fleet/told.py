"""What a fleet says of its devices (rows, alarms, silence), and what an operator says to it."""

from __future__ import annotations

import copy
from collections.abc import Hashable, Mapping
from typing import Any, Generic, TypeVar

from iotae._sharing import Locked
from iotae._validation.moments import moment_of
from iotae.fleet.budgets import FleetBudget
from iotae.fleet.devices import Device, Entry, Row, Silence, key_in
from iotae.fleet.likeness import LEAST_ROWS, Likeness, likeness_of
from iotae.fleet.mode import Mode
from iotae.fleet.register import Register
from iotae.fleet.residents import Residents
from iotae.stream.confirmed import Confirmed
from iotae.stream.reading import as_row
from iotae.thresholds import AlertBudget

__all__ = ["Told"]

T = TypeVar("T")


class Told(Locked, Generic[T]):
    """The part of a fleet that people ask, answer and give a budget."""

    key: Hashable
    time: Hashable | None
    _mode: Mode[T]
    _known: Register
    _budget: FleetBudget | None
    _residents: Residents[T]

    def _split(self, x: Mapping[Hashable, Any]) -> tuple[Hashable, Row]:
        """A row's device, None without one, and the row without its key."""
        row = as_row(x).copy()
        return key_in(row, self.key), row

    @property
    def n_devices(self) -> int:
        """Devices of which a row was learned; rows without a key are of one more, None."""
        return len(self._known)

    @property
    def n_forgotten(self) -> int:
        """Devices that were forgotten, the one not seen for longest first: there were too many."""
        return self._known.n_forgotten

    @property
    def n_over_budget(self) -> int:
        """Rows above the fleet's cut that raised no alarm because of the budget."""
        return 0 if self._budget is None else self._budget.n_over

    @property
    def budget(self) -> AlertBudget | None:
        """The budget of all devices together; what is given is copied, and one device has half at most.

        A budget ``per_day`` goes by the fleet's ``time``: rows whose time cannot be read let none pass.
        """
        return None if self._budget is None else copy.deepcopy(self._budget.budget)

    @budget.setter
    def budget(self, budget: AlertBudget | None) -> None:
        if budget is not None and not isinstance(budget, AlertBudget):
            raise ValueError(
                f"Got budget={budget!r:.60}, but expected a budget of iotae.thresholds, e.g. "
                "AlertBudget(per_day=5)."
            )
        if budget is not None and budget.per_day is not None and self.time is None:
            raise ValueError(
                f"Got budget={budget!r} without a time, but expected a fleet that was made with the name of "
                'the feature that is the time, e.g. time="at".'
            )
        self._budget = None if budget is None else FleetBudget(budget, self._mode.threshold)

    @property
    def n_in_memory(self) -> int:
        """Devices that are in memory; the others are set aside."""
        return self._residents.n_in_memory

    def devices(self) -> list[Device]:
        """All devices, in the order in which they came."""
        with self._lock:
            return [Device(k, e.n_rows, e.n_alarms, e.rhythm.last) for k, e in self._known.in_order()]

    def silent(self, now: Any, times: float = 10.0) -> list[Silence]:
        """The devices that have been silent for more than ``times`` their usual pause, the longest first.

        Parameters
        ----------
        now : datetime, date, numpy.datetime64, ISO text, or number of seconds since 1970
            The time of the latest row of any device is a good choice for a stream that is read later.
        times : float, above 1

        Raises
        ------
        ValueError
            If the fleet was not told which feature is the time, or ``now`` is no time.
        """
        moment = moment_of(now)
        if self.time is None or moment is None or not times > 1.0:
            raise ValueError(
                f"Got time={self.time!r}, now={now!r} and times={times!r}, but expected a fleet that was "
                'made with the name of the feature that is the time, e.g. time="at", a time, and more than '
                "one pause."
            )
        with self._lock:
            found = [
                Silence(key, entry.rhythm.last or 0.0, entry.rhythm.pause, silence)
                for key, entry in self._known.in_order()
                if (silence := entry.rhythm.silence(moment, times)) > 0.0
            ]
        return sorted(found, key=lambda one: -one.silent / one.pause)

    def likeness(self) -> Likeness | None:
        """Whether the devices in memory look alike, by their levels and spreads; None where few are known."""
        with self._lock:
            old = {entry.number for entry in self._known.values() if entry.n_rows >= LEAST_ROWS}
            live = [device for number, device in self._residents.live() if number in old]
            return likeness_of([self._mode.scales(device) for device in live])

    # -- an operator's answers ----------------------------------------------------------------

    def confirm_one(self, x: Mapping[Hashable, Any], label: bool | int | str) -> str:
        """Take an operator's answer to an alarm, before the row is learned; the kind of alarm in words.

        An answer is about the row's device alone. :meth:`iotae.OnlineAutoencoder.confirm_one` says what
        follows from it.

        Parameters
        ----------
        x : mapping
            The row that was the alarm, with its key.
        label : {0, 1}, bool, or {'normal', 'anomaly'}
            What it was: 0, False and 'normal' are the same.

        Raises
        ------
        ValueError
            If the label is another, no row of the device was learned, or its model knows no cell of the row.
        TypeError
            If the detector takes no answers.
        """
        with self._lock:
            key, row = self._split(x)
            entry = self._known.get(key)
            if entry is None:
                raise ValueError(
                    f"Got an answer to a row of {key!r}, but expected a device of which a row was learned."
                )
            kind: str = self._answering(entry).confirm_one(row, label)
            self._mode.answered(self._residents[entry.number])
            entry.answered = True
            return kind

    def confirmed(self) -> dict[Hashable, list[Confirmed]]:
        """The kinds of alarm that were confirmed, of each device that an answer was about."""
        with self._lock:
            answered = {key: entry for key, entry in self._known.in_order() if entry.answered}
            return {key: self._answering(entry).confirmed for key, entry in answered.items()}

    def forget_confirmed(self, key: Hashable, number: int) -> None:
        """Forget a device's kind of alarm, by its number in :meth:`confirmed`.

        Raises
        ------
        ValueError
            If there is none, or no such device.
        """
        with self._lock:
            entry = self._known.get(key)
            if entry is None or not entry.answered:
                some = ", ".join(repr(key) for key, one in self._known.items() if one.answered) or "none"
                raise ValueError(f"Got the device {key!r}, but expected one that was answered: {some}.")
            model = self._answering(entry)
            model.forget_confirmed(number)
            self._mode.answered(self._residents[entry.number])

    def _answering(self, entry: Entry) -> Any:
        return self._mode.answering(self._residents[entry.number])
