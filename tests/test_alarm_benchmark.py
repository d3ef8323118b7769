"""The comparison of false-alarm rates: what is counted, the streams it is counted on, and its page."""

from functools import partial

import numpy as np
import pytest

from benchmarks import __main__, alarm_page, alarms, datasets, detectors, normal_streams, runner
from benchmarks.dataset import Dataset
from benchmarks.peers import Given, RiverQuantile, Spot
from iotae.thresholds import ConformalThreshold, QuantileThreshold

pytestmark = pytest.mark.untraced  # benchmarks are not measured

GIVEN = detectors.NORMAL["the score itself"]


@pytest.fixture
def small(monkeypatch, tmp_path):
    """Everything ten times and more smaller, the shared data absent, and an empty store."""
    monkeypatch.setenv("IOTAE_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(normal_streams, "GROUP_ROWS", 600)
    monkeypatch.setattr(alarms, "ADAPTED", 100)
    monkeypatch.setattr(alarms, "LEAST_ROWS", 200)
    monkeypatch.setattr(alarms, "ALPHAS", (0.1,))
    monkeypatch.setattr(alarm_page, "ALPHAS", (0.1,))
    monkeypatch.setattr(runner, "run", partial(runner.run, cache_folder=tmp_path / "cache", progress=False))
    return tmp_path


def test_a_row_is_judged_before_it_is_taken_in():
    class Last:
        cut = 0.0

        def classify(self, score):
            return score > self.cut

        def update(self, score):
            self.cut = score

    assert alarms.alarms_of(Last(), np.array([1.0, 1.0, 2.0, 0.0])).tolist() == [True, False, True, False]


def test_rows_until_adapted_counts_from_the_jump():
    calm, wild = np.zeros(1000, bool), np.ones(1000, bool)
    assert alarms.rows_until_adapted(calm, 0.1, 0) == 0
    assert alarms.rows_until_adapted(wild, 0.1, 0) is None
    late = np.append(wild[:200], calm)
    assert alarms.rows_until_adapted(late, 0.1, 0) == 180
    assert alarms.rows_until_adapted(late, 0.1, 150) == 30


def test_only_adapted_rows_of_long_groups_are_counted(small, monkeypatch):
    monkeypatch.setattr(
        alarms, "THRESHOLDS", {"conformal": ConformalThreshold, "quantile": QuantileThreshold}
    )
    rng = np.random.default_rng(0)
    data = Dataset(
        "shifted",
        rng.random((1100, 1)),
        np.zeros(1100, np.int8),
        ("f0",),
        ordered=True,
        group=np.repeat([3, 1, 2], [500, 100, 500]),
    )
    result = alarms.realised(data, GIVEN, 0, None)
    assert (result["n"], result["d"]) == (2 * (500 - 2 * 100), 1)
    assert set(result["results"]) == {"conformal 0.1", "quantile 0.1"}
    rates = result["results"]["conformal 0.1"]["rates"]
    assert len(rates) == 2 * alarms.BLOCKS
    assert 0.05 < np.mean(rates) < 0.15
    assert alarms.realised(data, GIVEN, 0, 300)["n"] == 2 * (300 - 2 * 100)
    with pytest.raises(ValueError, match="no group of at least 200 normal rows"):
        alarms.realised(data.take(data.group == 1), GIVEN, 0, None)


@pytest.mark.parametrize("name", datasets.MADE)
def test_drawn_streams_are_what_their_names_say(small, name):
    data = datasets.load("normal", name)
    assert not data.y.any()
    assert np.isfinite(data.X).all()
    first = data.X[data.group == 0][:, 0]
    assert len(first) == 600
    np.testing.assert_array_equal(data.X, datasets.load("normal", name).X)
    neighbours = np.corrcoef(first[:-1], first[1:])[0, 1]
    if name.endswith("exchangeable"):
        assert abs(neighbours) < 0.15
    if name.endswith(("autocorrelated", "simulator")):
        assert neighbours > 0.7
    if name.endswith("shifted"):
        assert first[300:].mean() - first[:300].mean() == pytest.approx(2 * first[:300].std(), rel=0.25)


def test_the_normal_part_of_a_set_has_no_anomaly(small):
    (small / "data" / "streams").mkdir(parents=True)
    y = np.arange(50) % 5 == 0
    np.savez(
        small / "data" / "streams" / "smd_1_6.npz",
        X=y[:, None].astype(np.float32),
        y=y.astype(np.int8),
        feature_names=np.array(["a"]),
        ordered=np.array(True),
    )
    assert datasets.names("normal") == (*datasets.MADE, "smd_1_6")
    data = datasets.load("normal", "smd_1_6")
    assert data.X.shape == (40, 1)
    assert not data.X.any()


def test_the_peers_thresholds_are_what_they_are_called(rng):
    scores = rng.exponential(size=4000)
    spot, river, fixed = Spot(0.01), RiverQuantile(0.01), alarms.Fixed(0.01)
    rates = {
        type(each).__name__: alarms.alarms_of(each, scores)[1000:].mean() for each in (spot, river, fixed)
    }
    assert 0.005 < rates["RiverQuantile"] < 0.02
    assert 0.005 < rates["Spot"] < 0.05
    assert rates["Fixed"] == 0.0
    assert spot.classify(100.0)
    assert Given().score_one({"a": 3.0}) == 3.0


def test_the_page_says_what_was_kept(small, capsys):
    sets = ["scores: exchangeable", "scores: shifted", "rows: exchangeable"]
    arguments = [
        "alarms",
        "--jobs",
        "1",
        "--sets",
        *sets,
        "--detectors",
        "the score itself",
        "HalfSpaceTrees",
    ]
    assert __main__.main([*arguments, "--output", str(small / "page.md")]) == 0
    page = (small / "page.md").read_text()
    for part in ("## Overview", "## Drawn scores", "## Scores of HalfSpaceTrees", "## Rows until adapted"):
        assert part in page
    overview = page.split("## Overview")[1].split("##")[0]
    cells = [cell.strip() for cell in overview.splitlines()[6].split("|")[1:-1]]
    assert cells[0] == "conformal"
    assert cells[1].endswith("of 2")
    assert cells[3] == "1 of 1"
    assert page.count("alpha = 0.1:") == 2
    assert len(list((small / "cache").rglob("*.json"))) == 3
