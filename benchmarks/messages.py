"""Messages of a real broker at a fixed rate: how many the command keeps up with, and that none is lost.

A producer sends readings of a hundred devices to mosquitto at QoS 1; the command is killed with
``kill -9`` now and then and started again. The peer is what the rows should be: each message once.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, sleep
from typing import Any

import numpy as np

from benchmarks import datasets, render
from benchmarks.timing import factor_rows

__all__ = ["compare"]

RATE, SECONDS, QUICK_SECONDS, KILLS = 2_000, 600, 1, 6
DEVICES, COLUMNS, SLICE = 100, 5, 0.02
QUIET_SECONDS, START_SECONDS = 10.0, 120.0
"""Without a new row, after which the reader counts as done, as a busy machine pauses it for some; until the
first one, as a process that starts loads what was compiled."""

TEXT = (
    "{n:,} messages of {devices} devices with {columns} numbers each, {rate:,} a second for {seconds} s at "
    "QoS 1 through mosquitto on the same machine. `iotae stream mqtt://...` takes them into an SQLite "
    "file, and is killed with `kill -9` and started again on the way, kills: {kills}. *Behind at "
    "its end*: how long after the last message was sent the last row came to the disk. "
    "*Sending took longer*: than the rate asks for."
)


def _broker(folder: Path) -> tuple[subprocess.Popen[bytes], int]:
    program = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None:
        raise datasets.DatasetAbsentError("mosquitto is not installed: apt-get install mosquitto")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = folder / "mosquitto.conf"
    settings.write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\nmax_inflight_messages 0\n"
    )
    process = subprocess.Popen([program, "-c", settings], stderr=subprocess.DEVNULL)
    for _ in range(1000):
        with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return process, port
        sleep(0.01)
    raise RuntimeError("mosquitto does not answer")


def _client(port: int, name: str, topic: str | None = None) -> Any:
    """A connected client; with a topic, one whose session stays."""
    from paho.mqtt.client import CallbackAPIVersion, Client, MQTTv5
    from paho.mqtt.packettypes import PacketTypes
    from paho.mqtt.properties import Properties

    client, done = Client(CallbackAPIVersion.VERSION2, name, protocol=MQTTv5), []
    wanted = Properties(PacketTypes.CONNECT)
    wanted.SessionExpiryInterval = 3600
    client.max_inflight_messages_set(5000)
    client.on_connect = lambda *_: done.append(1) if topic is None else client.subscribe(topic, qos=1)
    client.on_subscribe = lambda *_: done.append(1)
    client.connect("127.0.0.1", port, clean_start=False, properties=wanted)
    client.loop_start()
    while not done:
        sleep(0.001)
    return client


def _reader(port: int, out: Path) -> subprocess.Popen[bytes]:
    words = [sys.executable, "-m", "iotae", "stream", f"mqtt://127.0.0.1:{port}/plant/+", "-o", str(out)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [*words, "--client-id", "reader"], stderr=subprocess.DEVNULL, cwd=datasets.ROOT, env=environment
    )


def _warm_up(folder: Path) -> None:
    """Let a run that is not counted compile what has to be."""
    given = folder / "warm.csv"
    names = [f"s{j}" for j in range(COLUMNS)]
    given.write_text(",".join(names) + "\n" + "1,2,3,4,5\n" * 40)
    words = [sys.executable, "-m", "iotae", "stream", str(given), "-o", str(folder / "warm-scored.csv")]
    subprocess.run(words, check=True, stderr=subprocess.DEVNULL, cwd=datasets.ROOT)


def _send(client: Any, rows: Any, start: float) -> Any:
    """Send the messages at their rate; yield the time after each slice of them."""
    names, per_slice = [f"s{j}" for j in range(COLUMNS)], int(RATE * SLICE)
    for first in range(0, len(rows), per_slice):
        for i, row in enumerate(rows[first : first + per_slice].round(4).tolist(), first):
            body = json.dumps({"seq": i // DEVICES} | dict(zip(names, row, strict=True)))
            sent = client.publish(f"plant/d{i % DEVICES}", body, qos=1)
        yield monotonic() - start
        sleep(max(start + (first + per_slice) / RATE - monotonic(), 0.0))
    # what the client still holds would be lost with it
    sent.wait_for_publish()


def _rows(out: Path) -> list[tuple[str, int, int]]:
    with closing(sqlite3.connect(out)) as base:
        return base.execute("select device, seq, alarm from rows").fetchall()


def _last_row(out: Path, process: subprocess.Popen[bytes]) -> float:
    """Wait until the reader has nothing to do any more, stop it, and return when its last row came."""
    wal, last, since = Path(f"{out}-wal"), -1, monotonic()
    while monotonic() - since < (QUIET_SECONDS if wal.exists() else START_SECONDS):
        changed = wal.stat().st_mtime_ns if wal.exists() else -1
        if changed != last:
            last, since = changed, monotonic()
        sleep(0.05)
    process.terminate()
    process.wait(60)
    return since


def compare(seed: int, quick: bool) -> tuple[list[str], list[str]]:
    """Return the page's sections, and a note where a message was lost or doubled."""
    seconds, kills = (QUICK_SECONDS, 1) if quick else (SECONDS, KILLS)
    n = RATE * seconds
    rows = next(factor_rows(n, COLUMNS, seed))
    moments = (np.arange(1, kills + 1) * seconds / (kills + 1)).tolist()
    with TemporaryDirectory() as name:
        folder = Path(name)
        out = folder / "rows.sqlite"
        _warm_up(folder)
        broker, port = _broker(folder)
        session = _client(port, "reader", "plant/+")
        session.disconnect()
        session.loop_stop()
        process, producer = _reader(port, out), _client(port, "producer")
        start = monotonic()
        for now in _send(producer, rows, start):
            if moments and now > moments[0]:
                moments.pop(0)
                process.kill()
                process.wait()
                process = _reader(port, out)
        ended = monotonic()
        behind = _last_row(out, process) - ended
        producer.disconnect()
        producer.loop_stop()
        broker.terminate()
        broker.wait()
        found = _rows(out)
    keys = {(device, seq) for device, seq, _ in found}
    expected = {(f"plant/d{i % DEVICES}", i // DEVICES) for i in range(n)}
    lost, doubled = len(expected - keys), len(found) - len(keys)
    table = render.markdown(
        ["sent", "lost", "doubled", "alarms", "behind at its end, s", "sending took longer, s"],
        [
            [
                f"{n:,}",
                lost,
                doubled,
                f"{sum(alarm for *_, alarm in found):,}",
                f"{max(behind, 0.0):.1f}",
                f"{max(ended - start - seconds, 0.0):.1f}",
            ]
        ],
    )
    text = TEXT.format(n=n, devices=DEVICES, columns=COLUMNS, rate=RATE, seconds=seconds, kills=kills)
    bad = lost or doubled
    return [text, table], [f"iotae failed: {lost} messages lost, {doubled} doubled"] if bad else []
