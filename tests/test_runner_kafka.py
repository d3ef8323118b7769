"""Messages of Kafka, from the mock cluster of its library: each row once, whatever is killed or deleted."""

import json
import socket
import ssl
import threading
import time
from contextlib import suppress

import numpy as np
import pytest

from iotae import OnlineAutoencoder
from iotae.cli import main
from iotae.data import TableError
from iotae.runner import admission
from iotae.runner import kafka as source_module
from iotae.runner.addresses import BrokerAddress
from iotae.runner.kafka_settings import security_of
from iotae.runner.ledger import Judgement, Ledger
from iotae.runner.messages import LONGEST_NAME, Message, record_of
from iotae.runner.partition_offsets import PartitionOffsets
from iotae.runner.sources import Login
from tests.certificates import certificates as certificates
from tests.test_runner_checkpoint import worker as worker

kafka = pytest.importorskip("confluent_kafka", reason="Kafka needs the extra kafka")
from iotae.runner.kafka import KafkaSource  # noqa: E402  (needs the extra)
from iotae.runner.kafka_alarms import KafkaAlarms  # noqa: E402
from tests.kafka_cluster import Cluster, aside_of, readings, rows_of, stopped_at  # noqa: E402

DELETED = "messages that Kafka had deleted before they were read"


@pytest.fixture(scope="module")
def cluster():
    return Cluster()


def test_killed_again_and_again_each_message_is_a_row_once_and_scores_are_those_of_its_order(
    cluster, worker, tmp_path
):
    n, out = 900, tmp_path / "rows.sqlite"
    words = ["stream", f"kafka://{cluster.address}/killed", "-o", out, "--alarms-to", "killed-alarms"]
    words += ["--alpha", "0.05", "--explain"]
    # one partition, so that the order in which rows are learned is known
    messages = [(device, 0, json.dumps(row)) for device, _, row in readings(n)]
    messages[70:70] = [("d1", 0, "rubbish"), ("d1", 0, None), ("d1", 0, "[1]")]
    cluster.send("killed", messages[:-200])
    rng = np.random.default_rng(1)
    # where it hurts: within a commit, and before what was committed is known to be; while enough is to come
    reached = []
    for commit in ((3, True), (2, False), (1, True)):
        assert worker(*words, commit=commit, most=50)["code"] == -9
        reached.append(len(rows_of(out)))
    assert 0 < reached[0] < reached[1] == reached[2] < n - 200
    for _ in range(3):
        assert worker(*words, after=float(rng.uniform(0.05, 1.0)), most=50)["code"] == -14
    cluster.send("killed", messages[-200:])
    done = worker(*words, rows=n, most=50)
    assert done["code"] == 143, done["said"]
    assert f"{n} rows scored and learned" in done["said"]
    assert aside_of(out) == {"messages that are no JSON object": 3}
    model, expected = OnlineAutoencoder(seed=0, alpha=0.05), []
    for i, (device, _, row) in enumerate(readings(n)):
        cut = model.threshold
        score, alarm = model.score_learn_one(row)
        place = i if i < 70 else i + 3
        expected.append((device, 0, place, score, int(alarm), None if np.isinf(cut) else cut))
    assert rows_of(out) == expected
    odd = {(device, seq) for device, _, seq, _, alarm, _ in expected if alarm}
    assert len(odd) > 5
    told = []

    def all_there(alarms):
        told[:] = [json.loads(one.value()) for one in alarms]
        return {(one["device"], one["seq"]) for one in told} >= odd

    alarms = cluster.read("killed-alarms", all_there)
    assert {(one["device"], one["seq"]) for one in told} == odd
    assert [one["device"].encode() for one in told] == [one.key() for one in alarms]
    assert all(one["reason"] for one in told)


