"""Rows of a frame, a matrix or a list of dicts as a stream's model takes them: in blocks, or one by one."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from iotae._typing import Bool, Float64
from iotae.data.frames import frame_rows, numeric_columns, to_matrix
from iotae.stream.features import Features

__all__ = ["Judged", "in_blocks"]


class Judged(NamedTuple):
    """What a model says of n rows, each scored and judged before it is learned."""

    scores: Float64
    """Scores (n,) in [0, 1)."""

    thresholds: Float64
    """The cut (n,) that each score was compared with; infinity during the grace period."""

    alarms: Bool
    """Whether each score (n,) is above its cut."""


def in_blocks(
    rows: Any, names: Sequence[Hashable] | None, features: Features
) -> Iterator[Float64 | dict[Hashable, Any]]:
    """Yield rows in order: those that have every known feature as matrices (m, n_slots), others as dicts.

    The caller learns each part before it asks for the next, as a row may change what is known.

    Parameters
    ----------
    rows : data frame, list of dicts, or array of shape (n, d)
    names : sequence, length d, or None
        The features of an array's columns.
    features : Features
        Those of the model that learns the rows.
    """
    columns = numeric_columns(rows) if names is None else (list(names), _matrix(rows, names))
    if columns is None:
        yield from frame_rows(rows)
        return
    known, values = columns
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


def _matrix(rows: Any, names: Sequence[Hashable]) -> Float64:
    values = to_matrix(rows)
    if values.ndim != 2 or values.shape[1] != len(set(names)) or len(names) != len(set(names)):
        raise ValueError(
            f"Got an array of shape {values.shape} with the names {list(names)}, but expected an array "
            "(n, d) and d different names, one for each column."
        )
    return values
