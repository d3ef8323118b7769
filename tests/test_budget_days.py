"""A budget of alarms a day, by the rows' own time."""

import copy
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iotae.serialization import StateError, dumps, loads
from iotae.thresholds import AlertBudget

DAY = 86_400.0


def run(cut, scores, times):
    alarms = []
    for score, at in zip(scores, times, strict=True):
        alarms.append(cut.classify(score, at))
        cut.update(score, at)
    return np.array(alarms)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0.0, 9.0), st.floats(-1000.0, 50_000.0)), min_size=1, max_size=150),
    st.integers(1, 4),
)
def test_no_24_hours_have_more_alarms_whatever_the_data_do(parts, per_day):
    scores = [score + i / 10 for i, (score, _) in enumerate(parts)]
    times = np.maximum.accumulate(np.cumsum([pause for _, pause in parts]))
    alarms = run(AlertBudget(per_day=per_day, window=30, gamma=0.2), scores, times)
    when = times[alarms]
    for at in when:
        assert ((when > at - DAY) & (when <= at)).sum() <= per_day


@pytest.mark.parametrize("pause", [60.0, 600.0])
def test_most_of_the_budget_is_used_on_the_rarest_rows_at_any_pace(pause):
    rng = np.random.default_rng(0)
    n = int(20 * DAY / pause)
    scores, times = rng.normal(size=n), pause * np.arange(n)
    odd = np.linspace(5 * DAY / pause, n - 1, 30).astype(int)
    scores[odd] += 12.0
    alarms = AlertBudget(per_day=5).classify(scores, at=times)
    assert alarms[odd].sum() >= 27
    assert 30 < alarms.sum() <= 100


def test_datetimes_and_text_are_times_and_arrays_are_the_next_rows():
    rng = np.random.default_rng(1)
    scores = rng.normal(size=3000)
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    moments = [begin + timedelta(minutes=i) for i in range(3000)]
    cut = AlertBudget(per_day=3, gamma=0.0003)
    together = cut.classify(scores, at=moments)
    assert repr(cut) == "AlertBudget(per_day=3, window=20000, gamma=0.0003)"
    assert run(cut, scores.tolist(), [moment.isoformat() for moment in moments]).tolist() == together.tolist()
    assert together.sum() >= 3


def test_late_rows_and_outages_win_no_alarms():
    cut = AlertBudget(per_day=1)
    rng = np.random.default_rng(2)
    for i in range(2000):
        cut.update(rng.normal(), 60.0 * i)
    assert cut.classify(99.0, 60.0 * 2000)
    cut.update(99.0, 60.0 * 2000)
    assert not cut.classify(99.0, 0.0)
    assert not cut.classify(99.0, 60.0 * 2000 + DAY - 1.0)
    assert cut.spent
    assert cut.threshold == float("inf")
    level = cut.level
    cut.update(0.0, 60.0 * 2000 + 300 * DAY)
    assert cut.level - level < 0.01
    assert not cut.spent
    assert cut.fit(np.arange(100.0)).spent is False


def test_it_is_saved_and_copied_with_its_days():
    rng = np.random.default_rng(3)
    for gamma in (None, 0.01):
        cut = AlertBudget(per_day=4, window=500, gamma=gamma)
        run(cut, rng.normal(size=1500).tolist(), 120.0 * np.arange(1500))
        back = AlertBudget.from_state(loads(dumps("cut", cut.to_state()))[1])
        twin = copy.copy(cut)
        scores, times = rng.normal(size=1500).tolist(), 120.0 * np.arange(1500, 3000)
        expected = run(cut, scores, times).tolist()
        assert run(back, scores, times).tolist() == expected == run(twin, scores, times).tolist()
        assert dumps("cut", back.to_state()) == dumps("cut", cut.to_state())
        assert repr(back) == repr(cut)
    data = cut.to_state()
    with pytest.raises(StateError, match="times of the latest alarms"):
        AlertBudget.from_state(data | {"days": data["days"] | {"times": np.array([1e12])}})
    # a budget of rows is saved as before
    assert "days" not in AlertBudget(3, 100).to_state()


def test_wrong_arguments_are_named():
    with pytest.raises(ValueError, match="expected one budget"):
        AlertBudget(3, 50, per_day=2)
    with pytest.raises(ValueError, match="per_day"):
        AlertBudget(per_day=0)
    with pytest.raises(ValueError, match="expected the row's time"):
        AlertBudget(per_day=2).classify(1.0)
    with pytest.raises(ValueError, match="expected the row's time"):
        AlertBudget(per_day=2).update(1.0, at="soon")
    with pytest.raises(ValueError, match=r"expected no time: make AlertBudget\(per_day=\.\.\.\)"):
        AlertBudget(2, 50).update(1.0, at=3.0)
    with pytest.raises(ValueError, match="expected no time"):
        AlertBudget(2, 50).classify(1.0, at=3.0)


@pytest.mark.untraced
@pytest.mark.parametrize("jitter", [0.0, 0.01])
def test_rows_that_come_in_bursts_leave_the_budget_its_pace(jitter):
    rng = np.random.default_rng(0)
    budget, alarms = AlertBudget(per_day=6), 0
    for burst in range(144 * 6):
        for device in range(50):
            score, at = float(rng.normal()), 600.0 * burst + jitter * device
            alarms += budget.classify(score, at=at)
            budget.update(score, at=at)
    # a day is for the window to fill and for the first bursts
    assert 22 <= alarms <= 36
