"""How the columns of a table are written: decided once from counts over many cells, the same however cut."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Literal, NamedTuple

from iotae.data.clocks import Order
from iotae.data.evidence import AGREEMENT, Evidence
from iotae.data.numbers import Decimal, factor_between

__all__ = ["PLAIN", "Kind", "Notation", "decide", "decimal_of"]

Kind = Literal["numeric", "category", "time"]


class Notation(NamedTuple):
    """How a column is written.

    Attributes
    ----------
    kind : {'numeric', 'category', 'time'}
    decimal : {'.', ','}
        The mark before the decimals of a number.
    unit : str
        What stands behind the numbers, '' for nothing; numbers in another unit of its kind are converted.
    order : {'dmy', 'mdy'}
        Which comes first in dates that have the year last.
    form : str
        A format of :meth:`datetime.datetime.strptime` by which alone times are read, '' for any notation.
    """

    kind: Kind = "numeric"
    decimal: Decimal = "."
    unit: str = ""
    order: Order = "dmy"
    form: str = ""

    @property
    def reading(self) -> tuple[str, ...]:
        """What of the notation decides how the column is read."""
        if self.kind == "numeric":
            return self.kind, self.decimal, self.unit
        return (self.kind, self.order, self.form) if self.kind == "time" else (self.kind,)

    def to_state(self) -> list[str]:
        """Return the notation as JSON values."""
        return list(self)

    @classmethod
    def from_state(cls, data: Sequence[Any]) -> Notation:
        """Rebuild a notation from :meth:`to_state`."""
        return cls(*data)


PLAIN = Notation()
"""Numbers with a decimal point and no unit."""


def decimal_of(columns: Iterable[Evidence], separator: str = "") -> Decimal:
    """Decide the decimal mark of a file, for the columns that may be read with either mark.

    A column of numbers that only one mark explains has a vote. Without any vote, a file whose cells are
    divided by semicolons has decimal commas if it has commas at all.

    Examples
    --------
    >>> import numpy as np
    >>> from iotae.data.evidence import evidence_of
    >>> sure = evidence_of(np.array(["45,2", "3,125"], dtype=object))
    >>> either = evidence_of(np.array(["1,234", "3,125"], dtype=object))
    >>> decimal_of([sure, either]), decimal_of([either]), decimal_of([either], ";")
    (',', '.', ',')
    """
    votes: Counter[Decimal] = Counter()
    commas = False
    for seen in columns:
        (point, _), (comma, _) = _numbers(seen.point), _numbers(seen.comma)
        if max(point, comma) < AGREEMENT * seen.present:
            continue
        commas = commas or seen.with_comma > 0
        if point != comma:
            votes["." if point > comma else ","] += 1
    if not votes:
        return "," if commas and separator == ";" else "."
    return "," if votes[","] > votes["."] else "."


def _numbers(units: Counter[str], known: str = "") -> tuple[int, str]:
    """How many cells are numbers in one unit or can be converted to it, and that unit."""
    named = [(n, unit) for unit, n in units.items() if unit]
    unit = known if known and known in units else max(named)[1] if named else ""
    return sum(n for other, n in units.items() if factor_between(other, unit) is not None), unit


def decide(seen: Evidence, decimal: Decimal = ".", known: Notation | None = None) -> Notation:
    """Decide how a column is written: as numbers or times where nine in ten present cells are, else text.

    Parameters
    ----------
    seen : Evidence
    decimal : {'.', ','}
        The mark of the file, where the column may be read with either.
    known : Notation, optional
        How the column was written before, which decides instead of the file where both are possible.

    Examples
    --------
    >>> import numpy as np
    >>> from iotae.data.evidence import evidence_of
    >>> decide(evidence_of(np.array(["45,2 %", "7,1 %"], dtype=object)))
    Notation(kind='numeric', decimal=',', unit='%', order='dmy', form='')
    """
    known_unit = "" if known is None else known.unit
    (point, point_unit), (comma, comma_unit) = (
        _numbers(seen.point, known_unit),
        _numbers(seen.comma, known_unit),
    )
    if point != comma:
        decimal = "." if point > comma else ","
    elif known is not None:
        decimal = known.decimal
    if max(point, comma) >= AGREEMENT * seen.present:
        return Notation("numeric", decimal, point_unit if decimal == "." else comma_unit)
    day_first, month_first = seen.times["dmy"], seen.times["mdy"]
    if max(day_first.found, month_first.found) < AGREEMENT * seen.present:
        return Notation("category", decimal)
    return Notation("time", decimal, order=_order(seen, None if known is None else known.order))


def _order(seen: Evidence, known: Order | None) -> Order:
    day_first, month_first = seen.times["dmy"], seen.times["mdy"]
    if day_first.found != month_first.found:
        return "dmy" if day_first.found > month_first.found else "mdy"
    if known is not None:
        return known
    # the wrong order tears days of one month apart into months
    if day_first.days != month_first.days:
        return "dmy" if day_first.days < month_first.days else "mdy"
    return "mdy" if seen.twelve else "dmy"
