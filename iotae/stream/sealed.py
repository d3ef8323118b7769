"""Models of one kind as few bytes that outlive the process, for an engine that keeps each device's state."""

from __future__ import annotations

import json
from hashlib import blake2b

import numpy as np

from iotae.nn.architecture import layer_sizes
from iotae.serialization import StateError
from iotae.stream.autoencoder import OnlineAutoencoder
from iotae.stream.compact import pack, remembered, unpack
from iotae.stream.memory import allocate, views_of
from iotae.stream.state_schema import MADE_WITH

__all__ = ["Sealed"]

_FORMAT = 1
"""To be raised where the bytes change and neither the settings nor the arrays do."""

_MARK, _SEAL = 16, 16
"""Bytes that tell the layout, and bytes that tell damage; neither is a signature."""

_SLOTS = 3
"""Features by whose arrays one layout is told from another."""


class Sealed:
    """Packs models that have the settings of one, and unpacks them, bit for bit.

    Parameters
    ----------
    like : OnlineAutoencoder
        Has the settings.

    Attributes
    ----------
    newcomer : bytes
        Those of ``like`` itself, with which a device may begin.

    Examples
    --------
    >>> model = OnlineAutoencoder(seed=0)
    >>> for load in np.random.default_rng(0).normal(size=100):
    ...     model.learn_one({"power": 50 + 5 * load, "latency": 20 + 3 * load})
    >>> sealed = Sealed(OnlineAutoencoder(seed=0))
    >>> again = sealed.unpack(sealed.pack(model))
    >>> again.score_one({"power": 55.0}) == model.score_one({"power": 55.0})
    True
    """

    def __init__(self, like: OnlineAutoencoder) -> None:
        self._like = like
        self._mark = _digest(_layout_of(like).encode(), _MARK)
        self.newcomer = self.pack(like)

    def pack(self, model: OnlineAutoencoder) -> bytes:
        """The bytes of a model that no other thread uses."""
        blob = pack(model)
        return b"".join([self._mark, _digest(blob, _SEAL), blob])

    def unpack(self, blob: bytes) -> OnlineAutoencoder:
        """The model of these bytes.

        Raises
        ------
        StateError
            If they are damaged, or were packed with other settings or by another version of iotae.
        """
        mark, seal, blob = blob[:_MARK], blob[_MARK : _MARK + _SEAL], blob[_MARK + _SEAL :]
        if mark != self._mark:
            raise StateError(
                "a device's state of other settings or of another version of iotae: go on with those that "
                "it was begun with, or begin anew in an empty checkpoint folder"
            )
        if seal != _digest(blob, _SEAL):
            raise StateError("a device's state that is damaged: it is not what was kept")
        return unpack(blob, self._like)


def _digest(blob: bytes, size: int) -> bytes:
    return blake2b(blob, digest_size=size).digest()


def _layout_of(like: OnlineAutoencoder) -> str:
    """Settings and arrays as text: the same for all models whose bytes can be read as those of ``like``."""
    layers = np.array(layer_sizes(_SLOTS, like.hidden_sizes), np.int64)
    views = views_of(allocate(layers, like._network.code, _SLOTS, like.batch_size))
    arrays = [(name, array.dtype.str, array.shape) for name, array in remembered(views)]
    return json.dumps([_FORMAT, [getattr(like, name) for name in MADE_WITH], arrays])
