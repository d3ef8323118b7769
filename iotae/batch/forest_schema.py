"""What the state of a table's forest must look like."""

from __future__ import annotations

import numpy as np

from iotae._typing import State
from iotae._validation.schema import Array, Record, refuse
from iotae.batch.forest import LEVELS, TREES

__all__ = ["FOREST"]

_INNER = 2**LEVELS - 1
_MOST_COLUMNS, _MOST_ROWS = 2**31 - 1, 2**20


def _check_trees(data: State, place: str) -> None:
    sizes = data["sizes"].astype(np.int64)
    children = sizes[:, 1::2] + sizes[:, 2::2]
    if (sizes[:, 0] == 0).any() or (children != sizes[:, :_INNER]).any():
        raise refuse(data["sizes"], f"{place}.sizes", "rows that come to a node and go on to its children")


FOREST = Record(
    {
        "columns": Array(np.int32, TREES, _INNER, low=0, high=_MOST_COLUMNS),
        "cuts": Array(np.float32, TREES, _INNER, low=-np.inf, high=np.inf),
        "sizes": Array(np.int32, TREES, 2 * _INNER + 1, low=0, high=_MOST_ROWS),
    },
    (_check_trees,),
)
