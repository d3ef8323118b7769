"""The file of a broker's rows: read and cleaned up by others while it is written, and kept from growing."""

import json
import os
import sqlite3
import stat
import threading
import time
from contextlib import closing

import numpy as np
import pytest

from iotae import serialization
from iotae.data import TableError
from iotae.runner import database, ledger
from iotae.runner.device_numbers import DeviceNumbers
from iotae.runner.ledger import Judgement, Ledger
from iotae.runner.messages import Message
from iotae.watch.ledger_rows import LedgerRows

FIRST_VERSION = """
create table rows (
    device text not null, seq integer not null, cells text not null, score real not null,
    alarm integer not null, threshold real, reason text not null, taken real not null,
    primary key (device, seq)
) without rowid;
create index alarms on rows (taken) where alarm;
create table devices (device text primary key, last_seq integer not null) without rowid;
create table unsent (id integer primary key, device text not null, seq integer not null, body text not null);
create table aside (reason text primary key, n integer not null) without rowid;
create table model (one integer primary key check (one = 1), state blob not null);
pragma user_version = 1;
"""


def message(device="a", seq=1, **row):
    return Message(device, seq, row or {"x": 1.0}, "", (1, 1))


def judged(alarm=False):
    return Judgement(0.5, alarm, None, "")


def commit(open_ledger, *seqs, alarm=False):
    batch = open_ledger.new_of([message(seq=seq) for seq in seqs])
    open_ledger.commit(batch, [judged(alarm)] * len(batch), {"n": len(batch), "large": "x" * 100_000})
    return len(batch)


def reader_of(path):
    return closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, isolation_level=None))


def count(base):
    return base.execute("select count(*) from rows").fetchone()[0]


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "rows.sqlite")


def test_a_reader_that_holds_a_long_read_sees_one_moment_and_does_not_stop_the_stream(path):
    with Ledger(path, {}, DeviceNumbers()) as writing, reader_of(path) as long, reader_of(path) as short:
        commit(writing, 1)
        long.execute("begin")
        assert count(long) == 1
        for seq in range(2, 50):
            commit(writing, seq)
        assert (count(long), count(short)) == (1, 49)
        long.execute("commit")
        assert count(long) == 49
        # what the long read held up in the write-ahead log goes back into the file when it ends
        commit(writing, 50)
        size = os.path.getsize(f"{path}-wal")
        for seq in range(51, 99):
            commit(writing, seq)
        assert os.path.getsize(f"{path}-wal") <= 1.5 * size
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert sorted(os.listdir(os.path.dirname(path))) == ["rows.sqlite", "rows.sqlite-lock"]
    with reader_of(path) as late:
        assert count(late) == 98


def test_a_job_that_deletes_old_rows_delays_the_stream_and_no_more(path):
    with Ledger(path, {}, DeviceNumbers()) as writing:
        commit(writing, *range(100))
        begun, done = threading.Event(), []

        def clean_up():
            with closing(sqlite3.connect(path, isolation_level=None)) as other:
                other.execute("begin immediate")
                other.execute("delete from rows where seq < 90")
                begun.set()
                time.sleep(0.5)
                other.execute("commit")
                done.append(1)

        job = threading.Thread(target=clean_up)
        job.start()
        assert begun.wait(30)
        assert commit(writing, 100) == 1
        assert done
        job.join()
        # what was deleted is still known to have been taken in
        assert commit(writing, 5, 101) == 1
    with reader_of(path) as late:
        assert count(late) == 12


def test_a_writer_that_never_ends_is_an_error_and_the_same_batch_can_be_committed_later(path, monkeypatch):
    monkeypatch.setattr(database, "_SLICE_SECONDS", 0.05)
    monkeypatch.setattr(database, "_WAIT_SECONDS", 0.1)
    with (
        Ledger(path, {}, DeviceNumbers()) as writing,
        closing(sqlite3.connect(path, isolation_level=None)) as other,
    ):
        commit(writing, 1)
        other.execute("begin immediate")
        with pytest.raises(OSError, match="locked"):
            commit(writing, 2)
        other.execute("rollback")
        assert commit(writing, 2) == 1
    with reader_of(path) as late:
        assert count(late) == 2


def test_one_process_at_a_time_writes_a_ledger(path):
    with Ledger(path, {}, DeviceNumbers()) as writing:
        with (
            pytest.raises(TableError, match="as a running process does: end it"),
            Ledger(path, {}, DeviceNumbers()),
        ):
            pass
        assert commit(writing, 1) == 1
    with Ledger(path, {}, DeviceNumbers()) as writing:
        assert commit(writing, 1) == 0


