"""Running histograms against counting, and what holds of them for any values."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iotae.stream.histogram import BINS, add, refresh, surprise
from tests import naive

# signed log1p of up to 1e150 spreads of 1e-12 ends below 380
scaled = st.floats(-380, 380)


def table_of(values, weights=None, decay=1.0):
    counts, mass, table = np.zeros((BINS, 1)), np.zeros(1), np.zeros((BINS, 1))
    for value, weight in zip(values, weights if weights is not None else np.ones(len(values)), strict=True):
        add(value, counts, 0, weight)
        mass[0] += weight
    refresh(counts, mass, table, decay)
    return counts, mass, table


@settings(max_examples=200)
@given(st.lists(st.one_of(scaled, st.floats(-5, 5)), max_size=60), st.one_of(scaled, st.floats(-6, 6)))
def test_surprise_is_minus_log_of_a_counted_share(values, probe):
    table = table_of(values)[2]
    assert surprise(probe, table, 0) == pytest.approx(naive.surprise(values, probe), rel=1e-9)


@settings(max_examples=200)
@given(st.lists(st.tuples(scaled, st.floats(0, 1e12)), max_size=30), scaled, st.floats(0, 1))
def test_surprise_is_finite_and_at_least_log_two_whatever_was_counted(pairs, probe, decay):
    values, weights = [v for v, _ in pairs], [w for _, w in pairs]
    counts, mass, table = table_of(values, weights, decay)
    assert np.isfinite(table).all()
    # smoothing leaves no bin more than half of all there is
    assert math.log(2) - 1e-9 <= surprise(probe, table, 0) < math.inf
    assert counts.sum() == pytest.approx(mass[0], rel=1e-9, abs=1e-300)


@settings(max_examples=100)
@given(st.lists(st.floats(-4.5, 4.5), max_size=60))
def test_the_shares_of_a_table_add_up_to_one(values):
    assert np.exp(-table_of(values)[2]).sum() == pytest.approx(1.0)


@settings(max_examples=100)
@given(st.lists(scaled, max_size=40), st.sampled_from([-1, 1]))
def test_surprise_grows_strictly_beyond_the_grid(values, side):
    table = table_of(values)[2]
    far = [surprise(side * place, table, 0) for place in [4.9, 5.0, 5.1, 6.0, 10.0, 20.7, 34.6, 380.0]]
    assert (np.diff(far) > 0).all()
    assert far[-1] - far[-2] == pytest.approx(1.6 * (380.0 - 34.6))


@pytest.mark.parametrize("place", [-4.84375, -1.0, 0.0, 2.3, 4.84375])
def test_surprise_has_no_steps(place, rng):
    table = table_of(rng.normal(size=500))[2]
    assert surprise(place - 1e-9, table, 0) == pytest.approx(surprise(place + 1e-9, table, 0), abs=1e-7)


def test_a_weight_counts_as_that_many_values():
    one, many = table_of([0.3, -2.0], [5.0, 1.0]), table_of([0.3] * 5 + [-2.0])
    for a, b in zip(one, many, strict=True):
        np.testing.assert_allclose(a, b)


def test_counts_fade_by_what_they_are_told():
    values = [0.1, 0.1, 3.0]
    counts, mass, table = table_of(values, decay=0.25)
    np.testing.assert_allclose(counts, 0.25 * table_of(values)[0])
    assert mass[0] == pytest.approx(0.75)
    for _ in range(2000):
        refresh(counts, mass, table, 0.25)
    # all is forgotten: each bin is as likely as any other
    np.testing.assert_allclose(table, math.log(BINS))


def test_new_values_take_over_as_old_ones_fade(rng):
    counts, mass, table = table_of(rng.normal(-3.0, 0.2, 1000))
    assert surprise(-3.0, table, 0) + 2 < surprise(3.0, table, 0)
    for value in rng.normal(3.0, 0.2, 1000):
        add(value, counts, 0, 1.0)
        mass[0] += 1.0
        refresh(counts, mass, table, 0.99)
    assert surprise(3.0, table, 0) + 2 < surprise(-3.0, table, 0)
    assert mass[0] == pytest.approx(99.0, rel=0.01)


def test_a_gap_between_two_peaks_surprises():
    table = table_of([-2.0] * 50 + [2.0] * 50)[2]
    assert surprise(0.0, table, 0) > surprise(2.0, table, 0) + 3
    assert surprise(-2.0, table, 0) == pytest.approx(surprise(2.0, table, 0))


def test_each_feature_has_its_own_histogram(rng):
    counts, mass, table = np.zeros((BINS, 3)), np.zeros(3), np.zeros((BINS, 3))
    columns = [rng.normal(size=20), [], rng.normal(2.0, 1.0, size=7)]
    for j, column in enumerate(columns):
        for value in column:
            add(value, counts, j, 1.0)
        mass[j] = len(column)
    refresh(counts, mass, table, 1.0)
    for j, column in enumerate(columns):
        np.testing.assert_array_equal(table[:, j], table_of(column)[2][:, 0])
