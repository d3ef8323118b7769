"""Forward pass, gradient and Adam on the flat parameter block, as free functions over arrays.

Every function here runs compiled where numba is installed and as ordinary NumPy elsewhere. A
*tape* is one flat float32 buffer that holds the units of all layers for one mini-batch, layer
after layer; its first layer is the input. Missing cells have mask 0: they enter the network as
0 and take part in neither loss nor gradient.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from iotae.architecture import Float32
from iotae.compiled import compiled
from iotae.scaling import Float64

__all__ = [
    "ACTIVATIONS",
    "activate",
    "adam_step",
    "backward",
    "forward",
    "forward_row",
    "load_rows",
    "loss_slope",
    "train",
    "train_step",
]

Int64: TypeAlias = NDArray[np.int64]

ACTIVATIONS = {"tanh": 0, "relu": 1, "sigmoid": 2, "leaky_relu": 3, "elu": 4}
"""Codes of the hidden activations; the output layer is linear."""

_BETA1 = np.float32(0.9)
_BETA2 = np.float32(0.999)
_EPSILON = np.float32(1e-8)
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


@compiled
def _tanh(x: Any) -> Any:
    """The hyperbolic tangent of a number or of each in an array."""
    x = np.minimum(np.maximum(x, -_SATURATED), _SATURATED)
    y = x * x
    return (
        x
        * (((((_P5 * y + _P4) * y + _P3) * y + _P2) * y + _P1) * y + _ONE)
        / ((((((_Q6 * y + _Q5) * y + _Q4) * y + _Q3) * y + _Q2) * y + _Q1) * y + _ONE)
    )


@compiled
def _activated(units: Any, activation: int) -> Any:
    """The activation of a number or of each in an array."""
    # few expressions for five activations: each costs the compiler half a second
    if activation == 0 or activation == 2:
        # the sigmoid is a tanh of half the width and height, and cannot overflow as one
        half = _ONE if activation == 0 else _HALF
        return half * _tanh(half * units) + (_ONE - half)
    if activation == 4:
        return np.maximum(units, _ZERO) + (np.exp(np.minimum(units, _ZERO)) - _ONE)
    leak = _ZERO if activation == 1 else _LEAK
    return np.maximum(units, leak * units)


@compiled
def activate(units: Float32, activation: int) -> None:
    """Apply an activation to a table of units (n, k) in place."""
    units[:, :] = _activated(units, activation)


@compiled
def _scale_by_slope(delta: Float32, units: Float32, activation: int) -> None:
    # each slope is a function of the activation's own output, so inputs need not be kept
    if activation == 0 or activation == 2:
        lowest = -_ONE if activation == 0 else _ZERO
        delta *= (units - lowest) * (_ONE - units)
    else:
        tilt = _ONE if activation == 4 else _ZERO
        level = _ONE if activation == 4 else (_LEAK if activation == 3 else _ZERO)
        delta *= np.where(units > _ZERO, _ONE, tilt * units + level)


@compiled
def load_rows(rows: Float32, target: Float32, mask: Float32) -> None:
    """Copy ``rows`` (n, d) into ``target``, missing cells as 0, and their presence into ``mask``."""
    missing = np.isnan(rows)
    mask[:, :] = np.where(missing, _ZERO, _ONE)
    target[:, :] = np.where(missing, _ZERO, rows)


@compiled
def forward(parameters: Float32, sizes: Int64, activation: int, n_rows: int, tape: Float32) -> None:
    """Fill the tape's later layers from its first; the last layer is the reconstruction."""
    unit, weight = 0, 0
    last = sizes.size - 2
    for layer in range(last + 1):
        fan_in, fan_out = sizes[layer], sizes[layer + 1]
        inputs = tape[unit : unit + n_rows * fan_in].reshape((n_rows, fan_in))
        unit += n_rows * fan_in
        outputs = tape[unit : unit + n_rows * fan_out].reshape((n_rows, fan_out))
        weights = parameters[weight : weight + fan_in * fan_out].reshape((fan_in, fan_out))
        weight += fan_in * fan_out
        np.dot(inputs, weights, outputs)
        outputs += parameters[weight : weight + fan_out]
        weight += fan_out
        if layer < last:
            activate(outputs, activation)


@compiled
def forward_row(parameters: Float32, sizes: Int64, activation: int, tape: Float32) -> None:
    """:func:`forward` for a tape of a single row; a matrix product would cost more than its work."""
    unit, weight = 0, 0
    last = sizes.size - 2
    for layer in range(last + 1):
        fan_in, fan_out = sizes[layer], sizes[layer + 1]
        inputs = tape[unit : unit + fan_in]
        unit += fan_in
        outputs = tape[unit : unit + fan_out]
        outputs[:] = parameters[weight + fan_in * fan_out : weight + (fan_in + 1) * fan_out]
        for i in range(fan_in):
            value = inputs[i]
            weights = parameters[weight + i * fan_out : weight + (i + 1) * fan_out]
            for j in range(fan_out):
                outputs[j] += value * weights[j]
        weight += (fan_in + 1) * fan_out
        if layer < last:
            for j in range(fan_out):
                outputs[j] = _activated(outputs[j], activation)


