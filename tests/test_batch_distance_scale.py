"""The scale of a table's score: the order of the joined score, on which distance goes on growing."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from iotae import BatchAutoencoder, serialization
from iotae.batch.distance_scale import DistanceScale, joined_distance
from pyod_iotae import IoTAE

pairs = hnp.arrays(np.float64, st.tuples(st.just(2), st.integers(1, 60)), elements=st.floats(0, 1e6))


@settings(max_examples=150)
@given(pairs, hnp.arrays(np.float64, 20, elements=st.floats(0, 2e6)))
def test_the_scale_rises_and_is_finite(given_pairs, probe):
    joined, distances = given_pairs
    scale = DistanceScale().fit(joined, distances, reach=2.0)
    found = scale(np.unique(probe))
    assert np.isfinite(found).all()
    assert (found >= 0).all()
    assert (np.diff(found) >= 0).all()


@pytest.mark.parametrize("n", [1, 2, 50, 20_000])
def test_scores_that_differ_stay_apart_also_beyond_the_training_rows(n, rng):
    joined = rng.gamma(2.0, size=n)
    scale = DistanceScale().fit(joined, np.full(n, 3.0), reach=2.4)
    probe = np.r_[np.sort(joined), joined.max() + np.logspace(-3, 2, 50)]
    assert (np.diff(scale(probe)) > 0).all()


def test_training_rows_get_the_distances_there_are_in_the_order_of_their_scores(rng):
    joined, distances = rng.gamma(2.0, size=(2, 501))
    found = DistanceScale().fit(joined, distances, reach=1.0)(joined)
    expected = np.sort(distances)[stats.rankdata(joined, "ordinal") - 1] / np.median(distances)
    np.testing.assert_allclose(found, expected + 1e-3 * joined)


def test_beyond_the_training_rows_twice_the_distance_is_twice_the_excess(rng):
    # all views beyond their largest: each tail rises by log1p of its relative excess
    joined, reach = rng.gamma(2.0, size=300), 2.4
    scale = DistanceScale().fit(joined, joined, reach)
    excess = np.array([1.0, 2.0, 40.0])
    above = scale(joined.max() + reach * np.log1p(excess)) - scale(np.array([joined.max()]))
    np.testing.assert_allclose(above / above[0], excess, rtol=1e-2)


def test_each_view_counts_in_units_of_its_usual():
    squares = [np.array([1.0, 2.0, 8.0]), np.array([3e8, 3e8, 3e8])]
    expected = np.sqrt([2 * 0.5 + 1, 2 * 1.0 + 1, 2 * 4.0 + 1])
    np.testing.assert_allclose(joined_distance(squares, (2.0, 1.0)), expected)


def test_a_view_that_is_0_nearly_everywhere_does_not_drown_the_others():
    squares = [np.ones(1000), np.r_[np.zeros(999), 1e-12]]
    found = joined_distance(squares, (1.0, 1.0))
    np.testing.assert_allclose(found[:999], 1.0)
    assert 10 < found[-1] < 1000


def test_a_scale_of_a_state_is_the_same(rng):
    scale = DistanceScale().fit(*rng.gamma(2.0, size=(2, 500)), reach=2.0)
    data = serialization.loads(serialization.dumps("parts", scale.to_state()))[1]
    probe = np.linspace(0, 100, 999)
    np.testing.assert_array_equal(DistanceScale.from_state(data)(probe), scale(probe))


@pytest.fixture(scope="module")
def easy():
    """A bulk, and one row in twenty that is clearly elsewhere."""
    rng = np.random.default_rng(0)
    y = np.arange(1000) % 20 == 7
    X = rng.normal(size=(1000, 8))
    X[y] += rng.choice([-1.0, 1.0], size=(y.sum(), 8)) * rng.uniform(4, 9, size=(y.sum(), 8))
    return X, y


def test_the_gap_between_usual_and_odd_rows_can_be_seen_in_the_scores(easy):
    X, y = easy
    detector = IoTAE(random_state=0, contamination="auto").fit(X)
    scores = detector.decision_scores_
    assert np.median(scores) == pytest.approx(1.0, abs=0.02)
    assert scores[y].min() > 1.2 * scores[~y].max()
    assert np.median(detector.predict_proba(X[y])[:, 1]) > 0.6
    # three robust deviations above the median, and four
    assert (detector.labels_[y] == 1).all()
    deviation = 1.4826 * np.median(np.abs(scores - 1.0))
    np.testing.assert_array_equal(scores > 1.0 + 5 * deviation, y)


@pytest.mark.parametrize(
    "X",
    [np.zeros((50, 3)), np.ones((1, 2)), [[0.0, 1.0], [1.0, 1.0]], np.r_[np.zeros((99, 2)), [[1e300, 1.0]]]],
)
def test_tables_of_hardly_any_rows_or_values_have_finite_scores(X):
    model = BatchAutoencoder(seed=0).fit(X)
    assert np.isfinite(model.fitted_scores).all()
    np.testing.assert_array_equal(model.score(X), model.fitted_scores)
    far = model.score(np.full((1, np.shape(X)[1]), 1e9))
    assert np.isfinite(far).all()
    assert far[0] >= model.fitted_scores.max()


def test_shares_add_up_to_the_score_on_its_scale(easy):
    X, _ = easy
    model = BatchAutoencoder(seed=0).fit(X)
    np.testing.assert_allclose(model.errors(X).sum(axis=1), model.fitted_scores, rtol=1e-9)


@pytest.mark.parametrize("clean", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_a_model_of_a_table_of_few_values_is_read_back_as_it_was(seed, clean):
    # many rows are alike, and the mean of their distances is not each of them, for its rounding
    rng = np.random.default_rng(seed)
    X = np.round(rng.normal(size=(1500, 1)) @ rng.normal(size=(1, 4)) + 0.3 * rng.normal(size=(1500, 4)))
    model = BatchAutoencoder(seed=1, clean=clean, epochs=1).fit(X)
    again = BatchAutoencoder.from_state(serialization.loads(serialization.dumps("t", model.to_state()))[1])
    assert (again.score(X) == model.score(X)).all()


def test_a_file_of_before_whose_knots_fall_by_a_rounding_is_read(rng):
    X = rng.normal(size=(300, 3))
    model = BatchAutoencoder(seed=0, epochs=1).fit(X)
    state = model.to_state()
    knots = state["views"]["scale"]["knots"] = state["views"]["scale"]["knots"].copy()
    knots[1, 8] = np.nextafter(knots[1, 9], np.inf)
    assert np.allclose(BatchAutoencoder.from_state(state).score(X), model.score(X), rtol=0.1)
