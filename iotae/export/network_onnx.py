"""A network's layers in an ONNX graph."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from iotae._typing import Float32
from iotae.export.graph import Value
from iotae.nn.architecture import layer_views

__all__ = ["dense_layers"]

_P: Sequence[float] = (
    2.466526833710778e-10,
    2.374032077446624e-07,
    5.8116305255893354e-05,
    0.004968944099378882,
    0.14492753623188406,
    1.0,
)
_Q: Sequence[float] = (
    3.1622138893727926e-12,
    9.496128309786497e-09,
    4.273257739403923e-06,
    0.0006102212051868803,
    0.031055900621118012,
    0.4782608695652174,
    1.0,
)
"""As in :mod:`iotae.nn.activations`: the graph's own tanh differs in the sixth digit."""


def _polynomial(y: Value, terms: Sequence[float]) -> Value:
    total = y * terms[0] + terms[1]
    for term in terms[2:]:
        total = total * y + term
    return total


def _activated(units: Value, activation: str) -> Value:
    if activation in ("tanh", "sigmoid"):
        half = 1.0 if activation == "tanh" else 0.5
        x = (units * half).clip(-9.0, 9.0)
        y = x * x
        return x * half * _polynomial(y, _P) / _polynomial(y, _Q) + (1.0 - half)
    if activation == "elu":
        return (units > 0.0).where(units, units.least(0.0).of("Exp") - 1.0)
    return units.most(units * (0.0 if activation == "relu" else 0.01))


def dense_layers(
    seen: Value, parameters: Float32, sizes: Sequence[int], activation: str
) -> tuple[Value, Value]:
    """The narrowest hidden layer and the reconstruction of rows (n, d)."""
    units, code = seen, seen
    layers = layer_views(parameters, sizes)
    narrowest = int(np.argmin(sizes[1:-1]))
    for layer, (weights, biases) in enumerate(layers):
        units = units @ weights + biases
        if layer < len(layers) - 1:
            units = _activated(units, activation)
        if layer == narrowest:
            code = units
    return code, units
