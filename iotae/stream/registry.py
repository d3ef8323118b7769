"""The features of a stream by kind, and how a newcomer, or a value that became usual, gets its slots."""

from __future__ import annotations

import warnings
from collections.abc import Hashable, Iterable, Sequence
from typing import ClassVar

import numpy as np

from iotae._typing import State
from iotae._validation.schema import COUNT, Array, ListOf, Record, Row, refuse
from iotae.stream.categories import INDICATORS, Category
from iotae.stream.names import NAME, packed_name, slot_order, unpacked_name
from iotae.stream.slots import CLOCK, INDICATOR, MOST_CANDIDATES, RARITY, SENSOR, Part, SlotTable

__all__ = ["FEATURES", "MOST_CLOCKS", "Registry"]

MOST_CLOCKS = 2
"""Features that may be clocks: more would tell the same hour again."""

_PARTS: dict[int, list[Part]] = {
    SENSOR: [(None, SENSOR)],
    RARITY: [(":surprisal", RARITY)],
    CLOCK: [(f":{part}", CLOCK) for part in ("sin 24 h", "cos 24 h", "sin 12 h", "cos 12 h")],
}
"""The slots that a feature begins with, by what its cells hold."""


def _parts_of(data: State) -> list[tuple[Hashable, list[tuple[int, str | None, int]]]]:
    """Each feature, and the slots that it has by its kind: place, part and kind of slot."""
    found: list[tuple[Hashable, list[tuple[int, str | None, int]]]] = []
    for name, place in zip(data["sensors"], data["sensor_places"].tolist(), strict=True):
        found.append((unpacked_name(name), [(place, *_PARTS[SENSOR][0])]))
    for name, category in data["categories"]:
        values = [(place, f"={key}", INDICATOR) for key, place in category["indicators"]]
        found.append((unpacked_name(name), [(category["place"], *_PARTS[RARITY][0]), *values]))
    for name, places in data["clocks"]:
        parts = [(place, *part) for place, part in zip(places, _PARTS[CLOCK], strict=True)]
        found.append((unpacked_name(name), parts))
    return found


def _check_kinds(data: State, place: str) -> None:
    """Refuse a registry in which a feature is not of one kind, or has other slots than the table says."""
    if len(data["sensors"]) != data["sensor_places"].size:
        raise refuse(data["sensor_places"], f"{place}.sensor_places", "one for each sensor")
    table, found = data["table"], _parts_of(data)
    owned = {unpacked_name(name): sorted(places) for name, places in table["owned"]}
    parts = dict(found)
    if len(parts) < len(found) or parts.keys() != owned.keys():
        raise refuse(table["owned"], f"{place}.table.owned", "features that are each of one kind")
    for name, given in parts.items():
        if sorted(at for at, _, _ in given) != owned[name]:
            raise refuse(name, f"{place}.table.owned", "the slots that the feature has by its kind")
        for at, part, kind in given:
            label, known = table["slots"][at], table["kinds"][at]
            if (unpacked_name(label[0]), label[1], known) != (name, part, kind):
                raise refuse(label[1], f"{place}.table.slots[{at}]", f"the part {part!r} of kind {kind}")


def _check_rows(data: State, place: str) -> None:
    table, n_rows = data["registry"]["table"], data["n_rows"]
    if table["all_seen"] > n_rows or (table["last_seen"] > n_rows).any():
        raise refuse(n_rows, f"{place}.n_rows", "at least the number of the row in which a feature was seen")


