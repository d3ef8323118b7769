"""What a running stream tells of itself: counts, the latest scores, and how old its checkpoint is."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from threading import Lock
from time import time
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from iotae.data import Table
from iotae.runner.loop import Added

__all__ = ["QUANTILES", "Figures", "StreamFigures"]

QUANTILES = (0.5, 0.9, 0.99)
_LATEST_SCORES = 1024
_STALLED_SECONDS = 60.0


class Figures(NamedTuple):
    """The figures of one moment; see the page of the command for what each means.

    Attributes
    ----------
    scores : dict of float to float
        Quantiles of the latest scores, empty before the first row.
    threshold, checkpoint_age, lag_bytes : float or None
        None where there is none yet.
    busy_seconds : float
        How long the chunk at hand has been worked on.
    lag_messages, messages_set_aside, messages_again, alarms_waiting, alarms_refused : int or None
        None where the rows come from a file.
    """

    rows: int
    alarms: int
    rows_set_aside: int
    cells_set_aside: int
    rows_refused: int
    drift: bool
    devices: int
    last_row_at: float | None
    threshold: float | None
    scores: Mapping[float, float]
    checkpoint_age: float | None
    lag_bytes: int | None
    busy_seconds: float
    lag_messages: int | None
    messages_set_aside: int | None
    messages_again: int | None
    alarms_waiting: int | None
    alarms_refused: int | None

    @property
    def healthy(self) -> bool:
        """Whether no chunk has been worked on for more than a minute."""
        return self.busy_seconds <= _STALLED_SECONDS


class StreamFigures:
    """Take note of a stream's chunks, for readers in other threads; a sink of a runner.

    The model is asked in the stream's own thread alone, so that a reader never waits for it or makes it wait.

    Parameters
    ----------
    model : OnlineAutoencoder, or what has its counters
    counts : mapping
        ``rows`` and ``alarms`` of earlier runs.
    saved_at : callable, optional
        When the latest checkpoint was saved, in seconds since 1970; without one there is no checkpoint.
    lag : callable, optional
        How many bytes the source has not read yet.
    clock : callable
        The time in seconds since 1970.

    Examples
    --------
    >>> from iotae import OnlineAutoencoder
    >>> figures = StreamFigures(OnlineAutoencoder(seed=0), {})
    >>> added = {name: np.array([0.5]) for name in ("score", "alarm", "threshold")}
    >>> figures.write(Table({"watts": [3.0]}), added)
    >>> figures.now().rows, figures.now().scores[0.5]
    (1, 0.5)
    """

    def __init__(
        self,
        model: Any,
        counts: Mapping[str, int],
        saved_at: Callable[[], float] | None = None,
        lag: Callable[[], int] | None = None,
        clock: Callable[[], float] = time,
    ) -> None:
        self._model, self._saved_at, self._lag, self._clock = model, saved_at, lag, clock
        self._lock = Lock()
        self._scores: deque[float] = deque(maxlen=_LATEST_SCORES)
        self._busy_since: float | None = None
        self._told: dict[str, Any] = {
            "rows": counts.get("rows", 0),
            "alarms": counts.get("alarms", 0),
            "last_row_at": None,
            "threshold": None,
            **dict.fromkeys(("lag_messages", "messages_set_aside", "messages_again")),
            **dict.fromkeys(("alarms_waiting", "alarms_refused")),
            **self._of_model(),
        }

    def _of_model(self) -> dict[str, Any]:
        model = self._model
        # a fleet has no gate and no drift of its own
        return {
            "rows_set_aside": getattr(model, "n_rejected", 0),
            "cells_set_aside": getattr(model, "n_unusable", 0),
            "rows_refused": getattr(model, "n_refused", 0),
            "drift": getattr(model, "drift_detected", False),
            "devices": getattr(model, "n_devices", 1),
        }

    def begin(self) -> None:
        """Say that a chunk is being worked on."""
        with self._lock:
            self._busy_since = self._clock()

    def write(self, table: Table, added: Added) -> None:
        """Take note of a chunk that was judged."""
        cut = float(added["threshold"][-1]) if table.n_rows else 0.0
        self.note(added["score"], int(added["alarm"].sum()), cut)

    def note(self, scores: NDArray[Any], n_alarms: int, threshold: float) -> None:
        """Take note of rows that were judged: their scores, their alarms, and the cut of the last one."""
        of_model = self._of_model()
        with self._lock:
            self._busy_since = None
            if not scores.size:
                return
            self._told |= of_model | {
                "rows": self._told["rows"] + scores.size,
                "alarms": self._told["alarms"] + n_alarms,
                "last_row_at": self._clock(),
                "threshold": threshold if np.isfinite(threshold) else None,
            }
            self._scores.extend(scores[-_LATEST_SCORES:].tolist())

    def note_messages(self, lag: int, set_aside: int, again: int) -> None:
        """Take note of how many messages wait, were set aside, and came again."""
        with self._lock:
            self._told |= {"lag_messages": lag, "messages_set_aside": set_aside, "messages_again": again}

    def note_alarms(self, waiting: int, refused: int) -> None:
        """Take note of how many alarms wait to be sent, and were refused for good."""
        with self._lock:
            self._told |= {"alarms_waiting": waiting, "alarms_refused": refused}

    def now(self) -> Figures:
        """Return the figures of this moment."""
        now = self._clock()
        with self._lock:
            told, scores, busy = dict(self._told), list(self._scores), self._busy_since
        quantiles = np.quantile(scores, QUANTILES).tolist() if scores else []
        return Figures(
            **told,
            scores=dict(zip(QUANTILES, quantiles, strict=False)),
            checkpoint_age=None if self._saved_at is None else max(now - self._saved_at(), 0.0),
            lag_bytes=None if self._lag is None else self._lag(),
            busy_seconds=0.0 if busy is None else max(now - busy, 0.0),
        )
