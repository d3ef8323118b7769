"""The values of a text feature: how often each was seen lately, how surprising one is, and identifiers."""

from __future__ import annotations

from hashlib import blake2b
from math import log
from typing import ClassVar

import numpy as np

from iotae._typing import State
from iotae._validation.schema import COUNT, Array, Flag, ListOf, Maybe, Record, Row, Text, Whole, refuse
from iotae.stream.names import LONGEST_TEXT

__all__ = ["INDICATORS", "PROBATION", "Category", "value_key"]

PROBATION = 10
"""Learned rows in which a value, or a new feature, must have been seen before it gets a slot."""

INDICATORS = 8
"""Values of a feature that may have a 0/1 slot of their own."""

_MOST_VALUES = 1000
"""Values of a feature that are counted; the rarest quarter is dropped when there are more."""

_MEMORY = 20_000.0
"""Rows after which all counts are halved, so that old rows fade."""

_KEPT_FROM = 0.5
"""Count from which a value is kept when the counts are halved: once among the latest rows."""

_PRIOR = 0.5
"""Added to the count of every value, and the whole count of an unseen one."""

_LONG_VALUE = 64
"""Letters from which a value is remembered by a digest, which bounds the memory."""

_CHANGES = 250
"""Changes of the value that it takes to tell an identifier, and that the share of new values covers."""

_IDENTIFIER_FROM = 0.85
"""Share of changes that lead to a new value from which the feature is an identifier."""

_IDENTIFIER_UNTIL = 0.5
"""Share below which an identifier is a category again."""


