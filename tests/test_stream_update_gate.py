"""The gate against plain Python, and the promises of its docstring."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iotae.stream.update_gate import ESCAPE_RATE, accept, adopting, judge, new_gate, widening
from tests import naive_stream

SLOWEST = 1e-5
PER_E_FOLD = 1 / 0.0045
"""Refusals in a row that widen the gate e-fold, from its docstring."""
NARROW_E_FOLD = 1 / 0.0005
"""Acceptances that narrow it e-fold."""


def run(gate, surprises):
    """Verdicts on surprises in order, and whether the gate was adopting after each."""
    verdicts, changing = [], []
    for surprise in surprises:
        verdict = judge(gate, float(surprise))
        if verdict:
            accept(gate, float(surprise), max(SLOWEST, ESCAPE_RATE) if verdict == 2 else SLOWEST)
        verdicts.append(verdict)
        changing.append(adopting(gate))
    return np.array(verdicts), np.array(changing)


def usual(rng, n):
    """Surprises of a quiet stream: never far above the usual."""
    return rng.uniform(1.0, 3.0, n)


@settings(max_examples=150)
@given(st.lists(st.one_of(st.floats(0, 4), st.floats(0, 1e6)), max_size=300), st.integers(0, 2**32))
def test_the_gate_is_the_naive_one(surprises, seed):
    surprises = [*np.random.default_rng(seed).gamma(4.0, 0.5, 100), *surprises]
    gate, told = new_gate(), naive_stream.Gate()
    for surprise in map(float, surprises):
        verdict = judge(gate, surprise)
        assert verdict == told.judge(surprise)
        if verdict:
            rate = ESCAPE_RATE if verdict == 2 else SLOWEST
            accept(gate, surprise, rate)
            told.accept(surprise, rate)
        assert widening(gate) == pytest.approx(told.width / 3)
    state = [told.centre, told.spread, told.width, told.recent, told.rows, told.accepted]
    np.testing.assert_allclose(gate, state, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("surprise", [0.0, 1e-300, 2.5, 1e6, 1e300])
def test_a_constant_surprise_is_never_refused_by_a_gate_that_knows_it(surprise):
    gate = new_gate()
    verdicts, changing = run(gate, np.full(3000, surprise))
    # before that an absurd one is, every other time
    assert (verdicts[128:] == 1).all()
    assert (verdicts[:128] == 1).mean() >= (1.0 if surprise < 50 else 0.5)
    assert not changing.any()
    assert widening(gate) == 1.0


def test_an_ordinary_surprise_is_never_refused(rng):
    gate = new_gate()
    verdicts, changing = run(gate, usual(rng, 20_000))
    assert (verdicts == 1).all()
    assert not changing.any()


def test_clean_rows_with_a_tail_are_hardly_refused(rng):
    # the gate learns from what it let through: each refusal makes the next more likely
    verdicts, _ = run(new_gate(), rng.gamma(4.0, 0.5, 20_000))
    assert (verdicts[10_000:] == 0).mean() < 0.05


@pytest.mark.parametrize("height", [20.0, 1e3, 1e5])
def test_a_single_spike_is_refused_and_teaches_nothing(height, rng):
    gate = new_gate()
    run(gate, usual(rng, 1000))
    before = gate.copy()
    assert judge(gate, height) == 0
    # only the recent mean, the width and the count of rows have moved
    np.testing.assert_array_equal(gate[[0, 1, 5]], before[[0, 1, 5]])
    assert widening(gate) == pytest.approx(math.exp(0.0045))


@pytest.mark.parametrize("height", [20.0, 1e3, 1e5])
def test_after_a_single_spike_all_is_as_before(height, rng):
    gate = new_gate()
    run(gate, usual(rng, 1000))
    centre, spread = gate[:2]
    verdicts, changing = run(gate, [height, *usual(rng, 3000)])
    # its neighbours are judged with it for as long as the mean over ten rows is high
    shadow = math.ceil(math.log(0.1 * height / (2.5 * spread)) / -math.log(0.9))
    assert (verdicts[0], verdicts[shadow + 25 :].min()) == (0, 1)
    assert not changing.any()
    assert widening(gate) == 1.0
    assert gate[0] == pytest.approx(centre, rel=0.05)
    assert gate[1] == pytest.approx(spread, rel=0.15)


def test_a_single_spike_takes_few_neighbours_along(rng):
    # a row is judged with "about ten rows": one absurd surprise should not shut the gate for a hundred
    gate = new_gate()
    run(gate, usual(rng, 1000))
    verdicts, _ = run(gate, [1e5, *usual(rng, 300)])
    assert (verdicts == 0).sum() <= 40


# a value of 1e150 where the spread is 1e-12 has a surprise of about 140,000: none is larger
@pytest.mark.parametrize("jump", [5.0, 20.0, 100.0, 1e3, 1e4, 1.4e5])
def test_a_lasting_shift_of_any_size_is_adopted(jump, rng):
    gate = new_gate()
    run(gate, usual(rng, 2000))
    height = (jump + 1.0) / gate[1]
    escape = PER_E_FOLD * math.log(height / 3) + 64
    settle = NARROW_E_FOLD * math.log(height / 3)
    n = int(1.5 * (escape + settle)) + 2000
    verdicts, changing = run(gate, jump + usual(rng, n))
    first = int(np.argmax(verdicts > 0))
    assert verdicts.max() > 0, "it was never let in"
    assert first <= escape
    assert (verdicts[first + 1000 :] > 0).mean() > 0.9
    assert changing.any()
    assert not changing[-1]
    assert gate[0] == pytest.approx(jump + 2.0, rel=0.2)


def test_a_gate_whose_usual_was_constant_still_adopts():
    gate = new_gate()
    run(gate, np.full(1000, 2.0))
    verdicts, _ = run(gate, np.full(20_000, 5.0))
    assert verdicts[-1] > 0


def test_adopting_means_that_refused_rows_teach_fast(rng):
    gate = new_gate()
    run(gate, usual(rng, 2000))
    verdicts, changing = run(gate, 50.0 + usual(rng, 3000))
    assert (verdicts == 2).any()
    assert changing[verdicts == 2].all()
    assert changing[np.argmax(verdicts == 2) - 1]


def test_a_slow_walk_is_followed(rng):
    gate = new_gate()
    walk = np.cumsum(rng.normal(0, 0.02, 20_000)) + 10.0
    verdicts, changing = run(gate, walk + usual(rng, 20_000))
    assert (verdicts == 0).mean() < 0.1
    assert not changing.any()


@pytest.mark.parametrize("share", [0.01, 0.05])
def test_a_share_of_odd_rows_may_be_refused_for_ever(share, rng):
    gate = new_gate()
    surprises = usual(rng, 20_000)
    odd = (rng.random(20_000) < share) & (np.arange(20_000) > 200)
    surprises[odd] = 100.0
    verdicts, changing = run(gate, surprises)
    assert (verdicts[odd] == 0).mean() > 0.95
    assert not changing.any()
    assert widening(gate) < 1.5


@settings(max_examples=150)
@given(st.lists(st.sampled_from([0.0, 1e-300, 2.0, 1e6, 1e100, 1e150, 1e300]), min_size=1, max_size=300))
def test_the_state_stays_finite_and_the_width_bounded(surprises):
    gate = new_gate()
    run(gate, np.random.default_rng(0).gamma(4.0, 0.5, 80))
    verdicts, _ = run(gate, surprises)
    assert np.isfinite(gate).all()
    assert 1.0 <= widening(gate) <= 1e6
    assert set(verdicts) <= {0, 1, 2}
    assert gate[1] >= 0.0


@given(st.lists(st.floats(0, 1e300), max_size=64))
@settings(max_examples=50)
def test_before_the_gate_knows_the_usual_it_refuses_the_absurd_but_never_most_rows(surprises):
    verdicts = np.array(run(new_gate(), surprises)[0])
    assert (verdicts[np.array(surprises) <= 50] == 1).all()
    for stop in range(len(surprises) + 1):
        assert (verdicts[:stop] == 0).sum() <= (verdicts[:stop] == 1).sum()
