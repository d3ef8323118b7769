"""Repair of the CSV lines of a stream: a stray quote damages its own row, and no row after it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from iotae.io.lines import Lines

__all__ = ["repaired_lines"]

_MOST_LINES = 100
"""Lines that a quoted cell may have; a quote that is open for longer is an ordinary character."""


def _is_open(text: str, delimiter: str) -> bool:
    """Whether a quoted cell is still open at the end of ``text``: a quote counts at the start of a cell."""
    quoted, at_start, i = False, True, 0
    while i < len(text):
        letter = text[i]
        if quoted:
            if letter == '"' and text[i + 1 : i + 2] == '"':
                i += 1
            elif letter == '"':
                quoted = at_start = False
        elif letter == '"' and at_start:
            quoted = True
        else:
            at_start = letter in (delimiter, "\n")
        i += 1
    return quoted


def _quotes_as_text(line: str, delimiter: str) -> str:
    """The line with every quote in it an ordinary character."""
    cells = line.rstrip("\n").split(delimiter)
    return delimiter.join('"' + cell.replace('"', '""') + '"' for cell in cells) + "\n"


def repaired_lines(lines: Iterator[str], delimiter: str, source: Lines | None = None) -> Iterator[str]:
    r"""Yield each record of a CSV file as one piece of text that can be parsed by itself.

    A carriage return within a line becomes a space. In a line whose quoted cell does not end within a hundred
    lines, quotes are ordinary characters. The source that the lines come from is told where each record ends.

    Examples
    --------
    >>> import csv
    >>> list(csv.reader(repaired_lines(iter(['1,"two\n', 'lines"\n', '3,"x\n', "4,5\r6\n"]), ",")))
    [['1', 'two\nlines'], ['3', '"x'], ['4', '5 6']]
    """
    ahead: deque[tuple[str, int]] = deque()

    def following() -> tuple[str, int] | None:
        if ahead:
            return ahead.popleft()
        line = next(lines, None)
        end = 0 if source is None else source.taken
        return None if line is None else (line.rstrip("\r\n").replace("\r", " ") + "\n", end)

    while (found := following()) is not None:
        line, end = found
        if '"' in line and _is_open(line, delimiter):
            record = [found]
            while len(record) < _MOST_LINES and _is_open(_joined(record), delimiter):
                more = following()
                if more is None:
                    break
                record.append(more)
            if _is_open(_joined(record), delimiter):
                ahead.extendleft(reversed(record[1:]))
                line = _quotes_as_text(line, delimiter)
            else:
                line, end = _joined(record), record[-1][1]
        if source is not None:
            source.mark(end)
        yield line


def _joined(record: list[tuple[str, int]]) -> str:
    return "".join(line for line, _ in record)
