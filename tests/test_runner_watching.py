"""What a running stream tells: metrics, health, JSON logs; and that nobody else is told."""

import json
import re
import shlex
import socket
import threading
import time
import urllib.error
import urllib.request

import numpy as np
import pytest

from iotae import OnlineAutoencoder
from iotae.cli import main
from iotae.cli.parser import make_parser
from iotae.data import Table, TableError
from iotae.runner import follow, metrics
from iotae.runner.figures import StreamFigures
from iotae.runner.http_server import is_loopback
from iotae.runner.metrics import MetricsServer, address_of
from tests.conftest import ROOT

pytest.importorskip("prometheus_client", reason="the metrics need the extra watch")
TOKEN = "a token of the tests only"


def read(port, path="/metrics", token=None):
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}")
    if token is not None:
        request.add_header("Authorization", f"Bearer {token}")
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def values(text):
    found = (line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, value in found}


def added(scores, alarms, thresholds):
    return {"score": np.array(scores), "alarm": np.array(alarms), "threshold": np.array(thresholds)}


@pytest.fixture
def figures():
    moment = [1000.0]
    model = OnlineAutoencoder(seed=0)
    made = StreamFigures(model, {"rows": 10, "alarms": 1}, lambda: 990.0, lambda: 77, clock=lambda: moment[0])
    made.moment = moment
    return made


def test_the_metrics_are_those_of_the_rows(figures):
    figures.write(Table({"a": [1.0, 2.0, 3.0]}), added([0.1, 0.2, 0.9], [0, 0, 1], [0.5, 0.5, 0.6]))
    with MetricsServer("127.0.0.1", 0, figures.now, None) as server:
        code, text = read(server.port)
        assert (code, read(server.port, "/healthz")) == (200, (200, '{"status": "ok"}'))
        assert read(server.port, "/elsewhere")[0] == 404
    found = values(text)
    expected = {
        "iotae_rows_total": 13,
        "iotae_alarms_total": 2,
        "iotae_threshold": 0.6,
        'iotae_score{quantile="0.5"}': 0.2,
        "iotae_lag_bytes": 77,
        "iotae_checkpoint_age_seconds": 10,
        "iotae_last_row_timestamp_seconds": 1000,
        "iotae_drift": 0,
        "iotae_devices": 1,
    }
    assert {name: found[name] for name in expected} == expected


def test_before_the_first_row_nothing_is_told_that_is_not_known(figures):
    figures.write(Table({"a": []}), added([], [], []))
    now = figures.now()
    assert (now.threshold, now.last_row_at, dict(now.scores)) == (None, None, {})
    figures.write(Table({"a": [1.0]}), added([0.0], [0], [np.inf]))
    assert figures.now().threshold is None


def test_a_chunk_that_takes_more_than_a_minute_is_not_healthy(figures):
    figures.begin()
    figures.moment[0] += 61
    with MetricsServer("127.0.0.1", 0, figures.now, TOKEN) as server:
        assert read(server.port, "/healthz") == (503, '{"status": "stalled"}')
    figures.write(Table({"a": [1.0]}), added([0.0], [0], [0.5]))
    assert figures.now().healthy


def test_with_a_token_only_who_has_it_reads(figures):
    with MetricsServer("127.0.0.1", 0, figures.now, TOKEN) as server:
        assert [read(server.port, token=token)[0] for token in (None, "", TOKEN[:-1], TOKEN)] == [
            *(401, 401, 401, 200)
        ]
        assert TOKEN not in read(server.port)[1]


def test_nothing_listens_beyond_the_loopback_without_a_token(figures):
    for host in ("0.0.0.0", "::", "192.0.2.1", "example.org", ""):
        with pytest.raises(TableError, match="which others can reach, but no token"):
            MetricsServer(host, 0, figures.now, None)
    with pytest.raises(TableError, match="Got a token of 5 letters"):
        MetricsServer("0.0.0.0", 0, figures.now, "short")
    with MetricsServer("0.0.0.0", 0, figures.now, TOKEN) as server:
        assert read(server.port, token=TOKEN)[0] == 200
    assert [is_loopback(host) for host in ("127.0.0.9", "::1", "localhost", "10.0.0.1")] == [
        *(True,) * 3,
        False,
    ]


@pytest.mark.parametrize("text", ["", "host", ":", "1:x", "70000", "-1", "1.5", "²"])
def test_what_is_no_address_is_an_error(text):
    with pytest.raises(TableError, match="expected"):
        address_of(text)


def test_a_port_that_is_taken_is_an_error(figures):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(TableError, match=r"Cannot answer on 127\.0\.0\.1 port"):
            MetricsServer("127.0.0.1", other.getsockname()[1], figures.now, None)


def test_a_reader_that_goes_away_or_sends_rubbish_is_no_matter(figures, capfd):
    with MetricsServer("127.0.0.1", 0, figures.now, None) as server:
        for sent in (b"", b"\x00\xff\r\n\r\n", b"GET /metrics HTTP/1.1\r\n" + b"a: b\r\n" * 200 + b"\r\n"):
            with socket.create_connection(("127.0.0.1", server.port)) as client:
                client.sendall(sent)
        assert read(server.port)[0] == 200
    assert capfd.readouterr().err == ""


