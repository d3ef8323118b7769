"""The paper's experiment: what a contestant may know, what is counted, and what the page says."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from benchmarks import __main__, contestants, paper, runner, simulated
from benchmarks.contestants import CONTESTANTS, SUPERVISION, windows
from benchmarks.detector import Detector, Task
from benchmarks.paper import PaperJob
from benchmarks.simulated import Experiment, Simulated
from iotae.data import Table
from iotae.simulator import ANOMALY_KINDS

pytestmark = pytest.mark.untraced  # benchmarks are not measured

OURS = ("iotae", "iotae, unlabelled")


@pytest.fixture
def small(monkeypatch):
    """Streams of 200 rows, and a search that tries little."""
    monkeypatch.setattr(simulated, "SIZES", {200: 0.2})
    monkeypatch.setattr(paper, "SIZES", {200: 0.2})
    grid = {"layers": (1,), "neurons": (4,), "learning_rate": (3e-3,), "alpha": (0.01, 0.1)}
    monkeypatch.setattr(contestants, "GRID", grid)
    monkeypatch.setattr("iotae.model_selection.GRID", grid)
    return simulated.experiment(200, 7)


def test_an_experiment_holds_no_label_of_a_test_row(small):
    held = small.experiment
    assert (held.train.size, held.test.size, held.labels.size) == (140, 60, 140)
    np.testing.assert_array_equal(held.labels, small.y[held.train])
    assert small.y.sum() == 40
    assert small.kind.shape == (60,)
    assert {"label", "kind"}.isdisjoint(held.table.names)
    again = simulated.experiment(200, 7).experiment
    np.testing.assert_array_equal(held.X, again.X)
    assert not np.isnan(held.X).any()


@pytest.mark.parametrize("name", list(CONTESTANTS))
def test_every_contestant_answers_for_each_test_row_and_repeats_itself(name, small, monkeypatch):
    if reason := CONTESTANTS[name].why_absent():
        pytest.skip(reason)
    sequence_nets = pytest.importorskip("benchmarks.sequence_nets", reason="the networks need torch")
    monkeypatch.setattr(sequence_nets, "fit_predict", partial(sequence_nets.fit_predict, updates=60))
    contestant = CONTESTANTS[name].make(Task(7, 140, 5))
    with np.errstate(all="ignore"):
        alarms = contestant(small.experiment)
    assert alarms.shape == (60,)
    assert alarms.dtype == bool
    assert small.judge(alarms)["tp"] >= 1
    if name != "AutoEncoder":  # whose six fits are slow: once is enough
        np.testing.assert_array_equal(alarms, contestant(small.experiment))
    assert CONTESTANTS[name].ours == (name in OURS)


def test_what_stands_in_other_test_rows_is_nothing_to_a_contestant_without_a_past(small):
    """Readings of one test row must not move the alarms of the others: nothing is learned from them."""
    held = small.experiment
    columns = {name: held.table.array(name).copy() for name in held.table.names}
    columns["temperature"][held.test[0]] = 1e6
    changed = Experiment(Table(columns), held.train, held.test, held.labels, held.seed)
    for name in ("iotae", "IForest", "random forest", "packet filter"):
        contestant = CONTESTANTS[name].make(Task(7, 140, 5))
        np.testing.assert_array_equal(contestant(held)[1:], contestant(changed)[1:])


def test_windows_hold_the_devices_own_past(small):
    held = small.experiment
    made = windows(held, 3)
    assert made.shape == (200, 3, held.X.shape[1])
    np.testing.assert_array_equal(made[:, -1], held.X)
    np.testing.assert_array_equal(made[50], held.X[[40, 45, 50]])  # five devices in turn
    np.testing.assert_array_equal(made[2], held.X[[2, 2, 2]])


def test_packet_filter_wants_every_cell_inside_what_normal_rows_held():
    cells = np.arange(8.0)
    columns = {name: cells.copy() for name in contestants.SENSORS}
    columns["humidity"][6] = np.nan
    columns["temperature"][7] = 2.0
    columns["network_latency"][7] = 2.5
    for name in contestants.SENSORS[1:4]:
        columns[name][7] = 3.0
    labels = np.array([False, False, False, False, True])
    held = Experiment(Table(columns), np.arange(5), np.array([5, 6, 7]), labels, 0)
    alarms = CONTESTANTS["packet filter"].make(Task(0, 5, 5))(held)
    assert alarms.tolist() == [True, True, False]


def test_judge_counts_by_hand():
    held = Experiment(Table({"a": [0.0] * 5}), np.array([0]), np.arange(1, 5), np.array([False]), 0)
    data = Simulated(held, np.array([0, 1, 1, 0, 0], bool), np.array(["spike", "drift", "", ""]))
    found = data.judge(np.array([True, False, True, False]))
    assert [found[name] for name in ("tp", "fp", "fn", "tn")] == [1, 1, 1, 1]
    assert found["kinds"] == {kind: [0, 0] for kind in ANOMALY_KINDS} | {"spike": [1, 1], "drift": [0, 1]}


def record(name, size="200", tp=9, fp=2, fn=1, tn=18):
    kinds = {kind: [1, 2] for kind in ANOMALY_KINDS} | {"drift": [0, 0]}
    counts = {"tp": tp, "fp": fp, "fn": fn, "tn": tn}
    return {"detector": name, "dataset": size, "seconds": 2.0, "kinds": kinds, **counts}


def test_tables_say_mean_interval_supervision_and_kinds():
    records = [record("iotae", tp=10, fn=0), record("iotae"), record("SVM"), record("SVM")]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in paper.figures(records).splitlines()]
    assert rows[2] == ["paper's autoencoder", "", "0.900", "0.818", "0.900", "0.857", ""]
    assert rows[3][:2] == ["**iotae**", "normal rows, threshold"]
    assert rows[3][4] == "0.950 ± 0.635"  # 0.05 * 12.706
    assert rows[4][:3] == ["SVM", "all", "0.900 ± 0.000"]
    assert "recall ahead (1 of 2 streams)" in paper.verdict(records)
    assert "accuracy not ahead (0 of 1 streams)" in paper.verdict([record("iotae")])
    assert paper.verdict(records[2:]) == ""
    kinds = paper.by_kind(records).splitlines()
    assert [cell.strip() for cell in kinds[0].split("|")[2:-1]] == list(ANOMALY_KINDS)
    assert kinds[2].count("0.500") == 5
    assert kinds[2].count(" - ") == 1


def test_every_contestant_says_what_labels_it_gets():
    assert set(SUPERVISION) == set(CONTESTANTS)
    assert SUPERVISION["iotae, unlabelled"] == "none"
    assert {SUPERVISION[name] for name in ("AutoEncoder", "IForest", "iotae")} == {"normal rows, threshold"}


def test_page_is_made_resumed_and_written(small, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(runner, "CACHE", tmp_path / "cache")
    monkeypatch.setattr(runner.run, "__kwdefaults__", runner.run.__kwdefaults__ | {"cache_folder": tmp_path})
    arguments = ["paper", "--streams", "2", "--jobs", "1", "--detectors", "packet filter", "decision tree"]
    assert __main__.main([*arguments, "--output", str(tmp_path / "page.md")]) == 0
    page = (tmp_path / "page.md").read_text()
    assert "## 200 rows\n" in page
    assert "### 200 rows: share found of each kind" in page
    assert "2 streams from seed 1000 on" in page
    assert len(list((tmp_path / "paper").glob("*.json"))) == 4
    monkeypatch.setitem(CONTESTANTS, "packet filter", _broken(CONTESTANTS["packet filter"]))
    assert __main__.main(arguments) == 0  # from what is stored
    assert "no fit today" not in capsys.readouterr().out


def test_a_contestant_that_fails_is_named(small, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(runner.run, "__kwdefaults__", runner.run.__kwdefaults__ | {"cache_folder": tmp_path})
    monkeypatch.setitem(CONTESTANTS, "SVM", _broken(CONTESTANTS["SVM"]))
    assert __main__.main(["paper", "--streams", "2", "--jobs", "1", "--detectors", "SVM", "kNN"]) == 0
    said = capsys.readouterr().out
    assert "- SVM: RuntimeError: no fit today (2 streams, left out)" in said
    assert "| SVM " not in said


def _broken(entry):
    def make(task):
        def fail(experiment):
            raise RuntimeError("no fit today")

        return fail

    return Detector(entry.name, make, entry.packages, entry.recipe)


def test_key_changes_with_stream_size_and_the_packages_that_make_the_data(monkeypatch):
    jobs = [PaperJob("paper", size, "SVM", seed) for size in ("100", "10000") for seed in (1000, 1001)]
    keys = {job.key() for job in jobs}
    assert len(keys) == 4
    monkeypatch.setattr(paper, "_hash_of", lambda *packages: "another")
    assert keys.isdisjoint(job.key() for job in jobs)
