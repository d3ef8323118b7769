"""The comparison program: protocols on a tiny set, resuming, the tables, and what is said of absent data."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from river import preprocessing

from benchmarks import (
    __main__,
    command_speed,
    datasets,
    detector,
    detectors,
    isolated,
    isolated_worker,
    linearity,
    nslkdd,
    protocols,
    render,
    runner,
    scoring,
    shuttle,
    timing,
    wide,
)
from benchmarks.dataset import Dataset
from benchmarks.detector import Detector, Task
from iotae import BatchAutoencoder

pytestmark = pytest.mark.untraced  # benchmarks are not measured


class Distance:
    """Distance from the mean, in both hosts' manners: enough of a detector to know every answer by hand."""

    def __init__(self) -> None:
        self.mean, self.n = 0.0, 0
        self.order: list[str] = []

    def fit(self, X):
        self.centre = X.mean(axis=0)
        self.decision_scores_ = self.decision_function(X)
        return self

    def decision_function(self, X):
        return np.linalg.norm(X - self.centre, axis=1)

    def score_one(self, x):
        self.order.append("score")
        return abs(next(iter(x.values())) - self.mean)

    def learn_one(self, x):
        self.order.append("learn")
        self.n += 1
        self.mean += (next(iter(x.values())) - self.mean) / self.n


class Broken(Distance):
    def fit(self, X):
        raise RuntimeError("no fit today\nand a second line")


def entry(name="Distance", make=Distance, made=None):
    def factory(task):
        model = make()
        if made is not None:
            made.append((task, model))
        return model

    return Detector(name, factory, ("numpy",), "recipe 1")


def test_the_flops_of_a_row_are_those_of_its_products():
    X = np.random.default_rng(0).normal(size=(600, 4)).astype(np.float32)
    model = BatchAutoencoder(hidden_sizes=(6, 2, 6), seed=0, clean=True).fit(X)
    assert scoring.flops(model) == {
        "autoencoder": 2 * (4 * 6 + 6 * 2 + 2 * 6 + 6 * 4),
        "whitening": 2 * 6 * 6 + 2 * 4 * 4,
        "distances": 2 * 4 * 600 + 4 * 3 * 4,
        "cells": 8 * 64 * 4,
    }


def test_the_cost_of_scoring_is_measured_in_rounds(capsys):
    assert __main__.main(["scoring", "--quick"]) == 0
    lines = [line.split("|")[1:-1] for line in capsys.readouterr().out.splitlines() if line[:1] == "|"]
    speeds, costs = lines[2], lines[5]
    ours, forest, knn = (float(cell.replace(",", "")) for cell in speeds[1:4])
    assert min(ours, forest, knn) > 0
    assert float(speeds[4].split("(")[0]) == pytest.approx(ours / forest, abs=0.01)
    assert sum(int(cell.replace(",", "")) for cell in costs[1:5]) == int(costs[5].replace(",", ""))


def test_threads_are_timed_for_each_kind_of_work(capsys):
    assert __main__.main(["threads", "--quick"]) == 0
    table = [line.split("|")[1:-1] for line in capsys.readouterr().out.splitlines() if line[:1] == "|"]
    assert [row[0].strip() for row in table[2:]] == ["rows", "frame", "table"]
    assert all(float(row[4]) > 0.0 for row in table[2:])


def test_the_commands_time_and_memory_are_measured_for_each_width(capsys):
    assert __main__.main(["wide", "--quick"]) == 0
    table = [line.split("|")[1:-1] for line in capsys.readouterr().out.splitlines() if line[:1] == "|"]
    assert [[cell.strip() for cell in row[:2]] for row in table[2:]] == [["7", "2,000"], ["300", "200"]]
    for row in table[2:]:
        for place in (4, 6, 9):
            assert 50 < float(row[place].replace(",", "")) < 2000
    with pytest.raises(RuntimeError, match="iotae score failed: iotae: error: No such file"):
        wide.run("score", "none.iotae", "none.csv")


def test_what_a_checkpoint_costs_is_measured_and_a_kill_changes_nothing(capsys):
    assert __main__.main(["checkpoint", "--quick"]) == 0
    said = capsys.readouterr().out
    assert "nobody interrupted: yes" in said
    table = [line.split("|")[1:-1] for line in said.splitlines() if line[:1] == "|"]
    assert [row[0].strip() for row in table[2:]] == ["none", "every 1,000 rows", "every 10,000 rows"]
    assert all(float(row[1]) > 0 for row in table[2:])


