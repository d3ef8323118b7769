"""A network in training: its shape, its parameter block, Adam's moments and its generator."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from iotae._compiled import warn_if_slow
from iotae.architecture import (
    Float32,
    initial_parameters,
    layer_sizes,
    layer_views,
    n_parameters,
    resized_parameters,
)
from iotae.cells import ACTIVATIONS
from iotae.kernels import Int64, propagate, train
from iotae.scaling import Float64
from iotae.state import State

__all__ = ["Network", "draw_seed", "generator_from_state", "generator_to_state"]


def draw_seed(seed: int | None) -> int:
    """The seed itself, or fresh entropy of 63 bits for None."""
    if seed is not None:
        return int(seed)
    return int(np.random.default_rng().integers(2**63 - 1))


def generator_to_state(generator: np.random.Generator) -> State:
    """A PCG64 generator's state; its 128-bit numbers become text."""
    state = dict(generator.bit_generator.state)
    state["state"] = {key: str(value) for key, value in state["state"].items()}
    return state


def generator_from_state(data: State) -> np.random.Generator:
    """Rebuild from :func:`generator_to_state`."""
    generator = np.random.Generator(np.random.PCG64(0))
    generator.bit_generator.state = {
        **data,
        "state": {key: int(value) for key, value in data["state"].items()},
    }
    return generator


class Network:
    """The flat parameter block with everything that training it needs.

    Parameters
    ----------
    n_features : int
    hidden_sizes : sequence of int, optional
        By default they follow the number of features.
    activation : str
        One of ``iotae.kernels.ACTIVATIONS``.
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
            self.parameters,
            self.layers,
            self.code,
            rows,
            weights,
            order,
            batch_size,
            rates,
            dropout_rate,
            self.generator,
            self.first,
            self.second,
            self.step,
        )
        self.step += n_steps
        return float(loss)

    def propagate(self, rows: Float32) -> tuple[Float32, Float32]:
        """Latent code (n, k) and reconstruction (n, d) of ``rows``, missing cells included.

        The code is taken at the narrowest hidden layer.
        """
        narrowest = 1 + int(np.argmin(self.layers[1:-1]))
        latent = np.empty((len(rows), self.sizes[narrowest]), np.float32)
        output = np.empty((len(rows), self.sizes[-1]), np.float32)
        propagate(self.parameters, self.layers, self.code, rows, narrowest, latent, output)
        return latent, output

    def resized(self, names: Sequence[str], given: Sequence[int]) -> Network:
        """The same network over other features: those it knew keep their weights and moments.

        ``given`` are the places of features that it did not know: they begin as in a new network.
        """
        made = Network(len(names), self.hidden_sizes, self.activation, self.seed, names)
        for block in ("parameters", "first", "second"):
            fresh = getattr(made, block)
            resized = resized_parameters(getattr(self, block), self.sizes, made.sizes, fresh)
            layers, fresh_layers = layer_views(resized, made.sizes), layer_views(fresh, made.sizes)
            layers[0][0][given] = fresh_layers[0][0][given]
            layers[-1][0][:, given] = fresh_layers[-1][0][:, given]
            layers[-1][1][given] = fresh_layers[-1][1][given]
            setattr(made, block, resized)
        made.step, made.generator = self.step, self.generator
        return made

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
        """Rebuild from :meth:`to_state`."""
        made = cls(data["n_features"], data["hidden_sizes"], data["activation"], int(data["seed"]))
        made.parameters, made.first, made.second = data["parameters"], data["first"], data["second"]
        made.step = data["step"]
        made.generator = generator_from_state(data["generator"])
        return made
