"""One text cell as a number, in any notation that people and programs write numbers in."""

from __future__ import annotations

import re
import unicodedata
from math import isfinite, nan
from typing import Literal

__all__ = ["Decimal", "factor_between", "looks_numeric", "number_and_unit", "number_of", "tidied"]

Decimal = Literal[".", ","]
"""The mark before the decimals."""

_MISSING = frozenset({"", "na", "n/a", "nan", "null", "none", "?", "-", "<na>", "nat"})
_WORDS = {"true": 1.0, "false": 0.0}

# Arabic marks, other minus signs, and the blanks and apostrophes that stand between groups of digits
_SAME = str.maketrans({"٫": ".", "٬": " ", "−": "-", "–": "-", "\u00a0": " ", "\u202f": " ", "’": "'"})

_SHAPES: dict[str, re.Pattern[str]] = {
    decimal: re.compile(
        rf"[+-]?(?:(?P<whole>\d+|[1-9]\d{{0,2}}(?:(?P<mark>[{marks}])\d{{3}})(?:(?P=mark)\d{{3}})*{lakh})"
        rf"(?:[{decimal}](?P<parts>\d*))?|[{decimal}](?P<only>\d+))(?P<power>e[+-]?\d+)?"
    )
    for decimal, marks, lakh in ((".", ",' ", r"|[1-9]\d?(?:,\d\d)+,\d{3}"), (",", ".' ", ""))
}
"""A number with digits in groups of three (or as in India), or in no groups, for each decimal mark."""

_QUOTED = re.compile(r"""=?"(?P<double>[^"]*)"|'(?P<single>[^']*)'?""")
"""A cell in marks that keep a spreadsheet from reading it: ="20.64", '20.64', or one apostrophe before it."""

_VERSION = re.compile(r"v?\d+(?:\.\d+){2,}(?![\d,])", re.IGNORECASE)
"""What begins as a version or an address does: parts divided by points, none of them a decimal."""

_RADIX = re.compile(r"[+-]?0[xbo][0-9a-f]+")
_BEFORE_UNIT = re.compile(r"[$€£¥₹]?\s*([+-]?[\d.,][\d.,' ]*(?:e[+-]?\d+)?)\s*(\D.*)?", re.IGNORECASE)
_UNIT = re.compile(r"(?![_:/\\;#-])(?:\D|(?<=[^\W\d])-?[1-4](?!\d)){1,12}")
"""A unit, with digits as powers alone: m3, s-1."""
_LOOKS_NUMERIC = re.compile(r"[^\w\s]{0,2}\s?\d[\d.,' /;:|~-]*(?:e[+-]?\d+)?\s?\D{0,12}\d?", re.IGNORECASE)