@pytest.mark.skipif(
    shutil.which("mosquitto", path="/usr/sbin:" + os.environ.get("PATH", "")) is None,
    reason="needs mosquitto: apt-get install mosquitto",
)
def test_messages_of_a_broker_are_counted_against_those_sent(capsys):
    pytest.importorskip("paho.mqtt.client", reason="messages need the extra mqtt")
    assert __main__.main(["mqtt", "--quick"]) == 0
    table = [line.split("|")[1:-1] for line in capsys.readouterr().out.splitlines() if line[:1] == "|"]
    assert [cell.strip() for cell in table[2][:3]] == ["2,000", "0", "0"]


def test_licences_of_all_dependencies_are_listed(capsys):
    assert __main__.main(["licences"]) == 0
    lines = [
        [cell.strip() for cell in line.split("|")[1:-1]] for line in capsys.readouterr().out.splitlines()
    ]
    found = {name: (version, licence) for name, version, licence in lines[2:]}
    assert found["numpy"][0] == np.__version__
    assert "BSD" in found["numpy"][1]
    assert {"safetensors", "narwhals", "llvmlite"} <= found.keys()
    assert "iotae" not in found
    assert all(all(cells) for cells in found.values())


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 3))
    y = (np.arange(400) % 20 == 7).astype(np.int8)
    X[y == 1] += 6
    return Dataset("tiny", X, y, ("a", "b", "c"), ordered=False)


@pytest.fixture
def folder(tmp_path, monkeypatch, table):
    """A data folder with one table, one stream and nothing else."""
    monkeypatch.setenv("IOTAE_DATA", str(tmp_path))
    for kind in ("tabular", "streams"):
        (tmp_path / kind).mkdir()
        np.savez(
            tmp_path / kind / "tiny.npz",
            X=table.X.astype(np.float32),
            y=table.y,
            feature_names=np.array(table.feature_names),
            ordered=np.array(False),
        )
    return tmp_path


@pytest.fixture
def registry(monkeypatch):
    """The table detectors cut down to two that need no host."""
    made = {"Distance": entry(), "Broken": entry("Broken", Broken)}
    monkeypatch.setattr(detectors, "TABLES", made)
    return made


def test_unlabelled_scores_the_rows_it_was_fitted_on(table):
    result = protocols.table_unlabelled(table, entry(), seed=0, max_rows=None)
    assert (result["auc"], result["ap"]) == (1.0, 1.0)
    assert (result["n"], result["d"]) == (400, 3)


def test_subsample_is_seeded_and_keeps_the_order_of_the_rows(table):
    first, again = (protocols.subsample(table, 50, np.random.default_rng(3)) for _ in range(2))
    np.testing.assert_array_equal(first.X, again.X)
    positions = [int(np.flatnonzero((row == table.X).all(axis=1))[0]) for row in first.X]
    assert positions == sorted(positions)
    assert len(set(positions)) == 50
    assert protocols.subsample(table, 0, np.random.default_rng(3)) is table


def test_clean_training_sees_half_of_the_normal_rows_and_no_anomaly(table):
    made = []
    result = protocols.table_clean(table, entry(made=made), seed=0, max_rows=None)
    ((task, model),) = made
    assert task == Task(0, 190, 3)
    assert len(model.decision_scores_) == 190
    assert (result["n"], result["anomalies"]) == (210, pytest.approx(20 / 210))
    assert model.decision_scores_.max() < 6
    assert result["auc"] == 1.0


def test_stream_scores_before_it_learns_with_a_fresh_model_for_each_group(table):
    made = []
    grouped = Dataset("g", table.X, table.y, table.feature_names, True, np.repeat([4, 2], 200))
    protocols.stream(grouped, entry(made=made), seed=0, max_rows=None)
    assert [task.n_rows for task, _ in made] == [200, 200]
    for _, model in made:
        assert model.order == ["score", "learn"] * 200
    assert made[0][1].mean == pytest.approx(table.X[:200, 0].mean())


def test_stream_without_order_is_shuffled_by_the_seed(table):
    means = []
    for seed in (0, 0, 1):
        made = []
        protocols.stream(table, entry(made=made), seed=seed, max_rows=100)
        means.append(made[0][1].mean)
    assert means[0] == means[1] != means[2]
    assert means[0] != pytest.approx(table.X[:100, 0].mean())


