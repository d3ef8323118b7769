"""The stream's model against plain Python, and against what streams do to it.

This file also runs without numba, where a row costs a hundred times as much: streams here are short.
"""

import copy
import math
from collections import Counter, defaultdict
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iotae import OnlineAutoencoder, serialization
from iotae.stream.counters import STEPS
from iotae.stream.kernels import MASS, RECENT, RESIDUAL
from iotae.stream.witness import SURPRISED
from tests import naive, naive_stream

N = 400


def gaussian(rng, n, names="ab", centre=0.0):
    return [
        {name: float(v) for name, v in zip(names, row, strict=True)}
        for row in rng.normal(centre, 1.0, size=(n, len(names)))
    ]


def played(model, rows):
    """Scores of rows, each before it was learned."""
    scores = []
    for x in rows:
        scores.append(model.score_one(x))
        model.learn_one(x)
    return np.array(scores)


def frozen(model):
    return serialization.dumps("model", model.to_state())


def network_of(model):
    network = model._network
    return network.parameters, network.sizes, network.activation


def surprise_of(model, x):
    """The row's mean surprise, which the sensors' evidence is joined to."""
    model.score_one(x)
    return float(model._views["evidence"][SURPRISED])


def assert_finite(model):
    stream = model.to_state()["stream"]
    for name in ("pending", "minibatch", "witness_wanted", "fresh_wanted", "sensors"):
        # NaN stands for a missing cell, or for the reading before the first
        assert not np.isinf(stream.pop(name)).any()
    scaler, _ = stream.pop("scaler"), stream.pop("seed")
    for name, array in {**stream, "stats": scaler["stats"], "head": scaler["head"]}.items():
        assert np.isfinite(array).all(), name
    assert np.isfinite(model._network.parameters).all()
    assert np.isfinite(model._network.second).all()


# -- the mean surprise, told in plain Python ----------------------------------------------------


def test_a_surprise_is_the_sum_of_what_its_arrays_say(rng):
    model = OnlineAutoencoder(seed=0)
    rows = gaussian(rng, N, "abc")
    for i, x in enumerate(rows):
        x["d"] = float(i % 2)
        x["c"] = x["a"] + 0.1 * x["c"]
    played(model, rows)
    data = model.to_state()["stream"]
    stats, table, running = data["scaler"]["stats"], data["table"].T, data["running"]
    lean = 0.5 * min(1.0, max(0.0, data["context"][3] / data["context"][2]))
    for x in [rows[0], {"a": 3.0, "c": -3.0}, {"a": 1e9, "b": 0.0, "d": 1.0}, {"d": 7.0}]:
        names = [name for name in "abcd" if name in x]
        scaled = {}
        for j, name in enumerate("abcd"):
            if name in x:
                apart = x[name] - stats[j, 1]
                scaled[name] = math.copysign(math.log1p(abs(apart) / stats[j, 2]), apart)
        shown = [max(-3.0, min(3.0, scaled[n])) if n in x else math.nan for n in "abcd"]
        output = naive.forward(*network_of(model), shown)
        raw = 0.0
        for j, name in enumerate("abcd"):
            if name not in x:
                continue
            z = scaled[name]
            place = (z + 5) * 3.2 - 0.5
            inside = min(max(place, 0.0), 31.0)
            surprise = np.interp(inside, np.arange(32), table[j]) + 0.5 * abs(place - inside)
            ratio = (shown[j] - output[j]) / running[RESIDUAL, j]
            part = surprise + z * z + math.log(1 + ratio * ratio)
            raw += ((1 - lean) * part + lean * running[RECENT, j]) / len(names)
        assert surprise_of(model, x) == pytest.approx(raw, rel=1e-5)


