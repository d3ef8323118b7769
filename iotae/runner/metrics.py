"""Prometheus metrics and a health check over HTTP: on the loopback alone, unless a token guards them."""

from __future__ import annotations

import hmac
import json
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from ipaddress import ip_address
from threading import Thread, Timer
from types import TracebackType
from typing import Any

from iotae._validation import TableError
from iotae.runner.figures import Figures

__all__ = ["MetricsServer", "address_of"]

_CLIENT_SECONDS = 5.0
_SHORTEST_TOKEN = 16


def address_of(text: str) -> tuple[str, int]:
    """Return the host and the port of ``[HOST:]PORT``; the loopback where no host is named.

    Raises
    ------
    TableError
        If it is none.

    Examples
    --------
    >>> address_of("9464"), address_of("[::1]:9464"), address_of("0.0.0.0:9464")
    (('127.0.0.1', 9464), ('::1', 9464), ('0.0.0.0', 9464))
    """
    host, _, port = text.rpartition(":")
    if not port.isascii() or not port.isdigit() or int(port) > 65_535:
        raise TableError(f"Got the address {text}, but expected [HOST:]PORT, e.g. 9464.")
    return host.strip("[]") or "127.0.0.1", int(port)


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches a host's address."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


class _Collected:
    """The figures as Prometheus's families, made anew for each reader."""

    def __init__(self, figures: Callable[[], Figures]) -> None:
        self._figures = figures

    def collect(self) -> Iterator[Any]:
        """Yield the families."""
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        now = self._figures()
        counters = {
            "iotae_rows": ("Rows scored and learned, earlier runs of the stream included", now.rows),
            "iotae_alarms": ("Rows that were alarms", now.alarms),
            "iotae_rows_set_aside": ("Rows without a usable cell, not learned", now.rows_set_aside),
            "iotae_cells_set_aside": ("Cells that could not be used", now.cells_set_aside),
            "iotae_rows_refused": ("Rows scored but not learned, as they looked anomalous", now.rows_refused),
            "iotae_messages_set_aside": ("Messages of a broker that are no rows", now.messages_set_aside),
            "iotae_messages_again": ("Messages of a broker that came again", now.messages_again),
            "iotae_alarms_refused": ("Alarms that a broker refused for good", now.alarms_refused),
        }
        for name, (text, value) in counters.items():
            if value is not None:
                yield CounterMetricFamily(name, text, value=value)
        gauges = {
            "iotae_drift": ("1 while a changed world is being adopted", float(now.drift)),
            "iotae_devices": ("Devices that have a model", now.devices),
            "iotae_threshold": ("Scores above it are alarms", now.threshold),
            "iotae_last_row_timestamp_seconds": ("When the latest row was scored", now.last_row_at),
            "iotae_checkpoint_age_seconds": ("Seconds since the latest checkpoint", now.checkpoint_age),
            "iotae_lag_bytes": ("Bytes of the input that are not read yet", now.lag_bytes),
            "iotae_lag_messages": ("Messages of a broker that are known to wait", now.lag_messages),
            "iotae_alarms_waiting": ("Alarms that are not sent yet", now.alarms_waiting),
            "iotae_busy_seconds": ("How long the rows at hand have been worked on", now.busy_seconds),
        }
        for name, (text, number) in gauges.items():
            if number is not None:
                yield GaugeMetricFamily(name, text, value=number)
        scores = GaugeMetricFamily("iotae_score", "Quantiles of the latest 1024 scores", labels=["quantile"])
        for quantile, score in now.scores.items():
            scores.add_metric([f"{quantile:g}"], score)
        yield scores


class MetricsServer:
    """Answer ``/metrics`` and ``/healthz`` in a thread of its own, one request at a time.

    Use it in a ``with`` statement. ``/healthz`` says 503 while one chunk is worked on for more than a minute;
    it needs no token and tells nothing else.

    Parameters
    ----------
    host, port : str and int
        Port 0 lets the system choose.
    figures : callable
        Returns the figures of the moment.
    token : str, optional
        What a reader of ``/metrics`` must send as ``Authorization: Bearer TOKEN``.

    Raises
    ------
    TableError
        If the host is more than the loopback and there is no token of 16 letters or more, or the port cannot
        be had.
    ImportError
        If prometheus-client is not installed.
    """

    def __init__(self, host: str, port: int, figures: Callable[[], Figures], token: str | None) -> None:
        from prometheus_client import CollectorRegistry

        if token is not None and len(token) < _SHORTEST_TOKEN:
            raise TableError(
                f"Got a token of {len(token)} letters in IOTAE_TOKEN, but expected {_SHORTEST_TOKEN} or more."
            )
        if token is None and not is_loopback(host):
            raise TableError(
                f"Got the host {host} for the metrics, which others can reach, but no token: put one into "
                "the environment as IOTAE_TOKEN, or leave the host out."
            )
        registry = CollectorRegistry()
        collected: Any = _Collected(figures)
        registry.register(collected)
        try:
            self._server = _Server(host, port, registry, figures, token)
        except (OSError, OverflowError) as error:
            raise TableError(f"Cannot answer on {host} port {port}: {error}.") from None
        self._thread = Thread(target=self._server.serve_forever, args=(0.1,), daemon=True)

    @property
    def port(self) -> int:
        """The port that is answered on."""
        return int(self._server.server_address[1])

    def __enter__(self) -> MetricsServer:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    """One request; the server says what to answer."""

    server: _Server
    # a reader that sends nothing must not hold up the next one for long
    timeout = _CLIENT_SECONDS
    server_version, sys_version = "iotae", ""

    def handle(self) -> None:
        """Answer within the time for one reader, which each byte of a slow one would begin anew."""
        late = Timer(_CLIENT_SECONDS, self._cut_off)
        late.daemon = True
        late.start()
        try:
            super().handle()
        finally:
            late.cancel()
            late.join()

    def _cut_off(self) -> None:
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def do_GET(self) -> None:
        """Answer ``/metrics`` and ``/healthz``."""
        from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

        if self.path == "/healthz":
            healthy = self.server.figures().healthy
            body = json.dumps({"status": "ok" if healthy else "stalled"}).encode()
            self._answer(200 if healthy else 503, "application/json", body)
        elif self.path != "/metrics":
            self._answer(404, "text/plain", b"expected /metrics or /healthz\n")
        elif not self._may_read():
            self._answer(401, "text/plain", b"expected Authorization: Bearer TOKEN\n")
        else:
            self._answer(200, CONTENT_TYPE_LATEST, generate_latest(self.server.registry))

    def _may_read(self) -> bool:
        token, sent = self.server.token, self.headers.get("Authorization", "").encode()
        return token is None or hmac.compare_digest(sent, f"Bearer {token}".encode())

    def _answer(self, code: int, kind: str, body: bytes) -> None:
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Write no line for each reader."""


class _Server(HTTPServer):
    """Holds what the requests are answered from."""

    def __init__(
        self, host: str, port: int, registry: Any, figures: Callable[[], Figures], token: str | None
    ) -> None:
        self.registry, self.figures, self.token = registry, figures, token
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, port), _Handler)

    def server_bind(self) -> None:
        """Bind without asking the network for the name of this host."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()

    def handle_error(self, *_: Any) -> None:
        """Say nothing: a reader that went away is no matter of the stream's."""
