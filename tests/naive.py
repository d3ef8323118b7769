"""Slow, obvious oracles: each says in plain Python what a fast routine must do."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np

ACTIVATE = {
    "tanh": math.tanh,
    "relu": lambda v: max(v, 0.0),
    "sigmoid": lambda v: 1 / (1 + math.exp(-v)),
    "leaky_relu": lambda v: v if v > 0 else 0.01 * v,
    "elu": lambda v: v if v > 0 else math.exp(v) - 1,
}


def forward(block, sizes, activation, row):
    """One row through the network, unit by unit; a missing cell enters as 0."""
    units = [0.0 if math.isnan(v) else float(v) for v in row]
    start = 0
    for layer, (fan_in, fan_out) in enumerate(pairwise(sizes)):
        outputs = []
        for j in range(fan_out):
            total = float(block[start + fan_in * fan_out + j])
            for i in range(fan_in):
                total += units[i] * float(block[start + i * fan_out + j])
            outputs.append(ACTIVATE[activation](total) if layer < len(sizes) - 2 else total)
        units = outputs
        start += (fan_in + 1) * fan_out
    return units


def loss(block, sizes, activation, rows, weights):
    """Weighted mean of squared residuals over the cells that are there."""
    total, mass = 0.0, 0.0
    for row, weight in zip(rows, weights, strict=True):
        for value, output in zip(row, forward(block, sizes, activation, row), strict=True):
            if not math.isnan(value):
                total += weight * (output - value) ** 2
                mass += weight
    return total / mass


def adam(block, gradients, learning_rate):
    """Kingma and Ba's algorithm 1, number by number, in double precision."""
    values = [float(v) for v in block]
    first, second = [0.0] * len(values), [0.0] * len(values)
    for step, gradient in enumerate(gradients, start=1):
        for i, g in enumerate(map(float, gradient)):
            first[i] = 0.9 * first[i] + 0.1 * g
            second[i] = 0.999 * second[i] + 0.001 * g * g
            m = first[i] / (1 - 0.9**step)
            v = second[i] / (1 - 0.999**step)
            values[i] -= learning_rate * m / (math.sqrt(v) + 1e-8)
    return values


def running_statistics(values, horizon):
    """Centre and variance of one feature after a list of values, as the docstrings tell it."""
    head, count, centre, variance = [], 0, 0.0, 0.0
    for value in values:
        if math.isnan(value) or abs(value) > 1e100:
            continue
        count += 1
        if len(head) < 9:
            head.append(value)
            ordered = sorted(head)
            centre = float(np.median(ordered))
            inner = ordered[len(ordered) // 4 : len(ordered) - len(ordered) // 4]
            variance = (2 * sum(abs(v - centre) for v in inner) / len(inner)) ** 2
            continue
        spread = max(math.sqrt(variance), 1e-3 * abs(centre), 1e-12)
        step = max(-4 * spread, min(4 * spread, value - centre))
        rate = max(1 / count, 1 / horizon)
        centre += rate * step
        variance = (1 - rate) * (variance + rate * step**2)
    return centre, variance


def quantile_cut(scores, share):
    """The share's upper quantile of a list of scores, linearly interpolated."""
    return float(np.quantile(np.asarray(scores), 1 - share))


def conformal_p(calibration, score):
    """Rank of a score among calibration scores, itself counted in."""
    return (1 + sum(s >= score for s in calibration)) / (len(calibration) + 1)
