"""The columns of a data frame of any library as arrays of numbers, times or text."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from iotae._validation import TableError
from iotae.data.names import plain_names

if TYPE_CHECKING:
    import narwhals as nw

__all__ = ["as_frame", "from_series"]


def as_frame(frame: Any, notes: Counter[str]) -> nw.DataFrame[Any]:
    """Any eager frame through narwhals, which takes none that has a name twice."""
    import narwhals as nw

    if hasattr(frame, "set_axis"):
        names = [str(name) for name in frame.columns]
        if len(set(names)) < len(names):
            frame = frame.set_axis(plain_names(names, notes), axis=1)
    elif hasattr(frame, "rename_columns") and len(set(frame.column_names)) < len(frame.column_names):
        frame = frame.rename_columns(plain_names(frame.column_names, notes))
    try:
        return nw.from_native(frame, eager_only=True)
    except TypeError:
        raise TableError(
            f"Got a {type(frame).__name__}, but expected a pandas, polars or pyarrow data frame: "
            "collect lazy frames first."
        ) from None


def from_series(series: nw.Series[Any]) -> NDArray[Any] | None:
    """Return a frame's column as one of the three held types, or None where it is none of them."""
    import narwhals as nw

    dtype = series.dtype
    if dtype == nw.Boolean or dtype.is_numeric():
        try:
            values = series.cast(nw.Float64()).to_numpy()
        except ValueError:
            # arrow refuses integers beyond 2**53; they are rounded, as in CSV
            values = series.to_numpy()
        return np.asarray(values, dtype=np.float64)
    if isinstance(dtype, nw.Datetime):
        return series.dt.replace_time_zone(None).to_numpy().astype("datetime64[us]")
    if dtype == nw.Date:
        return series.cast(nw.Datetime("us")).to_numpy().astype("datetime64[us]")
    if dtype in (nw.String, nw.Categorical, nw.Enum, nw.Object):
        cells = series.to_list()
        texts = np.empty(len(cells), dtype=object)
        null = series.is_null().to_list()  # pandas' NA can not even be compared with itself
        texts[:] = ["" if gap else str(cell) for cell, gap in zip(cells, null, strict=True)]
        return texts
    return None