def test_all_partitions_are_read_each_in_its_order_and_gone_on_with(cluster, tmp_path, monkeypatch, capsys):
    out = str(tmp_path / "rows.sqlite")
    words = ["stream", f"kafka://{cluster.address}/parts", "-o", out, "--device-field", "id"]
    messages = [(None, part, json.dumps({"id": key} | row)) for key, part, row in readings(120)]
    for given, rows in ((messages[:60], 60), (messages[60:], 120)):
        cluster.send("parts", given)
        with monkeypatch.context() as patch:
            stopped_at(rows, patch)
            assert main(words) == 130
    found = rows_of(out, "device, part, seq, cells")
    assert [(device, part, seq) for device, part, seq, _ in found] == sorted(
        ((key, part, i // 3) for i, (key, part, _) in enumerate(readings(120))), key=lambda one: one[1:]
    )
    assert all("id" not in json.loads(cells) for *_, cells in found)
    assert "going on after 60 rows" in capsys.readouterr().err


def batches_until(source, n):
    """What a source gives until it has said something of n messages."""
    found, deadline = [], time.monotonic() + 30
    for batch in source.batches(lambda: 50):
        found += batch
        if sum(one.n for one in found) >= n:
            return found
        assert time.monotonic() < deadline, found


def source_of(cluster, topic, next_of=None):
    address = BrokerAddress.of(f"kafka://{cluster.address}/{topic}")
    return KafkaSource(address, "reader", next_of or {})


def test_messages_that_were_deleted_before_they_were_read_are_counted_and_said(cluster, tmp_path):
    # the mock cluster keeps five megabytes of a partition
    body = json.dumps({"a": 1.5, "text": "x" * 50_000})
    cluster.send("deleted", [("d", 0, body)] * 150)
    path = str(tmp_path / "rows.sqlite")
    offsets = PartitionOffsets()
    with Ledger(path, {}, offsets) as ledger:
        ledger.commit(ledger.new_of([Message("d", 9, {"a": 1.0}, "", (0, 0))]), [JUDGED], {"n": 1})
        with source_of(cluster, "deleted", offsets.next_of) as source:
            found = batches_until(source, 140)
            assert source.lag() == 0
        new = ledger.new_of(found)
        ledger.commit(new, [JUDGED] * len(new), {"n": 2})
        assert offsets.next_of[0] == 150
        n_lost = ledger.aside()[DELETED]
        assert n_lost == 140 - len(new) > 0
        assert [one.seq for one in new] == list(range(10 + n_lost, 150))
        assert f"warning: set aside: {n_lost} {DELETED}" in ledger.warnings()


JUDGED = Judgement(0.5, False, None, "")


def test_what_is_deleted_of_a_partition_that_was_begun_but_not_read_is_counted_too(cluster):
    cluster.send("begun", [("d", 1, '{"a": 1}')])
    with source_of(cluster, "begun") as source:
        found = batches_until(source, 1)
    assert {(one.part, one.seq, one.n) for one in found} >= {(0, -1, 0), (1, -1, 0), (1, 0, 1), (3, -1, 0)}
    offsets = PartitionOffsets()
    assert [one.part for one in offsets.sift(found).new] == [1]


def test_what_is_gone_of_one_partition_is_told_though_the_broker_does_not_tell_of_the_next(
    cluster, monkeypatch
):
    told = Message("", 7, {}, DELETED, (0, 0), 0, 3)

    def gone(part):
        if part == 1:
            raise kafka.KafkaException(kafka.KafkaError(kafka.KafkaError._TRANSPORT))
        return told

    with source_of(cluster, "readings") as source:
        source._unsure, source._known, source._looked_at = {0, 1}, True, time.monotonic()
        monkeypatch.setattr(source, "_gone", gone)
        assert next(source.batches(lambda: 10)) == [told]


def test_a_topic_that_has_fewer_messages_than_were_read_is_an_error_and_not_begun_anew(cluster):
    cluster.send("anew", [("d", 0, '{"a": 1}')] * 3)
    with source_of(cluster, "anew", {0: 50}) as source, pytest.raises(TableError, match="made anew"):
        batches_until(source, 1)


def test_partitions_that_come_later_are_found(cluster, monkeypatch):
    monkeypatch.setattr(source_module, "_LOOK_SECONDS", 0.0)
    cluster.send("later", [("d", part, '{"a": 1}') for part in range(4)])
    with source_of(cluster, "later") as source:
        # as if the topic had one partition so far
        list_topics = source._consumer.list_topics
        shown = [1]

        def some(*args, **options):
            found = list_topics(*args, **options)
            parts = found.topics["later"].partitions
            found.topics["later"].partitions = {part: parts[part] for part in sorted(parts)[: shown[0]]}
            return found

        source._consumer = Proxy(source._consumer, list_topics=some)
        assert {one.part for one in batches_until(source, 1)} == {0}
        shown[0] = 4
        assert {one.part for one in batches_until(source, 3)} == {1, 2, 3}


class Proxy:
    def __init__(self, inner, **others):
        self._inner = inner
        vars(self).update(others)

    def __getattr__(self, name):
        return getattr(self._inner, name)


def test_what_the_broker_does_not_have_or_does_not_answer_is_said(cluster, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(source_module, "_ANSWER_SECONDS", 0.5)
    out = str(tmp_path / "rows.sqlite")
    assert main(["stream", f"kafka://{cluster.address}/nowhere", "-o", out]) == 1
    assert "has no topic nowhere: make it first" in capsys.readouterr().err
    source = KafkaSource(BrokerAddress.of("kafka://127.0.0.1:9/t"), "reader", {})
    with source:
        deadline, told = time.monotonic() + 30, []
        for batch in source.batches(lambda: 1):
            told += source.warnings()
            assert batch == []
            if told:
                break
            assert time.monotonic() < deadline
    assert told == ["warning: no broker answers at 127.0.0.1:9; trying again"]


def test_a_broker_that_answers_again_is_said_once(cluster, monkeypatch):
    monkeypatch.setattr(source_module, "_LOOK_SECONDS_AWAY", 0.0)
    cluster.send("back", [("d", 0, '{"a": 1}')])
    with source_of(cluster, "back") as source:
        batches_until(source, 1)
        error = kafka.KafkaError(kafka.KafkaError._ALL_BROKERS_DOWN)
        for _ in range(2):
            source._on_error(error)
        # nothing new comes, and yet it is known
        told = [
            line
            for _, batch in zip(range(3), source.batches(lambda: 5), strict=False)
            for line in source.warnings()
        ]
        assert told == [
            f"warning: no broker answers at {cluster.address}; trying again",
            f"{cluster.address} answers again",
        ]


def test_a_record_is_told_by_its_place_and_its_device_by_its_key_or_a_cell():
    assert record_of(b"\xff", b'{"a": 1}', 0, 1, None).device == r"\xff"
    assert record_of(None, b'{"a": 1}', 0, 1, None).device == ""
    one = record_of(b"key", b'{"a": 1, "id": 7}', 3, 8, "id")
    assert (one.device, one.part, one.seq, one.row) == ("7", 3, 8, {"a": 1.0})
    assert "more than" in record_of(b"d" * (LONGEST_NAME + 1), b"{}", 0, 1, None).aside
    assert record_of(b"d", None, 0, 1, None).aside == "messages that are no JSON object"


def test_a_small_message_does_not_become_a_row_that_no_broker_takes_an_alarm_of():
    row = {"é" * 200: {str(i): 1 for i in range(2000)}}
    payload = json.dumps(row, ensure_ascii=False).encode()
    assert len(payload) < 30_000
    assert record_of(b"d", payload, 0, 1, None).aside.startswith("messages whose cells have names of more")
    few = {"é" * 200: {str(i): 1 for i in range(100)}}
    assert len(record_of(b"d", json.dumps(few).encode(), 0, 1, None).row) == 100
    flat = {f"a name of a cell {i}": i for i in range(2000)}
    assert len(record_of(b"d", json.dumps(flat).encode(), 0, 1, None).row) == 2000


def test_an_alarm_that_is_too_large_is_refused_and_those_after_it_are_sent(cluster):
    with source_of(cluster, "readings") as source:
        alarms = [("d", "0"), ("d", '"' + 1_100_000 * "y" + '"'), ("d", "2")]
        came = source.publish("large-alarms", alarms)
        assert (came.n, list(came.refused), came.why) == (3, [1], "")
        assert "too large" in came.refused[1]
        assert source.publish("large-alarms", alarms[:1]) == (1, {}, "")
    sent = cluster.read("large-alarms", lambda found: len(found) >= 3)
    assert sorted(one.value() for one in sent) == [b"0", b"0", b"2"]


class Producer:
    """Answers as a broker that has a code for some texts, and for a request with one of them."""

    def __init__(self, codes, of_request):
        self._codes, self._of_request, self.asked = codes, of_request, []
        self._waiting = []

    def produce(self, topic, body, key, on_delivery):
        self._waiting.append((body.decode(), on_delivery))

    def flush(self, seconds):
        waiting, self._waiting = self._waiting, []
        self.asked.append([body for body, _ in waiting])
        codes = [self._codes.get(body) for body, _ in waiting]
        if self._of_request and any(codes):
            codes = [next(filter(None, codes))] * len(codes)
        for (_, told), code in zip(waiting, codes, strict=True):
            told(None if code is None else kafka.KafkaError(code), None)


def alarms_of(codes, of_request=False):
    sender = KafkaAlarms({"bootstrap.servers": "127.0.0.1:9"})
    sender._producer = Producer(codes, of_request)
    return sender


LARGE, FORBIDDEN = kafka.KafkaError.MSG_SIZE_TOO_LARGE, kafka.KafkaError.TOPIC_AUTHORIZATION_FAILED
BUSY = kafka.KafkaError.NOT_ENOUGH_REPLICAS


def test_what_a_broker_refuses_with_a_whole_request_is_sent_alone(cluster):
    sender = alarms_of({"1": LARGE}, of_request=True)
    came = sender.publish("t", [("d", str(i)) for i in range(3)])
    assert (came.n, list(came.refused)) == (3, [1])
    assert sender._producer.asked == [["0", "1", "2"], ["0"], ["1"], ["2"]]


def test_what_passes_is_tried_again_and_what_does_not_is_set_aside():
    three = [("d", str(i)) for i in range(3)]
    came = alarms_of({"0": FORBIDDEN, "2": BUSY}).publish("t", three)
    assert (came.n, list(came.refused)) == (2, [0])
    assert came.why
    sender = alarms_of(dict.fromkeys("012", FORBIDDEN)).publish("t", three)
    assert (sender.n, list(sender.refused), sender.why) == (3, [0, 1, 2], "")


def test_a_producer_that_takes_nothing_any_more_is_made_anew():
    sender = alarms_of({"0": kafka.KafkaError._FATAL})
    assert sender.publish("t", [("d", "0")]).n == 0
    assert sender._producer is None


def test_offsets_are_taken_in_once_also_those_of_what_is_no_row(tmp_path):
    offsets = PartitionOffsets()
    with Ledger(str(tmp_path / "rows.sqlite"), {}, offsets) as ledger:
        rubbish = record_of(b"d", b"rubbish", 0, 1, None)
        batch = [record_of(b"d", b'{"a": 1}', 0, 0, None), rubbish, record_of(b"d", b'{"a": 1}', 1, 0, None)]
        for times in (2, 0):
            new = ledger.new_of(batch)
            assert len(new) == times
            ledger.commit(new, [JUDGED] * times, {"n": 1})
        assert offsets.next_of == {0: 2, 1: 1}
        assert ledger.aside() == {"messages that are no JSON object": 1}
        assert ledger.n_doubled == 3


def test_devices_are_bounded_where_each_has_a_model(tmp_path, monkeypatch):
    monkeypatch.setattr(admission, "MOST_DEVICES", 3)
    path = str(tmp_path / "rows.sqlite")
    for first in (0, 10):
        offsets = PartitionOffsets(bounds_devices=True)
        with Ledger(path, {}, offsets) as ledger:
            keys = [b"a", b"\xff", b"c", b"d", b"a"]
            batch = [record_of(key, b'{"a": 1}', 0, first + i, None) for i, key in enumerate(keys)]
            new = ledger.new_of(batch)
            assert [one.seq - first for one in new] == [0, 1, 2, 4]
            ledger.commit(new, [JUDGED] * len(new), {"n": 1})
            assert offsets.next_of == {0: first + 5}
    assert aside_of(path) == {"messages of more than 3 devices": 2}


@pytest.mark.parametrize("code", ["_AUTHENTICATION", "_SSL"])
def test_a_password_that_is_refused_ends_the_stream_at_its_start_and_not_later(cluster, code):
    cluster.send("refused", [("d", 0, '{"a": 1}')])
    error = kafka.KafkaError(getattr(kafka.KafkaError, code), "not with this password")
    with source_of(cluster, "refused") as source:
        source._on_error(error)
        with pytest.raises(TableError, match="refuses: not with this password"):
            next(source.batches(lambda: 1))
    with source_of(cluster, "refused") as source:
        batches_until(source, 1)
        source._on_error(error)
        cluster.send("refused", [("d", 0, '{"a": 1}')])
        batches_until(source, 1)


def test_a_full_disk_is_an_error_of_one_line_and_the_same_command_goes_on(cluster, worker, tmp_path):
    cluster.send("full", [("d", 0, json.dumps(row)) for _, _, row in readings(300)])
    out = tmp_path / "rows.sqlite"
    words = ["stream", f"kafka://{cluster.address}/full", "-o", out]
    full = worker(*words, bytes=200_000, rows=300, most=50)
    assert full["code"] == 1, full["said"]
    assert sum("error" in line for line in full["said"].splitlines()) == 1
    assert str(out) in full["said"]
    done = worker(*words, rows=300, most=50)
    assert done["code"] == 143, done["said"]
    assert [seq for _, _, seq, *_ in rows_of(out)] == list(range(300))


def test_name_and_password_are_sent_as_the_environment_says_and_never_in_the_open():
    plain, secure = BrokerAddress.of("kafka://h/t"), BrokerAddress.of("kafkas://h/t")
    assert (secure.port, secure.tls, plain.port) == (9093, True, 9092)
    words = security_of(secure, Login("me", "sesame", "ca.pem", "PLAIN"))
    assert words["security.protocol"] == "sasl_ssl"
    assert (words["sasl.mechanism"], words["ssl.ca.location"]) == ("PLAIN", "ca.pem")
    assert security_of(plain, Login("me", "sesame"))["sasl.mechanism"] == "SCRAM-SHA-512"
    with pytest.raises(TableError, match="could read the password"):
        security_of(plain, Login("me", "sesame", mechanism="PLAIN"))
    with pytest.raises(TableError, match="expected one of PLAIN"):
        security_of(secure, Login("me", "sesame", mechanism="GSSAPI"))
    assert "sesame" not in repr(Login("me", "sesame"))
    with pytest.raises(TableError, match="IOTAE_KAFKA_USER") as error:
        BrokerAddress.of("kafka://me:sesame@h/t")
    assert "sesame" not in str(error.value)


def test_a_broker_whose_certificate_another_has_signed_is_refused(
    certificates, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr(source_module, "_ANSWER_SECONDS", 1.0)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / "server.pem", certificates / "server.key")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.1)
        ended = threading.Event()

        def answer():
            while not ended.is_set():
                with suppress(OSError):
                    client, _ = listening.accept()
                    with client, suppress(OSError), context.wrap_socket(client, server_side=True):
                        pass

        thread = threading.Thread(target=answer)
        thread.start()
        address = f"kafkas://localhost:{listening.getsockname()[1]}/t"
        words = ["stream", address, "-o", str(tmp_path / "o.sqlite"), "--ca"]
        try:
            assert main([*words, str(certificates / "other.pem")]) == 1
        finally:
            ended.set()
            thread.join()
    said = capsys.readouterr().err
    assert "refuses" in said
    assert "certificate verify failed" in said
    assert main([*words, str(tmp_path / "none.pem")]) == 1
    assert "Cannot read from localhost" in capsys.readouterr().err
