"""The loop of a stream: each chunk judged, handed to the sinks, and from time to time a checkpoint."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from math import inf
from time import monotonic
from typing import Any, Protocol

from numpy.typing import NDArray

from iotae._typing import State
from iotae.data import Table

__all__ = ["Added", "Runner", "Sink"]

Added = Mapping[str, NDArray[Any]]
"""The columns that a model adds to a chunk, by their names without a prefix."""


class Sink(Protocol):
    """What takes the judged rows, in order."""

    def write(self, table: Table, added: Added, /) -> None:
        """Take a chunk and the columns added to it."""


class Runner:
    """Take chunks through a model to sinks; state, source and output advance together.

    Parameters
    ----------
    judge : callable
        Scores, judges and learns a chunk, and returns the columns to add.
    sinks : sequence of Sink
    save : callable, optional
        Brings the sinks to the disk and saves a checkpoint with the counts it is given.
    every : int
        Rows from one checkpoint to the next, at least.
    seconds : float
        Seconds from one checkpoint to the next where fewer rows come; they are saved with the rows that come
        after that time.
    counts : mapping, optional
        ``rows`` and ``alarms`` of earlier runs.

    Attributes
    ----------
    rows, alarms : int
        Rows taken in and alarms, those of earlier runs of the same stream included.

    Examples
    --------
    >>> import numpy as np
    >>> runner = Runner(lambda chunk: {"alarm": np.ones(chunk.n_rows)}, [])
    >>> for chunk in runner.over([Table({"watts": [1.0, 2.0]})]):
    ...     print(runner.rows, runner.alarms)
    2 2
    """

    def __init__(
        self,
        judge: Callable[[Table], Added],
        sinks: Sequence[Sink],
        save: Callable[[State], None] | None = None,
        every: int = 10_000,
        seconds: float = inf,
        counts: Mapping[str, int] | None = None,
    ) -> None:
        self._judge, self._sinks, self._save, self._every = judge, sinks, save, every
        self.rows, self.alarms = (counts or {}).get("rows", 0), (counts or {}).get("alarms", 0)
        self._saved, self._seconds, self._saved_at = self.rows, seconds, monotonic()

    def over(self, chunks: Iterable[Table]) -> Iterator[Table]:
        """Yield each chunk when the sinks have it; a checkpoint follows the last one, and no error."""
        for chunk in chunks:
            added = self._judge(chunk)
            for sink in self._sinks:
                sink.write(chunk, added)
            self.rows += chunk.n_rows
            self.alarms += int(added["alarm"].sum())
            new, age = self.rows - self._saved, monotonic() - self._saved_at
            if new >= self._every or (new and age >= self._seconds):
                self.save()
            yield chunk
        self.save()

    def save(self) -> None:
        """Save a checkpoint now, if the stream has one."""
        if self._save is not None:
            self._save({"rows": self.rows, "alarms": self.alarms})
        self._saved, self._saved_at = self.rows, monotonic()
