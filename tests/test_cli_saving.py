"""What the command saves when things go wrong: signals, full disks, readers that leave, and killed runs."""

from __future__ import annotations

import csv
import os
import signal
import stat
import subprocess
import sys
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iotae import OnlineAutoencoder, serialization
from iotae.cli import main
from iotae.data import Table, TableError
from iotae.data.numbers import number_of
from iotae.io.files import iter_table
from iotae.io.writer import TableWriter

COMMAND = [sys.executable, "-m", "iotae"]
FORMULAS = ("=", "+", "-", "@", "\t", "\r")


def rows(n, seed=0):
    values = np.random.default_rng(seed).normal(size=(n, 2)).round(4)
    return "a,b\n" + "".join(f"{a},{b}\n" for a, b in values.tolist())


@pytest.fixture
def events(tmp_path):
    path = tmp_path / "events.csv"
    path.write_text(rows(700))
    return path


@pytest.fixture(scope="module")
def table_model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("table")
    (folder / "train.csv").write_text(rows(200))
    assert main(["fit", str(folder / "train.csv"), "--epochs", "1", "-o", str(folder / "m.iotae")]) == 0
    return folder / "m.iotae"


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def learned(path):
    """The number of rows that a saved stream model has learned."""
    return OnlineAutoencoder.from_state(serialization.read(path, "OnlineAutoencoder")[1]).n_seen


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


# -- permissions -------------------------------------------------------------------------------


def test_models_and_scores_are_as_private_as_what_they_come_from(tmp_path, events, capsys):
    out, model = tmp_path / "out.csv", tmp_path / "m.iotae"
    argv = ["stream", str(events), "-o", str(out), "--save", str(model)]
    for given_mode in (0o600, 0o644):
        events.chmod(given_mode)
        for path in (out, model):
            path.unlink(missing_ok=True)
        assert main(argv) == 0
        assert (mode(out), mode(model)) == (given_mode, given_mode)
    # a model that goes on knows the rows of the earlier one
    model.chmod(0o600)
    assert main(["stream", str(events), "-o", str(out), "--model", str(model), "--save", f"{model}2"]) == 0
    assert mode(tmp_path / "m.iotae2") == 0o600
    events.chmod(0o600)
    assert main(["fit", str(events), "--epochs", "1", "-o", str(tmp_path / "table")]) == 0
    assert mode(tmp_path / "table") == 0o600
    tune = ["--layers", "1", "--neurons", "4", "--learning-rate", "0.003", "--alpha", "0.1", "--folds", "2"]
    assert main(["tune", str(events), *tune, "-o", str(tmp_path / "tuned")]) == 0
    found = {path.name: mode(path) for path in (tmp_path / "tuned").iterdir()}
    assert found["model.iotae"] == found["stream.iotae"] == 0o600


# -- one file for two things -------------------------------------------------------------------


@pytest.mark.parametrize("link", [os.link, os.symlink])
def test_scores_and_model_to_one_file_by_two_names(tmp_path, events, capsys, link):
    (tmp_path / "one").touch()
    link(tmp_path / "one", tmp_path / "two")
    assert main(["stream", str(events), "-o", str(tmp_path / "one"), "--save", str(tmp_path / "two")]) == 1
    assert "name two files" in capsys.readouterr().err
    link(events, tmp_path / "again")
    for argv in (["-o", str(tmp_path / "again")], ["--save", str(tmp_path / "again")]):
        assert main(["stream", str(events), *argv]) == 1
        assert "as input and as output" in capsys.readouterr().err
    assert events.read_text() == rows(700)


