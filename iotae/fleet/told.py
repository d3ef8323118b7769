"""What a fleet says of its devices: rows, alarms, silence, and an operator's answers."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, Generic, TypeVar

from iotae._sharing import Locked
from iotae._validation.moments import moment_of
from iotae.fleet.devices import Device, Entry, Silence
from iotae.fleet.likeness import LEAST_ROWS, Likeness, likeness_of
from iotae.fleet.mode import Mode
from iotae.fleet.residents import Residents
from iotae.stream.confirmed import Confirmed

__all__ = ["Told"]

T = TypeVar("T")


class Told(Locked, Generic[T]):
    """The part of a fleet that answers questions about devices."""

    time: Hashable | None
    _mode: Mode[T]
    _known: dict[Hashable, Entry]
    _residents: Residents[T]

    @property
    def n_devices(self) -> int:
        """Devices of which a row was learned; rows without a key are of one more, None."""
        return len(self._known)

    @property
    def n_in_memory(self) -> int:
        """Devices that are in memory; the others are set aside."""
        return self._residents.n_in_memory

    def devices(self) -> list[Device]:
        """All devices, in the order in which they came."""
        with self._lock:
            return [Device(k, e.n_rows, e.n_alarms, e.rhythm.last) for k, e in self._known.items()]

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
                for key, entry in self._known.items()
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

    def confirmed(self) -> dict[Hashable, list[Confirmed]]:
        """The kinds of alarm that were confirmed, of each device that an answer was about."""
        with self._lock:
            answered = {key: entry for key, entry in self._known.items() if entry.answered}
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