def test_a_file_of_the_first_version_is_gone_on_with(path):
    blob = serialization.dumps("StreamLedger", {"words": json.dumps({"topic": "t"}), "state": {"n": 1}})
    with closing(sqlite3.connect(path)) as old:
        old.executescript("pragma journal_mode = wal;" + FIRST_VERSION)
        old.execute("insert into rows values ('a', 7, '{\"x\": 1.0}', 0.5, 1, null, '', 1e9)")
        old.execute("insert into devices values ('a', 7)")
        old.execute("insert into unsent values (1, 'a', 7, '{}')")
        old.execute("insert into model values (1, ?)", (blob,))
        old.commit()
    for _ in range(2):
        with Ledger(path, {"topic": "t"}, DeviceNumbers()) as writing:
            assert writing.load()["n"] == 1
            assert writing.outbox.unsent() == [(1, "a", "{}")]
            assert writing.new_of([message(seq=7)]) == []
    with Ledger(path, {"topic": "t"}, DeviceNumbers()) as writing:
        assert commit(writing, 7, 8) == 1
    with reader_of(path) as late:
        assert late.execute("select device, part, seq from rows").fetchall() == [("a", 0, 7), ("a", 0, 8)]


def test_a_file_of_a_later_version_or_of_another_kind_is_refused(path):
    for name, value, said in (("user_version", 99, "upgrade iotae"), ("application_id", 5, "other tables")):
        with Ledger(path, {}, DeviceNumbers()):
            pass
        with closing(sqlite3.connect(path)) as base:
            base.execute(f"pragma {name} = {value}")
        with pytest.raises(TableError, match=said), Ledger(path, {}, DeviceNumbers()):
            pass
        os.unlink(path)


def test_a_file_whose_tables_are_damaged_is_refused_though_sqlite_cannot_say_so_in_text(path):
    with Ledger(path, {}, DeviceNumbers()):
        pass
    with open(path, "rb") as file:
        blob = file.read()
    # the name of an index, as no text can have it
    damaged = blob.replace(b"indextakenrows", b"indextak\xccnrows")
    assert damaged != blob
    with open(path, "wb") as file:
        file.write(damaged)
    message = r"rows\.sqlite: its tables are damaged"
    with pytest.raises(TableError, match=message), Ledger(path, {}, DeviceNumbers()):
        pass
    with pytest.raises(TableError, match=message):
        LedgerRows(path).poll()


def test_a_file_whose_tables_make_no_sense_is_refused_in_one_printable_line(path):
    with Ledger(path, {}, DeviceNumbers()):
        pass
    with closing(sqlite3.connect(path)) as base, base:
        base.execute("pragma writable_schema = on")
        base.execute("update sqlite_master set sql = sql || char(19, 10) where name = 'model'")
    for opened in (lambda: Ledger(path, {}, DeviceNumbers()).__enter__(), LedgerRows(path).poll):
        with pytest.raises(TableError, match=r"malformed database schema .* \"\\x13") as caught:
            opened()
        assert str(caught.value).isprintable()


def test_a_file_whose_words_are_no_text_is_refused(path):
    with Ledger(path, {}, DeviceNumbers()) as made:
        made.commit([], [], {})
    blob = serialization.dumps(ledger._KIND, {"words": np.zeros(2), "state": {}})
    with closing(sqlite3.connect(path)) as base, base:
        base.execute("update model set state = ?", (blob,))
    with (
        Ledger(path, {}, DeviceNumbers()) as opened,
        pytest.raises(TableError, match=r"begun with \[0\. 0\.\]"),
    ):
        opened.load()


def test_old_rows_go_a_bounded_number_at_a_time_and_alarms_that_are_not_sent_stay(path, monkeypatch):
    monkeypatch.setattr(ledger, "_FEWEST_DELETED", 10)
    now = [1e9]
    monkeypatch.setattr(ledger, "time", lambda: now[0])
    with Ledger(path, {}, DeviceNumbers(), keep=2.0) as writing, reader_of(path) as reader:
        commit(writing, *range(25), alarm=True)
        now[0] += 1.9 * 86_400
        commit(writing, 25)
        assert count(reader) == 26
        now[0] += 0.2 * 86_400
        left = []
        for seq in range(26, 30):
            commit(writing, seq)
            left.append(count(reader))
        assert left == [17, 8, 4, 5]
        assert len(writing.outbox.unsent()) == 25
        assert commit(writing, 3) == 0


def test_alarms_are_put_down_only_where_somebody_sends_them(path):
    with Ledger(path, {}, DeviceNumbers(), queues=False) as writing:
        commit(writing, 1, alarm=True)
        assert writing.outbox.unsent() == []
