"""``iotae tune`` end to end: what it writes and says, and that ``score`` and ``stream`` take its models."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from iotae import OnlineAutoencoder, serialization
from iotae.cli import main
from iotae.evaluation import stratified_split
from iotae.pipeline import TableDetector
from iotae.simulator import simulate

QUICK = ["--layers", "1,3", "--neurons", "4", "--learning-rate", "0.003", "--folds", "2", "--seed", "3"]
FILES = {"search.csv", "search.png", "model.iotae", "stream.iotae"}


def write(path, poisoned=(), poison=None):
    frame = simulate(240, interval=600, anomaly_rate=0.1, seed=0).to_pandas().drop(columns="kind")
    frame = frame.rename(columns={"label": "attack"}).astype(object)
    if poison is not None:
        columns = [name for name in frame.columns if name not in ("attack", "timestamp")]
        frame.loc[list(poisoned), columns] = poison
    frame.to_csv(path, index=False)
    return str(path), (frame["attack"] == 1).to_numpy()


def search(folder):
    with open(folder / "search.csv", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def tuned(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tune")
    train, y = write(folder / "train.csv")
    assert main(["tune", train, "--label", "attack", *QUICK, "-o", str(folder / "out")]) == 0
    return folder, train, y


def test_writes_table_figure_and_models(tuned):
    out = tuned[0] / "out"
    assert {path.name for path in out.iterdir()} == FILES
    rows = search(out)
    assert len(rows) == 2 * 6
    assert list(rows[0])[:7] == ["rank", "layers", "neurons", "learning_rate", "alpha", "f1_mean", "f1_sd"]
    assert rows[0]["rank"] == "1"
    means = [float(row["f1_mean"]) for row in rows]
    assert means == sorted(means, reverse=True)
    best = TableDetector.load(out / "model.iotae")
    assert best.alpha == float(rows[0]["alpha"])
    assert best.autoencoder.hidden_sizes == {"1": (4,), "3": (4, 2, 4)}[rows[0]["layers"]]


@pytest.mark.untraced
@pytest.mark.parametrize("labelled", [True, False])
@pytest.mark.parametrize("poison", ["", "1e300", "poison"])
def test_what_stands_in_the_test_rows_of_the_file_changes_no_bit(tmp_path, tuned, labelled, poison):
    _, clean, y = tuned
    test = stratified_split(y if labelled else np.zeros_like(y), 0.3, 3)[1]
    poisoned, _ = write(tmp_path / "poisoned.csv", test, poison)
    label = ["--label", "attack"] if labelled else ["--drop", "attack"]
    for name, file in (("a", clean), ("b", poisoned)):
        assert main(["tune", file, *label, *QUICK, "-o", str(tmp_path / name)]) == 0
    for name in ("search.csv", "model.iotae", "stream.iotae"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes(), name


def test_says_what_was_found_and_how_it_did_on_the_test_rows(tmp_path, tuned, capsys):
    _, train, _ = tuned
    assert main(["tune", train, "--label", "attack", *QUICK, "-o", str(tmp_path)]) == 0
    said = capsys.readouterr()
    assert said.out.startswith("12 candidates, 168 rows, F1 from labels; the best of them:\nrank")
    assert "on the 72 test rows, which the search did not see:\nrows                      72" in said.out
    assert f"iotae: written to {tmp_path}: search.csv, model.iotae, stream.iotae, search.png" in said.err
    assert main(["tune", train, "--drop", "attack", *QUICK, "-o", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert said.startswith("12 candidates, 168 rows, F1 from swapped cells")
    assert "test rows" not in said


def test_one_candidate_needs_no_figure(tmp_path, tuned):
    one = ["--layers", "1", "--neurons", "4", "--learning-rate", "0.003", "--alpha", "0.1", "--folds", "2"]
    assert main(["tune", tuned[1], "--label", "attack", *one, "-o", str(tmp_path / "deep" / "out")]) == 0
    assert {path.name for path in (tmp_path / "deep" / "out").iterdir()} == FILES - {"search.png"}


def test_score_and_stream_take_the_models(tuned, tmp_path, capsys):
    folder, train, _ = tuned
    scored, streamed = str(tmp_path / "scored.csv"), str(tmp_path / "streamed.csv")
    assert main(["score", str(folder / "out" / "model.iotae"), train, "-o", scored]) == 0
    model = str(folder / "out" / "stream.iotae")
    assert main(["stream", train, "--label", "attack", "--model", model, "-o", streamed]) == 0
    for file in (scored, streamed):
        assert main(["evaluate", file, "--label", "attack"]) == 0
    assert "240 rows scored and learned" in capsys.readouterr().err
    met = serialization.restore(model, "OnlineAutoencoder", OnlineAutoencoder.from_state)
    best = TableDetector.load(folder / "out" / "model.iotae")
    assert met.n_seen == 168
    assert met.hidden_sizes == best.autoencoder.hidden_sizes
    assert best.alpha <= met.alpha < 0.3  # of all rows, a tenth of which is anomalous


def test_preprocessing_is_as_asked_for(tuned, tmp_path):
    _, train, _ = tuned
    assert main(["tune", train, "--label", "attack", *QUICK, "--paper", "-o", str(tmp_path)]) == 0
    best = TableDetector.load(tmp_path / "model.iotae")
    assert best.preprocessor.normalise == "minmax"
    assert best.autoencoder.scaling == "none"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--label", "attack", "--anomaly-share", "0.1"], "Got --anomaly-share with --label"),
        (["--label", "nothing"], "Got no column 'nothing' for --label"),
        (["--normal-value", "0"], "Got --normal-value without --label"),
        (["--label", "attack", "--folds", "1"], "Got n_splits=1"),
        (["--label", "attack", "--folds", "30"], "take fewer folds"),
        (["--label", "attack", "--layers", "2"], "Got layers=2, but expected an odd number"),
        (["--label", "attack", "--alpha", "0.1,2"], "Got alpha=2.0"),
    ],
)
def test_errors_are_one_line(tuned, tmp_path, capsys, options, message):
    assert main(["tune", tuned[1], *options, "-o", str(tmp_path / "out")]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("iotae: error: ")
    assert message in line


def test_a_file_is_no_folder(tuned, tmp_path, capsys):
    (tmp_path / "out").write_text("mine")
    assert main(["tune", tuned[1], "--label", "attack", "-o", str(tmp_path / "out")]) == 1
    assert "Got the file" in capsys.readouterr().err
    assert (tmp_path / "out").read_text() == "mine"


@pytest.mark.parametrize("value", ["x", "0.1,,"])
def test_values_that_are_no_numbers_are_wrong_usage(tuned, value):
    with pytest.raises(SystemExit) as caught:
        main(["tune", tuned[1], "--alpha", value])
    assert caught.value.code == 2
