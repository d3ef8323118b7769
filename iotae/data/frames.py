"""Data frames and arrays of any library in, through narwhals: as rows (dicts) or as one matrix."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from typing import Any

import numpy as np

from iotae._typing import Float64
from iotae.data.cells import is_row
from iotae.data.columns import parse_numbers
from iotae.data.foreign import as_frame, plain_array, read_column, type_name

__all__ = ["check_columns", "column_names", "frame_rows", "is_frame", "numeric_columns", "to_matrix"]


def is_frame(table: Any) -> bool:
    """Whether ``table`` is a data frame that narwhals knows (pandas, polars, pyarrow, ...)."""
    import narwhals as nw

    return bool(nw.dependencies.is_into_dataframe(table))


def column_names(table: Any) -> list[str] | None:
    """The columns of a data frame as text, or None if ``table`` is none."""
    if not is_frame(table):
        return None
    return [str(name) for name in as_frame(table).columns]


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
        rows: Iterator[dict[Hashable, Any]] = as_frame(frame).iter_rows(named=True, buffer_size=4096)  # type: ignore[assignment]
        yield from rows
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

    table = as_frame(frame)
    dtypes = table.schema.values()
    if not all(dtype.is_integer() or dtype.is_float() or dtype == nw.Boolean for dtype in dtypes):
        return None
    return list(table.columns), _matrix_of(table)


def _as_floats(column: Any) -> Float64:
    """A column as float64 (n,), missing cells as NaN; a TypeError if it holds anything but numbers."""
    import narwhals as nw

    if column.dtype.is_integer() and not column.null_count():
        return np.asarray(column.to_numpy(), np.float64)
    if column.dtype.is_numeric() or column.dtype == nw.Boolean:
        try:
            return np.asarray(column.cast(nw.Float64).to_numpy(), np.float64)
        except ValueError:
            return np.array([np.nan if value is None else value for value in column.to_list()], np.float64)
    values = read_column(column)
    if values is not None and values.dtype.kind == "f":
        return np.asarray(values, np.float64)
    if values is not None and values.dtype.kind == "O":
        numbers, other = parse_numbers(values)
        if not other:
            return numbers
    raise TypeError(
        f"Got the column {column.name!r} of type {type_name(column)}, but expected numbers: encode text as "
        "categories first, e.g. with iotae.preprocessing.Preprocessor."
    )


def to_matrix(table: Any) -> Float64:
    """A table of numbers as float64 (n, d), missing cells as NaN.

    Raises
    ------
    TypeError
        If a column holds text or anything else that is no number; the message names it.
    ValueError
        If the rows of a list differ in length, or two columns have the same name.
    """
    if is_frame(table):
        return _matrix_of(as_frame(table))
    table = plain_array(table)
    if hasattr(table, "toarray"):
        raise TypeError("Got a sparse matrix, but expected a dense one: pass X.toarray().")
    if getattr(getattr(table, "dtype", None), "kind", "") == "c":
        raise TypeError("Got complex numbers, but expected real ones: pass e.g. their absolute values.")
    try:
        # one memory layout, or the order of sums would depend on the caller's
        return np.asarray(table, np.float64, order="C")
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"Got a {type(table).__name__} that is no table of numbers ({error}), but expected an array or a "
            "data frame of numbers: encode text as categories first."
        ) from error


def _matrix_of(frame: Any) -> Float64:
    # by place: a pandas column may be named by a number
    columns = [_as_floats(column) for column in frame.iter_columns()]
    return np.column_stack(columns) if columns else np.empty((len(frame), 0))
