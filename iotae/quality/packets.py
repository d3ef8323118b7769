"""Rows of any kind as the numbers that kernels judge, with a place for each column and each device."""

from __future__ import annotations

import datetime
from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from iotae._typing import Float64, Int64
from iotae.data import Table
from iotae.data.cells import is_row
from iotae.data.device_keys import MOST_LETTERS, check_has_key, device_text
from iotae.data.foreign import as_frame
from iotae.data.frames import is_frame
from iotae.quality.reading import (
    Column,
    column_of_cells,
    column_of_numbers,
    column_of_table,
    name_key,
    read_cell,
    seconds_of,
    times_in,
)

__all__ = ["Packets", "Reader", "spread"]


class Packets(NamedTuple):
    """Rows that have been read."""

    columns: dict[Hashable, Column]
    """The columns that are checked."""
    devices: list[Hashable]
    """Each row's device, length n."""
    times: Float64
    """Seconds since 1970 (n,), NaN where not told."""
    key: int
    """A checksum of the names of all features."""
    units: dict[Hashable, str]
    """The unit of each column that was found to have one."""
    clock: Hashable | None
    """The column of times."""


class Reader:
    """Reads rows; what it learns of how they are written is kept by whoever asks.

    Parameters
    ----------
    device, time : hashable or None
        The columns of devices and of times; by default one device, and the first column of times.
    """

    def __init__(self, device: Hashable | None, time: Hashable | None) -> None:
        self.device, self.time = device, time

    def read_table(self, table: Table, units: dict[Hashable, str]) -> Packets:
        """Read a table of a file, whose columns are each written in one way."""
        clock = self.time
        if clock is None:
            clock = next((name for name in table.names if table.tells_time(name)), None)
        times = np.full(table.n_rows, np.nan) if clock is None else times_in(table, str(clock))
        devices: list[Hashable] = [""] * table.n_rows
        if self.device is not None:
            devices = list(map(_device, table.texts(str(self.device)).tolist()))
        columns: dict[Hashable, Column] = {
            name: column_of_table(table, name, units.get(name, ""))
            for name in table.names
            if name not in (self.device, clock)
        }
        return _packets(columns, devices, times, units, clock)

    def read_rows(self, rows: Any, units: dict[Hashable, str], clock: Hashable | None) -> Iterator[Packets]:
        """Read the rows of a frame or a list of dicts, in pieces of rows that have the same features.

        Raises
        ------
        TypeError
            If it is neither, or a row is no dict.
        TableError
            If a frame has no column of the device's name.
        """
        if is_frame(rows):
            check_has_key(rows, self.device)
            yield self._read_frame(as_frame(rows), units, clock)
            return
        if not isinstance(rows, Sequence) or not all(map(is_row, rows)):
            raise TypeError(
                f"Got a {type(rows).__name__}, but expected a data frame or a list of dicts: give rows."
            )
        start = 0
        while start < len(rows):
            stop = start + 1
            clock = self._clock_in(dict(rows[start].items()), clock)
            while stop < len(rows) and rows[stop].keys() == rows[start].keys():
                if clock is None and self._clock_in(dict(rows[stop].items()), None) is not None:
                    # from here on a column is the clock
                    break
                stop += 1
            part = rows[start:stop]
            # rows without a cell are rows, too
            packets = self._read_cells(
                {name: [x[name] for x in part] for name in dict(part[0])}, units, clock, n_rows=len(part)
            )
            yield packets
            units, clock, start = packets.units, packets.clock, stop

    def read_row(
        self, x: Mapping[Hashable, Any], units: dict[Hashable, str], clock: Hashable | None
    ) -> Packets:
        """Read one row.

        Raises
        ------
        TypeError
            If it is no dict.
        """
        if not is_row(x):
            raise TypeError(f"Got a {type(x).__name__} as a row, but expected a dict: give names and cells.")
        clock = self._clock_in(dict(x.items()), clock)
        columns: dict[Hashable, Column] = {}
        for name, cell in x.items():
            if name != self.device and name != clock:
                known = units.get(name, "")
                kind, value, unit = read_cell(cell, known)
                columns[name] = Column(value, kind)
                if unit != known:
                    units = {**units, name: unit}
        times = seconds_of([x[clock]]) if clock is not None and clock in x else np.full(1, np.nan)
        device = _device(x[self.device]) if self.device is not None and self.device in x else ""
        return _packets(columns, [device], times, units, clock)

    def _clock_in(self, firsts: Mapping[Hashable, Any], clock: Hashable | None) -> Hashable | None:
        """The column of times: the one that is known, or else the first with a time in the first row."""
        if clock is not None or self.time is not None:
            return self.time if clock is None else clock
        return next((name for name, cell in firsts.items() if isinstance(cell, datetime.datetime)), None)

    def _read_frame(self, frame: Any, units: dict[Hashable, str], clock: Hashable | None) -> Packets:
        import narwhals as nw

        plain: dict[Hashable, Column] = {}
        cells: dict[Hashable, Any] = {}
        if clock is None and len(frame):
            clock = self._clock_in({name: frame[name][0] for name in frame.columns}, clock)
        for name in frame.columns:
            column = frame[name]
            if name not in (self.device, self.time, clock) and column.dtype.is_float():
                plain[name] = column_of_numbers(np.asarray(column.to_numpy(), np.float64))
            elif name == clock and column.dtype == nw.Datetime and column.dtype.time_zone is None:
                moments = np.asarray(column.to_numpy()).astype("datetime64[us]")
                times = np.where(np.isnat(moments), np.nan, moments.astype(np.int64) / 1e6)
                cells[name] = times
            else:
                cells[name] = column.to_list()
        return self._read_cells(cells, units, clock, plain, len(frame))

    def _read_cells(
        self,
        cells: Mapping[Hashable, Sequence[Any]],
        units: dict[Hashable, str],
        clock: Hashable | None,
        plain: Mapping[Hashable, Column] | None = None,
        n_rows: int | None = None,
    ) -> Packets:
        """Read columns of objects; those that are ``plain``, and times that are an array, have been read."""
        n = n_rows if n_rows is not None else len(next(iter(cells.values()), ()))
        clock = self._clock_in({name: column[0] for name, column in cells.items()} if n else {}, clock)
        given = cells[clock] if clock is not None and clock in cells else np.full(n, np.nan)
        times = given if isinstance(given, np.ndarray) else seconds_of(given)
        devices: list[Hashable] = [""] * n
        if self.device is not None and self.device in cells:
            devices = list(map(_device, cells[self.device]))
        columns, units = dict(plain or {}), dict(units)
        for name, column in cells.items():
            if name != self.device and name != clock:
                columns[name], unit = column_of_cells(column, units.get(name, ""))
                if unit:
                    units[name] = unit
        return _packets(columns, devices, times, units, clock)


def _device(cell: Any) -> str:
    """The name of a row's device, '' where it has none; a document is no name."""
    name = device_text(cell)
    return name if len(name) <= MOST_LETTERS else ""


def _packets(
    columns: dict[Hashable, Column],
    devices: list[Hashable],
    times: Float64,
    units: dict[Hashable, str],
    clock: Hashable | None,
) -> Packets:
    return Packets(columns, devices, times, sum(map(name_key, columns)) % 2**62, units, clock)


def spread(packets: Packets, places: Mapping[Hashable, int], width: int) -> tuple[Float64, Int64]:
    """Return values and kinds (n, width), each column at its place; columns without one are left out."""
    n = len(packets.devices)
    values, kinds = np.zeros((n, width)), np.zeros((n, width), np.int64)
    for name, column in packets.columns.items():
        if name in places:
            values[:, places[name]], kinds[:, places[name]] = column
    return values, kinds
