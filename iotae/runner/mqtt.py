"""Messages from an MQTT 5 broker: each acknowledged when it is on the disk, and the connection kept up."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from queue import Empty, Full, Queue
from ssl import SSLError
from types import TracebackType
from typing import Any

from iotae._validation import TableError
from iotae.runner.addresses import BrokerAddress
from iotae.runner.connection_news import ConnectionNews
from iotae.runner.messages import Message, Naming, message_of
from iotae.runner.mqtt_alarms import MqttAlarms
from iotae.runner.mqtt_client import client_of
from iotae.runner.outbox import Delivered
from iotae.runner.sources import Login

__all__ = ["MqttSource", "takes"]

_SESSION_SECONDS = 7 * 86_400
_MOST_UNDONE = 2000
"""Messages that the broker may have sent and that are not acknowledged: what bounds the memory."""

_IDLE_SECONDS = 1.0


class MqttSource:
    """A session with a broker that outlives this process, in a ``with`` statement.

    The connection is made again when it breaks, after one second at first and then ever later, up to a
    minute. The broker keeps what comes in the meantime for a week, as far as its own limits allow.

    Parameters
    ----------
    address : BrokerAddress
    client_id : str
        The name of the session: the same one goes on with it.
    naming : Naming
    login : Login
    goes_on : bool
        Whether the session should be there; it is said if the broker has forgotten it.

    Raises
    ------
    TableError
        If the broker refuses the connection or the subscription, or its certificate is not the one expected.
    ImportError
        If paho-mqtt is not installed.
    """

    def __init__(
        self,
        address: BrokerAddress,
        client_id: str,
        naming: Naming | None = None,
        login: Login | None = None,
        goes_on: bool = False,
    ) -> None:
        self._address, self._naming = address, naming or Naming()
        self._arrived: Queue[Message | TableError] = Queue(_MOST_UNDONE)
        self._news, self._ended, self._goes_on = ConnectionNews(), False, goes_on
        self.n_connected = 0
        self._client = client = client_of(address, client_id, login, _MOST_UNDONE)
        # of their own connection: behind the messages that wait here, no answer to an alarm would come
        alarms = client_of(address, f"{client_id}-alarms", login, _MOST_UNDONE)
        self._alarms = MqttAlarms(alarms, address)
        client.on_connect, client.on_message = self._on_connect, self._on_message
        client.on_subscribe = self._on_subscribe
        client.on_connect_fail, client.on_disconnect = self._on_connect_fail, self._on_disconnect

    def __enter__(self) -> MqttSource:
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
        # what is said is that the topic is listened to
        self._news.back()
        if self._goes_on and not flags.session_present:
            self._news.say(
                f"warning: {self._address.shown} has forgotten the session: what it was sent while this was "
                "not connected may be lost"
            )
        self._goes_on = True
        client.subscribe(self._address.topic, qos=1)

    def _on_connect_fail(self, _: Any, __: Any) -> None:
        # paho calls this where it has caught the error, and does not hand it over
        error = sys.exc_info()[1]
        if isinstance(error, SSLError) and not self.n_connected:
            self._put(TableError(f"No TLS with the broker at {self._address.shown}: {_plain(error)}."))
            return
        self._news.gone(f"no connection with {self._address.shown} ({error})")

    def _on_disconnect(self, _: Any, __: Any, ___: Any, reason: Any, ____: Any) -> None:
        if not self._ended:
            self._news.gone(f"the connection with {self._address.shown} is lost ({reason})")

    def _on_subscribe(self, _: Any, __: Any, ___: Any, reasons: Any, ____: Any) -> None:
        for reason in reasons:
            if reason.is_failure:
                topic = self._address.topic
                self._put(TableError(f"The broker refuses the topic {topic}: {reason}."))
                return
        self._news.say(f"listening to {self._address.topic} at {self._address.shown}")

    def _on_message(self, _: Any, __: Any, sent: Any) -> None:
        handle = (sent.mid, sent.qos)
        self._put(message_of(sent.topic, sent.payload, self._naming, handle))

    def _put(self, arrived: Message | TableError) -> None:
        """Hand over, and let the network wait where messages that need no acknowledgement come too fast."""
        while not self._ended:
            try:
                self._arrived.put(arrived, timeout=0.5)
                return
            except Full:
                continue

    def batches(self, most: Callable[[], int]) -> Iterator[list[Message]]:
        """Yield what has arrived, up to so many messages at a time, for ever; [] where nothing comes.

        A batch is never waited for: the broker may be bound to fewer messages that are not acknowledged.
        """
        while True:
            batch: list[Message] = []
            longest = most()
            try:
                batch.append(self._one(self._arrived.get(timeout=_IDLE_SECONDS)))
                while len(batch) < longest:
                    batch.append(self._one(self._arrived.get_nowait()))
            except Empty:
                pass
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

    def publish(self, topic: str, alarms: Sequence[tuple[str, str]]) -> Delivered:
        """Send alarms, and say what came of them."""
        return self._alarms.publish(topic, alarms)

    def lag(self) -> int:
        """How many messages have arrived and wait; the broker does not tell how many it keeps."""
        return self._arrived.qsize()

    def warnings(self) -> list[str]:
        """Return what has become of the connection since this was asked last."""
        return self._news.lines()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended = True
        self._alarms.close()
        self._client.disconnect()
        self._client.loop_stop()


def _plain(error: SSLError) -> str:
    """What is wrong, without the library's own place in its source."""
    return str(getattr(error, "verify_message", None) or error.reason or error)


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
