"""The command, end to end: what it writes, what it says, and how it ends."""

from __future__ import annotations

import argparse
import csv
import fcntl
import io
import json
import os
import re
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from iotae import OnlineAutoencoder, __version__, serialization
from iotae.cli import main
from iotae.cli.parser import make_parser
from iotae.cli.rows import row_dicts
from iotae.io.files import read_table

FIT = ["--epochs", "30", "--label", "attack", "--drop", "difficulty"]
HEADER = ["duration", "protocol", "service", "bytes", "flag", "attack", "difficulty"]


def nsl_like(seed, n, attacks):
    """Rows as in NSL-KDD: categories as text, the attack's name as label, a column that is no feature."""
    rng = np.random.default_rng(seed)
    load = rng.normal(size=n)
    odd = rng.permutation(n) < attacks
    columns = [
        (load + rng.normal(scale=0.1, size=n)).round(4),
        np.where(odd, rng.choice(["icmp", "udp"], n), "tcp"),
        rng.choice(["http", "dns", "smtp"], n),
        np.where(odd, -3 * load - 4, 2 * load).round(4),
        np.where(odd, "S0", rng.choice(["SF", "REJ"], n)),
        np.where(odd, rng.choice(["neptune", "smurf"], n), "normal"),
        rng.integers(0, 21, n),
    ]
    return [list(row) for row in zip(*(column.tolist() for column in columns), strict=True)]


def rows_of_test_file():
    """Rows of the test file: one of them has a service that training did not see."""
    rows = nsl_like(1, 300, 60)
    rows[0][2] = "ftp"
    return rows


def write_csv(path, rows, header=HEADER):
    with open(path, "w", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return str(path)


def read_csv(path):
    with open(path, newline="") as file:
        return list(csv.reader(file))


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """A folder with a training file, a test file and a fitted model."""
    folder = tmp_path_factory.mktemp("house")
    write_csv(folder / "train.csv", nsl_like(0, 800, 80))
    write_csv(folder / "test.csv", rows_of_test_file())
    assert main(["fit", str(folder / "train.csv"), *FIT, "-o", str(folder / "model.iotae")]) == 0
    return folder


@pytest.fixture
def stdin(monkeypatch):
    def feed(text: str) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))

    return feed


def error_of(capsys, argv, code=1):
    """Run a command that must fail, and return its one line."""
    if code == 2:
        with pytest.raises(SystemExit) as caught:
            main(argv)
        assert caught.value.code == 2
    else:
        assert main(argv) == code
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1, lines
    assert lines[0].startswith("iotae: error: ")
    return lines[0]


def iotae(*argv, **kwargs):
    return subprocess.run([sys.executable, "-m", "iotae", *argv], capture_output=True, text=True, **kwargs)


# -- the main job ------------------------------------------------------------------------------


