"""Thresholds that move with their own alarms: what they promise on any sequence, and on honest ones."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iotae.thresholds import AlertBudget, OnlineFDR

# runs of equal scores, trends, alternations and noise: what an adversary would try
pieces = st.one_of(
    st.tuples(st.just("flat"), st.floats(-5, 5), st.integers(1, 80)),
    st.tuples(st.just("trend"), st.floats(-1, 1), st.integers(1, 80)),
    st.tuples(st.just("noise"), st.floats(0.1, 10), st.integers(1, 80)),
    st.tuples(st.just("saw"), st.floats(0.1, 10), st.integers(1, 80)),
)


def sequence(parts):
    rng = np.random.default_rng(0)
    made, level = [], 0.0
    for kind, size, n in parts:
        steps = np.arange(n)
        made.append(
            {
                "flat": np.full(n, size),
                "trend": level + size * steps,
                "noise": rng.normal(size=n) * size,
                "saw": size * (steps % 2),
            }[kind]
        )
        level = made[-1][-1]
    return np.concatenate(made)


def run(cut, scores):
    alarms, wanted, levels = [], [], []
    for score in scores.tolist():
        levels.append(cut.level)
        wanted.append(cut.p_value(score) <= cut.level * (1 + 1e-12))
        alarms.append(cut.classify(score))
        cut.update(score)
    return np.array(alarms), np.array(wanted), np.array(levels)


@settings(max_examples=150)
@given(st.lists(pieces, min_size=1, max_size=8), st.integers(1, 5), st.integers(10, 60))
def test_no_stretch_of_rows_has_more_alarms_than_the_budget(parts, alerts, rows):
    alarms, wanted, _ = run(AlertBudget(alerts, rows, window=30, gamma=0.05), sequence(parts))
    counts = np.convolve(alarms, np.ones(rows, int))
    assert counts.max() <= alerts
    assert not (alarms & ~wanted).any()


@settings(max_examples=150)
@given(
    st.lists(pieces, min_size=1, max_size=8),
    st.integers(1, 5),
    st.integers(10, 60),
    st.sampled_from([0.005, 0.05, 0.3]),
)
def test_the_share_of_rows_that_want_an_alarm_is_bounded_on_any_sequence(parts, alerts, rows, gamma):
    alpha = alerts / rows
    _, wanted, levels = run(AlertBudget(alerts, rows, window=30, gamma=gamma), sequence(parts))
    assert levels.min() > -gamma
    assert levels.max() <= 0.5
    t = np.arange(1, len(wanted) + 1)
    share = np.cumsum(wanted) / t
    assert (share - alpha <= (alpha + gamma) / (gamma * t) + 1e-9).all()
    free = np.cumprod(levels < 0.5).astype(bool)
    bound = (max(alpha, 1 - alpha) + gamma) / (gamma * t)
    assert (np.abs(share - alpha) <= bound + 1e-9)[free].all()


@pytest.mark.parametrize(("alerts", "rows"), [(1, 100), (10, 1000), (50, 1000)])
def test_a_quiet_stream_spends_most_of_the_budget(alerts, rows, rng):
    cut = AlertBudget(alerts, rows)
    alarms, _, _ = run(cut, rng.gamma(2.0, size=30_000))
    alpha = alerts / rows
    assert alpha / 3 < alarms[2000:].mean() <= alpha * (1 + 1e-9) + alerts / 28_000


def test_the_budget_is_spent_on_the_rarest_and_an_equal_stream_raises_none(rng):
    scores = rng.normal(size=5000)
    scores[2000::500] += 12
    alarms = AlertBudget(10, 1000).classify(scores)
    assert alarms[2000::500].all()
    assert not AlertBudget(10, 100).classify(np.ones(5000)).any()


def test_a_spent_budget_is_said():
    cut = AlertBudget(1, 50, window=100).fit(np.arange(100.0))
    assert not cut.spent
    cut.update(200.0)
    assert cut.spent
    assert cut.threshold == float("inf")
    for _ in range(50):
        cut.update(0.0)
    assert not cut.spent
    assert cut.classify(300.0)


@settings(max_examples=150)
@given(
    st.lists(pieces, min_size=1, max_size=8),
    st.sampled_from([0.1, 0.3]),
    st.integers(2, 30),
    st.integers(2, 20),
)
def test_the_levels_are_paid_for_by_alarms_and_rows(parts, alpha, horizon, reach):
    cut = OnlineFDR(alpha, horizon, reach=reach).fit(np.arange(2.0 * horizon / alpha) / 100)
    alarms, _, levels = run(cut, sequence(parts))
    t = np.arange(1, len(alarms) + 1)
    # with this at every row, E[V] <= alpha (E[R] + T / horizon) follows by taking expectations
    assert (np.cumsum(levels) <= alpha * (np.cumsum(alarms) + t / horizon) + 1e-9).all()


@settings(max_examples=50)
@given(st.lists(pieces, min_size=1, max_size=4), st.integers(2, 30), st.integers(2, 20))
def test_one_number_is_the_whole_history_of_alarms(parts, horizon, reach):
    cut = OnlineFDR(0.2, horizon, reach=reach).fit(np.arange(10.0 * horizon) / 100)
    alarms, _, levels = run(cut, sequence(parts))
    r = 1 - 1 / reach
    for t in range(len(alarms)):
        k = t - np.flatnonzero(alarms[:t])
        level = 0.2 * min(1 / horizon + ((1 - r) * r ** (k - 1)).sum(), 1.0)
        assert levels[t] == pytest.approx(level)


def test_few_of_the_alarms_are_false(rng):
    false = true = 0
    for _ in range(20):
        cut = OnlineFDR(0.1, horizon=500).fit(rng.normal(size=10_000))
        odd = rng.random(5000) < 0.01
        alarms = cut.classify(rng.normal(size=5000) + 6 * odd)
        false, true = false + (alarms & ~odd).sum(), true + (alarms & odd).sum()
    # the promise is one of expectations, and it is used up here; a tenth of these counts is chance
    assert false < 1.25 * 0.1 * (false + true + 20 * 5000 / 500)
    assert true > 0.9 * 20 * 50


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: AlertBudget(0, 10), "alerts=0"),
        (lambda: AlertBudget(10, 19), "at most half as many"),
        (lambda: AlertBudget(1.5, 10), "alerts=1.5"),
        (lambda: AlertBudget(1, 10, gamma=0.0), "gamma=0.0"),
        (lambda: AlertBudget(1, 10, window=0), "window=0"),
        (lambda: OnlineFDR(0.1, horizon=1), "horizon=1"),
        (lambda: OnlineFDR(0.1, reach=0), "reach=0"),
        (lambda: OnlineFDR(0.1, window=100), "window=100"),
    ],
)
def test_bad_parameters_say_what_to_pass(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def test_a_state_of_version_0_1_is_read():
    cut = OnlineFDR(0.2, horizon=20, reach=5).fit(np.arange(500.0))
    old = cut.to_state()
    old["alpha"] = old.pop("fdr")
    assert repr(OnlineFDR.from_state(old)) == repr(cut)
