"""The network of :mod:`iotae.nn.leave_one_out` over whole tables: trained on rows, and run on many at a time.

Each row has a lane of its own, so that no sum crosses rows, and its sums are taken in one fixed order: a row
gets the same bits in every table, on every processor, compiled or not.
"""

from __future__ import annotations

import numpy as np

from iotae._compiled import compiled_or
from iotae._typing import Float32, Float64, Int64
from iotae.nn.leave_one_out import HIDDEN, LEAK, N_BLOCKS, initial_weights, n_rows_of_block, train_step
from iotae.nn.products import add_products, multiple_of_four

__all__ = ["predict_rows", "train_rows"]

_MOST_LANES = 96
"""Rows worked on at a time: their hidden units, 24 kB, stay in the nearest cache."""


def train_rows(
    cells: Float32, target: Float32, batches: Int64, rates: Float64, seed: int
) -> tuple[Float32, Float32]:
    """Train a network to predict each cell from the others.

    Parameters
    ----------
    cells, target : (n, d)
        Scaled cells, missing ones as 0; and what to predict, NaN where there is nothing to.
    batches : (updates, rows)
        Numbers of the rows of each update.
    rates : (updates,)
    seed : int

    Returns
    -------
    weights, bias : (2 d + 1, HIDDEN) and (d,)
        A cell that was never a target is predicted as 0.
    """
    d, n_rows = cells.shape[1], n_rows_of_block(cells.shape[1])
    block, bias = np.zeros((N_BLOCKS * n_rows, HIDDEN), np.float32), np.zeros((N_BLOCKS, d), np.float32)
    block[:n_rows] = initial_weights(d, seed)
    scratch = np.zeros((2 * batches.shape[1] + 2, HIDDEN), np.float32)
    for step, (batch, rate) in enumerate(zip(batches, rates.tolist(), strict=True), 1):
        train_step(cells[batch], target[batch], block, bias, step, rate, scratch)
    return block[:n_rows].copy(), bias[0].copy()


def _predict_rows_arrays(
    cells: Float32, weights: Float32, bias: Float32, which: Int64, result: Float32
) -> None:
    d = cells.shape[1]
    units = np.repeat(weights[2 * d :], len(cells), axis=0)
    for k in range(d):
        units += cells[:, k : k + 1] * weights[k]
    for j in which:
        without = units - cells[:, j : j + 1] * weights[j]
        terms = np.maximum(without, LEAK * without) * weights[d + j]
        sums = np.full(len(cells), bias[j], np.float32)
        for h in range(HIDDEN):
            sums += terms[:, h]
        result[:, j] = sums


@compiled_or(_predict_rows_arrays)
def predict_rows(cells: Float32, weights: Float32, bias: Float32, which: Int64, result: Float32) -> None:
    """Predict cells of rows (n, d), each from the other cells of its row, into ``result`` (n, d).

    Parameters
    ----------
    cells : (n, d)
        Scaled cells, missing ones as 0.
    weights, bias : (2 d + 1, HIDDEN) and (d,)
    which : (k,)
        The columns that are predicted; the others of ``result`` stay as they are.
    result : (n, d)
    """
    n, d = cells.shape
    n_lanes = min(_MOST_LANES, max(n + 15, 16) // 16 * 16)
    turned = np.zeros((HIDDEN, multiple_of_four(d)), np.float32)
    for k in range(d):
        for h in range(HIDDEN):
            turned[h, k] = weights[k, h]
    columns = np.zeros((turned.shape[1], n_lanes), np.float32)
    units, sums = np.empty((HIDDEN, n_lanes), np.float32), np.empty(n_lanes, np.float32)
    for start in range(0, n, n_lanes):
        width = min(n_lanes, n - start)
        for k in range(d):
            for i in range(width):
                columns[k, i] = cells[start + i, k]
        for h in range(HIDDEN):
            for i in range(n_lanes):
                units[h, i] = weights[2 * d, h]
        add_products(turned, columns, units)
        for place in range(which.size):
            j = which[place]
            x, own, out = columns[j], weights[j], weights[d + j]
            for i in range(n_lanes):
                sums[i] = bias[j]
            for h in range(0, HIDDEN, 4):
                a, b, c, e = units[h], units[h + 1], units[h + 2], units[h + 3]
                a0, b0, c0, e0 = own[h], own[h + 1], own[h + 2], own[h + 3]
                a1, b1, c1, e1 = out[h], out[h + 1], out[h + 2], out[h + 3]
                for i in range(n_lanes):
                    p, q = a[i] - x[i] * a0, b[i] - x[i] * b0
                    r, s = c[i] - x[i] * c0, e[i] - x[i] * e0
                    p, q = max(p, LEAK * p), max(q, LEAK * q)
                    r, s = max(r, LEAK * r), max(s, LEAK * s)
                    sums[i] = sums[i] + p * a1 + q * b1 + r * c1 + s * e1
            for i in range(width):
                result[start + i, j] = sums[i]
