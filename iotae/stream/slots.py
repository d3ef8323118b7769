"""Which feature has which slots of a stream's vector, who waits for some, and who leaves if need be."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import ClassVar

import numpy as np

from iotae._typing import Float64, Int64, State
from iotae._validation import check_count
from iotae._validation.schema import COUNT, Array, ListOf, Maybe, Record, Row, Text, Whole, refuse
from iotae.stream.categories import PROBATION
from iotae.stream.names import LONGEST_TEXT, NAME, Slot, packed_name, unpacked_name

__all__ = ["CLOCK", "INDICATOR", "MOST_CANDIDATES", "RARITY", "SENSOR", "SlotTable", "roles_of"]

SENSOR, INDICATOR, RARITY, CLOCK = 0, 1, 2, 3
"""Kinds of slot: a number, a category's value as 0/1, a category's surprisal, a part of the hour."""

MOST_CANDIDATES = 1024
"""Newcomers on probation at a time; the one that waits longest makes place."""

Part = tuple[str | None, int]
"""Which part of its feature a slot holds, and the slot's kind."""


def roles_of(slots: Sequence[Slot], kinds: Int64) -> Float64:
    """What the score makes of each slot: its kind, but that half a day only helps like an indicator."""
    halves = [
        kind == CLOCK and str(part).endswith("12 h") for kind, (_, part) in zip(kinds, slots, strict=True)
    ]
    return np.where(halves, INDICATOR, kinds).astype(np.float64)


def _check_slots(data: State, place: str) -> None:
    """Refuse a table whose slots do not each belong to one feature, or to none."""
    slots = data["slots"]
    if len(slots) != data["kinds"].size or len(slots) > data["max_features"]:
        raise refuse(slots, f"{place}.slots", "as many as kinds, at most max_features")
    owned = {unpacked_name(name): places for name, places in data["owned"]}
    if len(owned) < len(data["owned"]) or len(owned) != data["last_seen"].size:
        raise refuse(data["owned"], f"{place}.owned", "features of different names, each last seen once")
    taken = sorted([place for places in owned.values() for place in places] + data["spare"])
    if taken != list(range(len(slots))) or data["spare"] != sorted(data["spare"]):
        raise refuse(data["owned"], f"{place}.owned", f"each of {len(slots)} slots once, or among the spare")
    if len({unpacked_name(name) for name, *_ in data["candidates"]}) < len(data["candidates"]):
        raise refuse(data["candidates"], f"{place}.candidates", "different names")


class SlotTable:
    """Hand out slots to features and take them back; the number of slots never shrinks.

    A slot that is taken back keeps its name until another feature gets it.

    Parameters
    ----------
    max_features : int, at least 1
        Number of slots at most.
    """

    SCHEMA: ClassVar[Record] = Record(
        {
            "max_features": Whole(1),
            "slots": ListOf(Row(NAME, Maybe(Text(LONGEST_TEXT + 1)))),
            "kinds": Array(np.int64, "slots", low=SENSOR, high=CLOCK),
            "owned": ListOf(Row(NAME, ListOf(COUNT))),
            "last_seen": Array(np.int64, "features", low=0),
            "all_seen": COUNT,
            "spare": ListOf(COUNT),
            "candidates": ListOf(Row(NAME, Whole(SENSOR, CLOCK), Whole(0, PROBATION - 1)), MOST_CANDIDATES),
        },
        (_check_slots,),
    )

    def __init__(self, max_features: int) -> None:
        self.max_features = check_count("max_features", max_features)
        self.slots: list[Slot] = []
        self.kinds: list[int] = []
        self.owned: dict[Hashable, list[int]] = {}
        self.last_seen: dict[Hashable, int] = {}
        # the latest row that had every feature: cheaper than to note it for each of them
        self.all_seen = 0
        self.spare: list[int] = []
        self.candidates: dict[Hashable, tuple[int, int]] = {}
        # a row in which nobody could leave for so many slots: to find that out for each newcomer costs time
        self._refused = (-1, 0)

    @property
    def is_full(self) -> bool:
        """Whether every slot that there may be has an owner."""
        return not self.spare and len(self.slots) >= self.max_features

    def pass_probation(self, name: Hashable, kind: int) -> bool:
        """Count one more row in which a newcomer was of this kind; whether these are enough."""
        known, seen = self.candidates.pop(name, (kind, 0))
        # what was of another kind the last time begins anew
        seen = seen + 1 if known == kind else 1
        if seen >= PROBATION:
            return True
        self.candidates[name] = (kind, seen)
        if len(self.candidates) > MOST_CANDIDATES:
            del self.candidates[next(iter(self.candidates))]
        return False

    def seen_at(self, name: Hashable) -> int:
        """The row in which the feature was last seen."""
        return max(self.last_seen[name], self.all_seen)

    def who_leaves(self, n_wanted: int, row: int) -> list[Hashable] | None:
        """The features unseen for longest that must leave for ``n_wanted`` slots, None if these do not do."""
        room = len(self.spare) + self.max_features - len(self.slots)
        leavers: list[Hashable] = []
        if room >= n_wanted:
            return leavers
        if self._refused[0] == row and n_wanted >= self._refused[1]:
            return None
        for name in sorted(self.owned, key=self.seen_at):
            if self.seen_at(name) == row:
                # this feature and those after it are in use by this very row
                break
            leavers.append(name)
            room += len(self.owned[name])
            if room >= n_wanted:
                return leavers
        self._refused = (row, n_wanted)
        return None

    def take(self, name: Hashable, parts: Sequence[Part], row: int) -> list[int]:
        """Slots for the parts of a feature; there must be room."""
        places = []
        for detail, kind in parts:
            if self.spare:
                place = self.spare.pop(0)
                self.slots[place], self.kinds[place] = (name, detail), kind
            else:
                place = len(self.slots)
                self.slots.append((name, detail))
                self.kinds.append(kind)
            places.append(place)
        self.owned.setdefault(name, []).extend(places)
        self.last_seen[name] = row
        return places

    def rename(self, place: int, slot: Slot) -> None:
        """Let a slot stand for another part of its feature."""
        self.slots[place] = slot

    def release(self, name: Hashable) -> None:
        """Take back a feature's slots."""
        self._refused = (-1, 0)
        self.spare = sorted(self.spare + self.owned.pop(name))
        del self.last_seen[name]

    def to_state(self) -> State:
        """Everything needed to continue."""
        return {
            "max_features": self.max_features,
            "slots": [[packed_name(name), detail] for name, detail in self.slots],
            "kinds": np.array(self.kinds, np.int64),
            "owned": [[packed_name(name), list(places)] for name, places in self.owned.items()],
            "last_seen": np.array([self.last_seen[name] for name in self.owned], np.int64),
            "all_seen": self.all_seen,
            "spare": list(self.spare),
            "candidates": [[packed_name(name), *waiting] for name, waiting in self.candidates.items()],
        }

    @classmethod
    def from_state(cls, data: State) -> SlotTable:
        """Rebuild from :meth:`to_state`, of a state that is as :attr:`SCHEMA` says."""
        restored = cls(data["max_features"])
        restored.slots = [(unpacked_name(name), detail) for name, detail in data["slots"]]
        restored.kinds = data["kinds"].tolist()
        restored.owned = {unpacked_name(name): list(places) for name, places in data["owned"]}
        restored.last_seen = dict(zip(restored.owned, data["last_seen"].tolist(), strict=True))
        restored.all_seen = data["all_seen"]
        restored.spare = list(data["spare"])
        restored.candidates = {unpacked_name(name): (kind, n) for name, kind, n in data["candidates"]}
        return restored
