"""A table's scaler against medians in plain NumPy, and on columns that no scaler likes."""

import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from iotae import serialization
from iotae.batch.scaler import TableScaler


def naive_column(column, probe):
    """One column's scaled probe values, step by step."""
    there = [min(max(v, -1e300), 1e300) for v in column if not math.isnan(v)]
    centre = float(np.median(there)) if there else 0.0
    apart = [abs(v - centre) for v in there if v != centre]
    unit = max(float(np.median(apart)), 1e-290) if apart else 1.0

    def bend(value):
        units = (value - centre) / (4 * unit)
        return 4 * math.asinh(min(max(units, -1e30), 1e30))

    bent = [min(max(bend(v), -40.0), 40.0) for v in there]
    mean = sum(bent) / max(len(bent), 1)
    variance = sum((v - mean) ** 2 for v in bent) / max(len(bent), 1)
    deviation = max(math.sqrt(variance), 0.1) if variance > 1e-8 else 1.0
    scaled = [math.nan if math.isnan(v) else (bend(v) - mean) / deviation for v in probe]
    return [v if math.isnan(v) else min(max(v, -30.0), 30.0) for v in scaled]


cells = st.one_of(
    st.floats(-100, 100, width=32), st.sampled_from([math.nan, 0.0, 1.0, 1e300, -1e300, 1e-40, 1e9])
)


@settings(max_examples=150)
@given(hnp.arrays(np.float64, st.tuples(st.integers(1, 30), st.integers(1, 4)), elements=cells))
def test_scaling_is_the_naive_one_column_by_column(table):
    probe = np.vstack([table, np.zeros_like(table[:1]), np.full_like(table[:1], 7.5)])
    scaled = TableScaler().fit(table).transform(probe)
    assert scaled.dtype == np.float32
    for j in range(table.shape[1]):
        expected = naive_column(table[:, j].tolist(), probe[:, j].tolist())
        np.testing.assert_allclose(scaled[:, j], expected, rtol=1e-4, atol=2e-4)


@settings(max_examples=150)
@given(
    hnp.arrays(
        np.float64,
        st.tuples(st.integers(1, 20), st.integers(1, 3)),
        elements=st.floats(allow_nan=True, allow_infinity=True),
    )
)
@example(np.array([[0.0], [0.0], [1e-250], [2e-250], [1e300]]))
@example(np.array([[0.0], [0.0], [5e-324], [5e-324], [np.inf]]))
def test_any_table_of_numbers_scales_to_small_numbers(table):
    scaled = TableScaler().fit(table).transform(table)
    np.testing.assert_array_equal(np.isnan(scaled), np.isnan(table))
    assert not (np.abs(scaled) > 30).any()


def test_an_ordinary_column_gets_mean_zero_and_deviation_one(rng):
    scaled = TableScaler().fit(X := rng.normal(100.0, 20.0, size=(2000, 3))).transform(X)
    np.testing.assert_allclose(scaled.mean(axis=0), 0.0, atol=1e-4)
    np.testing.assert_allclose(scaled.std(axis=0), 1.0, atol=1e-4)


def test_neither_unit_nor_origin_of_a_column_matters(rng):
    X = rng.lognormal(size=(500, 2))
    one, other = TableScaler().fit(X), TableScaler().fit(1e6 * X - 3e4)
    np.testing.assert_allclose(one.transform(X), other.transform(1e6 * X - 3e4), atol=1e-3)


def test_order_is_kept(rng):
    scaler = TableScaler().fit(rng.standard_t(2, size=(500, 1)))
    probe = np.linspace(-40, 40, 1001)[:, None]
    assert (np.diff(scaler.transform(probe)[:, 0]) > 0).all()


def test_a_tail_is_bent_and_the_bulk_is_not(rng):
    X = rng.normal(size=(4001, 1))
    scaler = TableScaler().fit(X)
    near, far = scaler.transform([[0.5], [1.0], [1e3], [1e6]])[:, 0][[0, 1]], scaler.transform([[1e3], [1e6]])
    assert near[1] / near[0] == pytest.approx(2.0, rel=0.1)
    assert far[1, 0] / far[0, 0] < 3


@pytest.mark.parametrize("absurd", [1e9, 1e300, -1e300])
def test_one_absurd_cell_leaves_the_rest_as_it_was(absurd, rng):
    X = rng.normal(size=(1000, 1))
    before = TableScaler().fit(X).transform(X)
    struck = X.copy()
    struck[7] = absurd
    after = TableScaler().fit(struck).transform(X)
    keep = np.arange(1000) != 7
    np.testing.assert_allclose(after[keep], before[keep], rtol=0.5, atol=0.2)


def test_odd_columns_get_a_scale():
    n = 1000
    one_hot = np.zeros(n)
    one_hot[::250] = 1.0
    X = np.column_stack([np.full(n, 7.0), one_hot, np.full(n, np.nan), np.zeros(n)])
    scaler = TableScaler().fit(X)
    scaled = scaler.transform(X)
    assert (scaled[:, [0, 3]] == 0).all()
    assert np.isnan(scaled[:, 2]).all()
    # four in a thousand lie about ten deviations away, not a thousand
    rare = scaled[::250, 1]
    assert (rare > 5).all()
    assert (rare < 12).all()
    # a constant that moves moves, and a column never seen takes numbers
    moved = scaler.transform([[8.0, 0.0, 5.0, 1e300]])
    assert moved[0, 0] == pytest.approx(1.0, rel=0.05)
    assert np.isfinite(moved).all()


def test_missing_cells_are_left_out_of_the_scale(rng):
    X = rng.normal(size=(300, 1))
    holed = np.vstack([X, np.full((200, 1), np.nan)])
    a, b = TableScaler().fit(X), TableScaler().fit(holed)
    np.testing.assert_allclose(a.transform(X), b.transform(X), rtol=1e-5, atol=1e-6)


def test_inverse_gives_the_rows_back(rng):
    X = np.column_stack([rng.normal(50, 3, 500), rng.lognormal(3, 1, 500), np.full(500, 4.0)])
    scaler = TableScaler().fit(X)
    np.testing.assert_allclose(scaler.inverse_transform(scaler.transform(X)), X, rtol=1e-4)
    assert np.isfinite(scaler.inverse_transform(np.full((1, 3), 1e9))).all()


@pytest.mark.parametrize("fitted", [True, False])
def test_state_round_trip_is_exact(fitted, rng):
    X = rng.normal(size=(50, 3))
    scaler = TableScaler().fit(X) if fitted else TableScaler.identity(3)
    back = TableScaler.from_state(serialization.loads(serialization.dumps("s", scaler.to_state()))[1])
    assert back.n_features == 3
    np.testing.assert_array_equal(back.transform(X), scaler.transform(X))
    np.testing.assert_array_equal(back.inverse_transform(X), scaler.inverse_transform(X))


def test_the_identity_leaves_rows_as_they_are(rng):
    X = 1e3 * rng.normal(size=(20, 2))
    X[3, 1] = np.nan
    scaler = TableScaler.identity(2)
    np.testing.assert_array_equal(scaler.transform(X), X.astype(np.float32))
    np.testing.assert_array_equal(scaler.inverse_transform(X), X)


def test_fitting_anew_forgets(rng):
    X = rng.normal(size=(50, 2))
    used = TableScaler.identity(2).fit(1e3 * X).fit(X)
    np.testing.assert_array_equal(used.transform(X), TableScaler().fit(X).transform(X))
