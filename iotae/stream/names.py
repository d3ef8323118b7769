"""What a stream's feature may be called, how a slot is labelled, and how a name is written into a file."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np

from iotae._validation.schema import refuse

__all__ = [
    "LONGEST_TEXT",
    "NAME",
    "Slot",
    "is_name",
    "packed_name",
    "slot_label",
    "slot_order",
    "unpacked_name",
]

LONGEST_TEXT = 1000
"""Letters of a name or of a category's value; what is longer is a document."""

_DEEPEST = 8
"""Levels of a tuple of tuples that may be a name."""

Slot = tuple[Hashable, str | None]
"""A feature's name, and which part of the feature the slot holds (None for a number)."""


def _as_python(name: Hashable) -> Hashable:
    """A NumPy number as Python's, which is equal to it and can be written down; a zero without a sign."""
    if isinstance(name, np.generic):
        name = name.item()
    return name + 0.0 if type(name) is float else name


def is_name(name: Hashable, depth: int = _DEEPEST) -> bool:
    """Whether a feature may be called so: short text, numbers that can be written, and tuples of them."""
    if type(name) is str:
        return len(name) <= LONGEST_TEXT
    name = _as_python(name)
    if isinstance(name, tuple):
        return depth > 0 and all(is_name(part, depth - 1) for part in name)
    if isinstance(name, float):
        return abs(name) < float("inf")
    if isinstance(name, int):
        return abs(name) < 2**63
    return name is None or (isinstance(name, str) and len(name) <= LONGEST_TEXT)


def slot_label(slot: Slot) -> str:
    """A slot's name as text, which seeds the weights that belong to it."""
    name, detail = _as_python(slot[0]), slot[1]
    label = name if isinstance(name, str) else f"{type(name).__name__}:{name}"
    return label if detail is None else label + detail


def slot_order(slot: Slot) -> tuple[str, str, str]:
    """A key that sorts slots by their labels, and tells apart those whose labels are the same."""
    return slot_label(slot), type(_as_python(slot[0])).__name__, slot[1] or ""


def packed_name(name: Hashable) -> Any:
    """A name as a file can hold it: tuples become lists."""
    name = _as_python(name)
    if name is None or isinstance(name, (str, bool, int, float)):
        return name
    if isinstance(name, tuple):
        return [packed_name(part) for part in name]
    raise TypeError(
        f"Got a feature named {name!r} of type {type(name).__name__}, but expected text, a number or a tuple "
        "of them: only such names can be saved."
    )


def unpacked_name(name: Any) -> Hashable:
    """The name that :func:`packed_name` was given."""
    return tuple(unpacked_name(part) for part in name) if isinstance(name, list) else name


class _Name:
    """A feature's name, as :func:`packed_name` gives it."""

    def check(self, value: Any, place: str, sizes: dict[str, int]) -> None:
        """See :class:`iotae._validation.schema.Schema`."""
        if not is_name(unpacked_name(value)):
            raise refuse(value, place, "a name: short text, a number, None, or a list of names")


NAME = _Name()
"""The schema of a feature's name in a file."""
