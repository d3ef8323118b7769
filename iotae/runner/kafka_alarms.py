"""Alarms to a Kafka topic: each at least once, under its device as key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import Any

__all__ = ["KafkaAlarms"]

_CONFIRMED_SECONDS = 5.0


class KafkaAlarms:
    """An idempotent producer, connected when the first alarm comes.

    Parameters
    ----------
    settings : mapping
        How the broker is reached.
    told : list of str
        Takes a line where alarms are not taken.
    """

    def __init__(self, settings: Mapping[str, Any], told: list[str]) -> None:
        from confluent_kafka import KafkaException, Producer

        self._refusals = KafkaException
        self._told, self._not_taken = told, False
        self._producer = Producer(
            {
                **settings,
                "enable.idempotence": True,
                # what is not taken by then is kept beside the rows, not here
                "message.timeout.ms": int(1000 * _CONFIRMED_SECONDS),
            }
        )

    def publish(self, topic: str, alarms: Sequence[tuple[str, str]]) -> int:
        """Send alarms, each a device and a text; return how many, from the first on, are taken."""
        taken = [False] * len(alarms)
        for i, (device, body) in enumerate(alarms):

            def note(error: Any, _: Any, i: int = i) -> None:
                taken[i] = error is None
                if error is not None:
                    self._say_not_taken(topic, error)

            try:
                self._producer.produce(topic, body.encode(), device.encode(), on_delivery=note)
            except self._refusals as error:
                # what the library itself does not take, such as one that is too large
                note(error.args[0], None)
        self._producer.flush(2 * _CONFIRMED_SECONDS)
        self._not_taken = self._not_taken and not all(taken)
        return len(list(takewhile(bool, taken)))

    def _say_not_taken(self, topic: str, error: Any) -> None:
        """Say it once, not for each alarm."""
        if not self._not_taken:
            self._told.append(
                f"warning: alarms for {topic} are not taken ({error.str()}); they are kept and sent again"
            )
        self._not_taken = True
