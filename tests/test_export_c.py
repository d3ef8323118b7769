"""Exported C99 headers: equal to Python on usual, missing and hostile cells, and strict about models."""

import datetime

import numpy as np
import pytest

from iotae import BatchAutoencoder, OnlineAutoencoder
from iotae.data import Table
from iotae.export import to_c
from iotae.export.stream_figures import frozen_scores
from iotae.export.table_figures import network_scores
from iotae.pipeline import TableDetector
from iotae.preprocessing import Preprocessor
from iotae.stream.autocorrelation import RECENT_RATE, follow
from iotae.stream.calls import run
from iotae.stream.counters import AGREE, ROWS
from iotae.stream.doubled_rows import count_runs, is_doubled
from iotae.stream.kernels import _CELLS as CELLS
from iotae.stream.kernels import _CONTRIBUTION as CONTRIBUTION
from iotae.stream.kernels import RECENT, SCORED_AT
from iotae.stream.memory import CONTEXT_AT, COUNTS_AT, SCRATCH_AT, STATS_AT, scoring_copy, views_of
from iotae.stream.scaler import COUNT
from iotae.stream.sensor_figures import COVARIANCE, POWER, keep_sensors
from iotae.stream.sensors import is_absurd
from iotae.stream.witness import AGREED
from tests.export_c import compiled, needs_gcc, scores, self_test

HOSTILE = (1e30, -1e30, 1e200, -1e308, np.inf, -np.inf, np.nan, -0.0, 0.0, 5e-324)


