"""Schemas of what holds other parts: records, lists and what may be absent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from iotae._validation.schema.base import Schema, Sizes, refuse
from iotae._validation.schema.values import MOST, Choice, Digits, Whole

__all__ = ["GENERATOR", "ListOf", "MapOf", "Maybe", "Record", "Row"]


@dataclass(frozen=True)
class Maybe:
    """None, or what another schema says."""

    inner: Schema

    def check(self, value: Any, place: str, sizes: Sizes) -> None:
        """See :class:`Schema`."""
        if value is not None:
            self.inner.check(value, place, sizes)


@dataclass(frozen=True)
class ListOf:
    """A list of so many parts that are all alike; named dimensions are each part's own."""

    item: Schema
    most: int = MOST
    least: int = 0
    distinct: bool = False

    def check(self, value: Any, place: str, sizes: Sizes) -> None:
        """See :class:`Schema`."""
        if type(value) is not list or not self.least <= len(value) <= self.most:
            most = "" if self.most == MOST else f" to {self.most}"
            raise refuse(value, place, f"a list of {self.least}{most or ' or more'} parts")
        for i, item in enumerate(value):
            self.item.check(item, f"{place}[{i}]", {})
        if self.distinct and len(set(value)) < len(value):
            raise refuse(value, place, "a list in which nothing comes twice")


@dataclass(frozen=True)
class MapOf:
    """A dict of parts that are all alike, under any names."""

    item: Schema

    def check(self, value: Any, place: str, sizes: Sizes) -> None:
        """See :class:`Schema`."""
        if type(value) is not dict:
            raise refuse(value, place, "a dict")
        for name, part in value.items():
            self.item.check(part, _inside(place, name), {})


class Row:
    """A list of a fixed number of parts, each with a schema of its own."""

    def __init__(self, *items: Schema) -> None:
        self.items = items

    def check(self, value: Any, place: str, sizes: Sizes) -> None:
        """See :class:`Schema`."""
        if type(value) is not list or len(value) != len(self.items):
            raise refuse(value, place, f"a list of {len(self.items)}")
        for i, (item, schema) in enumerate(zip(value, self.items, strict=True)):
            schema.check(item, f"{place}[{i}]", sizes)


def _inside(place: str, name: str) -> str:
    return f"{place}.{name}" if place else name


@dataclass(frozen=True, eq=False)
class Record:
    """A dict of named parts, and the rules that these must keep together.

    Parameters
    ----------
    fields : mapping
        The schema of each part.
    rules : callables, optional
        Each is given the dict and where it is, once its parts are as declared, and raises ``StateError``.
    optional : set of str, optional
        Parts that may be absent.
    """

    fields: Mapping[str, Schema]
    rules: tuple[Callable[[dict[str, Any], str], None], ...] = ()
    optional: frozenset[str] = field(default_factory=frozenset)

    def check(self, value: Any, place: str, sizes: Sizes) -> None:
        """See :class:`Schema`."""
        if type(value) is not dict:
            raise refuse(value, place, "a dict")
        for name in value:
            if name not in self.fields:
                raise refuse(name, place, f"only the names {', '.join(self.fields)}")
        for name, schema in self.fields.items():
            if name in value:
                schema.check(value[name], _inside(place, name), sizes)
            elif name not in self.optional:
                raise refuse(value, place, f"one that has {name}")
        for rule in self.rules:
            rule(value, place)


def _odd(data: dict[str, Any], place: str) -> None:
    if int(data["inc"]) % 2 == 0:
        raise refuse(data["inc"], f"{place}.inc", "an odd number")


GENERATOR = Record(
    {
        "bit_generator": Choice("PCG64"),
        "state": Record({"state": Digits(128), "inc": Digits(128)}, (_odd,)),
        "has_uint32": Whole(0, 1),
        "uinteger": Whole(0, 2**32 - 1),
    }
)
"""The state of a random generator."""
