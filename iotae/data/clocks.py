"""One text cell as a time, in any notation that calendars, logs and people write times in."""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime, timedelta
from typing import Literal

from iotae.data.numbers import tidied

__all__ = ["Order", "hour_is_told", "is_twelve_hour", "time_of"]

Order = Literal["dmy", "mdy"]
"""Whether the day or the month comes first where the year comes last."""

_ONLY_CLOCK = (
    r"(?P<hour>\d{1,2})[:h](?P<minute>\d\d)(?:[:m](?P<second>\d\d)s?(?:[.,:](?P<part>\d{1,9}))?)?"
    r"\s*(?P<half>[ap]\.?\s?m\.?)?\s*(?P<zone>z|utc|gmt|[a-z]{3,4}|(?:utc|gmt)?\s*[+-]\d\d?:?(?:\d\d)?)?"
    r"(?:\s*\[?[a-z]+/[a-z_/]+\]?)?"
)
# behind a date, marks that alone would make a number or a code
_CLOCK = _ONLY_CLOCK.replace("[:h]", "[:h.-]").replace("[:m]", "[:m.-]")
_GAP = r"(?:\s*,?\s*t?\s*|[:_-])"
_DAY_NAME = r"(?:[^\W\d]{2,10}\.?,?\s+)?"
_YEAR_FIRST = re.compile(
    rf"{_DAY_NAME}(?P<year>\d{{4}})([-/._])(?P<b>\d{{1,2}})\2(?P<c>\d{{1,2}})(?:{_GAP}{_CLOCK})?"
)
_YEAR_LAST = re.compile(
    rf"{_DAY_NAME}(?P<b>\d{{1,2}})(?P<mark>[-/.])(?P<c>\d{{1,2}})(?P=mark)(?P<year>\d{{4}}|\d\d)(?:{_GAP}{_CLOCK})?"
)
_COMPACT = re.compile(
    r"(?P<year>\d{4})(?P<b>\d\d)(?P<c>\d\d)[t _-]?(?P<hour>\d\d):?(?P<minute>\d\d):?(?P<second>\d\d)?"
    r"(?:[.,](?P<part>\d{1,9}))?(?P<half>)\s*(?P<zone>z|[+-]\d\d:?(?:\d\d)?)?"
)
_NAMED = re.compile(
    rf"{_DAY_NAME}(?:(?P<day>\d{{1,2}})(?:st|nd|rd|th|\.)?[\s/-]*(?:of |de )?(?P<month>[^\W\d]{{3,10}})\.?"
    rf"|(?P<month2>[^\W\d]{{3,10}})\.?[\s/-]*(?P<day2>\d{{1,2}})(?:st|nd|rd|th)?)"
    rf"(?:(?:,\s*|[\s/-]+|(?<!\d))(?:de )?(?P<year>\d{{4}}|\d\d(?!:)))?"
    rf"(?:{_GAP}(?:at )?{_CLOCK}(?:\s+(?P<late>\d{{4}}))?)?"
)
_YEAR_NAMED = re.compile(
    rf"(?P<year>\d{{4}})[\s/-](?P<month>[^\W\d]{{3,10}})\.?[\s/-](?P<day>\d{{1,2}})(?:{_GAP}{_CLOCK})?"
)
_CLOCK_ALONE = re.compile(_ONLY_CLOCK)
_HALF = re.compile(r"\d\s*[ap]\.?\s?m\.?(\s|$)", re.IGNORECASE)

_MONTH_NAMES = (
    ("jan", "ene", "gen"),
    ("feb", "fev"),
    ("mar", "maa", "mrt", "mrz"),
    ("apr", "abr", "avr"),
    ("may", "mai", "mei", "mag"),
    ("jun", "juin", "giu"),
    ("jul", "juil", "lug"),
    ("aug", "ago", "aou"),
    ("sep", "set"),
    ("oct", "okt", "ott", "out"),
    ("nov",),
    ("dec", "dez", "dic"),
)
"""How the months begin, without accents, in seven languages of Europe."""
_MONTHS = {name: month for month, names in enumerate(_MONTH_NAMES, start=1) for name in names}
_NO_YEAR = 1972
_SIGNS = str.maketrans("年月日时時分秒", "-- ::: ")
"""What stands behind the parts of a time in Chinese and Japanese."""


