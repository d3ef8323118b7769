"""What the state of a network in training must look like."""

from __future__ import annotations

import numpy as np

from iotae._typing import Float32, Float64, State
from iotae._validation.schema import (
    COUNT,
    GENERATOR,
    Array,
    Choice,
    Digits,
    ListOf,
    Maybe,
    Number,
    Record,
    Whole,
    refuse,
)
from iotae.nn.activations import ACTIVATIONS
from iotae.nn.architecture import layer_sizes, layer_views, n_parameters

__all__ = ["HIDDEN_SIZES", "NETWORK", "RATE", "SEED", "SEED_BITS", "check_moments", "reach"]

SEED_BITS = 1024
"""Bits of a seed at most."""

SEED = Maybe(Whole(0, 2**SEED_BITS - 1))
"""A seed as a setting."""

RATE = Number(float(np.finfo(np.float64).tiny), 1.0)
"""A learning rate."""

_MOST_LAYERS = 1000

HIDDEN_SIZES = Maybe(ListOf(Whole(1), _MOST_LAYERS, least=1))

_LARGEST_WEIGHT = 1e6

INPUT = 30.0
"""Scaled cells are at most so large: see :mod:`iotae.batch.scaler`; in a stream they are at most 3."""

_FARTHEST = 1e12
"""Largest value that a unit may take for such inputs, and that a slope may grow by: squares of both, and
products with weights, stay inside float32."""

_BOUNDED = ("tanh", "sigmoid")

_ADAM_RATIO, _ADAM_FADED = 8.0, 1e-13
"""Adam's first moment is at most 7.3 times the root of its second, by the inequality of Cauchy and Schwarz
for its two rates of 0.9 and 0.999; what fades to 0 in the second may be so large in the first."""


def check_moments(first: Float32, second: Float32, place: str) -> None:
    """Refuse moments of Adam that no gradients have: a step could be of any length."""
    wrong = np.abs(first) > _ADAM_RATIO * np.sqrt(second) + _ADAM_FADED
    if wrong.any():
        raise refuse(float(first[wrong][0]), place, "a first moment that belongs to the second")


def _check_length(data: State, place: str) -> None:
    sizes = layer_sizes(data["n_features"], data["hidden_sizes"])
    if data["parameters"].size != n_parameters(sizes):
        expected = f"as many as {len(sizes)} layers over {data['n_features']} features take"
        raise refuse(data["parameters"], f"{place}.parameters", expected)


def reach(data: State) -> list[Float64]:
    """How far the units of each layer may go for a row of scaled cells, by the weights' absolute values."""
    sizes = layer_sizes(data["n_features"], data["hidden_sizes"])
    layers = layer_views(data["parameters"], sizes)
    most = 1.0 if data["activation"] in _BOUNDED else np.inf
    reached = [np.full(sizes[0], INPUT)]
    for number, (weights, biases) in enumerate(layers, 1):
        far = reached[-1] @ np.abs(weights).astype(np.float64) + np.abs(biases)
        reached.append(np.minimum(far, most if number < len(layers) else np.inf))
    return reached


def _check_reach(data: State, place: str) -> None:
    """Refuse weights for which a row of scaled cells, or a slope, may leave float32 on its way."""
    farthest = max(float(units.max()) for units in reach(data))
    if farthest > _FARTHEST:
        raise refuse(farthest, f"{place}.parameters", f"units that stay within {_FARTHEST:g}")
    sizes = layer_sizes(data["n_features"], data["hidden_sizes"])
    slope = np.ones(sizes[-1])
    for weights, _ in reversed(layer_views(data["parameters"], sizes)):
        slope = np.abs(weights).astype(np.float64) @ slope
        if slope.max() > _FARTHEST:
            raise refuse(float(slope.max()), f"{place}.parameters", f"slopes that stay within {_FARTHEST:g}")


def _check_moments(data: State, place: str) -> None:
    check_moments(data["first"], data["second"], f"{place}.first")


NETWORK = Record(
    {
        "n_features": Whole(1),
        "hidden_sizes": HIDDEN_SIZES,
        "activation": Choice(*ACTIVATIONS),
        "seed": Digits(SEED_BITS),
        "parameters": Array(np.float32, "parameters", low=-_LARGEST_WEIGHT, high=_LARGEST_WEIGHT),
        "first": Array(np.float32, "parameters"),
        "second": Array(np.float32, "parameters", low=0.0),
        "step": COUNT,
        "generator": GENERATOR,
    },
    (_check_length, _check_reach, _check_moments),
)
