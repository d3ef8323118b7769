"""Messages of a real MQTT broker: none lost, none doubled, whatever is killed; and what is refused."""

import gc
import json
import os
import shutil
import signal
import socket
import sqlite3
import stat
import subprocess
import time
from types import SimpleNamespace

import numpy as np
import pytest

from iotae import OnlineAutoencoder
from iotae.cli import main
from iotae.data import TableError
from iotae.runner import admission
from iotae.runner.addresses import BrokerAddress
from iotae.runner.device_numbers import DeviceNumbers
from iotae.runner.ledger import Judgement, Ledger
from iotae.runner.messages import LONGEST_NAME, LONGEST_PAYLOAD, Message, Naming, message_of
from iotae.runner.sources import Login
from tests.certificates import certificates as certificates
from tests.conftest import ROOT
from tests.test_runner_checkpoint import worker as worker

mqtt = pytest.importorskip("paho.mqtt.client", reason="messages need the extra mqtt")
from paho.mqtt.packettypes import PacketTypes  # noqa: E402
from paho.mqtt.reasoncodes import ReasonCode  # noqa: E402

from iotae.runner import mqtt as mqtt_source  # noqa: E402  (needs the extra)
from iotae.runner import mqtt_alarms  # noqa: E402
from iotae.runner.mqtt import MqttSource, takes  # noqa: E402
from iotae.runner.mqtt_client import client_of as client_of_broker  # noqa: E402

MOSQUITTO = shutil.which("mosquitto", path=os.environ.get("PATH", "") + ":/usr/sbin")
needs_broker = pytest.mark.skipif(MOSQUITTO is None, reason="needs mosquitto: apt-get install mosquitto")


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


class Mosquitto:
    def __init__(self, folder, more=""):
        self.port = free_port()
        self.settings = folder / "mosquitto.conf"
        self.settings.write_text(
            f"listener {self.port} 127.0.0.1\nmax_queued_messages 0\nmax_inflight_messages 0\n"
            f"persistence false\nuser root\n{more or 'allow_anonymous true'}\n"
        )
        self.process = None

    def start(self):
        self.process = subprocess.Popen(
            [MOSQUITTO, "-c", self.settings], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            with socket.socket() as client:
                if client.connect_ex(("127.0.0.1", self.port)) == 0:
                    return self
            assert self.process.poll() is None
        raise AssertionError("mosquitto does not answer")

    def stop(self):
        # one that a test has halted, too
        self.process.send_signal(signal.SIGCONT)
        self.process.terminate()
        self.process.wait(timeout=20)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()


@pytest.fixture
def broker(tmp_path):
    made = Mosquitto(tmp_path).start()
    yield made
    made.stop()


def client_of(broker, name, topic=None, on_message=None):
    """A client whose session outlives it, connected and subscribed."""
    from paho.mqtt.packettypes import PacketTypes
    from paho.mqtt.properties import Properties

    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, name, protocol=mqtt.MQTTv5)
    wanted, done = Properties(PacketTypes.CONNECT), []
    wanted.SessionExpiryInterval = 600
    client.max_inflight_messages_set(500)
    client.on_message = on_message
    client.on_connect = lambda *_: (topic and client.subscribe(topic, qos=1)) or topic or done.append(1)
    client.on_subscribe = lambda *_: done.append(1)
    client.connect("127.0.0.1", broker.port, clean_start=False, properties=wanted)
    client.loop_start()
    wait_for(lambda: done)
    return client


def wait_for(happened):
    deadline = time.monotonic() + 30
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def heard(reader, times=1):
    """What a reader has said when it has begun to listen so often."""
    told = []
    wait_for(lambda: told.extend(reader.warnings()) or sum("listening" in line for line in told) == times)
    return told


def end(client):
    client.disconnect()
    client.loop_stop()


def readings(n):
    """Messages of three devices in turn, an odd row now and then, each with its device and number."""
    rng = np.random.default_rng(0)
    for i, (a, b) in enumerate(rng.normal(size=(n, 2)).round(3).tolist()):
        yield f"d{i % 3}", i // 3, {"a": a, "b": 100.0 if i % 97 == 96 else a + b / 10, "mode": "eco"}


