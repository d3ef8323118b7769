"""Scores of a frame's rows as a Series of the frame's own library."""

from __future__ import annotations

from typing import Any

import narwhals as nw

from iotae._typing import Float64
from iotae.data.frames import is_frame

__all__ = ["like_frame"]


def like_frame(X: Any, scores: Float64) -> Any:
    """Scores (n,) as a Series named ``score``: of pandas with the frame's index, of polars, else the array.

    Examples
    --------
    >>> import numpy as np, polars as pl
    >>> like_frame(pl.DataFrame({"a": [1.0]}), np.array([0.5])).to_list()
    [0.5]
    """
    if not is_frame(X):
        return scores
    frame = nw.from_native(X, eager_only=True)
    if frame.implementation.is_pandas_like():
        series = nw.new_series("score", scores, backend=frame.implementation).to_native()
        series.index = X.index
        return series
    if frame.implementation.is_polars():
        return nw.new_series("score", scores, backend=frame.implementation).to_native()
    return scores