@compiled
def backward(
    parameters: Float32,
    sizes: Int64,
    activation: int,
    n_rows: int,
    tape: Float32,
    delta_tape: Float32,
    gradient: Float32,
) -> None:
    """Propagate the loss's slope at the output, left in ``delta_tape``, into ``gradient``."""
    unit, weight = 0, 0
    for layer in range(sizes.size - 1):
        unit += n_rows * sizes[layer]
        weight += (sizes[layer] + 1) * sizes[layer + 1]
    for layer in range(sizes.size - 2, -1, -1):
        fan_in, fan_out = sizes[layer], sizes[layer + 1]
        delta = delta_tape[unit : unit + n_rows * fan_out].reshape((n_rows, fan_out))
        unit -= n_rows * fan_in
        inputs = tape[unit : unit + n_rows * fan_in].reshape((n_rows, fan_in))
        weight -= fan_out
        gradient[weight : weight + fan_out] = np.sum(delta, axis=0)
        weight -= fan_in * fan_out
        np.dot(inputs.T, delta, gradient[weight : weight + fan_in * fan_out].reshape((fan_in, fan_out)))
        if layer > 0:
            weights = parameters[weight : weight + fan_in * fan_out].reshape((fan_in, fan_out))
            earlier = delta_tape[unit : unit + n_rows * fan_in].reshape((n_rows, fan_in))
            np.dot(delta, weights.T, earlier)
            _scale_by_slope(earlier, inputs, activation)


@compiled
def loss_slope(
    target: Float32, mask: Float32, row_weights: Float32, output: Float32, delta: Float32
) -> float:
    """Weighted mean squared residual over the present cells; its slope goes into ``delta``."""
    cell_weights = mask * row_weights.reshape((row_weights.size, 1))
    total = np.float32(max(np.sum(cell_weights), np.float32(1e-12)))
    residual = output - target
    delta[:, :] = cell_weights * residual * (np.float32(2.0) / total)
    return float(np.sum(cell_weights * residual * residual) / total)


@compiled
def adam_step(
    parameters: Float32,
    gradient: Float32,
    first: Float32,
    second: Float32,
    step: int,
    learning_rate: float,
) -> None:
    """One step of Adam (Kingma and Ba, 2015) in place; ``step`` counts from 1."""
    first *= _BETA1
    first += (_ONE - _BETA1) * gradient
    second *= _BETA2
    second += (_ONE - _BETA2) * gradient * gradient
    # bias corrections folded into two scalars
    rate = np.float32(learning_rate / (1.0 - 0.9**step))
    correction = np.float32(1.0 / (1.0 - 0.999**step))
    parameters -= rate * first / (np.sqrt(second * correction) + _EPSILON)


@compiled
def train_step(
    parameters: Float32,
    sizes: Int64,
    activation: int,
    inputs: Float32,
    target: Float32,
    mask: Float32,
    row_weights: Float32,
    learning_rate: float,
    first: Float32,
    second: Float32,
    step: int,
) -> float:
    """One Adam step on one mini-batch (n, d), in place; ``step`` counts from 1. Returns the loss."""
    n_rows, n_features = target.shape
    stop = n_rows * np.sum(sizes)
    start = stop - n_rows * n_features
    tape = np.empty(stop, np.float32)
    delta_tape = np.empty(stop, np.float32)
    gradient = np.empty_like(parameters)
    tape[: n_rows * n_features].reshape((n_rows, n_features))[:, :] = inputs
    forward(parameters, sizes, activation, n_rows, tape)
    loss = loss_slope(
        target,
        mask,
        row_weights,
        tape[start:stop].reshape((n_rows, n_features)),
        delta_tape[start:stop].reshape((n_rows, n_features)),
    )
    backward(parameters, sizes, activation, n_rows, tape, delta_tape, gradient)
    adam_step(parameters, gradient, first, second, step, learning_rate)
    return loss


@compiled
def train(
    parameters: Float32,
    sizes: Int64,
    activation: int,
    rows: Float32,
    row_weights: Float32,
    order: Int64,
    batch_size: int,
    learning_rates: Float64,
    dropout_rate: float,
    generator: np.random.Generator,
    first: Float32,
    second: Float32,
    step: int,
) -> float:
    """One Adam step for each mini-batch of ``rows`` taken in ``order``; returns the mean loss.

    Parameters, both moments and the generator change in place; ``step`` is the number of steps
    that were taken before, ``learning_rates`` has one entry for each step to take. With
    ``dropout_rate`` above 0 that share of the input cells is hidden from the encoder while the loss
    still asks for them (a denoising autoencoder; Vincent et al., 2008).
    """
    n_features = rows.shape[1]
    loss_sum, n_batches = 0.0, 0
    for start in range(0, order.size, batch_size):
        chosen = order[start : start + batch_size]
        target = np.empty((chosen.size, n_features), np.float32)
        mask = np.empty((chosen.size, n_features), np.float32)
        load_rows(rows[chosen], target, mask)
        inputs = target
        if dropout_rate > 0.0:
            kept = generator.random(target.size).reshape(target.shape) >= dropout_rate
            inputs = target * np.where(kept, np.float32(1.0 / (1.0 - dropout_rate)), _ZERO)
        n_batches += 1
        loss_sum += train_step(
            parameters,
            sizes,
            activation,
            inputs,
            target,
            mask,
            row_weights[chosen],
            learning_rates[n_batches - 1],
            first,
            second,
            step + n_batches,
        )
    return loss_sum / max(n_batches, 1)
