"""What the state of a checker of packets in a file must look like."""

from __future__ import annotations

import numpy as np

from iotae._typing import State
from iotae._validation.schema import (
    COUNT,
    Array,
    Choice,
    Flag,
    ListOf,
    Maybe,
    Number,
    Record,
    Row,
    Text,
    Whole,
    refuse,
)
from iotae.quality.cell_fields import COUNTS, N_FIELDS
from iotae.quality.clock_kernels import N_DEVICE
from iotae.quality.kinds import LARGEST
from iotae.quality.memory import KEY_SETS, RECENT
from iotae.quality.reasons import REASONS

__all__ = ["CHECKER"]

_SOME = 1e38
"""No memory of numbers below ``LARGEST`` reaches this."""

_RULE = Record(
    {
        "name": Text(),
        "least": Maybe(Number(-1e308, 1e308)),
        "most": Maybe(Number(-1e308, 1e308)),
        "unit": Text(100),
        "required": Flag(),
        "kind": Choice("number", "text", "any"),
        "sentinels": ListOf(Number(-1e308, 1e308), 1000),
    }
)

_SETTINGS = Record(
    {
        "device": Maybe(Text()),
        "time": Maybe(Text()),
        "aside": ListOf(Choice(*REASONS), len(REASONS)),
        "max_devices": Whole(1),
        "max_columns": Whole(1),
    }
)

_DEVICES = Record(
    {
        "names": ListOf(Text(), distinct=True),
        "slots": Array(np.int64, "devices", low=0),
        "most": Whole(1),
        "forgotten": COUNT,
    }
)

_MEMORY = Record(
    {
        "cells": Array(np.float64, "devices", "columns", N_FIELDS, low=-_SOME, high=_SOME),
        "devices": Array(np.float64, "devices", N_DEVICE, low=-LARGEST, high=LARGEST),
        "recent": Array(np.int64, "devices", RECENT + 1),
        "keys": Array(np.int64, "devices", 2, KEY_SETS),
        "clock": Array(np.float64, 1, low=-LARGEST, high=LARGEST),
    }
)


def _parts_agree(data: State, place: str) -> None:
    names, slots = data["devices"]["names"], data["devices"]["slots"]
    if len(names) != len(slots) or sorted(slots.tolist()) != list(range(len(names))):
        raise refuse(slots, "devices.slots", "a place of its own for each device")
    if data["devices"]["most"] != data["settings"]["max_devices"] or len(names) > data["devices"]["most"]:
        raise refuse(data["devices"]["most"], "devices.most", "max_devices, and no more devices than that")
    memory = data["memory"]
    if memory["cells"].shape[1] > len(data["columns"]) or len(memory["cells"]) != len(names):
        raise refuse(memory["cells"], "memory.cells", "a part for each device and column")
    if ((memory["recent"][:, -1] < 0) | (memory["recent"][:, -1] >= RECENT)).any():
        raise refuse(memory["recent"], "memory.recent", f"places from 0 to {RECENT - 1} at its end")
    if (memory["cells"][..., COUNTS] < 0.0).any() or (memory["keys"][:, 1] < 0).any():
        raise refuse(memory["cells"], "memory", "counts of at least 0")
    if any(name not in REASONS for name, _ in data["counts"]):
        raise refuse(data["counts"], "counts", f"only the names {', '.join(REASONS)}")
    for rule in data["rules"]:
        if None not in (rule["least"], rule["most"]) and rule["least"] > rule["most"]:
            raise refuse(rule["least"], "rules", "least to be at most most")
        of_numbers = rule["unit"] or rule["sentinels"] or {rule["least"], rule["most"]} != {None}
        if rule["kind"] == "text" and of_numbers:
            raise refuse(rule["kind"], "rules", "numbers, where there is a range, a unit or a sentinel")


CHECKER = Record(
    {
        "settings": _SETTINGS,
        "rules": ListOf(_RULE),
        "columns": ListOf(Text(), distinct=True),
        "units": ListOf(Row(Text(), Text(100))),
        "clock": Maybe(Text()),
        "devices": _DEVICES,
        "memory": _MEMORY,
        "n_rows": COUNT,
        "n_aside": COUNT,
        "n_keyless": COUNT,
        "n_unchecked": COUNT,
        "counts": ListOf(Row(Text(20), COUNT), len(REASONS)),
    },
    (_parts_agree,),
    # the first files had none of these
    frozenset({"n_keyless", "n_unchecked"}),
)
