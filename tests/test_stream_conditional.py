"""What each slot should read given all the others: against numpy's inverse and the closed form."""

import numpy as np
import pytest

from iotae import OnlineAutoencoder
from iotae.stream import conditional
from iotae.stream.counters import ACCEPTED, N_COUNTS, N_PRODUCTS, N_REMEMBERED, PIVOT


class Running:
    """Sums, counts and inverse of a stream of rows."""

    def __init__(self, d):
        self.d = d
        self.matrices = np.zeros((3 * d, d), np.float32)
        self.matrices[2 * d :] = np.eye(d)
        self.moments, self.counts = conditional.new_moments(d), np.zeros(N_COUNTS)
        self.counters = np.zeros(N_REMEMBERED, np.int64)
        self.counters[PIVOT] = -1

    def learn(self, rows):
        for row in rows:
            conditional.learn_products(row.astype(np.float32), self.matrices)
            self.moments[conditional.SUM] += row
            self.counts[N_PRODUCTS] += 1

    def invert(self, function=None):
        conditional.begin_inversion(self.matrices, self.moments, self.counts, self.counters)
        to_invert = self.matrices[self.d : 2 * self.d].astype(np.float64)
        for _ in range(self.d):
            assert self.counters[PIVOT] >= 0
            conditional.next_pivot(self.matrices, self.moments, self.counters)
        assert self.counters[PIVOT] == -1
        return to_invert

    @property
    def inverse(self):
        return self.matrices[2 * self.d :]

    def residuals(self, row):
        found = np.empty(self.d, np.float32)
        cells = (row - self.moments[conditional.INVERSE_MEAN]) * self.moments[conditional.INVERSE_SCALE]
        conditional.residuals(cells.astype(np.float32), self.matrices, found)
        return found


def correlated(rng, n, d):
    return rng.normal(size=(n, 2)) @ rng.normal(size=(2, d)) + 0.5 * rng.normal(size=(n, d)) + 0.3


@pytest.mark.parametrize("d", [1, 2, 5, 30])
def test_sweeps_are_numpys_inverse(d, rng):
    running = Running(d)
    running.learn(correlated(rng, 400, d))
    to_invert = running.invert()
    np.testing.assert_allclose(running.inverse, np.linalg.inv(to_invert), rtol=1e-2, atol=2e-4)


def test_the_matrix_is_the_correlation_with_a_ridge(rng):
    rows = correlated(rng, 400, 4)
    running = Running(4)
    running.learn(rows)
    made = running.invert()
    off = ~np.eye(4, dtype=bool)
    np.testing.assert_allclose(made[off], np.corrcoef(rows.T)[off], atol=1e-4)
    assert np.ptp(np.diag(made)) == 0
    assert 1.0 < made[0, 0] < 1.1
    np.testing.assert_allclose(running.moments[conditional.INVERSE_MEAN], rows.mean(axis=0), atol=1e-6)
    np.testing.assert_allclose(1 / running.moments[conditional.INVERSE_SCALE], rows.std(axis=0), rtol=1e-4)


def test_a_residual_is_that_of_a_regression_on_all_others(rng):
    rows = correlated(rng, 5_000, 5)
    running = Running(5)
    running.learn(rows)
    running.invert()
    Z = (rows - rows.mean(axis=0)) / rows.std(axis=0)
    for row, z in zip(rows[:20], Z[:20], strict=True):
        found = running.residuals(row)
        for j in range(5):
            others = np.delete(np.arange(5), j)
            weights, *_ = np.linalg.lstsq(Z[:, others], Z[:, j], rcond=None)
            # the ridge holds the weights back a little
            assert found[j] == pytest.approx(z[j] - z[others] @ weights, abs=0.05)


def test_before_any_inversion_each_slot_is_expected_at_0():
    row = np.array([1.0, -2.0, 3.0])
    np.testing.assert_array_equal(Running(3).residuals(row), row)


@pytest.mark.parametrize("d", [1, 6])
def test_numba_loops_and_whole_arrays_agree(d, rng):
    loops, arrays = Running(d), Running(d)
    rows = correlated(rng, 200, d).astype(np.float32)
    loops.learn(rows)
    for row in rows:
        conditional._learn_products_arrays(row, arrays.matrices)
    np.testing.assert_allclose(loops.matrices[:d], arrays.matrices[:d], rtol=1e-4, atol=1e-3)
    swept = [loops.matrices.copy(), loops.matrices.copy()]
    for block in swept:
        block[d : 2 * d] = np.corrcoef(rows.T) + 0.01 * np.eye(d)
    for k in range(d):
        conditional._sweep(swept[0], k)
        conditional._sweep_arrays(swept[1], k)
    np.testing.assert_allclose(swept[0], swept[1], rtol=1e-3, atol=1e-4)
    found = np.empty((2, d), np.float32)
    loops.invert()
    conditional.residuals(rows[0], loops.matrices, found[0])
    conditional._residuals_arrays(rows[0], loops.matrices, found[1])
    np.testing.assert_allclose(found[0], found[1], rtol=1e-3, atol=1e-4)


def test_old_rows_fade(rng):
    running = Running(2)
    running.counts[N_PRODUCTS] = 30_000
    running.matrices[:2] = 30_000 * np.eye(2)
    running.invert()
    assert running.counts[N_PRODUCTS] < 30_000
    np.testing.assert_allclose(np.diag(running.matrices[:2]), running.counts[N_PRODUCTS], rtol=1e-5)


def rows_of(rng, n, d=3):
    return [dict(zip("abcdefgh", row.tolist(), strict=False)) for row in correlated(rng, n, d)]


def test_a_models_inverse_is_that_of_the_rows_that_it_has_accepted(rng):
    model = OnlineAutoencoder(seed=0)
    for x in rows_of(rng, 300):
        model.learn_one(x)
    views = model._views
    # the sums are of every row accepted, a missing cell as nothing
    assert views["counts"][N_PRODUCTS] == views["counts"][ACCEPTED]
    in_use = views["matrices"][6:]
    assert np.linalg.eigvalsh(in_use).min() > 0
    np.testing.assert_allclose(in_use, in_use.T, atol=1e-3)
    assert (in_use != np.eye(3)).any()


def test_a_missing_cell_says_nothing_about_the_others(rng):
    model = OnlineAutoencoder(seed=0)
    for x in rows_of(rng, 300):
        model.learn_one(x)
    usual = {"a": 0.3, "b": 0.3}
    missing = model.expected_one(usual)
    # it lies where it is expected, whatever the mark of a gap
    assert (
        missing == model.expected_one(usual | {"c": float("nan")}) == model.expected_one(usual | {"c": None})
    )
    assert all(np.isfinite(value) for value in missing.values())


def test_slots_that_join_keep_the_inverse_of_the_others(rng):
    model = OnlineAutoencoder(seed=0)
    rows = rows_of(rng, 300, 4)
    for x in rows:
        model.learn_one({name: x[name] for name in "abc"})
    before = model._views["matrices"][6:].copy()
    state = model._state.resized(4, [3])
    np.testing.assert_array_equal(state.matrices[8:11, :3], before)
    np.testing.assert_array_equal(state.matrices[8:, 3], [0, 0, 0, 1])
    assert state.counters[PIVOT] == -1
