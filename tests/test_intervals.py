"""Bootstrap and Wilson's intervals, and realised false-alarm rates, against SciPy and by counting."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from iotae.evaluation import Interval, bootstrap_interval, realised_rates, roc_auc, wilson_interval


def test_bootstrap_agrees_with_scipys_percentile_interval(rng):
    values = rng.exponential(size=80)
    ours = bootstrap_interval(np.mean, values, n_resamples=4000)
    theirs = stats.bootstrap((values,), np.mean, n_resamples=4000, method="percentile", rng=rng)
    assert ours.estimate == values.mean()
    np.testing.assert_allclose([ours.low, ours.high], theirs.confidence_interval, rtol=0.03)


def test_bootstrap_covers_the_truth_about_as_often_as_it_says(rng):
    held = 0
    for _ in range(200):
        found = bootstrap_interval(np.mean, rng.normal(size=60), n_resamples=200, confidence=0.9, seed=None)
        held += found.low <= 0.0 <= found.high
    assert 160 <= held <= 195


def test_rows_stay_together_and_the_seed_decides(rng):
    y = np.arange(100) < 20
    scores = rng.normal(size=100) + y
    found = bootstrap_interval(roc_auc, y, scores, n_resamples=100)
    assert found == bootstrap_interval(roc_auc, y, scores, n_resamples=100)
    assert found != bootstrap_interval(roc_auc, y, scores, n_resamples=100, seed=1)
    perfect = bootstrap_interval(roc_auc, y, y.astype(float), n_resamples=100)
    assert (perfect.low, perfect.high) == (1.0, 1.0)


def test_blocks_are_runs_of_rows_that_go_round():
    def first_difference(rows):
        steps = set(np.diff(rows.reshape(-1, 5), axis=1).ravel().tolist())
        assert steps <= {1, -19}
        return 0.0

    bootstrap_interval(first_difference, np.arange(20), block=5, n_resamples=50)
    whole = bootstrap_interval(np.mean, np.arange(20.0), block=20, n_resamples=50)
    assert whole.low == whole.high == 9.5


def test_blocks_widen_the_interval_of_a_series(rng):
    noise = rng.normal(size=2000)
    series = np.zeros(2000)
    for i in range(1, 2000):
        series[i] = 0.95 * series[i - 1] + noise[i]
    plain = bootstrap_interval(np.mean, series, n_resamples=300)
    blocks = bootstrap_interval(np.mean, series, n_resamples=300, block=100)
    assert blocks.high - blocks.low > 3 * (plain.high - plain.low)


def test_undefined_resamples_are_counted_and_left_out():
    found = bootstrap_interval(roc_auc, [1, 0, 0, 0], [0.9, 0.1, 0.2, 0.3], n_resamples=500)
    assert (found.estimate, found.low, found.high) == (1.0, 1.0, 1.0)
    # no anomaly in four draws: (3/4)^4 = 0.32 of the resamples, and few without a normal row
    assert 110 < found.n_undefined < 210
    never = bootstrap_interval(roc_auc, [0, 0], [0.1, 0.2], n_resamples=10)
    assert math.isnan(never.low)
    assert never.n_undefined == 10
    assert str(Interval(0.5, 0.25, 0.75, 0.95, 0)) == "0.500 [0.250, 0.750]"


@pytest.mark.parametrize(
    ("columns", "options", "message"),
    [
        ((), {}, "Got no rows"),
        (([],), {}, "Got no rows"),
        (([1, 2], [1]), {}, "Got 2 values in column 0 and 1 in column 1"),
        (([1, 2],), {"n_resamples": 0}, "Got n_resamples=0"),
        (([1, 2],), {"block": 3}, "Got block=3"),
        (([1, 2],), {"confidence": 95}, "Got confidence=95"),
    ],
)
def test_bootstrap_says_what_is_wrong(columns, options, message):
    with pytest.raises(ValueError, match=message):
        bootstrap_interval(np.mean, *columns, **options)


@pytest.mark.parametrize("n", [1, 7, 400])
@pytest.mark.parametrize("confidence", [0.8, 0.95])
def test_wilson_agrees_with_scipy(n, confidence):
    hits = np.arange(n + 1)
    low, high = wilson_interval(hits, n, confidence=confidence)
    for k in hits:
        theirs = stats.binomtest(int(k), n).proportion_ci(confidence, method="wilson")
        assert (low[k], high[k]) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


def test_wilson_refuses_more_hits_than_rows():
    with pytest.raises(ValueError, match=r"Got hits=\[5.0\] of n=4"):
        wilson_interval([5], 4)
    with pytest.raises(ValueError, match="of n=0"):
        wilson_interval([0], 0)


def test_realised_rates_count_the_normal_rows_alone(rng):
    y = rng.random(3000) < 0.1
    p = np.where(y, 0.0, rng.random(3000))
    found = realised_rates(y, p, [0.01, 0.1, 0.5])
    assert found.n_normal == int((~y).sum())
    np.testing.assert_allclose(found.rates, [(p[~y] <= alpha).mean() for alpha in (0.01, 0.1, 0.5)])
    assert found.kept.all()
    assert ((found.low <= found.rates) & (found.rates <= found.high)).all()


def test_a_broken_promise_is_told_and_a_cautious_one_is_not(rng):
    assert not realised_rates(np.zeros(2000), rng.random(2000) ** 3, [0.05]).kept[0]
    assert realised_rates(np.zeros(2000), rng.random(2000) ** 0.3, [0.05]).kept[0]


@pytest.mark.parametrize(
    ("y", "p", "alphas", "message"),
    [
        ([1, 1], [0.1, 0.2], [0.1], "Got no normal row"),
        ([0, 0], [0.1, 1.2], [0.1], r"Got p_values\[1\]=1.2"),
        ([0, 0], [0.1, np.nan], [0.1], "Got 1 NaN among 2 p_values"),
        ([0, 0], [0.1], [0.1], "Got 2 values in y and 1 in p_values"),
        ([0, 0], [0.1, 0.2], [0.0], r"Got alphas=\[0.0\]"),
        ([0, 0], [0.1, 0.2], [], r"Got alphas=\[\]"),
    ],
)
def test_realised_rates_say_what_is_wrong(y, p, alphas, message):
    with pytest.raises(ValueError, match=message):
        realised_rates(y, p, alphas)
