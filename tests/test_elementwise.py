"""The kernels that are here twice: loops against whole arrays."""

import numpy as np
import pytest

from iotae._compiled import COMPILED
from iotae.batch import distances, fast_distances, reconstruction
from iotae.batch.neighbours import Neighbours
from iotae.nn import activations, elementwise, products

pytestmark = pytest.mark.skipif(not COMPILED, reason="without numba the two are one")


def table(rng, n=37, d=5):
    return rng.normal(scale=3.0, size=(n, d)).astype(np.float32)


@pytest.mark.parametrize("activation", activations.ACTIVATIONS.values())
def test_activations_and_slopes(activation, rng):
    once, again, delta = table(rng), None, table(rng)
    again, other = once.copy(), delta.copy()
    activations.activate(once, activation)
    activations._activate_arrays(again, activation)
    np.testing.assert_allclose(once, again, rtol=1e-6, atol=1e-7)
    activations.scale_by_slope(delta, once, activation)
    activations._scale_by_slope_arrays(other, again, activation)
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


def with_gaps(rng, rows, gaps):
    rows[rng.random(rows.shape) < gaps] = np.nan
    return rows


@pytest.mark.parametrize("m", [1, 3, 130, 390])
@pytest.mark.parametrize("gaps", [0.0, 0.2])
@pytest.mark.parametrize("kind", ["spread out", "far away", "repeated", "all the same"])
def test_exact_distances_have_the_same_bits(m, gaps, kind, rng):
    references, rows = table(rng, m), with_gaps(rng, table(rng, 300), gaps)
    if kind == "far away":
        references, rows = references + 1000, rows + 1000
    elif kind == "repeated":
        references, rows = np.round(references / 4), np.round(rows / 4)
    elif kind == "all the same":
        references[:], rows[:] = 2.0, 2.0
    made = Neighbours(references)
    ours, theirs = np.empty((2, 4, len(rows)), np.float32)
    own, others = np.empty((2, len(rows)), np.float32)
    minima, fast = np.empty((2, made.groups, len(rows)), np.float32)
    laid_out = *(made._gappy if gaps else made._full), made._filled, made._columns
    distances.nearest_four(rows, *laid_out, ours, own, minima)
    distances._nearest_four_arrays(rows, *laid_out, theirs, others, fast)
    # these may differ: the references' numbers take the place of the last binary digits
    np.testing.assert_allclose(minima, fast, rtol=1e-3, atol=1e-5 * float(own.max()))
    np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_array_equal(own, others)
    k = min(4, m)
    ours, theirs = np.empty((2, *rows.shape), np.float32)
    filled, columns = np.nan_to_num(rows), np.ascontiguousarray(references.T)
    distances.nearest_parts(filled, columns, k, ours)
    distances._nearest_parts_arrays(filled, columns, k, theirs)
    np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("shape", [(1, 1, 1), (37, 5, 3), (500, 20, 8), (241, 9, 33)])
def test_products_and_lengths_have_the_same_bits(shape, rng):
    n, n_in, n_out = shape
    rows, weights, bias = table(rng, n, n_in), table(rng, n_in, n_out), table(rng, 1, n_out)[0]
    ours, theirs = np.empty((2, n, n_out), np.float32)
    products.affine(rows, weights, bias, ours)
    products._affine_arrays(rows, weights, bias, theirs)
    np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_allclose(ours, rows.astype(np.float64) @ weights + bias, rtol=1e-4, atol=1e-3)
    ours, theirs = np.empty((2, n))
    reconstruction._squared_lengths(rows, ours)
    reconstruction._squared_lengths_arrays(rows, theirs)
    np.testing.assert_array_equal(ours, theirs)


def test_cells_are_copied_added_to_and_hidden(rng):
    cells, (ours, theirs) = table(rng), np.empty((2, 37, 5), np.float32)
    elementwise.copy_cells(cells, ours)
    elementwise._copy_cells_arrays(cells, theirs)
    elementwise.add_to_rows(ours, cells[0])
    elementwise._add_to_rows_arrays(theirs, cells[0])
    np.testing.assert_array_equal(ours, theirs)
    elementwise.hide_cells(cells, 0.3, np.random.default_rng(0), ours)
    elementwise._hide_cells_arrays(cells, 0.3, np.random.default_rng(0), theirs)
    np.testing.assert_array_equal(ours, theirs)
    assert 0.5 < np.mean(ours != 0) < 0.9


@pytest.mark.parametrize("g", [1, 3, 5, 6, 200])
def test_the_smallest(g, rng):
    values = rng.integers(0, 50, size=(g, 30)).astype(np.float32)
    ours, theirs = np.empty((2, 5, 30), np.float32)
    fast_distances.smallest(values, ours)
    fast_distances._smallest_arrays(values, theirs)
    np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_array_equal(ours[:g], np.sort(values, axis=0)[:5])