def test_standard_output_to_the_input_or_to_the_model(tmp_path, events):
    with events.open("a") as end:
        done = subprocess.run([*COMMAND, "stream", events], stdout=end, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1
    assert "as standard output" in done.stderr
    assert events.read_text() == rows(700)
    with (tmp_path / "m").open("w") as model:
        argv = [*COMMAND, "stream", events, "--save", tmp_path / "m"]
        done = subprocess.run(argv, stdout=model, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1
    assert "name two files" in done.stderr


def test_tune_does_not_write_over_its_input(tmp_path, capsys):
    (tmp_path / "search.csv").write_text(rows(50))
    assert main(["tune", str(tmp_path / "search.csv"), "-o", str(tmp_path)]) == 1
    assert "as input and as output" in capsys.readouterr().err
    assert (tmp_path / "search.csv").read_text() == rows(50)


def test_a_model_of_the_other_kind_says_which_command_takes_it(tmp_path, events, table_model, capsys):
    assert main(["stream", str(events), "--model", str(table_model)]) == 1
    assert "this is a table model, as iotae fit writes: use iotae score." in capsys.readouterr().err
    serialization.write(tmp_path / "s", "OnlineAutoencoder", OnlineAutoencoder().to_state())
    assert main(["score", str(tmp_path / "s"), str(events)]) == 1
    assert "use iotae stream --model." in capsys.readouterr().err
    serialization.write(tmp_path / "s", "Other", {})
    assert main(["score", str(tmp_path / "s"), str(events)]) == 1
    assert "expected that of TableDetector" in capsys.readouterr().err


# -- saving on the way -------------------------------------------------------------------------


def test_a_model_is_saved_every_so_many_rows_and_is_the_same_at_the_end(
    tmp_path, events, monkeypatch, capsys
):
    out, plain, often = tmp_path / "out.csv", tmp_path / "plain", tmp_path / "often"
    assert main(["stream", str(events), "-o", str(out), "--save", str(plain)]) == 0
    scores = out.read_bytes()
    seen, real = [], serialization.write

    def write(path, *args, **kwargs):
        real(path, *args, **kwargs)
        seen.append(learned(path))

    monkeypatch.setattr(serialization, "write", write)
    argv = ["stream", str(events), "-o", str(out), "--save", str(often), "--save-every", "300"]
    assert main(argv) == 0
    assert seen == [300, 600, 700]
    assert out.read_bytes() == scores
    assert often.read_bytes() == plain.read_bytes()
    assert main(["stream", str(events), "--save-every", "300"]) == 1
    assert "--save-every without --save" in capsys.readouterr().err


def test_a_save_on_the_way_that_fails_is_said_and_the_stream_goes_on(tmp_path, events, monkeypatch, capsys):
    real, calls = serialization.write, []

    def write(path, *args, **kwargs):
        calls.append(path)
        if len(calls) == 1:
            raise OSError(28, "No space left on device", path)
        real(path, *args, **kwargs)

    monkeypatch.setattr(serialization, "write", write)
    model = str(tmp_path / "m")
    argv = ["stream", str(events), "-o", str(tmp_path / "out.csv"), "--save", model, "--save-every", "400"]
    assert main(argv) == 0
    said = capsys.readouterr().err
    assert f"warning: no model was saved after 400 rows, going on: No space left on device: {model}" in said
    assert learned(model) == 700


# -- output that fails -------------------------------------------------------------------------


def test_a_full_output_disk_costs_no_model(tmp_path, events, capsys):
    model = tmp_path / "m"
    assert main(["stream", str(events), "-o", "/dev/full", "--save", str(model)]) == 1
    said = capsys.readouterr().err.splitlines()
    assert said[-2].startswith("iotae: No space left on device: /dev/full; the model, 700 rows on, is in ")
    assert said[-1] == "iotae: error: No space left on device: /dev/full"
    assert learned(model) == 700


def test_where_neither_output_nor_model_can_be_written_both_are_said(tmp_path, events, monkeypatch, capsys):
    def full(path, *args, **kwargs):
        raise OSError(28, "No space left on device", path)

    monkeypatch.setattr(serialization, "write", full)
    assert main(["stream", str(events), "-o", "/dev/full", "--save", "m"]) == 1
    said = capsys.readouterr().err.splitlines()
    assert said[-2] == "iotae: the model could not be saved either: No space left on device: m"
    assert said[-1] == "iotae: error: No space left on device: /dev/full"


def test_wrong_input_is_no_reason_to_save(tmp_path, capsys):
    (tmp_path / "scored.csv").write_text("a,score\n1,2\n3,4\n")
    assert main(["stream", str(tmp_path / "scored.csv"), "--save", str(tmp_path / "m")]) == 1
    assert "--prefix" in capsys.readouterr().err
    assert names(tmp_path) == ["scored.csv"]


def without_compiling(said):
    """Lines on standard error but the one that the first stream on a machine begins with."""
    return [line for line in said.splitlines() if not line.startswith("iotae: compiling for this processor")]


def test_a_reader_that_leaves_costs_no_model(tmp_path, events):
    events.write_text(rows(20_000))
    line = f"{sys.executable} -m iotae stream {events} --save {tmp_path / 'm'} | head -n 1; exit $PIPESTATUS"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True)
    assert done.returncode == 141
    assert done.stdout == "a,b,score,alarm,threshold\n"
    (said,) = without_compiling(done.stderr)
    assert "Broken pipe: standard output; the model, " in said
    assert 0 < learned(tmp_path / "m") <= 20_000


@pytest.mark.parametrize("command", ["stream", "evaluate"])
def test_a_full_standard_output_is_one_line(tmp_path, events, command):
    (tmp_path / "scored.csv").write_text("score,alarm,y\n0.1,0,0\n0.9,1,1\n")
    argv = (
        ["stream", events] if command == "stream" else ["evaluate", tmp_path / "scored.csv", "--label", "y"]
    )
    with open("/dev/full", "w") as full:
        done = subprocess.run([*COMMAND, *argv], stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1
    assert without_compiling(done.stderr) == ["iotae: error: No space left on device: standard output"]


# -- signals -----------------------------------------------------------------------------------


def test_a_signal_that_is_ignored_stays_ignored():
    code = "import signal; from iotae.cli.signals import ENDINGS; print(*ENDINGS)"
    for trap, expected in (("", "15 1"), ("trap '' HUP;", "15")):
        line = f'{trap} {sys.executable} -c "{code}"'
        done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=True)
        assert done.stdout.split() == expected.split()


def test_a_killed_run_leaves_its_last_save_and_the_next_run_clears_up(tmp_path):
    out, model = tmp_path / "out.csv", tmp_path / "m"
    argv = ["stream", "-", "-o", str(out), "--save", str(model)]
    process = subprocess.Popen(
        [*COMMAND, *argv, "--save-every", "1"], stdin=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0
    )
    process.stdin.write(rows(3).encode())
    deadline = time.monotonic() + 60
    while not model.exists() or learned(model) < 3:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.kill()
    process.communicate()
    assert not out.exists()
    (part,) = tmp_path.glob(".out.csv.*.part")
    assert part.read_text().count("\n") == 4
    done = subprocess.run(
        [*COMMAND, *argv, "--model", str(model)], input=rows(5), capture_output=True, text=True
    )
    assert done.returncode == 0
    assert f"removed {part}, which a killed run has left unfinished" in done.stderr
    assert "going on with a model of 3 rows" in done.stderr
    assert names(tmp_path) == ["m", "out.csv"]
    assert learned(model) == 8


def test_options_and_exit_codes_are_in_the_help(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    said = " ".join(capsys.readouterr().out.split())
    for code in ("0 ", "1 ", "2 ", "129 SIGHUP", "130 Ctrl-C", "141 ", "143 SIGTERM"):
        assert code in said
    assert 128 + signal.SIGHUP == 129
    with pytest.raises(SystemExit):
        main(["stream", "--help"])
    assert "but not iotae fit" in " ".join(capsys.readouterr().out.split())


# -- cells that a spreadsheet would run ----------------------------------------------------------


CELLS = st.text(st.sampled_from("=+-@\t\r1.eE5 ax'\","), max_size=6)


@given(st.lists(CELLS, min_size=1, max_size=5))
def test_only_text_that_would_run_gets_an_apostrophe(tmp_path_factory, cells):
    path = tmp_path_factory.mktemp("safe") / "a.csv"
    with TableWriter(path, safe=True) as writer:
        writer.write(Table({"=cell": cells}), {"score": np.arange(len(cells)) - 1.0})
    with open(path, newline="") as file:
        header, *back = csv.reader(file)
    assert header == ["'=cell", "score"]
    for cell, (text, score), number in zip(cells, back, range(len(cells)), strict=True):
        runs = cell[:1] in FORMULAS and cell and number_of(cell) is None
        assert text == (f"'{cell}" if runs else cell)
        assert score == repr(number - 1.0)


def test_cells_of_a_frame_and_reasons_are_made_safe_in_both_commands(tmp_path, capsys):
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table({"n": [-1.5, 2.0] * 30, "t": ["=1+1", "ok"] * 30, "@x": [-1, 2] * 30})
    pq.write_table(table, tmp_path / "a.parquet")
    model, out = str(tmp_path / "m"), tmp_path / "b.csv"
    assert main(["fit", str(tmp_path / "a.parquet"), "--epochs", "1", "-o", model]) == 0
    for argv in (["score", model], ["stream"]):
        arguments = [*argv, str(tmp_path / "a.parquet"), "--explain", "-o", str(out)]
        assert main(arguments) == 0
        plain = next(iter_table(out))
        assert main([*arguments, "--safe-csv"]) == 0
        safe = next(iter_table(out))
        assert safe.array("t").tolist() == ["'=1+1", "ok"] * 30
        assert safe.array("'@x").tolist() == plain.array("@x").tolist()
        assert safe.array("n").tolist() == plain.array("n").tolist()
        for reason, safe_reason in zip(plain.array("reason"), safe.array("reason"), strict=True):
            assert safe_reason == (f"'{reason}" if reason.startswith(FORMULAS) else reason)
    capsys.readouterr()
    assert main(["stream", str(tmp_path / "a.parquet"), "-o", "b.parquet", "--safe-csv"]) == 1
    assert "leave --safe-csv out" in capsys.readouterr().err
    with pytest.raises(TableError, match="safe CSV cells"):
        TableWriter("b.parquet", safe=True)
