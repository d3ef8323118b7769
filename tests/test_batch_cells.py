"""What each cell should be given the others, over whole tables: against the network of one row, and one
broken sensor among many."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iotae import BatchAutoencoder, serialization
from iotae.batch.cells import CellView
from iotae.batch.scoring import JoinedScore
from iotae.nn import leave_one_out_rows
from iotae.nn.leave_one_out import HIDDEN, n_rows_of_block, predict
from iotae.nn.leave_one_out_rows import predict_rows, train_rows
from iotae.nn.training import schedule


def network(rng, d):
    weights = rng.normal(0, 0.4, size=(n_rows_of_block(d), HIDDEN)).astype(np.float32)
    return weights, rng.normal(size=d).astype(np.float32)


def predicted(cells, weights, bias, which=None, function=predict_rows):
    result = np.full(cells.shape, 7.0, np.float32)
    function(cells, weights, bias, np.arange(cells.shape[1]) if which is None else which, result)
    return result


# -- many rows at a time ------------------------------------------------------------------------


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 250), st.integers(1, 9), st.integers(0, 99))
def test_a_table_is_predicted_as_its_rows_one_by_one(n, d, seed):
    rng = np.random.default_rng(seed)
    cells, (weights, bias) = rng.normal(size=(n, d)).astype(np.float32), network(rng, d)
    expected, scratch = np.empty_like(cells), np.zeros((2, HIDDEN), np.float32)
    for row, result in zip(cells, expected, strict=True):
        predict(row, weights, bias, scratch, result)
    got = predicted(cells, weights, bias)
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-4)
    # bit for bit, whatever rows are beside it, and compiled or not
    np.testing.assert_array_equal(predicted(cells[n // 2 :], weights, bias), got[n // 2 :])
    arrays = leave_one_out_rows._predict_rows_arrays
    np.testing.assert_array_equal(predicted(cells, weights, bias, function=arrays), got)


def test_only_the_columns_asked_for_are_predicted(rng):
    cells, (weights, bias) = rng.normal(size=(40, 5)).astype(np.float32), network(rng, 5)
    some = predicted(cells, weights, bias, np.array([1, 3]))
    assert (some[:, [0, 2, 4]] == 7.0).all()
    np.testing.assert_array_equal(some[:, [1, 3]], predicted(cells, weights, bias)[:, [1, 3]])


def test_training_learns_what_the_others_say_and_leaves_what_is_no_target(rng):
    load = rng.normal(size=(2000, 1))
    cells = np.hstack([load, -load, load, rng.normal(size=(2000, 1))]).astype(np.float32)
    cells[:, :3] += rng.normal(0, 0.1, size=(2000, 3)).astype(np.float32)
    target = cells.copy()
    target[:, 2] = np.nan
    batches = rng.integers(2000, size=(200, 32))
    weights, bias = train_rows(cells, target, batches, schedule(200, 5e-3), seed=0)
    missed = cells - predicted(cells, weights, bias)
    assert missed[:, :2].std(axis=0).max() < 0.3
    assert missed[:, 3].std() == pytest.approx(1.0, abs=0.1)
    np.testing.assert_array_equal(missed[:, 2], cells[:, 2])


# -- the view -----------------------------------------------------------------------------------


def factors(rng, n, d):
    return (rng.normal(size=(n, 2)) @ rng.normal(size=(2, d)) + 0.3 * rng.normal(size=(n, d))).astype(
        np.float32
    )


@pytest.fixture(scope="module")
def view():
    rng = np.random.default_rng(0)
    rows = factors(rng, 3000, 6)
    rows[rng.random(rows.shape) < 0.05] = np.nan
    return CellView(6).fit(rows, np.ones(3000, np.float32), False, 0), rows


def test_the_broken_cell_is_the_one_farthest_off(view):
    cells, rows = view
    broken = rows[~np.isnan(rows).any(axis=1)][:60].copy()
    where = np.arange(60) % 6
    broken[np.arange(60), where] += 5.0
    together, largest = cells.shares(broken)
    assert (largest.argmax(axis=1) == where).mean() > 0.95
    assert (largest.sum(axis=1) == 1).all()
    np.testing.assert_array_equal(together.argmax(axis=1), largest.argmax(axis=1))
    assert np.median(cells.heights(broken)[1]) > 10 * np.median(cells.heights(rows)[1])


def test_what_is_expected_of_a_cell_does_not_hang_on_what_it_says(view):
    cells, rows = view
    whole = rows[~np.isnan(rows).any(axis=1)][:60]
    told = cells.expected(whole)
    assert np.corrcoef(told.ravel(), whole.ravel())[0, 1] > 0.8
    broken, where = whole.copy(), np.arange(60) % 6
    broken[np.arange(60), where] += 8.0
    off = np.abs(cells.expected(broken) - told)[np.arange(60), where]
    assert np.median(off) == 0.0


def test_two_broken_cells_do_not_blame_a_third(view):
    cells, rows = view
    whole = rows[~np.isnan(rows).any(axis=1)][:200]
    broken = whole.copy()
    broken[:, 1] += 8.0
    broken[:, 4] -= 8.0
    others = [0, 2, 3, 5]
    spoilt = np.abs(cells._foretold(np.clip(broken, -6, 6)) - cells.expected(whole))[:, others]
    mended = np.abs(cells.expected(broken) - cells.expected(whole))[:, others]
    assert np.median(mended) < 0.3 * np.median(spoilt)
    together, _ = cells.shares(broken)
    assert (np.sort(np.argsort(-together, axis=1)[:, :2], axis=1) == [1, 4]).all(axis=1).mean() > 0.9


def test_what_is_expected_is_the_same_for_a_row_alone_and_in_a_table(view):
    cells, rows = view
    rows = rows[:40].copy()
    rows[::3, 2] += 9.0
    rows[::5, 0] -= 9.0
    told = cells.expected(rows)
    assert np.isfinite(told).all()
    for i, row in enumerate(rows):
        np.testing.assert_array_equal(cells.expected(row[None])[0], told[i])


def test_a_missing_cell_is_not_off(view):
    cells, rows = view
    gone = np.full((1, 6), np.nan, np.float32)
    assert not cells.shares(gone)[0][0].max() > cells.heights(rows)[0].max()
    assert cells.heights(gone)[1] == 0.0


def test_a_view_comes_back_from_a_file_bit_for_bit(view):
    cells, rows = view
    data = serialization.loads(serialization.dumps("cells", cells.to_state()))[1]
    for got, expected in zip(CellView.from_state(data).heights(rows), cells.heights(rows), strict=True):
        np.testing.assert_array_equal(got, expected)


def test_rows_out_of_order_are_few_and_have_a_cell_far_off(view):
    cells, rows = view
    assert cells.in_order(rows).mean() > 0.97
    broken = rows[cells.in_order(rows)][:100]
    broken[:3, 0] = 20.0
    assert np.flatnonzero(~cells.in_order(broken)).tolist() == [0, 1, 2]
    broken[:, 0] = np.linspace(20.0, 30.0, 100)
    assert (~cells.in_order(broken)).sum() <= 5


def test_rows_of_weight_0_teach_nothing():
    rng = np.random.default_rng(1)
    rows, weights = factors(rng, 600, 4), np.ones(600, np.float32)
    weights[300:] = 0.0
    other = rows.copy()
    other[300:] *= -3.0
    one, two = (CellView(4).fit(table, weights, False, 0).to_state() for table in (rows, other))
    np.testing.assert_array_equal(one["weights"], two["weights"])


def test_the_values_of_a_category_are_seen_and_not_predicted():
    rng = np.random.default_rng(2)
    state = rng.random(3000) < 0.5
    rows = np.column_stack([np.where(state, 2.0, -2.0), state - 0.5, 0.5 - state, np.zeros(3000)])
    rows[:, 0] += rng.normal(0, 0.3, size=3000)
    cells = CellView(4, np.array([0, 1, 1, -1]))
    rows = rows.astype(np.float32)
    cells.fit(rows, np.ones(3000, np.float32), True, 0)
    wrong, rare = rows[:1].copy(), rows[:1].copy()
    wrong[0, 1:3] *= -1.0
    rare[0, 3] = 6.0
    assert cells.shares(wrong)[1].argmax() == 0
    assert cells.heights(wrong)[1] > 9.0
    assert cells.shares(rare)[1].argmax() == 3
    assert cells.heights(rare)[1] == 36.0
    assert not cells.shares(rows)[0][:, 1:3].any()
    assert np.isnan(cells.expected(rows)[:, 1:]).all()
    np.testing.assert_allclose(cells.expected(wrong)[0, 0], -rows[0, 0], atol=1.0)


def test_categories_alone_can_be_viewed(rng):
    rows = rng.normal(size=(50, 3)).astype(np.float32)
    cells = CellView(3, np.array([1, 1, -1])).fit(rows, np.ones(50, np.float32), False, 0)
    together, alone = cells.heights(rows)
    np.testing.assert_allclose(together, rows[:, 2] ** 2, rtol=1e-6)
    np.testing.assert_allclose(alone, rows[:, 2] ** 2, rtol=1e-6)


# -- one broken sensor among many ---------------------------------------------------------------


def area(y, scores):
    """Probability that an odd row scores higher than a usual one."""
    order = np.argsort(scores)
    ranks = np.empty(len(order))
    ranks[order] = np.arange(1, len(order) + 1)
    odd = y.sum()
    return (ranks[y].sum() - odd * (odd + 1) / 2) / (odd * (len(y) - odd))


@pytest.mark.parametrize(("d", "deviations", "least"), [(20, 8.0, 0.99), (100, 5.0, 0.96)])
@pytest.mark.parametrize("clean", [False, True])
def test_one_broken_cell_is_found_among_many(d, deviations, least, clean):
    rng = np.random.default_rng(0)
    X = np.sqrt(0.5) * (rng.normal(size=(3000, 1)) + rng.normal(size=(3000, d)))
    y = np.arange(3000) % 100 == 50
    X[y, rng.integers(d, size=y.sum())] += deviations * rng.choice([-1.0, 1.0], size=y.sum())
    model = BatchAutoencoder(seed=0, clean=clean).fit(X[~y] if clean else X)
    assert area(y, model.score(X)) > least


def test_a_table_is_told_what_a_cell_should_be_in_its_own_unit(rng):
    load = rng.normal(size=2000)
    table = np.column_stack(
        [1e4 + 1e3 * load, 5.0 - 0.1 * load, 1e-3 * load, load + 0.1 * rng.normal(size=2000)]
    )
    model = BatchAutoencoder(seed=0).fit(table)
    broken = table[:200].copy()
    broken[:, 0] += 8e3
    broken[:3, 1] = np.nan
    told = model.expected(broken)
    assert np.median(np.abs(told[:, 0] - table[:200, 0])) < 300
    assert np.median(np.abs(told[:, 2] - table[:200, 2])) < 3e-4
    assert np.abs(told[:3, 1] - table[:3, 1]).max() < 0.1
    categories = np.array([0, 0, 1, 1])
    mixed = np.column_stack([table[:, :2], load > 0, load <= 0]).astype(float)
    model = BatchAutoencoder(seed=0).fit(mixed, categories=categories)
    np.testing.assert_array_equal(model.expected(mixed)[:, 2:], model.reconstruct(mixed)[:, 2:])
    with pytest.raises(ValueError, match="not fitted"):
        BatchAutoencoder().expected(table)


def test_views_of_version_01_have_no_cells(rng):
    rows = factors(rng, 500, 3)
    learned = rows, np.zeros((500, 1), np.float32), rows
    views = JoinedScore().fit(learned, learned, rows[:100])
    state = views.to_state()
    del state["cells"], state["weights"]
    back = JoinedScore.from_state(state)
    np.testing.assert_array_equal(back.score(*learned), views.score(*learned))
    assert back.expected(rows, learned[1]) is learned[1]
