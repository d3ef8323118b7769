"""How a table is written as a state of numbers and text, so that a file is read on as it was begun."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any

from iotae._typing import State
from iotae.data.clocks import Order
from iotae.data.evidence import Evidence, Times
from iotae.data.table_notation import InputFormat, TableNotation

__all__ = ["notation_of", "notation_state"]

_TOLD = ("separator", "written_names", "clocks", "names", "comments", "layout")
_COUNTS = ("present", "with_comma", "twelve", "looks_numeric")
_ORDERS: tuple[Order, ...] = ("dmy", "mdy")


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
    """Rebuild a notation from :func:`notation_state`, for a file in the same format."""
    notation = TableNotation(form, whole=False, notes=Counter(data["notes"]))
    for name in _TOLD:
        value = data[name]
        if type(value) is not type(getattr(notation, name)):
            raise TypeError(f"Got {value!r} as {name}")
        setattr(notation, name, value)
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
        return Times(int(found), datetime.fromisoformat(first), datetime.fromisoformat(last))

    counts: dict[str, Any] = {name: int(data[name]) for name in _COUNTS}
    return Evidence(
        point=Counter(data["point"]),
        comma=Counter(data["comma"]),
        times={order: times(order) for order in _ORDERS},
        **counts,
    )
