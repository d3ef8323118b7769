"""A table of numbers, and the weights of its rows."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from iotae._typing import Float32, Float64

__all__ = ["check_row_weights", "check_table"]


def check_table(table: Float64) -> int:
    """Return the number of rows of a table, and refuse one without rows or columns."""
    if table.ndim != 2 or 0 in table.shape:
        raise ValueError(
            f"Got a table of shape {table.shape}, but expected (n, d) with at least one row and one column."
        )
    return len(table)


def check_row_weights(n_rows: int, sample_weight: ArrayLike | None) -> Float32:
    """Return the weights of ``n_rows`` rows (n,), all 1 for None."""
    if sample_weight is None:
        return np.ones(n_rows, np.float32)
    weights = np.asarray(sample_weight, np.float32)
    if weights.shape != (n_rows,):
        raise ValueError(f"Got sample_weight of shape {weights.shape}, but expected ({n_rows},).")
    wrong = np.flatnonzero(~(np.isfinite(weights) & (weights >= 0)))
    if wrong.size:
        raise ValueError(
            f"Got sample_weight[{wrong[0]}]={weights[wrong[0]]}, but expected finite numbers of at least 0."
        )
    if not (weights > 0).any():
        raise ValueError("Got a sample_weight of zero for every row, but expected at least one that counts.")
    return weights
