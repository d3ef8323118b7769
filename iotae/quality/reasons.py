"""Why a packet is doubted: the reasons, in a fixed order, each with its bit."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["BIT", "CANNOT_BE_TRUE", "MEANINGS", "REASONS", "mask_of", "names_in"]

MEANINGS = {
    "duplicate": "the device has sent this very row before",
    "sentinel": "a number that stands for an error, as -999 or 65535, where it cannot be a reading",
    "impossible": "infinite, or against a declared rule: out of its range, required and missing, no number",
    "torn": "a row of a file that has not as many cells as the header",
    "range": "farther out of all values seen of this device and column than these are apart",
    "jump": "more than twice the largest step ever seen, for the time passed",
    "stuck": "the same value for far longer than its own habit allows",
    "flat": "lies at zero or a limit for far longer than ever, or where it came by an impossible jump",
    "missing": "no value, where the column hardly ever lacks one",
    "order": "earlier than the device's latest row",
    "late": "far behind the clock of the whole stream, or of its device",
    "clock": "the device's clock was set: before 2000, days back, or far ahead of all others",
    "type": "text where numbers were, or a number where text was",
    "unit": "another unit: as text, or numbers that only a conversion brings back to the usual",
    "schema": "other features than this device sends",
}
"""What each reason means, in the order in which reasons are told."""

REASONS = tuple(MEANINGS)

BIT = {name: 1 << place for place, name in enumerate(REASONS)}

CANNOT_BE_TRUE = ("duplicate", "sentinel", "impossible", "torn")
"""Reasons for which a row is set aside if nothing else is said. The others are also the anomalies sought."""


def mask_of(reasons: Iterable[str]) -> int:
    """Return the bits of some reasons, as one number.

    Raises
    ------
    ValueError
        If one of them is none; the message lists those there are.

    Examples
    --------
    >>> mask_of(["duplicate", "impossible"])
    5
    """
    mask = 0
    for name in reasons:
        if name not in BIT:
            raise ValueError(f"Got the reason {name!r}, but expected some of {', '.join(REASONS)}.")
        mask |= BIT[name]
    return mask


def names_in(mask: int) -> tuple[str, ...]:
    """Return the reasons whose bits are set.

    Examples
    --------
    >>> names_in(5)
    ('duplicate', 'impossible')
    """
    return tuple(name for name, bit in BIT.items() if mask & bit)