def test_fit_score_evaluate(house, tmp_path, capsys):
    scored = tmp_path / "scored.csv"
    assert main(["score", str(house / "model.iotae"), str(house / "test.csv"), "-o", str(scored)]) == 0
    said = capsys.readouterr()
    assert said.out == ""
    assert "300 rows scored" in said.err
    assert "difficulty" not in said.err
    assert "note: 1 cells of 'service' have a value that fitting did not see" in said.err
    rows, before = read_csv(scored), read_csv(house / "test.csv")
    assert rows[0] == [*HEADER, "score", "alarm"]
    assert [row[:-2] for row in rows] == before
    assert {row[-1] for row in rows[1:]} == {"0", "1"}

    assert main(["evaluate", str(scored), "--label", "attack"]) == 0
    told = capsys.readouterr().out
    assert re.match(r"\[\[TP, FP\], \[FN, TN\]\] = \[\[\d+, \d+\], \[\d+, \d+\]\]\n", told)
    assert main(["evaluate", str(scored), "--label", "attack", "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    y = np.array([row[-4] != "normal" for row in rows[1:]])
    alarm = np.array([row[-1] == "1" for row in rows[1:]])
    assert figures["confusion"] == [
        [int((y & alarm).sum()), int((~y & alarm).sum())],
        [int((y & ~alarm).sum()), int((~y & ~alarm).sum())],
    ]
    assert figures["roc_auc"] > 0.95
    assert figures["f1"] > 0.8


def test_fit_says_what_each_step_did(house, tmp_path, capsys):
    model = str(tmp_path / "m.iotae")
    assert main(["fit", str(house / "train.csv"), *FIT, "--paper", "--alpha", "0.1", "-o", model]) == 0
    said = capsys.readouterr().err
    assert "columns: 5 read" in said
    assert "normalised: minmax" in said
    assert "outliers (robust_z)" in said
    assert "the 90.0% quantile of the scores of 144 normal rows" in said


def test_an_option_changes_one_step_of_the_papers(house, tmp_path, capsys):
    argv = ["fit", str(house / "train.csv"), *FIT, "--paper", "--outliers", "none", "--hidden-sizes", "6,3,6"]
    assert main([*argv, "-o", str(tmp_path / "m.iotae")]) == 0
    said = capsys.readouterr().err
    assert "outliers" not in said
    assert "normalised: minmax" in said


def test_the_same_seed_writes_the_same_model(house, tmp_path):
    for name in ("a", "b"):
        assert main(["fit", str(house / "train.csv"), *FIT, "--seed", "5", "-o", str(tmp_path / name)]) == 0
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_fit_without_labels_learns_from_all_rows(house, tmp_path, capsys):
    argv = ["fit", str(house / "train.csv"), "--drop", "attack,difficulty", "--epochs", "5"]
    assert main([*argv, "-o", str(tmp_path / "m.iotae")]) == 0
    assert "learned from 800 of 800 rows" in capsys.readouterr().err


def test_parquet_in_and_out_keeps_types_and_agrees_with_csv(house, tmp_path):
    table = pa.table(dict(zip(HEADER, zip(*rows_of_test_file(), strict=True), strict=True)))
    pq.write_table(table, tmp_path / "test.parquet")
    model = str(house / "model.iotae")
    assert main(["score", model, str(tmp_path / "test.parquet"), "-o", str(tmp_path / "out.parquet")]) == 0
    assert main(["score", model, str(house / "test.csv"), "-o", str(tmp_path / "out.csv")]) == 0
    back = pq.read_table(tmp_path / "out.parquet")
    assert back.drop_columns(["score", "alarm"]).equals(table)
    np.testing.assert_array_equal(
        back["score"].to_numpy(), read_table(tmp_path / "out.csv").numbers("score")[0]
    )


def test_chunks_make_no_difference(house, tmp_path):
    model, test = str(house / "model.iotae"), str(house / "test.csv")
    assert main(["score", model, test, "-o", str(tmp_path / "a.csv")]) == 0
    assert main(["score", model, test, "--chunk-rows", "7", "-o", str(tmp_path / "b.csv")]) == 0
    a, b = read_csv(tmp_path / "a.csv"), read_csv(tmp_path / "b.csv")
    assert [row[:-2] + row[-1:] for row in a] == [row[:-2] + row[-1:] for row in b]
    np.testing.assert_allclose([float(r[-2]) for r in a[1:]], [float(r[-2]) for r in b[1:]], rtol=1e-5)


def test_alarms_are_explained_by_columns_of_the_file(house, tmp_path):
    out = tmp_path / "out.csv"
    assert (
        main(["score", str(house / "model.iotae"), str(house / "test.csv"), "--explain", "-o", str(out)]) == 0
    )
    rows = read_csv(out)
    assert rows[0][-1] == "reason"
    for row in rows[1:]:
        assert bool(row[-1]) == (row[-2] == "1")
        for part in filter(None, row[-1].split("; ")):
            assert re.fullmatch(r"(duration|protocol|service|bytes|flag) .+ \(\d+ %\)", part)


def test_a_label_that_is_absent_is_fine_for_scores_and_an_error_for_evaluation(house, tmp_path, capsys):
    test = write_csv(tmp_path / "new.csv", [row[:5] for row in nsl_like(1, 20, 3)], HEADER[:5])
    out = str(tmp_path / "out.csv")
    assert main(["score", str(house / "model.iotae"), test, "-o", out]) == 0
    assert "note" not in capsys.readouterr().err
    assert "no column 'attack' for --label" in error_of(capsys, ["evaluate", out, "--label", "attack"])


def test_columns_that_fit_did_not_see_are_noted_and_passed_through(house, tmp_path, capsys):
    rows = [[*row, "x"] for row in nsl_like(1, 20, 3)]
    test = write_csv(tmp_path / "new.csv", rows, [*HEADER, "site"])
    out = tmp_path / "out.csv"
    assert main(["score", str(house / "model.iotae"), test, "-o", str(out)]) == 0
    said = capsys.readouterr().err
    assert "note: 20 cells of 'site' ignored: fitting did not see this column" in said
    assert "difficulty" not in said
    assert [row[7] for row in read_csv(out)] == ["site"] + ["x"] * 20


def test_missing_columns_are_an_error_or_allowed(house, tmp_path, capsys):
    test = write_csv(tmp_path / "new.csv", [row[1:4] for row in nsl_like(1, 20, 3)], HEADER[1:4])
    argv = ["score", str(house / "model.iotae"), test, "-o", str(tmp_path / "out.csv")]
    message = error_of(capsys, argv)
    assert "'duration', 'flag'" in message
    assert "--allow-missing" in message
    assert not (tmp_path / "out.csv").exists()
    assert main([*argv, "--allow-missing"]) == 0
    assert "note: 20 missing cells: column 'duration' is not there" in capsys.readouterr().err


def test_text_where_numbers_were_is_counted_until_it_is_all(house, tmp_path, capsys):
    rows = nsl_like(1, 20, 3)
    rows[4][0] = "broken"
    out = tmp_path / "out.csv"
    argv = ["score", str(house / "model.iotae"), write_csv(tmp_path / "new.csv", rows), "-o", str(out)]
    assert main(argv) == 0
    assert "note: 1 cells of 'duration' could not be read and count as missing" in capsys.readouterr().err
    assert read_csv(out)[5][0] == "broken"
    assert float(read_csv(out)[5][-2]) >= 0
    write_csv(tmp_path / "new.csv", [["broken", *row[1:]] for row in rows])
    assert "column 'duration' with not one cell that is a number" in error_of(capsys, argv)


def test_a_file_with_a_header_only(house, tmp_path, capsys):
    empty = write_csv(tmp_path / "empty.csv", [])
    out = tmp_path / "out.csv"
    assert main(["score", str(house / "model.iotae"), empty, "-o", str(out)]) == 0
    assert read_csv(out) == [[*HEADER, "score", "alarm"]]
    capsys.readouterr()
    assert "without rows" in error_of(capsys, ["fit", empty, *FIT, "-o", str(tmp_path / "m")])
    assert "without rows" in error_of(capsys, ["evaluate", str(out), "--label", "attack"])


def test_scores_are_never_written_over_a_column_of_the_file(house, tmp_path, capsys):
    model, once, twice = str(house / "model.iotae"), str(tmp_path / "once.csv"), str(tmp_path / "twice.csv")
    assert main(["score", model, str(house / "test.csv"), "-o", once]) == 0
    capsys.readouterr()
    assert "--prefix" in error_of(capsys, ["score", model, once, "-o", twice])
    assert main(["score", model, once, "-o", twice, "--prefix", "new_"]) == 0
    assert read_csv(twice)[0][-4:] == ["score", "alarm", "new_score", "new_alarm"]
    assert main(["evaluate", twice, "--label", "attack", "--prefix", "new_"]) == 0


def test_evaluate_with_one_class_or_without_alarms(tmp_path, capsys):
    path = write_csv(tmp_path / "a.csv", [["normal", 0.1], ["normal", 0.2]], ["attack", "score"])
    assert main(["evaluate", path, "--label", "attack", "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["roc_auc"] is None
    assert figures["f1"] is None
    assert "confusion" not in figures


def test_evaluate_refuses_scores_that_are_missing(tmp_path, capsys):
    path = write_csv(tmp_path / "a.csv", [["normal", ""], ["worm", 0.2]], ["attack", "score"])
    assert "1 cells of 'score' without a number" in error_of(capsys, ["evaluate", path, "--label", "attack"])


# -- errors ------------------------------------------------------------------------------------


def test_labels_without_a_known_normal_value_ask_for_it(tmp_path, capsys):
    path = write_csv(tmp_path / "a.csv", [[i % 7, "good" if i % 3 else "bad"] for i in range(99)], ["x", "y"])
    argv = ["fit", path, "--label", "y", "--epochs", "1", "-o", str(tmp_path / "m")]
    assert "--normal-value" in error_of(capsys, argv)
    assert main([*argv, "--normal-value", "good"]) == 0
    assert "no row that is labelled normal" in error_of(
        (capsys.readouterr(), capsys)[1], [*argv, "--normal-value", "fine"]
    )


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["fit", "none.csv", "-o", "m"], "There is no file none.csv"),
        (["score", "none.iotae", "none.csv"], "No such file or directory: none.iotae"),
        (["score", "{house}/train.csv", "{house}/test.csv"], "train.csv"),
        (["score", "{house}/model.iotae", "{house}/test.csv", "-o", "none/a.csv"], "there is no folder"),
        (["fit", "{house}/train.csv", "--label", "nope", "-o", "m"], "no column 'nope' for --label"),
        (["fit", "{house}/train.csv", "--drop", "nope", "-o", "m"], "no column 'nope' for --drop"),
        (["fit", "{house}/train.csv", "-o", "none/m", "--epochs", "1"], "none"),
        (["fit", "{house}/train.csv", "--select", "magic", "-o", "m"], "Got select='magic'"),
        (["fit", "{house}/train.csv", "--learning-rate", "-1", "-o", "m"], "--learning-rate -1"),
        (["stream", "{house}/test.csv", "--label", "nope"], "no column 'nope'"),
        (
            ["stream", "{house}/test.csv", "--model", "{house}/model.iotae"],
            "a table model, as iotae fit writes: use iotae score",
        ),
        (["evaluate", "{house}/test.csv", "--label", "attack"], "no column 'score'"),
    ],
)
def test_errors_are_one_line_and_leave_nothing_behind(house, tmp_path, monkeypatch, capsys, argv, message):
    monkeypatch.chdir(tmp_path)
    assert message in error_of(capsys, [part.replace("{house}", str(house)) for part in argv])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ([], "COMMAND"),
        (["melt"], "melt"),
        (["fit", "a.csv"], "-o/--output"),
        (["fit", "a.csv", "-o", "m", "--alpha", "2"], "between 0 and 1"),
        (["fit", "a.csv", "-o", "m", "--hidden-sizes", "big"], "64,16,64"),
        (["evaluate", "a.csv"], "--label"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(capsys, argv, message):
    assert message in error_of(capsys, argv, code=2)


def test_an_empty_file(tmp_path, house, capsys):
    (tmp_path / "a.csv").touch()
    assert "empty" in error_of(capsys, ["score", str(house / "model.iotae"), str(tmp_path / "a.csv")])
    assert "empty" in error_of(capsys, ["stream", str(tmp_path / "a.csv")])


def test_a_torn_row_leaves_no_half_file(house, tmp_path, capsys):
    test = Path(write_csv(tmp_path / "new.csv", nsl_like(1, 20, 3)))
    test.write_text(test.read_text() + "1,tcp\n")
    message = error_of(
        capsys, ["score", str(house / "model.iotae"), str(test), "-o", str(tmp_path / "out.csv")]
    )
    assert "2 cells in row 21" in message
    assert [path.name for path in tmp_path.iterdir()] == ["new.csv"]


def test_a_missing_library_says_how_to_install_it(house, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "sklearn.preprocessing", None)
    argv = ["fit", str(house / "train.csv"), *FIT, "-o", str(tmp_path / "m")]
    assert "pip install 'iotae[tables]'" in error_of(capsys, argv)


# -- streams -----------------------------------------------------------------------------------


def test_stream_scores_each_row_before_it_is_learned(house, tmp_path):
    out = tmp_path / "out.csv"
    argv = ["stream", str(house / "test.csv"), "--label", "attack", "--drop", "difficulty", "-o", str(out)]
    assert main(argv) == 0
    rows, before = read_csv(out), read_csv(house / "test.csv")
    assert rows[0] == [*HEADER, "score", "alarm", "threshold"]
    assert [row[:-3] for row in rows] == before
    model = OnlineAutoencoder(seed=0, alpha=0.01)
    for x, row in zip(
        row_dicts(read_chunk(house / "test.csv"), ["attack", "difficulty"]), rows[1:], strict=True
    ):
        assert float(row[-3]) == model.score_one(x)
        assert row[-2] == str(int(model.classify(model.score_one(x))))
        assert row[-1] == ("" if np.isinf(model.threshold) else repr(model.threshold))
        model.learn_one(x)


def read_chunk(path):
    from iotae.io.files import iter_table

    return next(iter_table(path))


def test_a_stream_in_two_parts_is_the_stream_in_one(house, tmp_path):
    rows = nsl_like(3, 400, 10)
    whole, first, second = (str(tmp_path / name) for name in ("whole.csv", "first.csv", "second.csv"))
    write_csv(whole, rows)
    write_csv(first, rows[:250])
    write_csv(second, rows[250:])
    common = ["--label", "attack", "--drop", "difficulty"]
    fresh = [*common, "--seed", "4", "--alpha", "0.02"]
    model = str(tmp_path / "model")
    assert main(["stream", whole, *fresh, "-o", str(tmp_path / "a.csv")]) == 0
    assert main(["stream", first, *fresh, "--save", model, "-o", str(tmp_path / "b.csv")]) == 0
    assert main(["stream", second, *common, "--model", model, "-o", str(tmp_path / "c.csv")]) == 0
    a, b, c = (read_csv(tmp_path / name) for name in ("a.csv", "b.csv", "c.csv"))
    assert a == b + c[1:]


def test_a_stream_of_unlike_texts_says_that_they_are_not_learned(tmp_path, capsys):
    events = tmp_path / "events.csv"
    events.write_text("at where what\n" + "".join(f"x{i} y{i * i} {i}z\n" for i in range(300)))
    assert main(["stream", str(events), "-o", str(tmp_path / "scored.csv")]) == 0
    said = capsys.readouterr().err
    assert "not learned: 1 column of texts that hardly come twice, such as 'at where what'" in said
    assert "--sep" in said


def test_stream_from_parquet(tmp_path):
    at = np.datetime64("2026-01-01", "us") + np.arange(50) * np.timedelta64(1, "h")
    pq.write_table(pa.table({"at": at, "x": np.sin(np.arange(50.0)), "y": [0] * 50}), tmp_path / "a.parquet")
    out = tmp_path / "b.parquet"
    assert main(["stream", str(tmp_path / "a.parquet"), "--label", "y", "--explain", "-o", str(out)]) == 0
    back = pq.read_table(out)
    assert back.column_names == ["at", "x", "y", "score", "alarm", "threshold", "reason"]
    assert back["at"].type == pa.timestamp("us")
    assert np.isfinite(back["score"].to_numpy()).all()


def test_torn_rows_of_a_stream_are_scored_by_what_they_have(stdin, capsysbinary):
    stdin("a,b\n1,2\n3\n4,5,6\n7,8\n")
    assert main(["stream", "-"]) == 0
    rows = [line.split(",")[:2] for line in capsysbinary.readouterr().out.decode().splitlines()]
    assert rows == [["a", "b"], ["1", "2"], ["3", ""], ["4", "5"], ["7", "8"]]


def test_standard_input_to_standard_output(house, stdin, capsysbinary):
    text = (house / "test.csv").read_text()
    stdin(text)
    assert main(["score", str(house / "model.iotae"), "-"]) == 0
    lines = capsysbinary.readouterr().out.decode().splitlines()
    assert lines[0] == ",".join([*HEADER, "score", "alarm"])
    assert [line.rsplit(",", 2)[0] for line in lines] == text.splitlines()


# -- as a process ------------------------------------------------------------------------------


def test_version_and_module():
    done = iotae("--version")
    assert (done.returncode, done.stdout) == (0, f"iotae {__version__}\n")


def test_each_option_has_a_sentence_and_each_subcommand_an_example():
    (commands,) = (
        action for action in make_parser()._actions if isinstance(action, argparse._SubParsersAction)
    )
    assert set(commands.choices) == {
        *("demo", "fit", "tune", "score", "stream", "filter", "evaluate", "report", "info", "export"),
        *("simulate", "watch"),
    }
    for name, parser in commands.choices.items():
        assert f"$ iotae {name}" in parser.format_help() or f"| iotae {name}" in parser.format_help()
        for action in parser._actions:
            assert len(action.help.split()) >= 4, (name, action.dest)


def test_demo_runs_the_experiment_with_its_options(monkeypatch):
    calls = []
    monkeypatch.setattr("iotae.cli.demo.experiment", lambda output, seed: calls.append((output, seed)))
    assert main(["demo", "--output", "figures", "--seed", "3"]) == 0
    assert calls == [("figures", 3)]


def test_a_pipe_of_processes(house):
    score = subprocess.Popen(
        [sys.executable, "-m", "iotae", "score", str(house / "model.iotae"), str(house / "test.csv")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    done = subprocess.run(
        [sys.executable, "-m", "iotae", "evaluate", "-", "--label", "attack", "--json"],
        stdin=score.stdout,
        capture_output=True,
    )
    assert score.wait() == 0
    assert b"\r" not in score.stderr.read()  # no progress bar in a pipe
    score.stdout.close()
    score.stderr.close()
    assert done.returncode == 0
    assert json.loads(done.stdout)["n"] == 300


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_reader_that_goes_away_is_no_error(house, tmp_path, unbuffered):
    test = write_csv(tmp_path / "long.csv", nsl_like(1, 5000, 10))
    score = subprocess.Popen(
        [sys.executable, "-m", "iotae", "score", str(house / "model.iotae"), test],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
    )
    # the reader leaves when a part of the rows is in the pipe
    held, deadline = 0, time.monotonic() + 60
    while held < 10_000:
        assert time.monotonic() < deadline
        time.sleep(0.01)
        held = int.from_bytes(fcntl.ioctl(score.stdout, termios.FIONREAD, bytes(4)), sys.byteorder)
    assert os.read(score.stdout.fileno(), 200).startswith(",".join([*HEADER, "score", "alarm"]).encode())
    score.stdout.close()
    assert score.stderr.read() == b""
    score.stderr.close()
    assert score.wait(60) == 141


def test_exit_codes_of_the_process(house, tmp_path):
    assert iotae("score", str(house / "model.iotae"), str(tmp_path / "none.csv")).returncode == 1
    done = iotae("melt")
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_live_stream_answers_at_once_and_ends_whole_on_a_signal(tmp_path, number, code):
    model, out = tmp_path / "model", tmp_path / "out.csv"
    for target in ("-", str(out)):
        process = subprocess.Popen(
            [sys.executable, "-m", "iotae", "stream", "-", "--save", str(model), "-o", target],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
        )
        process.stdin.write(b"a,b\n1,2\n")
        if target == "-":
            assert process.stdout.readline() == b"a,b,score,alarm,threshold\n"
            assert process.stdout.readline().startswith(b"1,2,0.0,0,")
        else:
            deadline = time.monotonic() + 60
            while not list(tmp_path.glob(".out.csv.*.part")) and time.monotonic() < deadline:
                time.sleep(0.01)
            time.sleep(0.1)
        os.kill(process.pid, number)
        _, said = process.communicate(timeout=60)
        assert process.returncode == code, said
        assert b"1 row scored and learned" in said
        assert model.exists()
    assert out.read_text().startswith("a,b,score,alarm,threshold\n1,2,0.0,0,")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model", "out.csv"]


def test_ctrl_c_elsewhere_leaves_nothing_behind(house, tmp_path, monkeypatch):
    def interrupt(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr("iotae.pipeline.TableDetector.judge", interrupt)
    argv = ["score", str(house / "model.iotae"), str(house / "test.csv"), "-o", str(tmp_path / "out.csv")]
    assert main(argv) == 130
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["fit", "{house}/train.csv", *FIT, "-o", "-"], "expected a file name"),
        (["fit", "{house}/train.csv", *FIT, "-o", "{tmp}/no/m.iotae"], "make it first"),
        (["fit", "{house}/train.csv", *FIT, "-o", "{house}/train.csv"], "as input and as output"),
        (["fit", "{house}/train.csv", "--normal-value", "normal", "-o", "{tmp}/m"], "without --label"),
        (
            ["score", "{house}/model.iotae", "{house}/test.csv", "-o", "{house}/test.csv"],
            "as input and as output",
        ),
        (["score", "{house}/model.iotae", "{house}/test.csv", "-o", "{tmp}"], "add a file name"),
        (["stream", "{house}/test.csv", "--save", "{tmp}/no/m", "-o", "{tmp}/s.csv"], "make it first"),
        (
            ["stream", "{house}/test.csv", "--model", "x", "--alpha", "0.1", "-o", "{tmp}/s.csv"],
            "leave them out",
        ),
    ],
)
def test_where_to_write_is_checked_before_any_work(argv, words, house, tmp_path, capsys):
    before = (house / "test.csv").read_bytes(), (house / "train.csv").read_bytes()
    assert main([part.format(house=house, tmp=tmp_path) for part in argv]) == 1
    said = capsys.readouterr().err
    assert said.startswith("iotae: error: ")
    assert words in said
    assert said.count("\n") == 1
    assert ((house / "test.csv").read_bytes(), (house / "train.csv").read_bytes()) == before
    assert list(tmp_path.iterdir()) == []


def test_a_stream_of_latin_1_is_scored_and_given_back_as_it_was(tmp_path):
    lines = [b"room,v"] + [f"K\xfcche,{i % 7}".encode("latin-1") for i in range(60)]
    (tmp_path / "a.csv").write_bytes(b"\n".join(lines) + b"\n")
    assert main(["stream", str(tmp_path / "a.csv"), "-o", str(tmp_path / "b.csv")]) == 0
    back = (tmp_path / "b.csv").read_bytes().splitlines()
    assert len(back) == 61
    assert back[1].startswith(lines[1] + b",")


def test_a_model_file_of_the_right_kind_but_without_sense_is_one_line(tmp_path, house, capsys):
    for kind, argv in (
        ("TableDetector", ["score", "m", str(house / "test.csv")]),
        ("OnlineAutoencoder", ["stream", str(house / "test.csv"), "--model", "m"]),
    ):
        serialization.write(tmp_path / "m", kind, {})
        assert main([str(tmp_path / "m") if part == "m" else part for part in argv]) == 1
        assert "as the state, but expected" in capsys.readouterr().err


def test_alarms_are_zeros_and_ones(tmp_path, capsys):
    (tmp_path / "s.csv").write_text("score,alarm,y\n0.1,0,0\n0.9,maybe,1\n")
    assert main(["evaluate", str(tmp_path / "s.csv"), "--label", "y"]) == 1
    assert "other than 0 and 1" in capsys.readouterr().err


def test_a_comma_in_a_quoted_name_is_no_delimiter(tmp_path):
    (tmp_path / "a.csv").write_text('"temp (C, avg)";hum;mode\n' + "1.5;2;eco\n" * 5)
    assert read_table(str(tmp_path / "a.csv")).names == ["temp (C, avg)", "hum", "mode"]


def test_integers_beyond_float_precision_are_rounded(tmp_path):
    pq.write_table(pa.table({"ns": [2**60 + 1, 2**60 + 3], "x": [1.0, 2.0]}), tmp_path / "a.parquet")
    values, unreadable = read_table(str(tmp_path / "a.parquet")).numbers("ns")
    assert unreadable == 0
    assert values.tolist() == [float(2**60)] * 2


@pytest.mark.parametrize("closing", [">&-", "2>&-", "<&-"])
def test_closed_descriptors_are_no_traceback(closing, house, tmp_path):
    model, new = house / "model.iotae", house / "test.csv"
    source = "-" if closing == "<&-" else new
    line = f"{sys.executable} -m iotae score {model} {source} -o - {closing}"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True)
    assert "Traceback" not in done.stderr
    assert done.returncode == (0 if closing == "2>&-" else 1)


def test_a_model_is_fitted_to_rows_drawn_from_a_file(house, tmp_path, capsys):
    fit = ["fit", str(house / "train.csv"), *FIT, "-o"]
    for rows in ("300", "800", "100000"):
        assert main([*fit, str(tmp_path / f"{rows}.iotae"), "--rows", rows]) == 0
    said = capsys.readouterr().err
    assert "of 300 rows" in said
    assert "of 800 rows" in said
    # a sample of all is all
    models = [house / "model.iotae", tmp_path / "800.iotae", tmp_path / "100000.iotae"]
    assert len({path.read_bytes() for path in models}) == 1
    assert (tmp_path / "300.iotae").read_bytes() != models[0].read_bytes()
    with pytest.raises(SystemExit, match="2"):
        main([*fit, str(tmp_path / "no.iotae"), "--rows", "0"])
