"""A client of an MQTT 5 broker, not connected yet: its name, its password, its TLS."""

from __future__ import annotations

from typing import Any

from iotae._validation import TableError
from iotae.runner.addresses import BrokerAddress
from iotae.runner.sources import Login

__all__ = ["client_of"]

_SLOWEST_RETRY_SECONDS = 60


def client_of(address: BrokerAddress, client_id: str, login: Login | None, most: int) -> Any:
    """Make a client that connects again by itself, after a second at first and up to a minute.

    Parameters
    ----------
    address : BrokerAddress
    client_id : str
    login : Login or None
    most : int
        Messages that it holds until they are sent, at most.

    Raises
    ------
    TableError
        If the certificates cannot be used.
    ImportError
        If paho-mqtt is not installed.
    """
    from paho.mqtt.client import CallbackAPIVersion, Client, MQTTv5

    login = login or Login()
    client = Client(CallbackAPIVersion.VERSION2, client_id, protocol=MQTTv5, manual_ack=True)
    if login.user is not None:
        client.username_pw_set(login.user, login.password)
    if address.tls:
        try:
            client.tls_set(ca_certs=login.ca_file)
        except (OSError, ValueError) as error:
            raise TableError(f"Cannot use the certificates in {login.ca_file}: {error}.") from None
    client.reconnect_delay_set(1, _SLOWEST_RETRY_SECONDS)
    client.max_queued_messages_set(most)
    return client
