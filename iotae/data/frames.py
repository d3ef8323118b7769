"""Data frames and arrays of any library in, through narwhals: as rows (dicts) or as one matrix."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from typing import Any

import numpy as np

from iotae._typing import Float64
from iotae.data.cells import is_row

__all__ = ["check_columns", "column_names", "frame_rows", "is_frame", "numeric_columns", "to_matrix"]


def is_frame(table: Any) -> bool:
    """Whether ``table`` is a data frame that narwhals knows (pandas, polars, pyarrow, ...)."""
    import narwhals as nw

    return bool(nw.dependencies.is_into_dataframe(table))


def column_names(table: Any) -> list[str] | None:
    """The columns of a data frame as text, or None if ``table`` is none."""
    if not is_frame(table):
        return None
    import narwhals as nw

    return [str(name) for name in nw.from_native(table, eager_only=True).columns]


def check_columns(table: Any, expected: list[str] | None) -> None:
    """Refuse a data frame whose columns are others than ``expected``, or in another order."""
    names = column_names(table)
    if None not in (names, expected) and names != expected:
        raise ValueError(f"Got the columns {names}, but expected {expected}, in the order of the fit.")


def frame_rows(frame: Any) -> Iterator[dict[Hashable, Any]]:
    """Rows of a data frame as dicts; a sequence of dicts passes through.

    Raises
    ------
    TypeError
        If ``frame`` is neither.
    """
    if is_frame(frame):
        import narwhals as nw

        table = nw.from_native(frame, eager_only=True)
        yield from table.iter_rows(named=True, buffer_size=4096)
        return
    if isinstance(frame, Sequence) and all(map(is_row, frame)):
        for row in frame:
            yield dict(row.items())
        return
    raise TypeError(
        f"Got a {type(frame).__name__}, but expected a data frame (pandas, polars, ...) or a list of dicts."
    )


def numeric_columns(frame: Any) -> tuple[list[Hashable], Float64] | None:
    """The columns' names and values (n, d), NaN for missing; None unless all are numbers or booleans."""
    if not is_frame(frame):
        return None
    import narwhals as nw

    table = nw.from_native(frame, eager_only=True)
    dtypes = table.schema.values()
    if not all(dtype.is_integer() or dtype.is_float() or dtype == nw.Boolean for dtype in dtypes):
        return None
    return list(table.columns), to_matrix(frame)


def _as_floats(column: Any) -> Float64:
    """A column of numbers as float64 (n,), missing cells as NaN."""
    import narwhals as nw

    if column.dtype.is_integer() and not column.null_count():
        return np.asarray(column.to_numpy(), np.float64)
    try:
        return np.asarray(column.cast(nw.Float64).to_numpy(), np.float64)
    except ValueError:
        return np.array([np.nan if value is None else value for value in column.to_list()], np.float64)


def to_matrix(table: Any) -> Float64:
    """A table of numbers as float64 (n, d), missing cells as NaN.

    Raises
    ------
    TypeError
        If a column holds text or anything else that is no number; the message names it.
    """
    if not is_frame(table):
        # one memory layout, or the order of sums would depend on the caller's
        return np.asarray(table, np.float64, order="C")
    import narwhals as nw

    frame = nw.from_native(table, eager_only=True)
    columns = []
    # by place: a pandas column may be named by a number
    for column in frame.iter_columns():
        name = column.name
        if not (column.dtype.is_numeric() or column.dtype == nw.Boolean):
            raise TypeError(
                f"Got the column {name!r} of type {column.dtype}, but expected numbers: encode text as "
                "categories first, e.g. with iotae.preprocessing.Preprocessor."
            )
        # by NumPy: Arrow refuses whole numbers that a float64 holds to its precision alone
        columns.append(_as_floats(column))
    return np.column_stack(columns) if columns else np.empty((len(frame), 0))
