"""A seeded sample of rows that come in chunks, and models that are fitted to such tables."""

import tracemalloc

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iotae import BatchAutoencoder
from iotae.data.sampling import gather, sample_chunks, sample_places, sample_rows


def drawn(chunks, most, seed=0):
    pieces = sample_chunks(chunks, most, np.random.default_rng(seed), len, lambda rows, chosen: rows[chosen])
    return np.concatenate(pieces)


@given(st.lists(st.integers(0, 60), min_size=1, max_size=20), st.integers(1, 40), st.integers(0, 9))
def test_the_sample_is_the_same_however_rows_are_cut(lengths, most, seed):
    rows = np.arange(sum(lengths))
    cut = drawn(np.split(rows, np.cumsum(lengths)[:-1]), most, seed)
    np.testing.assert_array_equal(cut, drawn([rows], most, seed))
    # the slow oracle: the rows of the smallest numbers, in their order
    keys = np.random.default_rng(seed).random(rows.size)
    np.testing.assert_array_equal(cut, np.sort(np.argsort(keys)[:most]))


def test_every_row_is_as_likely_as_another():
    counts = np.zeros(20)
    for seed in range(2000):
        counts[drawn([np.arange(7), np.arange(7, 20)], 5, seed)] += 1
    # 500 each, with a deviation of 19
    assert np.abs(counts - 500).max() < 90


def test_numbers_of_rows_are_those_of_the_chunks(rng):
    table = rng.normal(size=(1000, 2))
    rows, names, n_rows, _ = gather(np.array_split(table, 7), 50, seed=3)
    assert (names, n_rows) == (None, 1000)
    np.testing.assert_array_equal(rows, table[sample_rows(np.arange(1000), 50, seed=3)])


@pytest.mark.parametrize("n", [300, 30_000])
def test_a_model_fitted_to_chunks_is_the_one_of_the_whole_table(n, rng):
    frame = pd.DataFrame(rng.normal(size=(n, 3)), columns=["a", "b", "c"])
    frame.iloc[5, 1] = np.nan
    whole = BatchAutoencoder(seed=1).fit(frame)
    cut = BatchAutoencoder(seed=1).fit_chunks(frame[i : i + 4999] for i in range(0, n, 4999))
    np.testing.assert_array_equal(cut.score(frame), whole.score(frame))
    assert cut.feature_names == ["a", "b", "c"]
    assert cut.fitted_scores.shape == (min(n, 20_000),)
    more = rng.normal(size=(100, 3))
    np.testing.assert_array_equal(cut.partial_fit(more).score(more), whole.partial_fit(more).score(more))


def test_the_whole_table_is_never_held(rng):
    block = rng.normal(size=(10_000, 10))
    BatchAutoencoder(seed=0).fit(block[:500])
    tracemalloc.start()
    BatchAutoencoder(seed=0).fit_chunks(block + shift for shift in range(100))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # the table has 80 MB
    assert peak < 40e6


@pytest.mark.parametrize(
    ("chunks", "message"),
    [
        ([], "at least one row"),
        ([np.ones((0, 2))], "at least one row"),
        ([np.ones((3, 2)), np.ones((3, 4))], r"shape \(3, 4\).*row 3"),
        ([np.ones(3)], r"shape \(3,\)"),
        ([pd.DataFrame({"a": [1.0]}), pd.DataFrame({"b": [1.0]})], "columns .'b'."),
    ],
)
def test_chunks_that_do_not_fit_leave_a_model_as_it_was(chunks, message):
    rows = np.arange(12.0).reshape(4, 3)
    model = BatchAutoencoder(seed=0).fit(rows)
    before = model.score(rows)
    with pytest.raises(ValueError, match=message):
        model.fit_chunks(chunks)
    np.testing.assert_array_equal(model.score(rows), before)


@pytest.mark.parametrize("n_rows", [0, 1, 99, 100, 101, 2**20 + 1])
def test_places_drawn_without_the_table_are_those_of_the_table(n_rows):
    drawn = sample_places(n_rows, 100, 5)
    np.testing.assert_array_equal(drawn, sample_rows(np.arange(n_rows), 100, 5))
    assert drawn.dtype == np.int64
