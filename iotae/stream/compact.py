"""A stream's whole model as few bytes, and back, bit for bit: for a device that is set aside for a while.

What a model can make anew (scratch, room for training, its lists in order of size) is left out. The bytes are
not checked here: a store in the same process seals them, :mod:`iotae.stream.sealed` does so where they
outlive it, and a file for others is written by :mod:`iotae.serialization`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from iotae._random import generator_from_state, generator_to_state
from iotae._sharing import Locked
from iotae._typing import State
from iotae.nn.architecture import layer_sizes
from iotae.nn.network import Network
from iotae.stream.autoencoder import OnlineAutoencoder
from iotae.stream.confirmed import ConfirmedKinds
from iotae.stream.counters import N_REMEMBERED
from iotae.stream.features import Features
from iotae.stream.kernels import SCORED_AT
from iotae.stream.memory import allocate, views_of
from iotae.stream.names import is_name, packed_name, unpacked_name
from iotae.stream.scaler import RunningScaler
from iotae.stream.state import StreamState
from iotae.stream.state_schema import MADE_WITH
from iotae.thresholds import ConformalThreshold

__all__ = [
    "as_array",
    "as_list",
    "pack",
    "packed_window",
    "remembered",
    "unpack",
    "unpacked_window",
]

_LENGTH = 4
"""Bytes that say how long the text is that the arrays follow."""

_SCALER = ("stats", "head")
_NETWORK = ("parameters", "first", "second")
_STREAM = (
    *("hidden", "counts_of_bins", "table", "running", "kinds", "moments", "sensors", "tails", "gate"),
    *("context", "counts", "calibration", "biases", "witness_shown", "witness_wanted", "fresh_shown"),
    *("fresh_wanted", "matrices", "reservoir", "pending", "minibatch"),
)
_ARRAY = "__array__"
_COUNTED = ("n_seen", "n_rejected", "n_unusable", "n_withheld")


def remembered(views: dict[str, NDArray[Any]]) -> Iterator[tuple[str, NDArray[Any]]]:
    """Each array that is kept of a memory, in the order of the bytes."""
    for name in (*_SCALER, *_STREAM, *_NETWORK):
        yield name, views[name]
    yield "counters", views["counters"][:N_REMEMBERED]


def packed_window(threshold: ConformalThreshold) -> tuple[int, bytes]:
    """How many scores a threshold has seen, and the latest of them."""
    window = threshold._window
    return window.n_seen, np.array(window.ring).tobytes()


def unpacked_window(threshold: ConformalThreshold, n_seen: int, ring: NDArray[np.float64]) -> None:
    """Put what :func:`packed_window` gave into a threshold that is new."""
    window = threshold._window
    window.n_seen, window.ring = n_seen, ring.tolist()
    # the two lists share their numbers, which are most of what a live model weighs
    window.sorted = [window.ring[place] for place in np.argsort(ring, kind="stable").tolist()]


def pack(model: OnlineAutoencoder) -> bytes:
    """The bytes of a model that no other thread uses.

    Examples
    --------
    >>> model = OnlineAutoencoder(seed=0)
    >>> for load in np.random.default_rng(0).normal(size=100):
    ...     model.learn_one({"power": 50 + 5 * load, "latency": 20 + 3 * load})
    >>> again = unpack(pack(model), OnlineAutoencoder(seed=0))
    >>> again.score_one({"power": 55.0}) == model.score_one({"power": 55.0})
    True
    """
    network, registry = model._network, model._features._registry
    n_scores, ring = packed_window(model._threshold)
    said = {
        "counted": [getattr(model, name) for name in _COUNTED],
        "grace_period": model.grace_period,
        "scores": [n_scores, len(ring)],
        "features": model._features.to_state(),
        "left_out": [packed_name(name) for name in filter(is_name, registry.left_out)],
        "network": [network.sizes[0], network.seed, network.step, generator_to_state(network.generator)],
        "seed": model._state.seed,
        "confirmed": model._confirmed.to_state(),
    }
    text = json.dumps(said, default=as_list).encode()
    arrays = (array.tobytes() for _, array in remembered(model._views))
    return b"".join([len(text).to_bytes(_LENGTH, "little"), text, ring, *arrays])


def unpack(blob: bytes, like: OnlineAutoencoder) -> OnlineAutoencoder:
    """The model that :func:`pack` was given, which had the settings of ``like``."""
    begin = _LENGTH + int.from_bytes(blob[:_LENGTH], "little")
    said = json.loads(blob[_LENGTH:begin], object_hook=as_array)
    n_scores, n_bytes = said["scores"]
    model = _bare(like)
    model.grace_period = said["grace_period"]
    for name, value in zip(_COUNTED, said["counted"], strict=True):
        setattr(model, name, value)
    model._features = Features.from_state(said["features"])
    model._features._registry.left_out = [unpacked_name(name) for name in said["left_out"]]
    model._threshold = ConformalThreshold(like.alpha)
    unpacked_window(model._threshold, n_scores, np.frombuffer(blob, np.float64, n_bytes // 8, begin))
    model._confirmed = ConfirmedKinds.from_state(said["confirmed"])
    model._network = _network(like, *said["network"])
    _fill(model, len(model._features.slots), said["seed"], blob, begin + n_bytes)
    return model


def _bare(like: OnlineAutoencoder) -> OnlineAutoencoder:
    """A model with these settings and without parts: to make some that are replaced takes a while."""
    model = OnlineAutoencoder.__new__(OnlineAutoencoder)
    Locked.__init__(model)
    for name in MADE_WITH:
        setattr(model, name, getattr(like, name))
    model._result = np.zeros((1, 2))
    return model


def _network(like: OnlineAutoencoder, n_features: int, seed: int, step: int, generator: State) -> Network:
    network = Network.__new__(Network)
    network.hidden_sizes, network.activation, network.seed = like.hidden_sizes, like.activation, seed
    network.sizes = layer_sizes(n_features, like.hidden_sizes)
    network.layers = np.array(network.sizes, np.int64)
    network.step, network.generator = step, generator_from_state(generator)
    return network


def _fill(model: OnlineAutoencoder, n_slots: int, seed: int, blob: bytes, at: int) -> None:
    """Give a model its memory, with the arrays that begin at a place of the bytes."""
    network = model._network
    memory = allocate(network.layers, network.code, n_slots, model.batch_size)
    views = views_of(memory)
    views["rates"][:] = model.learning_rate, 1.0 / model.horizon
    state = StreamState.__new__(StreamState)
    state.seed, state.scaler = seed, RunningScaler(0, model.horizon)
    owners = {**dict.fromkeys(_SCALER, state.scaler), **dict.fromkeys(_NETWORK, network)}
    for name, array in remembered(views):
        array[...] = np.frombuffer(blob, array.dtype, array.size, at).reshape(array.shape)
        setattr(owners.get(name, state), name, array)
        at += array.nbytes
    # no row has been scored with it yet
    views["scratch"][SCORED_AT] = -1.0
    model._state, model._memory, model._views = state, memory, views
    model._rows = views["row"]
    model._row = model._rows[0]


def as_list(value: Any) -> Any:
    """An array as JSON can say it; everything else is a mistake."""
    if isinstance(value, np.ndarray):
        return {_ARRAY: value.dtype.str, "values": value.tolist()}
    raise TypeError(f"Got a {type(value).__name__} in a model's state, but expected arrays, numbers or text.")


def as_array(found: dict[str, Any]) -> Any:
    """What :func:`as_list` was given, as JSON's ``object_hook``."""
    return np.array(found["values"], found[_ARRAY]) if _ARRAY in found else found
