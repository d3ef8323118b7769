"""Chunks of text columns to one table of typed columns, each of one kind on all its rows."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from iotae.data import Table
from iotae.data.columns import parse_numbers, parse_times
from iotae.data.evidence import evidence_of
from iotae.data.notation import Notation
from iotae.data.table_notation import TableNotation

__all__ = ["typed_table"]


def typed_table(chunks: Callable[[str], Iterable[Table]], path: str) -> Table:
    """Return the table, read twice where the chunks of a column disagreed on how it is written."""
    notation, parts, agreed = _parsed(chunks(path), None)
    if not agreed:
        notation, parts, _ = _parsed(chunks(path), notation)
    return Table({name: np.concatenate(arrays) for name, arrays in parts.items()}, notation=notation)


def _parsed(
    chunks: Iterable[Table], known: TableNotation | None
) -> tuple[TableNotation, dict[str, list[Any]], bool]:
    """Return how a file is written, its columns in pieces, and whether all pieces were read in that way.

    Where it is known how the file is written, nothing is counted.
    """
    parse: dict[str, Callable[[NDArray[Any], Notation], NDArray[Any]]] = {
        "numeric": lambda cells, notation: parse_numbers(cells, notation)[0],
        "time": lambda cells, notation: parse_times(cells, notation)[0],
        "category": lambda cells, _: np.array(list(map(sys.intern, cells.tolist())), dtype=object),
    }
    parts: dict[str, list[Any]] = {}
    used: dict[str, set[tuple[str, ...]]] = {}
    whole = known
    for chunk in chunks:
        if whole is None:
            whole = chunk.notation.unread()
        for name in chunk.names if known is None else ():
            whole.note(name, evidence_of(chunk.array(name)))
        for name in chunk.names:
            notation = whole.of(name)
            used.setdefault(name, set()).add(notation.reading)
            parts.setdefault(name, []).append(parse[notation.kind](chunk.array(name), notation))
    assert whole is not None
    return whole, parts, all(used[name] == {whole.of(name).reading} for name in parts)
