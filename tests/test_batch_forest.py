"""The forest: its trees beside ones grown by plain loops, what it finds, and what it says of columns."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.ensemble import IsolationForest

from iotae import BatchAutoencoder
from iotae.batch import forest as forests
from iotae.batch.forest import LEVELS, TREES, Forest
from iotae.batch.tree_growth import best_cuts, grow
from iotae.serialization import StateError
from tests import naive
from tests.test_batch_scoring import through_a_file


def test_trees_are_those_of_plain_loops(rng):
    # few values, so that some columns of a node do not vary and candidates are passed over
    rows = np.concatenate([rng.normal(size=(60, 2)), rng.integers(0, 2, (60, 3))], axis=1).astype(np.float32)
    sample = np.stack([rng.choice(60, 40, replace=False) for _ in range(3)])
    tried = rng.integers(0, 5, (3, 15, 3)).astype(np.int32)
    trees = grow(rows, sample, tried)
    n_split = 0
    for t in range(3):
        columns, cuts, sizes = naive.grow_tree(rows.tolist(), sample[t], tried[t], 4)
        np.testing.assert_array_equal(trees.sizes[t], sizes)
        np.testing.assert_allclose(trees.cuts[t], cuts, rtol=1e-6)
        split = np.isfinite(cuts)
        np.testing.assert_array_equal(trees.columns[t][split], np.array(columns)[split].astype(int))
        n_split += split.sum()
    assert n_split > 20


@given(st.lists(st.lists(st.floats(-30, 30, width=32), min_size=1, max_size=12), min_size=1, max_size=6))
def test_a_cut_parts_a_stretch_as_well_as_any(stretches):
    values = np.concatenate([np.array(part, np.float32) for part in stretches])
    place = np.repeat(np.arange(len(stretches)), [len(part) for part in stretches]).astype(np.int16)
    order = np.random.default_rng(0).permutation(values.size)
    # sizes of stretches in order, values within a stretch in any
    values = values[order][np.argsort(place[order], kind="stable")]
    starts = np.flatnonzero(np.r_[True, place[1:] > place[:-1]])
    for part, cut in zip(np.split(values, starts[1:]), best_cuts(values, place, starts), strict=True):
        distinct = sorted(set(part.tolist()))
        if len(distinct) == 1:
            assert cut == math.inf
            continue
        below, above = part[part <= cut].astype(float), part[part > cut].astype(float)
        assert below.size
        assert above.size
        spread = below.size * below.std() + above.size * above.std()
        best = min(
            sum(
                side.size * side.std()
                for side in (part[part <= low].astype(float), part[part > low].astype(float))
            )
            for low in distinct[:-1]
        )
        assert spread <= best * (1 + 1e-6) + 1e-6 * (distinct[-1] - distinct[0])


def test_a_row_falls_to_the_depth_of_its_leaf(rng):
    rows = rng.normal(size=(300, 4)).astype(np.float32)
    rows[rng.random(rows.shape) < 0.1] = np.nan
    forest = Forest().fit(rows, seed=0)
    filled = np.nan_to_num(rows, nan=0.0)
    state = forest.to_state()
    usual = 2 * (math.log(255) + np.euler_gamma) - 2 * 255 / 256
    for i in (0, 7, 299):
        total = 0.0
        for columns, cuts, sizes in zip(state["columns"], state["cuts"], state["sizes"], strict=True):
            node = depth = 0
            while node < 2**LEVELS - 1:
                depth += np.isfinite(cuts[node])
                node = 2 * node + (2 if filled[i, columns[node]] > cuts[node] else 1)
            n = int(sizes[node])
            total += depth + (2 * (math.log(n - 1) + np.euler_gamma) - 2 * (n - 1) / n if n > 2 else n == 2)
        assert forest.heights(rows)[i] == pytest.approx(2 ** (-total / TREES / usual), rel=1e-5)


def test_loops_and_arrays_say_the_same(rng):
    rows = rng.normal(size=(130, 4)).astype(np.float32)
    state = Forest().fit(rows, seed=0).to_state()
    leaves = rng.normal(size=(TREES, 2**LEVELS)).astype(np.float32)
    loops, arrays = np.zeros(130), np.zeros(130)
    forests._depths(rows, state["columns"], state["cuts"], leaves, loops)
    forests._depths_arrays(rows, state["columns"], state["cuts"], leaves, arrays)
    np.testing.assert_array_equal(loops, arrays)


def test_a_small_tight_group_among_the_others_is_cut_off_first(rng):
    """What neighbours do not see, as the group's rows are near to each other, nor cuts at random."""
    corners = rng.choice([-1.0, 1.0], size=(2000, 6))
    rows = (corners + 0.15 * rng.normal(size=corners.shape)).astype(np.float32)
    rows[:40] = 0.03 * rng.normal(size=(40, 6))
    odd = np.arange(2000) < 40
    forest = Forest().fit(rows, seed=0).heights(rows)
    at_random = -IsolationForest(random_state=0).fit(rows).score_samples(rows)
    share_below = [
        np.mean(np.sort(heights[~odd]) < np.median(heights[odd])) for heights in (forest, at_random)
    ]
    assert share_below[0] > 0.99 > share_below[1]


def test_the_column_that_cuts_a_row_off_gets_most_of_its_share(rng):
    rows = rng.normal(size=(1000, 5)).astype(np.float32)
    odd = rows[:20].copy()
    odd[:, 3] = 8.0
    shares = Forest().fit(np.concatenate([rows, odd]), seed=0).shares(odd)
    assert (shares >= 0).all()
    assert (shares.argmax(axis=1) == 3).all()


@pytest.mark.parametrize("n", [1, 2, 3, 50])
def test_few_rows_and_constant_columns(n, rng):
    rows = rng.normal(size=(n, 3)).astype(np.float32)
    rows[:, 1] = 2.0
    heights = Forest().fit(rows, seed=0).heights(rows)
    assert np.isfinite(heights).all()
    assert ((heights > 0) & (heights <= 1)).all()
    same = Forest().fit(np.ones((n, 3), np.float32), seed=0).heights(np.ones((2, 3), np.float32))
    assert same[0] == same[1]


def test_a_forest_of_a_state_says_the_same_bits(rng):
    rows = rng.normal(size=(200, 3)).astype(np.float32)
    forest = Forest().fit(rows, seed=1)
    back = Forest.from_state(through_a_file(forest.to_state()))
    np.testing.assert_array_equal(back.heights(rows), forest.heights(rows))
    np.testing.assert_array_equal(back.shares(rows), forest.shares(rows))


@pytest.mark.parametrize(
    ("name", "spoil"),
    [
        ("columns", lambda part: part + 3),
        ("cuts", lambda part: part * np.float32(np.nan)),
        ("cuts", lambda part: part[:-1]),
        ("sizes", lambda part: part * 0),
        ("sizes", lambda part: part + 1),
    ],
)
def test_a_state_that_is_no_forest_is_refused(name, spoil, rng):
    state = BatchAutoencoder(seed=0).fit(rng.normal(size=(60, 3))).to_state()
    BatchAutoencoder.from_state(state)
    state["views"]["forest"][name] = spoil(state["views"]["forest"][name])
    with pytest.raises(StateError, match="forest"):
        BatchAutoencoder.from_state(state)


def test_clean_rows_are_scored_without_it(rng):
    X = rng.normal(size=(500, 3))
    assert BatchAutoencoder(seed=0, clean=True).fit(X).to_state()["views"]["forest"] is None
    assert len(BatchAutoencoder(seed=0).fit(X).to_state()["views"]["weights"]) == 5
