"""The page over HTTP: three addresses, read-only, a bounded number of browsers, a thread for each."""

from __future__ import annotations

import json
from threading import BoundedSemaphore
from time import monotonic
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

from iotae.runner.http_server import Handler, HttpServer
from iotae.watch.access import Access
from iotae.watch.board import Asked, Board
from iotae.watch.devices import ORDERS
from iotae.watch.found import LONGEST_NAME
from iotae.watch.page import page_of

__all__ = ["MOST_PAGES", "WatchServer"]

MOST_PAGES = 32
"""Pages that may be open at a time."""

_MOST_CONNECTIONS = 64
_SECONDS_APART, _SECONDS_STILL = 1.0, 5.0


class _Content(NamedTuple):
    """What requests are answered from; ``pages`` are the places for those that are open."""

    board: Board
    access: Access
    pages: BoundedSemaphore


class WatchServer(HttpServer):
    """Answer ``/`` (the page), ``/events`` (what it shows, as it comes), ``/enter`` (a cookie for the token).

    Use it in a ``with`` statement. Nothing is queued for a browser: each is told the state of the moment when
    it has taken what it was told before, once a second at most. One that takes nothing for ten seconds is
    let go, and so is one that has not sent its request, or taken the page, by then.

    Parameters
    ----------
    host, port : str and int
        Port 0 lets the system choose.
    board : Board
    access : Access

    Raises
    ------
    TableError
        If the port cannot be had.
    """

    def __init__(self, host: str, port: int, board: Board, access: Access) -> None:
        content = _Content(board, access, BoundedSemaphore(MOST_PAGES))
        super().__init__(host, port, _Handler, content, _MOST_CONNECTIONS)

    @property
    def address(self) -> str:
        """Where the page is."""
        return f"http://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}/"


class _Handler(Handler):
    """One request; nothing in it names a file."""

    error_content_type, error_message_format = "text/plain", "%(code)d %(message)s\n"

    def do_GET(self) -> None:  # noqa: N802  (the library's name)
        """Answer one of the three addresses."""
        content: _Content = self.server.content
        access = content.access
        try:
            asked = urlsplit(self.path)
        except ValueError:
            self.answer(400, "no address\n")
            return
        if not access.knows(self.headers.get("Host", "")):
            self.answer(421, "this name is not known here: give it to iotae watch with --name\n")
        elif self.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin") and asked.path != "/":
            self.answer(403, "not from another site\n")
        elif asked.path == "/":
            page, policy = page_of()
            self.answer(200, page, "text/html; charset=utf-8", {"Content-Security-Policy": policy})
        elif asked.path == "/enter":
            self._enter(access)
        elif asked.path != "/events":
            self.answer(404, "expected /, /events or /enter\n")
        elif not access.allows(self.headers):
            self.answer(401, "expected Authorization: Bearer TOKEN\n")
        elif not content.pages.acquire(blocking=False):
            self.answer(503, f"{MOST_PAGES} pages are open already\n")
        else:
            try:
                self._stream(content.board, _asked(asked.query))
            finally:
                content.pages.release()

    def _enter(self, access: Access) -> None:
        """Give the cookie for the token, or say whether one is needed."""
        cookie = access.cookie_for(self.headers)
        if cookie is not None:
            self.answer(204, "", headers={"Set-Cookie": cookie})
        elif access.allows(self.headers):
            self.answer(204, "")
        else:
            self.answer(401, "expected Authorization: Bearer TOKEN\n")

    def _stream(self, board: Board, asked: Asked) -> None:
        """Tell what is new, until the browser or the server ends."""
        self.begin_stream()
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("X-Accel-Buffering", "no")
        self.end_headers()
        version, seen = -1, (0, 0)
        while not self.server.ended.is_set():
            begun = monotonic()
            told: dict[str, Any] = {"status": board.status()}
            if board.version != version:
                version = board.version
                told = board.told(asked, seen)
                seen = (told["alarms"]["begun"], told["alarms"]["n"])
            self.wfile.write(f"data: {json.dumps(told, separators=(',', ':'))}\n\n".encode())
            if self.server.ended.wait(_SECONDS_APART):
                return
            board.wait(version, max(_SECONDS_STILL - (monotonic() - begun), 0.0))

    def end_headers(self) -> None:
        """Send what holds for every answer."""
        for name, value in _ALWAYS.items():
            self.send_header(name, value)
        super().end_headers()


_ALWAYS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def _asked(query: str) -> Asked:
    """What the words after the question mark ask for; those that say nothing are passed over."""
    try:
        found = {name: values[-1] for name, values in parse_qs(query, max_num_fields=8).items()}
    except ValueError:
        found = {}
    order, device = found.get("order", ""), found.get("device")
    return Asked(
        None if device is None else device.removeprefix("=")[:LONGEST_NAME],
        "all" if found.get("span") == "all" else "recent",
        order if order in ORDERS else "alarms",
        found.get("part", "")[:LONGEST_NAME],
    )
