"""The column of a data frame that says which group, such as a device, each row is of."""

from __future__ import annotations

from typing import Any

import narwhals as nw
from numpy.typing import NDArray

from iotae.batch.group_rows import keys_of
from iotae.data import Table
from iotae.data.foreign import read_column, type_name
from iotae.data.frames import is_frame

__all__ = ["apart", "features_of"]


def _frame(X: Any, groups: Any) -> nw.DataFrame[Any]:
    """The frame, which has the column of the groups."""
    if not isinstance(groups, str):
        raise ValueError(f"Got groups={groups!r}, but expected the name of a column, e.g. 'device', or None.")
    if nw.dependencies.is_polars_lazyframe(X):
        raise ValueError("Got a lazy frame, but expected its rows: pass X.collect().")
    if not is_frame(X):
        raise ValueError(
            f"Got groups={groups!r} and a {type(X).__name__}, but expected a data frame with this column: "
            "pass a pandas, polars or pyarrow data frame, or groups=None."
        )
    frame: nw.DataFrame[Any] = nw.from_native(X, eager_only=True)
    names = list(frame.columns)
    if names.count(groups) != 1:
        there = ", ".join(map(str, names))
        raise ValueError(f"Got groups={groups!r}, but expected one of the columns of the table: {there}.")
    return frame


def features_of(X: Any, groups: str | None) -> Any:
    """X without the column of the groups; X itself where there are none."""
    return X if groups is None else _frame(X, groups).drop(groups).to_native()


def apart(X: Any, groups: str | None) -> tuple[Any, NDArray[Any] | None]:
    """X without the column of the groups, and the group of each row as text (n,), or None.

    A number counts as its text, so that 7 and 7.0 are one group; rows whose cell is missing are the group ''.

    Raises
    ------
    ValueError
        If ``groups`` is no column of a data frame, or one that names nothing.

    Examples
    --------
    >>> import pandas as pd
    >>> rest, keys = apart(pd.DataFrame({"device": [7.0, 8.0, None], "watts": [1.0, 2.0, 3.0]}), "device")
    >>> list(rest.columns), keys.tolist()
    (['watts'], ['7', '8', ''])
    """
    if groups is None:
        return X, None
    series = _frame(X, groups)[groups]
    cells = read_column(series)
    if cells is None:
        raise ValueError(
            f"Got the column {groups!r} of type {type_name(series)} for groups, but expected text, "
            "categories or numbers."
        )
    return features_of(X, groups), keys_of(Table({"group": cells}), "group")
