"""The rows of a running stream as ``iotae watch`` finds them, and what it makes of them."""

import csv
import io
import json
import os
import sqlite3
from contextlib import closing
from math import isnan, nan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iotae.cli import main
from iotae.data import TableError
from iotae.runner.device_numbers import DeviceNumbers
from iotae.runner.ledger import Judgement, Ledger
from iotae.runner.messages import Message
from iotae.watch import board as boards
from iotae.watch import devices, ledger_rows, scored_file, tail
from iotae.watch.board import Asked, Board
from iotae.watch.columns import Columns
from iotae.watch.drift import Drift
from iotae.watch.found import Found, ScoredRow
from iotae.watch.ledger_rows import LedgerRows, is_ledger
from iotae.watch.recent import Recent, buckets_of
from iotae.watch.records import CsvRecords
from iotae.watch.scored_file import ScoredFile

HEAD = ["at", "device", "watts", "score", "alarm", "threshold", "reason"]


def lines_of(rows, head=HEAD):
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([head, *rows] if head else rows)
    return text.getvalue()


def cells(i, device="pump", alarm=0, reason="", score=None, cut=0.5):
    return [
        f"2026-01-01 00:00:{i % 60:02d}",
        device,
        i,
        i % 10 / 10 if score is None else score,
        alarm,
        cut,
        reason,
    ]


def source_of(path, group="device", when="at"):
    return ScoredFile(str(path), Columns(group=group, when=when))


def everything(source, board):
    while True:
        found = source.poll()
        board.take(found)
        if not found.more:
            return found


def a_board(**words):
    return Board("t", named=True, clock=lambda: 1000.0, ticks=lambda: 0.0, **words)


def told(board, **asked):
    """What a page shows, without what depends on the moment."""
    all_of_it = board.told(Asked(**asked), (0, 0))
    del all_of_it["status"], all_of_it["alarms"]["begun"]
    for one in all_of_it["devices"]["list"]:
        one[4] = 0
    # those that were seen in one look have no order
    all_of_it["devices"]["list"].sort(key=lambda one: (-one[2], one[0]))
    return all_of_it


# -- a file ---------------------------------------------------------------------------------------

texts = st.text(st.sampled_from('ab,"\n\r;\u2028é\u202e<'), max_size=6)
table = st.lists(
    st.tuples(st.integers(0, 99), texts, st.booleans(), st.none() | st.floats(0, 1), texts),
    min_size=1,
    max_size=30,
)


@settings(max_examples=40)
@given(table, st.lists(st.integers(1, 200), max_size=12))
def test_what_comes_bit_by_bit_is_what_is_found_at_once(tmp_path_factory, rows, sizes):
    path = tmp_path_factory.mktemp("w") / "scored.csv"
    written = [[i, device, i, score, int(alarm), 0.5, why] for i, device, alarm, score, why in rows]
    text = io.StringIO()
    # as CsvRows does where a cell has a carriage return
    csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows([HEAD, *written])
    data = text.getvalue().encode()
    source, slowly = source_of(path), a_board()
    for size in [*sizes, len(data)]:
        with open(path, "ab") as file:
            file.write(data[:size])
        data = data[size:]
        everything(source, slowly)
    source.close()
    again, at_once = source_of(path), a_board()
    everything(again, at_once)
    again.close()
    assert told(slowly) == told(at_once)
    assert told(slowly, span="all") == told(at_once, span="all")
    assert told(slowly)["totals"]["rows"] == len(rows)
    assert told(slowly)["totals"]["alarms"] == sum(alarm for _, _, alarm, _, _ in rows)
    assert told(slowly)["totals"]["aside"] == 0


def test_a_row_without_its_end_is_no_row_yet_and_a_broken_one_costs_itself(tmp_path):
    path = tmp_path / "scored.csv"
    source, board = source_of(path), a_board()
    assert source.poll().waits == "there is no such file yet"
    path.write_text("")
    assert source.poll().waits == "the file is empty"
    path.write_text("at,device,wat")
    assert source.poll().waits == "there is no header yet"
    good = lines_of([cells(1), cells(2, alarm=1, reason="watts 2")])
    path.write_text(good + "broken\n" + lines_of([cells(3)], None) + lines_of([cells(4)], None)[:-1])
    everything(source, board)
    totals = told(board)["totals"]
    assert (totals["rows"], totals["alarms"], totals["aside"]) == (3, 1, 1)
    with open(path, "a") as file:
        file.write("\n" + "x" * 30 + ",,,many,2,,\n")
    everything(source, board)
    totals = told(board)["totals"]
    assert (totals["rows"], totals["aside"]) == (4, 2)
    source.close()


