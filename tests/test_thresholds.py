import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iotae.thresholds import ConformalThreshold, QuantileThreshold
from tests import naive

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


@pytest.mark.parametrize(
    "make", [lambda: QuantileThreshold(0.1, window=5), lambda: ConformalThreshold(0.2, window=5)]
)
def test_state_round_trip_continues(make, rng):
    cut = make()
    for score in rng.random(8):
        cut.update(score)
    other = type(cut).from_state(cut.to_state())
    for score in rng.random(8):
        cut.update(score)
        other.update(score)
        assert cut.threshold == other.threshold
    assert make().threshold == float("inf")
    assert type(cut).from_state(make().to_state()).threshold == float("inf")


@pytest.mark.parametrize("cls", [QuantileThreshold, ConformalThreshold])
def test_bad_input_is_refused_before_anything_changes(cls):
    for bad in (0.0, 1.0, -1, float("nan")):
        with pytest.raises(ValueError, match="expected a number in"):
            cls(bad)
    with pytest.raises(ValueError, match="window=0"):
        cls(0.1, window=0)
    cut = cls(0.4).fit([1.0, 2.0, 3.0])
    before = cut.to_state()
    for broken in ([], [1.0, np.nan]):
        with pytest.raises(ValueError, match="not finite"):
            cut.fit(broken)
    with pytest.raises(ValueError, match="score=inf"):
        cut.update(np.inf)
    assert cut.to_state()["window"]["n_seen"] == before["window"]["n_seen"] == 3


def test_a_window_too_short_for_any_alarm_is_refused():
    with pytest.raises(ValueError, match=r"window=10 with alpha=0\.01"):
        ConformalThreshold(0.01, window=10)
    assert ConformalThreshold(0.01, window=99).fit(np.arange(99.0)).classify(100.0)
