"""How rare a statistic is: tails against scipy's, and what joining must and must not do."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from iotae.stream import evidence
from iotae.stream.evidence import (
    NOW,
    RUN,
    SURPRISE,
    calibrate,
    follow_run,
    follow_tail,
    soft_sum,
    surprise_of_run,
    tail_nats,
)

N = 40_000
SOURCES = {
    "normal": stats.halfnorm,
    "exponential": stats.expon,
    "heavy": stats.pareto(2.0, loc=-1.0),
}


def tails_after(values, rate=3.0):
    tails = evidence.new_tails(1)
    for i, value in enumerate(values):
        follow_tail(value, tails, NOW, 0, max(evidence.SLOWEST, rate / (i + 100.0)))
    return tails


@pytest.mark.parametrize("source", SOURCES)
def test_numba_the_quantile_and_the_tail_beyond_it_are_the_distributions(source, rng):
    law = SOURCES[source]
    values = law.rvs(size=N, random_state=rng)
    tails = tails_after(values.tolist())
    quantile = law.ppf(0.95)
    assert tails[3 * NOW, 0] == pytest.approx(quantile, rel=0.1)
    excess = np.log(values[values > quantile] / quantile).mean()
    assert tails[3 * NOW + 1, 0] == pytest.approx(excess, rel=0.3)
    # as far as the rows reach, nats are what they say: -log of the share that is larger
    for share in (0.05, 0.01, 0.001):
        nats = tail_nats(law.isf(share), tails, NOW, 0)
        assert nats == pytest.approx(-math.log(share), rel=0.25)


@pytest.mark.parametrize("statistic", range(RUN))
def test_nats_rise_with_the_value_and_pass_log_20_at_the_quantile(statistic):
    tails = evidence.new_tails(1)
    values = np.linspace(0.0, 50.0, 500)
    nats = [tail_nats(value, tails, statistic, 0) for value in values]
    assert nats[0] == 0.0
    assert (np.diff(nats) > 0).all()
    assert tail_nats(tails[3 * statistic, 0], tails, statistic, 0) == pytest.approx(math.log(20))


@given(st.lists(st.floats(0, 1e6), max_size=200))
def test_a_tail_stays_positive_and_finite_whatever_it_follows(values):
    tails = tails_after(values)
    assert np.isfinite(tails).all()
    assert (tails[3 * NOW : 3 * NOW + 2] > 0).all()


def test_a_value_is_never_made_rarer_by_having_been_seen():
    tails = tails_after([0.5] * 200)
    before = tail_nats(5.0, tails, NOW, 0)
    follow_tail(5.0, tails, NOW, 0, 0.01)
    assert tail_nats(5.0, tails, NOW, 0) < before


def test_a_run_counts_once_however_long_it_was():
    tails = evidence.new_tails(1)
    for _ in range(50):
        follow_run(20.0, tails, 0)
    # fifty runs, fifty excesses at most
    assert 0 < tails[3 * RUN + 2, 0] <= 50
    assert evidence.run_nats(20.0, tails, 0) < evidence.run_nats(20.0, evidence.new_tails(1), 0)


def test_a_run_as_long_as_many_before_is_soon_no_surprise():
    tails = evidence.new_tails(1)
    first = evidence.run_nats(300.0, tails, 0)
    for _ in range(40):
        follow_run(300.0, tails, 0)
    assert evidence.run_nats(300.0, tails, 0) < first / 3


def test_a_run_of_what_begins_to_rest_once_a_day_says_little_and_one_of_chance_much():
    rows, nights = 14_400.0, 10.0
    resting = surprise_of_run(480.0, 480.0 * nights / rows, nights / rows, rows)
    by_chance = surprise_of_run(480.0, 1 / 3, 2 / 9, rows)
    assert resting < 10.0 < 500.0 < by_chance


@given(st.floats(1, 1e6), st.floats(0, 1), st.floats(0, 1), st.floats(0, 1e9))
def test_a_longer_run_is_never_less_of_a_surprise(run, equal, share, rows):
    nats = surprise_of_run(run, equal, equal * share, rows)
    assert 0.0 <= nats <= surprise_of_run(run + 1.0, equal, equal * share, rows)


def calibrated(values, part=NOW):
    calibration = evidence.new_calibration()
    for i, value in enumerate(values):
        calibrate(value, calibration, part, float(i))
    return calibration


@pytest.mark.parametrize("part", [NOW, SURPRISE])
def test_numba_calibration_finds_the_median_and_the_tail(part, rng):
    law = stats.gumbel_r(2.0, 0.5)
    calibration = calibrated(law.rvs(size=N, random_state=rng).tolist(), part)
    for share in (0.5, 0.05, 0.01):
        nats = evidence.part_nats(law.isf(share), calibration, part, 3)
        assert nats == pytest.approx(-math.log(share), rel=0.15, abs=0.1)


def test_equal_rarity_goes_there_and_back(rng):
    calibration = calibrated(rng.normal(2.0, 0.5, size=2_000).tolist(), SURPRISE)
    for nats in (0.8, 1.5, 3.0, 5.0, 8.0):
        surprise = evidence.to_surprise(nats, calibration)
        assert evidence.part_nats(surprise, calibration, SURPRISE, 3) == pytest.approx(nats, rel=1e-6)
    # of something common it is the median that counts, and of something impossible no more than so much
    assert evidence.to_surprise(-9.0, calibration) == evidence.to_surprise(math.log(2), calibration)
    assert evidence.to_surprise(1e9, calibration) < 20.0


@given(st.floats(-5, 300), st.floats(-5, 300))
def test_a_soft_sum_is_the_length_of_a_vector_in_logarithms(a, b):
    joined = soft_sum(a, b)
    assert joined == pytest.approx(0.5 * np.logaddexp(2 * a, 2 * b), rel=1e-9, abs=1e-9)
    assert max(a, b) <= joined <= max(a, b) + 0.35
    assert joined == soft_sum(b, a)


@given(st.sampled_from(range(evidence.N_PARTS)), st.floats(-5, 100), st.floats(0, 1e6), st.floats(0, 1))
def test_order_and_sensors_can_only_take_nats_away(part, nats, rows, order):
    full = evidence.weighed(nats, part, rows, 1.0, 1.0)
    assert full <= nats
    less = evidence.weighed(nats, part, rows, order, order)
    assert less <= max(full, 0.0) + 1e-12 if full > 0 else less == full
    assert evidence.weighed(nats, part, rows, order, 0.0) <= 0.0
