"""A network that says what each cell of a row should be, given all the others and never itself.

The first layer is linear in a cell, so what it would be without cell j is one subtraction away:

    a   = b + sum_k x_k W_k            once a row, H hidden units
    s_j = leaky_relu(a - x_j W_j)      the hidden layer as if cell j were absent
    n_j = o_j + V_j . s_j              the prediction of cell j

One pass gives every cell's prediction with that cell truly hidden. So each row teaches d masked problems at
once, where masked-cell modelling (Yin et al., 2024) hides a few cells at a time. Sums are taken in one fixed
order, so that a result does not depend on the processor.
"""

from __future__ import annotations

import numpy as np

from iotae._compiled import compiled, compiled_or
from iotae._typing import Float32
from iotae.nn.elementwise import adam_step

__all__ = ["HIDDEN", "LEAK", "N_BLOCKS", "initial_weights", "n_rows_of_block", "predict", "train_step"]

HIDDEN = 64
"""Hidden units, whatever the number of cells: a constant, so that the compiler unrolls the loops over
them."""

N_BLOCKS = 4
"""Weights, Adam's two moments and the gradient, one below the other."""

LEAK = np.float32(0.05)
"""Slope of a hidden unit below zero."""

_ZERO = np.float32(0.0)
_ONE = np.float32(1.0)
_TWO = np.float32(2.0)


@compiled
def n_rows_of_block(n_cells: int) -> int:
    """Rows of HIDDEN numbers that the weights take: W (d rows), V (d rows) and b."""
    return 2 * n_cells + 1


def initial_weights(n_cells: int, seed: int) -> Float32:
    """Weights (2 d + 1, HIDDEN) of a network that predicts 0 until it is trained."""
    generator = np.random.default_rng((seed, 3))
    weights = np.zeros((n_rows_of_block(n_cells), HIDDEN), np.float32)
    weights[:n_cells] = generator.normal(size=(n_cells, HIDDEN)) / np.sqrt(max(n_cells, 1))
    weights[-1] = 0.3 * generator.normal(size=HIDDEN)
    return weights


@compiled
def _tree(terms: Float32) -> np.float32:
    """Sum of HIDDEN numbers, which are destroyed: halves are added, and halves of them."""
    for i in range(32):
        terms[i] += terms[i + 32]
    for i in range(16):
        terms[i] += terms[i + 16]
    for i in range(8):
        terms[i] += terms[i + 8]
    total: np.float32 = ((terms[0] + terms[4]) + (terms[2] + terms[6])) + (
        (terms[1] + terms[5]) + (terms[3] + terms[7])
    )
    return total


@compiled
def _hidden_layer(cells: Float32, weights: Float32, units: Float32) -> None:
    """Units before activation of one row of cells, none of them hidden."""
    d = cells.size
    for i in range(HIDDEN):
        units[i] = weights[2 * d, i]
    k = 0
    while k + 4 <= d:
        x0, x1, x2, x3 = cells[k], cells[k + 1], cells[k + 2], cells[k + 3]
        for i in range(HIDDEN):
            units[i] += (x0 * weights[k, i] + x1 * weights[k + 1, i]) + (
                x2 * weights[k + 2, i] + x3 * weights[k + 3, i]
            )
        k += 4
    while k < d:
        for i in range(HIDDEN):
            units[i] += cells[k] * weights[k, i]
        k += 1


def _predict_arrays(
    cells: Float32, weights: Float32, bias: Float32, scratch: Float32, output: Float32
) -> None:
    d = cells.size
    units = weights[2 * d] + cells @ weights[:d]
    without = units - cells[:, None] * weights[:d]
    output[:] = bias + (np.where(without > 0, without, LEAK * without) * weights[d : 2 * d]).sum(axis=1)


@compiled_or(_predict_arrays)
def predict(cells: Float32, weights: Float32, bias: Float32, scratch: Float32, output: Float32) -> None:
    """Predict each cell (d,) of a row from the others, into ``output`` (d,).

    Parameters
    ----------
    cells : (d,)
        Scaled cells, missing ones as 0.
    weights : (2 d + 1, HIDDEN)
    bias : (d,)
    scratch : (at least 2, HIDDEN)
    output : (d,)
    """
    d = cells.size
    units, terms = scratch[0], scratch[1]
    _hidden_layer(cells, weights, units)
    for j in range(d):
        x = cells[j]
        for i in range(HIDDEN):
            y = units[i] - x * weights[j, i]
            terms[i] = (y if y > _ZERO else LEAK * y) * weights[d + j, i]
        output[j] = bias[j] + _tree(terms)


