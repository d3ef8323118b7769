"""Messages from the partitions of a Kafka topic, read from offsets that are kept beside the rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from time import monotonic
from types import TracebackType
from typing import Any

from iotae._validation import TableError
from iotae.runner.addresses import BrokerAddress
from iotae.runner.connection_news import ConnectionNews
from iotae.runner.kafka_alarms import KafkaAlarms
from iotae.runner.kafka_settings import security_of
from iotae.runner.messages import Message, record_of
from iotae.runner.outbox import Delivered
from iotae.runner.sources import Login

__all__ = ["KafkaSource"]

_BUFFERED_KILOBYTES = 16_384
"""Of messages that are fetched and wait: what bounds the memory."""

_IDLE_SECONDS, _ANSWER_SECONDS = 1.0, 5.0
_LOOK_SECONDS, _LOOK_SECONDS_AWAY = 30.0, 5.0
"""From one look for partitions that the topic has got to the next, and for a broker that was gone."""

_DELETED = "messages that Kafka had deleted before they were read"


class KafkaSource:
    """All partitions of a topic, in a ``with`` statement.

    The offsets belong to the reader and are given: nothing is committed to the broker, so no group is joined
    and no partition is ever taken away. A partition begins at its first message where no offset is given;
    partitions that the topic gets later are found.

    Parameters
    ----------
    address : BrokerAddress
    client_id : str
        What the broker's own logs call the reader.
    next_of : mapping of int to int
        The next offset of each partition; looked up when a partition is begun.
    field : str, optional
        The cell of a message that names the device; by default its key does.
    login : Login

    Raises
    ------
    TableError
        If the broker refuses, has no such topic, or has fewer messages in a partition than were read.
    ImportError
        If confluent-kafka is not installed.
    """

    def __init__(
        self,
        address: BrokerAddress,
        client_id: str,
        next_of: Mapping[int, int],
        field: str | None = None,
        login: Login | None = None,
    ) -> None:
        import confluent_kafka

        self._library, self._field, self._next_of = confluent_kafka, field, next_of
        self._address, self._topic = address, address.topic
        self._news, self._known = ConnectionNews(f"{address.shown} answers again"), False
        self._refused: TableError | None = None
        self._begun: dict[int, int] = {}
        self._unsure: set[int] = set()
        self._looked_at = -_LOOK_SECONDS
        self._settings = {
            "bootstrap.servers": address.shown,
            "client.id": client_id,
            "error_cb": self._on_error,
            # what it would say comes through the error callback
            "log_level": 0,
            **security_of(address, login or Login()),
        }
        self._alarms: KafkaAlarms | None = None

    def __enter__(self) -> KafkaSource:
        settings = self._settings | {
            # asked for by the library, and never joined
            "group.id": self._settings["client.id"],
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            # an offset that is not there must be told, not passed over
            "auto.offset.reset": "error",
            "queued.max.messages.kbytes": _BUFFERED_KILOBYTES,
            "fetch.max.bytes": 1024 * _BUFFERED_KILOBYTES,
        }
        try:
            self._consumer = self._library.Consumer(settings)
        except self._library.KafkaException as error:
            raise TableError(f"Cannot read from {self._address.shown}: {_text(error)}.") from None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._consumer.close()

    def _on_error(self, error: Any) -> None:
        """Take note of an error of the connection; called while the library is asked for something."""
        kafka = self._library.KafkaError
        if error.code() in (kafka._AUTHENTICATION, kafka._SSL) and not self._known:
            self._refused = TableError(f"The broker at {self._address.shown} refuses: {error.str()}.")
        elif error.code() == kafka._ALL_BROKERS_DOWN:
            self._say_away()

    def _say_away(self) -> None:
        self._news.gone(f"no broker answers at {self._address.shown}")

    # -- partitions ---------------------------------------------------------------------------

    def _look_for_partitions(self) -> list[Message]:
        """Begin to read partitions that are not read yet; say where each of them begins."""
        pause = _LOOK_SECONDS_AWAY if self._news.is_gone else _LOOK_SECONDS
        if monotonic() - self._looked_at < (pause if self._known else 0.0):
            return []
        try:
            found = self._consumer.list_topics(self._topic, timeout=_ANSWER_SECONDS).topics[self._topic]
        except self._library.KafkaException as error:
            self._raise_unless_it_passes(error.args[0])
            self._say_away()
            self._looked_at = monotonic()
            return []
        if found.error is not None:
            self._raise_unless_it_passes(found.error)
            return []
        self._known = True
        self._news.back()
        parts = [part for part in sorted(found.partitions) if part not in self._begun]
        known = {part: self._next_of[part] for part in parts if part in self._next_of}
        new = {part: self._bounds(part)[0] for part in parts if part not in known}
        self._begun |= known | new
        if parts:
            self._consumer.incremental_assign([self._place(part) for part in parts])
        self._looked_at = monotonic()
        # put down at once, so that what is deleted before it was read is known to be gone
        return [Message("", first - 1, {}, "", (0, 0), part, n=0) for part, first in new.items()]

    def _bounds(self, part: int) -> tuple[int, int]:
        """The first offset of a partition, and the one after the last."""
        place = self._library.TopicPartition(self._topic, part)
        low, high = self._consumer.get_watermark_offsets(place, timeout=_ANSWER_SECONDS)
        return int(low), int(high)

    def _place(self, part: int) -> Any:
        return self._library.TopicPartition(self._topic, part, self._begun[part])

    def _gone(self, part: int) -> Message:
        """Go on where a partition begins now, and say how many messages are gone.

        Raises
        ------
        TableError
            If it ends before what was read: it is another topic of the same name, or has lost its end.
        """
        (low, high), wanted = self._bounds(part), self._begun[part]
        if wanted > high:
            raise TableError(
                f"Got partition {part} of {self._topic} with {high} messages, but {wanted} were read: if the "
                "topic was made anew, name another output file."
            )
        self._begun[part] = max(low, wanted)
        self._consumer.incremental_unassign([self._place(part)])
        self._consumer.incremental_assign([self._place(part)])
        self._unsure.discard(part)
        n = self._begun[part] - wanted
        return Message("", self._begun[part] - 1, {}, _DELETED if n else "", (0, 0), part, n)

    # -- messages -----------------------------------------------------------------------------

    def batches(self, most: Callable[[], int]) -> Iterator[list[Message]]:
        """Yield what has arrived, up to so many messages at a time, for ever; [] where nothing comes."""
        while True:
            batch = []
            try:
                batch += self._look_for_partitions()
                for part in sorted(self._unsure):
                    batch.append(self._gone(part))
            except self._library.KafkaException as error:
                # what the broker does not tell of now is asked for again; what it has told of others is kept
                self._raise_unless_it_passes(error.args[0])
            if not batch:
                first = self._consumer.poll(_IDLE_SECONDS)
                records = [] if first is None else [first, *self._consumer.consume(most() - 1, 0)]
                batch = [one for record in records if (one := self._read(record)) is not None]
            if self._refused is not None:
                raise self._refused
            yield batch

    def _read(self, record: Any) -> Message | None:
        """A record as a message; None where it is an error that passes."""
        if record.error() is None:
            part, offset = record.partition(), record.offset()
            self._begun[part] = offset + 1
            self._news.back()
            return record_of(record.key(), record.value(), part, offset, self._field)
        codes = self._library.KafkaError._AUTO_OFFSET_RESET, self._library.KafkaError.OFFSET_OUT_OF_RANGE
        if record.error().code() in codes:
            self._unsure.add(record.partition())
        else:
            self._raise_unless_it_passes(record.error())
        return None

    def _raise_unless_it_passes(self, error: Any) -> None:
        """Raise an error where the broker would say the same again."""
        kafka = self._library.KafkaError
        if error.code() in (kafka.UNKNOWN_TOPIC_OR_PART, kafka._UNKNOWN_TOPIC):
            raise TableError(
                f"The broker at {self._address.shown} has no topic {self._topic}: make it first."
            )
        final = (
            *(kafka.TOPIC_AUTHORIZATION_FAILED, kafka.GROUP_AUTHORIZATION_FAILED, kafka.TOPIC_EXCEPTION),
            *(kafka.CLUSTER_AUTHORIZATION_FAILED, kafka.SASL_AUTHENTICATION_FAILED),
        )
        if error.code() in final or error.fatal():
            raise TableError(f"The broker at {self._address.shown} refuses: {error.str()}.")

    def acknowledge(self, batch: Sequence[Message]) -> None:
        """Do nothing: the offsets are on the disk with the rows."""

    def lag(self) -> int:
        """How many messages the partitions have beyond what was read, as far as the broker has told."""
        lag = 0
        for part, following in self._begun.items():
            _, high = self._consumer.get_watermark_offsets(self._place(part), cached=True)
            lag += max(high - following, 0)
        return lag

    def warnings(self) -> list[str]:
        """Return what has become of the connection since this was asked last."""
        return self._news.lines()

    def publish(self, topic: str, alarms: Sequence[tuple[str, str]]) -> Delivered:
        """Send alarms under their device as key, and say what came of them."""
        if self._alarms is None:
            self._alarms = KafkaAlarms(self._settings)
        return self._alarms.publish(topic, alarms)


def _text(error: BaseException) -> str:
    """What the library says of a setting or a connection."""
    reason = error.args[0] if error.args else error
    return str(reason.str() if hasattr(reason, "str") else reason)