def publish(client, messages):
    sent = [client.publish(topic, body, qos=1) for topic, body in messages]
    for one in sent:
        one.wait_for_publish(30)


def rows_of(path):
    with sqlite3.connect(path) as base:
        rows = base.execute("select device, seq, score, alarm, threshold, reason from rows").fetchall()
    base.close()
    return {(device, seq): rest for device, seq, *rest in rows}


@needs_broker
def test_killed_again_and_again_no_message_is_lost_or_doubled_and_scores_are_the_same(
    broker, worker, tmp_path
):
    n, out = 1500, tmp_path / "rows.sqlite"
    words = ["stream", f"mqtt://127.0.0.1:{broker.port}/plant/+", "-o", out, "--device-level", "1"]
    words += ["--client-id", "reader", "--alarms-to", "alarms", "--alpha", "0.05", "--explain"]
    # the session must be there before the first message
    end(client_of(broker, "reader", "plant/+"))
    alarms = []
    listener = client_of(
        broker, "listener", "alarms", lambda _, __, sent: alarms.append(json.loads(sent.payload))
    )
    producer = client_of(broker, "producer")
    messages = [(f"plant/{device}", json.dumps({"seq": seq} | row)) for device, seq, row in readings(n)]
    # a producer that sends again, and one that sends rubbish
    messages[50:50] = messages[30:50]
    messages[70:70] = [("plant/d1", "rubbish"), ("plant/d1", '{"a": 1}')]
    # a fast machine may be done with all that is there before the last kill: some come after it
    publish(producer, messages[:-200])
    rng = np.random.default_rng(1)
    kills = [worker(*words, after=float(rng.uniform(0.05, 0.4)))["code"] for _ in range(6)]
    assert kills == [-14] * 6
    publish(producer, messages[-200:])
    done = worker(*words, rows=n)
    assert done["code"] == 143, done["said"]
    assert f"{n} rows scored and learned" in done["said"]
    model, expected = OnlineAutoencoder(seed=0, alpha=0.05), {}
    for device, seq, row in readings(n):
        cut = model.threshold
        score, alarm = model.score_learn_one(row)
        expected[device, seq] = [score, int(alarm), None if np.isinf(cut) else cut]
    found = rows_of(out)
    assert {key: rest[:3] for key, rest in found.items()} == expected
    odd = {key for key, (_, alarm, *_) in found.items() if alarm}
    assert len(odd) > 5
    assert all(found[key][3] for key in odd)
    wait_for(lambda: {(one["device"], one["seq"]) for one in alarms} >= odd)
    assert {(one["device"], one["seq"]) for one in alarms} == odd
    assert alarms[0]["reason"]
    for client in (listener, producer):
        end(client)


@needs_broker
def test_a_broker_that_goes_away_and_comes_back_is_connected_to_again(broker):
    address = BrokerAddress.of(f"mqtt://127.0.0.1:{broker.port}/plant/+")
    with MqttSource(address, "reader") as reader:
        wait_for(lambda: reader.n_connected == 1)
        broker.stop()
        broker.start()
        wait_for(lambda: reader.n_connected == 2)
        # this one keeps no session over its end
        told = heard(reader, 2)
        assert sum("is lost" in line for line in told) == 1
        assert sum("has forgotten the session" in line for line in told) == 1
        producer = client_of(broker, "producer")
        # the subscription follows the connection
        batches, got = reader.batches(lambda: 10), []
        end(client_of(broker, "other", "plant/+"))
        publish(
            producer,
            [(f"plant/{device}", json.dumps({"seq": seq} | row)) for device, seq, row in readings(5)],
        )
        while len(got) < 5:
            got += next(batches)
        reader.acknowledge(got)
        end(producer)
    assert [(one.device, one.seq) for one in got] == [("plant/" + d, seq) for d, seq, _ in readings(5)]