@pytest.mark.parametrize("case", ["plain", "missing", "runs", "constant"])
def test_every_surprise_is_the_naive_streams(case, rng):
    rows = gaussian(rng, 130, "abc")
    for i, x in enumerate(rows):
        x["c"] = x["a"] - x["b"] + 0.1 * x["c"]
        if case == "missing" and i:
            del x["abc"[i % 3]]
        if case == "runs":
            x["a"] += 4.0 * (i % 40 > 32)
        if case == "constant":
            x["b"] = 5.0 + (i > 100)
        if i in (70, 90):
            x["a"] = 1e6
    model = OnlineAutoencoder(seed=0, batch_size=20, horizon=math.inf)
    told = naive_stream.Stream("abc", 20)
    leant = 0.0
    # slots are given with the first row learned
    model.learn_one(rows[0])
    fresh = OnlineAutoencoder(seed=0, batch_size=20, horizon=math.inf)
    fresh._take_in(fresh._features.learn(rows[0], fresh._row).given)
    told.learn(rows[0], network_of(fresh))
    for x in rows[1:]:
        raw = told.raw(x, network_of(model))
        leant = max(leant, told.context.lean())
        assert surprise_of(model, x) == pytest.approx(raw, rel=1e-4)
        told.learn(x, network_of(model))
        model.learn_one(x)
        assert model.n_refused == told.refused
    assert model.n_refused >= 2
    assert leant > 0.0


def test_the_cut_is_the_conformal_one_of_the_scores_before_learning(rng):
    model = OnlineAutoencoder(seed=0, alpha=0.05, grace_period=100)
    scores = played(model, gaussian(rng, N))
    assert model.threshold == pytest.approx(np.quantile(scores[50:], 0.95), abs=0.01)
    early = OnlineAutoencoder(seed=0, alpha=0.05, grace_period=100)
    played(early, gaussian(rng, 99))
    assert early.threshold == math.inf
    early.learn_one({"a": 0.0, "b": 0.0})
    assert early.threshold < 1.0
    assert early.p_value(2.0) == pytest.approx(1 / 51)


# -- the beginning ------------------------------------------------------------------------------


def test_a_cold_start_scores_at_once(rng):
    model = OnlineAutoencoder(seed=0)
    assert model.score_one({"a": 1.0}) == 0.0
    assert model.score_one({}) == 0.0
    assert model.explain_one({"a": 1.0}) == {}
    scores = played(model, gaussian(rng, 30))
    assert np.isfinite(scores).all()
    assert (scores[1:] > 0).all()
    assert (scores < 1).all()
    assert np.unique(scores[1:]).size == 29
    assert model.score_one({"a": 1e6, "b": 0.0}) > scores.max()


@pytest.mark.parametrize("first", [1e300, -1e300, 1e9])
def test_an_absurd_first_row_is_got_over(first, rng):
    rows = gaussian(rng, N)
    clean, struck = OnlineAutoencoder(seed=0), OnlineAutoencoder(seed=0)
    struck.learn_one({"a": first, "b": first})
    played(clean, rows)
    played(struck, rows)
    probes = [{"a": v, "b": 0.0} for v in (0.0, 3.0, 10.0, 1e3)]
    got = [struck.score_one(x) for x in probes]
    assert got == sorted(got)
    np.testing.assert_allclose(got, [clean.score_one(x) for x in probes], atol=0.08)


# -- features that come and go ------------------------------------------------------------------


def test_a_newcomer_waits_joins_and_is_scored(rng):
    model = OnlineAutoencoder(seed=0)
    played(model, gaussian(rng, 200))
    known = model.score_one({"a": 0.1, "b": 0.1})
    rows = gaussian(rng, 200, "abc")
    played(model, rows[:9])
    # on probation: what it says makes no difference
    assert model.score_one({"a": 0.1, "b": 0.1, "c": 1e9}) == model.score_one({"a": 0.1, "b": 0.1})
    played(model, rows[9:])
    assert set(model.explain_one(rows[0])) == set("abc")
    assert model.score_one({"a": 0.1, "b": 0.1, "c": 1e9}) > 2 * model.score_one(rows[-1])
    # and the others have lost nothing
    assert model.score_one({"a": 0.1, "b": 0.1}) == pytest.approx(known, abs=0.1)
    assert_finite(model)


def test_growing_keeps_what_is_known_of_the_others(rng):
    model = OnlineAutoencoder(seed=0)
    played(model, gaussian(rng, 100))
    rows = gaussian(rng, 10, "abc")
    played(model, rows[:9])
    before = model.to_state()["stream"]
    model.learn_one(rows[9] | {"a": 1e6})
    after = model.to_state()["stream"]
    # that row is refused, so nothing but the room for c has changed
    for name in ("counts_of_bins", "table"):
        np.testing.assert_array_equal(after[name][:, :2], before[name])
    np.testing.assert_array_equal(after["running"][[RESIDUAL, MASS], :2], before["running"][[RESIDUAL, MASS]])
    np.testing.assert_array_equal(after["pending"][:, :2], before["pending"])
    np.testing.assert_array_equal(after["scaler"]["stats"][:2], before["scaler"]["stats"])
    np.testing.assert_allclose(after["table"][:, 2], math.log(32))


