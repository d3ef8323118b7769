"""A checker of packets as a state for a file, and a checker given what a state says."""

from __future__ import annotations

from collections import Counter
from typing import Any, TypeVar

from iotae._typing import State
from iotae.quality.kernels import Memory
from iotae.quality.memory import Devices, as_count, as_text, used
from iotae.quality.reasons import REASONS

__all__ = ["filled", "state_of"]

T = TypeVar("T")


def state_of(checker: Any) -> State:
    """Everything that a checker needs to continue; ``TypeError`` for a name that no file can hold."""
    return {
        "settings": {
            "device": as_text(checker.device),
            "time": as_text(checker.time),
            "aside": list(checker.aside),
            "max_devices": checker.max_devices,
            "max_columns": checker.max_columns,
        },
        "rules": checker.rules.to_state(),
        "columns": list(map(as_text, checker._places)),
        "units": [[as_text(name), unit] for name, unit in checker._units.items()],
        "clock": as_text(checker._clock),
        "devices": checker._devices.to_state(),
        "memory": used(checker._memory, len(checker._devices)),
        "n_rows": as_count(checker.n_rows),
        "n_aside": as_count(checker.n_aside),
        "n_keyless": as_count(checker.n_keyless),
        "n_unchecked": as_count(checker.n_unchecked),
        "counts": [[name, as_count(checker.counts[name])] for name in REASONS if name in checker.counts],
    }


def filled(checker: T, data: State) -> T:
    """Give a new checker what a state says that was checked."""
    new: Any = checker
    new._places = {name: j for j, name in enumerate(data["columns"])}
    new._units, new._clock = dict(data["units"]), data["clock"]
    new._devices = Devices.from_state(data["devices"])
    new._memory = Memory(**{name: part.copy() for name, part in data["memory"].items()})
    new._limits = new.rules.limits(data["columns"])
    new.n_rows, new.n_aside = data["n_rows"], data["n_aside"]
    new.n_keyless, new.n_unchecked = data.get("n_keyless", 0), data.get("n_unchecked", 0)
    new.counts = Counter(dict(data["counts"]))
    return checker
