"""Which rows vouch and teach: clumps do not, lone rows may, the bulk does."""

import numpy as np
import pytest

from iotae.batch.row_selection import LEARN_ROWS, choose_rows, far_and_near, sample, trusted


def bulk(rng, n=2000, d=6):
    # a clump is judged against company that varies: uniform company hides it
    load = rng.normal(size=(n, 2))
    return (load @ rng.normal(size=(2, d)) + 0.3 * rng.normal(size=(n, d))).astype(np.float32)


def verdicts(rows, strictness=0.0):
    """Which rows are trusted, the sample being all of them in random order."""
    order = np.random.default_rng(0).permutation(len(rows))
    usual, own = far_and_near(rows[order], [rows[order], rows])
    return trusted(own, usual, strictness)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("strictness", [0.0, 1.0])
def test_a_clump_far_away_is_distrusted(seed, strictness):
    rng = np.random.default_rng(seed)
    rows = bulk(rng, 900)
    clump = 12.0 + 0.1 * rng.normal(size=(100, 6))
    trust = verdicts(np.vstack([rows, clump]).astype(np.float32), strictness)
    assert trust[900:].mean() < 0.05
    assert trust[:900].mean() > (0.7, 0.85)[strictness > 0]


@pytest.mark.parametrize("seed", range(3))
def test_lone_outliers_are_not_suspect(seed):
    rng = np.random.default_rng(seed)
    directions = rng.normal(size=(10, 6))
    lone = 30.0 * directions / np.linalg.norm(directions, axis=1, keepdims=True)
    trust = verdicts(np.vstack([bulk(rng, 990), lone]).astype(np.float32), 1.0)
    assert trust[990:].mean() > 0.9


def test_a_bulk_alone_is_mostly_trusted(rng):
    assert verdicts(bulk(rng, 1000), 1.0).mean() > 0.8
    assert verdicts(bulk(rng, 1000), 0.0).mean() > 0.6


def test_being_stricter_distrusts_fewer(rng):
    rows = bulk(rng, 500)
    shares = [verdicts(rows, strictness).mean() for strictness in (-1.0, 0.0, 1.0, 3.0)]
    assert shares == sorted(shares)
    assert shares[0] < shares[-1]


@pytest.mark.parametrize("share", [0.05, 0.1])
def test_hardly_a_row_of_a_clump_is_chosen(share, rng):
    n = 4000
    rows = bulk(rng, n)
    odd = np.arange(n) < share * n
    rows[odd] = (12.0 + 0.1 * rng.normal(size=(odd.sum(), 6))).astype(np.float32)
    vouching, teaching = choose_rows(rows, False, np.random.default_rng(0))
    assert odd[vouching].mean() < 0.1 * share
    assert odd[teaching].mean() < 0.1 * share
    assert 400 < vouching.size <= 1024
    assert 1500 < teaching.size <= LEARN_ROWS


def test_clean_rows_all_vouch_and_teach(rng):
    rows = bulk(rng, 300)
    rows[:50] = 12.0
    vouching, teaching = choose_rows(rows, True, np.random.default_rng(0))
    assert sorted(vouching) == list(range(300))
    assert sorted(teaching) == list(range(300))
    many, every = choose_rows(bulk(rng, 5000), True, np.random.default_rng(0))
    assert (many.size, every.size) == (4096, 5000)


@pytest.mark.parametrize("n", [1, 2, 3, 5, 17])
@pytest.mark.parametrize("clean", [True, False])
def test_tables_of_a_few_rows_have_rows_that_vouch(n, clean, rng):
    vouching, teaching = choose_rows(bulk(rng, n), clean, np.random.default_rng(0))
    for chosen in (vouching, teaching):
        assert 1 <= chosen.size <= n
        assert np.unique(chosen).size == chosen.size
        assert set(chosen) <= set(range(n))


@pytest.mark.parametrize("fill", [0.0, 5.0, np.nan])
def test_rows_that_are_all_the_same_are_trusted(fill):
    rows = np.full((200, 4), fill, np.float32)
    vouching, teaching = choose_rows(rows, False, np.random.default_rng(0))
    assert vouching.size == 200
    assert teaching.size == 200


def test_the_generator_decides(rng):
    rows = bulk(rng, 3000)
    one, same, other = (choose_rows(rows, False, np.random.default_rng(s)) for s in (0, 0, 1))
    np.testing.assert_array_equal(one[0], same[0])
    np.testing.assert_array_equal(one[1], same[1])
    assert not np.array_equal(np.sort(one[0]), np.sort(other[0]))


def test_a_sample_is_drawn_without_replacement(rng):
    rows = np.arange(100) * 3
    drawn = sample(rows, 40, rng)
    assert drawn.size == np.unique(drawn).size == 40
    assert set(drawn) <= set(rows)
    assert sorted(sample(rows, 1000, rng)) == rows.tolist()


@pytest.mark.parametrize("n", [1, 7, 16, 100, 1024])
def test_far_is_no_nearer_than_near(n, rng):
    rows = bulk(rng, n)
    others = bulk(rng, 50)
    for far, near in far_and_near(rows, [rows, others]):
        assert np.isfinite(far).all()
        assert (far >= 0).all()
        # both are means of group minima, near's of the smallest few
        assert (far >= near - 1e-3).mean() > 0.95


def test_far_is_the_mean_of_group_minima_by_hand(rng):
    references, rows = bulk(rng, 40), bulk(rng, 9) + 20
    # 40 // 8 = 5 references a group: 8 groups
    ((far, _),) = far_and_near(references, [rows])
    apart = np.linalg.norm(rows[:, None].astype(float) - references[None], axis=2)
    expected = np.mean([apart[:, group::8].min(axis=1) for group in range(8)], axis=0)
    np.testing.assert_allclose(far, expected, rtol=1e-3)
