import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iotae import RunningScaler
from iotae.stream.scaler import scaled_value
from tests import naive

values = st.floats(allow_nan=True, allow_infinity=True)


@settings(max_examples=200)
@given(st.lists(values, max_size=60), st.sampled_from([0.05, 1e-4]))
def test_update_is_the_naive_recursion_on_any_values(column, rate):
    scaler = RunningScaler(1, horizon=1 / rate)
    scaler.update(np.array(column).reshape(-1, 1))
    centre, spread = naive.running_statistics(column, rate)
    assert scaler.centre[0] == pytest.approx(centre, rel=1e-9)
    assert scaler.spread[0] == pytest.approx(spread, rel=1e-9)
    probe = scaler.transform([[1e300], [0.0], [-np.inf], [np.nan]])[:, 0]
    assert np.isfinite(probe[:2]).all()
    assert np.isnan(probe[2:]).all()


@given(values, st.lists(values, max_size=12))
@settings(max_examples=200)
def test_the_row_kernel_scales_as_the_table_does(value, column):
    scaler = RunningScaler(1)
    scaler.update(np.array(column).reshape(-1, 1))
    one = scaled_value(value, *scaler.stats[:3, 0])
    np.testing.assert_allclose(one, scaler.transform([[value]])[0, 0], rtol=1e-6, atol=1e-30)


@given(st.integers(0, 40))
@settings(max_examples=20)
def test_slicing_makes_no_difference(cut):
    rows = np.random.default_rng(cut).normal(size=(40, 3))
    whole, sliced = RunningScaler(3), RunningScaler(3)
    whole.update(rows)
    sliced.update(rows[:cut])
    sliced.update(rows[cut:])
    np.testing.assert_array_equal(whole.centre, sliced.centre)
    np.testing.assert_array_equal(whole.stats, sliced.stats)


@pytest.mark.parametrize("place", [0, 1, 5, 500])
@pytest.mark.parametrize("absurd", [1e9, -1e300, np.inf, np.nan])
def test_one_absurd_value_changes_nothing_much(place, absurd, rng):
    rows = rng.normal(20.0, 2.0, size=(1000, 1))
    clean = RunningScaler(1)
    clean.update(rows)
    rows[place] = absurd
    struck = RunningScaler(1)
    struck.update(rows)
    assert struck.centre[0] == pytest.approx(clean.centre[0], abs=0.1)
    assert struck.spread[0] == pytest.approx(clean.spread[0], rel=0.1)
    assert struck.centre[0] == pytest.approx(20.0, abs=0.2)
    assert struck.spread[0] == pytest.approx(2.0 * np.sqrt(2 / np.pi), rel=0.1)


def test_a_lasting_change_is_followed(rng):
    scaler = RunningScaler(1, horizon=200.0)
    scaler.update(rng.normal(0.0, 1.0, size=(1000, 1)))
    scaler.update(rng.normal(50.0, 3.0, size=(2000, 1)))
    assert scaler.centre[0] == pytest.approx(50.0, abs=1.0)
    assert scaler.spread[0] == pytest.approx(3.0 * np.sqrt(2 / np.pi), rel=0.3)


def test_a_spread_that_starts_at_zero_recovers(rng):
    scaler = RunningScaler(1)
    scaler.update(np.full((30, 1), 5.0))
    scaler.update(rng.normal(5.0, 1.0, size=(3000, 1)))
    assert 0.3 < scaler.spread[0] < 2.0


def test_rounding_of_a_constant_is_no_signal():
    scaler = RunningScaler(1)
    scaler.update(np.full((100, 1), 1000.0))
    assert abs(scaler.transform([[1000.0 + 1e-9]])[0, 0]) < 4.0


def test_scaled_values_stay_monotone_far_out_and_come_back(rng):
    scaler = RunningScaler(1)
    scaler.update(rng.normal(3.0, 2.0, size=(500, 1)))
    probe = np.array([[-1e12], [-1e6], [-40.0], [0.0], [3.0], [30.0], [1e5]])
    scaled = scaler.transform(probe)
    assert (np.diff(scaled[:, 0]) > 0).all()
    np.testing.assert_allclose(scaler.inverse_transform(scaled), probe, rtol=1e-4, atol=1e-4)


def test_merging_is_seeing_both(rng):
    a, b = rng.normal(0, 1, size=(400, 2)), rng.normal(1, 2, size=(800, 2))
    left, right, both = (RunningScaler(2, horizon=np.inf) for _ in range(3))
    left.update(a)
    right.update(b)
    both.update(np.vstack([a, b]))
    left.merge(right)
    assert left.count.tolist() == [1200.0, 1200.0]
    np.testing.assert_allclose(left.centre, both.centre, atol=0.1)
    np.testing.assert_allclose(left.spread, both.spread, rtol=0.15)


@pytest.mark.parametrize(("first", "second"), [(3, 2), (3, 400), (400, 3), (0, 5), (5, 0), (8, 8)])
def test_merging_a_scaler_that_has_hardly_begun(first, second, rng):
    a, b = rng.normal(size=(first, 1)), rng.normal(size=(second, 1))
    left, right, both = (RunningScaler(1, horizon=np.inf) for _ in range(3))
    left.update(a)
    right.update(b)
    both.update(np.vstack([a, b]))
    left.merge(right)
    assert left.count[0] == first + second
    np.testing.assert_allclose(left.centre, both.centre, atol=0.2)
    np.testing.assert_allclose(left.spread, both.spread, rtol=0.3)


def test_state_round_trip_continues_bit_for_bit(rng):
    rows = rng.normal(size=(50, 2))
    scaler = RunningScaler(2)
    scaler.update(rows[:5])
    other = RunningScaler.from_state(scaler.to_state())
    scaler.update(rows[5:])
    other.update(rows[5:])
    np.testing.assert_array_equal(scaler.centre, other.centre)
    np.testing.assert_array_equal(scaler.stats, other.stats)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: RunningScaler(-1), "n_features=-1"),
        (lambda: RunningScaler(2, horizon=0.5), "horizon=0.5"),
        (lambda: RunningScaler(2).update(np.zeros((3, 4))), r"\(3, 4\).*\(n_rows, 2\)"),
        (lambda: RunningScaler(2).merge(RunningScaler(3)), "3 features"),
    ],
)
def test_bad_input_is_refused_by_name(make, words):
    with pytest.raises(ValueError, match=words):
        make()
