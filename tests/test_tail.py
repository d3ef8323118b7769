"""Peaks over threshold: the fitted tail against SciPy, the risk it keeps, and what an alarm leaves behind."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import genpareto

from iotae.thresholds import TailThreshold
from iotae.thresholds.pareto import excess_at, fit_excesses, survival

NONE = np.zeros(0)


@pytest.mark.parametrize("shape", [-0.5, -0.2, 0.0, 0.2, 0.6])
def test_fit_is_as_good_as_scipys(shape, rng):
    for _ in range(5):
        x = genpareto(shape, scale=3.0).rvs(1000, random_state=rng)
        ours = fit_excesses(x, NONE)
        theirs = genpareto.fit(x, floc=0)
        # the mean over the likelihood is not its top: within half a unit of it is the same fit
        assert genpareto.logpdf(x, ours[0], scale=ours[1]).sum() > (
            genpareto.logpdf(x, theirs[0], scale=theirs[2]).sum() - 0.5
        )
        assert ours == pytest.approx((shape, 3.0), abs=0.2, rel=0.2)


@given(st.floats(-0.9, 0.9), st.floats(1e-3, 1e3), st.floats(1e-6, 1.0))
def test_tail_and_quantile_are_scipys(shape, scale, probability):
    theirs = genpareto(shape, scale=scale)
    x = excess_at(probability, shape, scale)
    assert x == pytest.approx(theirs.isf(probability), rel=1e-5, abs=1e-9 * scale)
    assert survival(np.array([x]), shape, scale)[0] == pytest.approx(probability, rel=1e-5)


@pytest.mark.parametrize("shape", [-0.2, 0.0, 0.3])
def test_censored_excesses_count_as_at_least_so_large(shape, rng):
    x = genpareto(shape).rvs(20_000, random_state=rng)
    bound = np.quantile(x, 0.8)
    clipped = np.minimum(x, bound)
    seen = fit_excesses(clipped, clipped[x > bound])
    assert seen == pytest.approx((shape, 1.0), abs=0.06)
    # left out, the tail would look lighter than it is
    assert fit_excesses(x[x <= bound], NONE)[0] < shape - 0.2


@settings(max_examples=200)
@given(
    st.lists(st.floats(1e-6, 1e6) | st.sampled_from([1.0, 2.0]), min_size=0, max_size=40), st.integers(0, 40)
)
def test_any_excesses_give_a_usable_tail(values, n_censored):
    x = np.array(values)
    shape, scale = fit_excesses(x, x[:n_censored])
    assert -1.0 <= shape <= 1.0
    assert 0.0 < scale < 1e12


@pytest.mark.parametrize("law", ["normal", "gamma", "uniform", "lognormal", "student"])
@pytest.mark.parametrize("alpha", [0.01, 0.001])
def test_risk_beyond_few_scores(law, alpha, rng):
    draw = {
        "normal": lambda n: rng.normal(size=n),
        "gamma": lambda n: rng.gamma(4.0, size=n),
        "uniform": lambda n: rng.random(n),
        "lognormal": lambda n: rng.lognormal(size=n),
        "student": lambda n: rng.standard_t(3, size=n),
    }[law]
    test = np.sort(draw(200_000))
    risks = [
        1 - np.searchsorted(test, TailThreshold(alpha).fit(draw(2000)).threshold) / 2e5 for _ in range(30)
    ]
    assert alpha / 3 < np.mean(risks) < 1.35 * alpha


@pytest.mark.parametrize("depth", [0, 100])
def test_streaming_risk_is_kept_although_alarms_are_no_peaks(depth, rng):
    cut = TailThreshold(0.01, depth=depth)
    alarms = []
    for score in rng.gamma(4.0, size=30_000).tolist():
        alarms.append(cut.classify(score))
        cut.update(score)
    assert 0.008 < np.mean(alarms[3000:]) < 0.0125
    # were the bias of forgotten alarms to grow, it would show at the end
    assert np.mean(alarms[-10_000:]) < 0.0125


def test_with_drift_scores_are_judged_above_their_recent_mean(rng):
    scores = rng.normal(size=20_000) + np.linspace(0, 60, 20_000)
    cut = TailThreshold(0.01, depth=50)
    alarms = np.zeros(len(scores), bool)
    for i, score in enumerate(scores.tolist()):
        alarms[i] = cut.classify(score)
        cut.update(score)
    assert alarms[3000:].mean() < 0.0125
    assert cut.threshold > 60


def test_a_shift_is_followed(rng):
    scores = np.append(rng.normal(size=6000), rng.normal(size=6000) + 10)
    for depth in (0, 100):
        cut = TailThreshold(0.01, depth=depth)
        alarms = np.zeros(len(scores), bool)
        for i, score in enumerate(scores.tolist()):
            alarms[i] = cut.classify(score)
            cut.update(score)
        assert alarms[6000]
        assert alarms[7000:].mean() < 0.02


def test_one_absurd_score_moves_the_cut_no_farther_than_any_alarm(rng):
    scores = rng.normal(size=3000)
    cuts = []
    for absurd in (10.0, 1e12):
        cut = TailThreshold(0.01).fit(scores)
        cut.update(absurd)
        for score in scores[:200].tolist():
            cut.update(score)
        cuts.append(cut.threshold)
    assert cuts[0] == cuts[1]


@settings(max_examples=50)
@given(st.lists(st.floats(-5, 5) | st.sampled_from([0.0, 1.0]), min_size=200, max_size=300), st.floats(-8, 8))
def test_p_values_fall_with_the_score_and_agree_with_the_cut(values, probe):
    cut = TailThreshold(0.01, window=250).fit(values)
    top = max(values[-250:])
    grid = np.sort(np.append(np.linspace(-6, 6, 50), [probe, top]))
    p = cut.p_value(grid)
    assert (np.diff(p) <= 1e-12).all()
    beyond = cut.p_value(top + np.array([0.0, 1e-3, 1.0, 10.0, 1e3, 1e9]))
    assert (np.diff(beyond) < 0).all()
    assert (p > 0).all()
    assert (p <= 1).all()
    far = np.abs(grid - cut.threshold) > 1e-6
    np.testing.assert_array_equal(cut.classify(grid)[far], (p <= 0.01)[far])


def test_no_alarm_before_there_is_a_tail():
    cut = TailThreshold(0.01, depth=5)
    for score in range(60):
        cut.update(float(score))
        assert cut.threshold == float("inf")
    assert TailThreshold(0.01, depth=5).fit([1.0, 2.0]).threshold == float("inf")
    assert TailThreshold(0.01).p_value(3.0) == 1.0


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"alpha": 0.2, "tail": 0.1}, "tail=0.1 with alpha=0.2"),
        ({"depth": -1}, "depth=-1"),
        ({"window": 100}, "window=100 .* window of 200 scores"),
        ({"alpha": 0.6}, "tail=None with alpha=0.6"),
    ],
)
def test_bad_parameters_say_what_to_pass(params, words):
    with pytest.raises(ValueError, match=words):
        TailThreshold(**params)