def test_a_feature_that_returns_is_remembered(rng):
    model = OnlineAutoencoder(seed=0)
    played(model, [{"a": x["a"], "b": 50.0 + x["b"]} for x in gaussian(rng, N)])
    before = model.to_state()["stream"]
    played(model, [{"a": x["a"]} for x in gaussian(rng, 200)])
    after = model.to_state()["stream"]
    np.testing.assert_array_equal(after["scaler"]["stats"][1], before["scaler"]["stats"][1])
    assert after["running"][RESIDUAL, 1] == before["running"][RESIDUAL, 1]
    usual, odd = model.score_one({"a": 0.0, "b": 50.0}), model.score_one({"a": 0.0, "b": 0.0})
    assert odd > usual + 0.2


def test_slots_are_bounded_and_a_slot_given_away_is_forgotten(rng):
    model = OnlineAutoencoder(seed=0, max_features=3)
    rows = gaussian(rng, 60, "abc", centre=1000.0)
    played(model, rows)
    late = gaussian(rng, 60, "bcdefg")
    played(model, late)
    data = model.to_state()
    assert len(data["features"]["registry"]["table"]["slots"]) == 3
    assert data["stream"]["running"].shape == (3, 3)
    assert model._network.sizes[0] == 3
    # what has 'a's slot now knows nothing of 'a's 1,000
    assert abs(data["stream"]["scaler"]["stats"][0, 1]) < 10
    assert_finite(model)


def test_text_is_a_category_and_an_odd_one_shows(rng):
    model = OnlineAutoencoder(seed=0)
    rows = gaussian(rng, N, "a")
    for i, x in enumerate(rows):
        x["state"] = "on" if i % 20 else "off"
    played(model, rows)
    scores = {name: model.score_one({"a": 0.0, "state": name}) for name in ("on", "off", "never")}
    assert scores["on"] < scores["off"]
    assert scores["on"] < scores["never"]
    assert next(iter(model.explain_one({"a": 0.0, "state": "never"}))) == "state"
    assert set(model.explain_one(rows[0])) == {"a", "state"}


# -- learning -----------------------------------------------------------------------------------


def test_mini_batches_do_not_depend_on_calls(rng):
    rows = gaussian(rng, 150, "abc")
    single, many = OnlineAutoencoder(seed=0), OnlineAutoencoder(seed=0)
    played(single, rows)
    for start, stop in ((0, 1), (1, 31), (31, 33), (33, 150)):
        many.learn_many(rows[start:stop])
    assert frozen(single) == frozen(many)
    probes = rows[:20]
    assert many.score_many(probes).tolist() == [single.score_one(x) for x in probes]


def test_the_steps_on_a_full_batch_are_spread_over_the_rows_after_it(rng):
    model = OnlineAutoencoder(seed=0, batch_size=10)
    rows = gaussian(rng, 35)
    model.learn_one(rows[0])
    changes = []
    for i, x in enumerate(rows[1:], start=2):
        before = model._network.parameters.copy()
        model.learn_one(x)
        if not np.array_equal(before, model._network.parameters):
            changes.append(i)
    assert changes == [*range(11, 19), *range(21, 29), *range(31, 36)]


def test_a_batch_of_one_row_takes_all_its_steps_before_the_next(rng):
    model = OnlineAutoencoder(seed=0, batch_size=1)
    for x in gaussian(rng, 30):
        model.learn_one(x)
    assert model._state.counters[STEPS] == 8 * 29
    assert_finite(model)


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
def test_a_frame_is_learned_and_scored_as_its_rows(rng, library):
    values = rng.normal(size=(400, 3))
    values[rng.random(values.shape) < 0.02] = math.nan
    columns = {name: values[:, i].tolist() for i, name in enumerate("cab")}
    columns["n"] = rng.integers(-3, 3, 400).tolist()
    columns["on"] = (rng.random(400) < 0.3).tolist()
    module = pytest.importorskip(library)
    frame = (module.table if library == "pyarrow" else module.DataFrame)(columns)
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    single, many = OnlineAutoencoder(seed=0), OnlineAutoencoder(seed=0)
    for x in rows:
        single.learn_one(x)
    many.learn_many(frame)
    assert frozen(single) == frozen(many)
    scores = [single.score_one(x) for x in rows]
    np.testing.assert_array_equal(many.score_many(frame), scores)
    assert frozen(single) == frozen(many)


