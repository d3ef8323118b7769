"""A small HTTP server in threads of its own: so many clients at a time, and none that holds it up."""

from __future__ import annotations

import socket
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from threading import BoundedSemaphore, Event, Thread, Timer
from types import TracebackType
from typing import Any, Self

from iotae._validation import TableError

__all__ = ["SHORTEST_TOKEN", "Handler", "HttpServer", "is_loopback"]

SHORTEST_TOKEN = 16
"""Letters of a token that opens a server to other machines, at least."""

_TEXT = "text/plain; charset=utf-8"


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches a host's address.

    Examples
    --------
    >>> is_loopback("localhost"), is_loopback("127.0.0.9"), is_loopback("0.0.0.0")
    (True, True, False)
    """
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


class Handler(BaseHTTPRequestHandler):
    """One request; what it is answered from is ``self.server.content``."""

    server: _Server
    client_seconds = 10.0
    """The whole time of a client, which each byte of a slow one would begin anew."""

    server_version, sys_version = "iotae", ""

    def setup(self) -> None:
        """Bound how long a client may be silent, too."""
        super().setup()
        self.connection.settimeout(self.client_seconds)

    def handle(self) -> None:
        """Answer within the time for one client."""
        self._late = Timer(self.client_seconds, self._cut_off)
        self._late.daemon = True
        self._late.start()
        try:
            super().handle()
        finally:
            self._late.cancel()
            self._late.join()

    def _cut_off(self) -> None:
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def begin_stream(self) -> None:
        """Let an answer go on for as long as the client takes in what it is sent.

        A client that takes nothing is let go when its own buffer has been full for the time of a client: a
        system that does not know how to tell lets go when the buffer of this side is full as well.
        """
        self._late.cancel()
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            longest = int(1000 * self.client_seconds)
            self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, longest)

    def answer(
        self, code: int, body: str | bytes, kind: str = _TEXT, headers: dict[str, str] | None = None
    ) -> None:
        """Send a whole answer."""
        raw = body.encode() if isinstance(body, str) else body
        self.send_response(code)
        self.send_header("Content-Type", kind)
        if code != 204:
            self.send_header("Content-Length", str(len(raw)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *_: Any) -> None:
        """Write no line for each request."""


class HttpServer:
    """Answer requests, each in a thread, in a ``with`` statement.

    Parameters
    ----------
    host, port : str and int
        Port 0 lets the system choose.
    handler : type of Handler
    content : object
        What requests are answered from.
    most : int
        Connections at a time; a further one is ended at once.

    Raises
    ------
    TableError
        If the port cannot be had.
    """

    def __init__(self, host: str, port: int, handler: type[Handler], content: Any, most: int) -> None:
        try:
            self._server = _Server(host, port, handler, content, most)
        except (OSError, OverflowError) as error:
            raise TableError(f"Cannot answer on {host} port {port}: {error}. Name another port.") from None
        self._thread = Thread(target=self._server.serve_forever, args=(0.1,), daemon=True)

    @property
    def host(self) -> str:
        """The address that is answered on."""
        return str(self._server.server_address[0])

    @property
    def port(self) -> int:
        """The port that is answered on."""
        return int(self._server.server_address[1])

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.ended.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    """Holds what the requests are answered from, and whether it has ended."""

    daemon_threads, block_on_close = True, False
    # of those that connect at once, as pages do after a restart, the system lets the others wait a second
    request_queue_size = 128

    def __init__(self, host: str, port: int, handler: type[Handler], content: Any, most: int) -> None:
        self.content, self.ended = content, Event()
        self._connections = BoundedSemaphore(most)
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, port), handler)

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
        """Say nothing: a client that went away is no matter of the stream's."""