@settings(max_examples=60)
@given(st.binary(max_size=300))
def test_rubbish_in_a_file_costs_a_hundred_rows_at_most(tmp_path_factory, rubbish):
    path = tmp_path_factory.mktemp("w") / "scored.csv"
    good = lines_of([cells(i) for i in range(110)], None)
    path.write_bytes(lines_of([cells(1)]).encode() + rubbish + b"\n" + good.encode())
    source, board = source_of(path), a_board()
    everything(source, board)
    # it goes on with what comes then
    with open(path, "a") as file:
        file.write(lines_of([cells(59)], None))
    everything(source, board)
    source.close()
    assert told(board)["totals"]["rows"] >= 12
    assert told(board)["chart"]["end"] == cells(59)[0]


def test_a_file_that_cannot_be_read_for_a_while_is_read_again(tmp_path, monkeypatch):
    path = tmp_path / "scored.csv"
    path.write_text(lines_of([cells(1)]))
    source, board = source_of(path), a_board()
    everything(source, board)
    with open(path, "a") as file:
        file.write(lines_of([cells(2)], None))
    with monkeypatch.context() as broken:
        broken.setattr(os, "pread", lambda *_: (_ for _ in ()).throw(OSError(5, "Input/output error")))
        for _ in range(2):
            with pytest.raises(OSError, match="Input/output"):
                source.poll()
    everything(source, board)
    assert told(board)["totals"]["rows"] == 2
    source.close()


def test_only_the_end_of_a_large_file_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(tail, "HISTORY_BYTES", 4096)
    path = tmp_path / "scored.csv"
    # reading begins in the middle of a cell of many lines, with quotes the wrong way round
    odd = [cells(i, reason='a "quoted" word,\nthen\n"others"\n' * 20) for i in range(40)]
    path.write_text(lines_of(odd + [cells(i) for i in range(30)]))
    source = source_of(path)
    found = source.poll()
    rows = list(found.rows)
    while found.more:
        found = source.poll()
        rows += found.rows
    assert found.aside == 0
    assert [row.when for row in rows[-30:]] == [cells(i)[0] for i in range(30)]
    assert 30 <= len(rows) < 45
    source.close()


def test_a_history_is_the_latest_rows_and_says_that_there_were_others(tmp_path, monkeypatch):
    monkeypatch.setattr(scored_file, "HISTORY_ROWS", 10)
    path = tmp_path / "scored.csv"
    path.write_text(lines_of([cells(i) for i in range(25)]))
    board = a_board()
    source = source_of(path)
    everything(source, board)
    source.close()
    assert (told(board)["totals"]["rows"], told(board)["totals"]["earlier"]) == (10, True)
    assert told(board)["chart"]["begin"] == "2026-01-01 00:00:15"


def test_a_stream_that_goes_on_after_a_crash_is_shown_as_it_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["simulate", "-o", "all.csv", "--label", "attack", "--rows", "600"]) == 0
    rows = (tmp_path / "all.csv").read_text().splitlines(keepends=True)
    words = ["stream", "events.csv", "--label", "attack", "--alpha", "0.1", "-o", "scored.csv", "--explain"]
    words += ["--checkpoint", "state"]
    (tmp_path / "events.csv").write_text("".join(rows[:401]))
    assert main(words) == 0
    source, board = ScoredFile("scored.csv", Columns()), Board("t")
    everything(source, board)
    # what stands behind the checkpoint is cut off and written once more
    with open("scored.csv", "a") as file:
        file.write("".join((tmp_path / "scored.csv").read_text().splitlines(keepends=True)[-50:]))
    everything(source, board)
    assert told(board)["totals"]["rows"] == 450
    (tmp_path / "events.csv").write_text("".join(rows))
    assert main(words) == 0
    everything(source, board)
    source.close()
    with open("scored.csv", newline="") as file:
        expected = list(csv.DictReader(file))
    alarms = [row for row in expected if row["alarm"] == "1"]
    shown = told(board)
    assert (shown["totals"]["rows"], shown["totals"]["alarms"]) == (600, len(alarms))
    assert [one[-1] for one in shown["alarms"]["new"]] == [row["reason"] for row in alarms][-200:]
    # the column of times was found
    assert shown["alarms"]["new"][-1][3] == alarms[-1]["timestamp"]
    assert shown["totals"]["judged"] == sum(row["threshold"] != "" for row in expected)


