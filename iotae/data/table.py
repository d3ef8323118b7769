"""One table in memory: ordered columns, each a number, a category or a time, from any data frame."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from iotae._typing import Float64
from iotae._validation import TableError
from iotae.data.columns import Kind, kind_of, parse_numbers, parse_times, tally
from iotae.data.foreign import as_frame, read_column, type_name

if TYPE_CHECKING:
    import narwhals as nw

__all__ = ["Table", "TableError"]


class Table:
    """Ordered, typed columns of equal length.

    Parameters
    ----------
    columns : mapping of str to array of shape (n,)
        Numbers and booleans, ``datetime64``, or text (object arrays; the empty string is missing).
        Text columns whose cells read as numbers or ISO times are taken as such: see
        :func:`iotae.data.columns.kind_of`.
    source : narwhals.DataFrame, optional
        The frame these columns came from, kept so that it can be written back unchanged.
    unsupported : mapping of str to str, optional
        Columns of `source` that no detector can read (lists, structs, bytes), with their type.

    Raises
    ------
    TableError
        If the columns differ in length or a type is not one of the above.

    Examples
    --------
    >>> table = Table({"watts": [3.1, 2.9], "state": ["on", "off"], "at": ["2026-01-31 14:05", ""]})
    >>> [table.kind(name) for name in table.names], table.n_rows
    (['numeric', 'category', 'time'], 2)
    """

    def __init__(
        self,
        columns: Mapping[str, Any],
        *,
        source: nw.DataFrame[Any] | None = None,
        unsupported: Mapping[str, str] | None = None,
    ) -> None:
        self._columns = {name: _column(name, values) for name, values in columns.items()}
        lengths = {len(values) for values in self._columns.values()}
        if len(lengths) > 1:
            raise TableError(f"Got columns of {sorted(lengths)} rows, but expected equal lengths.")
        self.source = source
        self.unsupported = dict(unsupported or {})
        self._n_rows = lengths.pop() if lengths else (len(source) if source is not None else 0)
        # decided when first asked for
        self._kinds: dict[str, Kind] = {}
        self._finite: dict[str, tuple[Float64, int]] = {}

    @classmethod
    def from_frame(cls, frame: Any) -> Table:
        """Take a pandas, polars or pyarrow frame (anything that narwhals reads eagerly).

        Raises
        ------
        TableError
            If the object is no such frame.

        Examples
        --------
        >>> import pandas as pd
        >>> Table.from_frame(pd.DataFrame({"watts": [3.1, None]})).numbers("watts")
        (array([3.1, nan]), 0)
        """
        try:
            native = as_frame(frame)
        except TypeError:
            raise TableError(
                f"Got a {type(frame).__name__}, but expected a pandas, polars or pyarrow data frame: "
                "collect lazy frames first."
            ) from None
        columns: dict[str, NDArray[Any]] = {}
        unsupported: dict[str, str] = {}
        for series in native.iter_columns():
            name, values = str(series.name), read_column(series)
            if name in columns or name in unsupported:
                raise TableError(
                    f"Got two columns whose names are {name!r} as text, but expected different ones: rename "
                    "one of them."
                )
            if values is None:
                unsupported[name] = type_name(series)
            else:
                columns[name] = values
        return cls(columns, source=native, unsupported=unsupported)

    @property
    def names(self) -> list[str]:
        """Names of the usable columns, in order."""
        return list(self._columns)

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return self._n_rows

    def __contains__(self, name: object) -> bool:
        return name in self._columns

    def __repr__(self) -> str:
        return f"Table({self.n_rows} rows: {', '.join(self._columns)})"

    def array(self, name: str) -> NDArray[Any]:
        """Return a column as it is held: float64, datetime64[us] or an object array of text.

        Raises
        ------
        TableError
            If there is no such column; the message lists those there are.
        """
        if name not in self._columns:
            there = ", ".join(self._columns) or "no columns"
            raise TableError(f"Got no column {name!r}: the table has {there}.")
        return self._columns[name]

    def kind(self, name: str) -> Kind:
        """Say whether a column is 'numeric', 'category' or 'time'."""
        values = self.array(name)
        if values.dtype.kind == "f":
            return "numeric"
        if values.dtype.kind == "M":
            return "time"
        if name not in self._kinds:
            self._kinds[name] = kind_of(tally(values))
        return self._kinds[name]

    def numbers(self, name: str) -> tuple[Float64, int]:
        """Return a column as float64 with NaN for missing, and how many cells are no finite number."""
        values = self.array(name)
        if values.dtype.kind == "f":
            if name not in self._finite:
                infinite = np.isinf(values)
                count = int(np.count_nonzero(infinite))
                self._finite[name] = (np.where(infinite, np.nan, values) if count else values), count
            return self._finite[name]
        if values.dtype.kind == "M":
            return np.full(self.n_rows, np.nan), int(np.count_nonzero(~np.isnat(values)))
        return parse_numbers(values)

    def texts(self, name: str) -> NDArray[Any]:
        """Return a column as text, an object array with empty strings for missing."""
        values = self.array(name)
        if values.dtype.kind == "O":
            return values
        if values.dtype.kind == "M":
            blank = np.isnat(values)
            words = np.datetime_as_string(values).tolist()
        else:
            blank = np.isnan(values)
            # 1.0 in one file and 1 in another are the same code of the same category.
            words = [str(int(v)) if v.is_integer() else repr(v) for v in values.tolist()]
        return np.where(blank, "", np.array(words, dtype=object))

    def times(self, name: str) -> tuple[NDArray[np.datetime64], int]:
        """Return a column as datetime64[us] with NaT for missing, and how many cells are no time."""
        values = self.array(name)
        if values.dtype.kind == "M":
            return values, 0
        if values.dtype.kind == "f":
            none = np.full(self.n_rows, np.datetime64("NaT"), dtype="datetime64[us]")
            return none, int(np.count_nonzero(~np.isnan(values)))
        return parse_times(values)

    def take(self, rows: NDArray[Any]) -> Table:
        """Return the rows of a boolean mask or of indices, as a table without its source frame."""
        return Table(
            {name: values[rows] for name, values in self._columns.items()}, unsupported=self.unsupported
        )

    def without(self, names: Collection[str]) -> Table:
        """Return the table without some columns; names that are not there are no error."""
        left = {name: values for name, values in self._columns.items() if name not in names}
        unsupported = {name: kind for name, kind in self.unsupported.items() if name not in names}
        return Table(left, source=self.source, unsupported=unsupported)


def _column(name: str, values: Any) -> NDArray[Any]:
    """Bring any array to one of the three held types."""
    array = np.asarray(values) if not isinstance(values, list) else np.array(values)
    if array.ndim != 1:
        raise TableError(f"Got column {name!r} of shape {array.shape}, but expected one dimension.")
    if array.dtype.kind in "fiub":
        return array.astype(np.float64, copy=False)
    if array.dtype.kind == "M":
        return array.astype("datetime64[us]", copy=False)
    if array.dtype.kind == "O":
        return array
    if array.dtype.kind in "UT":
        return array.astype(object)
    raise TableError(f"Got column {name!r} of type {array.dtype}, but expected numbers, times or text.")
