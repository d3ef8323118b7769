"""Alarms to a webhook: signed, in order, sent again until they are taken, and never to another address."""

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import numpy as np
import pytest

from iotae.cli import main
from iotae.data import Table, TableError
from iotae.runner.webhook import Webhook, signature_of

KEY = "a key of the tests only"


@pytest.fixture
def receiver():
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            code = server.codes.pop(0) if server.codes else 204
            if code == 204:
                server.got.append((self.headers["X-Iotae-Signature"], body))
            self.send_response(code)
            self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    server.got, server.codes = [], []
    server.url = f"http://127.0.0.1:{server.server_address[1]}/alarms?secret=sesame"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def chunk():
    table = Table({"watts": [1.5, 2.5, float("nan")], "mode": ["eco", "on", ""]})
    alarms = np.array([1, 0, 1])
    return table, {"score": np.array([0.5, 0.1, 0.9]), "alarm": alarms, "threshold": np.array([np.nan] * 3)}


def test_alarms_come_in_order_with_their_rows_and_a_signature(receiver):
    hook = Webhook(receiver.url, KEY, first=10)
    hook.write(*chunk())
    hook.write(*chunk())
    told = [json.loads(body) for _, body in receiver.got]
    assert [one["row"] for one in told] == [11, 13, 14, 16]
    assert told[0] == {"row": 11, "score": 0.5, "threshold": None, "cells": {"watts": 1.5, "mode": "eco"}}
    assert told[1]["cells"] == {"watts": None, "mode": ""}
    for sent, body in receiver.got:
        moment, signature = re.fullmatch(r"t=(\d+),v1=([0-9a-f]{64})", sent).groups()
        assert signature == signature_of(KEY, int(moment), body)


def test_an_alarm_that_is_not_taken_is_sent_again_ever_later_and_the_next_ones_wait(receiver):
    receiver.codes = [500, 429, 503, 408]
    pauses = []
    Webhook(receiver.url, KEY, wait=pauses.append).write(*chunk())
    assert [json.loads(body)["row"] for _, body in receiver.got] == [1, 3]
    assert sum(pauses) == 0.5 + 1 + 2 + 4


@pytest.mark.parametrize("code", [400, 401, 404, 302, 307])
def test_a_refusal_and_a_redirection_are_errors_that_show_no_secret(receiver, code):
    receiver.codes = [code]
    with pytest.raises(OSError, match=f"refuses an alarm \\({code}\\)") as error:
        Webhook(receiver.url, KEY).write(*chunk())
    assert "sesame" not in str(error.value)
    assert receiver.got == []


def test_when_the_stream_is_to_end_nothing_is_tried_again(receiver):
    receiver.codes = [500] * 9
    with pytest.raises(OSError, match="does not take an alarm"):
        Webhook(receiver.url, KEY, stopped=lambda: True).write(*chunk())
    assert len(receiver.codes) == 8


def test_after_five_minutes_it_gives_up(monkeypatch):
    moment = [0.0]
    monkeypatch.setattr("iotae.runner.webhook.monotonic", lambda: moment[0])

    def wait(seconds):
        moment[0] += seconds

    # nobody listens on this port
    hook = Webhook("http://127.0.0.1:9/x", KEY, wait=wait)
    with pytest.raises(OSError, match="does not take an alarm"):
        hook.write(*chunk())
    assert 200 < moment[0] <= 300


@pytest.mark.parametrize(
    "url", ["", "ftp://h/x", "https://", "http://example.org/x", "https://me:sesame@h/x", "https://h:x/y"]
)
def test_addresses_that_are_none_or_are_open_to_all_are_refused(url):
    with pytest.raises(TableError, match="for alarms") as error:
        Webhook(url, KEY)
    assert "sesame" not in str(error.value)


def test_without_a_key_nothing_is_sent():
    for key in (None, "short"):
        with pytest.raises(TableError, match="IOTAE_WEBHOOK_KEY"):
            Webhook("https://example.org/x", key)


def test_the_command_goes_on_from_its_checkpoint_when_a_webhook_was_away(
    receiver, tmp_path, monkeypatch, capsys
):
    rng = np.random.default_rng(0)
    values = rng.normal(size=(700, 2)).round(3)
    values[[400, 600]] = 50
    (tmp_path / "a.csv").write_text("a,b\n" + "".join(f"{a},{b}\n" for a, b in values.tolist()))
    monkeypatch.setenv("IOTAE_WEBHOOK_KEY", KEY)
    words = ["stream", str(tmp_path / "a.csv"), "-o", str(tmp_path / "o.csv"), "--webhook", receiver.url]
    words += ["--checkpoint", str(tmp_path / "state"), "--checkpoint-every", "500", "--explain"]
    assert main(["stream", str(tmp_path / "a.csv"), "-o", str(tmp_path / "whole.csv"), "--explain"]) == 0
    lines = (tmp_path / "whole.csv").read_text().splitlines()[1:]
    expected = [i for i, line in enumerate(lines, 1) if line.split(",")[3] == "1"]
    receiver.codes = [204] * (len([i for i in expected if i <= 500]) + 1) + [400]
    capsys.readouterr()
    assert len([i for i in expected if i > 500]) > 1
    assert main(words) == 1
    said = capsys.readouterr().err
    assert ("127.0.0.1" in said, "sesame" in said, KEY in said) == (True, False, False)
    receiver.codes = []
    assert main(words) == 0
    told = [json.loads(body) for _, body in receiver.got]
    assert list(dict.fromkeys(one["row"] for one in told)) == expected
    assert (tmp_path / "o.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()
    assert told[0]["reason"]
