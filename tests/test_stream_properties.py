"""What holds of the stream's model for any rows, at any cut, and in any number of slots."""

import datetime
import json
import math
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iotae import OnlineAutoencoder, serialization
from iotae.stream.counters import PIVOT, WITNESS_LEFT, WITNESS_PENDING
from iotae.stream.witness import JOINED, SCORE, SURPRISED

START = datetime.datetime(2026, 3, 1)


def frozen(model):
    return serialization.dumps("model", model.to_state())


def reloaded(model):
    return OnlineAutoencoder.from_state(serialization.loads(frozen(model))[1])


def stream(rng, n, d=4):
    """Correlated numbers with gaps, a text, a flag and a time."""
    rows = []
    level = np.zeros(2)
    mixing = rng.normal(size=(2, d))
    for i in range(n):
        level = 0.8 * level + 0.6 * rng.normal(size=2)
        values = level @ mixing + 0.3 * rng.normal(size=d)
        x = {f"s{j}": float(v) for j, v in enumerate(values)}
        x |= {"on": bool(rng.random() < 0.3), "mode": "eco" if rng.random() < 0.3 else "max"}
        x["time"] = START + datetime.timedelta(minutes=10 * i)
        if rng.random() < 0.1:
            x[f"s{rng.integers(d)}"] = None
        rows.append(x)
    return rows


CELLS = st.one_of(
    st.floats(),
    st.none(),
    st.booleans(),
    st.text(max_size=2),
    st.datetimes(),
    st.sampled_from([1e300, -1e300, 10**400]),
)
NAMES = st.sampled_from(["s0", "s1", "s2", "on", "mode", "time", "new"])


@settings(max_examples=30)
@given(st.lists(st.dictionaries(NAMES, CELLS, max_size=7), max_size=20), st.sampled_from([0, 40, 150]))
def test_any_rows_give_scores_shares_and_expectations(rows, warm):
    model, twin = OnlineAutoencoder(seed=0, batch_size=8), OnlineAutoencoder(seed=0, batch_size=8)
    for x in stream(np.random.default_rng(0), warm, 3):
        model.learn_one(x)
        twin.learn_one(x)
    for x in rows:
        score = model.score_one(x)
        assert 0.0 <= score < 1.0
        shares, expected = model.explain_one(x), model.expected_one(x)
        assert min(shares.values(), default=0.0) >= 0.0
        assert sum(shares.values()) == pytest.approx(score, rel=1e-9)
        assert all(math.isfinite(value) for value in expected.values())
        assert not {"mode", "time"} & set(expected) or warm == 0
        said = twin.score_learn_one(x)
        assert said == (score, model.classify(score))
        model.learn_one(x)
    assert frozen(model) == frozen(twin)


def test_a_fused_call_is_the_three_calls_bit_for_bit(rng):
    plain = [{k: float(v) for k, v in x.items() if k[0] == "s" and v is not None} for x in stream(rng, 300)]
    for rows in (stream(rng, 300), plain):
        apart, fused = (
            OnlineAutoencoder(seed=1, grace_period=100),
            OnlineAutoencoder(seed=1, grace_period=100),
        )
        for x in rows:
            score = apart.score_one(x)
            alarm = apart.classify(score)
            apart.learn_one(x)
            assert fused.score_learn_one(x) == (score, alarm)
        assert frozen(apart) == frozen(fused)


