"""The loop of a broker's stream: a batch judged, put down with the model, acknowledged, its alarms sent."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

import numpy as np

from iotae._typing import State
from iotae.runner.figures import StreamFigures
from iotae.runner.ledger import Judgement, Ledger
from iotae.runner.messages import Message
from iotae.runner.sources import MessageSource

__all__ = ["MOST_ROWS", "Deliver", "Judge", "MessageLoop"]

MOST_ROWS = 500
"""Messages of a batch at most."""

Deliver = Callable[[Sequence[tuple[str, str]]], int]
"""Takes alarms, each a device and a text, and returns how many of them, from the first on, are taken."""


class Judge(Protocol):
    """Scores and learns rows."""

    def judge(self, message: Message) -> Judgement:
        """Score and judge a row, and learn it."""

    def to_state(self) -> State:
        """All that it has learned, but for :meth:`parts`."""

    def parts(self) -> dict[int, bytes]:
        """What was learned since this was asked last and is kept in pieces, each under its number."""


class MessageLoop:
    """Take batches through a model to a file; rows, model and place in the stream advance together.

    Parameters
    ----------
    source : MessageSource
    ledger : Ledger
    judge : Judge
    deliveries : sequence of callables
        Where alarms go. One is done with when all have taken it.
    figures : StreamFigures
    say : callable
        Takes a line that an operator should see at once.
    counts : tuple of int
        Rows and alarms of earlier runs.

    Attributes
    ----------
    rows, alarms : int
        Those of earlier runs included.
    """

    def __init__(
        self,
        source: MessageSource,
        ledger: Ledger,
        judge: Judge,
        deliveries: Sequence[Deliver],
        figures: StreamFigures,
        say: Callable[[str], None],
        counts: tuple[int, int] = (0, 0),
    ) -> None:
        self._source, self._ledger, self._judge = source, ledger, judge
        self._deliveries, self._figures, self._say = deliveries, figures, say
        self.rows, self.alarms = counts

    def over(self, batches: Iterable[list[Message]]) -> None:
        """Take in batches until they end."""
        for batch in batches:
            self._figures.begin()
            new = self._ledger.new_of(batch)
            judged = [self._judge.judge(message) for message in new]
            if batch:
                self._put_down(new, judged)
                self._source.acknowledge(batch)
            for line in [*self._source.warnings(), *self._ledger.warnings()]:
                self._say(line)
            self._send()
            self._note(judged)

    def _put_down(self, new: Sequence[Message], judged: Sequence[Judgement]) -> None:
        rows, alarms = self.rows + len(new), self.alarms + sum(said.alarm for said in judged)
        state = {"model": self._judge.to_state(), "counts": {"rows": rows, "alarms": alarms}}
        self._ledger.commit(new, judged, state, self._judge.parts())
        self.rows, self.alarms = rows, alarms

    def _send(self) -> None:
        """Send alarms that are not sent yet; those that are not taken are tried again with the next batch."""
        while self._deliveries and (waiting := self._ledger.unsent()):
            alarms, n = [(device, body) for _, device, body in waiting], len(waiting)
            for deliver in self._deliveries:
                n = deliver(alarms[:n])
            self._ledger.sent([key for key, *_ in waiting[:n]])
            if n < len(waiting):
                return

    def _note(self, judged: Sequence[Judgement]) -> None:
        cut = judged[-1].threshold if judged else None
        self._figures.note(
            np.array([said.score for said in judged], np.float64),
            sum(said.alarm for said in judged),
            np.inf if cut is None else cut,
        )
        self._figures.note_messages(
            self._source.lag(), sum(self._ledger.aside().values()), self._ledger.n_doubled
        )
