"""The product of a table and a matrix, with each row's sums in one fixed order.

A BLAS adds up a row's products in an order that depends on the rows beside it, on the processor and on the
number of threads. Here a row's sums begin with the bias and take the products in the order of the columns,
so a row gets the same bits in every table, on every processor, compiled or not.
"""

from __future__ import annotations

import numpy as np

from iotae._compiled import compiled, compiled_or, inlined
from iotae._typing import Float32

__all__ = ["add_products", "affine", "lanes", "multiple_of_four"]

_MOST_LANES = 240
"""Rows that are worked on at a time, each in a lane of its own, so that no sum crosses lanes. Not a power of
two, since a processor takes addresses that are 4096 bytes apart for the same one and waits."""

_ZERO = np.float32(0.0)


@compiled
def multiple_of_four(n: int) -> int:
    """The least multiple of four that is not below ``n``."""
    return (n + 3) // 4 * 4


@compiled
def lanes(n_rows: int) -> int:
    """How many rows of a table are worked on at a time; a few more than there are where these are few."""
    return min(_MOST_LANES, max(n_rows + 15, 16) // 16 * 16)


@inlined
def add_products(weights: Float32, columns: Float32, sums: Float32) -> None:
    """Add ``weights`` (m, k) times ``columns`` (k, n) to ``sums`` (m, n); m and k are multiples of four."""
    # four by four, so that what is loaded is used four times
    for j in range(0, weights.shape[0], 4):
        a, b, c, d = sums[j], sums[j + 1], sums[j + 2], sums[j + 3]
        for k in range(0, weights.shape[1], 4):
            x0, x1, x2, x3 = columns[k], columns[k + 1], columns[k + 2], columns[k + 3]
            a0, a1, a2, a3 = weights[j, k], weights[j, k + 1], weights[j, k + 2], weights[j, k + 3]
            b0, b1, b2, b3 = (
                weights[j + 1, k],
                weights[j + 1, k + 1],
                weights[j + 1, k + 2],
                weights[j + 1, k + 3],
            )
            c0, c1, c2, c3 = (
                weights[j + 2, k],
                weights[j + 2, k + 1],
                weights[j + 2, k + 2],
                weights[j + 2, k + 3],
            )
            d0, d1, d2, d3 = (
                weights[j + 3, k],
                weights[j + 3, k + 1],
                weights[j + 3, k + 2],
                weights[j + 3, k + 3],
            )
            for i in range(a.size):
                p, q, r, s = x0[i], x1[i], x2[i], x3[i]
                a[i] = a[i] + a0 * p + a1 * q + a2 * r + a3 * s
                b[i] = b[i] + b0 * p + b1 * q + b2 * r + b3 * s
                c[i] = c[i] + c0 * p + c1 * q + c2 * r + c3 * s
                d[i] = d[i] + d0 * p + d1 * q + d2 * r + d3 * s


def _affine_arrays(rows: Float32, weights: Float32, bias: Float32, result: Float32) -> None:
    result[:] = bias
    for k in range(weights.shape[0]):
        result += rows[:, k : k + 1] * weights[k]


@compiled_or(_affine_arrays)
def affine(rows: Float32, weights: Float32, bias: Float32, result: Float32) -> None:
    """``rows @ weights + bias`` into ``result`` (n, m), for rows (n, k) and weights (k, m)."""
    n_in, n_out = weights.shape
    turned = np.zeros((multiple_of_four(n_out), multiple_of_four(n_in)), np.float32)
    for k in range(n_in):
        for j in range(n_out):
            turned[j, k] = weights[k, j]
    n_lanes = lanes(rows.shape[0])
    columns = np.zeros((turned.shape[1], n_lanes), np.float32)
    sums = np.zeros((turned.shape[0], n_lanes), np.float32)
    for start in range(0, rows.shape[0], n_lanes):
        width = min(n_lanes, rows.shape[0] - start)
        for k in range(n_in):
            for i in range(width):
                columns[k, i] = rows[start + i, k]
        for j in range(n_out):
            for i in range(n_lanes):
                sums[j, i] = bias[j]
        add_products(turned, columns, sums)
        for i in range(width):
            for j in range(n_out):
                result[start + i, j] = sums[j, i]
