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


def running_statistics(values, rate):
    """Centre and spread of one feature after a list of values, as the docstrings tell it."""
    seen, centre, spread, pending = [], 0.0, 0.0, None
    for value in values:
        if not math.isfinite(value):
            continue
        value = max(-1e150, min(1e150, value))
        seen.append(value)
        n = len(seen)
        if n <= 8:
            ordered = sorted(seen)
            centre = ordered[n // 2] if n % 2 else 0.5 * ordered[n // 2 - 1] + 0.5 * ordered[n // 2]
            if n > 2:
                apart = sorted(abs(v - centre) for v in ordered)
                spread = math.fsum(apart[:-1]) / (n - 1)
                spread = max(spread, 1e-6 * abs(centre) + 1e-12) if spread else 0.0
            continue
        weight = max(1 / n, rate)
        apart = value - centre
        if spread > 0:
            centre += weight * max(-3 * spread, min(3 * spread, apart))
            spread += weight * (min(10 * spread, abs(apart)) - spread)
            spread = max(spread, 1e-6 * abs(centre) + 1e-12)
        elif apart and pending is None:
            pending = abs(apart)
        elif apart:
            spread = max(min(pending, abs(apart)), 1e-6 * abs(centre) + 1e-12)
    return centre, spread


def surprise(scaled_values, scaled):
    """-log of the smoothed share of a value's bins, by counting, with linear binning over 32 bins."""
    counts = [0.0] * 32

    def shares(value):
        place = min(max((value + 5) * 3.2 - 0.5, 0.0), 31.0)
        low = min(int(place), 30)
        return low, place - low

    for value in scaled_values:
        low, part = shares(value)
        counts[low] += 1 - part
        counts[low + 1] += part
    table = []
    for b in range(32):
        left = counts[b - 1] if b else 0.0
        right = counts[b + 1] if b < 31 else 0.0
        share = (0.5 * counts[b] + 0.25 * left + 0.25 * right + 1 / 32) / (len(scaled_values) + 1)
        table.append(-math.log(share))
    low, part = shares(scaled)
    beyond = max(0.0, abs(scaled) - (5 - 0.5 / 3.2))
    return (1 - part) * table[low] + part * table[low + 1] + 1.6 * beyond


def distances(rows, references, k=3):
    """Mean distance of each row to its nearest k references that are not the row itself."""
    means = []
    for row in rows:
        apart = []
        for reference in references:
            cells = [(a - b) ** 2 for a, b in zip(row, reference, strict=True) if not math.isnan(a)]
            apart.append(math.sqrt(sum(cells) * len(row) / max(len(cells), 1)))
        apart = sorted(d for d in apart if d > 1e-6)
        means.append(sum(apart[:k]) / k)
    return means


def quantile_cut(scores, share):
    """The share's upper quantile of a list of scores, linearly interpolated."""
    return float(np.quantile(np.asarray(scores), 1 - share))


def conformal_p(calibration, score):
    """Rank of a score among calibration scores, itself counted in."""
    return (1 + sum(s >= score for s in calibration)) / (len(calibration) + 1)


def grow_tree(rows, own, tried, levels):
    """Columns, cuts and sizes of one tree of the rows ``own``, each node by itself."""
    n_inner = 2**levels - 1
    columns, cuts, sizes = [None] * n_inner, [math.inf] * n_inner, [0] * (2 * n_inner + 1)

    def fill(node, mine):
        sizes[node] = len(mine)
        if node >= n_inner:
            return
        columns[node] = next((j for j in tried[node] if len({rows[i][j] for i in mine}) > 1), None)
        if columns[node] is not None:
            cuts[node] = best_cut([rows[i][columns[node]] for i in mine])
        for child, side in ((2 * node + 1, False), (2 * node + 2, True)):
            fill(child, [i for i in mine if mine and (rows[i][columns[node] or 0] > cuts[node]) is side])

    fill(0, list(own))
    return columns, cuts, sizes


def best_cut(values):
    """Half-way between the two neighbours that leave the least sum of n times deviation on their sides."""
    ordered = sorted(set(values))
    best = None
    for low, high in pairwise(ordered):
        sides = [v for v in values if v <= low], [v for v in values if v > low]
        spread = sum(len(side) * float(np.std(side)) for side in sides)
        if best is None or spread < best[0] - 1e-9:
            best = spread, low + (high - low) / 2
    return best[1]
