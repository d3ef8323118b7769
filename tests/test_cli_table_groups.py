"""``iotae fit --group``: a model for each device of a file, and files scored with it."""

import json

import numpy as np
import pytest

from iotae.cli import main
from iotae.data import Table
from iotae.io import read_table
from iotae.pipeline import TableDetector
from iotae.serialization import StateError


def lines_of(n, seed, devices=("fan", "pump")):
    """Two sensors that go together, on each device in a range of its own."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(n):
        for k, device in enumerate(devices):
            load = rng.normal()
            watts, amps = 100.0**k * (5 + load), 10.0**k * (2 - load + 0.05 * rng.normal())
            found.append(f"{device},{watts:.5f},{amps:.5f},{rng.choice(['eco', 'max'])},normal")
    return found


def written(path, lines):
    path.write_text("\n".join(["device,watts,amps,mode,label", *lines]) + "\n")
    return str(path)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("groups")
    train = written(folder / "train.csv", [*lines_of(250, 0), "valve,1.0,1.0,eco,normal"])
    model = str(folder / "model.iotae")
    words = ["fit", train, "--group", "device", "--label", "label", "--normal-value", "normal", "-o", model]
    assert main([*words, "--alpha", "0.05"]) == 0
    return folder, train, model


def test_a_reading_of_another_device_is_an_alarm(files, capsys):
    folder, _, model = files
    odd = ["fan,500.0,20.0,eco,odd", "pump,500.0,20.0,eco,normal"]
    new = written(folder / "new.csv", [*lines_of(100, 1), *odd, "new,5,2,eco,normal"])
    out = folder / "scored.csv"
    assert main(["score", model, new, "-o", str(out), "--explain", "--chunk-rows", "50"]) == 0
    said = capsys.readouterr().err
    assert said.count("warning: Got 1 group ('new') that fit did not see") == 1
    assert "ignored" not in said
    scored = read_table(out)
    alarms = scored.array("alarm").astype(float)
    assert alarms[-3:-1].tolist() == [1.0, 0.0]
    assert "watts" in str(scored.array("reason")[-3])
    assert 0.0 < alarms[:200].mean() < 0.15


def test_the_model_tells_of_its_groups_and_is_not_exported(files, capsys):
    folder, _, model = files
    assert main(["info", model, "--json"]) == 0
    card = json.loads(capsys.readouterr().out)
    assert card["groups"] == "by device: 2 models of one group each, 1 smaller group"
    assert "device" not in card["columns"]
    assert main(["export", model, "--format", "c", "-o", str(folder / "model.h")]) != 0
    assert "expected one of all rows" in capsys.readouterr().err


def test_a_file_without_the_column_is_refused(files, capsys):
    folder, train, model = files
    assert main(["fit", train, "--group", "machine", "-o", str(folder / "x.iotae")]) == 1
    assert "Got no column 'machine' for --group" in capsys.readouterr().err
    bare = folder / "bare.csv"
    bare.write_text("watts,amps,mode\n1,2,eco\n")
    assert main(["score", model, str(bare), "-o", str(folder / "y.csv")]) == 1
    assert "Got no column 'device'" in capsys.readouterr().err
    assert not (folder / "x.iotae").exists()
    assert not (folder / "y.csv").exists()


def test_a_saved_detector_gives_the_same_scores_and_verdicts(tmp_path):
    rng = np.random.default_rng(0)
    load = rng.normal(size=400)
    scale = np.tile([1.0, 50.0], 200)
    table = Table({"a": scale * load, "b": scale * (1 - load), "device": np.tile([7.0, 8.0], 200)})
    detector = TableDetector(seed=0, alpha=0.05, group="device").fit(table)
    assert [detector.classify(detector.score(table))[k::2].sum() for k in (0, 1)] == [10, 10]
    detector.save(tmp_path / "model.iotae")
    again = TableDetector.load(tmp_path / "model.iotae")
    assert (again.group, again.columns) == ("device", ["a", "b"])
    one, other = (each.judge(table, explain=True) for each in (detector, again))
    assert all((a == b).all() for a, b in zip(one[:4], other[:4], strict=True))
    assert detector.judge(table.take(np.arange(0)), explain=True).shares.shape == (0, 2)
    state = detector.to_state()
    state["settings"]["group"] = "a"
    with pytest.raises(StateError, match=r"Got 'a' at settings\.group, but expected a column that is no"):
        TableDetector.from_state(state)


def test_devices_learned_in_two_processes_make_the_same_file(files, tmp_path):
    _, train, model = files
    other = str(tmp_path / "model.iotae")
    words = ["fit", train, "--group", "device", "--label", "label", "--normal-value", "normal", "-o", other]
    assert main([*words, "--alpha", "0.05", "--jobs", "2"]) == 0
    with open(model, "rb") as one, open(other, "rb") as two:
        assert one.read() == two.read()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--jobs", "2"], "Got --jobs without --group: name the column of the device"),
        (["--group", "device", "--jobs", "0"], "at least 1, or -1 for one a core, got '0'"),
    ],
)
def test_jobs_that_make_no_sense_are_refused(files, tmp_path, capsys, words, message):
    try:
        code = main(["fit", files[1], "-o", str(tmp_path / "model.iotae"), *words])
    except SystemExit as exit_:
        code = exit_.code
    assert code
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