_PREFIXES = {"": 1.0, "n": 1e-9, "µ": 1e-6, "u": 1e-6, "m": 1e-3, "c": 1e-2, "k": 1e3, "K": 1e3, "M": 1e6}
_PREFIXES |= {"G": 1e9, "T": 1e12, "h": 1e2, "Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30, "Ti": 2.0**40}
_BASES = frozenset(
    (
        "B",
        "b",
        "bps",
        "bit",
        "bit/s",
        "B/s",
        "W",
        "Wh",
        "V",
        "A",
        "Hz",
        "s",
        "m",
        "g",
        "Pa",
        "J",
        "Ω",
        "VA",
        "l",
    )
)
_SECONDS = {"s": 1.0, "sec": 1.0, "min": 60.0, "h": 3600.0, "d": 86_400.0}
_OWN = {"%": 1.0, "‰": 0.1}


def tidied(text: str) -> str:
    """Return a cell without blanks around it, its digits and marks as ASCII has them.

    Examples
    --------
    >>> tidied(" ４５．２ "), tidied("٤٥٫٢"), tidied("−5 ℃")
    ('45.2', '45.2', '-5 °C')
    """
    text = text.strip()
    if text.isascii():
        return text
    text = unicodedata.normalize("NFKC", text.translate(_SAME)).translate(_SAME)
    return "".join(str(unicodedata.digit(c)) if c.isdigit() else c for c in text).replace("μ", "µ").strip()


def number_of(text: str, decimal: Decimal = ".") -> float | None:
    """Return a cell as a finite number, NaN where it says missing, None where it is neither.

    Parameters
    ----------
    text : str
        XX of ten; hexadecimal, octal or binary as ``0x1F``; true or false; or a word for missing: NA,
        N/A, NaN, null, none, ``?`` or ``-``.
    decimal : {'.', ','}
        The mark before the decimals. The other one may only stand between groups of digits.

    Examples
    --------
    >>> number_of("1,234.5"), number_of("1.234,5", ","), number_of("0x1F"), number_of("45.2%")
    (1234.5, 1234.5, 31.0, None)
    """
    word = text.strip().lower()
    if word in _MISSING:
        return nan
    if word in _WORDS:
        return _WORDS[word]
    if decimal == "." or "." not in word:
        try:
            value = float(word)
        except ValueError:
            pass
        else:
            # float() accepts '1_000', which no writer means as a number, and 'inf', which no scaler survives
            return value if isfinite(value) and "_" not in word else None
    bare = _unquoted(word)
    if bare != word:
        return number_of(bare, decimal)
    word = tidied(word)
    if _RADIX.fullmatch(word):
        return _radix(word)
    found = _SHAPES[decimal].fullmatch(word)
    if found is None:
        return None
    whole = re.sub(r"\D", "", found["whole"] or "0")
    sign = "-" if word.startswith("-") else ""
    value = float(f"{sign}{whole}.{found['parts'] or found['only'] or 0}{found['power'] or ''}")
    return value if isfinite(value) else None


def _unquoted(word: str) -> str:
    """A cell without the marks that a spreadsheet puts around it, if it has such marks."""
    if not word.startswith(("=", '"', "'")):
        return word
    found = _QUOTED.fullmatch(word)
    return word if found is None else (found["double"] or found["single"] or "").strip()


def _radix(word: str) -> float | None:
    try:
        value = float(int(word, 0))
    except (ValueError, OverflowError):
        return None
    return value


def number_and_unit(text: str, decimal: Decimal = ".") -> tuple[float, str] | None:
    """Return the number of a cell and the unit behind it, '' for none; None where it is no number.

    Examples
    --------
    >>> number_and_unit("45.2%"), number_and_unit("20,1 °C", ","), number_and_unit("warm")
    ((45.2, '%'), (20.1, '°C'), None)
    """
    value = number_of(text, decimal)
    if value is not None:
        return value, ""
    found = _BEFORE_UNIT.fullmatch(tidied(_unquoted(text.strip())))
    if found is None:
        return None
    unit = (found[2] or "").strip()
    value = number_of(found[1], decimal)
    if value is None or value != value or (unit and _UNIT.fullmatch(unit) is None):
        return None
    return value, unit


def looks_numeric(text: str) -> bool:
    """Whether most of a short cell is digits, so that a reader would take it for a number.

    Examples
    --------
    >>> [looks_numeric(text) for text in ("12,5", "~45.2 (ok)", "7/80", "tcp", "192.168.0.1", "1.2.0")]
    [True, True, True, False, False, False]
    """
    text = text.strip()
    if _VERSION.match(text) or text.count(":") > 3:
        return False
    return _LOOKS_NUMERIC.fullmatch(tidied(text)) is not None


def factor_between(unit: str, other: str) -> float | None:
    """By what to multiply a number in ``unit`` to have it in the unit ``other``; None where none is known.

    Examples
    --------
    >>> factor_between("MB", "kB"), factor_between("min", "s"), factor_between("V", "A")
    (1000.0, 60.0, None)
    """
    if unit in ("", other):
        return 1.0
    if unit in _SECONDS and other in _SECONDS:
        return _SECONDS[unit] / _SECONDS[other]
    if unit in _OWN and other in _OWN:
        return _OWN[unit] / _OWN[other]
    of, to = _in_base(unit), _in_base(other)
    return None if of is None or to is None or of[1] != to[1] else of[0] / to[0]


def _in_base(unit: str) -> tuple[float, str] | None:
    """A unit as its prefix's power and its base."""
    for length in (0, 1, 2):
        if unit[:length] in _PREFIXES and unit[length:] in _BASES:
            return _PREFIXES[unit[:length]], unit[length:]
    return None
