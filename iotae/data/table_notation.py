"""How a whole table is written: what the user says of it, and what its first rows show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

from iotae._validation import TableError, check_choice
from iotae.data.evidence import AGREEMENT, Evidence, evidence_of
from iotae.data.notation import Notation, decide, decimal_of
from iotae.data.numbers import Decimal

__all__ = ["InputFormat", "TableNotation"]

_ENOUGH = 1000
"""Rows after which the notation of a table that comes in chunks is not asked again."""

KINDS = ("auto", "csv", "jsonl", "parquet")
SEPARATORS = {"comma": ",", "semicolon": ";", "tab": "\t", "bar": "|", "space": " ", "\\t": "\t"}


@dataclass(frozen=True)
class InputFormat:
    r"""What the user says of a file, where it should not be guessed.

    Parameters
    ----------
    kind : {'auto', 'csv', 'jsonl', 'parquet'}, default='auto'
        By default the name decides, and for text the first letter: JSON lines begin with ``{``.
    separator : str, optional
        What stands between the cells of CSV, one character or 'comma', 'semicolon', 'tab', 'bar' or 'space'.
        By default whichever of the first four the header has most of.
    decimal : {'.', ','}, optional
        The mark before decimals. By default the cells tell.
    thousands : {',', '.', ' ', "'"}, optional
        The mark between groups of three digits. By default the cells tell.
    time : sequence of str, optional
        Columns that are times, whatever they look like.
    time_format : str, optional
        The format, as for :meth:`datetime.datetime.strptime`, of the columns in ``time``.

    Raises
    ------
    TableError
        If a value is none of these, or ``decimal`` and ``thousands`` are the same mark.

    Examples
    --------
    >>> from iotae.io import InputFormat, read_table
    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp(), "a.csv")
    >>> _ = path.write_text("watts;state\n3,125;on\n")
    >>> read_table(path, form=InputFormat(decimal=".")).numbers("watts")
    (array([3125.]), 0)
    >>> read_table(path).numbers("watts")
    (array([3.125]), 0)
    """

    kind: str = "auto"
    separator: str | None = None
    decimal: str | None = None
    thousands: str | None = None
    time: tuple[str, ...] = ()
    time_format: str | None = None

    def __post_init__(self) -> None:
        try:
            check_choice("kind", self.kind, KINDS)
            if self.decimal is not None:
                check_choice("decimal", self.decimal, (".", ","))
            if self.thousands is not None:
                check_choice("thousands", self.thousands, (",", ".", " ", "'"))
        except ValueError as error:
            raise TableError(str(error)) from None
        if self.decimal is not None and self.decimal == self.thousands:
            raise TableError(
                f"Got the mark {self.decimal!r} for decimals and for thousands, but expected two marks: "
                "leave one out."
            )
        if self.separator is not None and len(SEPARATORS.get(self.separator, self.separator)) != 1:
            raise TableError(
                f"Got the separator {self.separator!r}, but expected one character, or one of "
                f"{', '.join(SEPARATORS)}."
            )
        if self.time_format is not None and not self.time:
            raise TableError("Got a time format without a column: say which with time (--time COLUMN).")

    @property
    def mark(self) -> str | None:
        """The character between cells, None to guess it."""
        return None if self.separator is None else SEPARATORS.get(self.separator, self.separator)

    @property
    def decimal_mark(self) -> Decimal | None:
        """The decimal mark that these marks leave, None to guess it."""
        if self.decimal == "," or (self.decimal is None and self.thousands == "."):
            return ","
        return "." if self.decimal == "." or self.thousands == "," else None


@dataclass
class TableNotation:
    """How the columns of a table are written, which all its parts and chunks share.

    Parameters
    ----------
    form : InputFormat
        What the user says of it.
    separator : str
        What stands between cells in the file, '' where there is none.
    written_names : dict of str to str
        Names as they stand in the file, of columns whose name differs from that.
    notes : Counter of str
        What reading could not use or has changed, by sentence.
    torn : list of int
        Rows, by their place in the input, that had another number of cells than the header and were kept.
    whole : bool
        Whether the columns are those of a whole table in memory, of which a part decides for itself, so that
        rows that judge a model have no say in how those that it learns from are read.
    clocks : dict of str to bool
        Columns of which it was asked whether they tell the time, with the answer.
    names : list of str
        The columns of a text file, once its header or its first objects were read.
    comments : bool
        Whether lines of CSV that begin with ``#`` are comments.
    layout : str
        'csv' or 'jsonl', once it is known which of them a text file is.
    """

    form: InputFormat = field(default_factory=InputFormat)
    separator: str = ""
    written_names: dict[str, str] = field(default_factory=dict)
    notes: Counter[str] = field(default_factory=Counter)
    torn: list[int] = field(default_factory=list)
    whole: bool = True
    clocks: dict[str, bool] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)
    comments: bool = False
    layout: str = ""
    _evidence: dict[str, Evidence] = field(default_factory=dict)
    _waiting: list[dict[str, NDArray[Any]]] = field(default_factory=list)
    _rows: int = 0
    _decided: dict[tuple[str, Notation | None], Notation] = field(default_factory=dict)

    def unread(self) -> TableNotation:
        """The same of the file, with nothing known of its columns yet."""
        return TableNotation(self.form, self.separator, self.written_names, self.notes)

    def of_part(self, columns: Mapping[str, NDArray[Any]]) -> TableNotation:
        """How some rows of the table are written: columns that are still text tell it anew."""
        if not self.whole:
            return self
        self._count()
        part = self.unread()
        typed = [name for name in self._evidence if name in columns and columns[name].dtype.kind != "O"]
        part._evidence = {name: self._evidence[name] for name in typed}
        part.show(columns)
        return part

    def show(self, columns: Mapping[str, NDArray[Any]]) -> None:
        """Take note of a chunk's text columns, unless enough rows were shown before."""
        texts = {name: cells for name, cells in columns.items() if cells.dtype.kind == "O"}
        if texts and self._rows < _ENOUGH:
            self._rows += len(next(iter(texts.values())))
            # counted only when somebody asks
            self._waiting.append(texts)

    def note(self, name: str, seen: Evidence) -> None:
        """Take note of counts over further cells of a column."""
        self._evidence.setdefault(name, Evidence()).add(seen)
        self._decided.clear()

    def counted(self) -> tuple[int, dict[str, Evidence]]:
        """How many rows were shown, and the counts over each column's cells."""
        self._count()
        return self._rows, self._evidence

    def go_on_after(self, rows: int) -> None:
        """Take so many rows for shown."""
        self._rows = rows

    def _count(self) -> None:
        for texts in self._waiting:
            for name, cells in texts.items():
                self.note(name, evidence_of(cells))
        self._waiting.clear()

    def of(self, name: str, known: Notation | None = None) -> Notation:
        """Return how a column of text is written.

        Parameters
        ----------
        name : str
        known : Notation, optional
            How the same column was written before, for what the cells leave open.
        """
        self._count()
        if (name, known) not in self._decided:
            self._decided[name, known] = self._decide(name, known)
        return self._decided[name, known]

    def _decide(self, name: str, known: Notation | None) -> Notation:
        seen = self._evidence.get(name, Evidence())
        said = self.form.decimal_mark
        decimal = said or decimal_of(self._evidence.values(), self.separator)
        if said is not None:
            seen = seen.with_decimal(said)
            known = None if known is None else known._replace(decimal=said)
        found = decide(seen, decimal, known)
        if self.is_time(name) or (known is not None and known.form):
            form = self.form.time_format or (known.form if known is not None else "")
            return found._replace(kind="time", form=form)
        return found

    def is_time(self, name: str) -> bool:
        """Whether the user said that a column is a time."""
        return name in self.form.time or name in {said.strip() for said in self.form.time}

    def remarks(self, name: str) -> list[str]:
        """Return what a user should know of how a column of text is read, a line each.

        Examples
        --------
        >>> import numpy as np
        >>> table = TableNotation()
        >>> table.show({"humidity": np.array(["45,2 %", "44,9 %"], dtype=object)})
        >>> table.remarks("humidity")
        ["'humidity': numbers in '%', which is stripped", "'humidity': numbers with a decimal comma"]
        """
        notation, lines = self.of(name), []
        seen = self._evidence.get(name, Evidence())
        if notation.kind == "numeric" and notation.unit:
            lines.append(f"{name!r}: numbers in {notation.unit!r}, which is stripped")
        if notation.kind == "numeric" and notation.decimal == "," and seen.with_comma:
            lines.append(f"{name!r}: numbers with a decimal comma")
        share = seen.looks_numeric / seen.present if seen.present else 0.0
        if notation.kind == "category" and share >= AGREEMENT:
            lines.append(
                f"warning: {name!r} looks like numbers in {share:.0%} of its cells and is read as text: say "
                "how they are written (--decimal, --thousands, --sep), or write plain numbers"
            )
        return lines
