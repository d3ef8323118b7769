"""Which saved models can be exported."""

from __future__ import annotations

from iotae._typing import State
from iotae.pipeline import TableDetector
from iotae.serialization import StateError
from iotae.stream.autoencoder import OnlineAutoencoder

__all__ = ["exportable"]

_OTHERS = {
    "pyod_iotae.IoTAE": "fit the same table with iotae fit or TableDetector",
    "river_iotae.AlarmFilter": "save the detector inside it, whose cut then counts and not the filter's",
    "river_iotae.ConformalFilter": "save the detector inside it, whose cut then counts and not the filter's",
}


def exportable(kind: str, data: State) -> OnlineAutoencoder | TableDetector:
    """Return what can be exported of a saved model.

    Raises
    ------
    StateError
        If the state is of another kind, or is not as it should be.
    """
    if kind == "OnlineAutoencoder":
        return OnlineAutoencoder.from_state(data)
    if kind == "river_iotae.IoTAE":
        model = data.get("model")
        if not isinstance(model, dict):
            raise StateError("holds no model, although its kind says so")
        return OnlineAutoencoder.from_state(model)
    if kind == "TableDetector":
        return TableDetector.from_state(data)
    instead = _OTHERS.get(kind, "export a model that iotae stream --save or iotae fit wrote")
    raise StateError(f"holds the state of {kind}, which cannot be exported: {instead}")