def test_warm_up_rows_are_learned_but_left_out_of_the_second_figures(table):
    X = np.zeros((100, 3))
    y = np.zeros(100, dtype=np.int8)
    X[5], X[50] = -9, 9  # the first anomaly lies in the first tenth
    y[[5, 50]] = 1
    X[2] = 50  # a normal row with the highest score of all, in the warm-up too
    result = protocols.stream(Dataset("w", X, y, table.feature_names, True), entry(), 0, None)
    assert result["ap"] < 1
    assert result["ap_warm"] == 1
    marked = Dataset("w", X, y, table.feature_names, True, is_test=(np.arange(100) >= 2).astype(np.int8))
    assert protocols.stream(marked, entry(), 0, None)["ap_warm"] < 1


@pytest.mark.parametrize(
    ("scores", "y", "message"),
    [
        ([0.0, np.nan], [0, 1], "Got 1 scores that are not finite"),
        ([0.0, 1.0], [0, 0], "labels of one class"),
    ],
)
def test_ranking_refuses_what_has_no_answer(scores, y, message):
    with pytest.raises(ValueError, match=message):
        protocols.ranking(np.array(y), np.array(scores))


def test_run_resumes_from_what_is_stored(folder, registry, tmp_path):
    jobs, absent = runner.plan("table_unlabelled", ["tiny"], [registry["Distance"]], 0, None)
    assert absent == []
    store = tmp_path / "cache"
    (first,) = runner.run(jobs, cache_folder=store, progress=False)
    (path,) = store.rglob("*.json")
    path.write_text(json.dumps(first | {"auc": 0.125}))
    (second,) = runner.run(jobs, cache_folder=store, progress=False)
    assert second["auc"] == 0.125
    (fresh,) = runner.run(jobs, cache_folder=store, progress=False, fresh=True)
    assert fresh["auc"] == first["auc"] == 1.0


def test_key_changes_with_seed_rows_recipe_data_and_our_source(folder, registry, monkeypatch):
    keys = {
        runner.Job("table_unlabelled", "tiny", "Distance", seed, rows).key()
        for seed in (0, 1)
        for rows in (0, 9)
    }
    job = runner.Job("table_unlabelled", "tiny", "Distance")
    keys.add(job.key())
    registry["Distance"] = Detector("Distance", Distance, ("numpy",), "recipe 2")
    keys.add(job.key())
    registry["Distance"] = Detector("Distance", Distance, ("numpy",), "recipe 2", ours=True)
    keys.add(job.key())
    monkeypatch.setattr(detector, "source_hash", lambda: "another")
    keys.add(job.key())
    (folder / "tabular" / "tiny.npz").write_bytes(b"other")
    runner._file_hash.cache_clear()
    runner._data_hash.cache_clear()
    keys.add(job.key())
    runner._file_hash.cache_clear()
    runner._data_hash.cache_clear()
    assert len(keys) == 9


def test_failure_is_shown_counted_as_chance_and_not_stored(folder, registry, tmp_path):
    jobs, _ = runner.plan("table_unlabelled", ["tiny"], registry.values(), 0, None)
    records = runner.run(jobs, cache_folder=tmp_path / "cache", progress=False)
    assert len(list((tmp_path / "cache").rglob("*.json"))) == 1
    assert render.failures(records) == [
        "Broken failed on tiny, counted as a random score: RuntimeError: no fit today"
    ]
    summary = render.summary(records, {"auc": "ROC AUC", "ap": "AP"}, "fit_s", "fit, s").splitlines()
    assert [cell.strip() for cell in summary[3].split("|")[1:-1]] == [
        "Broken",
        "0.500",
        "2.0",
        "0.050",
        "2.0",
        "-",
    ]
    assert "failed" in render.per_set(records, "auc")


def test_summary_ranks_ours_and_the_best_peer_of_each_set():
    auc = {"iotae": (0.9, 0.6), "A": (0.8, 0.5), "B": (0.7, 0.8)}
    records = [
        {
            "dataset": f"s{j}",
            "detector": name,
            "auc": values[j],
            "fit_s": 1.0,
            "anomalies": 0.1,
            "n": 10,
            "d": 2,
        }
        for name, values in auc.items()
        for j in range(2)
    ]
    lines = render.summary(records, {"auc": "ROC AUC"}, "fit_s", "fit, s").splitlines()
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines[2:]]
    assert rows[0] == ["**iotae**", "0.750", "1.5", "1"]
    assert rows[1] == ["B", "0.750", "2.0", "1"]
    assert rows[-1] == ["best peer of each set, picked afterwards", "0.800", "-", "-"]
    assert "| **0.900** |" in render.per_set(records, "auc")