def test_scores_and_explanations_change_nothing(rng):
    model = OnlineAutoencoder(seed=0)
    rows = gaussian(rng, 100)
    played(model, rows)
    before = frozen(model)
    for x in [*rows[:20], {}, {"z": 1.0}, {"a": "text"}, {"a": math.inf, "b": 1e300}]:
        first = model.score_one(x)
        model.explain_one(x)
        assert model.score_one(x) == first
    assert frozen(model) == before


def test_the_shares_of_a_row_without_a_usable_cell_are_alike(rng):
    model = OnlineAutoencoder(seed=0)
    played(model, gaussian(rng, 100))
    model.explain_one({"a": 5.0, "b": 0.0})
    empty = {"a": None, "b": math.inf}
    score = model.score_one(empty)
    assert model.explain_one(empty) == {"a": score / 2, "b": score / 2}
    assert model.explain_one({}) == model.explain_one(empty)
    assert model.explain_one({"b": None}) == {"b": score}


def test_shares_add_up_and_are_never_negative(rng):
    model = OnlineAutoencoder(seed=0)
    rows = gaussian(rng, 200, "abc")
    played(model, rows)
    for x in [*rows[:20], {"a": 1e12}, {"b": 0.0, "c": math.nan}]:
        shares = model.explain_one(x)
        assert sum(shares.values()) == pytest.approx(model.score_one(x), rel=1e-12)
        assert min(shares.values()) >= 0.0
        assert list(shares) == sorted(shares, key=lambda name: -shares[name])


def test_counters_count(rng):
    model = OnlineAutoencoder(seed=0)
    rows = gaussian(rng, 200)
    played(model, rows)
    assert (model.n_seen, model.n_rejected, model.n_unusable) == (200, 0, 0)
    refused = model.n_refused
    model.learn_one({"a": 1e6, "b": 0.0})
    assert (model.n_seen, model.n_refused) == (201, refused + 1)
    model.learn_one({})
    model.learn_one({"a": None, "b": math.nan})
    assert (model.n_seen, model.n_rejected, model.n_unusable) == (201, 2, 0)
    model.learn_one({"a": "text", "b": math.inf})
    assert (model.n_seen, model.n_rejected, model.n_unusable) == (201, 3, 2)
    model.learn_one({"a": object(), "b": 0.0})
    assert (model.n_seen, model.n_rejected, model.n_unusable) == (202, 3, 3)


def test_a_refused_row_teaches_nothing_but_that_it_came(rng):
    model = OnlineAutoencoder(seed=0)
    played(model, gaussian(rng, 200))
    before = model.to_state()["stream"]
    refused = model.n_refused
    model.learn_one({"a": 1e9, "b": -1e9})
    after = model.to_state()["stream"]
    assert model.n_refused == refused + 1
    for name in ("counts_of_bins", "table", "pending", "matrices", "biases", "reservoir", "calibration"):
        np.testing.assert_array_equal(after[name], before[name])
    for name in ("stats", "head"):
        np.testing.assert_array_equal(after["scaler"][name], before["scaler"][name])
    np.testing.assert_array_equal(after["running"][[RESIDUAL, MASS]], before["running"][[RESIDUAL, MASS]])


@pytest.mark.parametrize("cut", [1, 7, 133, 399])
def test_a_saved_model_goes_on_as_if_nothing_had_been(cut, rng):
    rows = gaussian(rng, N, "ab")
    for i, x in enumerate(rows):
        if i > 50:
            x["c"] = "x" if i % 3 else "y"
        if i % 10 == 3:
            del x["a"]
    model = OnlineAutoencoder(seed=3, alpha=0.05, hidden_sizes=(5, 2, 5), horizon=500.0, max_features=4)
    played(model, rows[:cut])
    back = OnlineAutoencoder.from_state(serialization.loads(serialization.dumps("m", model.to_state()))[1])
    np.testing.assert_array_equal(played(back, rows[cut:]), played(model, rows[cut:]))
    assert frozen(back) == frozen(model)


