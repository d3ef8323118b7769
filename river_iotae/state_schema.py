"""What the state of the River detector must look like."""

from __future__ import annotations

from iotae._typing import State
from iotae._validation.schema import Record, Whole, refuse
from iotae.nn.state_schema import HIDDEN_SIZES
from iotae.stream.state_schema import ONLINE_AUTOENCODER, SETTINGS

__all__ = ["DETECTOR"]


def _check_params(data: State, place: str) -> None:
    model = data["model"]
    max_features = model["features"]["registry"]["table"]["max_features"]
    said = model["settings"] | {"hidden_sizes": model["hidden_sizes"], "max_features": max_features}
    for name, value in data["params"].items():
        if value != said[name]:
            raise refuse(value, f"params.{name}", "what the model's settings say")


_SHARED = {name: schema for name, schema in SETTINGS.fields.items() if name != "activation"}

_PARAMS = Record({**_SHARED, "hidden_sizes": HIDDEN_SIZES, "max_features": Whole(1)})

DETECTOR = Record({"params": _PARAMS, "model": ONLINE_AUTOENCODER}, (_check_params,))
