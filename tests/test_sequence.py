"""The model of a series: windows against slow oracles, its rules of time and device, what it finds."""

import copy

import numpy as np
import pandas as pd
import pytest

from benchmarks.faulty_sensors import faulty
from iotae import serialization
from iotae.evaluation import roc_auc
from iotae.sequence import SequenceAutoencoder
from iotae.sequence.clock import find_period
from iotae.sequence.segments import clocked, segments_of
from iotae.sequence.sensor_view import _repeats
from iotae.sequence.window_view import WindowView
from iotae.sequence.windows import flat_windows, moving_mean, pooled_steps, rows_of_windows

WINDOW = 16


def series(n, d=3, seed=0):
    rng = np.random.default_rng(seed)
    hour = np.arange(n)[:, None] * 2 * np.pi / 100
    return np.sin(hour + np.arange(d)) * [10.0**j for j in range(d)] * (1 + 0.05 * rng.normal(size=(n, d)))


@pytest.fixture(scope="module")
def model():
    return SequenceAutoencoder(window=WINDOW, seed=0).fit(series(800))


@pytest.mark.parametrize(("n", "pool"), [(20, 1), (20, 3), (7, 1), (5, 2)])
def test_flat_windows_are_the_windows(n, pool):
    rows = np.random.default_rng(0).normal(size=(n, 2)).astype(np.float32)
    filled = np.concatenate([rows, np.repeat(rows[-1:], max(7 - n, 0), axis=0)])
    expected = [
        np.concatenate([filled[i : i + 7][k : k + pool].mean(axis=0) for k in range(0, 7, pool)])
        for i in range(len(filled) - 6)
    ]
    np.testing.assert_allclose(flat_windows(rows, 7, pool), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("n", [1, 5, 8, 30])
def test_means_over_windows_are_those_of_loops(n):
    values = np.random.default_rng(n).normal(size=(n, 2))
    around = [values[max(i - 3, 0) : i + 3].mean(axis=0) for i in range(n)]
    np.testing.assert_allclose(moving_mean(values, 6), around, atol=1e-12)
    n_windows = max(n - 6, 0) + 1
    of_windows = np.random.default_rng(n).normal(size=n_windows)
    holding = [of_windows[[k for k in range(n_windows) if k <= i < k + 6]].mean() for i in range(n)]
    np.testing.assert_allclose(rows_of_windows(of_windows, n, 6), holding, atol=1e-12)


def test_repeats_are_counted_and_missing_cells_do_not_repeat():
    column = np.array([1.0, 1.0, 1.0, 2.0, np.nan, np.nan, 3.0, 3.0])
    assert _repeats(column[:, None]).ravel().tolist() == [3, 3, 3, 1, 1, 1, 2, 2]


def test_the_energies_are_those_of_all_components_in_full():
    rows = (series(300, 2) / [1, 10]).astype(np.float32)
    view = WindowView(4).fit([rows])
    windows = np.lib.stride_tricks.sliding_window_view(rows, 4, axis=0).transpose(0, 2, 1).reshape(297, 8)
    deviation = windows.astype(np.float64) - windows.mean(axis=0, dtype=np.float64)
    covariance = deviation.T @ deviation / len(deviation)
    whitened = np.einsum("ij,jk,ik->i", deviation, np.linalg.inv(covariance + 0.05 * np.eye(8)), deviation)
    variances, components = np.linalg.eigh(covariance)
    held = int(np.searchsorted(np.cumsum(variances[::-1]) / variances.sum(), 0.9)) + 1
    left = np.square(deviation - deviation @ components[:, -held:] @ components[:, -held:].T).sum(axis=1)
    expected = (whitened / np.quantile(whitened, 0.99) + left / np.quantile(left, 0.99)) / 2
    np.testing.assert_allclose(view.score(rows), rows_of_windows(expected, 300, 4), rtol=1e-3)


def test_shares_of_features_and_of_steps_add_up_to_the_score(model):
    X = series(300, seed=1)
    X[100:130, 1] = X[100, 1]
    score = model.score(X)
    shares = model.explain(X)
    assert (shares >= 0).all()
    np.testing.assert_allclose(shares.sum(axis=1), score, rtol=1e-6)
    assert shares[110].argmax() == 1
    for row in (0, 3, 115, 299):
        steps = model.explain_row(X, row)
        assert steps.shape == (2 * WINDOW - 1, 3)
        assert steps.sum() == pytest.approx(score[row], rel=1e-6)
    # the first row has no step before it
    assert not model.explain_row(X, 0)[: WINDOW - 1].any()


def test_a_spike_is_explained_by_its_step():
    X = series(600)
    model = SequenceAutoencoder(window=WINDOW, seed=0).fit(X)
    X = series(200, seed=2)
    X[100, 0] += 30
    steps = model.explain_row(X, 97)
    assert np.unravel_index(steps.argmax(), steps.shape) == (WINDOW - 1 + 3, 0)


def test_wide_rows_pool_their_steps_and_their_shares_still_add_up():
    assert pooled_steps(8, 400) == 3
    X = np.random.default_rng(0).normal(size=(40, 400))
    model = SequenceAutoencoder(window=8, period=0, seed=0).fit(X)
    steps = model.explain_row(X, 20)
    assert steps.sum() == pytest.approx(model.score(X)[20], rel=1e-6)


@pytest.mark.untraced
@pytest.mark.parametrize(("kind", "least"), [("stuck", 0.95), ("hour", 0.95), ("drift", 0.9), ("noise", 0.9)])
def test_faults_that_single_rows_hide_are_found(kind, least):
    stream = faulty("linear, white", kind, 5, 0)
    model = SequenceAutoencoder(seed=0).fit(stream.X[:7000])
    assert roc_auc(stream.y[7000:], model.score(stream.X[7000:])) > least


def test_the_period_is_found_and_noise_has_none(model):
    assert abs(model.found_period - 100) <= 1
    assert find_period(np.random.default_rng(0).normal(size=(500, 2)).astype(np.float32)) is None
    assert find_period(np.zeros((500, 2), np.float32)) is None
    assert SequenceAutoencoder(WINDOW, period=0, seed=0).fit(series(200)).found_period is None


def test_late_rows_take_their_place_and_gaps_and_devices_are_not_crossed():
    X, times = series(600), np.arange(600) * 60.0
    model = SequenceAutoencoder(WINDOW, seed=0).fit(X, times)
    order = np.random.default_rng(0).permutation(600)
    np.testing.assert_array_equal(model.score(X[order], times[order]), model.score(X, times)[order])
    np.testing.assert_array_equal(model.score(X, times), model.fitted_scores)
    both = np.concatenate([X, X[::-1]])
    twice, device = np.concatenate([times, times]), np.repeat(["a", "b"], 600)
    np.testing.assert_array_equal(model.score(both, twice, device)[:600], model.score(X, times))
    # what lies beyond a gap has no influence
    apart = np.concatenate([times[:300], times[300:] + 1e6 * 60])
    changed = X.copy()
    changed[300:] *= 5
    np.testing.assert_array_equal(model.score(X, apart)[:300], model.score(changed, apart)[:300])
    cut = segments_of(600, None, clocked(apart, None, 600), 8.0)
    assert [len(one.rows) for one in cut] == [300, 300]


def test_with_times_a_short_piece_at_the_wrong_hour_is_seen():
    n = 1200
    day = pd.date_range("2026-01-01", periods=n, freq="min").to_numpy()
    X = series(n)
    model = SequenceAutoencoder(WINDOW, period=100, seed=0).fit(X[:800], day[:800])
    right, wrong = X[850:900], X[900:950]
    assert model.score(wrong, day[850:900]).mean() > 1.5 * model.score(right, day[850:900]).mean()


def test_missing_cells_constant_columns_and_absurd_values_have_finite_scores():
    X = series(400)
    X[::7, 0], X[:, 1] = np.nan, 5.0
    model = SequenceAutoencoder(WINDOW, seed=0).fit(X)
    odd = X[:50].copy()
    odd[10], odd[20] = np.nan, 1e300
    for table in (odd, odd[:1], odd[:5]):
        assert np.isfinite(model.score(table)).all()
    assert model.score(np.empty((0, 3))).shape == (0,)
    still = SequenceAutoencoder(WINDOW, seed=0).fit(np.ones((40, 2)))
    assert still.score(np.ones((20, 2))).max() < still.score(np.zeros((20, 2))).min() < 1e9


def test_the_same_seed_gives_the_same_scores_and_a_file_too(model, tmp_path):
    again = SequenceAutoencoder(window=WINDOW, seed=0).fit(series(800))
    X = series(100, seed=3)
    np.testing.assert_array_equal(again.score(X), model.score(X))
    serialization.write(tmp_path / "m", "series", model.to_state())
    back = SequenceAutoencoder.from_state(serialization.read(tmp_path / "m", "series")[1])
    np.testing.assert_array_equal(back.score(X), model.score(X))
    np.testing.assert_array_equal(back.explain(X), model.explain(X))
    assert serialization.dumps("series", back.to_state()) == serialization.dumps("series", model.to_state())


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("settings", "window"), 8),
        (("window", "held"), 10_000),
        (("window", "mean"), np.zeros(3)),
        (("sensors", "bias"), np.zeros(5, np.float32)),
        (("clock", "profile"), np.zeros((4, 7))),
        (("clock", "profile"), np.zeros((0, 3))),
        (("clock", "whitening", "matrix"), np.full((3, 3), 1e30, np.float32)),
        (("scaler", "bent"), False),
        (("tails",), []),
        (("feature_names",), ["a"]),
        (("origin",), [np.inf, 0.0]),
    ],
)
def test_a_wrong_state_is_refused(model, path, value):
    state = copy.deepcopy(model.to_state())
    part = state
    for name in path[:-1]:
        part = part[name]
    part[path[-1]] = value
    with pytest.raises(serialization.StateError):
        SequenceAutoencoder.from_state(state)


def test_what_cannot_be_used_is_refused_and_changes_nothing(model):
    X = series(100)
    with pytest.raises(ValueError, match="not fitted"):
        SequenceAutoencoder().score(X)
    with pytest.raises(ValueError, match="not fitted"):
        SequenceAutoencoder().to_state()
    with pytest.raises(ValueError, match="Got window=3"):
        SequenceAutoencoder(window=3)
    before = model.score(X)
    for arguments, message in (
        ((X[:20],), "Got 20 rows, but expected at least 32"),
        ((X, np.arange(99)), "Got 99 times"),
        ((X, np.zeros(100)), "times are all equal"),
        ((X, np.full(100, np.datetime64("NaT"))), "100 of them missing"),
        ((X, None, ["a"]), "one device a row"),
    ):
        with pytest.raises(ValueError, match=message):
            model.fit(*arguments)
    np.testing.assert_array_equal(model.score(X), before)
    with pytest.raises(ValueError, match=r"expected \(n, 3\)"):
        model.score(X[:, :2])
    with pytest.raises(ValueError, match="Got times, but expected none"):
        model.score(X, np.arange(100))
    with pytest.raises(ValueError, match="Got row=100"):
        model.explain_row(X, 100)
