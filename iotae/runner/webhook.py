"""Alarms to a webhook: signed, sent again until they are taken, and the stream waits meanwhile."""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable
from http.client import HTTPException
from time import monotonic, sleep, time
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from iotae._validation import TableError
from iotae.data import Table
from iotae.runner.alarms import alarms_of
from iotae.runner.http_server import is_loopback
from iotae.runner.loop import Added

__all__ = ["AlarmRefusedError", "Webhook", "signature_of"]

_ANSWER_SECONDS, _SLOWEST_RETRY_SECONDS, _SLICE_SECONDS = 10.0, 30.0, 0.5
_GIVEN_UP_SECONDS = 300.0
_SHORTEST_KEY = 16
_TRY_AGAIN = (408, 425, 429)
_OF_ONE_ALARM = (413, 422)
"""Too large, and not to be processed: what is wrong with this alarm, and not with the address or the key."""


class AlarmRefusedError(OSError):
    """A receiver will never take this alarm, and may take others."""


def signature_of(key: str, moment: int, body: bytes) -> str:
    """Return the signature of a body sent at a moment: HMAC-SHA256 of ``MOMENT.BODY``, in hexadecimal.

    Examples
    --------
    >>> signature_of("a key of sixteen letters", 1767225600, b"{}")[:16]
    'c041d0fe04c0da9e'
    """
    return hmac.new(key.encode(), f"{moment}.".encode() + body, "sha256").hexdigest()


class Webhook:
    """Post each alarm as JSON, in order; a sink of a runner.

    An alarm that is not taken is sent again, after half a second at first and up to thirty; meanwhile the
    stream waits, so that nothing piles up. After five minutes the stream ends with an error, before a
    checkpoint, so that the same command sends these alarms again. ``row``, the number of the row in the
    stream, tells an alarm that comes twice.

    Parameters
    ----------
    url : str
        ``https://...``, or ``http://`` of this machine; redirections are not followed.
    key : str
        What the alarms are signed with, of 16 letters or more.
    first : int
        Rows of the stream before those that come.
    stopped : callable
        Whether the stream is to end, so that no alarm is tried again.
    wait : callable
        Waits for so many seconds.

    Raises
    ------
    TableError
        If the address or the key is none.
    """

    def __init__(
        self,
        url: str,
        key: str | None,
        first: int = 0,
        stopped: Callable[[], bool] = lambda: False,
        wait: Callable[[float], None] = sleep,
    ) -> None:
        self._host = _checked_host(url)
        if key is None or len(key) < _SHORTEST_KEY:
            raise TableError(
                f"Got a webhook for alarms and no key of {_SHORTEST_KEY} letters or more to sign them: put "
                "one into the environment as IOTAE_WEBHOOK_KEY."
            )
        self._url, self._key, self._row = url, key, first
        self._stopped, self._wait = stopped, wait
        self._opener = build_opener(_NoRedirection())

    def write(self, table: Table, added: Added) -> None:
        """Post the alarms of a chunk; when this returns, all of them are taken.

        Raises
        ------
        OSError
            If one is refused, or not taken for five minutes.
        """
        for i, told, cells in alarms_of(table, added):
            self.deliver(json.dumps({"row": self._row + i + 1} | told | {"cells": cells}).encode())
        self._row += table.n_rows

    def deliver(self, body: bytes) -> None:
        """Post one alarm, again and again until it is taken.

        Raises
        ------
        AlarmRefusedError
            If it is refused, as it is too large or not to be processed.
        OSError
            If it is refused for another reason, or not taken for five minutes.
        """
        begin, pause = monotonic(), _SLICE_SECONDS
        while (failure := self._failure_of(body)) is not None:
            if self._stopped() or monotonic() - begin + pause > _GIVEN_UP_SECONDS:
                raise OSError(None, f"the webhook does not take an alarm ({failure})", self._host)
            for _ in range(round(pause / _SLICE_SECONDS)):
                if not self._stopped():
                    self._wait(_SLICE_SECONDS)
            pause = min(2 * pause, _SLOWEST_RETRY_SECONDS)

    def _failure_of(self, body: bytes) -> str | None:
        """Post once; say why it should be tried again, if it should."""
        moment = int(time())
        request = Request(self._url, body, method="POST")
        request.add_header("Content-Type", "application/json")
        request.add_header("X-Iotae-Signature", f"t={moment},v1={signature_of(self._key, moment, body)}")
        try:
            # what it answers is of no use, and may be without an end
            self._opener.open(request, timeout=_ANSWER_SECONDS).close()
        except HTTPError as error:
            with error:
                if error.code < 500 and error.code not in _TRY_AGAIN:
                    kind = AlarmRefusedError if error.code in _OF_ONE_ALARM else OSError
                    raise kind(None, f"the webhook refuses an alarm ({error.code})", self._host) from None
            return str(error.code)
        except (OSError, HTTPException) as error:
            return type(error).__name__ if not str(error) else str(error)
        return None


class _NoRedirection(HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Follow none: alarms go to the address that was given and to no other."""


def _checked_host(url: str) -> str:
    """Return the host of a webhook's address; the address itself may hold a secret and is never shown."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        parts.port  # noqa: B018  (raises where it is none)
    except ValueError:
        host = ""
    if not host or parts.scheme not in ("http", "https") or parts.username is not None:
        raise TableError("Got an address for alarms that is none, but expected https://HOST/PATH.")
    if parts.scheme == "http" and not is_loopback(host):
        raise TableError(f"Got http:// for alarms to {host}, where others can read them: use https://.")
    return host
