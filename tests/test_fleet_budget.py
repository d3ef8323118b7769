"""A fleet's budget of alarms: it holds, no device takes it all, and no wrong clock stops it."""

import copy
import pickle
from collections import Counter
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iotae import OnlineAutoencoder
from iotae.fleet import Fleet
from iotae.fleet.budgets import FleetBudget
from iotae.fleet.clock import FleetClock
from iotae.thresholds import AlertBudget

DAY = 86_400.0
CUT = 0.8


def scored(n_days=8, n_devices=10, noisy=None, seed=0):
    """Scores of a fleet in rows of ten minutes: one in 100 is above the cut, of a noisy device one in 6."""
    rng = np.random.default_rng(seed)
    for t in range(144 * n_days):
        for device in range(n_devices):
            rate = 1 / 6 if device == noisy else 0.01
            score = CUT + (1 - CUT) * rng.random() if rng.random() < rate else CUT * rng.random()
            if device == noisy and score > CUT:
                score = 0.97 + 0.03 * rng.random()
            yield device, score, 600.0 * t


def most_in_a_day(times):
    """Alarms in 24 hours, but for a pause: the fleet's time moves when half of its devices have told it."""
    at = np.sort(np.array(times))
    return max((int(np.sum((at >= a) & (at < a + DAY - 600.0))) for a in at), default=0)


@pytest.mark.untraced
@pytest.mark.parametrize("noisy", [None, 3])
def test_the_budget_holds_and_a_noisy_device_leaves_the_others_theirs(noisy):
    budget, alarms = FleetBudget(AlertBudget(per_day=6), CUT), []
    for device, score, at in scored(noisy=noisy):
        cut = budget.cut_of(device, 10, at)
        alarm = budget.take(device, 10, score, at)
        assert alarm == (score > cut)
        assert not alarm or score > CUT
        if alarm:
            alarms.append((at, device))
    assert most_in_a_day([at for at, _ in alarms]) <= 6
    owners = Counter(device for _, device in alarms)
    # of the 48 alarms that eight days may have
    assert sum(owners.values()) >= 28
    for device in owners:
        assert most_in_a_day([at for at, one in alarms if one == device]) <= 3
    if noisy is not None:
        assert owners[noisy] >= 12
        assert sum(n for device, n in owners.items() if device != noisy) >= 10


def test_one_device_has_the_whole_budget_and_a_budget_of_rows_is_one_of_rows():
    rng = np.random.default_rng(1)
    budget, alarms = FleetBudget(AlertBudget(4, 200), CUT), []
    for _ in range(2000):
        alarms.append(budget.take(0, 1, float(rng.random()), None))
    assert 20 <= sum(alarms) <= 40
    assert np.convolve(alarms, np.ones(200, int)).max() == 4
    two = FleetBudget(AlertBudget(4, 200), CUT)
    owned = [two.take(i % 2, 2, 0.9 + 0.1 * float(rng.random()) if i % 2 else 0.1, None) for i in range(2000)]
    assert sum(owned) > 0
    assert np.convolve(owned, np.ones(200, int)).max() == 2


@settings(max_examples=8, deadline=None)
@given(
    wrong=st.lists(st.floats(-4e9, 4e9), min_size=4, max_size=4),
    moves=st.lists(st.booleans(), min_size=40, max_size=40),
)
def test_two_wrong_clocks_of_five_neither_stop_nor_hurry_a_fleet(wrong, moves):
    clock = FleetClock()
    begun = 0.0
    for minute, moved in enumerate(moves):
        for device in range(5):
            at = 60.0 * minute
            if device < 2:
                at = wrong[2 * device + moved] + at * moved
            before = clock.elapsed
            assert clock.after(device, at)[0] >= before
            clock.note(device, at)
        # the very first rows may be of wrong clocks
        begun = clock.elapsed if minute == 1 else begun
    assert 37 * 60.0 <= clock.elapsed - begun <= 39 * 60.0


def test_a_device_that_has_gone_silent_does_not_hold_the_clock():
    clock = FleetClock()
    for device in range(4):
        clock.note(device, 0.0)
    for minute in range(200):
        clock.note(4, 60.0 * minute)
    assert clock.elapsed >= 97 * 60.0
    before = clock.elapsed
    clock.note(4, None)
    clock.note(4, 1e300)
    assert clock.elapsed == before


def fleet_rows(n_rows, n_devices=3, seed=0):
    rng = np.random.default_rng(seed)
    start = datetime(2026, 1, 1, tzinfo=UTC)
    for t in range(n_rows):
        for device in range(n_devices):
            load = rng.normal()
            odd = 30.0 * rng.normal() if device == 0 and t > 250 and t % 5 == 0 else 0.0
            x = {"device": f"d{device}", "at": start + timedelta(hours=t), "a": load + odd}
            yield x | {"b": 0.1 * rng.normal() - load, "c": 2 * load + 0.1 * rng.normal()}


@pytest.mark.parametrize("mode", ["separate", "shared"])
def test_a_fleet_with_a_budget_goes_on_bit_for_bit(mode, tmp_path):
    fleet = Fleet(OnlineAutoencoder(seed=0, alpha=0.05), mode=mode, time="at", budget=AlertBudget(per_day=2))
    rows = list(fleet_rows(400))
    alarms = []
    for x in rows[:900]:
        cut = fleet.threshold_of(x)
        score, alarm = fleet.score_learn_one(x)
        assert alarm == (score > cut)
        alarms += [x["device"]] * alarm
    assert fleet.n_over_budget > 0
    assert "d0" in alarms
    fleet.save(tmp_path / "fleet.iotae")
    twins = [Fleet.load(tmp_path / "fleet.iotae"), pickle.loads(pickle.dumps(fleet)), copy.copy(fleet)]
    wanted = [fleet.score_learn_one(x) for x in rows[900:]]
    for twin in twins:
        assert [twin.score_learn_one(x) for x in rows[900:]] == wanted
        assert twin.n_over_budget == fleet.n_over_budget
    fleet.budget = None
    assert fleet.threshold < 1.0
    assert fleet.n_over_budget == 0


def test_wrong_budgets_are_named():
    with pytest.raises(ValueError, match=r"Got budget=5, but expected a budget of iotae\.thresholds"):
        Fleet(budget=5)
    with pytest.raises(ValueError, match="without a time"):
        Fleet(budget=AlertBudget(per_day=5))
    Fleet(budget=AlertBudget(5, 100))