@needs_broker
@pytest.mark.parametrize("there", [False, True])
def test_a_session_that_should_be_there_and_is_not_is_said(there, broker):
    address = BrokerAddress.of(f"mqtt://127.0.0.1:{broker.port}/plant/+")
    for goes_on in (False, True)[not there :]:
        with MqttSource(address, "reader", goes_on=goes_on) as reader:
            told = heard(reader)
    assert told[-1] == f"listening to plant/+ at 127.0.0.1:{broker.port}"
    assert any("has forgotten" in line for line in told) is not there


@needs_broker
def test_a_broker_that_wants_a_password_is_told_it_from_the_environment(tmp_path, monkeypatch, capsys):
    passwords = tmp_path / "passwords"
    subprocess.run(["mosquitto_passwd", "-c", "-b", passwords, "reader", "sesame"], check=True)
    broker = Mosquitto(tmp_path, f"allow_anonymous false\npassword_file {passwords}").start()
    monkeypatch.setenv("IOTAE_MQTT_USER", "reader")
    monkeypatch.setenv("IOTAE_MQTT_PASSWORD", "wrong")
    words = ["stream", f"mqtt://127.0.0.1:{broker.port}/t", "-o", str(tmp_path / "o.sqlite")]
    assert main(words) == 1
    said = capsys.readouterr().err
    assert "refuses" in said
    assert "wrong" not in said
    broker.stop()


# -- without a broker -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("payload", "aside"),
    [
        (b"", "no JSON object"),
        (b"\xff\xfe", "no JSON object"),
        (b"[" * 100_000, "more than 65536 bytes"),
        (b"[" * 60_000, "no JSON object"),
        (b'{"seq": 1' + b" " * LONGEST_PAYLOAD + b"}", "more than 65536 bytes"),
        (b'{"a": 1}', "without a whole number 'seq'"),
        (b'{"seq": 1.5}', "without a whole number"),
        (b'{"seq": -1}', "without a whole number"),
        (b'{"seq": "\xc2\xb2"}', "without a whole number"),
        (b'{"seq": 9223372036854775808}', "without a whole number"),
        (b'{"seq": 1, "' + b"a" * (LONGEST_NAME + 1) + b'": 1}', "with a name of more than"),
        (json.dumps({"seq": 1} | {str(i): 1 for i in range(3000)}).encode(), "more than 2048 cells"),
    ],
)
def test_what_is_no_row_is_set_aside_with_a_reason(payload, aside):
    assert aside in message_of("t", payload, Naming(), (1, 1)).aside


def test_a_row_is_read_as_those_of_a_file():
    body = b'{"seq": "7", "a": 1e3, "b": null, "c": "3.5", "d": {"x": [true, "eco"]}, "e": NaN}'
    one = message_of("p/q", body, Naming(level=1), (3, 1))
    assert (one.device, one.seq, one.aside) == ("q", 7, "")
    assert one.row["a"] == 1000.0
    assert (one.row["b"] != one.row["b"], one.row["d.x.1"]) == (True, "eco")
    assert message_of("p/q", body, Naming(level=2), (3, 1)).aside
    assert message_of("p" * 300, body, Naming(), (3, 1)).aside


def test_addresses():
    assert BrokerAddress.of("mqtt://h/a/#") == ("mqtt", "h", 1883, "a/#", False)
    assert BrokerAddress.of("mqtts://h:1/%2Fa") == ("mqtt", "h", 1, "/a", True)
    for text in ("mqtt://", "mqtt://h", "mqtt://h/", "http://h/a", "mqtt://h:x/a", "mqtt://h/a?b"):
        with pytest.raises(TableError, match=r"expected mqtt://HOST"):
            BrokerAddress.of(text)
    with pytest.raises(TableError, match="into the environment") as error:
        BrokerAddress.of("mqtt://me:sesame@h/a")
    assert "sesame" not in str(error.value)
    assert takes("a/#", "a/b")
    with pytest.raises(TableError, match="without"):
        takes("a", "b/+")


