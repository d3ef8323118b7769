"""Messages from an MQTT 5 broker: each acknowledged when it is on the disk, and the connection kept up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from queue import Empty, Full, Queue
from types import TracebackType
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from iotae._validation import TableError
from iotae.runner.messages import Message, message_of

__all__ = ["Broker", "BrokerAddress", "takes"]

_SESSION_SECONDS = 7 * 86_400
_MOST_UNDONE = 2000
"""Messages that the broker may have sent and that are not acknowledged: what bounds the memory."""

_SLOWEST_RETRY_SECONDS = 60
_LONGEST_WAIT_SECONDS = 5.0


class BrokerAddress(NamedTuple):
    """Where messages come from.

    Examples
    --------
    >>> BrokerAddress.of("mqtts://broker.example/plant/+/readings")
    BrokerAddress(host='broker.example', port=8883, topic='plant/+/readings', tls=True)
    """

    host: str
    port: int
    topic: str
    tls: bool

    @classmethod
    def of(cls, text: str) -> BrokerAddress:
        """Read ``mqtt://HOST[:PORT]/TOPIC``, or ``mqtts://`` for TLS.

        Raises
        ------
        TableError
            If it is none, or has a name or a password in it.
        """
        try:
            parts = urlsplit(text)
            port = parts.port
        except ValueError:
            raise TableError(f"Got an address that is none, but expected {_SHAPE}.") from None
        if parts.username is not None or parts.password is not None:
            raise TableError(
                "Got a name or password in the address of the broker, where every user of this machine can "
                "read it: put them into the environment as IOTAE_MQTT_USER and IOTAE_MQTT_PASSWORD."
            )
        # a topic may have a # at its end
        topic = unquote(parts.path[1:]) + (f"#{parts.fragment}" if "#" in text else "")
        if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname or not topic or parts.query:
            raise TableError(f"Got the address {text}, but expected {_SHAPE}.")
        tls = parts.scheme == "mqtts"
        return cls(parts.hostname, port or (8883 if tls else 1883), topic, tls)


_SHAPE = "mqtt://HOST[:PORT]/TOPIC or mqtts://HOST[:PORT]/TOPIC"


class Broker:
    """A session with a broker that outlives this process, in a ``with`` statement.

    The connection is made again when it breaks, after one second at first and then ever later, up to a
    minute. The broker keeps what comes in the meantime for a week, as far as its own limits allow.

    Parameters
    ----------
    address : BrokerAddress
    client_id : str
        The name of the session: the same one goes on with it.
    seq_name : str
        The name of the producer's sequence number in the messages.
    level : int, optional
        Which part of the topic is the device, from 0; by default all of it.
    user, password : str, optional
    ca_file : str, optional
        Certificates of those who may sign the broker's, for TLS; by default the system's.

    Raises
    ------
    TableError
        If the broker refuses the connection or the subscription.
    ImportError
        If paho-mqtt is not installed.
    """

    def __init__(
        self,
        address: BrokerAddress,
        client_id: str,
        seq_name: str,
        level: int | None = None,
        user: str | None = None,
        password: str | None = None,
        ca_file: str | None = None,
    ) -> None:
        from paho.mqtt.client import CallbackAPIVersion, Client, MQTTv5

        self._address, self._seq_name, self._level = address, seq_name, level
        self._arrived: Queue[Message | TableError] = Queue(_MOST_UNDONE)
        self._ended = False
        self.n_connected = 0
        self.session_was_there: bool | None = None
        self._client = client = Client(
            CallbackAPIVersion.VERSION2, client_id, protocol=MQTTv5, manual_ack=True
        )
        if user is not None:
            client.username_pw_set(user, password)
        if address.tls:
            try:
                client.tls_set(ca_certs=ca_file)
            except (OSError, ValueError) as error:
                raise TableError(f"Cannot use the certificates in {ca_file}: {error}.") from None
        client.reconnect_delay_set(1, _SLOWEST_RETRY_SECONDS)
        client.max_queued_messages_set(_MOST_UNDONE)
        client.on_connect, client.on_message = self._on_connect, self._on_message
        client.on_subscribe = self._on_subscribe

    def __enter__(self) -> Broker:
        from paho.mqtt.packettypes import PacketTypes
        from paho.mqtt.properties import Properties

        wanted = Properties(PacketTypes.CONNECT)
        wanted.SessionExpiryInterval, wanted.ReceiveMaximum = _SESSION_SECONDS, _MOST_UNDONE
        self._client.connect_async(
            self._address.host, self._address.port, keepalive=30, clean_start=False, properties=wanted
        )
        self._client.loop_start()
        return self

    def _on_connect(self, client: Any, _: Any, flags: Any, reason: Any, __: Any) -> None:
        if reason.is_failure:
            self._put(TableError(f"The broker at {self._address.host} refuses: {reason}."))
            return
        self.n_connected += 1
        if self.session_was_there is None:
            self.session_was_there = bool(flags.session_present)
        client.subscribe(self._address.topic, qos=1)

    def _on_subscribe(self, _: Any, __: Any, ___: Any, reasons: Any, ____: Any) -> None:
        for reason in reasons:
            if reason.is_failure:
                topic = self._address.topic
                self._put(TableError(f"The broker refuses the topic {topic}: {reason}."))

    def _on_message(self, _: Any, __: Any, sent: Any) -> None:
        handle = (sent.mid, sent.qos)
        self._put(message_of(sent.topic, sent.payload, self._seq_name, handle, self._level))

    def _put(self, arrived: Message | TableError) -> None:
        """Hand over, and let the network wait where messages that need no acknowledgement come too fast."""
        while not self._ended:
            try:
                self._arrived.put(arrived, timeout=0.5)
                return
            except Full:
                continue

    def batches(self, most: int) -> Iterator[list[Message]]:
        """Yield what has arrived, up to so many messages at a time, for ever.

        A batch is never waited for: the broker may be bound to fewer messages that are not acknowledged.
        """
        while True:
            batch = [self._one(self._arrived.get())]
            while len(batch) < most:
                try:
                    batch.append(self._one(self._arrived.get_nowait()))
                except Empty:
                    break
            yield batch

    @staticmethod
    def _one(arrived: Message | TableError) -> Message:
        if isinstance(arrived, TableError):
            raise arrived
        return arrived

    def acknowledge(self, batch: Sequence[Message]) -> None:
        """Let the broker forget messages that are on the disk."""
        for message in batch:
            self._client.ack(*message.handle)

    def publish(self, topic: str, bodies: Sequence[str]) -> int:
        """Send alarms, and return how many of them, from the first on, the broker has for certain."""
        sent = [self._client.publish(topic, body, qos=1) for body in bodies]
        for n, one in enumerate(sent):
            try:
                one.wait_for_publish(_LONGEST_WAIT_SECONDS)
            except (RuntimeError, ValueError):
                return n
            if not one.is_published():
                return n
        return len(sent)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended = True
        self._client.disconnect()
        self._client.loop_stop()


def takes(topic_filter: str, topic: str) -> bool:
    """Whether a subscription gets what is sent to a topic.

    Raises
    ------
    TableError
        If the topic is none that can be sent to.

    Examples
    --------
    >>> takes("plant/+/readings", "plant/press7/readings"), takes("plant/+/readings", "plant/alarms")
    (True, False)
    """
    from paho.mqtt.client import topic_matches_sub

    if not topic or "+" in topic or "#" in topic:
        raise TableError(f"Got the topic {topic!r} for alarms, but expected one without + and #.")
    return bool(topic_matches_sub(topic_filter, topic))
