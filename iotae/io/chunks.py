"""How many rows of a table are held at a time: so many rows, and never more than so many cells."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from iotae.data import Table
from iotae.data.sampling import sample_chunks
from iotae.data.table_notation import TableNotation

__all__ = ["CHUNK_CELLS", "CHUNK_ROWS", "drawn_rows", "rows_at_a_time"]

CHUNK_ROWS = 65_536
"""Rows read at a time by default."""

CHUNK_CELLS = 3 * CHUNK_ROWS
"""Cells read at a time at most: as text, each takes some 70 bytes, twice for a moment."""

_Piece = Table | NDArray[Any]
"""A chunk of a table, or rows drawn from it, each as one text."""


def rows_at_a_time(chunk_rows: int, width: int) -> int:
    """Return how many rows of a table of ``width`` columns make a chunk, at least 1.

    Examples
    --------
    >>> rows_at_a_time(65_536, 7), rows_at_a_time(65_536, 10_000), rows_at_a_time(20, 10_000)
    (28086, 19, 19)
    """
    return min(chunk_rows, max(CHUNK_CELLS // max(width, 1), 1))


def drawn_rows(chunks: Iterable[Table], most: int, seed: int) -> Iterator[Table]:
    """Draw at most ``most`` rows of text, and yield them in order in chunks: see ``sample_chunks``.

    A row that is drawn is held as one text, which takes a fifth of the memory of its cells.

    Yields
    ------
    Table
        At least one.
    """
    names: list[str] = []
    notations: list[TableNotation] = []

    def take(piece: _Piece, rows: NDArray[Any]) -> _Piece:
        if not isinstance(piece, Table):
            texts: NDArray[Any] = piece[rows]
            return texts
        names[:], notations[:] = piece.names, [piece.notation]
        columns = [piece.array(name)[rows].tolist() for name in names]
        return np.array([json.dumps(row) for row in zip(*columns, strict=True)], dtype=object)

    def size(piece: _Piece) -> int:
        return piece.n_rows if isinstance(piece, Table) else len(piece)

    pieces: Iterable[_Piece] = chunks
    drawn = sample_chunks(pieces, most, np.random.default_rng(seed), size, take)
    texts = [text for piece in drawn if not isinstance(piece, Table) for text in piece.tolist()]
    step = rows_at_a_time(CHUNK_ROWS, len(names))
    for first in range(0, max(len(texts), 1), step):
        rows = [json.loads(text) for text in texts[first : first + step]]
        columns = zip(*rows, strict=True) if rows else ((),) * len(names)
        table = {name: np.array(cells, dtype=object) for name, cells in zip(names, columns, strict=True)}
        yield Table(table, notation=notations[0])
