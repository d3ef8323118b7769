"""The hidden activations and their slopes, as loops where they are compiled and as whole arrays elsewhere."""

from __future__ import annotations

import numpy as np

from iotae._compiled import compiled_or
from iotae._typing import Float32

__all__ = ["ACTIVATIONS", "activate", "scale_by_slope"]

ACTIVATIONS = {"tanh": 0, "relu": 1, "sigmoid": 2, "leaky_relu": 3, "elu": 4}
"""Codes of the hidden activations; the output layer is linear."""

_ONE = np.float32(1.0)
_ZERO = np.float32(0.0)
_HALF = np.float32(0.5)
_LEAK = np.float32(0.01)

# Lambert's continued fraction of tanh(x) = x p(x^2) / q(x^2), twelve terms deep: within 1e-6 of tanh for all
# x, and unlike the library's tanh made of what a processor does to many numbers at a time
_P1 = np.float32(0.14492753623188406)
_P2 = np.float32(0.004968944099378882)
_P3 = np.float32(5.8116305255893354e-05)
_P4 = np.float32(2.374032077446624e-07)
_P5 = np.float32(2.466526833710778e-10)
_Q1 = np.float32(0.4782608695652174)
_Q2 = np.float32(0.031055900621118012)
_Q3 = np.float32(0.0006102212051868803)
_Q4 = np.float32(4.273257739403923e-06)
_Q5 = np.float32(9.496128309786497e-09)
_Q6 = np.float32(3.1622138893727926e-12)
_SATURATED = np.float32(9.0)


def _activate_arrays(units: Float32, activation: int) -> None:
    if activation == 0 or activation == 2:
        half = _ONE if activation == 0 else _HALF
        x = np.minimum(np.maximum(half * units, -_SATURATED), _SATURATED)
        y = x * x
        units[:, :] = half * x * (((((_P5 * y + _P4) * y + _P3) * y + _P2) * y + _P1) * y + _ONE) / (
            (((((_Q6 * y + _Q5) * y + _Q4) * y + _Q3) * y + _Q2) * y + _Q1) * y + _ONE
        ) + (_ONE - half)
    elif activation == 4:
        units[:, :] = np.where(units < _ZERO, np.exp(units.clip(max=_ZERO).astype(np.float64)) - 1.0, units)
    else:
        leak = _ZERO if activation == 1 else _LEAK
        units[:, :] = np.maximum(units, leak * units)


@compiled_or(_activate_arrays)
def activate(units: Float32, activation: int) -> None:
    """Apply an activation to a table of units (n, k) in place."""
    flat = units.reshape(-1)
    if activation == 0 or activation == 2:
        # the sigmoid is a tanh of half the width and height, and cannot overflow as one
        half = _ONE if activation == 0 else _HALF
        level = _ONE - half
        for i in range(flat.size):
            x = half * flat[i]
            x = x if x < _SATURATED else _SATURATED
            x = x if x > -_SATURATED else -_SATURATED
            y = x * x
            flat[i] = (
                half
                * x
                * (((((_P5 * y + _P4) * y + _P3) * y + _P2) * y + _P1) * y + _ONE)
                / ((((((_Q6 * y + _Q5) * y + _Q4) * y + _Q3) * y + _Q2) * y + _Q1) * y + _ONE)
                + level
            )
    elif activation == 4:
        for i in range(flat.size):
            if flat[i] < _ZERO:
                # in float64, where libraries differ in digits that float32 does not have
                flat[i] = np.float32(np.exp(np.float64(flat[i])) - 1.0)
    else:
        leak = _ZERO if activation == 1 else _LEAK
        for i in range(flat.size):
            flat[i] = flat[i] if flat[i] > _ZERO else leak * flat[i]


def _scale_by_slope_arrays(delta: Float32, units: Float32, activation: int) -> None:
    if activation == 0 or activation == 2:
        lowest = -_ONE if activation == 0 else _ZERO
        delta *= (units - lowest) * (_ONE - units)
    else:
        tilt = _ONE if activation == 4 else _ZERO
        level = _ONE if activation == 4 else (_LEAK if activation == 3 else _ZERO)
        delta *= np.where(units > _ZERO, _ONE, tilt * units + level)


@compiled_or(_scale_by_slope_arrays)
def scale_by_slope(delta: Float32, units: Float32, activation: int) -> None:
    """Multiply ``delta`` (n, k) by the activation's slope at its own output ``units`` (n, k)."""
    # a function of the output, so inputs need not be kept
    slopes, outputs = delta.reshape(-1), units.reshape(-1)
    if activation == 0 or activation == 2:
        lowest = -_ONE if activation == 0 else _ZERO
        for i in range(slopes.size):
            slopes[i] *= (outputs[i] - lowest) * (_ONE - outputs[i])
    else:
        tilt = _ONE if activation == 4 else _ZERO
        level = _ONE if activation == 4 else (_LEAK if activation == 3 else _ZERO)
        for i in range(slopes.size):
            slopes[i] *= _ONE if outputs[i] > _ZERO else tilt * outputs[i] + level
