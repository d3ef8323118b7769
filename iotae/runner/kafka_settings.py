"""What the Kafka library must know of TLS, name and password."""

from __future__ import annotations

from typing import Any

from iotae._validation import TableError
from iotae.runner.addresses import BrokerAddress
from iotae.runner.sources import Login

__all__ = ["security_of"]

_MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")


def security_of(address: BrokerAddress, login: Login) -> dict[str, Any]:
    """Return the settings by which a broker is trusted and trusts.

    Raises
    ------
    TableError
        If the mechanism is none, or everybody could read the password.

    Examples
    --------
    >>> security_of(BrokerAddress.of("kafkas://h/t"), Login(ca_file="ca.pem"))
    {'security.protocol': 'ssl', 'ssl.ca.location': 'ca.pem'}
    """
    if login.user is None:
        words: dict[str, Any] = {"security.protocol": "ssl" if address.tls else "plaintext"}
    else:
        mechanism = login.mechanism or "SCRAM-SHA-512"
        if mechanism not in _MECHANISMS:
            raise TableError(
                f"Got {mechanism} in IOTAE_KAFKA_MECHANISM, but expected one of {', '.join(_MECHANISMS)}."
            )
        if mechanism == "PLAIN" and not address.tls:
            raise TableError(
                "Got the mechanism PLAIN with kafka://, by which everyone on the network could read the "
                "password: use kafkas://, or a mechanism of SCRAM."
            )
        words = {
            "security.protocol": "sasl_ssl" if address.tls else "sasl_plaintext",
            "sasl.mechanism": mechanism,
            "sasl.username": login.user,
            "sasl.password": login.password or "",
        }
    if address.tls and login.ca_file is not None:
        words["ssl.ca.location"] = login.ca_file
    return words
