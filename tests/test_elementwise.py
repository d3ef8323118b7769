"""The kernels that are here twice: loops against whole arrays."""

import numpy as np
import pytest

from iotae._compiled import COMPILED
from iotae.batch import distances
from iotae.nn import elementwise

pytestmark = pytest.mark.skipif(not COMPILED, reason="without numba the two are one")


def table(rng, n=37, d=5):
    return rng.normal(scale=3.0, size=(n, d)).astype(np.float32)


@pytest.mark.parametrize("activation", elementwise.ACTIVATIONS.values())
def test_activations_and_slopes(activation, rng):
    once, again, delta = table(rng), None, table(rng)
    again, other = once.copy(), delta.copy()
    elementwise.activate(once, activation)
    elementwise._activate_arrays(again, activation)
    np.testing.assert_allclose(once, again, rtol=1e-6, atol=1e-7)
    elementwise.scale_by_slope(delta, once, activation)
    elementwise._scale_by_slope_arrays(other, again, activation)
    np.testing.assert_allclose(delta, other, rtol=1e-5, atol=1e-6)


def test_loading_and_loss(rng):
    rows = table(rng)
    rows[rng.random(rows.shape) < 0.2] = np.nan
    pairs = []
    for load, slope in (
        (elementwise.load_rows, elementwise.loss_slope),
        (elementwise._load_rows_arrays, elementwise._loss_slope_arrays),
    ):
        target, mask, delta = np.empty((3, *rows.shape), np.float32)
        load(rows, target, mask)
        weights = np.linspace(0, 2, len(rows), dtype=np.float32)
        loss = slope(target, mask, weights, np.ones_like(rows), delta)
        nothing = slope(target, mask * 0, weights, np.ones_like(rows), np.empty_like(delta))
        pairs.append((target, mask, delta, loss, nothing))
    for ours, theirs in zip(*pairs, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-8)


def test_sums_and_steps(rng):
    rows, total, again = table(rng), *np.ones((2, 5), np.float32)
    elementwise.sum_rows(rows, total)
    elementwise._sum_rows_arrays(rows, again)
    np.testing.assert_allclose(total, again, rtol=1e-5)
    ours, theirs = np.ones((2, 3, 40), np.float32)
    for step in (1, 2, 50):
        gradient = rng.normal(size=40).astype(np.float32)
        elementwise.adam_step(ours[0], gradient, ours[1], ours[2], step, 0.01)
        elementwise._adam_step_arrays(theirs[0], gradient, theirs[1], theirs[2], step, 0.01)
    np.testing.assert_allclose(ours, theirs, rtol=1e-5)


@pytest.mark.parametrize("n_groups", [1, 3, 130])
@pytest.mark.parametrize("n", [1, 64, 100])
def test_group_minima(n_groups, n, rng):
    products, rows = table(rng, 3 * n_groups), table(rng, n)
    own, scale = np.abs(table(rng, 2, n))
    ours, theirs = np.empty((2, n_groups, n), np.float32)
    distances.group_minima(products, rows, own, scale, ours)
    distances._group_minima_arrays(products, rows, own, scale, theirs)
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("g", [1, 3, 4, 5, 200])
def test_the_smallest(g, rng):
    values = rng.integers(0, 50, size=(g, 30)).astype(np.float32)
    ours, theirs = np.empty((2, 4, 30), np.float32)
    distances.smallest(values, ours)
    distances._smallest_arrays(values, theirs)
    np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_array_equal(ours[:g], np.sort(values, axis=0)[:4])
