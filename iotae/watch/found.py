"""What a source of scored rows hands over: the rows that are new, and what stands in the way of more."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

__all__ = ["LONGEST_NAME", "LONGEST_REASON", "Found", "ScoredRow", "Source", "shown"]

LONGEST_NAME = 120
LONGEST_REASON = 600


class ScoredRow(NamedTuple):
    """A row as it was scored: a score or cut that is not there is NaN, a text empty.

    Attributes
    ----------
    when : str
        The row's own time, as it is written.
    judged : bool
        Whether it could have been an alarm: not without a score, nor before there was a cut.
    at : float
        When it was written or found, in seconds since 1970.
    """

    device: str
    when: str
    score: float
    cut: float
    alarm: bool
    judged: bool
    reason: str
    at: float


class Found(NamedTuple):
    """What one look at a source found.

    Attributes
    ----------
    rows : sequence of ScoredRow
    anew : bool
        Whether what was found before counts no more, as the source was begun anew; then ``rows`` are its
        latest.
    earlier : bool
        Whether a source that is begun anew has earlier rows, which are left out.
    aside : int
        Rows that could not be read.
    more : bool
        Whether more is there already.
    waits : str
        Why there are no rows to find, empty where there are.
    """

    rows: Sequence[ScoredRow] = ()
    anew: bool = False
    earlier: bool = False
    aside: int = 0
    more: bool = False
    waits: str = ""


class Source(Protocol):
    """Scored rows that become more."""

    def poll(self) -> Found:
        """Return what is new.

        Raises
        ------
        TableError
            If what is there are no scored rows; a later call looks once more.
        """

    def close(self) -> None:
        """Let go of what is open."""


def shown(text: str, longest: int) -> str:
    """Return a text as a page may show it: of bounded length, and without marks that turn or hide letters.

    Examples
    --------
    >>> shown("pump 1", 120), shown("a" * 9, 4), shown("gpj\u202efdp", 120)
    ('pump 1', 'aaa…', 'gpj�fdp')
    """
    cut = text if len(text) <= longest else f"{text[: longest - 1]}…"
    return cut if cut.isprintable() else "".join(c if c.isprintable() else "\ufffd" for c in cut)
