"""The batch score's parts: whitening, tails and the two views; the schedule; and that both hosts share one
network."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import linalg, stats

from iotae import BatchAutoencoder, OnlineAutoencoder, serialization
from iotae.batch.neighbours import Neighbours
from iotae.batch.scoring import JoinedScore
from iotae.batch.tail_calibration import TailCalibration, join
from iotae.batch.whitening import Whitening
from iotae.nn.network import Network
from iotae.nn.training import Training, propagate_rows, schedule, train_network
from iotae.stream import kernels
from tests import naive


def through_a_file(data):
    return serialization.loads(serialization.dumps("parts", data))[1]


def correlated(rng, n, d):
    rows = rng.normal(size=(n, d)) @ rng.normal(size=(d, d)) + rng.normal(size=d)
    return rows.astype(np.float32)


# -- whitening ----------------------------------------------------------------------------------


@pytest.mark.parametrize("d", [1, 2, 7, 30])
def test_a_whitened_covariance_is_the_identity(d, rng):
    rows = correlated(rng, 20_000, d)
    whitened = Whitening().fit(rows).transform(rows)
    assert whitened.dtype == np.float32
    np.testing.assert_allclose(whitened.mean(axis=0), 0.0, atol=1e-3)
    covariance = np.atleast_2d(np.cov(whitened.T))
    spectrum = np.linalg.eigvalsh(np.atleast_2d(np.cov(rows.T)))
    # the least shrinkage takes a direction of variance v to v / (v + a thousandth of the mean)
    held = 0.98 * spectrum.min() / (spectrum.min() + 2e-3 * spectrum.mean())
    values = np.linalg.eigvalsh(covariance)
    assert values.min() > held
    assert values.max() < 1.02


def test_the_shrunk_covariance_is_ledoit_and_wolfs(rng):
    from sklearn.covariance import ledoit_wolf

    for n, d in ((30, 10), (200, 10), (50, 40)):
        rows = correlated(rng, n, d)
        shrunk, shrinkage = ledoit_wolf(rows.astype(np.float64))
        assert shrinkage > 1e-3
        zca = np.real(linalg.fractional_matrix_power(shrunk, -0.5))
        whitened = Whitening().fit(rows).transform(rows)
        np.testing.assert_allclose(whitened, (rows - rows.mean(axis=0)) @ zca, rtol=1e-2, atol=2e-3)


def test_whitening_is_symmetric_and_keeps_each_column_its_own(rng):
    rows = correlated(rng, 2000, 5)
    whitening = Whitening().fit(rows)
    matrix = whitening.to_state()["matrix"]
    np.testing.assert_allclose(matrix, matrix.T, atol=1e-5)
    whitened = whitening.transform(rows)
    between = np.corrcoef(rows.T, whitened.T)[:5, 5:]
    assert (np.diag(between) > 0).all()
    assert (linalg.eigvalsh(matrix) > 0).all()


@pytest.mark.parametrize("kind", ["one row", "constant", "constant column", "fewer rows than columns"])
def test_whitening_of_rows_with_no_spread_is_finite(kind, rng):
    rows = {
        "one row": correlated(rng, 1, 4),
        "constant": np.full((50, 4), 3.0, np.float32),
        "constant column": np.column_stack([correlated(rng, 50, 3), np.ones(50, np.float32)]),
        "fewer rows than columns": correlated(rng, 5, 40),
    }[kind]
    whitened = Whitening().fit(rows).transform(rows + 1)
    assert np.isfinite(whitened).all()
    assert np.abs(whitened).max() > 0


def test_wide_rows_are_whitened_column_by_column(rng):
    rows = correlated(rng, 300, 4) @ rng.normal(size=(4, 600)).astype(np.float32)
    rows *= np.float32(1) / rows.std(axis=0)
    whitening = Whitening().fit(rows)
    np.testing.assert_allclose(whitening.transform(rows).std(axis=0), 1.0, rtol=1e-2)
    back = Whitening.from_state(through_a_file(whitening.to_state()))
    np.testing.assert_array_equal(back.transform(rows), whitening.transform(rows))


# -- tails --------------------------------------------------------------------------------------

heights_of = hnp.arrays(np.float64, st.integers(1, 60), elements=st.floats(0, 1e12))


@settings(max_examples=150)
@given(heights_of)
def test_a_tail_is_minus_log_of_the_rank(values):
    # the share that is larger, half of the value itself counted in; equals share the mean of theirs
    n = values.size
    singly = -np.log((n - stats.rankdata(values, "ordinal") + 0.5) / n)
    expected = [singly[values == value].mean() for value in values]
    np.testing.assert_allclose(TailCalibration().fit(values)(values), expected, rtol=1e-9)


@settings(max_examples=150)
@given(heights_of, st.lists(st.floats(0, 1e15), min_size=2, max_size=20))
def test_a_tail_never_falls_and_is_never_negative(values, probe):
    heights = TailCalibration().fit(values)(np.sort(probe))
    assert (np.diff(heights) >= 0).all()
    assert (heights >= 0).all()
    assert np.isfinite(heights).all()


@pytest.mark.parametrize("n", [1, 5, 1000, 20_000])
def test_a_tail_grows_strictly_beyond_the_largest(n, rng):
    values = rng.gamma(2.0, size=n)
    beyond = values.max() + np.logspace(-3, 15, 200)
    heights = TailCalibration().fit(values)(beyond)
    assert (np.diff(heights) > 0).all()
    assert heights[0] > TailCalibration().fit(values)(values).max()


@pytest.mark.parametrize("value", [0.0, 1.0, 1e12])
def test_values_that_are_all_the_same_still_leave_room_above(value):
    tail = TailCalibration().fit(np.full(100, value))
    at, above, far = tail(np.array([value, value * (1 + 1e-3) + 1e-9, 1e15]))
    assert 0 <= at < above < far < 100


def test_many_values_are_kept_as_few_knots(rng):
    values = rng.gamma(2.0, size=50_000)
    tail = TailCalibration().fit(values)
    assert tail.to_state()["knots"].shape[1] <= 4096
    exact = -np.log((50_000 - stats.rankdata(values) + 0.5) / 50_000)
    top = np.argsort(values)[-2000:]
    np.testing.assert_allclose(tail(values)[top], exact[top], rtol=1e-9)
    np.testing.assert_allclose(tail(values), exact, atol=2e-3, rtol=2e-2)


def test_tails_of_a_state_are_the_same(rng):
    tail = TailCalibration().fit(rng.gamma(2.0, size=500))
    back = TailCalibration.from_state(through_a_file(tail.to_state()))
    probe = np.linspace(0, 100, 999)
    np.testing.assert_array_equal(back(probe), tail(probe))


def test_joining_is_the_length_of_a_weighted_vector(rng):
    heights, weights = rng.gamma(1.0, size=(3, 10)), [1.0, 0.5, 0.0]
    expected = np.sqrt(heights[0] ** 2 + 0.5 * heights[1] ** 2)
    np.testing.assert_allclose(join(list(heights), weights), expected)


# -- the two views ------------------------------------------------------------------------------


@pytest.fixture
def fitted(rng):
    rows = correlated(rng, 400, 5)
    rows[rng.random(rows.shape) < 0.05] = np.nan
    latent = np.tanh(np.nan_to_num(rows) @ rng.normal(size=(5, 2)) / 3).astype(np.float32)
    residual = (rows * rng.normal(0, 0.1, size=rows.shape)).astype(np.float32)
    everything = (rows, latent, residual)
    learned = tuple(part[:300] for part in everything)
    return JoinedScore().fit(learned, everything, rows[:200]), everything, learned


def test_a_score_joins_what_its_parts_say(fitted):
    views, (rows, latent, residual), learned = fitted

    def network_view(latent, residual):
        joined = np.concatenate([latent, np.nan_to_num(residual)], axis=1)
        basis = np.concatenate([learned[1], np.nan_to_num(learned[2])], axis=1)
        return (Whitening().fit(basis).transform(joined).astype(np.float64) ** 2).sum(axis=1)

    network, near = network_view(latent, residual), Neighbours(rows[:200]).near(rows)
    expected = np.hypot(TailCalibration().fit(network)(network), TailCalibration().fit(near)(near))
    # the joined score gives the order, and what the same views are in units of their usual gives the distance
    distances = np.sqrt(network / np.median(network) + (near / np.median(near)) ** 2)
    by_order = np.sort(distances)[stats.rankdata(expected, "ordinal") - 1] / np.median(distances)
    scores = views.score(rows, latent, residual)
    np.testing.assert_allclose(scores, by_order + 1e-3 * expected, rtol=1e-4)
    np.testing.assert_array_equal(np.argsort(scores), np.argsort(expected))


def test_shares_are_not_negative_and_add_up(fitted):
    views, everything, _ = fitted
    shares, score = views.shares(*everything), views.score(*everything)
    assert (shares >= 0).all()
    np.testing.assert_allclose(shares.sum(axis=1), score, rtol=1e-9)


@pytest.mark.parametrize("guilty", range(5))
def test_the_guilty_feature_has_the_largest_share(guilty, fitted):
    views, (rows, latent, residual), _ = fitted
    rows, residual = np.nan_to_num(rows[:20]), np.nan_to_num(residual[:20])
    rows[:, guilty] += 25.0
    residual[:, guilty] += 25.0
    shares = views.shares(rows, latent[:20], residual)
    assert (shares.argmax(axis=1) == guilty).mean() > 0.9


def test_views_of_a_state_score_the_same_bits(fitted):
    views, everything, _ = fitted
    back = JoinedScore.from_state(through_a_file(views.to_state()))
    np.testing.assert_array_equal(back.score(*everything), views.score(*everything))
    np.testing.assert_array_equal(back.shares(*everything), views.shares(*everything))


def test_extremes_do_not_tie_in_the_joined_score(fitted, rng):
    views = fitted[0]
    far = np.outer(np.logspace(1.5, 6, 40), np.ones(5)).astype(np.float32)
    scores = views.score(far, np.ones((40, 2), np.float32), far)
    assert (np.diff(scores) > 0).all()


# -- training -----------------------------------------------------------------------------------


@pytest.mark.parametrize("updates", [1, 5, 20, 100, 1000])
def test_the_rate_rises_for_twenty_updates_and_falls_to_a_tenth(updates):
    rates = schedule(updates, 0.5)
    expected = [0.5 * min(1, step / 20) * (1 - 0.9 * step / updates) for step in range(1, updates + 1)]
    np.testing.assert_allclose(rates, expected)
    assert (rates > 0).all()
    assert rates.max() < 0.5
    if updates >= 20:
        assert rates[-1] == pytest.approx(0.05)
        assert np.argmax(rates) == 19 or updates < 45


@pytest.mark.parametrize(
    ("n", "epochs", "updates", "steps", "passes"),
    [(100, None, 7, 7, 1), (100, None, 30, 30, 3), (100, 4, 7, 40, 4), (5, None, 3, 3, 3), (1, 2, 9, 2, 2)],
)
def test_updates_or_epochs_bound_the_training(n, epochs, updates, steps, passes, rng):
    network = Network(3, (4, 2, 4), "tanh", seed=0)
    rows = rng.normal(size=(n, 3)).astype(np.float32)
    history = train_network(
        network,
        rows,
        np.ones(n, np.float32),
        Training(epochs, updates, batch_size=10, learning_rate=1e-2, dropout_rate=0.0),
    )
    assert network.step == steps
    assert len(history) == passes
    assert np.isfinite(history).all()


# -- parity -------------------------------------------------------------------------------------


@pytest.fixture(params=["tanh", "relu", "sigmoid", "leaky_relu", "elu"])
def hosts(request, rng):
    """A stream's model and a table's model with the same network in them."""
    names = "abcd"
    table = rng.normal(size=(200, 4))
    table[:, 3] = table[:, 0] - table[:, 1] + 0.1 * table[:, 3]
    online = OnlineAutoencoder((5, 2, 5), request.param, seed=0)
    for row in table:
        online.learn_one(dict(zip(names, row.tolist(), strict=True)))
    batch = BatchAutoencoder(
        (5, 2, 5), request.param, scaling="none", scoring="reconstruction", seed=1, epochs=1
    ).fit(table)
    data = batch.to_state()
    data["network"]["parameters"] = online.to_state()["network"]["parameters"]
    return online, BatchAutoencoder.from_state(data), table


def stream_parts(online, row):
    """Scaled values and residuals as the row kernel finds them; NaN where a cell is missing."""
    online.score_one(row)
    scratch = online._views["scratch"]
    scaled, residual = scratch[kernels._SCALED].copy(), scratch[kernels._RESIDUAL_NOW].copy()
    residual[np.isnan(scaled)] = np.nan
    return scaled, residual


def test_both_hosts_rebuild_a_row_alike(hosts):
    online, batch, table = hosts
    assert batch._network.sizes == online._network.sizes
    for i, line in enumerate(table[:40]):
        row = dict(zip("abcd", line.tolist(), strict=True))
        if i % 4 == 1:
            del row["abcd"[i % 3]]
        scaled, residual = stream_parts(online, row)
        shown = np.clip(scaled, -3.0, 3.0)[None]
        # missing cells enter both as 0 and count in neither
        np.testing.assert_allclose(np.abs(shown - batch.reconstruct(shown))[0], residual, atol=1e-5)
        expected = naive.forward(
            online._network.parameters, online._network.sizes, batch.activation, shown[0]
        )
        np.testing.assert_allclose(batch.reconstruct(shown)[0], expected, atol=1e-5)
        length = math.sqrt(np.nansum(residual**2) * 4 / np.count_nonzero(~np.isnan(residual)))
        there = not np.isnan(residual).any()
        if there:
            assert batch.reconstruction_error(shown)[0] == pytest.approx(length, abs=1e-5)


def test_both_hosts_run_the_network_the_same_way(hosts):
    online, batch, table = hosts
    rows = table.astype(np.float32)
    for a, b in zip(online._network.propagate(rows), propagate_rows(batch._network, rows), strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_pyod_adapter_adds_nothing_to_the_core(rng):
    from pyod_iotae import IoTAE

    table = rng.normal(size=(300, 4))
    table[::9, 2] = np.nan
    adapter = IoTAE(random_state=3).fit(table)
    np.testing.assert_array_equal(adapter.decision_function(table), adapter.model.score(table))
    np.testing.assert_array_equal(adapter.decision_scores_, adapter.model.score(table))
    np.testing.assert_array_equal(adapter.explain(table), adapter.model.errors(table))


def test_the_river_adapter_adds_nothing_to_the_core(rng):
    from river_iotae import IoTAE

    adapter, core = IoTAE(seed=3), OnlineAutoencoder(seed=3)
    for i, (a, b) in enumerate(rng.normal(size=(300, 2)).tolist()):
        x = {"a": a, "b": b} if i % 7 else {"a": a, "kind": "x"}
        assert adapter.score_one(x) == core.score_one(x)
        assert adapter.explain_one(x) == core.explain_one(x)
        adapter.learn_one(x)
        core.learn_one(x)
    assert adapter.threshold == core.threshold
    assert adapter.n_seen == core.n_seen
