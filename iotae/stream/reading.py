"""One walk over a stream's row: what each cell says about its feature, and which features are new."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from math import inf, nan
from typing import Any, NamedTuple

from iotae.data.cell_objects import as_number, clock_cells, hour_of, is_missing, is_time
from iotae.data.cells import is_row, read_text
from iotae.stream.categories import value_key
from iotae.stream.names import LONGEST_TEXT, is_name
from iotae.stream.registry import MOST_CLOCKS, Registry
from iotae.stream.slots import CLOCK, RARITY, SENSOR

__all__ = ["Reading", "as_row", "read_row"]


class Reading(NamedTuple):
    """What one walk over a row found."""

    cells: list[float]
    """The row as a vector (n_slots,), NaN where it says nothing usable."""

    seen: list[Hashable]
    """The known features that have a usable cell."""

    texts: dict[Hashable, str]
    """The values of text features, known or new."""

    strangers: list[tuple[Hashable, int]]
    """New features, and known ones whose cell holds another kind than theirs, with the kind."""

    newcomers: list[Hashable]
    """New features, whatever their cells hold."""

    n_unusable: int
    """Cells of known features that say something, but nothing that could be used."""

    n_unusable_new: int
    """The same of the newcomers."""


def as_row(x: Any) -> dict[Hashable, Any]:
    """A row as a plain dict; what another kind of mapping runs to make its items is run here.

    Raises
    ------
    TypeError
        If it is none.
    """
    if type(x) is dict:
        return x
    if not is_row(x):
        raise TypeError(f"Got a row of type {type(x).__name__}, but expected a dict of feature -> value.")
    return dict(x.items())


def read_row(x: Mapping[Hashable, Any], known: Registry) -> Reading:
    """Read a row as the features known at present make it; changes no state."""
    sensors, categories, clocks, owned = known.sensors, known.categories, known.clocks, known.table.owned
    cells = [nan] * len(known.table.slots)
    seen: list[Hashable] = []
    texts: dict[Hashable, str] = {}
    newcomers: list[Hashable] = []
    strangers: list[tuple[Hashable, int]] = []
    n_unusable = 0
    for name, value in x.items():
        if type(value) is not float and isinstance(value, str):
            if len(value) > LONGEST_TEXT:
                n_unusable += 1
                continue
            value = read_text(value)
        place = sensors.get(name)
        if place is not None:
            if value is None:
                continue
            number = value if type(value) is float else as_number(value)
            # neither NaN nor infinite
            if number - number == 0.0:
                cells[place] = number
                seen.append(name)
                continue
        elif name not in owned:
            newcomers.append(name)
            continue
        elif isinstance(value, str):
            if name in clocks:
                n_unusable += 1
            else:
                texts[name] = key = value_key(value)
                categories[name].fill(key, cells)
                seen.append(name)
            continue
        elif name in clocks:
            hour = hour_of(value)
            if hour is not None:
                for place, cell in zip(clocks[name], clock_cells(hour), strict=True):
                    cells[place] = cell
                seen.append(name)
                continue
        if not is_missing(value):
            n_unusable += _read_stranger(name, value, known, strangers)
    turned_away = known.turns_away(len(newcomers), len(seen))
    n_new = 0 if turned_away else _read_newcomers(x, newcomers, known, texts, strangers)
    return Reading(cells, seen, texts, strangers, newcomers, n_unusable, n_new)


def _read_newcomers(
    x: Mapping[Hashable, Any],
    newcomers: list[Hashable],
    known: Registry,
    texts: dict[Hashable, str],
    strangers: list[tuple[Hashable, int]],
) -> int:
    """Note what the cells of new features hold; how many of them cannot be used."""
    n_unusable = 0
    for name in newcomers:
        value = x[name]
        if isinstance(value, str):
            value = read_text(value)
        if isinstance(value, str):
            if is_name(name):
                texts[name] = value_key(value)
                strangers.append((name, RARITY))
            else:
                n_unusable += 1
        elif not is_missing(value):
            n_unusable += _read_stranger(name, value, known, strangers)
    return n_unusable


def _read_stranger(
    name: Hashable, value: Any, known: Registry, strangers: list[tuple[Hashable, int]]
) -> bool:
    """Note what a cell holds that its feature, if there is one, cannot use; whether it is set aside."""
    if name in known.sensors:
        # text or a time where numbers were is a fault of the row
        return True
    owned = name in known.table.owned
    if not owned and not is_name(name):
        return True
    if is_time(value):
        if hour_of(value) is None:
            # a date alone
            return True
        strangers.append((name, CLOCK))
        return owned or len(known.clocks) >= MOST_CLOCKS
    number = as_number(value)
    if number == number:
        strangers.append((name, SENSOR))
    return owned or not abs(number) < inf