def test_a_file_that_is_renamed_goes_on_and_one_that_is_written_anew_begins_anew(tmp_path):
    path = tmp_path / "scored.csv"
    path.write_text(lines_of([cells(1)]))
    source, board = source_of(path), a_board()
    everything(source, board)
    with open(path, "a") as file:
        os.rename(path, tmp_path / "scored.csv.1")
        file.write(lines_of([cells(2)], None))
    path.write_text(lines_of([[*cells(3), "x"]], [*HEAD, "more"]))
    for _ in range(3):
        everything(source, board)
    assert told(board)["totals"]["rows"] == 3
    os.remove(path)
    assert not everything(source, board).rows
    path.write_text(lines_of([cells(9)]))
    for _ in range(2):
        everything(source, board)
    assert told(board)["totals"]["rows"] == 4
    # as long as before, and longer: both are told by what stands in it
    path.write_text(lines_of([cells(8)]))
    everything(source, board)
    assert (told(board)["totals"]["rows"], told(board)["chart"]["end"]) == (1, "2026-01-01 00:00:08")
    path.write_text(lines_of([cells(6), cells(7)]))
    everything(source, board)
    assert told(board)["totals"]["rows"] == 2
    # what was shown stays until there is something else
    path.write_text("")
    assert everything(source, board).waits == "the file is empty"
    assert told(board)["totals"]["rows"] == 2
    source.close()


def test_lines_of_json_and_lines_that_are_too_long(tmp_path, monkeypatch):
    monkeypatch.setattr(tail, "_LONGEST_LINE", 200)
    path = tmp_path / "scored.jsonl"
    rows = [{"device": "a", "score": 0.5, "alarm": True, "threshold": None}, {"score": 0.25, "alarm": 0}]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows) + "[1]\n{" + "x" * 500)
    source = ScoredFile(str(path), Columns(group="device"))
    found = source.poll()
    assert [(row.device, row.score, row.alarm) for row in found.rows] == [("a", 0.5, True), ("", 0.25, False)]
    assert isnan(found.rows[0].cut)
    assert found.aside == 2
    with open(path, "a") as file:
        file.write("x" * 500 + "\n" + json.dumps(rows[0]) + "\n")
    found = source.poll()
    assert (len(found.rows), found.aside) == (1, 0)
    source.close()


def test_what_is_no_output_of_a_stream_is_refused(tmp_path):
    path = tmp_path / "scored.csv"
    for content, word in (
        (b"a,b\n1,2\n", "without a column 'score'"),
        (b"\x1f\x8b\x08", "packed"),
        (b"PAR1", "Parquet"),
        (b'{"a": 1}\n', "without a column 'score'"),
    ):
        path.write_bytes(content)
        with pytest.raises(TableError, match=word):
            source_of(path, None, None).poll()
    path.write_text(lines_of([cells(1)]))
    with pytest.raises(TableError, match="'pump'"):
        source_of(path, "pump").poll()
    with pytest.raises(TableError, match="ordinary file"):
        source_of(tmp_path, None).poll()
    # a later look finds what was put right
    path.write_text("a,b\n1,2\n")
    source = source_of(path)
    for _ in range(2):
        with pytest.raises(TableError, match="'score'"):
            source.poll()
    path.write_text(lines_of([cells(1)]))
    assert source.poll().anew
    source.close()


def test_a_quote_that_is_never_closed_costs_no_row_after_it():
    records = CsvRecords(lambda row: len(row) == 2, inside=False)
    found = records.of(['a,"1\n', *(f"{i},{i}\n" for i in range(250))])
    assert [row[0] for row in found[:151]] == [str(i) for i in range(151)]
    assert records.aside == 1
    assert records.of(['b,2"\n', "c,3\n", *(f'd,"{i}"\n' for i in range(100))])[0] == ["c", "3"]


