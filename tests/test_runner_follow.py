"""A file that grows: rows as they come, torn lines, rotation, restarts, and memory that stays bounded."""

import itertools
import json
import os

import pytest

from iotae.cli import main
from iotae.data import TableError
from iotae.data.table_notation import InputFormat
from iotae.io import jsonl
from iotae.runner import follow, seldom
from iotae.runner.follow import FollowedFile

HEADER = "a,b\n"


class EndOfScriptError(Exception):
    """Nothing is written any more."""


def followed(path, *steps, state=None, size=100, say=None):
    """The rows that are read while the steps happen, each when the reader waits, and the last state."""
    left = iter(steps)

    def wait():
        step = next(left, None)
        if step is None:
            raise EndOfScriptError
        step()

    source, rows = FollowedFile(str(path), size, InputFormat(), wait, say), []
    if state is not None:
        source.restore(json.loads(json.dumps(state)))
    try:
        for chunk in source:
            rows += zip(*(chunk.array(name) for name in chunk.names), strict=True)
            state = source.to_state()
    except EndOfScriptError:
        pass
    return rows, state, source


def adding(path, text):
    def add():
        with path.open("a") as file:
            file.write(text)

    return add


@pytest.fixture
def log(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text(HEADER + "1,2\n")
    return path


def test_rows_come_as_they_are_written_and_a_torn_line_is_no_row_yet(log):
    rows, state, _ = followed(log, adding(log, "3,4\n5"), adding(log, "5,6"), adding(log, "\n7,8\n9,"))
    assert rows == [("1", "2"), ("3", "4"), ("55", "6"), ("7", "8")]
    assert state["offset"] == len("a,b\n1,2\n3,4\n55,6\n7,8\n")


@pytest.mark.parametrize("header", ["", HEADER, "\ufeff" + HEADER])
def test_a_renamed_file_is_read_to_its_end_and_then_the_next_one(log, header):
    old = log.with_name("log.csv.1")
    steps = [
        lambda: log.rename(old),
        adding(old, "3,4\n"),
        lambda: log.write_text(""),
        # the writer has not seen yet that there is another file
        adding(old, "5,6\n"),
        lambda: adding(old, "7,8\n")() or log.write_text(header + "9,10\n"),
        adding(log, "11,12\n"),
    ]
    rows, state, _ = followed(log, *steps)
    assert rows == [tuple(map(str, (n, n + 1))) for n in range(1, 12, 2)]
    again, _, source = followed(log, adding(log, "13,14\n"), state=state)
    assert (again, dict(source._notation.notes)) == ([("13", "14")], {})


def test_a_file_that_was_emptied_is_begun_anew(log):
    rows, _, _ = followed(log, lambda: log.write_text(""), adding(log, HEADER + "3,4\n"))
    assert rows == [("1", "2"), ("3", "4")]


def test_what_was_renamed_while_nobody_read_is_found_by_what_is_in_it(log):
    rows, state, _ = followed(log)
    adding(log, "3,4\n")()
    log.rename(log.with_name("log.csv.2"))
    log.write_text(HEADER + "5,6\n")
    log.rename(log.with_name("log.csv.1"))
    log.write_text(HEADER + "7,8\n")
    log.with_name("log.csv.bak").write_text("no,part\n")
    for age, name in enumerate(("log.csv", "log.csv.1", "log.csv.2")):
        os.utime(log.with_name(name), (1e9 - age, 1e9 - age))
    more, state, source = followed(log, adding(log, "9,10\n"), state=state)
    assert rows + more == [("1", "2"), ("3", "4"), ("5", "6"), ("7", "8"), ("9", "10")]
    assert not source._notation.notes


def test_wherever_a_reader_is_restarted_no_row_is_lost_or_doubled(log, tmp_path):
    old, writes = log.with_name("log.csv-20260131"), []
    for n in range(3, 9):
        writes.append(adding(log, f"{n},{n}\n{n},"))
        writes.append(adding(log, f"{n}\n"))
    writes.insert(6, lambda: log.rename(old) and log.write_text(HEADER) and None)
    expected = [("1", "2")] + [(str(n), str(n)) for n in range(3, 9) for _ in range(2)]
    for cut in itertools.product((False, True), repeat=3):
        old.unlink(missing_ok=True)
        log.write_text(HEADER + "1,2\n")
        rows, state, steps = [], None, list(writes)
        for first, split in zip((4, 3, 6), cut, strict=True):
            part, steps = steps[:first], steps[first:]
            if split:
                # written while nobody reads
                for step in part:
                    step()
                part = []
            more, state, _ = followed(log, *part, state=state, size=1)
            rows += more
        assert rows == expected, cut


def test_a_file_that_is_gone_is_counted(log):
    _, state, _ = followed(log)
    log.write_text(HEADER + "3,4\n")
    rows, _, source = followed(log, state=state)
    assert rows == [("3", "4")]
    assert list(source._notation.notes.values()) == [1]


def test_what_cannot_be_read_is_told_while_the_file_is_followed_and_not_for_each_line(log, monkeypatch):
    log = log.with_name("log.jsonl")
    log.write_text('{"a": 1}\n')
    told, broken = [], "lines that are no JSON object, set aside"
    steps = [adding(log, "rubbish\n[1]\n"), adding(log, "rubbish\n" * 50), adding(log, '{"a": 2}\n')]
    rows, state, _ = followed(log, *steps, say=told.append)
    # said though no row had come
    assert (rows, told) == ([("1",), ("2",)], [f"note: 2 {broken}"])
    monkeypatch.setattr(seldom, "_SECONDS_APART", 0.0)
    steps = [adding(log, "rubbish\n"), adding(log, '{"b": 1, "a": 3}\n')]
    followed(log, *steps, state=state, say=told.append)
    unknown = "cells named 'b' left out, as no row of the first chunk has them"
    assert told[1:] == [f"note: 1 {broken}", f"note: 1 {unknown}"]


def test_names_that_are_new_in_each_row_do_not_fill_the_memory(log):
    log = log.with_name("log.jsonl")
    log.write_text('{"a": 1}\n')
    more = "".join(f'{{"a": 1, "{i}": 1}}\n' for i in range(1000))
    _, _, source = followed(log, adding(log, more))
    assert len(source._notation.notes) == jsonl._MOST_NOTES + 1
    assert sum(source._notation.notes.values()) == 1000


def test_the_command_tells_of_broken_lines_while_it_follows(log, monkeypatch, capsys):
    def wait(_):
        assert "note: 1 rows without as many cells as the header has" in capsys.readouterr().err
        raise KeyboardInterrupt

    log.write_text(HEADER + "1,2\n3\n")
    monkeypatch.setattr(follow, "sleep", wait)
    assert main(["stream", str(log), "--follow", "-o", str(log.with_name("out.csv"))]) == 0


def test_other_columns_in_the_next_file_are_an_error(log):
    old = log.with_name("log.csv.1")
    with pytest.raises(TableError, match=r"begun anew with the columns a, b, c, but expected a, b"):
        followed(log, lambda: log.rename(old), lambda: log.write_text("a,b,c\n1,2,3\n"))


def test_a_line_without_an_end_does_not_fill_the_memory(log, monkeypatch):
    monkeypatch.setattr(follow, "LONGEST_LINE", 100_000)
    adding(log, "3," + "x" * 500_000)()
    rows, state, source = followed(log, adding(log, "y" * 200_000 + "\n5,6\n"), adding(log, "7,8\n"))
    assert [row[0] for row in rows] == ["1", "3", "5", "7"]
    assert len(rows[1][1]) == 100_000 - 2
    assert dict(source._notation.notes) == {"lines cut after 100000 bytes": 1}
    assert state["offset"] == log.stat().st_size
    assert followed(log, adding(log, "9,0\n"), state=state)[0] == [("9", "0")]


def test_json_lines_grow_too(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"a": 1}\n{"a"')
    rows, _, _ = followed(path, adding(path, ": 2}\n"))
    assert rows == [("1",), ("2",)]


def test_the_command_follows_and_goes_on_with_the_same_bytes(tmp_path, monkeypatch, capsys):
    log, out = tmp_path / "log.csv", tmp_path / "out.csv"
    lines = [f"{i % 7},{i * i % 11}\n" for i in range(300)]
    words = ["stream", str(log), "-o", str(out), "--follow", "--checkpoint", str(tmp_path / "state")]

    def run(*steps):
        left = iter(steps)

        def wait(seconds):
            step = next(left, None)
            if step is None:
                raise KeyboardInterrupt
            step()

        monkeypatch.setattr(follow, "sleep", wait)
        assert main(words) == 0
        return capsys.readouterr().err

    log.write_text(HEADER + "".join(lines[:120]))
    run(adding(log, "".join(lines[120:200]) + "3,"))
    said = run(adding(log, "3\n"), lambda: log.rename(log.with_name("log.csv.1")))
    assert "going on after 200 rows" in said
    log.write_text(HEADER + "".join(lines[200:]))
    run()
    plain = tmp_path / "plain.csv"
    plain.write_text(HEADER + "".join(lines[:200]) + "3,3\n" + "".join(lines[200:]))
    assert main(["stream", str(plain), "-o", str(tmp_path / "expected.csv")]) == 0
    assert out.read_bytes() == (tmp_path / "expected.csv").read_bytes()


def test_what_cannot_be_followed_is_refused(tmp_path, capsys):
    for name in ("-", "a.parquet", "a.csv.gz"):
        assert main(["stream", name if name == "-" else str(tmp_path / name), "--follow"]) == 1
        assert "--follow" in capsys.readouterr().err
    assert main(["stream", str(tmp_path / "none.csv"), "--follow"]) == 1
    assert "no file" in capsys.readouterr().err