def time_of(text: str, order: Order = "dmy", form: str | None = None) -> datetime | None:
    """Return a cell's wall clock as written, without its zone; None where the cell is no time.

    Parameters
    ----------
    text : str
        A date, a date with a clock, or a clock alone (then of 1 January 1970). Dates are as in ISO 8601,
        with or without marks between, have the year first or last, or the month as a name; clocks have 24
        or 12 hours. Without a year, 1972 is taken.
    order : {'dmy', 'mdy'}
        Whether ``03/04/2026`` is 3 April or 4 March. A date that only one order allows is read by that one
        alone: the other gives None.
    form : str, optional
        A format of :meth:`datetime.datetime.strptime`, by which alone the cell is then read.

    Examples
    --------
    >>> time_of("31/01/2026 2:05 PM"), time_of("01/31/26 14:05", "mdy"), time_of("noon")
    (datetime.datetime(2026, 1, 31, 14, 5), datetime.datetime(2026, 1, 31, 14, 5), None)
    """
    text = text.strip()
    if form is not None:
        return _by_format(text, form)
    # the cheapest questions first: most cells that are asked are words or numbers
    if not 4 <= len(text) <= 48 or not any(map(str.isdigit, text)):
        return None
    if len(text) >= 10 and text[4] == text[7] == "-":
        try:
            return datetime.fromisoformat(text).replace(tzinfo=None)
        except ValueError:
            pass
    text = tidied(text.translate(_SIGNS)).lower().strip("[]'\": ")
    for shape, reader in _READERS:
        found = shape.fullmatch(text)
        if found is not None:
            try:
                return reader(found, order)
            except (ValueError, OverflowError, KeyError):
                return None
    return None


def _by_format(text: str, form: str) -> datetime | None:
    try:
        return datetime.strptime(text, form).replace(tzinfo=None)
    except ValueError:
        return None


def _moment(year: int, month: int, day: int, found: re.Match[str]) -> datetime:
    """The moment of a date and of what the match says of the clock."""
    moment = datetime(year, month, day)
    groups = found.groupdict()
    if groups.get("hour") is None:
        return moment
    hour, minute, second = (int(groups[name] or 0) for name in ("hour", "minute", "second"))
    if groups["half"]:
        if not 1 <= hour <= 12:
            raise ValueError(hour)
        hour = hour % 12 + 12 * groups["half"].startswith("p")
    if hour > 24 or minute > 59 or second > 60 or (hour == 24 and minute + second):
        raise ValueError(hour)
    part = int((groups["part"] or "0")[:6].ljust(6, "0"))
    # 24:00 is the end of a day, and a leap second the second after it
    return moment + timedelta(hours=hour, minutes=minute, seconds=second, microseconds=part)


def _full_year(digits: str) -> int:
    year = int(digits)
    return year if len(digits) > 2 else year + (2000 if year < 69 else 1900)


def _year_first(found: re.Match[str], order: Order) -> datetime:
    return _moment(int(found["year"]), int(found["b"]), int(found["c"]), found)


def _year_last(found: re.Match[str], order: Order) -> datetime:
    if len(found["year"]) == 2 and found["mark"] == "." and found["hour"] is None:
        # three small numbers with dots are as likely a version
        raise ValueError(found[0])
    day, month = int(found["b"]), int(found["c"])
    if order == "mdy":
        day, month = month, day
    return _moment(_full_year(found["year"]), month, day, found)


def _named(found: re.Match[str], order: Order) -> datetime:
    groups = found.groupdict()
    word = unicodedata.normalize("NFKD", groups["month"] or groups.get("month2") or "")
    letters = "".join(filter(str.isalpha, word))
    month = _MONTHS[letters[:4] if letters[:4] in _MONTHS else letters[:3]]
    year, day = groups["year"] or groups.get("late"), groups["day"] or groups.get("day2") or ""
    if year is None and groups["hour"] is None:
        raise ValueError(found[0])
    return _moment(_NO_YEAR if year is None else _full_year(year), month, int(day), found)


def _clock_alone(found: re.Match[str], order: Order) -> datetime:
    return _moment(1970, 1, 1, found)


_READERS = (
    (_YEAR_FIRST, _year_first),
    (_YEAR_LAST, _year_last),
    (_COMPACT, _year_first),
    (_CLOCK_ALONE, _clock_alone),
    (_YEAR_NAMED, _named),
    (_NAMED, _named),
)


def is_twelve_hour(text: str) -> bool:
    """Whether a cell says AM or PM, which those write who put the month first."""
    return _HALF.search(text) is not None


def hour_is_told(text: str) -> bool:
    """Whether a cell that is a time has a clock, so that it is no date alone."""
    # a date has eight digits at most
    return ":" in text or sum(map(str.isdigit, text)) > 8 or re.search(r"\dh\d", text) is not None
