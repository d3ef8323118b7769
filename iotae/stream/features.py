"""A stream's rows (dicts) to vectors: which feature has which slot, and who leaves when all are taken.

A row's known features land in their slots, what it lacks is NaN there. Features of the first row
get slots at once; a later newcomer gets one when it has been seen in ``PROBATION`` rows, so a
burst of nonsense keys changes nothing. When all slots are taken, the feature that was not seen
for longest gives way. Text is a category: a slot ``(name, value)`` that is 1 where the row says
so and 0 where it says otherwise.
"""

from __future__ import annotations

import struct
from collections.abc import Hashable, Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any

import numpy as np

from iotae._typing import Float64, State

__all__ = ["PROBATION", "FeatureSchema", "Slot", "slot_label"]

PROBATION = 10
"""Rows in which a newcomer must have been seen before it gets a slot."""

_CANDIDATES = 1024
"""Newcomers on probation at a time; the one that waits longest makes place."""

_LONGEST_TEXT = 1000
"""Letters of a name or a category; what is longer is a document."""

Slot = tuple[Hashable, str | None]
"""A feature's name, and for a category the value that the slot stands for."""


def slot_label(slot: Slot) -> str:
    """A slot's name as text: sorts slots, and seeds the weights that belong to them."""
    name, value = _as_python(slot[0]), slot[1]
    label = name if isinstance(name, str) else f"{type(name).__name__}:{name}"
    return label if value is None else f"{label}={value}"


def _check_row(x: Any) -> None:
    if type(x) is not dict and not isinstance(x, Mapping):
        raise TypeError(f"Got a row of type {type(x).__name__}, but expected a dict of feature -> value.")


def _as_number(value: Any) -> float:
    # NaN for whatever is no number, as for a missing cell; an object may answer with any error
    if isinstance(value, (str, bytes, bytearray)):
        # letters are no number, whatever they spell
        return float("nan")
    try:
        return float(value)
    except Exception:
        return float("nan")


def _is_missing(value: Any) -> bool:
    if value is None or type(value).__name__ == "NAType":
        return True
    try:
        # NaN of every kind is the value that is not itself
        return bool(value != value)
    except Exception:
        return False


def _as_python(name: Hashable) -> Hashable:
    """A NumPy number as Python's, which is equal to it and can be written down."""
    return name.item() if isinstance(name, np.generic) else name


def _is_name(name: Hashable) -> bool:
    """Whether a feature may be called so: short text, numbers that can be written, and tuples of them."""
    name = _as_python(name)
    if isinstance(name, tuple):
        return all(map(_is_name, name))
    if isinstance(name, float):
        return abs(name) < float("inf")
    if isinstance(name, int):
        return abs(name) < 2**63
    return name is None or (isinstance(name, str) and len(name) <= _LONGEST_TEXT)


