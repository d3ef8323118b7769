"""Many devices in one stream: each row goes to its device's model, and scores compare across devices."""

from __future__ import annotations

import os
from collections.abc import Hashable, Mapping
from typing import Any, TypeVar

import numpy as np

from iotae._typing import State
from iotae._validation import check_count
from iotae._validation.moments import moment_of
from iotae.data.frames import frame_rows
from iotae.fleet.devices import MOST_ELDERS, Entry, key_in, kind_of
from iotae.fleet.mode import Mode
from iotae.fleet.residents import Residents
from iotae.fleet.rhythm import Rhythm
from iotae.fleet.store import Store
from iotae.fleet.told import Told
from iotae.stream.blocks import Judged
from iotae.stream.reading import as_row

__all__ = ["FleetOf"]

T = TypeVar("T")
Row = dict[Hashable, Any]


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

    def score_learn_one(
        self, x: Mapping[Hashable, Any], answer: bool | int | str | None = None
    ) -> tuple[float, bool]:
        """Score a row, judge it and learn it: the score, and whether it is an alarm.

        An operator's ``answer`` to the row is taken when it has been judged, as by :meth:`confirm_one`, whose
        errors it may raise; then nothing was learned.
        """
        with self._lock:
            before = None if answer is None else self.score_one(x)
            if answer is not None:
                self.confirm_one(x, answer)
            score, entry = self._judge(x)
            score = score if before is None else before
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
            ``scores``, the ``thresholds`` that they were compared with (infinite while a device may not raise
            an alarm yet), and ``alarms``, each (n,).
        """
        judged = [(self.threshold_of(x), *self.score_learn_one(x)) for x in frame_rows(rows)]
        cuts, scores, alarms = zip(*judged, strict=True) if judged else ((), (), ())
        return Judged(np.array(scores, np.float64), np.array(cuts, np.float64), np.array(alarms, bool))

    @property
    def threshold(self) -> float:
        """The cut of all devices, always the same: a device's scores are measured by its own cut."""
        return self._mode.threshold

    def classify(self, score: float) -> bool:
        """Whether a score is an alarm: above :attr:`threshold`."""
        return bool(score > self.threshold)

    def threshold_of(self, x: Mapping[Hashable, Any]) -> float:
        """The cut for a row: :attr:`threshold`, or infinity while its device may not raise an alarm yet."""
        with self._lock:
            key, row = self._split(x)
            return self.threshold if self._mode.ready(self._device(key, row)) else float("inf")

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

    # -- copies -------------------------------------------------------------------------------

    def __getstate__(self) -> State:
        with self._lock:
            data = {k: v for k, v in self.__dict__.items() if k not in ("_lock", "_residents", "_known")}
            data["_packed"] = [self._residents.packed(entry.number) for entry in self._known.values()]
            data["_entries"] = [
                (key, e.n_rows, e.n_alarms, e.answered, (e.rhythm.last, e.rhythm.pause, e.rhythm.n_pauses))
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
        for number, (key, n_rows, n_alarms, answered, rhythm) in enumerate(entries):
            self._known[key] = Entry(number, n_rows, n_alarms, Rhythm(*rhythm))
            self._known[key].answered = answered
            self._residents.put_back(number, packed[number])
