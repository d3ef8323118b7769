"""What the state of a table's cell view must look like."""

from __future__ import annotations

from typing import Any

import numpy as np

from iotae._typing import Float64, State
from iotae._validation.schema import Array, Record, refuse
from iotae.nn.leave_one_out import HIDDEN
from iotae.nn.state_schema import INPUT

__all__ = ["CELLS", "WhiteningMatrix", "check_whitened"]

_LARGEST_WEIGHT, _LARGEST_SCALE = 1e4, 1e6
_FARTHEST_WHITENED = 1e18
"""Largest whitened value that a scaled row may have: its square stays inside float32."""


class WhiteningMatrix:
    """The whitening of ``width`` values, or for a wide table one factor for each column."""

    def __init__(self, width: str) -> None:
        self.width = width

    def check(self, value: Any, place: str, sizes: dict[str, int]) -> None:
        """See :class:`iotae._validation.schema.Schema`."""
        one_each = isinstance(value, np.ndarray) and value.ndim == 1
        Array(np.float32, *[self.width] * (1 if one_each else 2)).check(value, place, sizes)


def check_whitened(reached: Float64, whitening: State, place: str) -> None:
    """Refuse a whitening that takes values, which may reach so far from 0 (width,), out of float32."""
    deviation = reached + np.abs(whitening["mean"]).astype(np.float64)
    matrix = np.abs(whitening["matrix"]).astype(np.float64)
    whitened = deviation * matrix if matrix.ndim == 1 else deviation @ matrix
    farthest = float(whitened.max(initial=0.0))
    if not farthest <= _FARTHEST_WHITENED:
        raise refuse(farthest, place, f"whitened rows that stay within {_FARTHEST_WHITENED:g}")


def _check_cells(data: State, place: str) -> None:
    d = data["bias"].size
    if len(data["weights"]) != 2 * d + 1:
        raise refuse(data["weights"], f"{place}.weights", f"{2 * d + 1} rows for {d} features")
    for name in ("predicted", "rarities"):
        columns = data[name]
        if (np.diff(columns) <= 0).any() or (columns.size and columns[-1] >= d):
            raise refuse(columns, f"{place}.{name}", f"different numbers below {d}, in order")
    if np.intersect1d(data["predicted"], data["rarities"]).size:
        raise refuse(data["rarities"], f"{place}.rarities", "columns that are not predicted")
    weights = np.abs(data["weights"]).astype(np.float64)
    units = INPUT * weights[:d].sum(axis=0) + weights[2 * d]
    expected = weights[d : 2 * d] @ units + np.abs(data["bias"])
    check_whitened(INPUT + expected[data["predicted"]], data["whitening"], f"{place}.whitening")


CELLS = Record(
    {
        "predicted": Array(np.int64, "cells predicted", low=0),
        "rarities": Array(np.int64, "cells of rarity", low=0),
        "weights": Array(
            np.float32, "rows of the cells' network", HIDDEN, low=-_LARGEST_WEIGHT, high=_LARGEST_WEIGHT
        ),
        "bias": Array(np.float32, "features", low=-_LARGEST_WEIGHT, high=_LARGEST_WEIGHT),
        "whitening": Record(
            {"mean": Array(np.float32, "cells predicted"), "matrix": WhiteningMatrix("cells predicted")}
        ),
        "scale": Array(np.float32, "features", low=0.0, high=_LARGEST_SCALE),
    },
    (_check_cells,),
)