def test_document_says_how_it_was_made():
    page = render.document("T", ["tables", "--sets", "a b"], ["body"], ["x: absent"])
    assert "python -m benchmarks tables --sets 'a b'" in page
    for part in ("# T", "body", "- x: absent", "- machine: ", "cores", "- versions: numpy ", "- date: 20"):
        assert part in page


def test_absent_data_gives_the_place_and_the_remedy(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("IOTAE_DATA", str(tmp_path))
    with pytest.raises(
        datasets.DatasetAbsentError, match=r"6_cardio: not found at .*tabular.*set IOTAE_DATA"
    ):
        datasets.load("table", "6_cardio")
    assert __main__.main(["tables", "--sets", "6_cardio"]) == 2
    assert "nothing to run here:\n6_cardio: not found" in capsys.readouterr().err
    assert __main__.main(["nslkdd"]) == 2
    assert "NSL_KDDTrain+.csv.gz: not found" in capsys.readouterr().err


def test_bundled_sets_stand_in_where_the_shared_data_is_absent(tmp_path, monkeypatch):
    monkeypatch.setenv("IOTAE_DATA", str(tmp_path))
    assert datasets.names("stream") == datasets.BUNDLED == datasets.names("table")
    simulated = datasets.load("stream", "simulator")
    assert simulated.X.shape == (20_000, 5)
    assert np.isfinite(simulated.X).all()
    assert simulated.y.sum() == 1_000
    shuttle_set = datasets.load("table", "river_shuttle")
    assert shuttle_set.X.shape == (49_097, 9)
    assert shuttle_set.y.sum() == 3_511


def test_missing_package_is_a_note_not_a_failure(folder):
    absent = Detector("Peer", Distance, ("no-such-package",), "")
    jobs, notes = runner.plan("table_unlabelled", ["tiny"], [absent], 0, None)
    assert jobs == []
    assert notes == ["Peer: the package no-such-package is not installed (pip install no-such-package)"]


def test_command_prints_a_page_and_writes_it_where_asked(folder, registry, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(runner, "CACHE", tmp_path / "cache")
    monkeypatch.setattr(__main__, "DOCS", tmp_path / "docs")
    arguments = ["tables", "--sets", "tiny", "--detectors", "Distance", "--jobs", "1"]
    assert __main__.main(arguments) == 0
    assert "## Clean training rows" in capsys.readouterr().out
    assert not (tmp_path / "docs").exists()
    assert __main__.main([*arguments, "--output", str(tmp_path / "page.md")]) == 0
    assert (tmp_path / "page.md").read_text() == capsys.readouterr().out.rstrip("\n") + "\n"


@pytest.mark.parametrize("name", ["iotae", "HalfSpaceTrees", "OneClassSVM", "LODA", "TorchAE", "KitNET"])
def test_stream_detectors_run(name, table):
    peer = detectors.STREAMS[name]
    if reason := peer.why_absent():
        pytest.skip(reason)
    result = protocols.stream(table, peer, seed=0, max_rows=None)
    assert 0 <= result["auc"] <= 1
    assert result["us_per_row"] > 0


@pytest.mark.parametrize("name", ["iotae", "IForest", "KNN", "PCA", "AutoEncoder"])
def test_table_detectors_find_shifted_rows(name, table):
    result = protocols.table_unlabelled(table, detectors.TABLES[name], seed=0, max_rows=None)
    assert result["auc"] > 0.5


@pytest.mark.parametrize("name", detectors.TABLES)
def test_every_table_entry_can_be_made_and_is_silent(name, capfd):
    if reason := detectors.TABLES[name].why_absent():
        pytest.skip(reason)
    model = detectors.TABLES[name].make(Task(3, 100, 4))
    assert getattr(model, "random_state", 3) == 3
    assert not getattr(model, "verbose", 0)
    assert capfd.readouterr() == ("", "")


def test_speed_protocols_measure_every_detector_in_turn():
    chosen = [detectors.STREAMS[name] for name in ("HalfSpaceTrees", "OneClassSVM")]
    reference, other = timing.stream_speed(chosen, 4, n_blocks=4, block_rows=20)
    assert reference["ratio"] == 1.0
    assert other["us"] * other["ratio"] == pytest.approx(reference["us"], rel=0.9)
    assert min(other["p999_us"], other["first_ms"]) > 0
    (row,) = timing.table_speed([detectors.TABLES["PCA"]], 600, 3, repeats=1, score_rows=100)
    assert (row["n"], row["d"]) == (600, 3)
    assert row["fit_s"] > 0


def test_a_model_with_one_call_for_both_is_timed_with_it_too(monkeypatch):
    monkeypatch.setattr(timing, "first_row_ms", lambda *_: 1.0)

    class Fused(Distance):
        def score_learn_one(self, x):
            self.order.append("both")
            return 0.0, False

    made = []
    rows = timing.stream_speed(
        [entry("HalfSpaceTrees", make=Fused, made=made), entry()], 3, n_blocks=3, block_rows=4
    )
    assert [row["detector"] for row in rows] == [
        "HalfSpaceTrees",
        "Distance",
        "HalfSpaceTrees, score_learn_one",
    ]
    assert made[0][1].order == ["score", "learn"] * 12
    assert made[1][1].order == ["both"] * 12


def test_the_command_is_timed_from_file_to_file(tmp_path, monkeypatch):
    command_speed.write_rows(tmp_path / "rows.csv", 25, seed=0)
    header, *rows = (tmp_path / "rows.csv").read_text().splitlines()
    assert header == "s0,s1,s2,s3,s4,s5,s6"
    assert len(rows) == 25
    monkeypatch.setattr(command_speed, "WARM_UP_ROWS", 10)
    monkeypatch.setenv("NUMBA_DISABLE_JIT", "1")
    assert 0 < command_speed.stream_rows_per_s(30, repeats=1) < 1e6
    with pytest.raises(RuntimeError, match="iotae stream failed: "):
        command_speed._run(tmp_path / "absent.csv", tmp_path / "scored.csv")


def test_nslkdd_runs_the_command_on_files_as_people_have_them(tmp_path, monkeypatch):
    monkeypatch.setenv("IOTAE_DATA", str(tmp_path))
    monkeypatch.setattr(nslkdd, "FOLDER", tmp_path / "out")
    monkeypatch.setattr(nslkdd, "SEEDS", 2)
    (tmp_path / "raw").mkdir()
    rng = np.random.default_rng(0)
    for name, attacks in ((nslkdd.TRAIN, ["normal", "neptune"]), (nslkdd.TEST, ["normal", "mscan"])):
        attack = np.repeat(attacks, [300, 60])
        odd = attack != "normal"
        with gzip.open(tmp_path / "raw" / name, "wt") as file:
            file.write("duration,protocol_type,src_bytes,attack,difficulty\n")
            for label, shift, a, b in zip(attack, odd * 9, *rng.normal(size=(2, 360)), strict=True):
                file.write(f"{a + shift},{'udp' if shift else 'tcp'},{b - shift},{label},{20 - shift}\n")
    lines = nslkdd.compare().splitlines()
    ours = next(line for line in lines if line.startswith("| **iotae**"))
    _, accuracy, auc, ap = (cell.strip() for cell in ours.split("|")[2:6])
    assert (auc, ap) == ("1.000 (1.000)", "1.000 (1.000)")
    assert float(accuracy.split()[0]) > 0.8
    said = {line.rpartition(" ")[0].strip(): line.rpartition(" ")[2] for line in lines}
    assert float(said["ROC AUC"]) == 1.0
    assert str(tmp_path) not in "\n".join(lines)


def test_shuttle_puts_both_hosts_in_one_table():
    lines = shuttle.compare(max_rows=600).splitlines()
    cells = [
        [cell.strip() for cell in line.replace("\\|", "/").split("|")[1:-1]]
        for line in lines
        if line[:1] == "|"
    ]
    assert [row[1] for row in cells[2:]] == ["PyOD", "PyOD", "PyOD", "River", "River"]
    assert all(0 <= float(row[2]) <= 1 for row in cells[2:])


def test_growth_is_measured_drawn_and_told(tmp_path, monkeypatch):
    path = str(tmp_path / "rows.parquet")
    linearity._write(path, 700, seed=0)
    for step in linearity.STEPS:
        seconds, memory = linearity._measure(step, 700, 0, path)
        assert 0 < seconds < 60
        assert memory > 30
    found = {step: [(0.5, 100.0), (5.0, 200.0)] for step in linearity.STEPS}
    monkeypatch.setattr(linearity, "growth", lambda sizes, seed: found)
    sections, _ = linearity.compare([1000, 10_000], 0, tmp_path / "page.md")
    assert "| 10,000 |" in sections[1]
    assert "](page.svg)" in sections[2]
    assert (tmp_path / "page.svg").read_text().count("<svg") == 1
    assert timing.network_speed(3, n_rows=600) > 0


@pytest.fixture
def other_environment(tmp_path, monkeypatch):
    """A peers' environment that is this one, with nothing installed but what a test names."""
    monkeypatch.setattr(isolated, "ENVIRONMENT", tmp_path / "environment")
    monkeypatch.setattr(isolated, "_python", lambda: Path(sys.executable))
    isolated._installed.cache_clear()
    yield tmp_path / "environment" / "lib" / "site-packages"
    isolated._installed.cache_clear()


def test_a_peer_of_another_environment_says_why_it_is_absent(other_environment, monkeypatch):
    peer = detectors.STREAMS["MOA HalfSpaceTrees"]
    assert peer.why_absent() == (
        "MOA HalfSpaceTrees: the package capymoa is not in the peers' environment "
        "(python -m benchmarks peers-env)"
    )
    for name in ("capymoa-0.15.1", "numpy-2.4.6"):
        (other_environment / f"{name}.dist-info").mkdir(parents=True)
    isolated._installed.cache_clear()
    monkeypatch.setattr(isolated.shutil, "which", lambda name: None)
    assert "no Java runtime is installed, which capymoa needs" in peer.why_absent()
    monkeypatch.setattr(isolated.shutil, "which", lambda name: "/bin/java")
    assert peer.why_absent() is None
    assert peer.versions()["capymoa"] == "0.15.1"


def test_a_peer_of_another_environment_scores_a_whole_stream(other_environment, tmp_path, monkeypatch, table):
    worker = tmp_path / "worker.py"
    worker.write_text(
        "import sys, numpy as np\n"
        "name, seed, folder = sys.argv[1:]\n"
        "if name == 'broken': sys.exit('no model today')\n"
        "np.save(folder + '/scores.npy', abs(np.load(folder + '/rows.npy')).sum(1) + int(seed))\n"
        "open(folder + '/seconds.txt', 'w').write('0.5')\n"
    )
    monkeypatch.setattr(isolated, "WORKER", worker)
    entry = Detector("peer", lambda task: isolated.Isolated("peer", task.seed), ("numpy",), "")
    found = protocols.stream(table, entry, seed=3, max_rows=None)
    assert found["auc"] > 0.9
    assert found["us_per_row"] == pytest.approx(0.5 / 400 * 1e6)
    with pytest.raises(RuntimeError, match="no model today"):
        isolated.Isolated("broken", 0).score_stream(table.X)


def test_the_workers_scalers_are_rivers():
    X = np.random.default_rng(0).normal(size=(50, 2)) * [1.0, 100.0]
    for ours, theirs in (
        (isolated_worker.Bounds(2), preprocessing.MinMaxScaler()),
        (isolated_worker.Moments(2), preprocessing.StandardScaler()),
    ):
        assert ours.scale(X[0]).tolist() == [0, 0]
        for row in X:
            x = dict(enumerate(row.tolist()))
            ours.learn(row)
            theirs.learn_one(x)
            np.testing.assert_allclose(ours.scale(row), [*theirs.transform_one(x).values()], atol=1e-12)


def test_the_worker_scores_before_it_learns(monkeypatch):
    seen = []
    peer = isolated_worker._scaled(isolated_worker.Bounds(1), (lambda x: x[0], lambda x: seen.append(x[0])))
    monkeypatch.setitem(isolated_worker.PEERS, "plain", lambda d, seed: peer)
    scores, seconds = isolated_worker.run("plain", 0, np.array([[0.0], [2.0], [4.0], [3.0]]))
    assert scores.tolist() == [0, 0, 2, 0.75]
    assert seen == [0, 1, 1, 0.75]
    assert seconds > 0
    assert isolated_worker.PEERS.keys() - {"plain"} == isolated.PEERS.keys()


def test_the_peers_environment_names_each_requirement_that_does_not_install(other_environment, monkeypatch):
    monkeypatch.setattr(isolated, "_requirements", lambda: ["good", "bad"])

    def run(command, **_):
        failed = command[-1] == "bad"
        return subprocess.CompletedProcess(
            command, int(failed), "", "ERROR: no such version\n" if failed else ""
        )

    monkeypatch.setattr(isolated.subprocess, "run", run)
    assert isolated.build() == "good: installed\nbad: ERROR: no such version"