def test_reading_that_begins_inside_a_cell_goes_on_with_the_next_row():
    records = CsvRecords(lambda row: len(row) == 2, inside=True)
    # it does not wait for another quote
    assert records.of(['the end of a cell",1\n', "a,2\n"]) == [["a", "2"]]
    assert records.of(['"b\n', "c,2\n", 'd",3\n']) == [["b\nc,2\nd", "3"]]
    assert records.aside == 0


# -- the ledger of a broker -----------------------------------------------------------------------


def ledger_at(path):
    return Ledger(str(path), {}, DeviceNumbers())


def committed(ledger, *rows):
    batch = [Message(device, seq, {"x": 1.0}, "", (1, 1)) for device, seq, _ in rows]
    judged = [Judgement(0.9 if alarm else 0.1, alarm, 0.5, "x 1" if alarm else "") for _, _, alarm in rows]
    ledger.commit(ledger.new_of(batch), judged, {"n": 1})


def inserted(base, seq, taken):
    names = "device, seq, cells, score, alarm, reason, taken"
    base.execute(f"insert into rows ({names}) values ('<b>', ?, '{{}}', 0.3, 0, '', ?)", (seq, taken))
    base.execute("insert or replace into devices (device, last_seq) values ('<b>', ?)", (seq,))


def test_the_rows_of_a_ledger_are_read_when_it_is_closed_and_while_it_is_written(tmp_path):
    path = tmp_path / "rows.sqlite"
    assert is_ledger(str(path))
    source, board = LedgerRows(str(path)), a_board()
    assert source.poll().waits == "there is no such file yet"
    with ledger_at(path) as ledger:
        committed(ledger, ("a", 1, False), ("a", 2, True), ("<b>", 7, False))
    everything(source, board)
    assert told(board)["totals"]["rows"] == 3
    assert told(board)["alarms"]["new"][0][2:] == ["a", told(board)["alarms"]["new"][0][3], 0.9, 0.5, "x 1"]
    # a writer that holds its file open, as a stream does that lets others read
    with closing(sqlite3.connect(path, isolation_level=None)) as base:
        base.execute("pragma journal_mode=wal")
        for seq in (8, 9):
            base.execute("begin immediate")
            inserted(base, seq, 2e9 + seq)
            # not committed yet
            assert not source.poll().rows
            base.execute("commit")
            assert [row.score for row in source.poll().rows] == [0.3]
            assert source.poll() == Found()
        base.execute("delete from rows")
        assert source.poll() == Found(rows=[])
        # the clock of the writer was set back
        inserted(base, 10, 1.0)
        assert "clock was set back" in source.poll().waits
    source.close()


def test_a_clock_that_was_set_back_is_told_of_kafka_s_rows_too(tmp_path):
    path = tmp_path / "rows.sqlite"
    with ledger_at(path), closing(sqlite3.connect(path, isolation_level=None)) as base:
        names = "device, part, seq, cells, score, alarm, reason, taken"
        insert = f"insert into rows ({names}) values ('a', 3, ?, '{{}}', 0.3, 0, '', ?)"
        for seq, taken in ((1, 4e9), (2, 1.7e9)):
            base.execute(insert, (seq, taken))
            base.execute("insert or replace into partitions values (3, ?)", (seq + 1,))
            if seq == 1:
                source = LedgerRows(str(path))
                assert len(source.poll().rows) == 1
        assert "clock was set back" in source.poll().waits
        # offsets alone say nothing where the latest row is not of the future
        source = LedgerRows(str(path))
        base.execute("update rows set taken = 1.7e9")
        assert len(source.poll().rows) == 2
        base.execute("insert or replace into partitions values (3, 9)")
        assert source.poll() == Found(rows=[])
    source.close()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no pipes with names")
def test_a_pipe_is_refused_and_not_waited_for(tmp_path):
    path = tmp_path / "scored.csv"
    os.mkfifo(path)
    assert not is_ledger(str(path))
    with pytest.raises(TableError, match="expected an ordinary file"):
        source_of(path).poll()


def test_a_ledger_that_nobody_writes_is_read_from_a_folder_that_may_only_be_read(tmp_path, monkeypatch):
    path = tmp_path / "rows.sqlite"
    with ledger_at(path) as ledger:
        committed(ledger, ("a", 1, False))
        while_written = ledger_rows._address_of(str(path))
    # as of a volume that is mounted to be read; root may write into any other folder
    monkeypatch.setattr(ledger_rows.os, "access", lambda *_: False)
    assert while_written.endswith("?mode=ro")
    assert ledger_rows._address_of(str(path)).endswith("?mode=ro&immutable=1")
    assert len(LedgerRows(str(path)).poll().rows) == 1
    with ledger_at(path) as ledger:
        committed(ledger, ("a", 2, False))
        # what is in the log beside it is not in the file yet
        assert ledger_rows._address_of(str(path)).endswith("?mode=ro")
        assert len(LedgerRows(str(path)).poll().rows) == 2


