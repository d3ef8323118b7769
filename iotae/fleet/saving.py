"""A whole fleet as a state for a file, and the devices of a fleet from a state."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Any

import numpy as np

from iotae import serialization
from iotae._typing import State
from iotae._validation.schema import (
    COUNT,
    MOST,
    Array,
    Choice,
    Flag,
    ListOf,
    Record,
    Row,
    Whole,
    check,
    refuse,
)
from iotae.data.device_keys import device_key
from iotae.fleet.budgets import FleetBudget
from iotae.fleet.core import FleetOf
from iotae.fleet.devices import MOST_ELDERS, Entry
from iotae.fleet.rhythm import Rhythm
from iotae.serialization import StateError
from iotae.stream.names import NAME, packed_name, unpacked_name

__all__ = ["check_fleet", "fill", "frame_of", "pieces_of", "state_of"]

_KIND = "device of a fleet"


def _check_devices(data: State, place: str) -> None:
    n = len(data["keys"])
    if len({unpacked_name(key) for key in data["keys"]}) < n:
        raise refuse(data["keys"], "keys", "different devices")
    for name in ("n_rows", "n_alarms", "last", "pause", "n_pauses", "devices"):
        if len(data[name]) != n:
            raise refuse(len(data[name]), name, f"one for each of {n} devices")
    if ((data["pause"] == 0.0) & (data["n_pauses"] > 0)).any():
        raise refuse(data["pause"], "pause", "more than 0 s, where a device has paused")
    if (data["n_alarms"] > data["n_rows"]).any():
        raise refuse(data["n_rows"], "n_rows", "rows of each device, alarms among them")
    for numbers in [data.get("answered", []), *(numbers for _, numbers in data["elders"])]:
        if any(number >= n for number in numbers):
            raise refuse(numbers, "elders and answered", f"numbers of {n} devices")
    came = data.get("came", np.arange(n))
    if len(set(came.tolist())) < n or (came >= data.get("n_came", n)).any():
        raise refuse(came, "came", "a different number for each device, below n_came")
    if n > data.get("max_devices", n):
        raise refuse(n, "keys", "at most max_devices")
    if "budget" in data and "days" in data["budget"]["budget"] and data["time"] is None:
        raise refuse(None, "time", "the feature that a budget of days goes by")


_MODELS: dict[str, tuple[set[str], set[str]]] = {
    "separate": ({"template"}, set()),
    "shared": ({"template", "common"}, {"since", "changes"}),
}
"""The models of a fleet by its mode, and what the first files had not."""

_NUMBERS = Array(np.int64, "n", low=0, high=MOST)

_FLEET = Record(
    {
        "mode": Choice("separate", "shared"),
        "key": NAME,
        "time": NAME,
        "warm_start": Flag(),
        "max_in_memory": Whole(1),
        "n_keyless": COUNT,
        "n_timeless": COUNT,
        "n_rejected": COUNT,
        "n_unusable": COUNT,
        "keys": ListOf(NAME),
        "n_rows": _NUMBERS,
        "n_alarms": _NUMBERS,
        "last": Array(np.float64, "n", missing=True),
        "pause": Array(np.float64, "n", low=0.0),
        "n_pauses": _NUMBERS,
        "elders": ListOf(Row(ListOf(NAME), ListOf(COUNT, MOST_ELDERS)), MOST_ELDERS),
        "devices": ListOf(Array(np.uint8, "bytes")),
        "answered": ListOf(COUNT, distinct=True),
        "max_devices": Whole(1),
        "n_forgotten": COUNT,
        "n_came": COUNT,
        "came": _NUMBERS,
        "budget": FleetBudget.SCHEMA,
    },
    (_check_devices,),
    # the first files had none of these
    frozenset(
        {"answered", "max_devices", "n_forgotten", "n_came", "came", "budget", "n_rejected", "n_unusable"}
    ),
)


def state_of(fleet: FleetOf[Any]) -> State:
    """Everything that a fleet needs to continue; the devices one by one, each as the bytes of a file."""
    with fleet._lock:
        devices = [np.frombuffer(_bytes(fleet, entry.number), np.uint8) for entry in fleet._known.values()]
        return {**frame_of(fleet), "devices": devices}


def pieces_of(fleet: FleetOf[Any], keys: Iterable[Hashable]) -> dict[int, bytes]:
    """Some devices by the number in ``came`` of :func:`frame_of`, which stays theirs.

    A key that names no device is that of the device None; a device that is forgotten is passed over.
    """
    with fleet._lock:
        known = fleet._known
        entries = [known.get(device_key(key)) for key in keys]
        return {entry.came: _bytes(fleet, entry.number) for entry in entries if entry is not None}


def frame_of(fleet: FleetOf[Any]) -> State:
    """The same as :func:`state_of` without the devices' own models."""
    with fleet._lock:
        mode, known = fleet._mode, fleet._known
        models = mode.to_state()
        numbers = {key: place for place, key in enumerate(known)}
        answered = [place for place, entry in enumerate(known.values()) if entry.answered]
        rhythms = [entry.rhythm for entry in known.values()]
        return {
            "key": packed_name(fleet.key),
            "time": packed_name(fleet.time),
            "warm_start": fleet.warm_start,
            "max_in_memory": fleet.max_in_memory,
            "n_keyless": fleet.n_keyless,
            "n_timeless": fleet.n_timeless,
            "n_rejected": fleet.n_rejected,
            "n_unusable": fleet.n_unusable,
            "keys": [packed_name(key) for key in known],
            "n_rows": np.array([entry.n_rows for entry in known.values()], np.int64),
            "n_alarms": np.array([entry.n_alarms for entry in known.values()], np.int64),
            "last": np.array([np.nan if r.last is None else r.last for r in rhythms], np.float64),
            "pause": np.array([r.pause for r in rhythms], np.float64),
            "n_pauses": np.array([r.n_pauses for r in rhythms], np.int64),
            "elders": [
                [[packed_name(name) for name in kind], [numbers[key] for key in keys]]
                for kind, keys in known.elders.items()
            ],
            "models": models,
            "max_devices": fleet.max_devices,
            "n_forgotten": known.n_forgotten,
            "n_came": known.n_came,
            "came": np.array([entry.came for entry in known.values()], np.int64),
            "answered": answered,
            **({} if fleet._budget is None else {"budget": fleet._budget.to_state()}),
        }


