"""Tables as people have them: any library's frame with readable columns, any array of numbers as NumPy's."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from iotae._validation import TableError
from iotae.data.names import plain_names
from iotae.data.numbers import number_of

if TYPE_CHECKING:
    import narwhals as nw

__all__ = ["as_frame", "plain_array", "read_column", "type_name"]

_SCALARS = (str, bool, int, float, Decimal, Fraction, np.bool_, np.integer, np.floating, datetime.date)
"""Types of the cells that an object column may hold; a ``datetime`` is a date."""

_MIDNIGHT = datetime.date(1970, 1, 1)


def as_frame(table: Any, notes: Counter[str] | None = None) -> nw.DataFrame[Any]:
    """A data frame of any library as narwhals has it, with pandas' own kinds of columns as usual ones.

    Where ``notes`` are taken, a name that comes twice becomes ``name.1``, and a note says so.

    Raises
    ------
    TableError
        If two columns have the same name and no notes are taken.
    TypeError
        If it is no such frame.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"watts": pd.arrays.SparseArray([0.0, 3.1])})
    >>> as_frame(frame)["watts"].dtype
    Float64
    """
    import narwhals as nw

    names = table.columns if hasattr(table, "iloc") else getattr(table, "column_names", ())
    if notes is not None:
        table, names = _renamed(table, [str(name) for name in names], notes), ()
    doubled = [name for name, count in Counter(names).items() if count > 1]
    if doubled:
        raise TableError(
            f"Got the column {doubled[0]!r} more than once, but expected different names: rename or drop "
            "all but one, e.g. by setting X.columns."
        )
    if hasattr(table, "iloc"):
        table = _without_extensions(table)
    try:
        return nw.from_native(table, eager_only=True)
    except TypeError:
        if notes is None:
            raise
        raise TableError(
            f"Got a {type(table).__name__}, but expected a pandas, polars or pyarrow data frame: "
            "collect lazy frames first."
        ) from None


def _renamed(table: Any, names: list[str], notes: Counter[str]) -> Any:
    """A frame of pandas or Arrow with names that differ."""
    if len(set(names)) == len(names):
        return table
    different = plain_names(names, notes)
    return table.set_axis(different, axis=1) if hasattr(table, "iloc") else table.rename_columns(different)


def _without_extensions(frame: Any) -> Any:
    """A pandas frame whose sparse columns are dense and whose periods are the times at which they begin."""
    made = {}
    for place, dtype in enumerate(frame.dtypes):
        kind = type(dtype).__name__
        if kind == "SparseDtype":
            made[frame.columns[place]] = frame.iloc[:, place].sparse.to_dense()
        elif kind == "PeriodDtype":
            made[frame.columns[place]] = frame.iloc[:, place].dt.to_timestamp()
    if not made:
        return frame
    frame = frame.copy(deep=False)
    for name, column in made.items():
        frame[name] = column
    return frame


def read_column(series: nw.Series[Any]) -> NDArray[Any] | None:
    """A frame's column as float64, datetime64[us] or an object array of text; None where it is none of them.

    Durations are seconds. Missing numbers are NaN, missing times NaT, missing texts empty.

    Examples
    --------
    >>> import narwhals as nw, pandas as pd
    >>> read_column(nw.from_native(pd.Series(pd.to_timedelta(["1min", None])), series_only=True))
    array([60., nan])
    """
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
    if dtype in (nw.String, nw.Categorical, nw.Enum, nw.Object, nw.Time, nw.Duration):
        # pandas' NA can not even be compared with itself, and its NaT is no duration
        null = series.is_null().to_list()
        return _of_objects([None if gap else cell for gap, cell in zip(null, series.to_list(), strict=True)])
    if dtype == nw.Unknown and series.is_null().all():
        return np.full(len(series), np.nan)
    return None


def _of_objects(cells: list[Any]) -> NDArray[Any] | None:
    """Cells, None where missing, as seconds, times of 1 January 1970, or texts; None where they are none."""
    cells = [_as_python(cell) for cell in cells]
    kinds = {type(cell) for cell in cells} - {type(None)}
    if not all(issubclass(kind, (*_SCALARS, datetime.timedelta, datetime.time)) for kind in kinds):
        return None
    if kinds and all(issubclass(kind, datetime.timedelta) for kind in kinds):
        return np.array([np.nan if cell is None else cell.total_seconds() for cell in cells], np.float64)
    if kinds == {datetime.time}:
        times = [None if t is None else datetime.datetime.combine(_MIDNIGHT, t, None) for t in cells]
        return np.array(times, dtype="datetime64[us]")
    texts = np.empty(len(cells), dtype=object)
    texts[:] = ["" if cell is None else str(cell) for cell in cells]
    return texts


def _as_python(cell: Any) -> Any:
    """NumPy's times and durations as Python's, and the rest as it came."""
    if isinstance(cell, np.datetime64):
        return cell.astype("datetime64[us]").item()
    return cell.astype("timedelta64[us]").item() if isinstance(cell, np.timedelta64) else cell


def type_name(series: nw.Series[Any]) -> str:
    """What a column holds, in a word or two: of a column of objects, the type that cannot be read."""
    for cell in map(_as_python, series.to_list() if str(series.dtype) == "Object" else ()):
        if cell is not None and not isinstance(cell, (*_SCALARS, datetime.timedelta, datetime.time)):
            return f"Object ({type(cell).__name__})"
    return str(series.dtype)


def plain_array(table: Any) -> Any:
    """An array, a tensor or lists as a NumPy array of numbers where they are some, else as they came.

    Masked cells and what says missing (NA, null) are NaN, text that spells a number is one, durations are
    seconds.

    Raises
    ------
    TypeError
        If the table is lazy, has names as a structured array or a list of dicts has, or holds times.
    ValueError
        If the rows differ in length.

    Examples
    --------
    >>> plain_array(np.ma.masked_equal([[1, 2], [3, 4]], 4))
    array([[ 1.,  2.],
           [ 3., nan]])
    >>> plain_array([["1.5", "NA"]])
    array([[1.5, nan]])
    """
    if hasattr(table, "collect"):
        raise TypeError(f"Got a {type(table).__name__}, but expected its rows: pass X.collect().")
    if hasattr(table, "toarray"):
        # a sparse matrix may be a dict, too
        return table
    if isinstance(table, np.ma.MaskedArray) and not table.dtype.names:
        return np.ma.filled(table.astype(np.float64), np.nan)
    if hasattr(table, "detach") and hasattr(table, "cpu"):
        table = table.detach().cpu()
        # NumPy has no such numbers
        table = (table.float() if str(table.dtype) == "torch.bfloat16" else table).numpy()
    named = isinstance(table, Mapping) or getattr(getattr(table, "dtype", None), "names", None)
    if isinstance(table, (list, tuple)):
        named = any(isinstance(row, Mapping) for row in table)
        table = table if named else _of_lists(table)
    if named:
        raise TypeError(
            f"Got a {type(table).__name__} with names, but expected an array or a data frame: pass "
            "pandas.DataFrame(X)."
        )
    if not isinstance(table, np.ndarray):
        return table
    if table.dtype.kind == "M":
        raise TypeError(
            f"Got an array of type {table.dtype}, but expected numbers: pass the times as a column of a data "
            "frame, or as numbers."
        )
    if table.dtype.kind == "m":
        return table / np.timedelta64(1, "s")
    return _spelled(table) if table.dtype.kind in "UTO" else table


def _of_lists(rows: Any) -> NDArray[Any]:
    if rows and all(isinstance(row, np.ma.MaskedArray) for row in rows):
        return np.ma.filled(np.ma.stack(rows).astype(np.float64), np.nan)
    try:
        return np.asarray(rows)
    except ValueError:
        lengths = sorted({len(row) if hasattr(row, "__len__") else 0 for row in rows})
        raise ValueError(
            f"Got rows of {', '.join(map(str, lengths))} cells, but expected as many in each row: fill up "
            "what is missing with nan."
        ) from None


def _is_na(cell: Any) -> bool:
    """Whether the cell is pandas' NA, which is no number and equals nothing."""
    return type(cell).__name__ == "NAType"


def _spelled(table: NDArray[Any]) -> NDArray[Any]:
    """The array with numbers for text that spells them; as it came where some text does not."""
    if not any(isinstance(cell, str) or _is_na(cell) for cell in table.flat):
        return table
    given = [np.nan if _is_na(cell) else cell for cell in table.flat]
    cells = [number_of(str(cell)) if isinstance(cell, str) else cell for cell in given]
    if any(cell is None and isinstance(was, str) for cell, was in zip(cells, table.flat, strict=True)):
        return table
    read = np.empty(len(cells), dtype=object)
    read[:] = cells
    return np.asarray(read.reshape(table.shape), np.float64)
