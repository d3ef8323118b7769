"""``iotae stream --labels``: an operator's answers to alarms from a file."""

from __future__ import annotations

import csv
from pathlib import Path

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


@pytest.fixture(scope="module")
def fleet(tmp_path_factory):
    """The rows of two devices in turns; both have a cleaning each 40 rows from their row 421 on."""
    path = tmp_path_factory.mktemp("fleet") / "fleet.csv"
    with open(path, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["at", "unit", "watts", "ms", "volts"])
        for i, (a, b) in enumerate(zip(usual_rows(900), usual_rows(900, seed=4), strict=True)):
            for unit, row in (("7", a), ("007", b)):
                ms = 70.0 + i % 3 if i >= 420 and i % 40 == 20 else row["ms"]
                writer.writerow([f"t{i + 1}", unit, row["watts"], ms, row["volts"]])
    return str(path)


def alarms_of(path, unit):
    with open(path, newline="") as file:
        return [r["at"] for r in csv.DictReader(file) if r["alarm"] == "1" and r["unit"] == unit]


CLEANINGS = {f"t{i}" for i in range(421, 901, 40)}


@pytest.mark.parametrize("mode", ["separate", "shared"])
@pytest.mark.parametrize("answers", ["row,label\n841,normal\n", "unit,at,label\n7,t421,0\n07,t421,0\n"])
def test_an_answer_is_about_its_device_alone(fleet, tmp_path, capsys, mode, answers):
    (tmp_path / "a.csv").write_text(answers)
    out, again = str(tmp_path / "b.csv"), str(tmp_path / "c.csv")
    words = ["stream", fleet, "--group", "unit", "--group-mode", mode, "--drop", "at"]
    told = ["--labels", str(tmp_path / "a.csv")]
    assert main([*words, *told, "-o", out]) == 0
    left = CLEANINGS & set(alarms_of(out, "7"))
    assert "t421" in left
    assert len(left) <= 3
    assert len(CLEANINGS & set(alarms_of(out, "007"))) >= 11
    said = capsys.readouterr().err
    assert "1 of " in said
    assert "iotae: 7: normal: ms 7" in said
    assert main([*words, "-o", again]) == 0
    assert alarms_of(out, "007") == alarms_of(again, "007") or mode == "shared"


def timed(path, n):
    """Rows of two devices with the same times, written as text that is a time, a device's name as a code."""
    with open(path, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["at", "unit", "watts", "ms", "volts"])
        for i, (a, b) in enumerate(zip(usual_rows(n), usual_rows(n, seed=4), strict=True)):
            for unit, row in (("7", a), ("007", b)):
                at = f"2026-01-01T{i // 60:02}:{i % 60:02}:00"
                writer.writerow([at, unit, row["watts"], row["ms"], row["volts"]])
    return str(path)


@pytest.mark.parametrize(
    ("answers", "met", "said"),
    [
        ("at,unit,label\n2026-01-01T04:30:00,007,normal\n", "1 of 1 answer met", ""),
        (
            "at,unit,label\n2026-01-01T04:30:00,07,normal\n",
            "0 of 1 answer met",
            "such as '2026-01-01T04:30:00' of '07', but",
        ),
        (
            "at,unit,label\n1 Jan 2026 04:30,007,normal\n",
            "0 of 1 answer met",
            "such as '1 Jan 2026 04:30' of '007', but",
        ),
        ("at,label\n2026-01-01T04:30:00,normal\n", "1 of 1 answer met", "1 of the answers met 2 rows"),
    ],
)
def test_answers_by_a_time_meet_the_rows_that_have_it_as_it_is_written(tmp_path, capsys, answers, met, said):
    (tmp_path / "a.csv").write_text(answers)
    events, out = timed(tmp_path / "events.csv", 300), str(tmp_path / "b.csv")
    assert main(["stream", events, "--group", "unit", "--labels", str(tmp_path / "a.csv"), "-o", out]) == 0
    told = capsys.readouterr().err
    assert met in told
    assert said in told
    assert ("warning" in told) == bool(said)


@pytest.mark.parametrize("mode", ["separate", "shared"])
def test_answers_of_a_fleet_survive_a_stop(fleet, tmp_path, capsys, mode):
    (tmp_path / "a.csv").write_text("unit,at,label\n7,t421,normal\n007,t501,anomaly\n")
    rows, part = Path(fleet).read_text().splitlines(keepends=True), tmp_path / "fleet.csv"
    words = ["--group", "unit", "--group-mode", mode, "--drop", "at", "--labels", str(tmp_path / "a.csv")]
    whole, out = tmp_path / "whole.csv", tmp_path / "out.csv"
    assert main(["stream", fleet, *words, "-o", str(whole)]) == 0
    for stop in (1000, 1200, None):
        part.write_text("".join(rows[:stop]))
        kept = ["-o", str(out), "--checkpoint", str(tmp_path / "state")]
        assert main(["stream", str(part), *words, *kept]) == 0
    assert out.read_text() == whole.read_text()
    assert "iotae: 7: normal: ms 7" in capsys.readouterr().err


@pytest.mark.parametrize("group", [[], ["--group", "unit"]])
def test_an_answer_that_cannot_be_taken_costs_no_row(fleet, tmp_path, capsys, group):
    (tmp_path / "a.csv").write_text("row,label\n1,normal\n")
    out = str(tmp_path / "b.csv")
    words = ["--drop", "at" if group else "at,unit", "--labels", str(tmp_path / "a.csv")]
    assert main(["stream", fleet, *group, *words, "-o", out]) == 0
    said = capsys.readouterr().err
    assert "1,800 rows scored" in said or "1800 rows scored" in said
    assert "an answer was not taken: Got a" in said
