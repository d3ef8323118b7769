"""What holds for every broker's stream: fleets, saved models, metrics, alarms sent, options refused."""

import json
import os
import signal
import socket
import sqlite3
from contextlib import closing

import numpy as np
import pytest

from iotae import OnlineAutoencoder, serialization
from iotae.cli import main
from iotae.fleet import Fleet
from iotae.runner.ledger import Ledger
from iotae.runner.outbox import Outbox
from iotae.runner.webhook import Webhook
from tests.conftest import ROOT
from tests.test_runner_checkpoint import worker as worker
from tests.test_runner_watching import read, values
from tests.test_runner_webhook import KEY
from tests.test_runner_webhook import receiver as receiver

pytest.importorskip("confluent_kafka", reason="Kafka needs the extra kafka")
from tests.kafka_cluster import Cluster, readings, rows_of, stopped_at


@pytest.fixture(scope="module")
def cluster():
    return Cluster()


def send(cluster, topic, n, seed=0):
    cluster.send(topic, [(device, 0, json.dumps(row)) for device, _, row in readings(n, seed)])


def words_of(cluster, topic, out, *more):
    return ["stream", f"kafka://{cluster.address}/{topic}", "-o", str(out), "--alpha", "0.05", *more]


def judged_by(fleet, n):
    for i, (device, _, row) in enumerate(readings(n)):
        row = row | {"device": device}
        cut = fleet.threshold_of(row)
        score, alarm = fleet.score_learn_one(row)
        yield device, 0, i, score, int(alarm), None if np.isinf(cut) else cut


@pytest.mark.parametrize("mode", ["separate", "shared"])
def test_a_model_for_each_device_goes_on_after_kills_and_scores_are_those_of_one_run(
    mode, cluster, worker, tmp_path
):
    n, out, topic = 250, tmp_path / "rows.sqlite", f"fleet-{mode}"
    words = words_of(cluster, topic, out, "--group-mode", mode)
    send(cluster, topic, n)
    for commit in ((2, False), (2, True)):
        assert worker(*words, commit=commit, most=50)["code"] == -9
    assert 0 < len(rows_of(out)) < n
    cluster.send(topic, [("d9", 0, '{"a": 1.0}')])
    done = worker(*words, rows=n + 1, most=50)
    assert done["code"] == 143, done["said"]
    assert "7 devices" in done["said"]
    fleet = Fleet(OnlineAutoencoder(seed=0, alpha=0.05), "device", mode)
    assert rows_of(out)[:-1] == list(judged_by(fleet, n))


def test_only_devices_that_have_learned_are_put_down_anew(cluster, tmp_path, monkeypatch):
    send(cluster, "pieces", 60)
    cluster.send("pieces", [("d1", 0, '{"a": 1.0, "b": 2.0, "mode": "eco"}'), ("", 0, '{"a": 1.0}')])
    commit, pieces = Ledger.commit, []

    def committed(self, batch, judged, state, parts=None):
        pieces.append((sorted({one.device for one in batch}), sorted(parts)))
        commit(self, batch, judged, state, parts)

    monkeypatch.setattr(Ledger, "commit", committed)
    monkeypatch.setattr("iotae.runner.message_loop.MOST_ROWS", 30)
    stopped_at(62, monkeypatch)
    assert main(words_of(cluster, "pieces", tmp_path / "rows.sqlite", "--group-mode", "shared")) == 130
    # a message without a key is of one more device
    assert pieces[-1][1] == [1, 6]
    assert all(len(devices) >= len(parts) for devices, parts in pieces)


def test_a_saved_model_is_begun_with_and_not_looked_at_again(cluster, tmp_path, monkeypatch, capsys):
    saved, out = tmp_path / "model.iotae", tmp_path / "rows.sqlite"
    model = OnlineAutoencoder(seed=3, alpha=0.1)
    for _, _, row in readings(300, seed=5):
        model.learn_one(row)
    serialization.write(saved, "OnlineAutoencoder", model.to_state())
    words = words_of(cluster, "saved", out, "--model", str(saved))
    assert main(words) == 1
    assert "a saved model keeps its own" in capsys.readouterr().err
    words = [word for word in words if word not in ("--alpha", "0.05")]
    expected = [model.score_learn_one(row)[0] for _, _, row in readings(50)]
    for n in (25, 50):
        cluster.send("saved", [(d, 0, json.dumps(row)) for d, _, row in list(readings(50))[n - 25 : n]])
        with monkeypatch.context() as patch:
            stopped_at(n, patch)
            assert main(words) == 130
        saved.unlink(missing_ok=True)
    assert [score for *_, score, _, _ in rows_of(out)] == expected
    assert main([*words[:4], "--model", str(tmp_path / "other.iotae")]) == 1
    said = capsys.readouterr().err
    assert f"was begun with model {tmp_path / 'model.iotae'}, but expected model " in said
    assert "topic" not in said


