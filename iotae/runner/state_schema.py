"""What a stream that goes on must find in its checkpoint or its ledger, but for the model itself."""

from __future__ import annotations

from typing import Any

from iotae._typing import State
from iotae._validation.schema import COUNT, Choice, Record, Schema, Sizes, Text, refuse
from iotae.data.notation_state import NOTATION

__all__ = ["CHECKPOINT", "LEDGER"]


class _Model:
    """The state of a model, which is checked as it is built."""

    def check(self, value: Any, place: str, sizes: Sizes) -> None:
        """See :class:`iotae._validation.schema.Schema`."""
        if type(value) is not dict:
            raise refuse(value, place, "a dict")


def _check_alarms(data: State, place: str) -> None:
    if data["alarms"] > data["rows"]:
        raise refuse(data["alarms"], f"{place}.alarms", f"at most {data['rows']}, one for each row")


_GONE: dict[str, Schema] = {
    "counts": Record({"rows": COUNT, "alarms": COUNT}, (_check_alarms,)),
    "model": _Model(),
}

_PLACE = Record(
    {"offset": COUNT, "ends": Text(100), "line_end": Choice("", "\n", "\r"), "notation": NOTATION}
)

CHECKPOINT = Record({**_GONE, "length": COUNT, "source": _PLACE})
"""The state of a stream of a file."""

LEDGER = Record(_GONE)
"""The state of a broker's stream."""
