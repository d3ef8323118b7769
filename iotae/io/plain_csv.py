"""CSV without a quote in it, read and written many rows at a time; and rows of uneven length made even."""

from __future__ import annotations

from collections.abc import Sequence
from operator import methodcaller
from typing import Any

from iotae.data import TableError
from iotae.data.table_notation import TableNotation

__all__ = ["even_out", "plain_columns", "plain_lines", "plain_rows"]


def plain_columns(lines: list[str], delimiter: str, width: int) -> list[list[str]] | None:
    r"""Split lines into ``width`` columns of cells; None where that takes the csv module.

    That is where there is a quote, a carriage return within a line, an empty line, or a line with another
    number of cells.

    Examples
    --------
    >>> plain_columns(["1,a\n", "2,b\r\n"], ",", 2), plain_columns(['1,"a"\n'], ",", 2)
    ([['1', '2'], ['a', 'b']], None)
    """
    text = "".join(lines)
    if not lines or width < 2 or '"' in text or "\0" in text:
        return None
    if "\r" in text:
        text = text.replace("\r\n", "\n")
    if "\r" in text or set(map(methodcaller("count", delimiter), lines)) != {width - 1}:
        return None
    cells = text.removesuffix("\n").replace("\n", delimiter).split(delimiter)
    return [cells[j::width] for j in range(width)]


def plain_rows(lines: list[str], delimiter: str) -> list[list[str]] | None:
    r"""Split lines into cells, without the empty lines; None where that takes the csv module.

    Examples
    --------
    >>> plain_rows(["1,a\n", "\n", "2\n"], ","), plain_rows(['1,"a"\n'], ",")
    ([['1', 'a'], ['2']], None)
    """
    text = "".join(lines).replace("\r\n", "\n")
    if any(mark in text for mark in '"\r\0'):
        return None
    return [line.split(delimiter) for line in text.split("\n") if line]


def plain_lines(columns: Sequence[list[Any]]) -> str | None:
    r"""Join at least two columns of cells to lines divided by commas; None where a cell has to be quoted.

    Examples
    --------
    >>> plain_lines([["a", ""], [1.5, 2]]), plain_lines([["a,b"], [1]])
    ('a,1.5\n,2\n', None)
    """
    texts = [_texts(cells) for cells in columns]
    joined = "".join(map("".join, texts))
    if len(columns) < 2 or any(mark in joined for mark in ',"\r\n'):
        return None
    lines = "\n".join(map(",".join, zip(*texts, strict=True)))
    return f"{lines}\n" if lines else ""


def _texts(cells: list[Any]) -> list[str]:
    """Cells as the csv module writes them."""
    if set(map(type, cells)) <= {str}:
        return cells
    return ["" if cell is None else str(cell) for cell in cells]


def even_out(
    rows: list[Any], header: list[str], shown: str, done: int, notation: TableNotation, ragged: str
) -> None:
    """Let each row have as many cells as the header.

    Raises
    ------
    TableError
        If one has not and ``ragged`` is 'error'.
    """
    width, delimiter = len(header), notation.separator
    if set(map(len, rows)) <= {width}:
        return
    uneven = [i for i, row in enumerate(rows) if len(row) != width]
    if ragged == "error":
        row = rows[uneven[0]]
        raise TableError(
            f"Got {len(row)} cells in row {done + uneven[0] + 1} of {shown} "
            f"({delimiter.join(row)[:40]!r}), but expected {width}: correct this row."
        )
    if ragged == "keep":
        notation.torn += [done + i for i in uneven]
    else:
        notation.notes["rows without as many cells as the header has, filled up or cut"] += len(uneven)
    for i in uneven:
        full = rows[i] + [""] * (width - len(rows[i]))
        rows[i] = full[:width] if ragged == "pad" else [*full[: width - 1], delimiter.join(full[width - 1 :])]
