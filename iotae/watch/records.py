"""Lines of CSV to records, from any line on: a line that does not fit costs itself alone."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Sequence

__all__ = ["CsvRecords"]

_MOST_LINES = 100
_MOST_LETTERS = 1 << 20


class CsvRecords:
    r"""Records of a CSV file that is read from its middle, line by line.

    A cell may hold ends of lines. Where reading begins inside one, quotes would be taken the wrong way round
    from there on; so what does not fit is left a line at a time, until what follows fits.

    Parameters
    ----------
    fits : callable
        Whether cells can be a record.
    inside : bool
        Whether reading may begin inside a record.

    Attributes
    ----------
    aside : int
        Lines that were left, without those before the first record of a file that is begun in its middle.

    Examples
    --------
    >>> records = CsvRecords(lambda cells: len(cells) == 2, inside=False)
    >>> records.of(['a,1\n', 'broken\n', '"b\n']), records.of(['c",2\n']), records.aside
    ([['a', '1']], [['b\nc', '2']], 1)
    """

    def __init__(self, fits: Callable[[Sequence[str]], bool], *, inside: bool) -> None:
        self._fits, self._lost = fits, inside
        self._waiting: list[str] = []
        self.aside = 0

    def of(self, lines: Iterable[str]) -> list[list[str]]:
        """Return the records that lines complete."""
        records: list[list[str]] = []
        for line in lines:
            alone = line.count('"') % 2 == 0
            # a whole row inside a record counts only before the first one: later, a cell may well hold one
            cells = self._cells(line) if alone and (self._lost or not self._waiting) else []
            if cells:
                records.append(cells)
                self._waiting, self._lost = [], False
            elif self._waiting or not alone:
                self._waiting.append(line)
                records += self._of_waiting()
            else:
                self._leave()
        return records

    def _of_waiting(self) -> list[list[str]]:
        """The records of the lines that wait for a quote that ends a cell."""
        if sum(line.count('"') for line in self._waiting) % 2 == 0:
            cells = self._cells("".join(self._waiting))
            if cells:
                self._waiting, self._lost = [], False
                return [cells]
        elif len(self._waiting) < _MOST_LINES and sum(map(len, self._waiting)) < _MOST_LETTERS:
            return []
        # the first of them is no beginning, but the others may be
        self._leave()
        again, self._waiting = self._waiting[1:], []
        return self.of(again)

    def _leave(self) -> None:
        self.aside += not self._lost

    def _cells(self, text: str) -> list[str]:
        """The cells of a text that is one record, or none."""
        try:
            found = list(csv.reader(io.StringIO(text, newline="")))
        except csv.Error:
            return []
        return found[0] if len(found) == 1 and self._fits(found[0]) else []