def message(device="a", seq=1, **row):
    return Message(device, seq, row or {"x": 1.0}, "", (1, 1))


def judged(alarm=False):
    return Judgement(0.5, alarm, None, "")


def test_a_ledger_takes_each_number_once_and_keeps_what_is_not_sent(tmp_path, monkeypatch):
    path = str(tmp_path / "rows.sqlite")
    with Ledger(path, {"topic": "t"}, DeviceNumbers()) as ledger:
        assert ledger.load() is None
        sent = [message(seq=seq) for seq in (2, 3, 4, 1, 2)] + [message("b", 2)]
        batch = ledger.new_of(sent)
        assert [(one.device, one.seq) for one in batch] == [("a", 2), ("a", 3), ("a", 4), ("b", 2)]
        ledger.commit(batch, [judged(True), *[judged()] * 3], {"n": 1})
        assert ledger.n_doubled == 1
        (warning,) = (line for line in ledger.warnings() if "'a'" in line)
        assert "sent number 1 after 4, and" in warning
        assert "until their number is above 2" in warning
        assert "name the cell" in warning
        starts = [message("c", seq)._replace(part=2) for seq in (3, 4, 5)]
        assert ledger.new_of([*starts, message("c", 6)._replace(part=1)]) == starts
        (warning,) = (line for line in ledger.warnings() if "'c'" in line)
        assert "sent number 6 after 5 (start 1 after start 2)" in warning
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    with Ledger(path, {"topic": "t"}, DeviceNumbers()) as ledger:
        assert ledger.load() == {"n": 1}
        ((key, device, body),) = ledger.outbox.unsent()
        assert json.loads(body)["device"] == device == "a"
        ledger.outbox.done([key], {})
        assert ledger.outbox.unsent() == []
        monkeypatch.setattr(admission, "MOST_DEVICES", 2)
        aside = Message("", -1, {}, "rubbish", (1, 1))
        assert ledger.new_of([message("c"), message("a", 5), aside]) == [message("a", 5)]
        ledger.commit([], [], {"n": 2})
        late = "messages with a number below the last one of their device, which is not in the file"
        assert ledger.aside() == {"messages of more than 2 devices": 1, "rubbish": 1, late: 1}


def test_a_batch_that_cannot_be_committed_changes_nothing(tmp_path):
    path = str(tmp_path / "rows.sqlite")
    with Ledger(path, {}, DeviceNumbers()) as ledger:
        ledger.commit([message()], [judged(True)], {"n": 1})
        with pytest.raises(OSError, match="UNIQUE"):
            # as if another had taken it in
            ledger.commit([message("b"), message()], [judged(), judged(True)], {"n": 2})
        assert ledger.load() == {"n": 1}
        assert len(ledger.outbox.unsent()) == 1
        assert ledger.new_of([message("b")]) == [message("b")]
    assert list(rows_of(path)) == [("a", 1)]


def test_half_a_surrogate_pair_in_a_name_or_a_text_stops_no_stream(tmp_path):
    payload = rb'{"seq": 1, "\ud800": 5, "mode": "\udc00"}'
    one = message_of("a", payload, Naming(), (1, 1))
    model = OnlineAutoencoder(seed=0)
    model.learn_one(one.row)
    told = Judgement(0.5, True, 0.4, "\ud800 5; mode \udc00")
    with Ledger(str(tmp_path / "rows.sqlite"), {"topic": "t"}, DeviceNumbers()) as ledger:
        ledger.commit(ledger.new_of([one]), [told], {"model": model.to_state(), "counts": {}})
        assert json.loads(ledger.outbox.unsent()[0][2])["reason"] == r"\ud800 5; mode \udc00"
        assert ledger.load()["counts"] == {}