def test_asking_changes_nothing_even_between_rows(rng):
    rows = stream(rng, 200)
    asked, left_alone = OnlineAutoencoder(seed=0), OnlineAutoencoder(seed=0)
    for i, x in enumerate(rows):
        if i % 3 == 0:
            asked.explain_one(rows[i // 2])
            asked.expected_one(rows[-1])
            asked.score_many(rows[:2])
        asked.learn_one(x)
        left_alone.learn_one(x)
    assert frozen(asked) == frozen(left_alone)


def test_a_model_saved_amid_an_inversion_or_a_mini_batch_goes_on_bit_for_bit(rng):
    rows = stream(rng, 330, 6)
    model = OnlineAutoencoder(seed=0, batch_size=16)
    copies, stages = [], set()
    for i, x in enumerate(rows[:260]):
        model.learn_one(x)
        counters = model._views["counters"]
        stage = counters[PIVOT] > 0, counters[WITNESS_PENDING] > 0, counters[WITNESS_LEFT] > 0
        if stage not in stages:
            stages.add(stage)
            copies.append((i + 1, reloaded(model)))
    assert any(inverting for inverting, _, _ in stages)
    assert any(pending for _, pending, _ in stages)
    assert any(training for _, _, training in stages)
    scores = [model.score_learn_one(x) for x in rows[260:]]
    for i, copy in copies:
        for x in rows[i:260]:
            copy.learn_one(x)
        assert [copy.score_learn_one(x) for x in rows[260:]] == scores
        assert frozen(copy) == frozen(model)


def test_many_rows_at_once_are_the_rows_one_by_one(rng):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(rng.normal(size=(300, 5)), columns=list("edcba"))
    frame.iloc[::17, 2] = math.nan
    one, many = OnlineAutoencoder(seed=0), OnlineAutoencoder(seed=0)
    for x in frame.to_dict("records"):
        one.learn_one(x)
    for start, stop in ((0, 3), (3, 61), (61, 97), (97, 300)):
        many.learn_many(frame[start:stop])
    assert frozen(one) == frozen(many)
    assert many.score_many(frame[:30]).tolist() == [one.score_one(x) for x in frame[:30].to_dict("records")]


def test_what_is_expected_is_in_the_features_own_units(rng):
    model = OnlineAutoencoder(seed=0)
    for load in rng.normal(size=600):
        model.learn_one(
            {"kelvin": 300 + 10 * load, "watt": 5e6 + 1e6 * load + 1e4 * rng.normal(), "mode": "on"}
        )
    expected = model.expected_one({"kelvin": 310.0, "watt": 2e6, "mode": "on"})
    assert set(expected) == {"kelvin", "watt"}
    assert expected["watt"] == pytest.approx(6e6, rel=0.05)
    # also of what the row lacks
    assert model.expected_one({"kelvin": 290.0})["watt"] == pytest.approx(4e6, rel=0.1)


def test_slots_grow_and_leave_and_the_model_stays_itself(rng):
    model = OnlineAutoencoder(seed=0, max_features=6)
    for phase in range(5):
        for row in rng.normal(size=(60, 4)).tolist():
            x = {f"p{phase}": row[0], f"p{phase + 1}": row[0] + 0.1 * row[1], "a": row[2], "b": row[3]}
            score, _ = model.score_learn_one(x)
            assert 0.0 <= score < 1.0
            assert len(model._features.slots) <= 6
        assert set(model.explain_one(x)) <= set(x)
        assert all(map(math.isfinite, model.expected_one(x).values()))
        back = reloaded(model)
        assert back.score_one(x) == model.score_one(x)
        assert (np.linalg.eigvalsh(model._views["matrices"][2 * len(model._features.slots) :]) > 0).all()
    assert model._features.n_evicted > 0


def test_evidence_can_raise_a_score_and_never_hides_a_surprise(rng):
    model = OnlineAutoencoder(seed=0)
    for x in stream(rng, 400):
        model.learn_one(x)
    for x in stream(rng, 40):
        model.score_one(x)
        evidence = model._views["evidence"]
        joined = math.exp(evidence[JOINED]) - 0.5
        assert evidence[SCORE] >= joined - 1e-9
        assert evidence[SCORE] >= 0.0
        assert evidence[SURPRISED] >= 0.0


WITHOUT_NUMBA = """
import sys
sys.modules["numba"] = None
from iotae._compiled import COMPILED, say_on_standard_error
from tests.test_stream_properties import scores_of_a_short_stream
assert not COMPILED
say_on_standard_error()
print(scores_of_a_short_stream())
"""


def scores_of_a_short_stream():
    model = OnlineAutoencoder(seed=0)
    return [model.score_learn_one(x)[0] for x in stream(np.random.default_rng(0), 250)]


def test_numba_changes_no_score(request):
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_NUMBA], cwd=request.config.rootpath, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
    np.testing.assert_allclose(json.loads(done.stdout), scores_of_a_short_stream(), rtol=1e-4)
