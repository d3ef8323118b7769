"""A stream's rows (dicts) to vectors: numbers, the values of text features, and the hour of the day.

A number has one slot. A text feature has one slot for how surprising its value is, and up to eight
0/1 slots for its most usual values. A feature of times has four slots for the hour of the day.
Features of the first row get slots at once. A later newcomer gets some when it has been seen in
``PROBATION`` rows, so a burst of nonsense keys changes nothing. When all slots are taken, the
feature that was not seen for longest gives way.
"""

from __future__ import annotations

import struct
from collections.abc import Hashable, Mapping, Sequence
from math import hypot
from operator import itemgetter
from typing import Any, NamedTuple

import numpy as np

from iotae._typing import Float64, State
from iotae.data.cells import is_row
from iotae.stream.categories import PROBATION
from iotae.stream.names import Slot, slot_label
from iotae.stream.reading import Reading, read_row
from iotae.stream.registry import Registry
from iotae.stream.slots import CLOCK, INDICATOR, RARITY, SENSOR

__all__ = [
    "CLOCK",
    "INDICATOR",
    "PROBATION",
    "RARITY",
    "SENSOR",
    "Encoded",
    "Features",
    "Slot",
    "slot_label",
]


class Encoded(NamedTuple):
    """What came of learning a row."""

    given: list[int]
    """Slots that stand for something new: what is kept about them must be reset."""

    n_unusable: int
    """Cells that say something, but nothing that could be used."""

    changed: bool
    """Whether what the slots stand for was made anew."""


_LONGEST_ROW = 1e15
"""Length of a row as a vector up to which all its cells are finite, and none is a NumPy time in nanoseconds.

Such a time passes for a number of more than this, unless it lies within eleven days of 1970.
"""

# never changed: it spares the common row an object
_NOTHING_NEW = Encoded([], 0, False)


def _check_row(x: Any) -> None:
    if type(x) is not dict and not is_row(x):
        raise TypeError(f"Got a row of type {type(x).__name__}, but expected a dict of feature -> value.")


