"""The mock cluster of Kafka's own library, messages for it, and what a stream has made of them."""

import os
import signal
import sqlite3
import time
from contextlib import closing

import confluent_kafka as kafka
import numpy as np

from iotae.runner.ledger import Ledger


class Cluster:
    """One broker in this process; a topic is made with the first message and has four partitions."""

    def __init__(self):
        # what its threads say of clients that were killed is no matter of the test
        self.producer = kafka.Producer({"test.mock.num.brokers": 1, "bootstrap.servers": "x", "log_level": 0})
        (broker,) = self.producer.list_topics(timeout=10).brokers.values()
        self.address = f"{broker.host}:{broker.port}"

    def send(self, topic, messages):
        """Send (key, partition, body), each on the broker when this returns."""
        for key, part, body in messages:
            self.producer.produce(topic, body, key, part)
            self.producer.poll(0)
        assert self.producer.flush(30) == 0

    def read(self, topic, enough):
        """The messages of a topic, from its beginning until there are enough."""
        with_group = {"bootstrap.servers": self.address, "group.id": "listener", "log_level": 0}
        reader = kafka.Consumer(with_group)
        reader.assign([kafka.TopicPartition(topic, part, 0) for part in range(4)])
        found, deadline = [], time.monotonic() + 30
        while not enough(found):
            assert time.monotonic() < deadline, len(found)
            found += [one for one in reader.consume(100, 0.2) if one.error() is None]
        reader.close()
        return found


def readings(n, seed=0):
    """Messages of six devices, each of which has its partition; an odd row now and then."""
    rng = np.random.default_rng(seed)
    for i, (a, b) in enumerate(rng.normal(size=(n, 2)).round(3).tolist()):
        yield f"d{i % 6}", i % 3, {"a": a, "b": 100.0 if i % 97 == 96 else a + b / 10, "mode": "eco"}


def rows_of(path, columns="device, part, seq, score, alarm, threshold"):
    with closing(sqlite3.connect(path)) as base:
        return base.execute(f"select {columns} from rows order by part, seq").fetchall()


def aside_of(path):
    with closing(sqlite3.connect(path)) as base:
        return dict(base.execute("select reason, n from aside"))


def stopped_at(rows, monkeypatch):
    """Let a stream of this process end as by Ctrl-C when it has so many rows."""
    commit = Ledger.commit

    def committed(self, batch, judged, state, parts=None):
        commit(self, batch, judged, state, parts)
        if state["counts"]["rows"] >= rows:
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(Ledger, "commit", committed)
