"""What training does to every cell alike: as loops where they are compiled, as whole arrays elsewhere.

Each kernel is here twice, and the tests hold the two to each other. Compiled, a loop whose body has no
call and no temporary is done many cells at a time; uncompiled, it would be a hundred times slower than
NumPy. Tables are contiguous.
"""

from __future__ import annotations

import numpy as np

from iotae._compiled import compiled_or
from iotae._typing import Float32

__all__ = [
    "adam_step",
    "add_to_rows",
    "copy_cells",
    "hide_cells",
    "load_rows",
    "loss_slope",
    "sum_rows",
]

_BETA1 = np.float32(0.9)
_BETA2 = np.float32(0.999)
_EPSILON = np.float32(1e-8)
_ONE = np.float32(1.0)
_TWO = np.float32(2.0)
_ZERO = np.float32(0.0)
_FADED = np.float32(1e-30)
_LEAST_WEIGHT = np.float32(1e-12)


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


def _copy_cells_arrays(cells: Float32, target: Float32) -> None:
    target[:, :] = cells


@compiled_or(_copy_cells_arrays)
def copy_cells(cells: Float32, target: Float32) -> None:
    """Copy ``cells`` (n, d) into ``target``."""
    for i in range(cells.shape[0]):
        for j in range(cells.shape[1]):
            target[i, j] = cells[i, j]


def _hide_cells_arrays(cells: Float32, share: float, generator: np.random.Generator, shown: Float32) -> None:
    kept = generator.random(cells.shape) >= share
    shown[:, :] = cells * np.where(kept, np.float32(1.0 / (1.0 - share)), _ZERO)


@compiled_or(_hide_cells_arrays)
def hide_cells(cells: Float32, share: float, generator: np.random.Generator, shown: Float32) -> None:
    """Copy ``cells`` (n, d) into ``shown``: a ``share`` of them, drawn, as 0, and the others scaled up."""
    scale = np.float32(1.0 / (1.0 - share))
    for i in range(cells.shape[0]):
        for j in range(cells.shape[1]):
            kept = generator.random() >= share
            shown[i, j] = cells[i, j] * (scale if kept else _ZERO)


def _add_to_rows_arrays(rows: Float32, amount: Float32) -> None:
    rows += amount


@compiled_or(_add_to_rows_arrays)
def add_to_rows(rows: Float32, amount: Float32) -> None:
    """Add ``amount`` (d,) to each of the ``rows`` (n, d) in place."""
    for i in range(rows.shape[0]):
        for j in range(rows.shape[1]):
            rows[i, j] += amount[j]


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
    total, loss = _ZERO, _ZERO
    for j in range(d):
        total += weight[j]
        loss += square[j]
    total = max(total, _LEAST_WEIGHT)
    scale = _TWO / total
    flat = delta.reshape(-1)
    for i in range(flat.size):
        flat[i] *= scale
    return float(loss / total)


def _sum_rows_arrays(rows: Float32, total: Float32) -> None:
    total[:] = rows.sum(axis=0)


@compiled_or(_sum_rows_arrays)
def sum_rows(rows: Float32, total: Float32) -> None:
    """The sum of the rows (n, d) into ``total`` (d,)."""
    for j in range(total.size):
        total[j] = _ZERO
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