def test_files_that_are_no_ledger_of_this_stream_are_refused(tmp_path):
    path = str(tmp_path / "rows.sqlite")
    with Ledger(path, {"topic": "t"}, DeviceNumbers()) as ledger:
        ledger.commit([message()], [judged()], {})
        with pytest.raises(TableError, match="Cannot use"), Ledger(path, {"topic": "t"}, DeviceNumbers()):
            pass
    with (
        Ledger(path, {"topic": "other"}, DeviceNumbers()) as ledger,
        pytest.raises(TableError, match="was begun with"),
    ):
        ledger.load()
    text, link, foreign = tmp_path / "text.db", tmp_path / "link.db", tmp_path / "foreign.db"
    text.write_text("no database at all, and long enough to be none")
    link.symlink_to(tmp_path / "target.db")
    with sqlite3.connect(foreign) as base:
        base.execute("create table t (a)")
    base.close()
    for other in (text, link, foreign, tmp_path):
        with pytest.raises(TableError), Ledger(str(other), {}, DeviceNumbers()):
            pass
    assert not (tmp_path / "target.db").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["-o", "a.csv"], "expected a .sqlite file"),
        (["-o", "a.sqlite", "--follow"], "Got --follow with a broker"),
        (["-o", "a.sqlite", "--save", "m"], "Got --save with a broker"),
        (["-o", "a.sqlite", "--alarms-to", "plant/alarms"], "takes in again"),
        (["-o", "a.sqlite", "--alarms-to", "plant/#"], "without + and #"),
    ],
)
def test_options_that_do_not_go_with_a_broker_are_refused(options, message, capsys):
    assert main(["stream", "mqtt://127.0.0.1:1/plant/+", *options]) == 1
    assert message in capsys.readouterr().err
    assert not (ROOT / "a.sqlite").exists()
    for option in ("--client-id", "--ca"):
        assert main(["stream", "a.csv", option, "x"]) == 1
        assert f"Got {option} for a file" in capsys.readouterr().err


# -- a slow stream, and TLS -----------------------------------------------------------------------


@needs_broker
def test_a_slow_stream_holds_a_bounded_number_of_messages_and_loses_none(broker, monkeypatch):
    monkeypatch.setattr(mqtt_source, "_MOST_UNDONE", 100)
    address = BrokerAddress.of(f"mqtt://127.0.0.1:{broker.port}/plant/+")
    producer = client_of(broker, "producer")
    with MqttSource(address, "reader") as reader:
        wait_for(lambda: reader.n_connected == 1)
        end(client_of(broker, "other", "plant/+"))
        bodies = [(f"plant/{device}", json.dumps({"seq": seq} | row)) for device, seq, row in readings(900)]
        publish(producer, bodies)
        wait_for(lambda: reader.lag() == 100)
        # nobody takes them, and no more come
        time.sleep(0.3)
        assert reader.lag() == 100
        got = []
        for batch in reader.batches(lambda: 30):
            assert reader.lag() <= 100
            got += [(one.device, one.seq) for one in batch]
            reader.acknowledge(batch)
            if len(got) == 900:
                break
    assert got == [("plant/" + device, seq) for device, seq, _ in readings(900)]
    end(producer)


@pytest.fixture
def secure(tmp_path, certificates):
    settings = "".join(f"{name} {certificates / file}\n" for name, file in SECURE.items())
    made = Mosquitto(tmp_path, f"allow_anonymous true\n{settings}").start()
    yield made
    made.stop()


SECURE = {"certfile": "server.pem", "keyfile": "server.key"}


@needs_broker
def test_tls_with_the_right_authority_connects(secure, certificates):
    address = BrokerAddress.of(f"mqtts://localhost:{secure.port}/t")
    with MqttSource(address, "reader", login=Login(ca_file=str(certificates / "ca.pem"))) as reader:
        wait_for(lambda: reader.n_connected == 1)
        assert not any("warning" in line for line in reader.warnings())


