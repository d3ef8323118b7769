"""The benchmark of sensor faults: what the streams hold, what the anchor computes, what is counted."""

from functools import partial

import numpy as np
import pytest

from benchmarks import __main__, ablation, detectors, fault_page, faults, faulty_sensors, runner
from benchmarks.anchor import Anchor
from benchmarks.detector import Detector
from benchmarks.faulty_sensors import FaultyStream

pytestmark = pytest.mark.untraced  # benchmarks are not measured

SMALL = 4_800


def broken_cells(world, kind, d=6, seed=3):
    """The stream, its healthy rows, and which cells differ."""
    stream = faulty_sensors.faulty(world, kind, d, seed, SMALL)
    usual, _, deviation = faulty_sensors.healthy(world, d, seed, SMALL)
    return stream, usual, deviation


@pytest.mark.parametrize("kind", faulty_sensors.KINDS)
def test_only_the_broken_sensor_differs_and_only_in_the_faults(kind):
    stream, usual, _ = broken_cells("non-linear, autocorrelated", kind)
    rows = np.flatnonzero(stream.y)
    assert rows[0] > SMALL * 7 // 12
    assert rows.size
    assert rows.size <= 0.05 * SMALL
    np.testing.assert_array_equal(stream.X[stream.y == 0], usual[stream.y == 0])
    changed = usual != stream.X
    if kind == "hour":
        assert (stream.sensor == -1).all()
        np.testing.assert_array_equal(stream.X[rows], usual[rows - 720])
        return
    others = changed.copy()
    others[rows, stream.sensor[rows]] = False
    assert not others.any()
    assert changed[rows, stream.sensor[rows]].mean() > 0.9
    lengths = np.bincount(stream.fault[rows])
    assert set(lengths) == {1 if kind == "spike" else 60}
    assert np.diff(rows[np.flatnonzero(np.diff(stream.fault[rows])) + 1]).min(initial=99) > lengths[0]


def test_faults_are_what_they_are_called():
    world = "linear, white"
    for kind, size in (("spike", 6.0), ("offset", 1.5)):
        stream, usual, deviation = broken_cells(world, kind)
        rows = np.flatnonzero(stream.y)
        j = stream.sensor[rows]
        np.testing.assert_allclose(abs(stream.X[rows, j] - usual[rows, j]) / deviation[j], size, rtol=1e-9)
    for kind in ("stuck", "drop"):
        stream, _, _ = broken_cells(world, kind)
        for fault in range(stream.fault.max() + 1):
            rows = np.flatnonzero(stream.fault == fault)
            assert len(np.unique(stream.X[rows, stream.sensor[rows[0]]])) == 1
    stream, usual, deviation = broken_cells(world, "drift")
    last = np.flatnonzero(stream.fault == 0)[-1]
    j = stream.sensor[last]
    assert abs(stream.X[last, j] - usual[last, j]) / deviation[j] == pytest.approx(3.0)


@pytest.mark.parametrize("world", faulty_sensors.WORLDS)
def test_a_world_is_what_its_name_says(world):
    X, offset, deviation = faulty_sensors.healthy(world, 40, 0, SMALL)
    Z = (X - offset) / deviation
    np.testing.assert_allclose(Z.std(axis=0), 1.0)
    assert deviation.min() < 1.0 < 100.0 < deviation.max()
    values = np.linalg.eigvalsh(np.cov(Z.T))[::-1]
    # linear sensors lie near a space of three dimensions
    assert (values[:3].sum() > 0.85 * values.sum()) == world.startswith("linear")
    rng = np.random.default_rng(0)
    steps = np.diff(Z, axis=0).std() / np.diff(rng.permutation(Z), axis=0).std()
    assert (steps < 0.7) == world.endswith("autocorrelated")
    # the daily rhythm: rows a day apart are alike
    assert abs(Z[:1440].mean(axis=0)).mean() < 0.7
    assert np.corrcoef(Z[: SMALL - 1440].ravel(), Z[1440:].ravel())[0, 1] > 0.1


