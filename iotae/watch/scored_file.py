"""The rows of a file that ``iotae stream`` writes: its latest ones, then those that it appends."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable
from time import time
from typing import Any

from iotae.data import TableError
from iotae.watch.columns import Columns, RowReader
from iotae.watch.found import Found
from iotae.watch.records import CsvRecords
from iotae.watch.tail import Piece, TailedFile

__all__ = ["HISTORY_ROWS", "ScoredFile"]

HISTORY_ROWS = 5000
"""Rows at most of what was written before a file is opened."""

_TIME_ROWS = 200


class ScoredFile:
    """The rows of a growing file of CSV or JSON lines; a source.

    Parameters
    ----------
    path : str
        It need not be there yet.
    columns : Columns
    """

    def __init__(self, path: str, columns: Columns) -> None:
        self._path, self._columns = path, columns
        self._file = TailedFile(path)
        self._reader: RowReader | None = None
        self._records: CsvRecords | None = None
        self._begun = False

    def poll(self) -> Found:
        """Return what is new; see :class:`iotae.watch.found.Source`."""
        try:
            piece = self._file.poll()
            if piece.header is not None:
                self._take_header(piece)
            return self._found(piece)
        except (TableError, OSError):
            # the next look begins at the header once more, of a file that is opened again
            self._file.close()
            raise

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _take_header(self, piece: Piece) -> None:
        self._reader, self._records, self._begun = None, None, False
        if not piece.header:
            return
        try:
            names = next(csv.reader(io.StringIO(piece.header, newline="")), [])
        except csv.Error as error:
            raise TableError(f"Cannot read {self._path} as CSV: {error}.") from None
        self._reader = RowReader(names, self._columns, self._path)
        self._records = CsvRecords(self._reader.fits, inside=piece.earlier)

    def _found(self, piece: Piece) -> Found:
        if self._records is not None:
            before = self._records.aside
            cells = self._records.of(line for line in piece.lines if line.strip())
            aside = self._records.aside - before
        else:
            cells, aside = self._cells_of_json(piece.lines)
        earlier = piece.earlier
        if piece.header is not None and len(cells) > HISTORY_ROWS:
            cells, earlier = cells[-HISTORY_ROWS:], True
        if cells and not self._begun and self._reader is not None:
            self._reader.find_times(cells[:_TIME_ROWS])
            self._begun = True
        at = time() if piece.header is None else self._file.written_at
        rows = [self._reader.row(one, at) for one in cells] if self._reader is not None else []
        return Found(rows, piece.anew, earlier, aside + piece.overlong, piece.more, piece.waits)

    def _cells_of_json(self, lines: Iterable[str]) -> tuple[list[list[str]], int]:
        """The cells of lines that are objects; the first one says which there are."""
        cells, aside = [], 0
        for line in lines:
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except (ValueError, RecursionError):
                row = None
            if not isinstance(row, dict):
                aside += 1
                continue
            if self._reader is None:
                self._json_names = list(row)
                self._reader = RowReader(self._json_names, self._columns, self._path)
            texts = [_text(row.get(name)) for name in self._json_names]
            if self._reader.fits(texts):
                cells.append(texts)
            else:
                aside += 1
        return cells, aside


def _text(cell: Any) -> str:
    """A cell of JSON as CSV has it."""
    if cell is None:
        return ""
    return str(int(cell)) if isinstance(cell, bool) else str(cell)
