"""A stream's whole model as a state of arrays, numbers and text, and a model made of a state again."""

from __future__ import annotations

from typing import TypeVar

import numpy as np

from iotae._typing import State
from iotae.nn.network import Network
from iotae.stream.confirmed import ConfirmedKinds
from iotae.stream.core import StreamCore
from iotae.stream.features import Features
from iotae.stream.memory import FIGURES
from iotae.stream.sensor_figures import EQUAL
from iotae.stream.state import StreamState
from iotae.stream.state_schema import COUNTERS, SETTINGS, check_state
from iotae.thresholds import ConformalThreshold

__all__ = ["restored", "state_of"]


Model = TypeVar("Model", bound=StreamCore)


def state_of(model: StreamCore) -> State:
    """Everything that a model needs to continue bit for bit, as arrays, numbers and text."""
    state: State = {
        "settings": {name: getattr(model, name) for name in SETTINGS.fields},
        "hidden_sizes": None if model.hidden_sizes is None else list(model.hidden_sizes),
        "horizon": np.array(model.horizon),
        "counters": {name: getattr(model, name) for name in COUNTERS.fields},
        "features": model._features.to_state(),
        "cut": model._threshold.to_state(),
        "network": model._network.to_state(),
        "stream": model._state.to_state(),
    }
    if model._confirmed or model.n_withheld:
        # a model without any has the file that it had before there were answers
        state["confirmed"] = {"withheld": model.n_withheld, **model._confirmed.to_state()}
    return state


def _with_runs_begun(data: State) -> State:
    """The state; one of iotae 0.2.0 is given how often a run of equal readings begins by chance."""
    if not isinstance(data, dict) or not isinstance(data.get("stream"), dict):
        return data
    stream: State = data["stream"]
    sensors = stream.get("sensors")
    if not isinstance(sensors, np.ndarray) or sensors.ndim != 2 or len(sensors) != FIGURES - 1:
        return data
    equal = np.clip(sensors[EQUAL], 0.0, 1.0)
    return {**data, "stream": {**stream, "sensors": np.vstack([sensors, equal * (1.0 - equal)])}}


def restored(kind: type[Model], data: State) -> Model:
    """Rebuild a model from :func:`state_of`; ``StateError`` if it is none, or of iotae 0.1."""
    data = _with_runs_begun(data)
    check_state(data)
    model = kind(
        hidden_sizes=data["hidden_sizes"],
        horizon=float(data["horizon"]),
        max_features=data["features"]["registry"]["table"]["max_features"],
        **data["settings"],
    )
    for name, value in data["counters"].items():
        setattr(model, name, value)
    model._features = Features.from_state(data["features"])
    model._threshold = ConformalThreshold.from_state(data["cut"])
    model._network = Network.from_state(data["network"])
    model._state = StreamState.from_state(data["stream"])
    if "confirmed" in data:
        model._confirmed = ConfirmedKinds.from_state(data["confirmed"])
        model.n_withheld = data["confirmed"]["withheld"]
    model._move_in()
    return model