def test_the_seed_decides_and_a_dicts_order_does_not(rng):
    rows = gaussian(rng, 100, "abc")
    one, same, other = (OnlineAutoencoder(seed=s) for s in (0, 0, 1))
    scores = played(one, rows)
    np.testing.assert_array_equal(played(same, [dict(reversed(x.items())) for x in rows]), scores)
    assert not np.array_equal(played(other, rows), scores)


# -- the top ------------------------------------------------------------------------------------


@pytest.mark.parametrize("side", [-1.0, 1.0])
@pytest.mark.parametrize("n_features", [1, 2, 8])
def test_no_two_extremes_tie(side, n_features, rng):
    names = "abcdefgh"[:n_features]
    model = OnlineAutoencoder(seed=0)
    played(model, gaussian(rng, N, names))
    at_rest = dict.fromkeys(names, 0.1)
    scores = [model.score_one(at_rest | {"a": side * far}) for far in np.logspace(1.5, 12, 60)]
    assert (np.diff(scores) > 0).all()
    assert scores[-1] < 1.0
    assert scores[0] > model.score_one(at_rest)


# -- hostile rows -------------------------------------------------------------------------------

CELLS = st.one_of(
    st.floats(),
    st.sampled_from(
        [None, "text", "", True, False, 1e300, -1e300, 10**400, 5e-324, b"b", [1.0], {}, 1 + 2j, math.inf]
    ),
    st.sampled_from([Decimal("NaN"), Decimal("sNaN"), Decimal("1.5"), Decimal("Infinity"), Decimal("1e999")]),
    st.sampled_from([np.float32(2), np.int64(3), np.bool_(True), np.float64("nan"), np.array([1.0, 2.0])]),
)
ROWS = st.dictionaries(st.one_of(st.sampled_from("abc"), st.sampled_from(["new", 3, None, ("t", 1)])), CELLS)


@settings(max_examples=40)
@given(st.lists(ROWS, max_size=25), st.booleans())
def test_nothing_a_row_holds_breaks_the_model(rows, warmed):
    model = OnlineAutoencoder(seed=0, batch_size=4)
    if warmed:
        played(model, gaussian(np.random.default_rng(0), 80, "abc"))
    usable = model.n_seen
    for x in rows:
        score = model.score_one(x)
        assert 0.0 <= score < 1.0
        shares = model.explain_one(x)
        assert sum(shares.values()) == pytest.approx(score, rel=1e-9)
        model.learn_one(x)
    assert model.n_seen - usable + model.n_rejected == len(rows)
    assert_finite(model)
    back = OnlineAutoencoder.from_state(serialization.loads(frozen(model))[1])
    assert back.score_one({"a": 1.0}) == model.score_one({"a": 1.0})


# -- a world that changes -----------------------------------------------------------------------

LONG = 4000
"""Rows of the tests that run with numba only."""


def drifts_and_scores(model, rows):
    scores, drift = np.empty(len(rows)), np.empty(len(rows), bool)
    for i, x in enumerate(rows):
        scores[i] = model.score_one(x)
        model.learn_one(x)
        drift[i] = model.drift_detected
    return scores, drift


@pytest.mark.untraced
@pytest.mark.parametrize("jump", [5.0, 100.0, 1e6, 1e18])
def test_numba_a_level_shift_is_adopted(jump, rng):
    model = OnlineAutoencoder(seed=0)
    played(model, gaussian(rng, LONG))
    assert not model.drift_detected
    usual = model.score_one({"a": 0.0, "b": 0.0})
    scores, drift = drifts_and_scores(model, gaussian(rng, 2 * LONG, centre=jump))
    assert scores[:50].min() > usual + 0.1
    assert drift.any()
    # 3,000 rows later it is normal, and what was normal is odd
    assert np.median(scores[3000:]) < usual + 0.1
    assert model.score_one({"a": 0.0, "b": 0.0}) > np.quantile(scores[3000:], 0.99)


@pytest.mark.untraced
@pytest.mark.parametrize("jump", [5.0, 100.0, 1e6])
def test_numba_drift_is_said_to_be_over_once_it_is(jump, rng):
    model = OnlineAutoencoder(seed=0)
    played(model, gaussian(rng, LONG))
    _, drift = drifts_and_scores(model, gaussian(rng, 3 * LONG, centre=jump))
    assert drift.any()
    # e-fold narrowing takes 2,000 accepted rows, so even a wide gate is at rest within 10,000
    assert not drift[10_000:].any()


