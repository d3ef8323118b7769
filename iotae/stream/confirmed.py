"""The kinds of alarm that an operator has confirmed: remembered in bounded memory, saved and forgotten."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import NamedTuple

from iotae._typing import State
from iotae._validation.schema import COUNT, Choice, Flag, ListOf, Number, Record, Row, Text, refuse
from iotae.stream.alarm_kinds import (
    AFTER,
    CLOCK,
    MOST_TRAITS,
    OFF,
    OUT,
    STILL,
    WAYS,
    WORD,
    Alarm,
    Kind,
    Trait,
)
from iotae.stream.names import LONGEST_TEXT, NAME, packed_name, unpacked_name

__all__ = ["CONFIRMED", "MOST_KINDS", "Confirmed", "ConfirmedKinds"]

MOST_KINDS = 64
"""Kinds that are remembered; the one that was met least lately gives way."""

_LARGEST = 1.7e308


class Confirmed(NamedTuple):
    """A kind of alarm that was confirmed, as an operator is told of it."""

    number: int
    """What ``forget_confirmed`` takes."""
    anomaly: bool
    kind: str
    """The kind in words."""
    n_confirmed: int
    n_matched: int
    """Rows that were alike since: without an alarm if they are normal, and not learned if anomalies."""


_TRAIT = Row(
    NAME,
    Choice(OUT, OFF, AFTER, STILL, WORD, CLOCK),
    Choice("-1", "0", "1"),
    Number(-_LARGEST, _LARGEST),
    Number(-_LARGEST, _LARGEST),
    Number(0.0, _LARGEST),
    Text(LONGEST_TEXT),
)


def _check_kinds(data: State, place: str) -> None:
    numbers = [kind["number"] for kind in data["kinds"]]
    if any(low > high for kind in data["kinds"] for _, _, _, low, high, _, _ in kind["traits"]):
        raise refuse(data["kinds"], f"{place}.kinds", "values from a low one to a high one")
    for kind in data["kinds"]:
        ways = Counter(unpacked_name(name) for name, *_ in kind["traits"])
        if max(ways.values()) > WAYS:
            raise refuse(max(ways.values()), f"{place}.kinds", f"at most {WAYS} ways a feature stands out in")
    if len(set(numbers)) < len(numbers) or any(number >= data["next"] for number in numbers):
        raise refuse(numbers, f"{place}.kinds", f"different numbers below {data['next']}")


CONFIRMED = Record(
    {
        "withheld": COUNT,
        "next": COUNT,
        "kinds": ListOf(
            Record(
                {
                    "number": COUNT,
                    "anomaly": Flag(),
                    "traits": ListOf(_TRAIT, MOST_TRAITS, least=1),
                    "raw": Number(0.0, _LARGEST),
                    "n_confirmed": COUNT,
                    "n_matched": COUNT,
                    "met": COUNT,
                }
            ),
            MOST_KINDS,
        ),
    },
    (_check_kinds,),
)


@dataclass
class ConfirmedKinds:
    """The kinds of alarm that were confirmed; false while there are none.

    Examples
    --------
    >>> def alarm(watts):
    ...     return Alarm([(Trait("watts", "out", 1, watts, watts, 2.0), 0.9)], 3.0)
    >>> kinds = ConfirmedKinds()
    >>> kinds.confirm(alarm(71.0), False, 1)
    'watts 71 above what is expected'
    >>> kinds.meets(alarm(72.5), False, 2), kinds.meets(alarm(90.0), False, 3)
    (True, False)
    """

    _kinds: dict[int, Kind] = field(default_factory=dict)
    _next: int = 1

    def __bool__(self) -> bool:
        return bool(self._kinds)

    def confirm(self, alarm: Alarm, anomaly: bool, row: int) -> str:
        """Remember an alarm's kind, or widen one that it is alike; return the kind in words.

        A kind of the other label that has it is forgotten: the latest word counts.
        """
        for number in [n for n, one in self._kinds.items() if one.anomaly != anomaly and one.matches(alarm)]:
            del self._kinds[number]
        alike = next((o for o in self._kinds.values() if o.anomaly == anomaly and o.takes(alarm)), None)
        if alike is not None:
            alike.widen(alarm)
            alike.met = row
            return alike.told()
        if len(self._kinds) >= MOST_KINDS:
            del self._kinds[min(self._kinds.values(), key=lambda one: one.met).number]
        traits = {trait.name: [trait] for trait, _ in alarm.traits}
        self._kinds[self._next] = Kind(self._next, anomaly, traits, alarm.raw, met=row)
        self._next += 1
        return self._kinds[self._next - 1].told()

    def find(self, alarm: Alarm, anomaly: bool) -> int | None:
        """The number of a kind that an alarm is of, None if it is of none."""
        return next((n for n, o in self._kinds.items() if o.anomaly == anomaly and o.matches(alarm)), None)

    def meets(self, alarm: Alarm, anomaly: bool, row: int) -> bool:
        """Whether an alarm of this row is of a kind, which is noted."""
        number = self.find(alarm, anomaly)
        if number is None:
            return False
        self._kinds[number].n_matched += 1
        self._kinds[number].met = row
        return True

    def has(self, anomaly: bool) -> bool:
        """Whether there is a kind with this label."""
        return any(one.anomaly == anomaly for one in self._kinds.values())

    def forget(self, number: int) -> None:
        """Forget a kind; ``ValueError`` if there is none of this number."""
        if number not in self._kinds:
            some = ", ".join(map(str, self._kinds)) or "none"
            raise ValueError(f"Got number={number!r}, but expected that of a kind that is confirmed: {some}.")
        del self._kinds[number]

    def listed(self) -> list[Confirmed]:
        """All kinds, the first confirmed first."""
        return [
            Confirmed(one.number, one.anomaly, one.told(), one.n_confirmed, one.n_matched)
            for one in self._kinds.values()
        ]

    def to_state(self) -> State:
        """Everything needed to continue."""
        kinds = [
            {
                "number": one.number,
                "anomaly": one.anomaly,
                "traits": [
                    [packed_name(t.name), t.cause, str(t.side), t.low, t.high, t.reach, t.word]
                    for held in one.traits.values()
                    for t in held
                ],
                "raw": one.raw,
                "n_confirmed": one.n_confirmed,
                "n_matched": one.n_matched,
                "met": one.met,
            }
            for one in self._kinds.values()
        ]
        return {"next": self._next, "kinds": kinds}

    @classmethod
    def from_state(cls, data: State) -> ConfirmedKinds:
        """Rebuild from :meth:`to_state`, of a state that is as :data:`CONFIRMED` says."""
        restored = cls()
        restored._next = data["next"]
        for one in data["kinds"]:
            traits: dict[Hashable, list[Trait]] = {}
            for name, cause, side, low, high, reach, word in one["traits"]:
                trait = Trait(unpacked_name(name), cause, int(side), low, high, reach, word)
                traits.setdefault(trait.name, []).append(trait)
            restored._kinds[one["number"]] = Kind(**{**one, "traits": traits})
        return restored
