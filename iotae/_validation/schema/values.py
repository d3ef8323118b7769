"""Schemas of single values and of arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from iotae._validation.schema.base import Sizes, refuse

__all__ = ["COUNT", "MOST", "Array", "Choice", "Digits", "Flag", "Nothing", "Number", "Text", "Whole"]

MOST = 2**53
"""Counts are at most this: beyond, a float no longer tells one from the next."""


@dataclass(frozen=True)
class Whole:
    """A whole number from ``low`` to ``high``; where ``flags`` are allowed, True and False are 1 and 0."""

    low: int = 0
    high: int = 2**63 - 1
    flags: bool = False

    def check(self, value: Any, place: str, sizes: Sizes) -> None:
        """See :class:`Schema`."""
        right = type(value) is int or (self.flags and type(value) is bool)
        if not right or not self.low <= value <= self.high:
            end = f"to {self.high}" if self.high <= MOST else "on"
            raise refuse(value, place, f"a whole number from {self.low} {end}")


COUNT = Whole(0, MOST)


@dataclass(frozen=True)
class Number:
    """A number from ``low`` to ``high``; without the ends if it is ``inner``."""

    low: float
    high: float
    inner: bool = False

    def check(self, value: Any, place: str, sizes: Sizes) -> None:
        """See :class:`Schema`."""
        # NumPy's floats would turn any whole number into a float, and cannot with the largest
        good = type(value) in (int, float) and float(self.low) <= value <= float(self.high)
        if not good or (self.inner and value in (self.low, self.high)):
            between = "between" if self.inner else "from"
            raise refuse(value, place, f"a number {between} {self.low:g} and {self.high:g}")


class Nothing:
    """None."""

    def check(self, value: Any, place: str, sizes: Sizes) -> None:
        """See :class:`Schema`."""
        if value is not None:
            raise refuse(value, place, "nothing")


@dataclass(frozen=True)
class Flag:
    """True or False."""

    def check(self, value: Any, place: str, sizes: Sizes) -> None:
        """See :class:`Schema`."""
        if type(value) is not bool:
            raise refuse(value, place, "true or false")


@dataclass(frozen=True)
class Text:
    """Text of at most so many letters; on one line without control characters if it is ``plain``."""

    most: int = 100_000
    plain: bool = False

    def check(self, value: Any, place: str, sizes: Sizes) -> None:
        """See :class:`Schema`."""
        if type(value) is not str or len(value) > self.most or (self.plain and not value.isprintable()):
            kind = "printable text" if self.plain else "text"
            raise refuse(value, place, f"{kind} of at most {self.most} letters")


@dataclass(frozen=True)
class Digits:
    """A whole number of so many bits, written as text."""

    bits: int

    def check(self, value: Any, place: str, sizes: Sizes) -> None:
        """See :class:`Schema`."""
        good = type(value) is str and len(value) <= self.bits and value.isascii() and value.isdigit()
        if not good or int(value) >= 2**self.bits:
            raise refuse(value, place, f"the digits of a whole number below 2**{self.bits}")


class Choice:
    """One of some texts."""

    def __init__(self, *choices: str) -> None:
        self.choices = choices

    def check(self, value: Any, place: str, sizes: Sizes) -> None:
        """See :class:`Schema`."""
        if type(value) is not str or value not in self.choices:
            raise refuse(value, place, f"one of {', '.join(map(repr, self.choices))}")


class Array:
    """An array of a type, of a shape, and with values in a range.

    Parameters
    ----------
    dtype : type
    shape : int or str
        The dimensions; those of one name agree with each other throughout a state.
    low, high : float or array that broadcasts to the shape
        The range; by default all finite numbers.
    missing : bool, or array that broadcasts to the shape
        Whether NaN may stand for no value.
    whole : bool
        Whether values are whole numbers.
    """

    def __init__(
        self,
        dtype: DTypeLike,
        *shape: int | str,
        low: ArrayLike | None = None,
        high: ArrayLike | None = None,
        missing: ArrayLike = False,
        whole: bool = False,
    ) -> None:
        self.dtype, self.shape, self.missing, self.whole = np.dtype(dtype), shape, missing, whole
        largest = np.finfo(self.dtype).max if self.dtype.kind == "f" else None
        self.low = (None if largest is None else -largest) if low is None else low
        self.high = largest if high is None else high

    def check(self, value: Any, place: str, sizes: Sizes) -> None:
        """See :class:`Schema`."""
        expected = tuple(sizes.get(n, n) if isinstance(n, str) else n for n in self.shape)
        right = isinstance(value, np.ndarray) and value.dtype == self.dtype and value.ndim == len(expected)
        if not right or any(
            isinstance(n, int) and n != m for n, m in zip(expected, value.shape, strict=True)
        ):
            raise refuse(value, place, f"{self.dtype} ({', '.join(map(str, expected))})")
        for name, n in zip(self.shape, value.shape, strict=True):
            if isinstance(name, str) and sizes.setdefault(name, n) != n:
                raise refuse(value, place, f"{self.dtype} with as many {name}, {sizes[name]}, everywhere")
        wrong = self._wrong(value)
        if wrong.any():
            first = tuple(int(i) for i in np.argwhere(wrong)[0])
            found = f"{place}[{', '.join(map(str, first))}]" if first else place
            raise refuse(value[first].item(), found, self._range(value, first))

    def _wrong(self, value: NDArray[Any]) -> NDArray[np.bool_]:
        # not the other way about: NaN is in no range
        wrong = np.zeros(value.shape, np.bool_)
        if self.low is not None:
            wrong |= ~(value >= self.low)
        if self.high is not None:
            wrong |= ~(value <= self.high)
        if self.whole:
            wrong |= np.floor(value) != value
        if np.any(self.missing):
            wrong &= ~(np.isnan(value) & self.missing)
        return wrong

    def _range(self, value: NDArray[Any], first: tuple[int, ...]) -> str:
        low, high = (
            "any" if end is None else f"{np.broadcast_to(end, value.shape)[first]:g}"
            for end in (self.low, self.high)
        )
        missing = np.broadcast_to(self.missing, value.shape)[first]
        kind = "a whole number" if self.whole else "a number"
        return f"{kind} from {low} to {high}{' or NaN' if missing else ''}"
