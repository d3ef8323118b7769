"""Many devices in one stream: each row goes to its device's model, and scores compare across devices."""

from __future__ import annotations

import os
from collections.abc import Hashable, Mapping
from typing import Any, Generic, TypeVar

import numpy as np

from iotae._sharing import Locked
from iotae._typing import State
from iotae._validation import check_count
from iotae._validation.moments import moment_of
from iotae.data.frames import frame_rows
from iotae.fleet.devices import MOST_ELDERS, Device, Entry, Silence, key_in, kind_of
from iotae.fleet.mode import Mode
from iotae.fleet.residents import Residents
from iotae.fleet.rhythm import Rhythm
from iotae.fleet.store import Store
from iotae.stream.blocks import Judged
from iotae.stream.reading import as_row

__all__ = ["FleetOf"]

T = TypeVar("T")
Row = dict[Hashable, Any]


class FleetOf(Locked, Generic[T]):
    """A fleet whose devices are modelled in a given way; :class:`iotae.fleet.Fleet` says what callers see."""

    def __init__(
        self,
        mode: Mode[T],
        key: Hashable,
        time: Hashable | None,
        warm_start: bool,
        max_in_memory: int,
        store: str | os.PathLike[str] | None,
    ) -> None:
        super().__init__()
        check_count("max_in_memory", max_in_memory, 1)
        self.key, self.time, self.warm_start = key, time, bool(warm_start)
        self.max_in_memory, self.store = int(max_in_memory), store
        self.n_keyless = self.n_timeless = 0
        self._mode = mode
        self._known: dict[Hashable, Entry] = {}
        self._elders: dict[tuple[Hashable, ...], list[Hashable]] = {}
        self._open(Store(store))

    def _open(self, store: Store) -> None:
        self._residents: Residents[T] = Residents(
            self._mode.pack, self._mode.unpack, self.max_in_memory, store
        )

    # -- rows ---------------------------------------------------------------------------------

    def _split(self, x: Mapping[Hashable, Any]) -> tuple[Hashable, Row]:
        """A row's device, None without one, and the row without its key."""
        row = as_row(x).copy()
        return key_in(row, self.key), row

    def _older(self, row: Row) -> T | None:
        """The device that a newcomer with such a row takes over from: the first mature one of its kind."""
        if self.warm_start:
            for key in self._elders.get(kind_of(row), ()):
                entry = self._known[key]
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
            return entry, self._residents[entry.number]
        device = self._mode.newcomer(self._older(row))
        entry = Entry(len(self._known))
        self._residents[entry.number] = device
        self._known[key] = entry
        kind = kind_of(row)
        if kind in self._elders or len(self._elders) < MOST_ELDERS:
            elders = self._elders.setdefault(kind, [])
            if len(elders) < MOST_ELDERS:
                elders.append(key)
        return entry, device

    def _judge(self, x: Mapping[Hashable, Any]) -> tuple[float, Entry]:
        key, row = self._split(x)
        entry, device = self._admitted(key, row)
        score = self._mode.judge(device, row)
        entry.n_rows += 1
        if key is None:
            self.n_keyless += 1
        if self.time is not None:
            moment = moment_of(row.get(self.time))
            if moment is None:
                self.n_timeless += 1
            else:
                entry.rhythm.note(moment)
        return score, entry

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

    def score_learn_one(self, x: Mapping[Hashable, Any]) -> tuple[float, bool]:
        """Score a row, judge it and learn it: the score, and whether it is an alarm."""
        with self._lock:
            score, entry = self._judge(x)
            alarm = score > self.threshold
            entry.n_alarms += alarm
            return score, alarm

    def learn_many(self, rows: Any) -> None:
        """Learn the rows of a data frame or a list of dicts in order, the same as row by row."""
        for x in frame_rows(rows):
            self.learn_one(x)

    def score_many(self, rows: Any) -> Any:
        """Scores (n,) of the rows of a data frame or a list of dicts; changes nothing."""
        return np.array([self.score_one(x) for x in frame_rows(rows)], np.float64)

    def score_learn_many(self, rows: Any) -> Judged:
        """Score, judge and learn rows of a data frame or a list of dicts in order, the same as row by row.

        Returns
        -------
        Judged
            ``scores``, the ``thresholds`` that they were compared with, and ``alarms``, each (n,).
        """
        judged = [self.score_learn_one(x) for x in frame_rows(rows)]
        scores = np.array([score for score, _ in judged], np.float64)
        return Judged(
            scores, np.full(len(judged), self.threshold), np.array([alarm for _, alarm in judged], bool)
        )

    @property
    def threshold(self) -> float:
        """The cut of all devices, always the same: a device's scores are measured by its own cut."""
        return self._mode.threshold

    def classify(self, score: float) -> bool:
        """Whether a score is an alarm: above :attr:`threshold`."""
        return bool(score > self.threshold)

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

    # -- devices ------------------------------------------------------------------------------

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

    # -- copies -------------------------------------------------------------------------------

    def __getstate__(self) -> State:
        with self._lock:
            data = {k: v for k, v in self.__dict__.items() if k not in ("_lock", "_residents", "_known")}
            data["_packed"] = [self._residents.packed(entry.number) for entry in self._known.values()]
            data["_entries"] = [
                (key, e.n_rows, e.n_alarms, (e.rhythm.last, e.rhythm.pause, e.rhythm.n_pauses))
                for key, e in self._known.items()
            ]
            data["_elders"] = {kind: list(keys) for kind, keys in self._elders.items()}
            data["_mode"] = self._mode.copied()
            return data

    def __setstate__(self, data: State) -> None:
        packed, entries = data.pop("_packed"), data.pop("_entries")
        super().__setstate__(data)
        self._open(Store(self.store))
        self._known = {}
        for number, (key, n_rows, n_alarms, rhythm) in enumerate(entries):
            self._known[key] = Entry(number, n_rows, n_alarms, Rhythm(*rhythm))
            self._residents.put_back(number, packed[number])