def test_a_stream_follows_from_its_name_and_its_seed_alone():
    make = partial(faulty_sensors.faulty, "linear, white", "noise", 5, n=SMALL)
    np.random.seed(1)  # noqa: NPY002 - the global generator must not matter
    first = make(0)
    np.testing.assert_array_equal(first.X, make(0).X)
    assert (first.X != make(1).X).all()
    other = faulty_sensors.faulty("linear, white", "drift", 5, 0, SMALL)
    np.testing.assert_array_equal(first.X[: SMALL // 2], other.X[: SMALL // 2])


def test_rows_are_a_minute_apart_and_carry_the_time_where_asked():
    stream = faulty_sensors.faulty("linear, white", "spike", 2, 0, SMALL)
    first, second = (x for x, _ in zip(stream.rows(), range(2), strict=False))
    assert (second["time"] - first["time"]).total_seconds() == 60
    assert [*first] == ["time", "s0", "s1"]
    assert [*next(stream.rows(time=False)).values()] == stream.X[0].tolist()


@pytest.mark.parametrize(
    ("world", "kind", "n", "message"),
    [
        ("flat", "spike", SMALL, "Got the world 'flat', but expected one of"),
        ("linear, white", "fire", SMALL, "Got the kind 'fire', but expected one of"),
        ("linear, white", "spike", 1_000, "Got n=1000, but expected a day's rows at least: 1440"),
    ],
)
def test_what_cannot_be_made_is_refused(world, kind, n, message):
    with pytest.raises(ValueError, match=message):
        faulty_sensors.faulty(world, kind, 3, 0, n)


@pytest.mark.parametrize("kind", faulty_sensors.KINDS)
def test_the_shortest_stream_has_a_fault(kind):
    assert faulty_sensors.faulty("linear, white", kind, 2, 0, 1_440).y.sum() == (7 if kind == "spike" else 60)


def test_the_anchors_squares_are_those_of_a_regression_on_all_else():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(2_000, 2)) @ rng.normal(size=(2, 4)) + 0.5 * rng.normal(size=(2_000, 4))
    anchor = Anchor()
    for row in X:
        anchor.learn_one(dict(enumerate(row.tolist())))
    squares = np.array([*dict(sorted(anchor.explain_one(dict(enumerate(X[-1]))).items())).values()])
    Z = (X - anchor._centre) / anchor._deviation
    U = np.concatenate([Z[1:], Z[:-1]], axis=1)
    u = np.concatenate([Z[-1], Z[-1]])
    for j in range(4):
        others = np.delete(np.arange(8), j)
        weights, *_ = np.linalg.lstsq(U[:, others], U[:, j], rcond=None)
        variance = np.mean((U[:, j] - U[:, others] @ weights) ** 2)
        assert squares[j] == pytest.approx((u[j] - u[others] @ weights) ** 2 / variance, rel=0.2, abs=0.02)


def test_the_anchor_finds_and_names_a_broken_sensor():
    stream = faulty_sensors.faulty("linear, white", "offset", 6, 0, SMALL)
    for recent, least in ((False, 0.8), (True, 0.9)):
        said = faults.prequential(stream, Anchor(recent), time=False)
        found = faults.figures(stream, said)
        assert found["auc"] > least
        assert found["top3"] > 0.8
        assert found["false"] < 0.03
    model = Anchor()
    x = next(stream.rows(time=False))
    assert model.score_one(x) == 0.0
    model.learn_one(x)
    before = vars(model).copy()
    model.score_one(x)
    assert vars(model) == before


class Told:
    """A detector that knows the faults, is late by two rows, and names the next sensor in every other row."""

    def __init__(self, stream):
        self.stream, self.i = stream, 0

    def score_one(self, x):
        assert "time" in x
        return float(self.stream.fault[self.i - 2] == self.stream.fault[self.i] >= 0)

    def classify(self, score):
        return score > 0.5 or self.i == 2_010

    def explain_one(self, x):
        j = self.stream.sensor[self.i]
        return dict.fromkeys(["time", f"s{(j + self.i % 2) % 3}", "s0", "s1", "s2"], 1.0)

    def learn_one(self, x):
        self.i += 1


def test_figures_count_what_they_say():
    fault = np.full(2_400, -1)
    fault[2_100:2_160], fault[2_200:2_201] = 0, 1
    stream = FaultyStream(np.zeros((2_400, 3)), fault, np.where(fault >= 0, 2, -1))
    found = faults.figures(stream, faults.prequential(stream, Told(stream), time=True))
    assert found["delay"] == [2, 1]
    assert found["found"] == 0.5
    assert found["false"] == pytest.approx(1 / 100)
    assert found["top1"] == pytest.approx(31 / 61)
    assert found["top3"] == 1.0
    assert 0.9 < found["auc"] < 1
    assert (found["n"], found["d"], found["anomalies"]) == (400, 3, 61 / 400)


@pytest.fixture
def small(monkeypatch, tmp_path):
    """A quick size that is quicker, two kinds and worlds, and two detectors that need no compiling."""
    monkeypatch.setitem(fault_page.SIZES, "quick", {"rows": SMALL, "dimensions": (3,), "peers_at": 3})
    for module in (fault_page, faulty_sensors):
        monkeypatch.setattr(module, "WORLDS", ("linear, white", "non-linear, white"))
        monkeypatch.setattr(module, "KINDS", {"spike": "a spike", "hour": "another hour"})
    made = {name: Detector(name, lambda task: Anchor(), ("numpy",), "") for name in ("iotae", "anchor")}
    monkeypatch.setattr(detectors, "FAULTS", made | {"Gone": Detector("Gone", Anchor, ("no-such",), "")})
    monkeypatch.setattr(runner, "run", partial(runner.run, cache_folder=tmp_path / "cache", progress=False))
    return tmp_path


def test_the_page_holds_each_table(small, capsys):
    arguments = ["faults", "--quick", "--jobs", "1", "--output", str(small / "page.md")]
    assert __main__.main(arguments) == 0
    page = (small / "page.md").read_text()
    assert "Gone: the package no-such is not installed" in page
    cells = [
        [cell.strip() for cell in line.split("|")[1:-1]] for line in page.splitlines() if line[:1] == "|"
    ]
    spike = next(row for row in cells if row[0] == "spike")
    assert spike[1] == "0.99"
    assert float(spike[2].strip("*")) > 0.9
    assert next(row for row in cells if row[1:2] == ["hour"])[-2:] == ["-", "-"]
    assert "**" in next(row for row in cells if row[0] == "hour")[2]
    assert len(list((small / "cache").rglob("*.json"))) == 8
    assert __main__.main(arguments) == 0
    assert (small / "page.md").read_text() == page


def test_the_ablation_meets_the_faults_too(small):
    name = faults.stream_name("linear, white", "spike", 3)
    found = ablation._figures("faults", "faults", name, 0, SMALL)
    assert found["auc"] > 0.9
