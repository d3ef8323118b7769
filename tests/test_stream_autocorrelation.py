"""Autocorrelation of surprise against NumPy and plain Python, and the bounds of what is leant on it."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from iotae.stream.autocorrelation import follow, lean, new_context
from tests import naive_stream


def run(surprises, context=None):
    context = new_context() if context is None else context
    factors = [follow(context, float(surprise)) for surprise in surprises]
    return context, np.array(factors)


def autoregressive(rng, rho, n=6000):
    noise = rng.normal(size=n) * np.sqrt(1 - rho**2)
    values = np.zeros(n)
    for i in range(1, n):
        values[i] = rho * values[i - 1] + noise[i]
    return 10.0 + values


@settings(max_examples=100)
@given(st.lists(st.one_of(st.floats(0.5, 5), st.floats(1e-300, 1e6)), max_size=150))
@example([2.0] * 60 + [50.0, 2.0, 3.0, 50.0])
def test_following_is_the_naive_recursion(surprises):
    context, told = new_context(), naive_stream.Context()
    for surprise in surprises:
        assert lean(context) == pytest.approx(told.lean(), rel=1e-6, abs=1e-9)
        assert follow(context, surprise) == pytest.approx(told.follow(surprise), rel=1e-9)
    state = [told.mean, told.spread, told.variance, told.covariance, told.previous, told.rows]
    np.testing.assert_allclose(context, state, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("rho", [0.3, 0.6, 0.9])
def test_it_leans_by_half_the_autocorrelation(rho, rng):
    surprises = autoregressive(rng, rho)
    leant = lean(run(surprises)[0])
    measured = np.corrcoef(surprises[-3000:-1], surprises[-2999:])[0, 1]
    assert leant == pytest.approx(0.5 * measured, abs=0.06)
    assert leant == pytest.approx(0.5 * rho, abs=0.08)


@pytest.mark.parametrize("seed", range(5))
def test_a_shuffled_stream_is_hardly_leant_on(seed):
    rng = np.random.default_rng(seed)
    surprises = rng.permutation(autoregressive(rng, 0.9))
    context = new_context()
    leant = []
    for surprise in surprises:
        follow(context, surprise)
        leant.append(lean(context))
    # from a few dozen rows on the estimate is noisy, and then it is not
    assert max(leant[1000:]) < 0.1
    assert np.mean(leant) < 0.03


def test_rows_that_alternate_are_not_leant_on():
    assert lean(run(np.tile([1.0, 3.0], 500))[0]) == 0.0


def test_nothing_is_leant_on_before_fifty_rows(rng):
    surprises = autoregressive(rng, 0.95, 60)
    assert lean(run(surprises[:49])[0]) == 0.0
    assert lean(run(surprises)[0]) > 0.0


@settings(max_examples=200)
@given(st.lists(st.floats(0, 1e100), max_size=200))
def test_the_bounds_hold_for_any_surprises(surprises):
    context, factors = run(surprises)
    assert np.isfinite(context).all()
    assert 0.0 <= lean(context) <= 0.5
    assert (factors > 0).all()
    assert (factors <= 1 + 1e-12).all()


@pytest.mark.parametrize("absurd", [1e4, 1e9, 1e100])
def test_an_absurd_surprise_is_cut_to_five_deviations(absurd, rng):
    context, factors = run(rng.uniform(1.0, 3.0, 1000))
    assert (factors == 1.0).all()
    mean, spread = context[:2]
    factor = follow(context, absurd)
    assert factor * absurd == pytest.approx(mean + 5 * spread)
    assert context[0] == pytest.approx(mean, rel=0.05)
    assert lean(context) < 0.1


def test_a_run_of_anomalies_is_leant_on(rng):
    surprises = rng.uniform(1.0, 3.0, 4000)
    for start in range(500, 4000, 400):
        surprises[start : start + 40] += 8.0
    assert lean(run(surprises)[0]) > 0.35


def test_a_constant_stream_that_begins_to_move_is_followed(rng):
    context, _ = run(np.full(500, 2.0))
    context, factors = run(autoregressive(rng, 0.9), context)
    assert factors[-1] == 1.0
    assert lean(context) > 0.3
