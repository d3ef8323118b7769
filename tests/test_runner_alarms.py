"""The alarms of a file's stream in SQLite: each once, whatever is killed, and readable while they come."""

import csv
import json
import os
import sqlite3
import stat
from contextlib import closing

import numpy as np
import pytest

from iotae.cli import main
from iotae.data import Table, TableError
from iotae.runner.alarms import AlarmFile
from iotae.runner.device_numbers import DeviceNumbers
from iotae.runner.ledger import Ledger
from tests.test_runner_checkpoint import worker as worker

N_ROWS = 900


@pytest.fixture
def events(tmp_path):
    rng = np.random.default_rng(0)
    path = tmp_path / "events.csv"
    with open(path, "w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["id", "a", "b"])
        for i, (a, b) in enumerate(rng.normal(size=(N_ROWS, 2)).round(3).tolist()):
            out.writerow([f"d{i % 2}", a, 50.0 if i % 61 == 60 else round(a + b / 10, 3)])
    return path


def words(events, folder, *more):
    out, alarms = folder / "scored.csv", folder / "alarms.sqlite"
    return ["stream", str(events), "-o", str(out), "--alarms-to", str(alarms), "--alpha", "0.05", *more]


def alarms_in(path):
    columns = "row, device, score, threshold, reason, cells"
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as base:
        return base.execute(f"select {columns} from alarms order by row").fetchall()


def alarms_of_output(path, group=None):
    with open(path, newline="") as file:
        for number, row in enumerate(csv.DictReader(file), start=1):
            if row["alarm"] == "1":
                device = None if group is None else row[group]
                threshold = float(row["threshold"]) if row["threshold"] else None
                cells = {name: row[name] for name in ("id", "a", "b")}
                yield number, device, float(row["score"]), threshold, row["reason"], cells


@pytest.mark.parametrize("group", [None, "id"])
def test_the_file_has_the_alarms_of_the_output(group, events, tmp_path):
    more = ["--explain", "--drop", "id"] if group is None else ["--explain", "--group", group]
    for _ in range(2):
        # a second run begins anew, as the output does
        assert main(words(events, tmp_path, *more)) == 0
        found = alarms_in(tmp_path / "alarms.sqlite")
        expected = list(alarms_of_output(tmp_path / "scored.csv", group))
        assert len(expected) > 5
        assert [one[:5] for one in found] == [one[:5] for one in expected]
        assert [json.loads(one[5]) for one in found] == [one[5] for one in expected]
        assert all(one[4] for one in found)
    assert stat.S_IMODE(os.stat(tmp_path / "alarms.sqlite").st_mode) == 0o600


def test_killed_at_its_checkpoints_each_alarm_is_there_once(worker, events, tmp_path):
    folder = tmp_path / "killed"
    folder.mkdir()
    more = ["--explain", "--checkpoint-every", "100", "--checkpoint"]
    whole = worker(*words(events, tmp_path, *more, tmp_path / "state"))
    assert whole["code"] == 0, whole["said"]
    expected = alarms_in(tmp_path / "alarms.sqlite")
    kept = words(events, folder, *more, folder / "state")
    reached = set()
    for calls in (15, 6, 7, 8):
        # the alarms of the chunk are in the file, and its checkpoint is not
        assert worker(*kept, calls=calls)["code"] == -9
        reached.add(len(alarms_in(folder / "alarms.sqlite")))
    assert len(reached) > 1
    done = worker(*kept)
    assert done["code"] == 0, done["said"]
    assert alarms_in(folder / "alarms.sqlite") == expected
    assert (folder / "scored.csv").read_bytes() == (tmp_path / "scored.csv").read_bytes()


def chunk(alarms):
    n = len(alarms)
    added = {"score": np.full(n, 0.5), "alarm": np.array(alarms), "threshold": np.full(n, np.nan)}
    return Table({"watts": np.arange(n, dtype=float), "text": ["\udcff"] * n}), added


def test_alarms_after_the_checkpoint_are_taken_back_and_a_reader_sees_them_as_they_come(tmp_path):
    path = str(tmp_path / "alarms.sqlite")
    with AlarmFile(path) as file:
        file.write(*chunk([1, 0, 1]))
        assert [one[0] for one in alarms_in(path)] == [1, 3]
        file.write(*chunk([0, 0]))
        file.write(*chunk([1]))
        assert [one[0] for one in alarms_in(path)] == [1, 3, 6]
        with pytest.raises(TableError, match="as a running process does"), AlarmFile(path):
            pass
    with AlarmFile(path, first=3, key="text") as file:
        assert [one[0] for one in alarms_in(path)] == [1, 3]
        file.write(*chunk([1, 1]))
    assert [one[0] for one in alarms_in(path)] == [1, 3, 4, 5]
    assert alarms_in(path)[2][1] == r"\udcff"
    assert json.loads(alarms_in(path)[0][5]) == {"watts": 0.0, "text": "\udcff"}


def test_names_that_cannot_be_the_file_of_alarms_are_refused(events, tmp_path, capsys):
    for name, said in (
        ("alarms.csv", "expected an .sqlite file"),
        ("none/alarms.sqlite", "there is no folder"),
    ):
        path = tmp_path / name
        assert main(["stream", str(events), "-o", str(tmp_path / "o.csv"), "--alarms-to", str(path)]) == 1
        assert said in capsys.readouterr().err
    same = str(tmp_path / "same.db")
    assert main(["stream", str(events), "-o", same, "--alarms-to", same]) == 1
    assert "for alarms and for another use" in capsys.readouterr().err
    with Ledger(str(tmp_path / "rows.sqlite"), {}, DeviceNumbers()):
        pass
    text = tmp_path / "text.db"
    text.write_text("no database at all, and long enough to be none")
    for other, said in (("rows.sqlite", "other tables"), ("text.db", "not a database")):
        assert (
            main(["stream", str(events), "-o", str(tmp_path / "o.csv"), "--alarms-to", str(tmp_path / other)])
            == 1
        )
        assert said in capsys.readouterr().err
    assert text.read_text().startswith("no database")
