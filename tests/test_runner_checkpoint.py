"""A stream that is killed, stopped or short of disk goes on as if nothing had happened, byte for byte."""

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
from itertools import count

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iotae.cli import main
from iotae.data import TableError
from iotae.data.notation_state import notation_of, notation_state
from iotae.data.table_notation import InputFormat
from iotae.runner.checkpoint import Checkpoint
from iotae.runner.files import FileSource
from iotae.serialization import StateError
from tests.conftest import ROOT

N_ROWS = 1000


def text_of(n, seed=0, first=0):
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(n, 3)).round(4)
    # a text, a decimal comma and a line break within a cell, so that offsets are no plain matter
    modes = rng.choice(["eco", '"two\nlines"', "on"], size=n)
    return "a,b,c,mode\n" + "".join(
        f"{a},{b},{c},{mode}\n" for (a, b, c), mode in zip(rows.tolist()[first:], modes[first:], strict=True)
    )


@pytest.fixture
def events(tmp_path):
    path = tmp_path / "events.csv"
    path.write_text(text_of(N_ROWS))
    return path


@pytest.fixture(scope="module")
def worker():
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.kill_worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        start_new_session=True,
    )

    def ask(*argv, **wanted):
        process.stdin.write(json.dumps({"argv": list(map(str, argv)), **wanted}) + "\n")
        process.stdin.flush()
        answer = json.loads(process.stdout.readline())
        assert not answer["late"], f"{argv} did not end within a minute, and said: {answer['said']}"
        return answer

    yield ask
    # a child that waits for what does not come must not outlive a test that failed
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=30)


def words(events, folder):
    every = ["--checkpoint", folder / "state", "--checkpoint-every", "100", "--explain"]
    return ["stream", events, "-o", folder / "scored.csv", *every]


def whole(worker, events, folder):
    """The output of a run that nobody interrupts, and the seconds that it takes."""
    out = folder / "whole.csv"
    done = worker("stream", events, "-o", out, "--explain")
    assert done["code"] == 0, done["said"]
    return out.read_bytes(), done["seconds"]


def begin_anew(folder):
    shutil.rmtree(folder / "state", ignore_errors=True)
    (folder / "scored.csv").unlink(missing_ok=True)


def test_killed_at_twenty_random_points_the_rows_are_those_of_an_uninterrupted_run(worker, events, tmp_path):
    expected, seconds = whole(worker, events, tmp_path)
    rng = np.random.default_rng(0)
    kills = 0
    while kills < 20:
        done = worker(*words(events, tmp_path), after=float(rng.uniform(0.0, 0.6 * seconds)))
        kills += done["code"] < 0
        if done["code"] == 0:
            assert (tmp_path / "scored.csv").read_bytes() == expected
            begin_anew(tmp_path)
    assert worker(*words(events, tmp_path))["code"] == 0
    assert (tmp_path / "scored.csv").read_bytes() == expected
    assert sorted(path.name for path in (tmp_path / "state").iterdir()) == ["checkpoint.iotae", "lock"]


def test_killed_before_each_call_that_brings_something_to_the_disk_it_goes_on(worker, events, tmp_path):
    events.write_text(text_of(150))
    expected, _ = whole(worker, events, tmp_path)
    for n in count(1):
        begin_anew(tmp_path)
        done = worker(*words(events, tmp_path), calls=n)
        if done["code"] == 0:
            break
        assert done["code"] == -9, done["said"]
        assert worker(*words(events, tmp_path))["code"] == 0
        assert (tmp_path / "scored.csv").read_bytes() == expected
    assert n > 9


@pytest.mark.parametrize("room", [10_000, 60_000])
def test_a_full_disk_ends_the_run_with_one_line_and_costs_nothing(worker, events, tmp_path, room):
    expected, _ = whole(worker, events, tmp_path)
    done = worker(*words(events, tmp_path), bytes=room)
    assert done["code"] == 1
    assert "File too large" in done["said"]
    assert "Traceback" not in done["said"]
    assert worker(*words(events, tmp_path))["code"] == 0
    assert (tmp_path / "scored.csv").read_bytes() == expected