def _bytes(fleet: FleetOf[Any], number: int) -> bytes:
    """A device for a file; one that is set aside stays there."""
    device = fleet._residents.looked_at(number)
    return serialization.dumps(_KIND, fleet._mode.state_of(device))


def check_fleet(data: State) -> None:
    """Hold a fleet's state against its schema, but for its models, which are checked as they are built."""
    if not isinstance(data, dict) or not isinstance(data.get("models"), dict):
        raise refuse(data, "fleet", "the state of a fleet, with its models")
    check({name: part for name, part in data.items() if name != "models"}, _FLEET)
    wanted, further = _MODELS[data["mode"]]
    if not wanted <= data["models"].keys() <= wanted | further:
        raise refuse(data["models"], "models", f"the names {', '.join(sorted(wanted))}")


def fill(fleet: FleetOf[Any], data: State) -> None:
    """Give a new fleet the devices of a state that :func:`check_fleet` has passed."""
    fleet._open(fleet._residents.store)
    fleet.n_keyless, fleet.n_timeless = data["n_keyless"], data["n_timeless"]
    fleet.n_rejected, fleet.n_unusable = data.get("n_rejected", 0), data.get("n_unusable", 0)
    keys, known = [unpacked_name(key) for key in data["keys"]], fleet._known
    came = data.get("came", np.arange(len(keys))).tolist()
    for number, key in enumerate(keys):
        entry = known[key] = Entry(number, came[number])
        last = float(data["last"][number])
        entry.n_rows, entry.n_alarms = int(data["n_rows"][number]), int(data["n_alarms"][number])
        entry.rhythm = Rhythm(
            None if last != last else last, float(data["pause"][number]), int(data["n_pauses"][number])
        )
        fleet._residents[number] = _device(fleet, data["devices"][number].tobytes(), key)
    known.n_came, known.n_forgotten = data.get("n_came", len(keys)), data.get("n_forgotten", 0)
    for number in data.get("answered", []):
        known[keys[number]].answered = True
    for kind, numbers in data["elders"]:
        known.elders[tuple(unpacked_name(name) for name in kind)] = [keys[number] for number in numbers]
    if "budget" in data:
        fleet._budget = FleetBudget.from_state(data["budget"], fleet._mode.threshold)


def _device(fleet: FleetOf[Any], blob: bytes, key: Any) -> Any:
    try:
        kind, state = serialization.loads(blob)
        if kind != _KIND:
            raise refuse(kind, "devices", f"the kind {_KIND!r}")
        return fleet._mode.of_state(state)
    except StateError as error:
        raise StateError(f"device {key!r}: {error}") from error
