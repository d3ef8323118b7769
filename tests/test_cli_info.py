"""``iotae info`` and ``iotae simulate``, what a terminal is shown, and what messages are called."""

import io
import json
import sys

import numpy as np
import pandas as pd
import pytest

from iotae import BatchAutoencoder, OnlineAutoencoder, serialization
from iotae._progress import Progress, shown
from iotae.cli import main
from iotae.cli.missing import how_to_install
from iotae.io import read_table
from iotae.pipeline import TableDetector
from iotae.simulator import simulate


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("models")
    assert main(["simulate", "-o", str(place / "train.csv"), "--rows", "300", "--label", "attack"]) == 0
    assert main(["fit", str(place / "train.csv"), "--label", "attack", "-o", str(place / "table.iotae")]) == 0
    argv = ["stream", str(place / "train.csv"), "--drop", "attack", "-o", str(place / "scored.csv")]
    assert main([*argv, "--save", str(place / "stream.iotae")]) == 0
    return place


def card(capsys, path):
    capsys.readouterr()
    assert main(["info", str(path), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert main(["info", str(path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert all(any(line.startswith(name) for line in lines) for name in said)
    assert "iotae" in said["read by"]
    return said


def test_the_card_of_a_table_model(folder, capsys):
    said = card(capsys, folder / "table.iotae")
    detector = TableDetector.load(folder / "table.iotae")
    assert said["kind"].startswith("TableDetector")
    assert said["learned from"] == "216 rows"
    assert said["label"] == "attack, normal where it is 0"
    assert said["cut"] == f"{detector.threshold:.6g}, alpha 0.1, from 54 scores"
    assert said["columns"]["device"] == "a category of 5 values"
    assert said["columns"]["humidity"] == "a number"
    assert said["preprocessing"] == detector.preprocessor.report()


def test_the_card_of_a_stream_model(folder, capsys):
    said = card(capsys, folder / "stream.iotae")
    assert said["learned from"].startswith("300 rows, of which")
    assert said["set aside"].startswith("0 rows without a usable cell")
    kinds = {"device": "a category", "timestamp": "a time", "temperature": "a number"}
    assert kinds.items() <= said["columns"].items()
    assert "alpha 0.01, after 200 rows" in said["cut"]


def test_the_cards_of_both_hosts_models(tmp_path, capsys, rng):
    from iotae.thresholds import AlertBudget
    from pyod_iotae import IoTAE as PyodIoTAE
    from river_iotae import AlarmFilter, ConformalFilter
    from river_iotae import IoTAE as RiverIoTAE

    frame = pd.DataFrame({"watts": rng.normal(size=60), "mode": ["on", "off"] * 30})
    PyodIoTAE(random_state=0, epoch_num=1).fit(frame).save(tmp_path / "mixed")
    said = card(capsys, tmp_path / "mixed")
    assert said["columns"] == {"watts": "a number", "mode": "a category of 2 values"}
    assert "contamination=0.1" in said["cut"]
    PyodIoTAE(random_state=0, threshold="conformal", alpha=0.2).fit(rng.normal(size=(60, 2))).save(
        tmp_path / "numbers"
    )
    assert "alpha=0.2" in card(capsys, tmp_path / "numbers")["cut"]
    assert list(card(capsys, tmp_path / "numbers")["columns"]) == ["column 0", "column 1"]
    for model in (
        RiverIoTAE(seed=0),
        ConformalFilter(RiverIoTAE(seed=0)),
        AlarmFilter(RiverIoTAE(), AlertBudget(1, 10)),
    ):
        model.learn_one({"a": 1.0, ("b", 2): 2.0})
        model.save(tmp_path / "river")
        said = card(capsys, tmp_path / "river")
        assert said["learned from"].startswith("1 row, of which")
        assert said["columns"] == {"('b', 2)": "a number", "a": "a number"}


@pytest.mark.parametrize(
    ("write", "words"),
    [
        (lambda path: path.write_text("a,b\n1,2\n"), "not a file that iotae saved"),
        (lambda path: serialization.write(path, "cut", {}), "holds the state of cut, but expected a model"),
        (lambda path: serialization.write(path, "TableDetector", {}), "as the state, but expected"),
        (lambda path: None, "No such file"),
    ],
    ids=["foreign", "another kind", "damaged", "absent"],
)
def test_what_has_no_card_is_an_error_of_one_line(write, words, tmp_path, capsys):
    write(tmp_path / "m")
    assert main(["info", str(tmp_path / "m")]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert words in said.err
    assert said.err.count("\n") == 1


def test_an_unfitted_model_has_no_card(tmp_path, capsys):
    serialization.write(tmp_path / "m", "BatchAutoencoder", BatchAutoencoder().to_state())
    assert main(["info", str(tmp_path / "m")]) == 1
    serialization.write(tmp_path / "s", "OnlineAutoencoder", OnlineAutoencoder().to_state())
    assert main(["info", str(tmp_path / "s")]) == 0
    assert "0 rows" in capsys.readouterr().out


# -- simulate ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["made.csv", "made.csv.gz", "made.parquet", "-"])
def test_simulated_rows_are_the_simulators(name, tmp_path, capsys):
    path = name if name == "-" else str(tmp_path / name)
    argv = ["simulate", "-o", path, "--rows", "50", "--devices", "2", "--seed", "3", "--kind"]
    assert main([*argv, "--interval", "60", "--anomaly-rate", "0.2", "--label", "attack"]) == 0
    said = capsys.readouterr()
    assert "50 rows simulated, 10 anomalies" in said.err
    if name == "-":
        path = tmp_path / "out.csv"
        path.write_text(said.out)
    table = read_table(path)
    made = simulate(50, n_devices=2, anomaly_rate=0.2, interval=60, seed=3)
    names = [column if column != "label" else "attack" for column in made.columns]
    assert table.names == names
    np.testing.assert_array_equal(table.numbers("attack")[0], made.label)
    np.testing.assert_array_equal(table.numbers("humidity")[0], made.columns["humidity"])
    np.testing.assert_array_equal(table.times("timestamp")[0], made.columns["timestamp"])
    np.testing.assert_array_equal(table.texts("kind"), made.kind)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--label", "humidity"], "--label humidity, but a column of readings is called so"),
        (["--anomaly-rate", "0.9"], "0.9"),
        (["-o", "absent/made.csv"], "there is no folder absent"),
    ],
)
def test_what_cannot_be_simulated_is_an_error_of_one_line(options, words, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["simulate", *options]) == 1
    said = capsys.readouterr()
    assert words in said.err
    assert said.out == ""


@pytest.mark.parametrize("options", [["--interval", "0"], ["--rows", "0"], ["--devices", "x"]])
def test_wrong_options_of_simulate_are_usage(options, capsys):
    with pytest.raises(SystemExit) as end:
        main(["simulate", *options])
    assert end.value.code == 2


# -- what a terminal is shown ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["stream", "train.csv", "-o", "out.csv"], "streaming: 300 rows"),
        (["score", "table.iotae", "train.csv", "-o", "out.csv"], "scoring: 300 rows"),
        (["fit", "train.csv", "-o", "m.iotae"], "learning from 300 rows"),
        (["fit", "train.csv", "-o", "m.iotae"], "training:"),
    ],
    ids=["stream", "score", "fit", "training"],
)
def test_long_work_is_shown_on_a_terminal_and_not_elsewhere(argv, words, folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "stderr", Terminal())
    assert main(argv) == 0
    assert words in sys.stderr.getvalue()
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    assert main(argv) == 0
    assert words not in sys.stderr.getvalue()


def test_progress_fits_its_terminal_and_outlives_it(monkeypatch):
    monkeypatch.setenv("COLUMNS", "20")
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    assert list(shown(range(3), "counting", "sheep", 3)) == [0, 1, 2]
    lines = sys.stderr.getvalue().replace("\n", "").split("\r")
    assert max(map(len, lines)) == 19
    assert lines[-1].startswith("counting: 3 of 3 sh")
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    sys.stderr.close()
    with Progress("counting", "sheep") as progress:
        progress.advance()
    assert progress.done == 1


def test_one_is_not_many(folder, tmp_path, capsys):
    rows = (folder / "train.csv").read_text().splitlines()
    (tmp_path / "one.csv").write_text("\n".join(rows[:2]) + "\n")
    assert main(["score", str(folder / "table.iotae"), str(tmp_path / "one.csv")]) == 0
    assert "1 row scored, 1 alarm above" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("module", "extra"),
    [
        ("sklearn.impute", "tables"),
        ("pyarrow", "tables"),
        ("scipy.stats", "fast"),
        ("matplotlib", "plots"),
        ("torch", "torch"),
        ("river", "river"),
        ("something", "all"),
    ],
)
def test_the_hint_for_a_missing_library_names_the_smallest_extra(module, extra):
    error = ModuleNotFoundError(f"No module named {module!r}", name=module)
    assert how_to_install(error).endswith(f"pip install 'iotae[{extra}]'")
    assert how_to_install(ImportError("no matplotlib: `pip install 'iotae[plots]'`")) == ""


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--epochs", "0"], "Got --epochs 0, but"),
        (["--learning-rate", "-1"], "Got --learning-rate -1.0, but"),
        (["--batch-size", "0"], "Got --batch-size 0, but"),
        (["--hidden-sizes", "0"], "Got --hidden-sizes [0], but"),
        (["--seed", "-1"], "Got --seed -1, but"),
    ],
)
def test_errors_name_the_option_that_was_given(options, words, folder, capsys):
    assert main(["fit", str(folder / "train.csv"), "-o", str(folder / "m.iotae"), *options]) == 1
    assert words in capsys.readouterr().err
