"""The loop of a broker's stream: a batch judged, put down with the model, acknowledged, its alarms sent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from time import monotonic
from typing import Protocol

import numpy as np

from iotae._typing import State
from iotae.runner.figures import StreamFigures
from iotae.runner.ledger import Judgement, Ledger
from iotae.runner.messages import Message
from iotae.runner.outbox import Deliver
from iotae.runner.seldom import SeldomTold
from iotae.runner.sources import MessageSource

__all__ = ["MOST_ROWS", "Judge", "MessageLoop"]

MOST_ROWS = 2000
"""Messages of a batch at most."""

_ROWS_AT_FIRST, _BATCH_SECONDS = 500, 1.0


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
        Where alarms go. One is done with when all have taken it, or refuse it for good.
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
        self._seldom, self._alarms_wait = SeldomTold(), False
        self._in_time = _ROWS_AT_FIRST

    def most(self) -> int:
        """Return how many messages the next batch may have: as many as are judged in about a second.

        The larger a batch, the fewer times a fleet puts down the same devices; alarms wait for its end.
        """
        return min(max(self._in_time, 1), MOST_ROWS)

    def over(self, batches: Iterable[list[Message]]) -> None:
        """Take in batches until they end."""
        for batch in batches:
            self._figures.begin()
            new = self._ledger.new_of(batch)
            judged = self._judged(new)
            if batch:
                self._put_down(new, judged)
                self._source.acknowledge(batch)
            for line in [*self._source.warnings(), *self._ledger.warnings()]:
                self._say(line)
            self._send()
            self._note(judged)

    def _judged(self, new: Sequence[Message]) -> list[Judgement]:
        begun = monotonic()
        judged = [self._judge.judge(message) for message in new]
        if judged and (seconds := monotonic() - begun) > 0.0:
            self._in_time = int(_BATCH_SECONDS * len(judged) / seconds)
        return judged

    def _put_down(self, new: Sequence[Message], judged: Sequence[Judgement]) -> None:
        rows, alarms = self.rows + len(new), self.alarms + sum(said.alarm for said in judged)
        state = {"model": self._judge.to_state(), "counts": {"rows": rows, "alarms": alarms}}
        self._ledger.commit(new, judged, state, self._judge.parts())
        self.rows, self.alarms = rows, alarms

    def _send(self) -> None:
        """Send alarms that are not sent yet; those that are not taken are tried again with the next batch."""
        outbox, all_done, why = self._ledger.outbox, True, ""
        while self._deliveries and all_done and (waiting := outbox.unsent()):
            keys, refused, why = self._deliver(waiting)
            outbox.done(keys, refused)
            for reason, times in Counter(refused.values()).items():
                self._seldom.note(f"alarms ({reason})", times)
            all_done = len(keys) == len(waiting)
        self._say_of_alarms(all_done, why)

    def _deliver(self, waiting: Sequence[tuple[int, str, str]]) -> tuple[list[int], dict[int, str], str]:
        """The keys of the alarms that are done with, those of them that are refused, and why no more are."""
        alarms, n = [(device, body) for _, device, body in waiting], len(waiting)
        refused: dict[int, str] = {}
        why = ""
        for deliver in self._deliveries:
            came = deliver(alarms[:n])
            n, why = came.n, why or came.why
            refused |= came.refused
        keys = [key for key, *_ in waiting[:n]]
        return keys, {keys[place]: reason for place, reason in refused.items() if place < n}, why

    def _say_of_alarms(self, all_done: bool, why: str) -> None:
        """Say what is refused, and once that alarms wait, or wait no more."""
        for n, which in self._seldom.due():
            self._say(f"warning: refused for good, set aside in the table 'refused': {n} {which}")
        if why and not self._alarms_wait:
            self._say(f"warning: alarms are not taken ({why}); they are kept and sent again")
        elif all_done and self._alarms_wait:
            self._say("alarms are taken again")
        self._alarms_wait = bool(why) or (self._alarms_wait and not all_done)

    def _note(self, judged: Sequence[Judgement]) -> None:
        cut = judged[-1].threshold if judged else None
        self._figures.note(
            np.array([said.score for said in judged], np.float64),
            sum(said.alarm for said in judged),
            np.inf if cut is None else cut,
        )
        ledger = self._ledger
        self._figures.note_messages(self._source.lag(), sum(ledger.aside().values()), ledger.n_doubled)
        self._figures.note_alarms(ledger.outbox.n_waiting(), ledger.outbox.n_refused)