def test_numba_a_constant_that_changes_to_another_is_adopted():
    model = OnlineAutoencoder(seed=0)
    played(model, [{"a": 5.0, "b": 1.0}] * LONG)
    scores, drift = drifts_and_scores(model, [{"a": 6.0, "b": 2.0}] * LONG)
    assert scores[0] > 0.5
    assert drift.any()
    assert scores[-1] < 0.2


def test_numba_clean_rows_are_hardly_refused(rng):
    model = OnlineAutoencoder(seed=0)
    played(model, gaussian(rng, 2 * LONG))
    before = model.n_refused
    played(model, gaussian(rng, LONG))
    assert model.n_refused - before < 0.05 * LONG


def test_numba_a_burst_leaves_later_ranking_unharmed(rng):
    from sklearn.metrics import roc_auc_score

    burst = gaussian(rng, 200, "abcd", centre=8.0)
    rows, later = gaussian(rng, LONG, "abcd"), gaussian(rng, 1000, "abcd")
    labels = rng.random(1000) < 0.05
    for x, odd in zip(later, labels, strict=True):
        x["b"] += 8.0 * odd
    clean, struck = OnlineAutoencoder(seed=0), OnlineAutoencoder(seed=0)
    played(clean, rows)
    played(struck, rows[:2000] + burst + rows[2000:])
    auc = roc_auc_score(labels, played(struck, later))
    assert auc > 0.95
    assert auc > roc_auc_score(labels, played(clean, later)) - 0.02


def test_numba_slow_poisoning_does_not_move_the_usual(rng):
    model = OnlineAutoencoder(seed=0)
    played(model, gaussian(rng, LONG))
    rows = gaussian(rng, LONG)
    poisoned = rng.random(LONG) < 0.05
    for i, x in enumerate(rows):
        if poisoned[i]:
            x["a"] = 4.0 + 16.0 * i / LONG
    scores = played(model, rows)
    assert np.median(scores[poisoned][-50:]) > np.quantile(scores[~poisoned][-1000:], 0.99)
    assert abs(model.to_state()["stream"]["scaler"]["stats"][0, 1]) < 0.3


def test_numba_one_absurd_row_does_not_silence_those_after_it(rng):
    model = OnlineAutoencoder(seed=0)
    played(model, gaussian(rng, 2000))
    rows = gaussian(rng, 400)
    scores = played(model, [{"a": 1e300, "b": 1e300}, *rows])
    assert not model.drift_detected
    assert np.median(scores[20:]) < model.threshold
    before = model.n_refused
    model.learn_one(rows[0])
    assert model.n_refused == before


def test_numba_histograms_do_not_outgrow_the_rows_seen(rng):
    model = OnlineAutoencoder(seed=0, horizon=1000.0)
    for centre in (0.0, 50.0, -50.0, 1e4, 0.0, 50.0):
        played(model, gaussian(rng, 2000, centre=centre))
    assert_finite(model)
    # rows that teach at a fast rate weigh more, but no more than all that is there
    assert model.to_state()["stream"]["running"][MASS].max() < 2 * 1000.0


@pytest.mark.parametrize("rho", [0.0, 0.95])
def test_numba_scores_lean_on_the_past_where_the_past_says_something(rho, rng):
    model = OnlineAutoencoder(seed=0)
    level = np.zeros(2)
    rows = []
    for noise in rng.normal(size=(LONG, 2)):
        level = rho * level + math.sqrt(1 - rho**2) * noise
        rows.append({"a": float(level[0]), "b": float(level[1])})
    played(model, rows)
    context = model.to_state()["stream"]["context"]
    lean = 0.5 * max(0.0, context[3] / context[2])
    assert (lean > 0.2) if rho else (lean < 0.1)


# -- what an adversary found --------------------------------------------------------------------


@pytest.mark.parametrize("dead", [math.nan, None, Decimal("NaN"), np.float32("nan"), "absent"])
def test_a_feature_that_is_only_missing_is_the_one_to_leave(dead):
    model = OnlineAutoencoder(seed=0, max_features=2)
    for i in range(100):
        model.learn_one({"a": float(i % 7), "p": float(i % 5)})
    for i in range(100):
        row = {"a": float(i % 7)}
        model.learn_one(row if isinstance(dead, str) else {**row, "p": dead})
    for i in range(12):
        model.learn_one({"r": float(i)})
    assert [name for name, _ in model._features.slots] == ["a", "r"]


