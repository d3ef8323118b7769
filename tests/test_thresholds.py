import copy
import math
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iotae import serialization
from iotae.thresholds import (
    AlertBudget,
    ConformalThreshold,
    OnlineFDR,
    QuantileThreshold,
    TailThreshold,
    Threshold,
)
from tests import naive

EVERY = {
    "quantile": lambda: QuantileThreshold(0.1, window=50),
    "conformal": lambda: ConformalThreshold(0.1, window=50),
    "tail": lambda: TailThreshold(0.01, window=200),
    "drift": lambda: TailThreshold(0.01, window=200, depth=7),
    "budget": lambda: AlertBudget(3, 30, window=50),
    "fdr": lambda: OnlineFDR(0.2, horizon=20, window=150, reach=5),
}

scores = st.lists(st.floats(0, 10) | st.sampled_from([0.0, 1.0]), min_size=1, max_size=60)


@settings(max_examples=100)
@given(scores, st.floats(0.01, 0.5), st.integers(1, 20))
def test_streaming_cut_is_the_quantile_of_the_latest_window(stream, share, window):
    cut = QuantileThreshold(share, window=window)
    for i, score in enumerate(stream):
        cut.update(score)
        assert cut.threshold == pytest.approx(
            naive.quantile_cut(stream[max(0, i + 1 - window) : i + 1], share)
        )


@settings(max_examples=100)
@given(scores, st.floats(-1, 11), st.sampled_from([0.01, 0.05, 0.1, 0.5]))
def test_conformal_cut_and_p_value_agree(calibration, score, alpha):
    cut = ConformalThreshold(alpha).fit(calibration)
    p = naive.conformal_p(calibration, score)
    assert cut.p_value(score) == p
    np.testing.assert_array_equal(cut.p_value(np.array([score])), [p])
    assert cut.classify(score) == (p <= alpha * (1 + 1e-9))
    assert cut.classify(np.array([score])).tolist() == [cut.classify(score)]


@given(scores, st.floats(0.01, 0.5))
def test_fitted_quantile_keeps_its_promise(values, share):
    cut = QuantileThreshold(share).fit(values)
    assert cut.classify(np.array(values)).sum() <= np.ceil(share * (len(values) - 1))


@pytest.mark.parametrize("alpha", [0.05, 0.01])
def test_conformal_false_alarm_rate_is_kept_on_exchangeable_scores(alpha, rng):
    cut = ConformalThreshold(alpha)
    alarms = 0
    for score in rng.gamma(2.0, size=30_000):
        alarms += cut.classify(float(score))
        cut.update(float(score))
    assert alpha / 1.5 < alarms / 30_000 < 1.25 * alpha


@pytest.mark.parametrize("make", EVERY.values(), ids=EVERY)
def test_state_round_trip_continues_bit_for_bit(make, rng):
    cut = make()
    for score in rng.gamma(2.0, size=333):
        cut.update(float(score))
    blob = serialization.dumps("cut", cut.to_state())
    others = [
        type(cut).from_state(serialization.loads(blob)[1]),
        copy.deepcopy(cut),
        pickle.loads(pickle.dumps(cut)),
    ]
    for score in rng.gamma(2.0, size=333):
        for each in (cut, *others):
            each.update(float(score))
        assert {each.threshold for each in others} == {cut.threshold}
    assert {serialization.dumps("cut", each.to_state()) for each in others} == {
        serialization.dumps("cut", cut.to_state())
    }
    assert make().threshold == type(cut).from_state(make().to_state()).threshold == float("inf")


@pytest.mark.parametrize("make", EVERY.values(), ids=EVERY)
def test_one_interface(make, rng):
    cut = make()
    assert isinstance(cut, Threshold)
    assert cut.fit(rng.gamma(2.0, size=400).tolist()) is cut
    before = serialization.dumps("cut", cut.to_state())
    probe = np.append(rng.gamma(2.0, size=20), [np.nan, 1e6]).reshape(2, 11)
    p = cut.p_value(probe)
    assert p.shape == probe.shape
    assert np.isnan(p[1, 9])
    assert ((np.nan_to_num(p, nan=1.0) > 0) & (np.nan_to_num(p) <= 1)).all()
    np.testing.assert_allclose([cut.p_value(float(v)) for v in probe.ravel()], p.ravel())
    alarms = cut.classify(probe)
    assert alarms.shape == probe.shape
    assert alarms.dtype == bool
    assert cut.classify(np.float32(1e6)) is cut.classify(10**6) is True
    assert cut.classify(float("nan")) is False
    assert serialization.dumps("cut", cut.to_state()) == before