def test_a_ledger_is_read_in_parts_and_of_many_devices_some(tmp_path, monkeypatch):
    monkeypatch.setattr(ledger_rows, "HISTORY_ROWS", 6)
    monkeypatch.setattr(ledger_rows, "_MOST_ROWS", 4)
    path = tmp_path / "rows.sqlite"
    with ledger_at(path) as ledger:
        committed(ledger, *(("abc"[i % 3], i, i == 29) for i in range(30)))
    source = LedgerRows(str(path))
    found = source.poll()
    assert (len(found.rows), found.earlier, found.anew) == (6, True, True)
    # in the order of their devices and numbers, as later ones
    assert [(row.device, row.alarm) for row in found.rows] == [("c", i == 29) for i in range(14, 30, 3)]
    with ledger_at(path) as ledger:
        # three commits, one of more rows than are taken at a time, but for those of one commit
        for begin, end in ((30, 33), (33, 42), (42, 44)):
            committed(ledger, *(("abcd"[i % 4], i, i == 41) for i in range(begin, end)))
    got = []
    while (found := source.poll()).rows:
        got += found.rows
    assert len(got) == 14
    assert sum(row.alarm for row in got) == 1
    source.close()


def test_what_is_no_ledger_is_refused_and_one_that_is_locked_is_waited_for(tmp_path):
    path = tmp_path / "rows.sqlite"
    path.write_bytes(b"SQLite format 3\0" + b"x" * 5000)
    with pytest.raises(TableError, match="Cannot read rows"):
        LedgerRows(str(path)).poll()
    os.remove(path)
    with closing(sqlite3.connect(path)) as base:
        base.execute("create table others (x)")
        source = LedgerRows(str(path))
        with pytest.raises(TableError, match="no such table"):
            source.poll()
        base.execute("pragma locking_mode=exclusive")
        base.execute("begin exclusive")
        assert "locked" in source.poll().waits
    source.close()


# -- what is made of the rows ---------------------------------------------------------------------


def row(score=0.1, alarm=False, device="a", reason="", cut=0.5, at=0.0):
    return ScoredRow(device, "", score, cut, alarm, score == score, reason, at)


def test_a_board_is_no_larger_for_more_rows_and_devices(monkeypatch):
    monkeypatch.setattr(boards, "_RECENT_ROWS", 100)
    monkeypatch.setattr(devices, "MOST_DEVICES", 20)
    board, ticks = a_board(), [0.0]
    board._ticks = lambda: ticks[0]
    sizes = []
    for part in range(60):
        ticks[0] += 1.5
        board.take(
            Found(
                [row(device=f"d{(part * 50 + i) % 300}", alarm=i % 5 == 0) for i in range(50)], anew=part == 0
            )
        )
        sizes.append(len(json.dumps(told(board))))
    shown = told(board)
    assert max(sizes[30:]) < 1.05 * sizes[29]
    assert shown["totals"]["rows"] == 3000
    assert (shown["totals"]["devices"], shown["totals"]["forgotten"]) == (20, 2980)
    assert (len(shown["alarms"]["new"]), shown["alarms"]["n"]) == (boards.SHOWN_ALARMS, 600)
    assert len(board._came) <= 41
    assert len(board._recent._cells) < 600
    assert len(told(board, span="all")["chart"]["high"]) <= 512


def test_the_device_that_was_silent_longest_is_forgotten(monkeypatch):
    monkeypatch.setattr(devices, "MOST_DEVICES", 2)
    board = a_board()
    board.take(Found([row(device=name) for name in "abac"], anew=True))
    assert [one[:2] for one in told(board)["devices"]["list"]] == [["a", 2], ["c", 1]]


