"""Prometheus metrics and a health check over HTTP: on the loopback alone, unless a token guards them."""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from iotae._validation import TableError
from iotae.runner.figures import Figures
from iotae.runner.http_server import SHORTEST_TOKEN, Handler, HttpServer, is_loopback

__all__ = ["MetricsServer", "address_of"]

_MOST_CONNECTIONS = 8


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
            "iotae_alarms_refused": ("Alarms that were refused for good", now.alarms_refused),
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


class _Content(NamedTuple):
    """What requests are answered from."""

    registry: Any
    figures: Callable[[], Figures]
    token: str | None


class MetricsServer(HttpServer):
    """Answer ``/metrics`` and ``/healthz``, in a ``with`` statement.

    ``/healthz`` says 503 while one chunk is worked on for more than a minute; it needs no token and tells
    nothing else.

    Parameters
    ----------
    host, port : str and int
        Port 0 lets the system choose.
    figures : callable
        Returns the figures of the moment, to any thread.
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

        if token is not None and len(token) < SHORTEST_TOKEN:
            raise TableError(
                f"Got a token of {len(token)} letters in IOTAE_TOKEN, but expected {SHORTEST_TOKEN} or more."
            )
        if token is None and not is_loopback(host):
            raise TableError(
                f"Got the host {host} for the metrics, which others can reach, but no token: put one into "
                "the environment as IOTAE_TOKEN, or leave the host out."
            )
        registry = CollectorRegistry()
        collected: Any = _Collected(figures)
        registry.register(collected)
        super().__init__(host, port, _Handler, _Content(registry, figures, token), _MOST_CONNECTIONS)


class _Handler(Handler):
    """One request of a reader."""

    client_seconds = 5.0

    def do_GET(self) -> None:  # noqa: N802  (the library's name)
        """Answer ``/metrics`` and ``/healthz``."""
        from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

        content: _Content = self.server.content
        if self.path == "/healthz":
            healthy = content.figures().healthy
            body = json.dumps({"status": "ok" if healthy else "stalled"})
            self.answer(200 if healthy else 503, body, "application/json")
        elif self.path != "/metrics":
            self.answer(404, "expected /metrics or /healthz\n")
        elif not self._may_read(content.token):
            self.answer(401, "expected Authorization: Bearer TOKEN\n")
        else:
            self.answer(200, generate_latest(content.registry), CONTENT_TYPE_LATEST)

    def _may_read(self, token: str | None) -> bool:
        sent = self.headers.get("Authorization", "").encode()
        return token is None or hmac.compare_digest(sent, f"Bearer {token}".encode())
