"""A network in training: its shape, its parameter block, Adam's moments and its generator."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from iotae._compiled import warn_if_slow
from iotae._random import generator_from_state, generator_to_state
from iotae._typing import Float32, Float64, Int64, State
from iotae._validation import check_choice, check_count
from iotae.nn.activations import ACTIVATIONS, activate
from iotae.nn.architecture import (
    initial_parameters,
    layer_sizes,
    layer_views,
    n_parameters,
    resized_parameters,
)
from iotae.nn.kernels import Learner, Plan, Table, train
from iotae.nn.products import affine

__all__ = ["Network", "check_network_settings"]


def check_network_settings(activation: Any, learning_rate: Any, batch_size: Any) -> None:
    """Check what every trained network is given."""
    check_choice("activation", activation, ACTIVATIONS)
    if not (isinstance(learning_rate, (int, float, np.number)) and 0.0 < learning_rate <= 1.0):
        raise ValueError(
            f"Got learning_rate={learning_rate!r}, but expected a number in (0, 1], e.g. 0.005: "
            "Adam's steps are of this size."
        )
    check_count("batch_size", batch_size)


class Network:
    """The flat parameter block with everything that training it needs.

    Parameters
    ----------
    n_features : int
    hidden_sizes : sequence of int, optional
        By default they follow the number of features.
    activation : str
        One of ``iotae.nn.activations.ACTIVATIONS``.
    seed : int
        Seed of the weights and of everything drawn in training.
    names : sequence of str, optional
        The features' names, which seed the weights that belong to them.

    Examples
    --------
    >>> rows = np.random.default_rng(0).normal(size=(256, 1)).astype(np.float32) * np.ones((1, 4), np.float32)
    >>> network = Network(4, (3, 1, 3), "tanh", seed=0)
    >>> losses = [network.train(rows, np.arange(256), 32, 0.01) for _ in range(30)]
    >>> losses[-1] < 0.05 < losses[0]
    True
    """

    def __init__(
        self,
        n_features: int,
        hidden_sizes: Sequence[int] | None,
        activation: str,
        seed: int,
        names: Sequence[str] | None = None,
    ) -> None:
        warn_if_slow()
        self.hidden_sizes = None if hidden_sizes is None else tuple(hidden_sizes)
        self.activation = activation
        self.seed = seed
        self.sizes = layer_sizes(n_features, hidden_sizes)
        self.layers: Int64 = np.array(self.sizes, np.int64)
        self.parameters = initial_parameters(self.sizes, seed, names)
        self.first = np.zeros(n_parameters(self.sizes), np.float32)
        self.second = np.zeros_like(self.first)
        self.step = 0
        self.generator = np.random.default_rng(seed)

    @property
    def code(self) -> int:
        """The activation as the kernels know it."""
        return ACTIVATIONS[self.activation]

    def train(
        self,
        rows: Float32,
        order: Int64,
        batch_size: int,
        learning_rate: float | Float64,
        dropout_rate: float = 0.0,
        row_weights: Float32 | None = None,
    ) -> float:
        """One Adam step for each mini-batch of ``rows`` (n, d) taken in ``order``; mean loss.

        The learning rate is a number, or one number for each step.
        """
        n_steps = -(-order.size // batch_size)
        rates = np.ascontiguousarray(np.broadcast_to(np.float64(learning_rate), n_steps))
        weights = np.ones(len(rows), np.float32) if row_weights is None else row_weights
        loss = train(
            Learner(self.parameters, self.first, self.second),
            self.layers,
            self.code,
            Table(rows, weights, order),
            Plan(batch_size, rates, float(dropout_rate), self.step),
            self.generator,
        )
        self.step += n_steps
        return float(loss)

    def propagate(self, rows: Float32) -> tuple[Float32, Float32]:
        """Latent code (n, k) and reconstruction (n, d) of ``rows``, missing cells included.

        The code is taken at the narrowest hidden layer.
        """
        last = len(self.sizes) - 2
        narrowest = int(np.argmin(self.sizes[1:-1]))
        units = np.ascontiguousarray(np.where(np.isnan(rows), np.float32(0.0), rows))
        latent = units
        for layer, (weights, biases) in enumerate(layer_views(self.parameters, self.sizes)):
            inputs, units = units, np.empty((len(rows), biases.size), np.float32)
            affine(inputs, weights, biases, units)
            if layer < last:
                activate(units, self.code)
            if layer == narrowest:
                latent = units
        return latent, units

    def resized(self, names: Sequence[str], given: Sequence[int]) -> Network:
        """The same network over other features: those it knew keep their weights and moments.

        ``given`` are the places of features that it did not know: they begin as in a new network.
        """
        result = Network(len(names), self.hidden_sizes, self.activation, self.seed, names)
        for block in ("parameters", "first", "second"):
            fresh = getattr(result, block)
            resized = resized_parameters(getattr(self, block), self.sizes, result.sizes, fresh)
            layers, fresh_layers = layer_views(resized, result.sizes), layer_views(fresh, result.sizes)
            layers[0][0][given] = fresh_layers[0][0][given]
            layers[-1][0][:, given] = fresh_layers[-1][0][:, given]
            layers[-1][1][given] = fresh_layers[-1][1][given]
            setattr(result, block, resized)
        result.step, result.generator = self.step, self.generator
        return result

    def to_state(self) -> State:
        """Everything needed to go on training bit for bit."""
        return {
            "n_features": self.sizes[0],
            "hidden_sizes": None if self.hidden_sizes is None else list(self.hidden_sizes),
            "activation": self.activation,
            "seed": str(self.seed),
            "parameters": self.parameters.copy(),
            "first": self.first.copy(),
            "second": self.second.copy(),
            "step": self.step,
            "generator": generator_to_state(self.generator),
        }

    @classmethod
    def from_state(cls, data: State) -> Network:
        """Rebuild from :meth:`to_state`, of a state that is as :data:`iotae.nn.state_schema.NETWORK` says."""
        warn_if_slow()
        # no weights are drawn, which would take long for many features
        restored = cls.__new__(cls)
        hidden_sizes = data["hidden_sizes"]
        restored.hidden_sizes = None if hidden_sizes is None else tuple(hidden_sizes)
        restored.activation, restored.seed = data["activation"], int(data["seed"])
        restored.sizes = layer_sizes(data["n_features"], hidden_sizes)
        restored.layers = np.array(restored.sizes, np.int64)
        restored.parameters, restored.first, restored.second = (
            data["parameters"],
            data["first"],
            data["second"],
        )
        restored.step = data["step"]
        restored.generator = generator_from_state(data["generator"])
        return restored