class Features:
    """Assign slots to a stream's features, and turn rows into vectors.

    Parameters
    ----------
    max_features : int, at least 1
        Number of slots at most.

    Attributes
    ----------
    slots : list of (name, part or None)
        What each slot stands for.
    kinds : array of int (n_slots,)
        ``SENSOR``, ``INDICATOR``, ``RARITY`` or ``CLOCK``.
    names : list
        The features that slots belong to, in the order of their first slots.
    sources : array of int (n_slots,)
        Where in ``names`` the feature of each slot stands.
    n_rows : int
        Rows that were learned.

    Examples
    --------
    >>> features, nothing = Features(max_features=4), np.empty(0)
    >>> features.learn({"b": 2.0, "a": 1.0}, nothing)
    Encoded(given=[0, 1], n_unusable=0, changed=True)
    >>> row = np.empty(2)
    >>> features.encode({"a": 5, "c": 7.0}, row)
    >>> features.slots, row.tolist()
    ([('a', None), ('b', None)], [5.0, nan])
    """

    def __init__(self, max_features: int) -> None:
        self._registry = Registry(max_features)
        self.n_rows = 0
        self._reindex()

    @property
    def max_features(self) -> int:
        """Number of slots at most."""
        return self._registry.table.max_features

    @property
    def n_evicted(self) -> int:
        """Features that gave way to others."""
        return self._registry.n_evicted

    @property
    def identifiers(self) -> list[Hashable]:
        """The text features that say nothing at present, because hardly a value repeats."""
        return [name for name, known in self._registry.categories.items() if known.is_identifier]

    def _reindex(self) -> None:
        registry, table = self._registry, self._registry.table
        self.slots: list[Slot] = table.slots
        self.kinds = np.array(table.kinds, np.int64)
        self.names: list[Hashable] = list(dict.fromkeys(name for name, _ in table.slots))
        places = {name: i for i, name in enumerate(self.names)}
        self.sources = np.array([places[name] for name, _ in table.slots], np.int64)
        self._plain = 0 < len(registry.sensors) == len(table.slots)
        self._single = len(table.slots) == 1
        self._get: Any = itemgetter(*self.names) if self._plain else None
        self._pack: Any = struct.Struct(f"{len(table.slots)}d").pack_into

    # -- reading ------------------------------------------------------------------------------

    def encode_plain(self, x: Mapping[Hashable, Any], out: Float64) -> bool:
        """Encode the common row, which has every feature and no other and all as numbers, or say no."""
        # another mapping may make up the keys that it is asked for
        if not self._plain or type(x) is not dict or len(x) != len(self.slots):
            return False
        try:
            if self._single:
                value = self._get(x)
                self._pack(out, 0, value)
                return hypot(value) < _LONGEST_ROW
            values = self._get(x)
            self._pack(out, 0, *values)
            return hypot(*values) < _LONGEST_ROW
        except Exception:
            # a cell is missing or no number, or answers with an error of its own
            return False

    def roles(self) -> Float64:
        """What the score makes of each slot (n_slots,): its kind, but that half a day only helps like
        an indicator.
        """
        halves = [
            kind == CLOCK and str(part).endswith("12 h")
            for kind, (_, part) in zip(self.kinds, self.slots, strict=True)
        ]
        return np.where(halves, INDICATOR, self.kinds).astype(np.float64)

    def encode(self, x: Mapping[Hashable, Any], out: Float64) -> None:
        """Fill ``out`` (n_slots,) with the row, NaN where it says nothing usable; changes no state."""
        if not self.encode_plain(x, out):
            self.read(x, out)

    def read(self, x: Mapping[Hashable, Any], out: Float64) -> Reading:
        """Fill ``out`` (n_slots,) as :meth:`encode` does, and return what :meth:`learn` needs to know."""
        _check_row(x)
        reading = read_row(x, self._registry)
        self._pack(out, 0, *reading.cells)
        return reading

    # -- learning -----------------------------------------------------------------------------

    def learn(self, x: Mapping[Hashable, Any], out: Float64, read: Reading | None = None) -> Encoded:
        """Take note of a row to be learned, and fill ``out`` as :meth:`encode` would have done before.

        A row that was read just before need not be read again: give what :meth:`read` said.

        Where the number of slots has grown, ``out`` is too short and not filled: the caller makes
        room for the slots given, and calls :meth:`encode` once.
        """
        if read is None:
            if self.encode_plain(x, out):
                self.note_plain(1)
                return _NOTHING_NEW
            _check_row(x)
            read = read_row(x, self._registry)
        self.n_rows += 1
        self._note_seen(read.seen)
        given: list[int] = []
        if read.strangers:
            given = self._registry.admit_all(read.strangers, self.n_rows)
        if not given:
            self._pack(out, 0, *read.cells)
        else:
            self._reindex()
            if out.size == len(self.slots):
                self.encode(x, out)
        if read.texts:
            # only now, as a value is as surprising as the rows before it make it
            given += self._note_texts(read.texts, out)
        return Encoded(given, read.n_unusable, bool(given))

    def _note_seen(self, seen: list[Hashable]) -> None:
        table = self._registry.table
        if len(seen) == len(table.owned):
            table.all_seen = self.n_rows
        else:
            table.last_seen.update(dict.fromkeys(seen, self.n_rows))
        if table.candidates:
            # a feature changes its kind after ten rows of the other in a row, and here it kept its own
            for name in seen:
                table.candidates.pop(name, None)

    def _note_texts(self, texts: Mapping[Hashable, str], out: Float64) -> list[int]:
        """Count the values of a row; the slots given to values that have become usual."""
        categories = self._registry.categories
        usual = []
        for name, key in texts.items():
            category = categories.get(name)
            if category is not None and category.note(key):
                usual.append((category.place, name, key))
        if not usual:
            return []
        given = self._registry.give_indicators(usual, self.n_rows)
        if given:
            self._reindex()
            for place in given:
                if place < out.size:
                    out[place] = 1.0
        return given

    def order_of(self, names: Sequence[Hashable]) -> list[int] | None:
        """Where in ``names`` each slot's feature stands, or None unless they are the same features."""
        if not self._plain or len(names) != len(self.slots) or set(names) != self._registry.sensors.keys():
            return None
        places = {name: i for i, name in enumerate(names)}
        return [places[name] for name, _ in self.slots]

    def note_plain(self, n_rows: int) -> None:
        """Take note of rows to be learned that have every feature and a number for each."""
        self.n_rows += n_rows
        self._registry.table.all_seen = self.n_rows

    # -- state --------------------------------------------------------------------------------

    def __getstate__(self) -> State:
        # what is derived from the registry, such as the compiled way through a common row, is rebuilt
        return {"registry": self._registry, "n_rows": self.n_rows}

    def __setstate__(self, data: State) -> None:
        self._registry, self.n_rows = data["registry"], data["n_rows"]
        self._reindex()

    def to_state(self) -> State:
        """Everything needed to continue; feature names must be text, numbers or tuples of them."""
        return {"registry": self._registry.to_state(), "n_rows": self.n_rows}

    @classmethod
    def from_state(cls, data: State) -> Features:
        """Rebuild from :meth:`to_state`; a state of an older version raises ``KeyError``."""
        restored = cls(data["registry"]["table"]["max_features"])
        restored._registry, restored.n_rows = Registry.from_state(data["registry"]), data["n_rows"]
        restored._reindex()
        return restored
