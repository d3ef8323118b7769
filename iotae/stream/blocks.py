"""Rows of a frame, a matrix or a list of dicts as a stream's model takes them: in blocks, or one by one."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from reprlib import repr as shortened
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from iotae._typing import Bool, Float64
from iotae.data.foreign import plain_array
from iotae.data.frames import frame_rows, numeric_columns
from iotae.stream.features import Features

__all__ = ["Block", "Judged", "blocks_of", "parts_of"]


class Judged(NamedTuple):
    """What a model says of n rows, each scored and judged before it is learned."""

    scores: Float64
    """Scores (n,) in [0, 1)."""

    thresholds: Float64
    """The cut (n,) that each score was compared with; infinity during the grace period."""

    alarms: Bool
    """Whether each score (n,) is above its cut."""


_ROWS = 1024
"""Rows of a block at most: other threads wait for the model until one is learned."""


_NUMBERS = frozenset("biuf")
"""NumPy's kinds of number that a float64 holds."""


class Block(NamedTuple):
    """Rows of numbers, NaN for missing."""

    names: list[Hashable]
    values: Float64
    """(n, d), with a column for each name."""


def blocks_of(rows: Any, names: Sequence[Hashable] | None) -> Iterator[Block | dict[Hashable, Any]]:
    """Yield rows in order: in blocks where all columns are numbers, else one by one.

    Parameters
    ----------
    rows : data frame, list of dicts, or array of shape (n, d)
    names : sequence, length d, or None
        The features of an array's columns.
    """
    columns = numeric_columns(rows) if names is None else _columns(rows, names)
    if columns is None:
        yield from frame_rows(rows) if names is None else _cells(rows, names)
        return
    known, values = columns
    for start in range(0, len(values), _ROWS):
        yield Block(known, values[start : start + _ROWS])


def parts_of(block: Block, features: Features) -> Iterator[Float64 | dict[Hashable, Any]]:
    """Yield a block's rows in order: those that have every known feature as matrices (m, n_slots), others as
    dicts.

    The caller learns each part before it asks for the next, as a row may change what is known.
    """
    known, values = block
    gaps = np.flatnonzero(~np.isfinite(values).all(axis=1))
    order, start = features.order_of(known), 0
    while start < len(values):
        later = np.searchsorted(gaps, start)
        stop = int(gaps[later]) if later < gaps.size else len(values)
        if order is None or stop == start:
            # a row with a gap, or one that may bring a new feature
            yield dict(zip(known, values[start].tolist(), strict=True))
            order, start = features.order_of(known), start + 1
            continue
        yield np.ascontiguousarray(values[start:stop, order])
        start = stop


def _array(rows: Any, names: Sequence[Hashable]) -> NDArray[Any]:
    """An array (n, d) of the rows, whose cells are still what they were."""
    if isinstance(rows, np.ma.MaskedArray) or hasattr(rows, "detach"):
        rows = plain_array(rows)
    values = np.asarray(rows)
    if not isinstance(rows, np.ndarray) and values.dtype.kind not in _NUMBERS:
        # beside a text, NumPy would make a text of every number
        values = np.asarray(rows, object)
    if values.ndim != 2 or values.shape[1] != len(set(names)) or len(names) != len(set(names)):
        raise ValueError(
            f"Got an array of shape {values.shape} with the names {shortened(list(names))}, but expected an "
            "array (n, d) and d different names, one for each column."
        )
    return values


def _columns(rows: Any, names: Sequence[Hashable]) -> tuple[list[Hashable], Float64] | None:
    """The columns' names and values (n, d); None unless all are numbers or booleans."""
    values = _array(rows, names)
    if values.dtype.kind not in _NUMBERS:
        return None
    return list(names), np.asarray(values, np.float64)


def _cells(rows: Any, names: Sequence[Hashable]) -> Iterator[dict[Hashable, Any]]:
    """Rows of an array of anything, as dicts."""
    for cells in _array(rows, names):
        yield dict(zip(names, cells, strict=True))
