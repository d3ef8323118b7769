"""What training does to every cell alike: as loops where they are compiled, as whole arrays elsewhere.

Each kernel is here twice, and the tests hold the two to each other. Compiled, a loop whose body has no
call and no temporary is done many cells at a time; uncompiled, it would be a hundred times slower than
NumPy. Tables are contiguous.
"""

from __future__ import annotations

import numpy as np

from iotae._compiled import compiled_or
from iotae._typing import Float32

__all__ = ["ACTIVATIONS", "activate", "adam_step", "load_rows", "loss_slope", "scale_by_slope", "sum_rows"]

ACTIVATIONS = {"tanh": 0, "relu": 1, "sigmoid": 2, "leaky_relu": 3, "elu": 4}
"""Codes of the hidden activations; the output layer is linear."""

_BETA1 = np.float32(0.9)
_BETA2 = np.float32(0.999)
_EPSILON = np.float32(1e-8)
_ONE = np.float32(1.0)
_TWO = np.float32(2.0)
_ZERO = np.float32(0.0)
_HALF = np.float32(0.5)
_FADED = np.float32(1e-30)
_LEAK = np.float32(0.01)
_LEAST_WEIGHT = np.float32(1e-12)

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
        units[:, :] = np.maximum(units, _ZERO) + (np.exp(np.minimum(units, _ZERO)) - _ONE)
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
                flat[i] = np.exp(flat[i]) - _ONE
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


def _load_rows_arrays(rows: Float32, target: Float32, mask: Float32) -> None:
    missing = np.isnan(rows)
    mask[:, :] = np.where(missing, _ZERO, _ONE)
    target[:, :] = np.where(missing, _ZERO, rows)


@compiled_or(_load_rows_arrays)
def load_rows(rows: Float32, target: Float32, mask: Float32) -> None:
    """Copy ``rows`` (n, d) into ``target``, missing cells as 0, and their presence into ``mask``."""
    for i in range(rows.shape[0]):
        for j in range(rows.shape[1]):
            cell = rows[i, j]
            # a missing cell is the only one that differs from itself
            target[i, j] = cell if cell == cell else _ZERO
            mask[i, j] = _ONE if cell == cell else _ZERO


def _loss_slope_arrays(
    target: Float32, mask: Float32, row_weights: Float32, output: Float32, delta: Float32
) -> float:
    cell_weights = mask * row_weights.reshape((row_weights.size, 1))
    total = np.maximum(np.sum(cell_weights), _LEAST_WEIGHT)
    residual = output - target
    delta[:, :] = cell_weights * residual * (_TWO / total)
    return float(np.sum(cell_weights * residual * residual) / total)


@compiled_or(_loss_slope_arrays)
def loss_slope(
    target: Float32, mask: Float32, row_weights: Float32, output: Float32, delta: Float32
) -> float:
    """Weighted mean squared residual over the present cells; its slope goes into ``delta``."""
    n, d = target.shape
    # one sum for each column: the order of additions is the code's, whatever the processor
    weight, square = np.zeros(d, np.float32), np.zeros(d, np.float32)
    for i in range(n):
        for j in range(d):
            cell = mask[i, j] * row_weights[i]
            residual = output[i, j] - target[i, j]
            weight[j] += cell
            square[j] += cell * residual * residual
            delta[i, j] = cell * residual
    total = max(np.sum(weight), _LEAST_WEIGHT)
    scale = _TWO / total
    flat = delta.reshape(-1)
    for i in range(flat.size):
        flat[i] *= scale
    return float(np.sum(square) / total)


def _sum_rows_arrays(rows: Float32, total: Float32) -> None:
    total[:] = rows.sum(axis=0)


@compiled_or(_sum_rows_arrays)
def sum_rows(rows: Float32, total: Float32) -> None:
    """The sum of the rows (n, d) into ``total`` (d,)."""
    total[:] = _ZERO
    for i in range(rows.shape[0]):
        for j in range(rows.shape[1]):
            total[j] += rows[i, j]


def _adam_step_arrays(
    parameters: Float32,
    gradient: Float32,
    first: Float32,
    second: Float32,
    step: int,
    learning_rate: float,
) -> None:
    first *= _BETA1
    first += (_ONE - _BETA1) * gradient
    second *= _BETA2
    second += (_ONE - _BETA2) * gradient * gradient
    rate = np.float32(learning_rate / (1.0 - 0.9**step))
    correction = np.float32(1.0 / (1.0 - 0.999**step))
    parameters -= rate * first / (np.sqrt(second * correction) + _EPSILON)


@compiled_or(_adam_step_arrays)
def adam_step(
    parameters: Float32,
    gradient: Float32,
    first: Float32,
    second: Float32,
    step: int,
    learning_rate: float,
) -> None:
    """One step of Adam (Kingma and Ba, 2015) in place; ``step`` counts from 1."""
    # bias corrections folded into two scalars
    rate = np.float32(learning_rate / (1.0 - 0.9**step))
    correction = np.float32(1.0 / (1.0 - 0.999**step))
    for i in range(parameters.size):
        slope = gradient[i]
        # moments of a cell that never moves fade to numbers that are a hundred times slower to work with
        m = _BETA1 * first[i] + (_ONE - _BETA1) * slope
        v = _BETA2 * second[i] + (_ONE - _BETA2) * slope * slope
        first[i] = m if abs(m) > _FADED else _ZERO
        second[i] = v if v > _FADED else _ZERO
        parameters[i] -= rate * first[i] / (np.sqrt(second[i] * correction) + _EPSILON)