def test_a_reader_that_sends_letter_by_letter_is_cut_off(figures, monkeypatch):
    monkeypatch.setattr(metrics._Handler, "client_seconds", 0.3)
    with (
        MetricsServer("127.0.0.1", 0, figures.now, None) as server,
        socket.create_connection(("127.0.0.1", server.port)) as slow,
    ):
        slow.settimeout(0.02)
        slow.sendall(b"GET /healthz HTTP/1.1\r\nx: ")
        ended, until = False, time.monotonic() + 4.0
        while not ended and time.monotonic() < until:
            try:
                slow.sendall(b"y")
                ended = slow.recv(1) == b""
            except TimeoutError:
                continue
            except ConnectionError:
                ended = True
        assert ended
        assert read(server.port, "/healthz")[0] == 200


def test_a_slow_reader_of_the_metrics_holds_up_no_health_check(figures):
    with (
        MetricsServer("127.0.0.1", 0, figures.now, None) as server,
        socket.create_connection(("127.0.0.1", server.port)),
    ):
        begun = time.monotonic()
        assert read(server.port, "/healthz")[0] == 200
        assert time.monotonic() - begun < metrics._Handler.client_seconds / 2


def test_the_command_tells_its_metrics_while_it_follows(tmp_path, monkeypatch, capsys):
    log = tmp_path / "log.csv"
    log.write_text("a,b\n" + "".join(f"{i % 5},{i % 7}\n" for i in range(50)))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    told = []

    def wait(seconds):
        told.append(read(port))
        raise KeyboardInterrupt

    monkeypatch.setattr(follow, "sleep", wait)
    words = ["stream", str(log), "--follow", "-o", str(tmp_path / "out.csv"), "--metrics", str(port)]
    before = set(threading.enumerate())
    assert main([*words, "--checkpoint", str(tmp_path / "state"), "--log", "json"]) == 0
    ((code, text),) = told
    assert (code, values(text)["iotae_rows_total"], values(text)["iotae_lag_bytes"]) == (200, 50, 0)
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert lines[-1]["message"].startswith("50 rows scored and learned")
    assert {line["level"] for line in lines} <= {"info", "warning"}
    assert set(threading.enumerate()) <= before


def test_errors_are_json_too_and_the_next_command_writes_text(tmp_path, capsys, monkeypatch):
    words = ["stream", str(tmp_path / "none.csv")]
    assert main([*words, "--log", "json"]) == 1
    line = json.loads(capsys.readouterr().err)
    assert (line["level"], "no file" in line["message"]) == ("error", True)
    assert main(words) == 1
    assert capsys.readouterr().err.startswith("iotae: error: There is no file")
    monkeypatch.setenv("IOTAE_TOKEN", "short")
    (tmp_path / "a.csv").write_text("a\n1\n")
    assert main(["stream", str(tmp_path / "a.csv"), "--metrics", "0"]) == 1
    assert "short" not in capsys.readouterr().err


def test_the_dashboard_shows_metrics_that_there_are_and_leaves_none_out(figures):
    figures.write(Table({"a": [1.0]}), added([0.5], [0], [0.5]))
    figures.note_messages(3, 2, 1)
    figures.note_alarms(1, 0)
    with MetricsServer("127.0.0.1", 0, figures.now, None) as server:
        there = {re.sub(r"\{.*", "", name) for name in values(read(server.port)[1])}
    dashboard = json.loads((ROOT / "deploy" / "dashboard.json").read_text())
    asked = {
        name
        for panel in dashboard["panels"]
        for target in panel["targets"]
        for name in re.findall(r"iotae_\w+", target["expr"])
    }
    assert asked == there
    page = (ROOT / "docs" / "command.md").read_text()
    assert there <= set(re.findall(r"iotae_\w+", page))


UNITS = {"bytes": ("_bytes",), "s": ("_seconds",), "cps": ("rate(",), "percentunit": (" / rate(",)}


def test_each_line_of_the_dashboard_has_the_unit_of_its_metric():
    dashboard = json.loads((ROOT / "deploy" / "dashboard.json").read_text())
    for panel in dashboard["panels"]:
        config = panel["fieldConfig"]
        by_name = {one["matcher"]["options"]: one["properties"][0]["value"] for one in config["overrides"]}
        for target in panel["targets"]:
            unit = by_name.get(target["legendFormat"], config["defaults"]["unit"])
            expected = [
                name for name, marks in UNITS.items() if any(mark in target["expr"] for mark in marks)
            ]
            assert unit == (expected[-1] if expected else unit), target["expr"]
            assert expected or unit in ("short", "bool"), target["expr"]


def test_the_compose_file_opens_its_ports_to_this_machine_alone_and_each_command_is_one():
    yaml = pytest.importorskip("yaml", reason="the compose file is read with PyYAML")
    services = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text())["services"]
    ports = {name: service["ports"] for name, service in services.items() if "ports" in service}
    assert ports.keys() == {"watch", "prometheus", "grafana"}
    assert all(port.startswith("127.0.0.1:") for opened in ports.values() for port in opened)
    for name, secret in (("iotae", "IOTAE_TOKEN"), ("watch", "IOTAE_WATCH_TOKEN")):
        # what others can reach needs its token
        assert services[name]["environment"][secret].startswith(f"${{{secret}:?")
        args = make_parser().parse_args(shlex.split(services[name]["command"]))
        assert args.command == {"iotae": "stream"}.get(name, name)
        assert services[name]["read_only"]
    assert services["watch"]["volumes"] == ["./data:/data:ro"]