def test_a_broker_s_stream_tells_its_metrics_and_its_health(cluster, tmp_path, monkeypatch, capsys):
    pytest.importorskip("prometheus_client", reason="the metrics need the extra watch")
    send(cluster, "watched", 300)
    cluster.send("watched", [("d", 0, "rubbish")] * 3)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setattr("iotae.runner.message_loop.MOST_ROWS", 100)
    told, unsent = [], Outbox.unsent

    def asked(self):
        told.append((read(port), read(port, "/healthz")))
        return unsent(self)

    monkeypatch.setattr(Outbox, "unsent", asked)
    stopped_at(300, monkeypatch)
    words = words_of(cluster, "watched", tmp_path / "rows.sqlite", "--metrics", str(port), "--log", "json")
    assert main([*words, "--alarms-to", "watched-alarms"]) == 130
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert {"time", "level", "message"} == set(lines[0])
    (code, text), health = told[-1]
    assert (code, health) == (200, (200, '{"status": "ok"}'))
    found = values(text)
    assert found["iotae_rows_total"] > 0
    assert found["iotae_alarms_total"] >= 0
    assert found["iotae_checkpoint_age_seconds"] < 60
    assert found["iotae_lag_messages"] == 303 - found["iotae_rows_total"]
    assert found["iotae_messages_set_aside_total"] == 0
    assert "iotae_lag_bytes" not in found


def alarms_of(path):
    with closing(sqlite3.connect(path)) as base:
        return base.execute("select seq from rows where alarm order by seq").fetchall()


def test_alarms_go_to_a_webhook_and_a_topic_signed_and_tried_again(
    cluster, receiver, tmp_path, monkeypatch, capsys
):
    monkeypatch.setenv("IOTAE_WEBHOOK_KEY", KEY)
    send(cluster, "posted", 400)
    out = tmp_path / "rows.sqlite"
    words = words_of(cluster, "posted", out, "--webhook", receiver.url, "--alarms-to", "posted-alarms")
    receiver.codes = [503]
    # it ends when all is committed and the last alarms are sent
    note = Outbox.done

    def done(self, keys, refused):
        note(self, keys, refused)
        if not self.unsent():
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(Outbox, "done", done)
    assert main([*words, "--explain"]) == 130
    seqs = [seq for (seq,) in alarms_of(out)]
    told = [json.loads(body) for _, body in receiver.got]
    assert [one["seq"] for one in told] == seqs
    assert len(seqs) > 2
    assert all(one["reason"] and one["cells"]["mode"] == "eco" for one in told)
    published = cluster.read("posted-alarms", lambda found: len(found) >= len(seqs))
    assert sorted(json.loads(one.value())["seq"] for one in published) == seqs
    receiver.codes = [400]
    send(cluster, "posted", 400, seed=2)
    assert main(words) == 1
    said = capsys.readouterr().err
    assert "the webhook refuses an alarm (400)" in said
    assert "sesame" not in said
    # what was refused is kept with its row, and sent by the next run
    with closing(sqlite3.connect(out)) as base:
        assert base.execute("select count(*) from unsent").fetchone()[0] > 0


def test_an_alarm_that_a_webhook_will_never_take_is_set_aside_and_the_others_go_on(
    cluster, receiver, tmp_path, monkeypatch, capsys
):
    monkeypatch.setenv("IOTAE_WEBHOOK_KEY", KEY)
    send(cluster, "too-large", 400)
    out = tmp_path / "rows.sqlite"
    receiver.codes = [204, 413, 422]
    done = Outbox.done

    def all_done(self, keys, refused):
        done(self, keys, refused)
        if not self.unsent():
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(Outbox, "done", all_done)
    assert main(words_of(cluster, "too-large", out, "--webhook", receiver.url)) == 130
    seqs = [seq for (seq,) in alarms_of(out)]
    assert len(seqs) > 3
    assert [json.loads(body)["seq"] for _, body in receiver.got] == [seqs[0], *seqs[3:]]
    with closing(sqlite3.connect(out)) as base:
        assert base.execute("select seq, reason from refused order by id").fetchall() == [
            (seqs[1], "the webhook refuses an alarm (413)"),
            (seqs[2], "the webhook refuses an alarm (422)"),
        ]
    assert "note: 2 alarms refused for good, in the table 'refused' of the output" in capsys.readouterr().err


