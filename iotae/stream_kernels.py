"""One row of a stream in one call: scale, reconstruct, standardise the residual, score; and learn.

The raw score of a row is the mean over its present features of ``log(1 + r^2 / v)``, with r the
scaled residual and v the feature's own running mean of r^2. A feature's contribution is its term,
so contributions add up to the raw score.
"""

from __future__ import annotations

import numpy as np

from iotae.architecture import Float32
from iotae.compiled import compiled
from iotae.kernels import Int64, forward
from iotae.scaling import Float64, observe_row, scale_row

__all__ = ["LIMIT", "learn_row", "score_row"]

LIMIT = 10.0
"""Spreads from the centre beyond which a scaled value grows logarithmically."""

_RESIDUAL_FLOOR = 1e-4
"""Smallest mean squared residual: what a float32 network reconstructs to is no certainty."""


@compiled
def score_row(
    row: Float64,
    centre: Float64,
    variance: Float64,
    parameters: Float32,
    sizes: Int64,
    activation: int,
    trust: float,
    residual_power: Float64,
    tape: Float32,
    scaled: Float32,
    residual: Float64,
    contribution: Float64,
) -> float:
    """Raw score of one row (d,), >= 0; fills ``scaled``, ``residual`` and ``contribution`` (d,).

    ``trust`` in [0, 1] is how far the network's reconstruction is believed: with 0 the residual is
    the scaled row itself, which is what a fresh model goes by.
    """
    n_features = row.size
    scale_row(row, centre, variance, LIMIT, scaled)
    present = 0
    for j in range(n_features):
        if scaled[j] == scaled[j]:
            tape[j] = scaled[j]
            present += 1
        else:
            tape[j] = 0.0
    if present == 0:
        contribution[:] = 0.0
        residual[:] = 0.0
        return 0.0
    forward(parameters, sizes, activation, 1, tape)
    output = np.sum(sizes) - n_features
    raw = 0.0
    for j in range(n_features):
        if scaled[j] == scaled[j]:
            residual[j] = scaled[j] - trust * tape[output + j]
            power = max(residual_power[j], _RESIDUAL_FLOOR)
            contribution[j] = np.log1p(residual[j] * residual[j] / power) / present
            raw += contribution[j]
        else:
            residual[j] = 0.0
            contribution[j] = 0.0
    return raw


@compiled
def learn_row(
    row: Float64,
    count: Float64,
    centre: Float64,
    variance: Float64,
    head: Float64,
    horizon: float,
    residual_power: Float64,
    scaled: Float32,
    residual: Float64,
) -> None:
    """Move the scale and the residuals' power by one row that :func:`score_row` has just scored."""
    for j in range(row.size):
        if scaled[j] == scaled[j]:
            rate = max(1.0 / (count[j] + 1.0), 1.0 / horizon)
            power = residual[j] * residual[j]
            if count[j] >= 9.0:
                # as for the scale: one row moves it as if it lay at most four deviations out
                power = min(power, 16.0 * max(residual_power[j], _RESIDUAL_FLOOR))
            residual_power[j] += rate * (power - residual_power[j])
    observe_row(row, count, centre, variance, head, horizon)