def test_a_browser_is_told_the_alarms_that_it_has_not():
    board = a_board()
    board.take(Found([row(alarm=True, reason="one")], anew=True))
    first = board.told(Asked(), (0, 0))["alarms"]
    board.take(Found([row(), row(alarm=True, reason="two")]))
    second = board.told(Asked(), (first["begun"], first["n"]))["alarms"]
    assert [one[-1] for one in second["new"]] == ["two"]
    assert board.told(Asked(), (second["begun"], second["n"]))["alarms"]["new"] == []
    # the numbers of a file that was begun anew are others
    board.take(Found([row(alarm=True, reason="three")], anew=True))
    assert [one[-1] for one in board.told(Asked(), (second["begun"], second["n"]))["alarms"]["new"]] == [
        "three"
    ]


def test_the_version_changes_with_what_is_shown():
    board = a_board()
    versions = [board.version]
    for found, trouble in (
        (Found([row()], anew=True), ""),
        (Found(), ""),
        (Found(waits="x"), ""),
        (Found(waits="x"), ""),
        (Found(), "no"),
    ):
        board.take(found, trouble)
        versions.append(board.version)
    assert np.diff(versions).tolist() == [1, 0, 1, 0, 1]
    assert board.status()["trouble"] == "no"


def test_the_age_and_the_rate_are_of_the_rows_that_came():
    now, ticks = [1000.0], [0.0]
    board = Board("t", clock=lambda: now[0], ticks=lambda: ticks[0])
    assert board.status()["age"] is None
    board.take(Found([row(at=900.0)] * 500, anew=True))
    assert (board.status()["age"], board.status()["rate"]) == (100.0, 0.0)
    ticks[0] = 30.0
    board.take(Found([row(at=1000.0)] * 60))
    assert (board.status()["age"], board.status()["rate"]) == (0.0, 2.0)
    ticks[0], now[0] = 100.0, 1070.0
    assert (board.status()["age"], board.status()["rate"]) == (70.0, 0.0)


pairs = st.lists(st.tuples(st.floats(0, 1) | st.just(nan), st.booleans()), max_size=30)


@given(pairs, st.integers(1, 5), st.integers(2, 12))
def test_buckets_hold_the_extremes_of_their_rows_and_stay_where_they_are(rows, times, most):
    recent, rows = Recent(40), rows * times
    for score, alarm in rows:
        recent.add(score, 0.5, alarm)
    found = buckets_of(recent, most)
    first, width = found["first"], found["width"]
    assert first % width == 0
    kept = list(enumerate(rows))[-40:]
    assert len(found["high"]) <= most + 1
    for place, (high, low, alarms) in enumerate(
        zip(found["high"], found["low"], found["alarms"], strict=True)
    ):
        own = [one for i, one in kept if i // width == first // width + place]
        scores = [score for score, _ in own if score == score]
        assert alarms == sum(alarm for _, alarm in own)
        assert (high is None) == (not scores)
        if scores:
            assert high == pytest.approx(max(scores), abs=1e-3)
            assert low == pytest.approx(min(scores), abs=1e-3)


def test_scores_have_moved_when_a_quarter_are_where_a_tenth_were(rng):
    drift, lower = Drift(), Drift()
    for score in rng.random(6000):
        drift.add(score)
        lower.add(score)
    assert drift.told()["word"] == "as before"
    assert drift.told()["before"] == 5500
    assert len(drift._before) == 2000
    assert np.quantile(drift._before, 0.5) == pytest.approx(0.5, abs=0.05)
    for score in rng.random(200):
        drift.add(0.9 + score / 10)
        lower.add(score / 20)
    assert (drift.told()["word"], lower.told()["word"]) == ("higher", "lower")


def test_devices_are_found_by_a_part_of_their_name_and_ordered():
    board = a_board()
    rows = [
        row(device="Pump 1", at=1.0),
        row(device="pump 2", alarm=True, at=2.0),
        row(0.9, device="fan", at=3.0),
    ]
    board.take(Found(rows, anew=True))

    def names(**asked):
        return [one[0] for one in board.told(Asked(**asked), (0, 0))["devices"]["list"]]

    assert names() == ["pump 2", "fan", "Pump 1"]
    assert names(part="PUMP", order="latest") == ["pump 2", "Pump 1"]
    assert names(order="silent") == ["Pump 1", "pump 2", "fan"]
    assert names(order="score")[0] == "fan"
    chart = told(board, device="pump 2")["chart"]
    assert (chart["rows"], chart["alarms"], chart["device"]) == (1, [1], "pump 2")
    assert told(board, device="unknown")["chart"]["high"] == []
