"""``iotae stream --labels``: an operator's answers to alarms from a file."""

from __future__ import annotations

import csv

import pytest

from iotae import OnlineAutoencoder, serialization
from iotae.cli import main
from tests.test_stream_feedback import usual_rows


@pytest.fixture
def stream(tmp_path):
    """A stream of 900 rows with a cleaning of the device each 40 rows from row 421 on."""
    path = tmp_path / "events.csv"
    with open(path, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["at", "watts", "ms", "volts"])
        for i, row in enumerate(usual_rows(900)):
            ms = 70.0 + i % 3 if i >= 420 and i % 40 == 20 else row["ms"]
            writer.writerow([f"t{i + 1}", row["watts"], ms, row["volts"]])
    return str(path)


def alarms(path):
    with open(path, newline="") as file:
        return [i for i, row in enumerate(csv.DictReader(file), 1) if row["alarm"] == "1"]


@pytest.mark.parametrize("answers", ["row,label\n421,normal\n", "at,label\nt421,0\nt7000,1\n"])
def test_an_answer_stops_the_later_alarms_of_its_kind(stream, tmp_path, capsys, answers):
    (tmp_path / "a.csv").write_text(answers)
    out, model = str(tmp_path / "b.csv"), str(tmp_path / "m.iotae")
    cleanings = set(range(421, 901, 40))
    assert main(["stream", stream, "--drop", "at", "-o", out]) == 0
    assert cleanings <= set(alarms(out))
    capsys.readouterr()
    options = ["--drop", "at", "--labels", str(tmp_path / "a.csv"), "--save", model, "-o", out]
    assert main(["stream", stream, *options]) == 0
    left = cleanings & set(alarms(out))
    assert 421 in left
    assert len(left) <= 3
    said = capsys.readouterr().err
    n = answers.count("t") - 1 if answers.startswith("at") else 1
    assert f"1 of {'2 answers' if n > 1 else '1 answer'} met their row" in said
    assert "normal: ms 7" in said
    saved = serialization.restore(model, "OnlineAutoencoder", OnlineAutoencoder.from_state)
    assert [kind.anomaly for kind in saved.confirmed] == [False]


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ("row,label\n421,maybe\n", "expected normal or anomaly"),
        ("row,at,label\n1,t1,normal\n", "expected two"),
        ("row\n1\n", "expected two"),
        ("device,label\na,normal\n", "the stream has no such column"),
    ],
)
def test_answers_that_cannot_be_used_are_an_error(stream, tmp_path, capsys, answers, said):
    (tmp_path / "a.csv").write_text(answers)
    out = tmp_path / "b.csv"
    options = ["--labels", str(tmp_path / "a.csv"), "-o", str(out)]
    assert main(["stream", stream, "--drop", "at", *options]) == 1
    assert said in capsys.readouterr().err
    assert not out.exists()


def test_answers_without_effect_change_no_score(stream, tmp_path):
    (tmp_path / "a.csv").write_text("row,label\n99999,normal\n")
    for name, options in (("b.csv", []), ("c.csv", ["--labels", str(tmp_path / "a.csv")])):
        assert main(["stream", stream, "--drop", "at", *options, "-o", str(tmp_path / name)]) == 0
    assert (tmp_path / "b.csv").read_text() == (tmp_path / "c.csv").read_text()
