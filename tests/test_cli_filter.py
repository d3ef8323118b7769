"""``iotae filter``: no row is lost or doubled, whatever is in the file and whenever the run is killed."""

import csv
import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iotae.cli import main
from iotae.data import Table
from iotae.io import TableWriter, iter_table
from iotae.io.plain_csv import plain_lines


def text_of(n=600, faults=True):
    rng = np.random.default_rng(0)
    lines = ["device,at,celsius,door"]
    for i in range(n):
        at = np.datetime64("2026-01-01T00:00:00") + np.timedelta64(30 * i, "s")
        lines.append(f"d{i % 3},{at},{20 + rng.normal():.2f},{i // 200 % 2}")
    if faults:
        lines[500] = lines[500].rpartition(",")[0].rpartition(",")[0] + ",85.0,0"
        lines[510] = "d2,2026-01-01"
        lines[520] += ",7,8"
        lines.insert(450, lines[449])
        lines[560] = lines[560].rpartition(",")[0].rpartition(",")[0] + ",31.5,0"
    return "\n".join(lines) + "\n"


def read(path):
    with open(path, newline="") as file:
        return list(csv.reader(file))


@pytest.fixture
def paths(tmp_path):
    events = tmp_path / "events.csv"
    events.write_text(text_of())
    return events, tmp_path / "valid.csv", tmp_path / "rejected.csv"


def filtered(paths, *more):
    events, valid, rejected = map(str, paths)
    return main(["filter", events, "--group", "device", "-o", valid, "--rejected", rejected, *more])


def test_each_row_goes_to_one_of_two_files_with_its_reasons(paths, capsys):
    assert filtered(paths) == 0
    events, valid, rejected = map(read, paths)
    assert valid[0] == [*events[0], "quality"]
    assert rejected[0] == [*events[0], "quality", "row"]
    assert len(valid) - 1 + len(rejected) - 1 == len(events) - 1
    reasons = {row[-2] for row in rejected[1:]}
    assert reasons == {"duplicate", "celsius sentinel", "torn"}
    by_number = {int(row[-1]): row[:-2] for row in rejected[1:]}
    # what is too much in a torn row is left in its last cell
    torn = [events[n] for n in by_number if len(events[n]) == 6]
    assert [",".join(events[n]) for n in sorted(by_number)] == [
        ",".join(by_number[n]).rstrip(",") if len(events[n]) < 4 else ",".join(by_number[n])
        for n in sorted(by_number)
    ]
    assert len(torn) == 1
    rest = iter(valid[1:])
    assert all(next(rest)[:4] == row for n, row in enumerate(events) if n and n not in by_number)
    assert any("jump" in row[-1] for row in valid)
    assert f"{len(rejected) - 1} set aside" in capsys.readouterr().err


@pytest.mark.parametrize("chunk", ["1", "7", "100000"])
def test_what_is_said_does_not_depend_on_the_chunks(paths, tmp_path, chunk):
    assert filtered(paths) == 0
    other = (paths[0], tmp_path / "v.csv", tmp_path / "r.csv")
    assert filtered(other, "--chunk-rows", chunk) == 0
    assert [p.read_text() for p in other[1:]] == [p.read_text() for p in paths[1:]]


def test_parquet_and_json_lines_lose_nothing(paths, tmp_path):
    frame = pd.DataFrame({"device": ["a"] * 90, "celsius": np.arange(90) % 7 + 20.0, "tags": [[1]] * 90})
    frame.loc[80, "celsius"] = -999.0
    frame.to_parquet(tmp_path / "e.parquet")
    out = (tmp_path / "e.parquet", tmp_path / "v.parquet", tmp_path / "r.parquet")
    assert filtered(out) == 0
    valid, rejected = (pd.read_parquet(path) for path in out[1:])
    assert len(valid) == 89
    assert rejected["row"].tolist() == [81]
    assert "tags" in valid
    lines = [json.dumps({"device": "a", "celsius": 20 + i % 7}) for i in range(50)]
    lines[30] = '{"device": "a", "cel'
    lines.append('{"device')
    events = tmp_path / "e.jsonl"
    events.write_text("\n".join(lines))
    assert filtered((events, *paths[1:])) == 0
    assert [row[0] for row in read(paths[2])[1:]] == [lines[30], lines[-1]]
    assert len(read(paths[1])) == 50


