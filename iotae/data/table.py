"""One table in memory: ordered columns, each a number, a category or a time, from any data frame."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from iotae._typing import Float64
from iotae._validation import TableError
from iotae.data.columns import parse_numbers, parse_times
from iotae.data.epochs import is_clock_column, times_of_numbers
from iotae.data.foreign import as_frame, read_column, type_name
from iotae.data.names import plain_names
from iotae.data.notation import Kind, Notation
from iotae.data.table_notation import TableNotation

if TYPE_CHECKING:
    import narwhals as nw

__all__ = ["Table", "TableError"]


class Table:
    """Ordered, typed columns of equal length.

    Parameters
    ----------
    columns : mapping of str to array of shape (n,)
        Numbers and booleans, ``datetime64``, or text (object arrays; the empty string is missing).
        Text columns whose cells read as numbers or times, in any usual notation, are taken as such: see
        :func:`iotae.data.notation.decide`. Names lose the blanks around them.
    source : narwhals.DataFrame, optional
        The frame these columns came from, kept so that it can be written back unchanged.
    unsupported : mapping of str to str, optional
        Columns of `source` that no detector can read (lists, structs, bytes), with their type.
    notation : TableNotation, optional
        How a larger table that these rows are part of is written; by default these rows tell.

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
        notation: TableNotation | None = None,
    ) -> None:
        self._columns = {name: _column(name, values) for name, values in columns.items()}
        lengths = {len(values) for values in self._columns.values()}
        if len(lengths) > 1:
            raise TableError(f"Got columns of {sorted(lengths)} rows, but expected equal lengths.")
        self.source = source
        self.unsupported = dict(unsupported or {})
        self._n_rows = lengths.pop() if lengths else (len(source) if source is not None else 0)
        self.notation = TableNotation() if notation is None else notation
        if notation is None:
            self.notation.show(self._columns)
        self._finite: dict[str, tuple[Float64, int]] = {}

    @classmethod
    def from_frame(cls, frame: Any, notation: TableNotation | None = None) -> Table:
        """Take a pandas, polars or pyarrow frame (anything that narwhals reads eagerly).

        Parameters
        ----------
        frame : data frame
            Names lose the blanks around them; one that comes again gets a number.
        notation : TableNotation, optional
            How a larger table that these rows are part of is written.

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
        notes: Counter[str] = Counter()
        native = as_frame(frame, notes)
        columns: dict[str, NDArray[Any]] = {}
        unsupported: dict[str, str] = {}
        names = plain_names([str(name) for name in native.columns], notes)
        for name, series in zip(names, native.iter_columns(), strict=True):
            values = read_column(series)
            if values is None:
                unsupported[name] = type_name(series)
            else:
                columns[name] = values
        notation = TableNotation() if notation is None else notation
        notation.show(columns)
        notation.notes.update(notes)
        return cls(columns, source=native, unsupported=unsupported, notation=notation)

    @property
    def names(self) -> list[str]:
        """Names of the usable columns, in order."""
        return list(self._columns)

    @property
    def written_names(self) -> list[str]:
        """Names of all columns as they stand in the file or frame, with their blanks."""
        if self.source is not None:
            return [str(name) for name in self.source.columns]
        return [self.notation.written_names.get(name, name) for name in self._columns]

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return self._n_rows

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self._own(name) in self._columns

    def _own(self, name: str) -> str:
        """A column's name here, where it may be asked for as it stands in a file, with blanks around it."""
        return name if name in self._columns else name.strip()

    def __repr__(self) -> str:
        return f"Table({self.n_rows} rows: {', '.join(self._columns)})"

    def array(self, name: str) -> NDArray[Any]:
        """Return a column as it is held: float64, datetime64[us] or an object array of text.

        Raises
        ------
        TableError
            If there is no such column; the message lists those there are.
        """
        if name not in self:
            there = ", ".join(self._columns) or "no columns"
            raise TableError(f"Got no column {name!r}: the table has {there}.")
        return self._columns[self._own(name)]

    def kind(self, name: str) -> Kind:
        """Say whether a column is 'numeric', 'category' or 'time'."""
        values = self.array(name)
        if values.dtype.kind == "f":
            return "numeric"
        if values.dtype.kind == "M":
            return "time"
        return self.notation.of(self._own(name)).kind

    def tells_time(self, name: str) -> bool:
        """Whether a column is a time: written as one, or as numbers that count the time of the rows."""
        own, clocks = self._own(name), self.notation.clocks
        if own in clocks:
            return clocks[own]
        kind = self.kind(name)
        tells = kind == "time" or self.notation.is_time(own)
        if kind == "numeric" and not tells:
            tells = is_clock_column(own, self.numbers(name)[0])
        if self.n_rows:
            # decided once for a table that comes in chunks
            clocks[own] = tells
        return tells

    def numbers(self, name: str, known: Notation | None = None) -> tuple[Float64, int]:
        """Return a column as float64 with NaN for missing, and how many cells are no finite number.

        What the cells leave open is read as ``known`` says: how the column was written before.
        """
        values = self.array(name)
        if values.dtype.kind == "f":
            if name not in self._finite:
                infinite = np.isinf(values)
                count = int(np.count_nonzero(infinite))
                self._finite[name] = (np.where(infinite, np.nan, values) if count else values), count
            return self._finite[name]
        if values.dtype.kind == "M":
            return np.full(self.n_rows, np.nan), int(np.count_nonzero(~np.isnat(values)))
        return parse_numbers(values, self.notation.of(self._own(name), known))

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

    def times(self, name: str, known: Notation | None = None) -> tuple[NDArray[np.datetime64], int]:
        """Return a column as datetime64[us] with NaT for missing, and how many cells are no time.

        Numbers are read by :func:`iotae.data.epochs.times_of_numbers`. ``known`` is as in :meth:`numbers`.
        """
        values = self.array(name)
        if values.dtype.kind == "M":
            return values, 0
        if values.dtype.kind == "f":
            return times_of_numbers(values)
        notation = self.notation.of(self._own(name), known)
        if notation.kind == "numeric":
            numbers, unreadable = parse_numbers(values, notation)
            times, others = times_of_numbers(numbers)
            return times, unreadable + others
        return parse_times(values, notation)

    def take(self, rows: NDArray[Any]) -> Table:
        """Return the rows of a boolean mask or of indices, as a table without its source frame."""
        columns = {name: values[rows] for name, values in self._columns.items()}
        return Table(columns, unsupported=self.unsupported, notation=self.notation.of_part(columns))

    def without(self, names: Collection[str]) -> Table:
        """Return the table without some columns; names that are not there are no error."""
        gone = {*names, *map(self._own, names)}
        left = {name: values for name, values in self._columns.items() if name not in gone}
        unsupported = {name: kind for name, kind in self.unsupported.items() if name not in gone}
        return Table(left, source=self.source, unsupported=unsupported, notation=self.notation)


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