def value_key(value: str) -> str:
    """What a value is remembered by: itself, or for a long one its beginning and a digest."""
    if type(value) is not str:
        # a subclass of str may have an equality of its own
        value = str.__str__(value)
    if len(value) <= _LONG_VALUE:
        return value
    return value[:24] + blake2b(value.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _check_counts(data: State, place: str) -> None:
    counts, total = data["counts"], data["figures"][0]
    if len(data["values"]) != counts.size or counts.sum() > total * (1.0 + 1e-9):
        raise refuse(counts, f"{place}.counts", f"one for each value, {total:g} together at most")
    keys = {key for key, _ in data["indicators"]}
    if len(keys) < len(data["indicators"]):
        raise refuse(data["indicators"], f"{place}.indicators", "different values")


class Category:
    """Count the values of a text feature, in bounded memory, and say how surprising a value is.

    The surprisal of a value seen ``c`` times in ``n`` rows is ``-log((c + 1/2) / (n + (k + 1) / 2))``
    with ``k`` values at present: every value, and all unseen ones together, get half a row in
    addition. A value that was not seen before is therefore never less surprising than one that
    was, which does not hold for the Good-Turing estimate. The bound is ``log(n + 2)``.

    A feature is an *identifier* when nearly every change of its value leads to a value that is not
    among those remembered. Only changes count, so a time stamp that stays for some rows is found
    too. Two hundred names that take turns lead to a new name in four of the first five changes at
    most, and are a category.

    Parameters
    ----------
    place : int
        Slot of the surprisal.

    Attributes
    ----------
    indicators : dict of str -> int
        The values that have a 0/1 slot, and which.
    is_identifier : bool
        Whether the feature says nothing at present, because hardly a value repeats.

    Examples
    --------
    >>> category = Category(0)
    >>> for value in ["on", "off"] * 50:
    ...     usual = category.note(value)
    >>> round(category.surprisal("on"), 2), round(category.surprisal("broken"), 2)
    (0.7, 4.62)
    """

    SCHEMA: ClassVar[Record] = Record(
        {
            "place": COUNT,
            "indicators": ListOf(Row(Text(LONGEST_TEXT), COUNT), INDICATORS),
            "is_identifier": Flag(),
            "values": ListOf(Text(LONGEST_TEXT), _MOST_VALUES, distinct=True),
            "counts": Array(np.float64, "values", low=0.0),
            "latest": Maybe(Text(LONGEST_TEXT)),
            "n_changes": Whole(0, _CHANGES),
            "figures": Array(np.float64, 3, low=0.0, high=[_MEMORY, 1.0, 4.0 * _MEMORY]),
        },
        (_check_counts,),
    )

    def __init__(self, place: int) -> None:
        self.place = place
        self.indicators: dict[str, int] = {}
        self.is_identifier = False
        self._counts: dict[str, float] = {}
        self._total = 0.0
        self._latest: str | None = None
        self._n_changes = 0
        self._share_new = 0.0
        # the count that a value must reach before it is asked whether it deserves an indicator
        self._bar = float(PROBATION)

    def surprisal(self, key: str) -> float:
        """How surprising a value is, in nats, given the rows noted so far."""
        counts, total = self._counts, self._total
        mass = total + _PRIOR * (len(counts) + 1)
        return min(log(mass / (counts.get(key, 0.0) + _PRIOR)), log(total + 2.0))

    def fill(self, key: str, cells: list[float]) -> None:
        """Write the value's surprisal and its indicators into their cells."""
        if self.is_identifier:
            return
        cells[self.place] = self.surprisal(key)
        indicators = self.indicators
        for place in indicators.values():
            cells[place] = 0.0
        if key in indicators:
            cells[indicators[key]] = 1.0

    def weakest(self) -> str:
        """The least usual of the values that have an indicator."""
        return min(self.indicators, key=lambda key: self._counts.get(key, 0.0))

    def postpone(self, key: str) -> None:
        """There is no slot for the value: ask again when it has been seen twice as often."""
        self._bar = 2.0 * self._counts.get(key, 0.0)

    def note(self, key: str) -> bool:
        """Count one more row with this value; whether it is now usual enough for an indicator."""
        counts = self._counts
        count = counts.get(key, 0.0) + 1.0
        counts[key] = count
        self._total += 1.0
        if key != self._latest:
            self._note_change(key, count == 1.0)
        if len(counts) > _MOST_VALUES or self._total >= _MEMORY:
            self._forget()
        return count >= self._bar and key not in self.indicators and self._deserves_indicator(count)

    def _deserves_indicator(self, count: float) -> bool:
        if self.is_identifier:
            return False
        if len(self.indicators) < INDICATORS:
            return True
        # twice as usual as the weakest, so that two values of the same rate do not take turns
        self._bar = max(self._bar, 2.0 * self._counts.get(self.weakest(), 0.0))
        return count >= self._bar

    def _forget(self) -> None:
        counts = self._counts
        if len(counts) > _MOST_VALUES:
            # the sort is stable: among equals the one known for longest goes
            for rare in sorted(counts, key=counts.__getitem__)[: _MOST_VALUES // 4]:
                del counts[rare]
        if self._total >= _MEMORY:
            self._total *= 0.5
            self._bar = max(float(PROBATION), 0.5 * self._bar)
            halves = ((value, 0.5 * count) for value, count in counts.items())
            self._counts = {value: half for value, half in halves if half > _KEPT_FROM}

    def _note_change(self, key: str, is_new: bool) -> None:
        self._latest = key
        self._n_changes = n = min(self._n_changes + 1, _CHANGES)
        self._share_new += (is_new - self._share_new) / n
        if n == _CHANGES:
            if self._share_new > _IDENTIFIER_FROM:
                self.is_identifier = True
            elif self._share_new < _IDENTIFIER_UNTIL:
                self.is_identifier = False

    def to_state(self) -> State:
        """Everything needed to continue."""
        return {
            "place": self.place,
            "indicators": [[value, place] for value, place in self.indicators.items()],
            "is_identifier": self.is_identifier,
            "values": list(self._counts),
            "counts": np.array(list(self._counts.values()), np.float64),
            "latest": self._latest,
            "n_changes": self._n_changes,
            "figures": np.array([self._total, self._share_new, self._bar]),
        }

    @classmethod
    def from_state(cls, data: State) -> Category:
        """Rebuild from :meth:`to_state`, of a state that is as :attr:`SCHEMA` says."""
        restored = cls(data["place"])
        restored.indicators = dict(data["indicators"])
        restored.is_identifier = data["is_identifier"]
        restored._counts = dict(zip(data["values"], data["counts"].tolist(), strict=True))
        restored._latest, restored._n_changes = data["latest"], data["n_changes"]
        restored._total, restored._share_new, restored._bar = data["figures"].tolist()
        return restored