class Registry:
    """Keep the numbers, text features and clocks that have slots, and admit newcomers.

    Parameters
    ----------
    max_features : int, at least 1
        Number of slots at most.
    """

    SCHEMA: ClassVar[Record] = Record(
        {
            "table": SlotTable.SCHEMA,
            "n_evicted": COUNT,
            "sensors": ListOf(NAME),
            "sensor_places": Array(np.int64, "sensors", low=0),
            "categories": ListOf(Row(NAME, Category.SCHEMA)),
            "clocks": ListOf(Row(NAME, Row(*[COUNT] * len(_PARTS[CLOCK]))), MOST_CLOCKS),
        },
        (_check_kinds,),
    )

    def __init__(self, max_features: int) -> None:
        self.table = SlotTable(max_features)
        self.sensors: dict[Hashable, int] = {}
        self.categories: dict[Hashable, Category] = {}
        self.clocks: dict[Hashable, list[int]] = {}
        self.n_evicted = 0
        self.left_out: list[Hashable] = []

    def admit_all(self, strangers: Iterable[tuple[Hashable, int]], row: int) -> list[int]:
        """Count one more row for each of some newcomers; the slots given to those that have waited enough.

        The first features of all need not wait.
        """
        given: list[int] = []
        first_row = not self.table.slots
        # in the order of the names, so that the order of a dict makes no difference
        for name, kind in sorted(strangers, key=lambda stranger: slot_order((stranger[0], None))):
            if first_row or self.table.pass_probation(name, kind):
                given += self._admit(name, kind, row)
        return given

    def turns_away(self, n_newcomers: int, n_seen: int) -> bool:
        """Whether none of so many newcomers can get a slot by a row that has ``n_seen`` known features.

        So it is where every slot is in use by this very row, or where more wait than are remembered. Then the
        row spares itself to look at them; that costs more than the score of the known features.
        """
        table = self.table
        if n_newcomers > MOST_CANDIDATES:
            return bool(table.slots)
        return n_newcomers > 0 and table.is_full and n_seen == len(table.owned)

    def warn_if_too_wide(self, strangers: Sequence[tuple[Hashable, int]]) -> None:
        """Warn, before anything changes, where the first features need more slots than there may be."""
        table = self.table
        n_wanted = 0 if table.slots else sum(len(_PARTS[kind]) for _, kind in strangers)
        if n_wanted > table.max_features:
            warnings.warn(
                f"Got a first row of {len(strangers)} features that need {n_wanted} slots, but expected at "
                f"most max_features={table.max_features}: the last by name are left out. To use them all, "
                f"make the model with max_features={n_wanted}.",
                RuntimeWarning,
                # who called the model's method
                stacklevel=5,
            )

    def note_left_out(self, newcomers: Sequence[Hashable], n_unusable: int) -> int:
        """Remember which newcomers of a learned row have no slot, as all are taken or too many ask at once.

        How many cells are set aside for that, or the ``n_unusable`` of the newcomers where there is room.
        """
        crowded = self.table.is_full or len(newcomers) > MOST_CANDIDATES
        if not newcomers or not crowded:
            return n_unusable
        without = [name for name in newcomers if name not in self.table.owned]
        self.left_out = without or self.left_out
        return len(without)

    def _admit(self, name: Hashable, kind: int, row: int) -> list[int]:
        """Give a feature the slots that its kind begins with, or none where there is no room."""
        table = self.table
        if name in table.owned:
            # it changes its kind, so it is in use and not the one to leave
            table.last_seen[name] = row
        if kind == CLOCK and len(self.clocks) >= MOST_CLOCKS:
            oldest = min(self.clocks, key=table.seen_at)
            leavers = [oldest] if table.seen_at(oldest) < row else None
        else:
            n_wanted = len(_PARTS[kind]) - len(table.owned.get(name, ()))
            leavers = table.who_leaves(n_wanted, row)
        if leavers is None:
            return []
        self._evict(leavers)
        if name in table.owned:
            self._release(name)
        places = table.take(name, _PARTS[kind], row)
        if kind == SENSOR:
            self.sensors[name] = places[0]
        elif kind == RARITY:
            self.categories[name] = Category(places[0])
        else:
            self.clocks[name] = places
        return places

    def give_indicators(self, usual: Iterable[tuple[int, Hashable, str]], row: int) -> list[int]:
        """The slots given to values that have become usual: (surprisal's slot, feature, value)."""
        # in the order of the slots, so that the order of a dict makes no difference
        given = (self._give_indicator(name, key, row) for _, name, key in sorted(usual, key=lambda u: u[0]))
        return [place for place in given if place is not None]

    def _give_indicator(self, name: Hashable, key: str, row: int) -> int | None:
        """A value's slot: a new one, or the one of the least usual value; None where there is no room."""
        table, category = self.table, self.categories[name]
        if len(category.indicators) == INDICATORS:
            place = category.indicators.pop(category.weakest())
            table.rename(place, (name, f"={key}"))
        else:
            leavers = table.who_leaves(1, row)
            if leavers is None:
                category.postpone(key)
                return None
            self._evict(leavers)
            place = table.take(name, [(f"={key}", INDICATOR)], row)[0]
        category.indicators[key] = place
        return place

    def _evict(self, names: list[Hashable]) -> None:
        for name in names:
            self._release(name)
        self.n_evicted += len(names)

    def _release(self, name: Hashable) -> None:
        self.table.release(name)
        self.sensors.pop(name, None)
        self.categories.pop(name, None)
        self.clocks.pop(name, None)

    def to_state(self) -> State:
        """Everything needed to continue; feature names must be text, numbers or tuples of them."""
        return {
            "table": self.table.to_state(),
            "n_evicted": self.n_evicted,
            "sensors": [packed_name(name) for name in self.sensors],
            "sensor_places": np.array(list(self.sensors.values()), np.int64),
            "categories": [[packed_name(name), c.to_state()] for name, c in self.categories.items()],
            "clocks": [[packed_name(name), list(places)] for name, places in self.clocks.items()],
        }

    @classmethod
    def from_state(cls, data: State) -> Registry:
        """Rebuild from :meth:`to_state`, of a state that is as :attr:`SCHEMA` says."""
        restored = cls(data["table"]["max_features"])
        restored.table = SlotTable.from_state(data["table"])
        restored.n_evicted = data["n_evicted"]
        places = data["sensor_places"].tolist()
        restored.sensors = dict(zip(map(unpacked_name, data["sensors"]), places, strict=True))
        restored.categories = {unpacked_name(n): Category.from_state(c) for n, c in data["categories"]}
        restored.clocks = {unpacked_name(name): list(places) for name, places in data["clocks"]}
        return restored


FEATURES = Record({"registry": Registry.SCHEMA, "n_rows": COUNT}, (_check_rows,))
"""What the state of a stream's features must look like."""
