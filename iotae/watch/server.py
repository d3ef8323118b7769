"""The page over HTTP: three addresses, read-only, a bounded number of browsers, a thread for each."""

from __future__ import annotations

import json
import socket
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import BoundedSemaphore, Event, Thread
from time import monotonic
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, urlsplit

from iotae.data import TableError
from iotae.watch.access import Access
from iotae.watch.board import Asked, Board
from iotae.watch.devices import ORDERS
from iotae.watch.found import LONGEST_NAME
from iotae.watch.page import page_of

__all__ = ["MOST_PAGES", "WatchServer"]

MOST_PAGES = 32
"""Pages that may be open at a time."""

_MOST_CONNECTIONS = 64
_CLIENT_SECONDS = 10.0
_SECONDS_APART, _SECONDS_STILL = 1.0, 5.0


class WatchServer:
    """Answer ``/`` (the page), ``/events`` (what it shows, as it comes), ``/enter`` (a cookie for the token).

    Use it in a ``with`` statement. Nothing is queued for a browser: each is told the state of the moment when
    it has taken what it was told before, once a second at most. One that takes nothing for ten seconds is
    let go.

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
        try:
            self._server = _Server(host, port, board, access)
        except (OSError, OverflowError) as error:
            raise TableError(
                f"Cannot answer on {host} port {port}: {error}. Name another, --port N."
            ) from None
        self._thread = Thread(target=self._server.serve_forever, args=(0.1,), daemon=True)

    @property
    def address(self) -> str:
        """Where the page is."""
        host, port = str(self._server.server_address[0]), self._server.server_address[1]
        return f"http://{f'[{host}]' if ':' in host else host}:{port}/"

    def __enter__(self) -> WatchServer:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.ended.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    """One request; nothing in it names a file."""

    server: _Server
    timeout = _CLIENT_SECONDS
    server_version, sys_version = "iotae", ""
    error_content_type, error_message_format = "text/plain", "%(code)d %(message)s\n"

    def do_GET(self) -> None:
        """Answer one of the three addresses."""
        access = self.server.access
        try:
            asked = urlsplit(self.path)
        except ValueError:
            self._answer(400, "no address\n")
            return
        if not access.knows(self.headers.get("Host", "")):
            self._answer(421, "this name is not known here: give it to iotae watch with --name\n")
        elif self.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin") and asked.path != "/":
            self._answer(403, "not from another site\n")
        elif asked.path == "/":
            page, policy = page_of()
            self._answer(200, page, "text/html; charset=utf-8", {"Content-Security-Policy": policy})
        elif asked.path == "/enter":
            self._enter()
        elif asked.path != "/events":
            self._answer(404, "expected /, /events or /enter\n")
        elif not access.allows(self.headers):
            self._answer(401, "expected Authorization: Bearer TOKEN\n")
        elif not self.server.pages.acquire(blocking=False):
            self._answer(503, f"{MOST_PAGES} pages are open already\n")
        else:
            try:
                self._stream(_asked(asked.query))
            finally:
                self.server.pages.release()

    def _enter(self) -> None:
        """Give the cookie for the token, or say whether one is needed."""
        cookie = self.server.access.cookie_for(self.headers)
        if cookie is not None:
            self._answer(204, "", headers={"Set-Cookie": cookie})
        elif self.server.access.allows(self.headers):
            self._answer(204, "")
        else:
            self._answer(401, "expected Authorization: Bearer TOKEN\n")

    def _stream(self, asked: Asked) -> None:
        """Tell what is new, until the browser or the server ends."""
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("X-Accel-Buffering", "no")
        self.end_headers()
        board, version, seen = self.server.board, -1, (0, 0)
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

    def _answer(
        self,
        code: int,
        body: str | bytes,
        kind: str = "text/plain; charset=utf-8",
        headers: dict[str, str] | None = None,
    ) -> None:
        raw = body.encode() if isinstance(body, str) else body
        self.send_response(code)
        self.send_header("Content-Type", kind)
        if code != 204:
            self.send_header("Content-Length", str(len(raw)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(raw)

    def end_headers(self) -> None:
        """Send what holds for every answer."""
        for name, value in _ALWAYS.items():
            self.send_header(name, value)
        super().end_headers()

    def log_message(self, *_: Any) -> None:
        """Write no line for each browser."""


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


class _Server(ThreadingHTTPServer):
    """Holds what the requests are answered from."""

    daemon_threads, block_on_close = True, False

    def __init__(self, host: str, port: int, board: Board, access: Access) -> None:
        self.board, self.access = board, access
        self.ended = Event()
        self.pages = BoundedSemaphore(MOST_PAGES)
        self._connections = BoundedSemaphore(_MOST_CONNECTIONS)
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, port), _Handler)

    def server_bind(self) -> None:
        """Bind without asking the network for the name of this host."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Give a connection a thread, or end it where there are too many."""
        if not self._connections.acquire(blocking=False):
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except BaseException:
            self._connections.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer, and make room for another."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._connections.release()

    def handle_error(self, *_: Any) -> None:
        """Say nothing: a browser that went away is no matter of the stream's."""
