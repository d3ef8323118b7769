"""What the state of the PyOD detector must look like."""

from __future__ import annotations

from typing import Any

import numpy as np

from iotae._typing import State
from iotae._validation.schema import (
    Array,
    Choice,
    ListOf,
    Maybe,
    Nothing,
    Number,
    Record,
    Text,
    Whole,
    refuse,
)
from iotae.batch.grouped_schema import AnyAutoencoder, of_all_rows
from iotae.batch.state_schema import DROPOUT_RATE, EPOCHS, check_device
from iotae.nn.activations import ACTIVATIONS
from iotae.nn.state_schema import HIDDEN_SIZES, RATE, SEED
from iotae.preprocessing.state_schema import PREPROCESSOR, n_features
from iotae.sequence.state_schema import SEQUENCE_AUTOENCODER, SEQUENCE_SETTINGS
from iotae.thresholds import ConformalThreshold, TailThreshold

__all__ = ["DETECTOR", "SEQUENCE"]

_FARTHEST = 1e100
"""Scores in a file are at most this, so that their mean and deviation stay finite."""


def _check_one(data: State, place: str) -> None:
    if len(data) != 1:
        raise refuse(data, place, "one threshold")


def _check_parts(data: State, place: str) -> None:
    fitted = of_all_rows(data["model"], data["params"].get("groups"), "model")
    names, encoder, n_seen = data["feature_names"], data["encoder"], data["n_features"]
    if names is not None and len(names) != n_seen:
        raise refuse(names, "feature_names", f"{n_seen} names")
    if names is not None and data["params"].get("groups") in names:
        raise refuse(data["params"]["groups"], "params.groups", "a column that is no feature")
    made, taken = n_seen, fitted["network"]["n_features"]
    if encoder is not None:
        made = n_features(encoder)
        columns = {code["name"] for code in encoder["learned"]["columns"]}
        if names is None or not columns <= set(names):
            raise refuse(names, "feature_names", "the names of all columns that are encoded")
    if made != taken:
        raise refuse(made, "n_features", f"the {taken} features that the model takes")
    weights = data["row_weights"]
    if not data["decision_scores"].size or (weights is not None and not weights.any()):
        raise refuse(data["decision_scores"], "decision_scores", "at least one row that counts")


class _Contamination:
    """A share of anomalies, or how it is found."""

    def check(self, value: Any, place: str, sizes: dict[str, int]) -> None:
        """See :class:`iotae._validation.schema.Schema`."""
        # an array would be compared cell by cell
        if type(value) is not str or value != "auto":
            Number(float(np.finfo(np.float64).tiny), 0.5).check(value, place, sizes)


_PARAMS = Record(
    {
        "batch_size": Whole(1),
        "clean": Whole(0, 1, flags=True),
        "alpha": Maybe(Number(0.0, 1.0, inner=True)),
        "contamination": _Contamination(),
        "device": Maybe(Text()),
        "dropout_rate": DROPOUT_RATE,
        "epoch_num": EPOCHS,
        "groups": Maybe(Text()),
        "hidden_activation_name": Choice(*ACTIVATIONS),
        "hidden_neuron_list": HIDDEN_SIZES,
        "lr": RATE,
        "network": Nothing(),
        "preprocessing": Whole(0, 1, flags=True),
        "random_state": SEED,
        "threshold": Choice("contamination", "conformal", "tail"),
        "verbose": Whole(0, 100, flags=True),
    },
    (check_device,),
    frozenset({"alpha", "groups"}),
)

_CUTS = {"ConformalThreshold": ConformalThreshold.SCHEMA, "TailThreshold": TailThreshold.SCHEMA}

DETECTOR = Record(
    {
        "params": _PARAMS,
        "model": AnyAutoencoder(),
        "encoder": Maybe(PREPROCESSOR),
        "decision_scores": Array(np.float64, "training rows", low=-_FARTHEST, high=_FARTHEST),
        "row_weights": Maybe(Array(np.float64, "training rows", low=0.0, high=_FARTHEST)),
        "threshold": Number(-_FARTHEST, _FARTHEST),
        "labels": Array(np.int64, "training rows", low=0, high=1),
        "cut": Maybe(Record(_CUTS, (_check_one,), frozenset(_CUTS))),
        "n_features": Whole(1),
        "feature_names": Maybe(ListOf(Text(), distinct=True)),
    },
    (_check_parts,),
)


def _check_series(data: State, place: str) -> None:
    params, settings = data["params"], data["model"]["settings"]
    if params["window_size"] != settings["window"] or params["period"] != settings["period"]:
        raise refuse(params["window_size"], "params.window_size", "what the model's settings say")
    for name in ("network", "device"):
        if params.get(name) != settings.get(name):
            raise refuse(params.get(name), f"params.{name}", "what the model's settings say")
    n_rows = data["model"]["fitted_scores"].size
    if not n_rows or data["labels"].size != n_rows:
        raise refuse(data["labels"], "labels", f"one for each of {n_rows} training rows")


SEQUENCE = Record(
    {
        "params": Record(
            {
                "contamination": _Contamination(),
                "window_size": SEQUENCE_SETTINGS.fields["window"],
                "period": SEQUENCE_SETTINGS.fields["period"],
                "time": Maybe(Text()),
                "group": Maybe(Text()),
                "random_state": SEED,
                "network": SEQUENCE_SETTINGS.fields["network"],
                "device": SEQUENCE_SETTINGS.fields["device"],
            },
            optional=frozenset({"network", "device"}),
        ),
        "model": SEQUENCE_AUTOENCODER,
        "threshold": Number(-_FARTHEST, _FARTHEST),
        "labels": Array(np.int64, "labels", low=0, high=1),
    },
    (_check_series,),
)
"""The detector of series."""