def test_a_threshold_says_what_it_is():
    assert repr(TailThreshold(0.01)) == "TailThreshold(alpha=0.01, window=2000, tail=0.1, depth=0)"
    for make in EVERY.values():
        assert repr(eval(repr(make()))) == repr(make())


@pytest.mark.parametrize("make", EVERY.values(), ids=EVERY)
def test_memory_is_bounded(make, rng):
    cut = make()
    sizes = []
    for _ in range(3):
        for score in np.append(rng.gamma(2.0, size=2000), np.linspace(1, 1e4, 500)):
            cut.update(float(score))
        sizes.append(sum(array.nbytes for array in arrays_of(cut.to_state())))
    assert max(sizes) <= 1.5 * sizes[0] < 8000


def arrays_of(node):
    if isinstance(node, dict):
        return [array for value in node.values() for array in arrays_of(value)]
    return [node] if isinstance(node, np.ndarray) else []


@pytest.mark.parametrize("make", EVERY.values(), ids=EVERY)
def test_a_score_that_is_not_finite_is_refused_before_anything_changes(make, rng):
    cut = make().fit(rng.gamma(2.0, size=400))
    before = serialization.dumps("cut", cut.to_state())
    for broken in ([], [1.0, np.nan], [np.inf]):
        with pytest.raises(ValueError, match="not finite"):
            cut.fit(broken)
    for bad in (np.inf, -np.inf, float("nan")):
        with pytest.raises(ValueError, match="expected a finite number"):
            cut.update(bad)
    assert serialization.dumps("cut", cut.to_state()) == before


@pytest.mark.parametrize("make", [EVERY["budget"], EVERY["fdr"]], ids=["budget", "fdr"])
def test_an_array_is_the_next_rows_in_order(make, rng):
    cut = make().fit(rng.gamma(2.0, size=200))
    scores = rng.gamma(2.0, size=300) * (1 + 3 * (rng.random(300) < 0.1))
    together = cut.classify(scores)
    one_by_one = []
    for score in scores:
        one_by_one.append(cut.classify(float(score)))
        cut.update(float(score))
    assert together.tolist() == one_by_one
    assert 0 < together.sum() < 100


@pytest.mark.parametrize("cls", [QuantileThreshold, ConformalThreshold, TailThreshold, OnlineFDR])
def test_bad_parameters_are_refused(cls):
    for bad in (0.0, 1.0, -1, float("nan")):
        with pytest.raises(ValueError, match="expected a number in"):
            cls(bad)
    with pytest.raises(ValueError, match="window=0"):
        cls(0.1, window=0)


def test_a_window_too_short_for_any_alarm_is_refused():
    with pytest.raises(ValueError, match=r"window=10 with alpha=0\.01"):
        ConformalThreshold(0.01, window=10)
    assert ConformalThreshold(0.01, window=99).fit(np.arange(99.0)).classify(100.0)


def test_a_quantile_is_never_rounded_into_one_alarm_more():
    for n in range(2, 200):
        scores = np.arange(n) * 0.1
        for share in (0.05, 0.1, 0.3, 0.8):
            above = QuantileThreshold(share).fit(scores).classify(scores).sum()
            assert above <= math.ceil(round(share * (n - 1), 9))


def test_alarms_rarer_than_the_window_are_refused():
    with pytest.raises(ValueError, match="at least 1 / alpha - 1 scores"):
        ConformalThreshold(1e-6)
    with pytest.raises(ValueError, match="at least 1 / alpha - 1 scores"):
        ConformalThreshold(1e-320)
    assert ConformalThreshold(1e-5).threshold == math.inf


def test_an_infinite_score_has_a_p_value():
    cut = TailThreshold(0.01).fit(np.random.default_rng(0).normal(size=5000))
    assert 0.0 < cut.p_value(math.inf) < 1e-6


@pytest.mark.parametrize("window", [None, 12])
def test_many_scores_move_the_conformal_threshold_as_one_by_one(window, rng):
    one_by_one, at_once = (ConformalThreshold(alpha=0.1, window=window) for _ in range(2))
    scores = rng.normal(size=40)
    expected = []
    for score in scores.tolist():
        expected.append(one_by_one.threshold)
        one_by_one.update(score)
    thresholds = [at_once.update_many(part) for part in np.split(scores, [0, 1, 17])]
    assert np.concatenate([part[:-1] for part in thresholds]).tolist() == expected
    assert thresholds[-1][-1] == one_by_one.threshold == at_once.threshold
    with pytest.raises(ValueError, match="1 are not finite"):
        at_once.update_many([0.5, np.nan])
    assert at_once.threshold == one_by_one.threshold
