"""How a table is written as a state of numbers and text, so that a file is read on as it was begun."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any

from iotae._typing import State
from iotae._validation.schema import COUNT, Choice, Flag, ListOf, MapOf, Record, Row, Text, refuse
from iotae.data.clocks import Order
from iotae.data.evidence import Evidence, Times
from iotae.data.table_notation import InputFormat, TableNotation

__all__ = ["NOTATION", "notation_of", "notation_state"]

_TOLD = ("separator", "written_names", "clocks", "names", "comments", "layout")
_COUNTS = ("present", "with_comma", "twelve", "looks_numeric")
_ORDERS: tuple[Order, ...] = ("dmy", "mdy")


def _check_moments(data: list[Any], place: str) -> None:
    for text in data[1:]:
        try:
            plain = datetime.fromisoformat(text).tzinfo is None
        except ValueError:
            plain = False
        if not plain:
            raise refuse(text, place, "a moment without a time zone, such as 2026-01-31T12:00:00")


def _check_times(data: State, place: str) -> None:
    for order in _ORDERS:
        _check_moments(data[order], f"{place}.{order}")


def _check_layout(data: State, place: str) -> None:
    mark = data["separator"]
    if mark in ('"', "\r", "\n") or (data["layout"] == "csv" and data["names"] and not mark):
        raise refuse(mark, f"{place}.separator", "a mark that can stand between cells")


_TIMES = Row(COUNT, Text(40), Text(40))

NOTATION = Record(
    {
        "separator": Text(1),
        "written_names": MapOf(Text()),
        "clocks": MapOf(Flag()),
        "names": ListOf(Text(), distinct=True),
        "comments": Flag(),
        "layout": Choice("", "csv", "jsonl"),
        "notes": MapOf(COUNT),
        "rows": COUNT,
        "evidence": MapOf(
            Record(
                {
                    **dict.fromkeys(_COUNTS, COUNT),
                    "point": MapOf(COUNT),
                    "comma": MapOf(COUNT),
                    "times": Record(dict.fromkeys(_ORDERS, _TIMES), (_check_times,)),
                }
            )
        ),
    },
    (_check_layout,),
)
"""What the state of a notation in a file must look like."""


def notation_state(notation: TableNotation) -> State:
    """Return all that is known of how a table that comes in chunks is written.

    Examples
    --------
    >>> import numpy as np
    >>> seen = TableNotation(whole=False)
    >>> seen.show({"humidity": np.array(["45,2 %", "44,9 %"], dtype=object)})
    >>> again = notation_of(InputFormat(), notation_state(seen))
    >>> again.of("humidity") == seen.of("humidity")
    True
    """
    rows, evidence = notation.counted()
    return {
        **{name: getattr(notation, name) for name in _TOLD},
        "notes": dict(notation.notes),
        "rows": rows,
        "evidence": {name: _evidence_state(seen) for name, seen in evidence.items()},
    }


def notation_of(form: InputFormat, data: State) -> TableNotation:
    """Rebuild a notation from a state that is as :data:`NOTATION` says, for a file in the same format."""
    notation = TableNotation(form, whole=False, notes=Counter(data["notes"]))
    for name in _TOLD:
        setattr(notation, name, data[name])
    for name, seen in data["evidence"].items():
        notation.note(name, _evidence_of(seen))
    notation.go_on_after(data["rows"])
    return notation


def _evidence_state(seen: Evidence) -> State:
    times = {
        order: [found.found, found.first.isoformat(), found.last.isoformat()]
        for order, found in seen.times.items()
    }
    counts = {name: getattr(seen, name) for name in _COUNTS}
    return counts | {"point": dict(seen.point), "comma": dict(seen.comma), "times": times}


def _evidence_of(data: State) -> Evidence:
    def times(order: Order) -> Times:
        found, first, last = data["times"][order]
        return Times(found, datetime.fromisoformat(first), datetime.fromisoformat(last))

    counts: dict[str, Any] = {name: data[name] for name in _COUNTS}
    return Evidence(
        point=Counter(data["point"]),
        comma=Counter(data["comma"]),
        times={order: times(order) for order in _ORDERS},
        **counts,
    )
