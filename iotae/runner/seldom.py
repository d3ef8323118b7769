"""Lines about what happens again and again: the first at once, then one in ten minutes with a number."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from math import inf
from time import monotonic

__all__ = ["SeldomTold"]

_SECONDS_APART = 600.0
_MOST_KINDS = 50
_OTHERS = "more of other kinds, which are counted and not named here"


class SeldomTold:
    """What an operator should hear of, counted by kind, so that a broken device fills no log.

    Parameters
    ----------
    clock : callable
        Seconds that never go back.

    Examples
    --------
    >>> seldom = SeldomTold()
    >>> seldom.note("torn lines", 2)
    >>> seldom.due()
    [(2, 'torn lines')]
    >>> seldom.note("torn lines", 40)
    >>> seldom.due()
    []
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._new: Counter[str] = Counter()
        self._told_at: dict[str, float] = {}

    def note(self, kind: str, n: int = 1) -> None:
        """Count what has happened; kinds beyond the fiftieth are counted as one."""
        known = self._told_at.keys() | self._new.keys()
        self._new[kind if kind in known or len(known) < _MOST_KINDS else _OTHERS] += n

    def due(self) -> list[tuple[int, str]]:
        """Return how many of which kind there were, where this was not said for ten minutes."""
        now = self._clock()
        kinds = [kind for kind in self._new if now - self._told_at.get(kind, -inf) >= _SECONDS_APART]
        self._told_at |= dict.fromkeys(kinds, now)
        return [(self._new.pop(kind), kind) for kind in kinds]