class FeatureSchema:
    """Assign slots to features, and turn rows into vectors.

    Parameters
    ----------
    max_features : int, at least 1
        Number of slots at most.

    Attributes
    ----------
    slots : list of (name, value or None)
        What each slot stands for.

    Examples
    --------
    >>> schema = FeatureSchema(max_features=4)
    >>> schema.admit({"b": 2.0, "a": 1.0}), schema.slots
    ([0, 1], [('a', None), ('b', None)])
    >>> schema.encode({"a": 5, "c": 7.0}).tolist()
    [5.0, nan]
    """

    def __init__(self, max_features: int) -> None:
        if isinstance(max_features, bool) or not isinstance(max_features, int) or max_features < 1:
            raise ValueError(f"Got max_features={max_features!r}, but expected a positive integer, e.g. 512.")
        self.max_features = max_features
        self.slots: list[Slot] = []
        self.n_rows = 0
        self.n_evicted = 0
        self._last_seen: list[int] = []
        self._candidates: dict[Slot, int] = {}
        # the latest row that had every feature: cheaper than to note it for each of them
        self._all_seen = 0
        self._reindex()

    def _reindex(self) -> None:
        self._index = {slot: i for i, slot in enumerate(self.slots)}
        self._numbers = {name: i for i, (name, value) in enumerate(self.slots) if value is None}
        self._texts: dict[Hashable, dict[str, int]] = {}
        for i, (name, value) in enumerate(self.slots):
            if value is not None:
                self._texts.setdefault(name, {})[value] = i
        names = [name for name, value in self.slots if value is None]
        self._plain = bool(names) and len(names) == len(self.slots)
        self._get: Any = itemgetter(*names) if self._plain else None
        self._pack: Any = struct.Struct(f"{len(names)}d").pack_into
        self._single = len(names) == 1

    def encode_plain(self, x: Mapping[Hashable, Any], out: Float64) -> bool:
        """Encode the common row, which has every feature and no other and all as numbers, or say no."""
        _check_row(x)
        # another mapping may make up the keys that it is asked for
        if not self._plain or len(x) != len(self.slots) or type(x) is not dict:
            return False
        try:
            if self._single:
                self._pack(out, 0, self._get(x))
            else:
                self._pack(out, 0, *self._get(x))
        except Exception:
            # a cell is missing or no number, or answers with an error of its own
            return False
        return True

    def encode(self, x: Mapping[Hashable, Any], out: Float64 | None = None) -> Float64:
        """The row as a vector (n_slots,), NaN where it says nothing usable; changes no state."""
        if out is None:
            out = np.empty(len(self.slots))
        if not self.encode_plain(x, out):
            self._encode_any(x, out)
        return out

    def _encode_any(self, x: Mapping[Hashable, Any], out: Float64) -> None:
        out.fill(np.nan)
        for name, value in x.items():
            place = self._numbers.get(name)
            if place is not None:
                if not isinstance(value, str):
                    out[place] = _as_number(value)
            elif name in self._texts and isinstance(value, str):
                known = self._texts[name]
                for place in known.values():
                    out[place] = 0.0
                if value in known:
                    out[known[value]] = 1.0

    def count_unusable(self, x: Mapping[Hashable, Any], row: Float64) -> int:
        """Cells of ``x`` that say something, but nothing that their slot could use."""
        unusable = int(np.count_nonzero(np.isinf(row)))
        for name, value in x.items():
            place = self._numbers.get(name)
            if place is not None:
                unusable += bool(np.isnan(row[place])) and not _is_missing(value)
            elif name in self._texts:
                unusable += not isinstance(value, str) and not _is_missing(value)
            elif not _is_name(name) or (isinstance(value, str) and len(value) > _LONGEST_TEXT):
                unusable += not _is_missing(value)
        return unusable

    def __getstate__(self) -> dict[str, Any]:
        # the compiled way through a common row is rebuilt, not carried
        derived = ("_get", "_pack")
        return {key: value for key, value in self.__dict__.items() if key not in derived}

    def __setstate__(self, data: dict[str, Any]) -> None:
        self.__dict__.update(data)
        self._reindex()

    def _wanted(self, x: Mapping[Hashable, Any]) -> Iterable[Slot]:
        for name, value in x.items():
            if isinstance(value, str):
                # a text where numbers were is a fault of the row, not a new category
                if name not in self._numbers and len(value) <= _LONGEST_TEXT:
                    yield (name, value)
                # the feature is text after all: numbers claim it by ten in a row
                self._candidates.pop((name, None), None)
            elif not np.isnan(_as_number(value)):
                yield (name, None)

    def order_of(self, names: Sequence[Hashable]) -> list[int] | None:
        """Where in ``names`` each slot's feature stands, or None unless they are the same features."""
        if not self._plain or len(names) != len(self.slots) or set(names) != self._numbers.keys():
            return None
        places = {name: i for i, name in enumerate(names)}
        return [places[name] for name, _ in self.slots]

    def note_plain(self, n_rows: int) -> None:
        """Take note of rows to be learned that have every feature and a number for each."""
        self.n_rows += n_rows
        self._all_seen = self.n_rows

    def admit(self, x: Mapping[Hashable, Any]) -> list[int]:
        """Take note of a row to be learned; returns the slots that stand for something new.

        Slots are given in the order of the features' names, so the order of a dict makes no
        difference. The caller must reset what it keeps about the slots returned.
        """
        self.n_rows += 1
        fresh = []
        for slot in self._wanted(x):
            place = self._index.get(slot)
            if place is not None:
                self._last_seen[place] = self.n_rows
            else:
                fresh.append(slot)
        return self._grow(fresh) if fresh else []

    def _grow(self, fresh: list[Slot]) -> list[int]:
        given: list[int] = []
        # a feature whose name could not be saved is not let in
        fresh = sorted((slot for slot in fresh if _is_name(slot[0])), key=slot_label)
        first_row = not self.slots
        for slot in fresh:
            if not first_row:
                seen = self._candidates.pop(slot, 0) + 1
                if seen < PROBATION:
                    self._candidates[slot] = seen
                    if len(self._candidates) > _CANDIDATES:
                        del self._candidates[next(iter(self._candidates))]
                    continue
            if len(self.slots) < self.max_features:
                self.slots.append(slot)
                self._last_seen.append(self.n_rows)
                given.append(len(self.slots) - 1)
                continue
            seen_last = [max(row, self._all_seen) for row in self._last_seen]
            place = min(range(len(self.slots)), key=seen_last.__getitem__)
            if seen_last[place] == self.n_rows:
                # every slot is in use by this very row
                break
            self.slots[place] = slot
            self._last_seen[place] = self.n_rows
            self.n_evicted += 1
            given.append(place)
        if given:
            self._reindex()
        return given

    def to_state(self) -> State:
        """Everything needed to continue; feature names must be text, numbers or tuples of them."""
        return {
            "max_features": self.max_features,
            "n_rows": self.n_rows,
            "n_evicted": self.n_evicted,
            "all_seen": self._all_seen,
            "slots": [[_packed(name), value] for name, value in self.slots],
            "last_seen": np.array(self._last_seen, np.int64),
            "candidates": [[_packed(name), value, n] for (name, value), n in self._candidates.items()],
        }

    @classmethod
    def from_state(cls, data: State) -> FeatureSchema:
        """Rebuild from :meth:`to_state`."""
        restored = cls(data["max_features"])
        restored.n_rows, restored.n_evicted, restored._all_seen = (
            data["n_rows"],
            data["n_evicted"],
            data["all_seen"],
        )
        restored.slots = [(_unpacked(name), value) for name, value in data["slots"]]
        restored._last_seen = data["last_seen"].tolist()
        restored._candidates = {(_unpacked(name), value): n for name, value, n in data["candidates"]}
        restored._reindex()
        return restored


def _packed(name: Hashable) -> Any:
    name = _as_python(name)
    if name is None or isinstance(name, (str, bool, int, float)):
        return name
    if isinstance(name, tuple):
        return [_packed(part) for part in name]
    raise TypeError(
        f"Got a feature named {name!r} of type {type(name).__name__}, but expected text, a number or a tuple "
        "of them: only such names can be saved."
    )


def _unpacked(name: Any) -> Hashable:
    return tuple(_unpacked(part) for part in name) if isinstance(name, list) else name