def test_a_signal_does_not_wait_for_all_alarms_and_the_next_run_sends_the_others(
    cluster, receiver, tmp_path, monkeypatch
):
    monkeypatch.setenv("IOTAE_WEBHOOK_KEY", KEY)
    send(cluster, "signal", 400)
    out = tmp_path / "rows.sqlite"
    words = words_of(cluster, "signal", out, "--webhook", receiver.url)
    deliver = Webhook.deliver

    def delivered(self, body):
        deliver(self, body)
        if len(receiver.got) in (2, n_alarms):
            os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(Webhook, "deliver", delivered)
    n_alarms = 0
    assert main(words) == 143
    n_alarms = len(alarms_of(out))
    assert len(receiver.got) == 2 < n_alarms
    assert main(words) == 143
    assert [json.loads(body)["seq"] for _, body in receiver.got] == [seq for (seq,) in alarms_of(out)]


REFUSED = [
    (["--prefix", "x_"], "Got --prefix with a broker"),
    (["--sep", ";"], "Got --sep with a broker"),
    (["--decimal", ","], "Got --decimal with a broker"),
    (["--thousands", "."], "Got --thousands with a broker"),
    (["--format", "csv"], "Got --format with a broker"),
    (["--time", "at"], "Got --time with a broker"),
    (["--time-format", "%Y"], "Got --time-format with a broker"),
    (["--safe-csv"], "Got --safe-csv with a broker"),
    (["--label", "y"], "Got --label with a broker"),
    (["--labels", "y.csv"], "Got --labels with a broker"),
    (["--save-every", "5"], "Got --save-every with a broker"),
    (["--checkpoint", "state"], "Got --checkpoint with a broker"),
    (["--group", "device"], "Got --group with a broker"),
    (["--model", "m", "--group-mode", "shared"], "Got --model with --group-mode"),
    (["--ca", "ca.pem"], "which has no TLS"),
]
ONE_KIND = [
    ("kafka", ["--seq", "n"], "Got --seq with kafka://, but expected it with mqtt://"),
    ("kafka", ["--epoch", "n"], "Got --epoch with kafka://"),
    ("kafka", ["--device-level", "0"], "Got --device-level with kafka://"),
    ("kafka", ["--alarms-to", "t"], "which t takes in again"),
    ("mqtt", ["--device-level", "1"], "Got --device-level 1, but the levels of t are 0 to 0"),
    ("mqtt", ["--alarms-to", "alarms.sqlite"], "in a.sqlite already"),
    ("mqtt", ["-o", "none/a.sqlite"], "there is no folder none: make it first"),
    ("amqp", [], "Got the address amqp://127.0.0.1:1/t, but expected mqtt://HOST"),
    ("mqtt", ["--device-field", "id"], "Got --device-field with mqtt://, but expected it with kafka://"),
]


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [*((kind, *one) for one in REFUSED for kind in ("mqtt", "kafka")), *ONE_KIND],
)
def test_options_that_would_do_nothing_with_a_broker_are_refused(kind, options, message, capsys):
    assert main(["stream", f"{kind}://127.0.0.1:1/t", "-o", "a.sqlite", *options]) == 1
    assert message in capsys.readouterr().err
    assert not (ROOT / "a.sqlite").exists()


@pytest.mark.parametrize("option", ["--seq", "--epoch", "--device-field", "--client-id", "--ca"])
def test_options_of_a_broker_are_refused_for_a_file(option, capsys):
    assert main(["stream", "a.csv", option, "x"]) == 1
    assert f"Got {option} for a file" in capsys.readouterr().err
    assert main(["stream", "a.csv", "--device-level", "0"]) == 1
    assert main(["stream", "a.csv", "--keep", "5"]) == 1
    assert not os.path.exists("a.csv-lock")
