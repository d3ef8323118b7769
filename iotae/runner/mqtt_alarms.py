"""Alarms to an MQTT topic: each at least once, and once only where the connection holds."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from threading import Condition
from time import monotonic
from typing import Any

from iotae.runner.addresses import BrokerAddress
from iotae.runner.outbox import Delivered

__all__ = ["MqttAlarms"]

_LONGEST_WAIT_SECONDS = 5.0
_FORBIDDEN_SECONDS = 600.0
"""For how long a broker that allows no alarm is not asked again."""

_HEAD_BYTES = 10
"""Of a packet, beside its topic and what it carries."""

_OF_THE_TOPIC = {0x87: "not authorized", 0x90: "topic name invalid"}
_FINAL = {0x95: "packet too large", 0x99: "payload format invalid", **_OF_THE_TOPIC}
"""What a broker answers that would answer the same another time."""


class MqttAlarms:
    """Publish on a connection of its own, which is made with the first alarm.

    What was not answered when the connection broke, the client sends again when it is back.

    A broker may end the connection of who sends what is not allowed, and what the client has taken it sends
    until it is answered. So the first alarm goes alone, and after a refusal of the topic none is sent for ten
    minutes: those are refused at once.

    Parameters
    ----------
    client : paho.mqtt.client.Client
        Not connected yet; what it calls back is taken.
    address : BrokerAddress
    """

    def __init__(self, client: Any, address: BrokerAddress) -> None:
        self._client, self._address, self._largest = client, address, 0
        self._begun, self._refusal = False, ""
        self._welcome, self._forbidden, self._forbidden_at = False, "", -inf
        self._sent: dict[str, int] = {}
        self._answers: dict[int, Any] = {}
        self._answered = Condition()
        client.on_publish, client.on_connect = self._on_publish, self._on_connect

    def _on_connect(self, _: Any, __: Any, ___: Any, reason: Any, properties: Any) -> None:
        with self._answered:
            self._refusal = str(reason) if reason.is_failure else ""
            # a broker ends the connection of who sends a larger packet
            self._largest = getattr(properties, "MaximumPacketSize", 0)
            self._answered.notify_all()

    def _on_publish(self, _: Any, __: Any, number: int, reason: Any, ___: Any) -> None:
        with self._answered:
            self._answers[number] = reason
            self._answered.notify_all()

    def publish(self, topic: str, alarms: Sequence[tuple[str, str]]) -> Delivered:
        """Send alarms, each a device and a text, but those that are on their way since an earlier call."""
        if not self._is_connected():
            return Delivered(0, {}, self._refusal or "no connection")
        bodies = [body for _, body in alarms]
        self._forget_all_but(bodies)
        refused: dict[int, str] = {}
        for place, body in enumerate(bodies):
            why, is_final = self._failure_of(topic, body, bodies[place + 1 :])
            if is_final:
                refused[place] = why
            elif why:
                return Delivered(place, refused, why)
        return Delivered(len(bodies), refused)

    def _is_connected(self) -> bool:
        """Whether the broker is there; the first time it is waited for."""
        if not self._begun:
            self._begun = True
            self._client.connect_async(self._address.host, self._address.port, keepalive=30)
            self._client.loop_start()
            with self._answered:
                self._answered.wait_for(
                    lambda: self._client.is_connected() or self._refusal, _LONGEST_WAIT_SECONDS
                )
        return bool(self._client.is_connected())

    def close(self) -> None:
        """End the connection; what is not answered is not known to be taken."""
        if self._begun:
            self._client.disconnect()
            self._client.loop_stop()

    def _failure_of(self, topic: str, body: str, others: Sequence[str]) -> tuple[str, bool]:
        """Why an alarm is not taken, '' if it is, and whether it never will be; those after it are sent."""
        if monotonic() - self._forbidden_at < _FORBIDDEN_SECONDS:
            return self._forbidden, True
        if self._is_too_large(topic, body):
            return f"larger than the {self._largest} bytes that the broker takes", True
        self._send(topic, [body, *(others if self._welcome else ())])
        reason = self._answer_to(body)
        if reason is None:
            return "no answer", False
        if not reason.is_failure:
            self._welcome = True
            return "", False
        if reason.value in _OF_THE_TOPIC:
            self._forbidden, self._forbidden_at = _OF_THE_TOPIC[reason.value], monotonic()
            self._welcome = False
        # another code, of a later version or of one broker alone, may pass
        return _FINAL.get(reason.value, str(reason)), reason.value in _FINAL

    def _is_too_large(self, topic: str, body: str) -> bool:
        return 0 < self._largest < len(topic.encode()) + len(body.encode()) + _HEAD_BYTES

    def _forget_all_but(self, bodies: Sequence[str]) -> None:
        """Ask no more for what became of alarms that somebody else has taken out."""
        self._sent = {body: self._sent[body] for body in bodies if body in self._sent}
        with self._answered:
            self._answers = {n: self._answers[n] for n in self._sent.values() if n in self._answers}

    def _send(self, topic: str, bodies: Sequence[str]) -> None:
        """Hand over what is not on its way, and not too large."""
        for body in bodies:
            if body not in self._sent and not self._is_too_large(topic, body):
                # without the lock: the library holds one of its own where it tells of an answer
                self._sent[body] = self._client.publish(topic, body, qos=1).mid

    def _answer_to(self, body: str) -> Any:
        """What the broker has answered; None if it has not for a while."""
        number = self._sent[body]
        with self._answered:
            if not self._answered.wait_for(lambda: number in self._answers, _LONGEST_WAIT_SECONDS):
                return None
            del self._sent[body]
            return self._answers.pop(number)