def test_after_a_kill_the_same_command_loses_and_doubles_nothing(paths, tmp_path):
    paths[0].write_text(text_of(40_000))
    argv = ["filter", *map(str, paths[:1]), "--group", "device", "--chunk-rows", "500"]
    argv += ["-o", str(paths[1]), "--rejected", str(paths[2])]
    # the process kills itself in the middle, as a power cut would
    code = (
        "import os, signal, sys\n"
        "from iotae.quality import PacketChecker\n"
        "from iotae.cli import main\n"
        "learn = PacketChecker.learn_many\n"
        "def learn_or_die(self, *args):\n"
        "    if self.n_rows > 20000: os.kill(os.getpid(), signal.SIGKILL)\n"
        "    return learn(self, *args)\n"
        "PacketChecker.learn_many = learn_or_die\n"
        "main(sys.argv[1:])\n"
    )
    done = subprocess.run([sys.executable, "-c", code, *argv], capture_output=True)
    assert done.returncode == -9
    assert not paths[1].exists()
    assert not paths[2].exists()
    assert main(argv) == 0
    n = len(read(paths[0]))
    numbers = {int(row[-1]) for row in read(paths[2])[1:]}
    assert len(read(paths[1])) - 1 + len(numbers) == n - 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["events.csv", "rejected.csv", "valid.csv"]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--group", "nothing"], "no column 'nothing'"),
        (["--aside", "nonsense"], "nonsense"),
        (["--rules", "none.toml"], "none.toml"),
        (["--rejected", "-"], "file name"),
    ],
)
def test_wrong_options_are_one_line_and_write_nothing(paths, capsys, more, words):
    assert filtered(paths, *more) == 1
    said = capsys.readouterr().err
    assert words in said
    assert said.count("\n") == 1
    assert not paths[1].exists()


def test_rules_and_reasons_decide_what_is_set_aside(paths, tmp_path):
    rules = tmp_path / "rules.toml"
    rules.write_text("[columns.celsius]\nmost = 22\n")
    assert filtered(paths, "--rules", str(rules), "--aside", "impossible") == 0
    rejected = read(paths[2])[1:]
    assert rejected
    assert all(float(row[2]) > 22 for row in rejected)


CELLS = st.text(st.sampled_from('a1,;"\n .é'), max_size=4)


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(st.tuples(CELLS, CELLS, CELLS), min_size=1, max_size=12), chunk=st.integers(1, 5))
def test_plain_csv_is_what_the_csv_module_makes(tmp_path_factory, rows, chunk):
    folder = tmp_path_factory.mktemp("csv")
    with open(folder / "a.csv", "w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([("x", "y", "z"), *rows])
    parts = list(iter_table(folder / "a.csv", chunk))
    cells = [row for part in parts for row in zip(*(part.array(n).tolist() for n in part.names), strict=True)]
    assert cells == read_as_csv(folder / "a.csv")
    with TableWriter(folder / "b.csv") as writer:
        for part in parts:
            writer.write(part)
    assert read_as_csv(folder / "b.csv") == cells


def read_as_csv(path):
    return [tuple(row) for row in read(path)[1:]]


def test_numbers_are_written_as_the_csv_module_writes_them(tmp_path):
    columns = [["a", "b"], [1.5, 1e300], [1, -2], [True, False]]
    with open(tmp_path / "a.csv", "w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(zip(*columns, strict=True))
    assert (tmp_path / "a.csv").read_text() == plain_lines(columns)


def test_plain_times_are_those_of_the_slow_reader():
    texts = ["2026-01-31T14:05:00", "2024-02-29 23:59:59", "1970-01-01T00:00:00"]
    odd = ["2026-02-30T00:00:00", "2026-01-01T24:00:00", "0000-01-01T00:00:00", "2026-01-31T14:05:0Z"]
    for cells in (texts, *([*texts, one] for one in odd)):
        together = Table({"t": cells}).times("t")[0].tolist()
        assert together == [Table({"t": [cell, "2026-01-01"]}).times("t")[0].tolist()[0] for cell in cells]
