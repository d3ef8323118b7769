"""Distances to references against counting them out."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iotae.batch.neighbours import Neighbours, mean_distance
from tests import naive


def table(rng, n, d=4):
    return rng.normal(size=(n, d)).astype(np.float32)


@settings(max_examples=40)
@given(st.integers(4, 128), st.integers(1, 20), st.integers(1, 9), st.integers(0, 99))
def test_near_is_the_naive_mean_of_three(m, n, d, seed):
    rng = np.random.default_rng(seed)
    references, rows = table(rng, m, d), table(rng, n, d)
    # up to 128 references each have a group of their own
    got = Neighbours(references).near(rows)
    nearest = np.linalg.norm(rows[:, None] - references, axis=2).min(axis=1)
    # what is within a thousandth of a row's length is taken for the row itself, and not counted
    clear = nearest > 2e-3 * np.sqrt((rows**2).sum(axis=1) + 1e-3)
    expected = np.array(naive.distances(rows, references))
    np.testing.assert_allclose(got[clear], expected[clear], rtol=1e-3, atol=1e-3)


@pytest.mark.untraced
@pytest.mark.parametrize("m", [129, 1000, 1024, 1025, 2048])
def test_groups_cost_little_where_references_are_many(m, rng):
    references, rows = table(rng, m), table(rng, 200)
    got = Neighbours(references).near(rows)
    expected = np.array(naive.distances(rows, references))
    # three may share a group: what is found instead is farther, and seldom
    assert (got >= expected - 1e-3).all()
    assert np.mean(np.abs(got - expected) < 1e-3) > 0.9
    assert np.corrcoef(got, expected)[0, 1] > 0.99


@pytest.mark.parametrize("share", [0.1, 0.5])
def test_missing_cells_are_left_out_and_scaled_up(share, rng):
    references, rows = table(rng, 60, 6), table(rng, 80, 6)
    rows[rng.random(rows.shape) < share] = np.nan
    rows[0] = np.nan
    rows[0, 2] = 1.0
    got = Neighbours(references).near(rows)
    expected = np.array(naive.distances(rows, references))
    clear = expected > 0.05
    np.testing.assert_allclose(got[clear], expected[clear], rtol=2e-2, atol=1e-3)
    assert clear.mean() > 0.9


def test_a_row_with_no_cell_is_at_distance_zero(rng):
    rows = np.full((3, 4), np.nan, np.float32)
    np.testing.assert_array_equal(Neighbours(table(rng, 40)).near(rows), 0.0)


def test_a_missing_cell_of_a_reference_lies_at_the_average(rng):
    references = table(rng, 40)
    references[::3, 1] = np.nan
    rows = table(rng, 20)
    expected = naive.distances(rows, np.nan_to_num(references))
    np.testing.assert_allclose(Neighbours(references).near(rows), expected, rtol=1e-3)


def test_a_row_is_not_its_own_neighbour(rng):
    references = table(rng, 100)
    got = Neighbours(references).near(references)
    np.testing.assert_allclose(got, naive.distances(references, references), rtol=1e-3, atol=1e-3)
    assert (got > 0.1).all()


def test_one_twin_is_the_row_itself_and_two_are_company(rng):
    references = table(rng, 100)
    references[1] = references[0]
    alone = naive.distances(references[:1], references[2:])[0]
    got = Neighbours(references).near(references[:1])[0]
    # the first is the row itself, the second is another row that is the same
    expected = sorted(np.linalg.norm(references[2:] - references[0], axis=1))[:2]
    assert got == pytest.approx(sum(expected) / 3, abs=2e-3)
    assert got < alone


def test_blocks_do_not_show(rng):
    references, rows = table(rng, 300), table(rng, 1025)
    rows[600, 2] = np.nan
    made = Neighbours(references)
    whole = made.near(rows)
    for n in (1, 63, 64, 65, 1023, 1024):
        np.testing.assert_array_equal(made.near(rows[:n]), whole[:n])
    np.testing.assert_array_equal(made.near(np.ascontiguousarray(rows[::-1])), whole[::-1])
    assert made.near(rows[:0]).shape == (0,)
    places = [place for place, *_ in made.pieces(rows)]
    assert [(p.start, p.stop) for p in places] == [(0, 1024), (1024, 1025)]


@pytest.mark.parametrize("m", [1, 2, 3, 4])
def test_fewer_references_than_neighbours(m, rng):
    references, rows = table(rng, m), table(rng, 50)
    got = Neighbours(references).near(rows)
    apart = np.sort(np.linalg.norm(rows[:, None] - references[None], axis=2), axis=1)
    # one is kept back, in case that it is the row itself
    expected = apart[:, : max(1, min(3, m - 1))].mean(axis=1)
    np.testing.assert_allclose(got, expected, rtol=1e-3)
    own = Neighbours(references).near(references)
    assert np.isfinite(own).all()
    if m > 1:
        assert (own > 0.1).all()


@pytest.mark.parametrize("size", [1e-2, 1.0, 30.0])
def test_distances_are_exact_enough_at_any_length(size, rng):
    references, rows = size * table(rng, 100, 20), size * table(rng, 20, 20)
    expected = naive.distances(rows / size, references / size)
    np.testing.assert_allclose(Neighbours(references).near(rows) / size, expected, rtol=1e-3)


def test_what_is_farther_out_is_farther(rng):
    made = Neighbours(table(rng, 200))
    line = np.outer(np.linspace(3, 30, 50), [1, 0, 0, 0]).astype(np.float32)
    assert (np.diff(made.near(line)) > 0).all()


def test_minima_are_the_nearest_of_each_group(rng):
    references, rows = table(rng, 10), table(rng, 7)
    ((place, near, squares, bound),) = Neighbours(references, groups=4).pieces(rows)
    assert (place, squares.shape, bound.shape) == (slice(0, 7), (4, 7), (7,))
    np.testing.assert_array_equal(near, Neighbours(references, groups=4).near(rows))
    apart = np.linalg.norm(rows[:, None] - references[None], axis=2)
    for group in range(4):
        np.testing.assert_allclose(np.sqrt(squares[group]), apart[:, group::4].min(axis=1), rtol=1e-3)


def test_shares_are_squared_distances_by_column(rng):
    references, rows = table(rng, 50), table(rng, 600)
    rows[1, 2] = np.nan
    parts = Neighbours(references).shares(rows)
    whole = np.nan_to_num(rows)
    for i in [0, 1, 511, 512, 599]:
        nearest = np.argsort(((whole[i] - references) ** 2).sum(axis=1))[:4]
        expected = ((whole[i] - references[nearest]) ** 2).sum(axis=0)
        expected[np.isnan(rows[i])] = 0.0
        np.testing.assert_allclose(parts[i], expected, rtol=1e-4)


def test_the_mean_distance_by_hand():
    nearest = np.array([[1.0, 2.0, 3.0, 5.0], [0.0, 1.0, 4.0, 4.0]], np.float32)
    least, bound = np.ascontiguousarray(nearest.T) ** 2, np.array([0.5, 0.5], np.float32)
    assert mean_distance(least, bound, 5).tolist() == pytest.approx([2.0, 3.0])
    assert mean_distance(least, bound, 1).tolist() == pytest.approx([1.0, 0.0])