def test_sigterm_stops_cleanly_and_the_next_run_goes_on(worker, events, tmp_path):
    expected, _ = whole(worker, events, tmp_path)
    done = worker(*words(events, tmp_path), term=3)
    assert done["code"] == 143
    assert "rows scored and learned" in done["said"]
    assert 0 < len((tmp_path / "scored.csv").read_bytes()) < len(expected)
    done = worker(*words(events, tmp_path))
    assert (done["code"], (tmp_path / "scored.csv").read_bytes()) == (0, expected)
    assert f"{N_ROWS} rows scored and learned" in done["said"]
    assert "going on after " in done["said"]


def run(capsys, *argv):
    code = main([str(word) for word in argv])
    return code, capsys.readouterr().err


def test_an_input_that_has_grown_is_gone_on_with_and_a_second_run_changes_nothing(events, tmp_path, capsys):
    whole = text_of(N_ROWS)
    rest = text_of(N_ROWS, first=700).removeprefix("a,b,c,mode\n")
    events.write_text(whole.removesuffix(rest))
    assert run(capsys, *words(events, tmp_path))[0] == 0
    first = (tmp_path / "scored.csv").read_bytes()
    assert run(capsys, *words(events, tmp_path))[0] == 0
    assert (tmp_path / "scored.csv").read_bytes() == first
    events.write_text(whole)
    assert run(capsys, *words(events, tmp_path))[0] == 0
    begin_anew(tmp_path)
    grown = tmp_path / "scored.csv"
    assert run(capsys, *words(events, tmp_path))[0] == 0
    assert grown.read_bytes().startswith(first)


def test_a_last_line_that_was_scored_before_it_was_whole_is_refused(tmp_path, capsys):
    events = tmp_path / "events.csv"
    events.write_text("a,b\n1,2\n3,4")
    assert run(capsys, *words(events, tmp_path))[0] == 0
    events.write_text("a,b\n1,2\n3,45\n")
    code, said = run(capsys, *words(events, tmp_path))
    assert (code, "last line was scored before it was whole" in said) == (1, True), said


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda folder: ["--alpha", "0.2"], "Got --alpha 0.2, but the checkpoint"),
        (lambda folder: ["--drop", "b"], "Got --drop ['b']"),
        (lambda folder: ["-o", str(folder / "other.csv")], "Got --output"),
        (lambda folder: ["--explain", "--seed", "4"], "Got --seed 4"),
        (lambda folder: (folder / "scored.csv").write_text("a") and [], "when it had"),
        (lambda folder: (folder / "scored.csv").unlink(), "with 0 bytes"),
        (lambda folder: (folder / "events.csv").write_text(text_of(N_ROWS, 1)) and [], "not the file that"),
        (lambda folder: (folder / "state" / "checkpoint.iotae").write_text("x" * 90) and [], "not a file"),
    ],
)
def test_a_checkpoint_of_another_stream_is_refused_and_nothing_changes(
    events, tmp_path, capsys, change, message
):
    assert run(capsys, *words(events, tmp_path))[0] == 0
    before = (tmp_path / "state" / "checkpoint.iotae").read_bytes()
    added = change(tmp_path) or []
    now = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    code, said = run(capsys, *words(events, tmp_path), *added)
    assert (code, len(said.splitlines())) == (1, 1), said
    assert message in said
    assert now == {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert message == "not a file" or before == (tmp_path / "state" / "checkpoint.iotae").read_bytes()


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["-", "-o", "{tmp}/o.csv"], "cannot be read again"),
        (["{tmp}/events.csv"], "cannot be taken back"),
        (["{tmp}/events.csv", "-o", "{tmp}/o.csv.gz"], "only plain CSV"),
        (["{tmp}/events.csv", "-o", "{tmp}/o.parquet"], "only plain CSV"),
        (["{tmp}/events.csv.gz", "-o", "{tmp}/o.csv"], "unpack it first"),
        (["{tmp}/packed.csv", "-o", "{tmp}/o.csv"], "unpack it first"),
        (["{tmp}/events.parquet", "-o", "{tmp}/o.csv"], "convert it"),
        (["{tmp}/none.csv", "-o", "{tmp}/o.csv"], "There is no file"),
        (["{tmp}/events.csv", "-o", "{tmp}/link.csv"], "no link"),
        (["{tmp}/events.csv", "-o", "{tmp}/events.csv"], "as input and as output"),
        (["{tmp}/events.csv", "-o", "{tmp}/o.csv", "--checkpoint", "{tmp}/no/state"], "cannot be used"),
        (["{tmp}/events.csv", "-o", "{tmp}/o.csv", "--checkpoint", "{tmp}/events.csv"], "cannot be used"),
    ],
)
def test_what_cannot_be_resumed_is_refused_with_a_reason(events, tmp_path, capsys, argv, message):
    (tmp_path / "packed.csv").write_bytes(b"\x1f\x8b")
    (tmp_path / "link.csv").symlink_to(tmp_path / "target.csv")
    argv = [word.format(tmp=tmp_path) for word in argv]
    code, said = run(capsys, "stream", "--checkpoint", tmp_path / "state", *argv)
    assert (code, message in said, len(said.splitlines())) == (1, True, 1), said
    assert not (tmp_path / "target.csv").exists()
    code, said = run(capsys, "stream", events, "--checkpoint-every", "3")
    assert (code, "without --checkpoint" in said) == (1, True)


