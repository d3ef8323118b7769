"""Forward pass, gradient and training on the flat parameter block, as free functions over arrays.

Every function here runs compiled where numba is installed and as ordinary NumPy elsewhere. A
*tape* is one flat float32 buffer that holds the units of all layers for one mini-batch, layer
after layer; its first layer is the input. Missing cells have mask 0: they enter the network as
0 and take part in neither loss nor gradient.
"""

from __future__ import annotations

import numpy as np

from iotae._compiled import compiled
from iotae._typing import Float32, Float64, Int64
from iotae.nn.elementwise import activate, adam_step, load_rows, loss_slope, scale_by_slope, sum_rows

__all__ = [
    "backward",
    "block_size",
    "forward",
    "forward_row",
    "propagate",
    "scratch_size",
    "train",
    "train_step",
]

_ZERO = np.float32(0.0)

_CHUNK_ROWS = 256
"""Rows through the network at a time: the units of all layers stay in the cache."""


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
            activate(outputs.reshape((1, fan_out)), activation)


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
        sum_rows(delta, gradient[weight : weight + fan_out])
        weight -= fan_in * fan_out
        np.dot(inputs.T, delta, gradient[weight : weight + fan_in * fan_out].reshape((fan_in, fan_out)))
        if layer > 0:
            weights = parameters[weight : weight + fan_in * fan_out].reshape((fan_in, fan_out))
            earlier = delta_tape[unit : unit + n_rows * fan_in].reshape((n_rows, fan_in))
            np.dot(delta, weights.T, earlier)
            scale_by_slope(earlier, inputs, activation)


@compiled
def propagate(
    parameters: Float32,
    sizes: Int64,
    activation: int,
    rows: Float32,
    narrowest: int,
    latent: Float32,
    output: Float32,
) -> None:
    """Units of the layer ``narrowest`` and reconstruction of many rows, into ``latent`` and ``output``."""
    n_features, width = rows.shape[1], latent.shape[1]
    code = np.sum(sizes[:narrowest])
    end = np.sum(sizes)
    most = min(_CHUNK_ROWS, rows.shape[0])
    tape = np.empty(most * end, np.float32)
    mask = np.empty((most, n_features), np.float32)
    for start in range(0, rows.shape[0], _CHUNK_ROWS):
        chunk = rows[start : start + _CHUNK_ROWS]
        n = chunk.shape[0]
        load_rows(chunk, tape[: n * n_features].reshape((n, n_features)), mask[:n])
        forward(parameters, sizes, activation, n, tape)
        latent[start : start + n] = tape[n * code : n * (code + width)].reshape((n, width))
        output[start : start + n] = tape[n * (end - n_features) : n * end].reshape((n, n_features))


@compiled
def block_size(sizes: Int64) -> int:
    """Length of the parameter block, as :func:`iotae.nn.architecture.n_parameters`."""
    return int(np.sum((sizes[:-1] + 1) * sizes[1:]))


@compiled
def scratch_size(sizes: Int64, n_rows: int) -> int:
    """Numbers of scratch that :func:`train_step` needs: two tapes and a gradient."""
    return int(2 * n_rows * np.sum(sizes)) + block_size(sizes)


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
    scratch: Float32,
) -> float:
    """One Adam step on one mini-batch (n, d), in place; ``step`` counts from 1. Returns the loss."""
    n_rows, n_features = target.shape
    stop = n_rows * np.sum(sizes)
    start = stop - n_rows * n_features
    tape, delta_tape = scratch[:stop], scratch[stop : 2 * stop]
    gradient = scratch[2 * stop : 2 * stop + parameters.size]
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
    # one piece of memory for all steps: fresh pages cost more than the arithmetic
    most = min(batch_size, order.size)
    scratch = np.empty(scratch_size(sizes, most), np.float32)
    targets = np.empty((most, n_features), np.float32)
    masks = np.empty((most, n_features), np.float32)
    loss_sum, n_batches = 0.0, 0
    for start in range(0, order.size, batch_size):
        chosen = order[start : start + batch_size]
        target, mask = targets[: chosen.size], masks[: chosen.size]
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
            scratch,
        )
    return loss_sum / max(n_batches, 1)
