"""Alarms to a Kafka topic: each at least once, under its device as key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from iotae.runner.outbox import Delivered

__all__ = ["KafkaAlarms"]

_CONFIRMED_SECONDS = 5.0


class KafkaAlarms:
    """An idempotent producer, connected when the first alarm comes.

    Parameters
    ----------
    settings : mapping
        How the broker is reached.
    """

    def __init__(self, settings: Mapping[str, Any]) -> None:
        import confluent_kafka

        self._library = confluent_kafka
        self._settings = {
            **settings,
            "enable.idempotence": True,
            # what is not taken by then is kept beside the rows, not here
            "message.timeout.ms": int(1000 * _CONFIRMED_SECONDS),
        }
        self._producer: Any = None
        kafka = confluent_kafka.KafkaError
        self._of_one = kafka.MSG_SIZE_TOO_LARGE, kafka.INVALID_RECORD
        # what a broker would say again whenever it is asked
        self._final = (
            *(*self._of_one, kafka.POLICY_VIOLATION),
            *(kafka.TOPIC_AUTHORIZATION_FAILED, kafka.TOPIC_EXCEPTION),
        )

    def publish(self, topic: str, alarms: Sequence[tuple[str, str]]) -> Delivered:
        """Send alarms, each a device and a text, and say what came of them."""
        errors = self._sent(topic, alarms)
        refused: dict[int, str] = {}
        for place, error in enumerate(errors):
            if error is not None and len(alarms) > 1 and error.code() in self._of_one:
                # a broker refuses all that came in one request, for one that is too large
                (error,) = self._sent(topic, alarms[place : place + 1])
            if error is None:
                continue
            if error.code() not in self._final:
                return Delivered(place, refused, error.str())
            refused[place] = error.str()
        return Delivered(len(alarms), refused)

    def _sent(self, topic: str, alarms: Sequence[tuple[str, str]]) -> list[Any]:
        """Send alarms, and return the error of each, None where the broker has it."""
        kafka = self._library
        if self._producer is None:
            self._producer = kafka.Producer(self._settings)
        errors: list[Any] = [kafka.KafkaError(kafka.KafkaError._TIMED_OUT)] * len(alarms)
        for i, (device, body) in enumerate(alarms):

            def note(error: Any, _: Any, i: int = i) -> None:
                errors[i] = error

            try:
                self._producer.produce(topic, body.encode(), device.encode(), on_delivery=note)
            except kafka.KafkaException as error:
                # what the library itself does not take, such as one that is too large
                note(error.args[0], None)
        self._producer.flush(2 * _CONFIRMED_SECONDS)
        if any(
            error is not None and (error.fatal() or error.code() == kafka.KafkaError._FATAL)
            for error in errors
        ):
            # it takes nothing any more
            self._producer = None
        return errors