# paho leaves the socket of a handshake that failed to the collector
@needs_broker
@pytest.mark.filterwarnings("ignore:Exception ignored in. <ssl.SSLSocket")
@pytest.mark.parametrize(
    ("host", "authority", "said"),
    [
        ("localhost", ["--ca", "other.pem"], "unable to get local issuer certificate"),
        ("localhost", [], "unable to get local issuer certificate"),
        ("127.0.0.1", ["--ca", "ca.pem"], "IP address mismatch"),
    ],
)
def test_tls_with_another_authority_or_another_host_is_refused_in_one_line(
    host, authority, said, secure, certificates, tmp_path, capsys
):
    authority = [str(certificates / word) if word.endswith(".pem") else word for word in authority]
    words = ["stream", f"mqtts://{host}:{secure.port}/t", "-o", str(tmp_path / "o.sqlite"), *authority]
    assert main(words) == 1
    gc.collect()
    lines = [line for line in capsys.readouterr().err.splitlines() if "error" in line]
    assert len(lines) == 1
    assert f"No TLS with the broker at {host}:{secure.port}: " in lines[0]
    assert said in lines[0]


@needs_broker
def test_a_file_that_holds_no_certificates_is_refused(secure, tmp_path, capsys):
    rubbish = tmp_path / "rubbish.pem"
    rubbish.write_text("rubbish")
    for ca in (rubbish, tmp_path / "none.pem"):
        words = ["stream", f"mqtts://localhost:{secure.port}/t", "-o", str(tmp_path / "o.sqlite")]
        assert main([*words, "--ca", str(ca)]) == 1
        assert f"Cannot use the certificates in {ca}" in capsys.readouterr().err


def test_a_broker_that_is_not_there_is_said_once(tmp_path):
    with MqttSource(BrokerAddress.of(f"mqtt://127.0.0.1:{free_port()}/t"), "reader") as reader:
        told, deadline = [], time.monotonic() + 30
        for batch in reader.batches(lambda: 1):
            told += reader.warnings()
            assert batch == []
            if told:
                break
            assert time.monotonic() < deadline
    assert len(told) == 1
    assert "no connection with 127.0.0.1" in told[0]


# -- alarms -----------------------------------------------------------------------------------------


def published(broker, reader, *bodies, topic="alarms"):
    came = reader.publish(topic, [("d", body) for body in bodies])
    return came.n, dict(came.refused), came.why


@needs_broker
def test_an_alarm_that_is_too_large_is_refused_and_the_connection_stays(tmp_path):
    with (
        Mosquitto(tmp_path, "allow_anonymous true\nmax_packet_size 2000\n") as broker,
        MqttSource(BrokerAddress.of(f"mqtt://127.0.0.1:{broker.port}/plant/+"), "reader") as reader,
    ):
        heard(reader)
        large = "y" * 2000
        n, refused, why = published(broker, reader, "0", large, "2")
        assert (n, refused, why) == (3, {1: "larger than the 2000 bytes that the broker takes"}, "")
        # the largest that is taken, to a few bytes
        sizes = [size for size in range(1900, 2001) if published(broker, reader, "y" * size)[1] == {}]
        assert max(sizes) >= 2000 - len("alarms") - 10
        assert (reader.n_connected, reader.warnings()) == (1, [])


@needs_broker
def test_a_topic_that_is_not_allowed_refuses_all_and_is_asked_again_after_a_while(tmp_path, monkeypatch):
    rights = tmp_path / "acl"
    rights.write_text("topic read plant/#\n")
    bodies = [str(i) for i in range(30)]
    with (
        Mosquitto(tmp_path, f"allow_anonymous true\nacl_file {rights}\n") as broker,
        MqttSource(BrokerAddress.of(f"mqtt://127.0.0.1:{broker.port}/plant/+"), "reader") as reader,
    ):
        heard(reader)
        assert published(broker, reader, *bodies) == (30, dict.fromkeys(range(30), "not authorized"), "")
        # some releases of this broker end the connection after each refusal
        time.sleep(0.5)
        wait_for(reader._alarms._client.is_connected)
        # which is another one than that of the rows
        assert (reader.n_connected, reader.warnings()) == (1, [])
        rights.write_text("topic read plant/#\ntopic write alarms\n")
        broker.process.send_signal(signal.SIGHUP)
        assert published(broker, reader, "30")[1] == {0: "not authorized"}
        monkeypatch.setattr(mqtt_alarms, "_FORBIDDEN_SECONDS", 0.0)
        # it reads its rights in its own time
        wait_for(lambda: published(broker, reader, "30") == (1, {}, ""))
        assert published(broker, reader, *bodies) == (30, {}, "")


