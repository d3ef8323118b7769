"""Forward pass, gradient and training on the flat parameter block, as free functions over arrays.

Every function here runs compiled where numba is installed and as ordinary NumPy elsewhere. A
*tape* is one flat float32 buffer that holds the units of all layers for one mini-batch, layer
after layer; its first layer is the input. Missing cells have mask 0: they enter the network as
0 and take part in neither loss nor gradient.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from iotae._compiled import compiled
from iotae._typing import Float32, Float64, Int64
from iotae.nn.activations import activate, scale_by_slope
from iotae.nn.elementwise import (
    adam_step,
    add_to_rows,
    copy_cells,
    hide_cells,
    load_rows,
    loss_slope,
    sum_rows,
)

__all__ = [
    "Batch",
    "Learner",
    "Plan",
    "Table",
    "backward",
    "block_size",
    "forward",
    "forward_row",
    "scratch_size",
    "train",
    "train_step",
]


class Learner(NamedTuple):
    """What a step changes in place: the parameter block and Adam's two moments of it."""

    parameters: Float32
    first: Float32
    second: Float32


class Batch(NamedTuple):
    """Rows to learn (n, d): what the encoder sees, what the loss asks for, which cells count, row weights."""

    inputs: Float32
    target: Float32
    mask: Float32
    row_weights: Float32


class Table(NamedTuple):
    """Rows (n, d) and their weights (n,), and the numbers of the rows in the order of one pass."""

    rows: Float32
    row_weights: Float32
    order: Int64


class Plan(NamedTuple):
    """Rows in a mini-batch, a learning rate for each, the share of hidden cells, and the steps taken."""

    batch_size: int
    learning_rates: Float64
    dropout_rate: float
    steps_taken: int


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
        add_to_rows(outputs, parameters[weight : weight + fan_out])
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
        biases = parameters[weight + fan_in * fan_out : weight + (fan_in + 1) * fan_out]
        for j in range(fan_out):
            outputs[j] = biases[j]
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
def block_size(sizes: Int64) -> int:
    """Length of the parameter block, as :func:`iotae.nn.architecture.n_parameters`."""
    size = 0
    for layer in range(sizes.size - 1):
        size += (sizes[layer] + 1) * sizes[layer + 1]
    return size


@compiled
def _n_units(sizes: Int64) -> int:
    total = 0
    for layer in range(sizes.size):
        total += sizes[layer]
    return total


@compiled
def scratch_size(sizes: Int64, n_rows: int) -> int:
    """Numbers of scratch that :func:`train_step` needs: two tapes and a gradient."""
    return 2 * n_rows * _n_units(sizes) + block_size(sizes)


@compiled
def train_step(
    learner: Learner,
    sizes: Int64,
    activation: int,
    batch: Batch,
    learning_rate: float,
    step: int,
    scratch: Float32,
) -> float:
    """One Adam step on one mini-batch (n, d), in place; ``step`` counts from 1. Returns the loss."""
    parameters, first, second = learner
    inputs, target, mask, row_weights = batch
    n_rows, n_features = target.shape
    stop = n_rows * _n_units(sizes)
    start = stop - n_rows * n_features
    tape, delta_tape = scratch[:stop], scratch[stop : 2 * stop]
    gradient = scratch[2 * stop : 2 * stop + parameters.size]
    copy_cells(inputs, tape[: n_rows * n_features].reshape((n_rows, n_features)))
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
    learner: Learner, sizes: Int64, activation: int, table: Table, plan: Plan, generator: np.random.Generator
) -> float:
    """One Adam step for each mini-batch of the table; returns the mean loss.

    The learner and the generator change in place. With a dropout rate above 0 that share of the input cells
    is hidden from the encoder while the loss still asks for them (a denoising autoencoder; Vincent et al.,
    2008).
    """
    rows, row_weights, order = table
    batch_size, learning_rates, dropout_rate, steps_taken = plan
    n_features = rows.shape[1]
    # one piece of memory for all steps: fresh pages cost more than the arithmetic
    most = min(batch_size, order.size)
    scratch = np.empty(scratch_size(sizes, most), np.float32)
    targets = np.empty((most, n_features), np.float32)
    masks = np.empty((most, n_features), np.float32)
    chosen = np.empty((most, n_features), np.float32)
    hidden = np.empty((most if dropout_rate > 0.0 else 0, n_features), np.float32)
    weights = np.empty(most, np.float32)
    loss_sum, n_batches = 0.0, 0
    for start in range(0, order.size, batch_size):
        n = min(batch_size, order.size - start)
        target, mask = targets[:n], masks[:n]
        for i in range(n):
            number = order[start + i]
            weights[i] = row_weights[number]
            for j in range(n_features):
                chosen[i, j] = rows[number, j]
        load_rows(chosen[:n], target, mask)
        inputs = target
        if dropout_rate > 0.0:
            inputs = hidden[:n]
            hide_cells(target, dropout_rate, generator, inputs)
        n_batches += 1
        batch = Batch(inputs, target, mask, weights[:n])
        rate = learning_rates[n_batches - 1]
        loss_sum += train_step(learner, sizes, activation, batch, rate, steps_taken + n_batches, scratch)
    return loss_sum / max(n_batches, 1)
