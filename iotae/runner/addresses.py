"""Where a broker's messages come from, as it is written on the command line."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from iotae._validation import TableError

__all__ = ["BrokerAddress", "is_broker"]

_PORTS = {"mqtt": 1883, "mqtts": 8883, "kafka": 9092, "kafkas": 9093}
_SHAPE = "mqtt://HOST[:PORT]/TOPIC or kafka://HOST[:PORT]/TOPIC, with mqtts or kafkas for TLS"


def is_broker(events: str) -> bool:
    """Whether an input is the address of a broker, also of one that cannot be read, and not a file.

    Examples
    --------
    >>> is_broker("mqtt://localhost/plant/#"), is_broker("amqp://h/readings"), is_broker("mqtt.csv")
    (True, True, False)
    """
    scheme, mark, _ = events.partition("://")
    return bool(mark) and scheme.isalnum()


class BrokerAddress(NamedTuple):
    """Where messages come from.

    Examples
    --------
    >>> BrokerAddress.of("mqtts://broker.example/plant/+/readings")
    BrokerAddress(kind='mqtt', host='broker.example', port=8883, topic='plant/+/readings', tls=True)
    """

    kind: str
    host: str
    port: int
    topic: str
    tls: bool

    @classmethod
    def of(cls, text: str) -> BrokerAddress:
        """Read ``mqtt://HOST[:PORT]/TOPIC`` or ``kafka://HOST[:PORT]/TOPIC``; with an s for TLS.

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
        kind = parts.scheme.removesuffix("s")
        if parts.username is not None or parts.password is not None:
            raise TableError(
                "Got a name or password in the address of the broker, where every user of this machine can "
                f"read it: put them into the environment as IOTAE_{kind.upper()}_USER and "
                f"IOTAE_{kind.upper()}_PASSWORD."
            )
        # a topic may have a # at its end
        topic = unquote(parts.path[1:]) + (f"#{parts.fragment}" if "#" in text else "")
        if parts.scheme not in _PORTS or not parts.hostname or not topic or parts.query:
            raise TableError(f"Got the address {text}, but expected {_SHAPE}.")
        return cls(kind, parts.hostname, port or _PORTS[parts.scheme], topic, parts.scheme != kind)

    @property
    def shown(self) -> str:
        """The broker, as messages name it.

        Examples
        --------
        >>> BrokerAddress.of("kafka://broker.example/readings").shown
        'broker.example:9092'
        """
        return f"{self.host}:{self.port}"