def _gradient_arrays(
    cells: Float32, target: Float32, block: Float32, bias: Float32, scratch: Float32
) -> None:
    n, d = cells.shape
    rows = 2 * d + 1
    weights, slope = block[:rows], block[3 * rows :]
    first, second = weights[:d], weights[d : 2 * d]
    units = weights[2 * d] + cells @ first
    without = units[:, None, :] - cells[:, :, None] * first
    hidden = np.where(without > 0, without, LEAK * without)
    error = bias[0] + (hidden * second).sum(axis=2) - target
    error = np.where(np.isnan(target), _ZERO, error) * np.float32(2.0 / (n * d))
    back = error[:, :, None] * second * np.where(hidden > 0, _ONE, LEAK)
    slope[d : 2 * d] = (error[:, :, None] * hidden).sum(axis=0)
    slope[:d] = cells.T @ back.sum(axis=1) - (cells[:, :, None] * back).sum(axis=0)
    slope[2 * d] = back.sum(axis=(0, 1))
    bias[3] = error.sum(axis=0)


@compiled_or(_gradient_arrays)
def _gradient(cells: Float32, target: Float32, block: Float32, bias: Float32, scratch: Float32) -> None:
    """Slope of the mean squared error over the cells of rows (n, d) into the last block and row of bias."""
    n, d = cells.shape
    rows = 2 * d + 1
    start = 3 * rows
    terms, products = scratch[2 * n], scratch[2 * n + 1]
    for r in range(n):
        _hidden_layer(cells[r], block, scratch[r])
        for i in range(HIDDEN):
            scratch[n + r, i] = _ZERO
    scale = _TWO / np.float32(n * d)
    for j in range(d):
        own, out = start + j, start + d + j
        for i in range(HIDDEN):
            block[own, i] = _ZERO
            block[out, i] = _ZERO
        slope_of_bias = _ZERO
        for r in range(n):
            wanted = target[r, j]
            if wanted != wanted:
                continue
            x = cells[r, j]
            for i in range(HIDDEN):
                y = scratch[r, i] - x * block[j, i]
                y = y if y > _ZERO else LEAK * y
                terms[i] = y
                products[i] = y * block[d + j, i]
            error = (bias[0, j] + _tree(products) - wanted) * scale
            slope_of_bias += error
            for i in range(HIDDEN):
                y = terms[i]
                block[out, i] += error * y
                back = error * block[d + j, i] * (_ONE if y > _ZERO else LEAK)
                scratch[n + r, i] += back
                # the cell's own way in does not count for its own prediction
                block[own, i] -= x * back
        bias[3, j] = slope_of_bias
    for i in range(HIDDEN):
        block[start + 2 * d, i] = _ZERO
    for r in range(n):
        for i in range(HIDDEN):
            block[start + 2 * d, i] += scratch[n + r, i]
    for j in range(d):
        for r in range(n):
            x = cells[r, j]
            for i in range(HIDDEN):
                block[start + j, i] += x * scratch[n + r, i]


@compiled
def train_step(
    cells: Float32,
    target: Float32,
    block: Float32,
    bias: Float32,
    step: int,
    learning_rate: float,
    scratch: Float32,
) -> None:
    """One step of Adam on rows (n, d), in place; ``step`` counts from 1.

    Parameters
    ----------
    cells, target : (n, d)
        Scaled cells, missing ones as 0; and what to predict, NaN where there is nothing to.
    block : (N_BLOCKS * (2 d + 1), HIDDEN)
        Weights, first and second moments, gradient.
    bias : (N_BLOCKS, d)
        The same of the outputs' biases.
    step : int
    learning_rate : float
    scratch : (2 n + 2, HIDDEN)
    """
    _gradient(cells, target, block, bias, scratch)
    rows = n_rows_of_block(cells.shape[1])
    for i in range(rows):
        adam_step(block[i], block[3 * rows + i], block[rows + i], block[2 * rows + i], step, learning_rate)
    adam_step(bias[0], bias[3], bias[1], bias[2], step, learning_rate)