@pytest.mark.parametrize("missing", [math.nan, None, Decimal("NaN"), np.float32("nan"), np.datetime64("NaT")])
def test_missing_cells_of_every_kind_are_not_counted_as_unusable(missing):
    model = OnlineAutoencoder(seed=0)
    model.learn_one({"a": 1.0, "b": 2.0})
    model.learn_one({"a": missing, "b": 2.0})
    assert model.n_unusable == 0


def test_text_that_was_no_utf_8_is_a_category_like_any_other():
    model = OnlineAutoencoder(seed=0)
    for i in range(30):
        model.learn_one({"a": float(i), "t": "caf\udce9", "b\udcff": 1.0})
    back = OnlineAutoencoder.from_state(serialization.loads(frozen(model))[1])
    assert back.score_one({"a": 3.0, "t": "caf\udce9"}) == model.score_one({"a": 3.0, "t": "caf\udce9"})


def test_scores_of_the_first_rows_do_not_hold_the_cut_up(rng):
    model = OnlineAutoencoder(seed=0, alpha=0.1, grace_period=100)
    alarms = 0
    for x in gaussian(rng, 400):
        alarms += model.classify(model.score_one(x))
        model.learn_one(x)
    assert 5 < alarms < 60


@pytest.mark.parametrize(
    "params",
    [
        {"learning_rate": 1e30},
        {"learning_rate": "fast"},
        {"alpha": None},
        {"max_features": 2.5},
        {"hidden_sizes": 5},
    ],
)
def test_settings_that_are_no_such_numbers_are_refused_by_name(params):
    with pytest.raises(ValueError, match=f"Got {next(iter(params))}="):
        OnlineAutoencoder(**params)


# -- what a reviewer broke ------------------------------------------------------------------------


def test_a_shallow_copy_learns_by_itself(rng):
    rows = gaussian(rng, 200)
    model = OnlineAutoencoder(seed=0)
    played(model, rows[:100])
    other, before = copy.copy(model), frozen(model)
    played(other, rows[100:])
    assert frozen(model) == before
    played(model, rows[100:])
    assert frozen(model) == frozen(other)


@pytest.mark.parametrize("kind", [Counter, lambda x: defaultdict(int, x)])
def test_a_mapping_that_makes_up_values_is_read_as_it_is(rng, kind):
    model = OnlineAutoencoder(seed=0)
    played(model, gaussian(rng, 100))
    x = kind({"a": 1.0, "new": 2.0})
    assert model.score_one(x) == model.score_one({"a": 1.0, "new": 2.0})
    assert dict(x) == {"a": 1.0, "new": 2.0}


def test_numpy_names_are_numbers_and_can_be_saved(rng):
    rows = [{np.int64(j): float(v) for j, v in enumerate(row)} for row in rng.normal(size=(100, 3))]
    model, other = OnlineAutoencoder(seed=0), OnlineAutoencoder(seed=0)
    scores = played(model, rows)
    plain = [{int(name): value for name, value in x.items()} for x in rows]
    np.testing.assert_array_equal(scores, played(other, plain))
    assert frozen(model) == frozen(other)


def test_names_and_documents_that_cannot_be_kept_are_counted(rng):
    model = OnlineAutoencoder(seed=0)
    played(model, gaussian(rng, 50))
    for x in gaussian(rng, 20):
        model.learn_one({**x, "log": "x" * 5000, b"raw": 1.0})
    assert model.n_unusable == 40
    assert len(model._features.slots) == 2


def test_numbers_claim_a_text_feature_by_ten_in_a_row_only(rng):
    model = OnlineAutoencoder(seed=0)
    for i, x in enumerate(gaussian(rng, 200)):
        model.learn_one({**x, "code": 77.0 if i % 5 == 4 else "1a"})
    assert ("code", None) not in model._features.slots
    late = OnlineAutoencoder(seed=0)
    for i, x in enumerate(gaussian(rng, 50)):
        late.learn_one({**x, "load": "n/a" if i < 2 else 3.0})
    assert ("load", None) in late._features.slots


def test_columns_named_by_numbers_are_learned_as_their_rows(rng):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(rng.normal(size=(120, 3)))
    single, many = OnlineAutoencoder(seed=0), OnlineAutoencoder(seed=0)
    for row in frame.to_dict("records"):
        single.learn_one(row)
    many.learn_many(frame)
    assert frozen(single) == frozen(many)
