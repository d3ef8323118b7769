"""What the state of a series' model must look like."""

from __future__ import annotations

import numpy as np

from iotae._typing import State
from iotae._validation.schema import (
    Array,
    Choice,
    Digits,
    ListOf,
    Maybe,
    Number,
    Record,
    Row,
    Text,
    Whole,
    check,
    refuse,
)
from iotae.batch.cell_schema import WhiteningMatrix, check_whitened
from iotae.batch.state_schema import BATCH_AUTOENCODER, check_device
from iotae.nn.leave_one_out import HIDDEN
from iotae.nn.state_schema import INPUT, SEED, SEED_BITS
from iotae.sequence.network_view import MOST_MISSED, NAMES
from iotae.sequence.windows import pooled_steps

__all__ = ["SEQUENCE_AUTOENCODER", "SEQUENCE_SETTINGS", "check_sequence"]

_LARGEST, _LARGEST_WEIGHT = 1e12, 1e4
_MOST_ROWS = 10_000_000
_KINDS = 3


def _check_window(data: State, place: str) -> None:
    n_cells, n_components = data["components"].shape
    if data["mean"].size != n_cells or data["factors"].size != n_components or n_components > n_cells:
        raise refuse(
            data["components"], f"{place}.components", "as many cells as the mean, and no more columns"
        )
    if data["held"] > n_components:
        raise refuse(data["held"], f"{place}.held", f"at most {n_components}")


def _check_sensors(data: State, place: str) -> None:
    n_cells = data["bias"].size
    if len(data["weights"]) != 2 * n_cells + 1 or n_cells != 4 * data["middle"].size:
        raise refuse(data["weights"], f"{place}.weights", "a network of four cells for each feature")


def _check_tail(data: State, place: str) -> None:
    places, heights = data["knots"]
    if not places.size or (np.diff(places) <= 0.0).any() or (np.diff(heights) < 0.0).any():
        raise refuse(data["knots"], f"{place}.knots", "at least one, and values that rise")


def _check_clock(data: State, place: str) -> None:
    if not len(data["profile"]):
        raise refuse(data["profile"], f"{place}.profile", "at least one phase of the period")
    reached = INPUT + np.abs(data["profile"]).max(axis=0)
    check_whitened(reached, data["whitening"], f"{place}.whitening")


def _check_network(data: State, place: str) -> None:
    whitening = data["whitening"]
    check_whitened(np.full(whitening["mean"].size, MOST_MISSED), whitening, f"{place}.whitening")


def _check_parts(data: State, place: str) -> None:
    d, window, view = data["sensors"]["middle"].size, data["settings"]["window"], data["window"]
    pool = pooled_steps(window, d)
    if view["pool"] != pool or view["mean"].size != -(-window // pool) * d:
        raise refuse(
            view["pool"], f"{place}window.pool", f"what a window of {window} rows of {d} features has"
        )
    if data["scaler"]["columns"].shape[1] != d:
        raise refuse(data["scaler"]["columns"], f"{place}scaler.columns", f"{d} features")
    if not data["scaler"]["bent"]:
        raise refuse(False, f"{place}scaler.bent", "true, as the rows of a series are always scaled")
    if data["feature_names"] is not None and len(data["feature_names"]) != d:
        raise refuse(data["feature_names"], f"{place}feature_names", f"{d} names")
    network, name = data.get("network"), data["settings"].get("network")
    if (network is None) != (name is None):
        raise refuse(name, f"{place}settings.network", "the name of the network that the state has")
    if network is not None and network["whitening"]["mean"].size != window * d:
        raise refuse(
            network["whitening"]["mean"], f"{place}network.whitening.mean", f"one of {window * d} cells"
        )
    n_views = _KINDS + (data["clock"] is not None)
    if len(data["tails"]) != n_views:
        raise refuse(data["tails"], f"{place}tails", f"one for each of {n_views} views")


_WINDOW = Record(
    {
        "pool": Whole(1, _MOST_ROWS),
        "mean": Array(np.float64, "cells", low=-_LARGEST, high=_LARGEST),
        "components": Array(np.float64, "cells", "components", low=-1.001, high=1.001),
        "factors": Array(np.float64, "components", low=0.0, high=_LARGEST),
        "rest": Number(0.0, _LARGEST),
        "held": Whole(0, _MOST_ROWS),
        "units": Array(np.float64, 2, low=1e-9, high=1e30),
    },
    (_check_window,),
)

_SENSORS = Record(
    {
        "weights": Array(np.float32, "rows", HIDDEN, low=-_LARGEST_WEIGHT, high=_LARGEST_WEIGHT),
        "bias": Array(np.float32, "inputs", low=-_LARGEST_WEIGHT, high=_LARGEST_WEIGHT),
        "usual": Array(np.float64, 4, "features", low=1e-6, high=_LARGEST),
        "middle": Array(np.float64, "features", low=-_LARGEST, high=_LARGEST),
    },
    (_check_sensors,),
)

_CLOCK = Record(
    {
        "period": Number(2.0, _LARGEST),
        "profile": Array(np.float64, "bins", "features", low=-_LARGEST, high=_LARGEST),
        "whitening": Record(
            {
                "mean": Array(np.float32, "features", low=-_LARGEST, high=_LARGEST),
                "matrix": WhiteningMatrix("features"),
            }
        ),
    },
    (_check_clock,),
)

_TAIL = Record(
    {
        "knots": Array(np.float64, 2, "knots", low=-_LARGEST, high=1e45),
        "span": Number(1e-13, 1e45),
    },
    (_check_tail,),
)

_NETWORK = Record(
    {
        "parameters": Array(np.float32, "parameters", low=-_LARGEST_WEIGHT, high=_LARGEST_WEIGHT),
        "whitening": Record(
            {
                "mean": Array(np.float32, "window cells", low=-_LARGEST, high=_LARGEST),
                "matrix": WhiteningMatrix("window cells"),
            }
        ),
        "unit": Number(1e-9, 1e30),
    },
    (_check_network,),
)


def _check_settings(data: State, place: str) -> None:
    device = data.get("device")
    if device is not None:
        check_device({"device": device}, place)
        if data.get("network") is None:
            raise refuse(device, f"{place}.device", "none without a network")


SEQUENCE_SETTINGS = Record(
    {
        "window": Whole(4, _MOST_ROWS),
        "period": Maybe(Whole(0, _MOST_ROWS)),
        "seed": SEED,
        "network": Maybe(Choice(*NAMES)),
        "device": Maybe(Text()),
    },
    (_check_settings,),
    frozenset({"network", "device"}),
)

SEQUENCE_AUTOENCODER = Record(
    {
        "settings": SEQUENCE_SETTINGS,
        "feature_names": Maybe(ListOf(Text())),
        "network_seed": Digits(SEED_BITS),
        "origin": Row(Number(-1e15, 1e15), Number(0.0, 1e15)),
        "scaler": BATCH_AUTOENCODER.fields["scaler"],
        "window": _WINDOW,
        "network": Maybe(_NETWORK),
        "sensors": _SENSORS,
        "clock": Maybe(_CLOCK),
        "tails": ListOf(_TAIL, _KINDS + 1, least=_KINDS),
        "fitted_scores": Array(np.float64, "training rows", low=0.0, high=1e100),
    },
    (_check_parts,),
    frozenset({"network"}),
)


def check_sequence(data: State) -> None:
    """Hold a state against what a series' model has; raises ``StateError``."""
    check(data, SEQUENCE_AUTOENCODER)