def sensors(n, d, seed=0):
    """Rows that follow two slow causes, with gaps, a stuck stretch and doubled rows."""
    rng = np.random.default_rng(seed)
    causes = 0.1 * np.cumsum(rng.normal(size=(n, 2)), axis=0) + np.sin(np.arange(n) / 40)[:, None]
    rows = 50 + causes @ rng.normal(size=(2, d)) + 0.1 * rng.normal(size=(n, d))
    rows[rng.random(rows.shape) < 0.01] = np.nan
    rows[:, -1] = np.round(rows[:, -1])
    rows[n // 2 : n // 2 + 20, 0] = rows[n // 2, 0]
    rows[n // 3] = rows[n // 3 - 1]
    return rows


def hostile(rows, seed=1):
    """The same with hostile cells in every fifth row, and two rows of nothing."""
    rng = np.random.default_rng(seed)
    rows = rows.copy()
    for i in range(0, len(rows), 5):
        rows[i, rng.integers(rows.shape[1])] = HOSTILE[(i // 5) % len(HOSTILE)]
    rows[3], rows[10] = np.nan, np.inf
    return rows


def dicts(rows):
    return [{f"s{j}": value for j, value in enumerate(row)} for row in rows.tolist()]


def learned(rows, **settings):
    model = OnlineAutoencoder(seed=0, **settings)
    for x in dicts(rows):
        model.learn_one(x)
    return model


@pytest.fixture(scope="module")
def stream():
    rows = sensors(3000, 7)
    return learned(rows[:2000]), rows[2000:]


def follow_without_learning(model, rows):
    """The oracle of ``score_next``: the kernels' own steps that no gate refuses, and none of the others."""
    memory = scoring_copy(model._memory)
    views, found = views_of(memory), []
    for row in rows:
        row, result = np.where(np.isfinite(row), row, np.nan), np.empty((1, 2))
        views["scratch"][SCORED_AT] = -1.0
        run(False, row[None], result, *memory)
        found.append(result[0, 0])
        if found[-1] < 0:
            continue
        if is_doubled(row, memory):
            count_runs(row, memory)
            continue
        if not is_absurd(memory):
            agreed = views["evidence"][AGREED]
            if agreed == agreed:
                views["counts"][AGREE] = agreed
            slow = views["sensors"][[COVARIANCE, POWER]].copy()
            keep_sensors(row, memory, views["counts"][ROWS])
            views["sensors"][[COVARIANCE, POWER]] = slow
        scratch, stats = memory.slots[SCRATCH_AT:STATS_AT], views["stats"]
        context = memory.figures[CONTEXT_AT:COUNTS_AT].copy()
        factor = follow(context, scratch[CONTRIBUTION].sum() / scratch[CELLS, 0])
        here = ~np.isnan(row)
        rate = np.where(stats[COUNT] > 0, RECENT_RATE, 1.0)
        recent = views["running"][RECENT]
        recent[here] += (rate * (scratch[CONTRIBUTION] * factor - recent))[here]
    raw = np.array(found)
    return np.where(raw >= 0, raw / (8 + np.maximum(raw, 0)), model._empty_score())


@needs_gcc
def test_a_stream_scores_as_score_one(stream, tmp_path):
    model, rows = stream
    rows = hostile(rows)
    found = scores(compiled(to_c(model, "m"), tmp_path), rows)
    expected = np.array([model.score_one(x) for x in dicts(rows)])
    assert len(rows) == 1000
    assert np.abs(found - expected).max() < 1e-5
    assert (frozen_scores(model, rows) == expected).all()
    assert (found > model.threshold).sum() == (expected > model.threshold).sum() > 100


@needs_gcc
def test_the_state_goes_from_row_to_row_as_in_python_without_learning(stream, tmp_path):
    model, rows = stream
    rows = rows.copy()
    rows[500:560, 2] += 0.8
    rows[600:640, 1] = rows[600, 1]
    rows[700] = rows[699]
    rows[800, 3] = 1e30
    library = compiled(to_c(model, "m"), tmp_path)
    library.begin()
    found, expected = scores(library, rows, "next"), follow_without_learning(model, rows)
    assert np.abs(found - expected).max() < 1e-5
    # a fault that lasts is told from the state: scored alone, its rows look milder
    assert found[520:560].mean() > scores(library, rows)[520:560].mean() + 0.02


@needs_gcc
@pytest.mark.parametrize("activation", ["relu", "sigmoid", "leaky_relu", "elu"])
def test_streams_of_other_networks_and_short_ones(activation, tmp_path):
    rows = sensors(400, 3, seed=3)
    model = learned(rows[:60], activation=activation, hidden_sizes=(5, 2, 9), batch_size=4)
    assert (
        np.abs(scores(compiled(to_c(model, "m"), tmp_path), rows) - frozen_scores(model, rows)).max() < 1e-5
    )


@needs_gcc
def test_a_stream_of_one_row_and_a_constant_feature(tmp_path):
    model = learned(np.array([[1.0, 2.0]] * 9 + [[np.nan, 3.0]]))
    rows = hostile(np.random.default_rng(0).normal(size=(200, 2)))
    assert (
        np.abs(scores(compiled(to_c(model, "m"), tmp_path), rows) - frozen_scores(model, rows)).max() < 1e-5
    )


@needs_gcc
def test_a_stream_with_a_clock(tmp_path):
    start = datetime.datetime(2024, 1, 1)
    times = [start + datetime.timedelta(minutes=10 * i) for i in range(1500)]
    hours = np.array([t.hour + t.minute / 60 for t in times])
    rng = np.random.default_rng(0)
    light = np.cos(hours[:, None] * np.pi / 12) * [1.0, 2.0, -1.0] + 0.1 * rng.normal(size=(1500, 3))
    model = OnlineAutoencoder(seed=0)
    rows = [
        {"t": t, **dict(zip("abc", row, strict=True))} for t, row in zip(times, light.tolist(), strict=True)
    ]
    for x in rows[:1200]:
        model.learn_one(x)
    cells = np.full((300, len(model._features.slots)), np.nan)
    for x, row in zip(rows[1200:], cells, strict=True):
        model._features.encode(x, row)
    library = compiled(to_c(model, "m"), tmp_path)
    expected = np.array([model.score_one(x) for x in rows[1200:]])
    assert np.abs(scores(library, cells) - expected).max() < 1e-5
    library.begin()
    turned = cells[::-1].copy()
    assert np.abs(scores(library, turned, "next") - follow_without_learning(model, turned)).max() < 1e-5


@needs_gcc
def test_slots_that_no_feature_has_are_left_out(tmp_path):
    model = OnlineAutoencoder(seed=0, max_features=3)
    rng = np.random.default_rng(0)
    for a, b, c in rng.normal(size=(200, 3)).tolist():
        model.learn_one({"a": a, "b": b, "c": c})
    for a, when in zip(rng.normal(size=100).tolist(), [datetime.datetime(2024, 1, 1)] * 100, strict=True):
        model.learn_one({"a": a, "d": when})
    n_cells = len(model._features.slots) - len(model._features._registry.table.spare)
    rows = rng.normal(size=(50, n_cells))
    assert (
        np.abs(scores(compiled(to_c(model, "m"), tmp_path), rows) - frozen_scores(model, rows)).max() < 1e-5
    )


@needs_gcc
def test_int8_weights_change_little_and_take_less(stream, tmp_path):
    model, rows = stream
    whole, small = to_c(model, "m"), to_c(model, "m", weights="int8")
    found = scores(compiled(small, tmp_path), rows)
    assert np.abs(found - frozen_scores(model, rows)).max() < 0.05
    assert small.count("int8_t m_") >= 4
    assert len(small) < len(whole)


@needs_gcc
@pytest.mark.parametrize("flags", [(), ("-DM_CELL=float",)], ids=["double", "float"])
@pytest.mark.parametrize("weights", ["float32", "int8"])
def test_the_header_tests_itself(stream, flags, weights, tmp_path):
    said, code = self_test(to_c(stream[0], "m", weights), tmp_path, *flags)
    assert (said, code) == ("7 features, s0 first: 16 rows, 0 failures\n", 0)


@needs_gcc
def test_the_self_test_finds_a_changed_weight(stream, tmp_path):
    header = to_c(stream[0], "m")
    place = header.index("m_weights_0")
    at = header.index("{", place) + 1
    broken = header[:at] + "9.0f, " + header[header.index(",", at) + 1 :]
    said, code = self_test(broken, tmp_path)
    assert code == 1
    assert "expected" in said


@needs_gcc
def test_two_models_in_one_program_and_odd_names(tmp_path):
    rows = sensors(100, 2)
    model = OnlineAutoencoder(seed=0)
    for a, b in rows.tolist():
        model.learn_one({'dé "x"??/': a, "Dé x": b, 3: a + b, ("p", 1): a})
    (tmp_path / "other.h").write_text(to_c(model, "other"))
    header = to_c(model, "m")
    said, code = self_test(header, tmp_path, "-include", "other.h")
    assert code == 0, said
    assert "M_AT_D_X_2" in header
    second = header.replace("M_N_CELLS, m_names[0]", "M_N_CELLS, m_names[1]")
    assert 'dé "x"??/ first' in self_test(second, tmp_path)[0]


TABLES = {
    "usual": ({}, {}),
    "reconstruction": ({"scoring": "reconstruction"}, {}),
    "filled and normalised": ({}, {"missing": "fill", "normalise": "minmax"}),
    "unscaled": ({"scaling": "none", "activation": "relu"}, {"normalise": "robust"}),
}


@needs_gcc
@pytest.mark.parametrize("settings", TABLES.values(), ids=TABLES)
def test_a_table_scores_as_its_network(settings, tmp_path):
    rows = sensors(2000, 5)
    table = Table({f"s{j}": column for j, column in enumerate(rows[:1000].T)})
    detector = TableDetector(
        Preprocessor(**settings[1]), BatchAutoencoder(epochs=3, seed=0, **settings[0]), seed=0, alpha=0.05
    ).fit(table)
    tested = hostile(rows[1000:])
    header = to_c(detector, "m")
    found, expected = scores(compiled(header, tmp_path), tested), network_scores(detector, tested)
    assert (np.abs(found - expected) / np.maximum(expected, 1.0)).max() < 1e-5
    assert self_test(header, tmp_path)[1] == 0
    assert self_test(to_c(detector, "m", "int8"), tmp_path)[1] == 0
    usual = network_scores(detector, rows[:1000])
    cut = float(header.split("M_CUT ")[1].split("f\n")[0])
    if settings[0].get("scoring") == "reconstruction":
        assert cut == pytest.approx(detector.threshold)
        assert usual == pytest.approx(detector.score(table))
    else:
        assert 0.03 < (usual > cut).mean() < 0.07


def test_what_cannot_be_exported_is_refused():
    with pytest.raises(ValueError, match="has learned no row"):
        to_c(OnlineAutoencoder(seed=0))
    model = OnlineAutoencoder(seed=0)
    for i in range(30):
        model.learn_one({"a": i % 7, "mode": "eco" if i % 3 else "max"})
    with pytest.raises(ValueError, match="text features 'mode'"):
        to_c(model)
    table = Table({"a": np.arange(60.0) % 7, "mode": ["eco", "max", "eco"] * 20})
    with pytest.raises(ValueError, match=r"features 'mode=eco'.*preprocessor"):
        to_c(TableDetector(seed=0).fit(table))
    with pytest.raises(TypeError, match="Got a BatchAutoencoder"):
        to_c(BatchAutoencoder())
    rows = learned(sensors(20, 2))
    for name in ("Boiler", "2nd", "", "a b", "while", "é"):
        with pytest.raises(ValueError, match="Got name="):
            to_c(rows, name=name)
    with pytest.raises(ValueError, match="weights"):
        to_c(rows, weights="int4")
