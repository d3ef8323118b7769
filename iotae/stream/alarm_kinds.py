"""What makes two alarms of a stream alike: which features stand out, for what reason and at which values."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

__all__ = ["AFTER", "CLOCK", "MOST_TRAITS", "OFF", "OUT", "STILL", "WAYS", "WORD", "Alarm", "Kind", "Trait"]

OUT, OFF, AFTER, STILL, WORD, CLOCK = "out", "off", "after", "still", "word", "clock"
"""Why a feature has its share: its value is out of what is usual; it is not, but not what the others say
either; the rows before were so; it does not move; it is a text; it is a time."""

WAYS = 4
"""Ways in which a feature may stand out in one kind; the latest are kept."""

_MOST_FEATURES = 16
"""Features that may stand out in one kind; of more, the one that was met first is forgotten."""

MOST_TRAITS = WAYS * _MOST_FEATURES
"""Traits that one kind has at most."""

_BIG_SHARE = 0.25
"""Share of the score from which on a feature has to be one that the kind has too."""

_HIGHER = 3.0
"""A score this many times as high as the highest that was confirmed is another kind."""


class Trait(NamedTuple):
    """Why one feature has its share of a score, from where to where its values lie, and how near is alike."""

    name: Hashable
    cause: str
    side: int
    """1 above, -1 below what was expected, 0 where that is not asked."""
    low: float
    high: float
    reach: float
    """How far outside [low, high] a value is still alike."""
    word: str = ""


class Alarm(NamedTuple):
    """What a row's score is made of: its features with their shares, the largest first, and the raw score.

    A number far out of what is usual is given a share above one.
    """

    traits: Sequence[tuple[Trait, float]]
    raw: float


def _is_alike(trait: Trait, known: Trait) -> bool:
    """Whether a feature stands out as it did in a kind of alarm."""
    same = (trait.cause, trait.side, trait.word) == (known.cause, known.side, known.word)
    return same and known.low - known.reach <= trait.low and trait.high <= known.high + known.reach


@dataclass
class Kind:
    """A kind of alarm that was confirmed: how its features stood out, and the highest raw score."""

    number: int
    anomaly: bool
    traits: dict[Hashable, list[Trait]]
    raw: float
    n_confirmed: int = 1
    n_matched: int = 0
    met: int = 0

    def matches(self, alarm: Alarm) -> bool:
        """Whether an alarm is of this kind."""
        if not alarm.raw + 0.5 <= _HIGHER * (self.raw + 0.5):
            return False
        counted = [trait for i, (trait, part) in enumerate(alarm.traits) if i == 0 or part >= _BIG_SHARE]
        alike = [any(_is_alike(one, known) for known in self.traits.get(one.name, ())) for one in counted]
        # an anomaly stays one whatever else happens, and what was normal is so only by itself
        return bool(alike) and (any(alike) if self.anomaly else all(alike))

    def takes(self, alarm: Alarm) -> bool:
        """Whether an alarm that was confirmed is of this kind: its first feature stands out alike."""
        first = alarm.traits[0][0]
        return any(_is_alike(first, known) for known in self.traits.get(first.name, ()))

    def widen(self, alarm: Alarm) -> None:
        """Take in one more alarm that was confirmed."""
        self.raw = max(self.raw, alarm.raw)
        self.n_confirmed += 1
        for trait, _ in alarm.traits:
            held = self.traits.setdefault(trait.name, [])
            for i, known in enumerate(held):
                if _is_alike(trait, known):
                    low, high = min(known.low, trait.low), max(known.high, trait.high)
                    held[i] = trait._replace(low=low, high=high)
                    break
            else:
                self.traits[trait.name] = [*held[1 - WAYS :], trait]
        latest = {trait.name for trait, _ in alarm.traits}
        others = [name for name in self.traits if name not in latest]
        for name in others[: len(latest) - _MOST_FEATURES]:
            del self.traits[name]

    def told(self) -> str:
        """Return the kind in words."""
        return ", ".join(_said(trait) for held in self.traits.values() for trait in held[:1])


def _said(trait: Trait) -> str:
    """A trait in words, with the values that were confirmed."""
    if trait.cause == WORD:
        return f"{trait.name} {trait.word!r}"
    if trait.cause == CLOCK:
        return f"{trait.name} and sensors disagree at {trait.low:.0f} to {trait.high:.0f} o'clock"
    span = f"{trait.low:.6g}" if trait.low == trait.high else f"{trait.low:.6g} to {trait.high:.6g}"
    how = {STILL: "does not move at", AFTER: "odd in the rows before"}.get(trait.cause, "")
    side = {1: "above what is expected", -1: "below what is expected"}.get(trait.side, "")
    return " ".join(filter(None, (str(trait.name), how, span, side)))
