"""What the states of the River detector and the filters must look like."""

from __future__ import annotations

from iotae._typing import State
from iotae._validation.schema import COUNT, Flag, Maybe, Number, Record, Schema, Text, Whole, check, refuse
from iotae.nn.state_schema import HIDDEN_SIZES
from iotae.quality.state_schema import CHECKER
from iotae.sequence.recent_rows import RECENT_ROWS
from iotae.stream.names import NAME
from iotae.stream.state_schema import ONLINE_AUTOENCODER, SETTINGS
from iotae.thresholds import (
    AlertBudget,
    ConformalThreshold,
    OnlineFDR,
    QuantileThreshold,
    TailThreshold,
    Threshold,
)

__all__ = ["DETECTOR", "FLEET", "QUALITY_FILTER", "RULES", "SEQUENCE", "SLOTS_A_SENSOR", "check_filter"]

RULES: dict[str, type[Threshold]] = {
    rule.__name__: rule
    for rule in (AlertBudget, ConformalThreshold, OnlineFDR, QuantileThreshold, TailThreshold)
}
"""The thresholds that can be read back from a file."""


SLOTS_A_SENSOR = 3
"""Slots of the model that a sensor of a sequence takes: its value, and two figures of its window."""


def _check_params(data: State, place: str) -> None:
    _check_settings(data, 1)


def _check_sequence(data: State, place: str) -> None:
    _check_settings(data, SLOTS_A_SENSOR)


def _check_settings(data: State, n_slots: int) -> None:
    model = data["model"]
    max_features = model["features"]["registry"]["table"]["max_features"]
    said = model["settings"] | {
        "hidden_sizes": model["hidden_sizes"],
        "max_features": max_features // n_slots,
    }
    for name, value in data["params"].items():
        if name in said and value != said[name]:
            raise refuse(value, f"params.{name}", "what the model's settings say")


_SHARED = {name: schema for name, schema in SETTINGS.fields.items() if name != "activation"}

_PARAMS = Record({**_SHARED, "hidden_sizes": HIDDEN_SIZES, "max_features": Whole(1)})

SEQUENCE = Record(
    {
        "params": Record(
            {
                **_PARAMS.fields,
                "window": Whole(2, 10_000_000),
                "time": Maybe(NAME),
                "max_gap": Maybe(Number(0.0, 1e100, inner=True)),
            }
        ),
        "model": ONLINE_AUTOENCODER,
        "recent": RECENT_ROWS,
    },
    (_check_sequence,),
)
"""The detector with a window in memory."""

DETECTOR = Record({"params": _PARAMS, "model": ONLINE_AUTOENCODER}, (_check_params,))

QUALITY_FILTER = Record({"flag": Maybe(Text()), "quarantine_size": Whole(0), "checker": CHECKER})


FLEET = Record(
    {"alpha": Maybe(Number(0.0, 1.0, inner=True)), "model": DETECTOR, "budget": AlertBudget.SCHEMA},
    optional=frozenset({"budget"}),
)
"""A fleet, but for what the core checks of its devices."""


def _one_rule(data: State, place: str) -> None:
    if len(data) != 1:
        raise refuse(list(data), place, "the state of one threshold")


_PROTECTS: dict[str, Schema] = {"protect_anomaly_detector": Flag()}

_FILTER: dict[str, Schema] = {
    "n_rejected": COUNT,
}

_RULE = Record({name: rule.SCHEMA for name, rule in RULES.items()}, (_one_rule,), frozenset(RULES))

_PARTS = ("detector", "rule", "threshold")
"""Parts with dimensions of their own."""

_RATE: dict[str, Schema] = {"alpha": Number(0.0, 1.0, inner=True), "window": Maybe(Whole(1))}

_FILTERS = {
    "river_iotae.AlarmFilter": Record({**_FILTER, "settings": Record(_PROTECTS)}),
    "river_iotae.ConformalFilter": Record({**_FILTER, "settings": Record({**_RATE, **_PROTECTS})}),
}


def check_filter(data: State, kind: str) -> None:
    """Hold the state of a filter of a kind against its schema."""
    if not isinstance(data, dict) or not all(name in data for name in _PARTS):
        raise refuse(data, "filter", f"the parts of a filter, among them {', '.join(_PARTS)}")
    check({name: part for name, part in data.items() if name not in _PARTS}, _FILTERS[kind])
    check(data["detector"], DETECTOR)
    check(data["rule"], _RULE)
    # it is of the kind of the rule
    ((name, rule),) = data["rule"].items()
    check(data["threshold"], RULES[name].SCHEMA)
    said = data["settings"]
    if kind == "river_iotae.ConformalFilter":
        if name != "ConformalThreshold" or rule["alpha"] != said["alpha"]:
            raise refuse(name, "rule", "a ConformalThreshold of the alpha that the settings say")
        if said["window"] not in (None, rule["window"]["size"]):
            raise refuse(said["window"], "settings.window", "the size of the rule's window, or nothing")
    if data["threshold"].get("alpha") != rule.get("alpha"):
        raise refuse(data["threshold"].get("alpha"), "threshold.alpha", "what the rule says")
