"""Who may read the page: names it is reached by, the token, and the cookie that stands for the token."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from email.message import Message
from http.cookies import CookieError, SimpleCookie
from ipaddress import ip_address

from iotae.data import TableError
from iotae.runner.http_server import SHORTEST_TOKEN, is_loopback

__all__ = ["Access"]

_COOKIE = "iotae_watch"


class Access:
    """Judge requests by their headers.

    Parameters
    ----------
    host : str
        What the server listens on.
    token : str, optional
        Without one, everybody who reaches the server may read.
    names : sequence of str
        Further names that browsers may call the server, such as a proxy's.

    Raises
    ------
    TableError
        If others reach the host and there is no token, or the token is short.

    Examples
    --------
    >>> access = Access("127.0.0.1", None)
    >>> access.knows("localhost:8765"), access.knows("[::1]:80"), access.knows("evil.example:8765")
    (True, True, False)
    """

    def __init__(self, host: str, token: str | None, names: Sequence[str] = ()) -> None:
        if token is not None and len(token) < SHORTEST_TOKEN:
            raise TableError(
                f"Got a token of {len(token)} letters in IOTAE_WATCH_TOKEN, but expected {SHORTEST_TOKEN} or "
                "more."
            )
        if token is not None and not (token.isascii() and token.isprintable()):
            raise TableError(
                "Got a token in IOTAE_WATCH_TOKEN with letters that a browser cannot send, but expected "
                "letters of ASCII."
            )
        if token is None and not is_loopback(host):
            raise TableError(
                f"Got the host {host} for the page, which others can reach, but no token: put one into the "
                "environment as IOTAE_WATCH_TOKEN, or leave --host out."
            )
        self._token = token
        self._names = {"localhost", host.lower(), *(name.lower() for name in names)}
        # the cookie outlives the server, so that a screen on a wall needs no hand after a restart; it is not
        # the token, as a browser sends it to all ports of this machine
        key = b"" if token is None else token.encode("utf-8", "surrogateescape")
        self._pass = hmac.new(key, b"iotae watch", "sha256").hexdigest()

    def knows(self, host: str) -> bool:
        """Whether a ``Host`` header is one of ours.

        A page of another site can have its own name lead here (DNS rebinding), but not an address.
        """
        name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
        name = name.strip("[]").lower()
        try:
            return name in self._names or bool(ip_address(name))
        except ValueError:
            return False

    def allows(self, headers: Message) -> bool:
        """Whether a request brings the token, or the cookie that stands for it."""
        return self._token is None or self._has_token(headers) or self._has_cookie(headers)

    def _has_token(self, headers: Message) -> bool:
        sent = headers.get("Authorization", "").encode("utf-8", "surrogateescape")
        token = (self._token or "").encode("utf-8", "surrogateescape")
        return hmac.compare_digest(sent, b"Bearer " + token)

    def _has_cookie(self, headers: Message) -> bool:
        try:
            sent = SimpleCookie(headers.get("Cookie", "")).get(_COOKIE)
        except CookieError:
            return False
        return sent is not None and hmac.compare_digest(sent.value.encode(), self._pass.encode())

    def cookie_for(self, headers: Message) -> str | None:
        """Return the cookie for a request that brings the token, None for any other."""
        if self._token is None or not self._has_token(headers):
            return None
        return f"{_COOKIE}={self._pass}; Path=/; HttpOnly; SameSite=Strict; Max-Age=2592000"