@needs_broker
def test_alarms_of_a_broken_connection_are_not_sent_anew_with_each_try(broker, monkeypatch):
    monkeypatch.setattr(mqtt_alarms, "_LONGEST_WAIT_SECONDS", 0.5)
    address = BrokerAddress.of(f"mqtt://127.0.0.1:{broker.port}/plant/+")
    with MqttSource(address, "reader") as reader:
        heard(reader)
        assert published(broker, reader, "first") == (1, {}, "")
        broker.process.send_signal(signal.SIGSTOP)
        tries = [published(broker, reader, "0", "1") for _ in range(3)]
        assert tries == [(0, {}, "no answer")] * 3
        got = []
        broker.process.send_signal(signal.SIGCONT)
        client = client_of(broker, "listener", "alarms", lambda _, __, one: got.append(one.payload))
        assert published(broker, reader, "0", "1", "2") == (3, {}, "")
        wait_for(lambda: b"2" in got)
        end(client)
        assert len(got) <= 3
        broker.stop()
        wait_for(lambda: reader.warnings())
        # nothing is queued while nobody takes it
        assert published(broker, reader, "3") == (0, {}, "no connection")
        broker.start()
        wait_for(lambda: published(broker, reader, "3") == (1, {}, ""))


@needs_broker
def test_alarms_do_not_wait_behind_the_messages_that_wait(broker):
    address = BrokerAddress.of(f"mqtt://127.0.0.1:{broker.port}/plant/+")
    with MqttSource(address, "reader") as reader:
        heard(reader)
    producer = client_of(broker, "producer")
    publish(producer, [("plant/d", json.dumps({"seq": i, "t": "z" * 300})) for i in range(5000)])
    end(producer)
    with MqttSource(address, "reader") as reader:
        # more than are taken while nobody reads
        wait_for(lambda: reader.lag() == mqtt_source._MOST_UNDONE)
        begun = time.monotonic()
        assert published(broker, reader, "0", "1") == (2, {}, "")
        assert time.monotonic() - begun < mqtt_alarms._LONGEST_WAIT_SECONDS
        assert reader.lag() == mqtt_source._MOST_UNDONE


@needs_broker
def test_a_connection_for_alarms_that_is_refused_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(mqtt_alarms, "_LONGEST_WAIT_SECONDS", 0.5)
    passwords = tmp_path / "passwords"
    subprocess.run(["mosquitto_passwd", "-c", "-b", passwords, "reader", "sesame"], check=True)
    with Mosquitto(tmp_path, f"allow_anonymous false\npassword_file {passwords}") as broker:
        address = BrokerAddress.of(f"mqtt://127.0.0.1:{broker.port}/plant/+")
        sender = mqtt_alarms.MqttAlarms(client_of_broker(address, "x", Login("reader", "wrong"), 10), address)
        came = sender.publish("alarms", [("d", "0")])
        sender.close()
        assert (came.n, came.why) == (0, "Not authorized")


def test_a_refusal_that_may_pass_is_tried_again():
    class Client:
        def __init__(self, code):
            self.code, self.n = code, 0

        def is_connected(self):
            return True

        def connect_async(self, *_, **__):
            pass

        loop_start = connect_async

        def publish(self, topic, body, qos):
            self.n += 1
            self.on_publish(self, None, self.n, ReasonCode(PacketTypes.PUBACK, identifier=self.code), None)
            return SimpleNamespace(mid=self.n)

    client = Client(0x97)
    alarms = mqtt_alarms.MqttAlarms(client, BrokerAddress.of("mqtt://h/t"))
    for times in (1, 2):
        assert alarms.publish("t", [("d", "0")]) == (0, {}, "Quota exceeded")
        assert client.n == times
    client.code = 0
    assert alarms.publish("t", [("d", "0")]) == (1, {}, "")