def test_one_process_uses_a_checkpoint_at_a_time(events, tmp_path, capsys):
    with Checkpoint(tmp_path / "state", {}):
        code, said = run(capsys, *words(events, tmp_path))
    assert (code, "which a running process uses" in said) == (1, True)


def test_the_files_are_as_private_as_the_input(events, tmp_path, capsys):
    events.chmod(0o600)
    assert run(capsys, *words(events, tmp_path))[0] == 0
    made = [tmp_path / "scored.csv", tmp_path / "state" / "checkpoint.iotae", tmp_path / "state" / "lock"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in made} == {0o600}
    assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o700


def test_a_model_and_a_saved_one_go_with_a_checkpoint(events, tmp_path, capsys):
    model = tmp_path / "m.iotae"
    assert run(capsys, "stream", events, "-o", tmp_path / "first.csv", "--save", model)[0] == 0
    options = ["--model", model, "--save", tmp_path / "after.iotae", "--safe-csv", "--prefix", "my_"]
    assert run(capsys, "stream", events, *options, "-o", tmp_path / "whole.csv")[0] == 0
    expected = (tmp_path / "after.iotae").read_bytes()
    rest = text_of(N_ROWS, first=700).removeprefix("a,b,c,mode\n")
    for content in (text_of(N_ROWS).removesuffix(rest), text_of(N_ROWS)):
        events.write_text(content)
        assert run(capsys, *words(events, tmp_path)[:-1], *options)[0] == 0
    assert (tmp_path / "scored.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()
    assert (tmp_path / "after.iotae").read_bytes() == expected


# -- the source by itself -------------------------------------------------------------------------

CELLS = st.sampled_from(["1", "2.5", "", "eco", '"x', '"a\nb"', '"', "#c", "3,5", "é"])
LINES = st.lists(st.lists(CELLS, min_size=1, max_size=4).map(",".join), min_size=1, max_size=12)
ENDS = st.sampled_from(["\n", "\r\n", "\r"])


def cells_of(chunks):
    return [row for chunk in chunks for row in zip(*(chunk.array(name) for name in chunk.names), strict=True)]


@given(LINES, ENDS, st.booleans(), st.booleans(), st.integers(1, 4))
def test_read_on_from_any_chunk_a_file_has_the_rows_of_a_file_read_at_once(
    tmp_path_factory, lines, end, marked, commented, size
):
    path = tmp_path_factory.mktemp("source") / "a.csv"
    head = ["# made by hand"] * commented + ["a,b;c,d"]
    text = end.join([*head, *lines]).replace("\n", end) + end
    path.write_bytes(b"\xef\xbb\xbf" * marked + text.encode())
    expected = cells_of(FileSource(str(path), size, InputFormat()))
    rows, state = [], None
    for _ in range(len(expected) + 3):
        source = FileSource(str(path), size, InputFormat())
        if state is not None:
            source.restore(json.loads(json.dumps(state)))
        chunk = next(iter(source))
        rows += cells_of([chunk])
        state = source.to_state()
    assert rows == expected


def test_json_lines_are_read_on_with_the_names_of_the_first_chunk(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"a": 1, "at": {"x": 2}}\n[1]\n\n{"a": 3, "b": 4}\n{"a": 5}\n{"to')
    whole = FileSource(str(path), 1, InputFormat())
    expected = cells_of(whole)
    first, second = FileSource(str(path), 1, InputFormat()), FileSource(str(path), 1, InputFormat())
    rows = cells_of([next(iter(first))])
    second.restore(first.to_state())
    assert rows + cells_of(second) == expected == [("1", "2"), ("3", ""), ("5", "")]
    assert second.to_state() == whole.to_state()


def test_how_columns_are_written_is_remembered(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("t;h;k\n" + "31/01/2026 6:00;45,2 %;1\n" * 3 + "x;1,5 %;2\n" * 30)
    source = FileSource(str(path), 3, InputFormat())
    chunk = next(iter(source))
    told = [chunk.notation.of(name) for name in chunk.names], chunk.tells_time("t")
    again = notation_of(InputFormat(), json.loads(json.dumps(source.to_state()["notation"])))
    assert ([again.of(name) for name in chunk.names], again.clocks["t"]) == told
    assert notation_state(again) == source.to_state()["notation"]


def test_a_damaged_state_is_an_error_that_names_the_file(events, tmp_path, capsys):
    assert run(capsys, *words(events, tmp_path))[0] == 0
    import iotae.serialization as files

    path = tmp_path / "state" / "checkpoint.iotae"
    _, data = files.read(path)
    for part in ("model", "counts", "source", "length"):
        broken = {**data, "state": {name: value for name, value in data["state"].items() if name != part}}
        files.write(path, "StreamCheckpoint", broken)
        code, said = run(capsys, *words(events, tmp_path))
        assert (code, str(path) in said, len(said.splitlines())) == (1, True, 1), said
    files.write(path, "StreamCheckpoint", {"words": data["words"]})
    with pytest.raises(StateError, match="no stream"), Checkpoint(tmp_path / "state", {}) as checkpoint:
        checkpoint.load()
    for odd in (np.zeros(2), [np.zeros(2)], np.zeros(0)):
        files.write(path, "StreamCheckpoint", {"words": {"seed": odd}, "state": {}})
        with (
            Checkpoint(tmp_path / "state", {"seed": [1]}) as checkpoint,
            pytest.raises(TableError, match=r"Got seed \[1\], but the checkpoint in .* was made with \[?"),
        ):
            checkpoint.load()


def test_a_folder_that_cannot_be_locked_is_an_error(tmp_path):
    (tmp_path / "state").mkdir()
    os.symlink(tmp_path / "elsewhere", tmp_path / "state" / "lock")
    with pytest.raises(TableError, match="cannot be used"), Checkpoint(tmp_path / "state", {}):
        pass
    assert not (tmp_path / "elsewhere").exists()


def test_a_model_cannot_be_saved_over_the_checkpoint(events, tmp_path, capsys):
    folder = tmp_path / "state"
    folder.mkdir()
    there = folder / "checkpoint.iotae"
    command = ["stream", str(events), "-o", str(tmp_path / "out.csv"), "--checkpoint", str(folder)]
    assert main([*command, "--save", str(there)]) == 1
    assert "name another folder" in capsys.readouterr().err
    assert not there.exists()
