"""Rows that say what no sensor should, among real ones: no exception, finite, and the ranking stands.

The full run, with every stream set at hand, is `python -m benchmarks hostile`.
"""

import math
import uuid

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks import datasets, hostile
from iotae import OnlineAutoencoder, serialization
from iotae.stream.counters import LEARNED


@pytest.fixture(scope="module")
def shuttle():
    return datasets.load("stream", "river_shuttle").take(np.arange(6_000))


@pytest.mark.untraced
@pytest.mark.parametrize("kind", hostile.KINDS)
def test_numba_hostile_rows_of_one_kind_leave_the_ranking_alone(kind, shuttle):
    # one row in ten: what the gate may refuse for ever without taking it for a new world
    found = hostile.measure(shuttle.take(np.arange(3_000)), 300, kinds=[kind])
    assert found["hostile"] > found["clean"] - hostile.MOST_LOST
    assert found["n_seen"] + found["n_rejected"] == 3_300


@pytest.mark.untraced
@pytest.mark.parametrize("seed", range(3))
def test_numba_hostile_rows_of_all_kinds_leave_the_ranking_alone(seed, shuttle):
    found = hostile.measure(shuttle, 2_000, seed)
    assert found["hostile"] > found["clean"] - hostile.MOST_LOST
    assert found["n_seen"] + found["n_rejected"] == 8_000
    assert found["n_rejected"] > 50
    assert found["n_unusable"] > 500
    assert found["n_refused"] > 200


def test_the_mixture_keeps_the_real_rows_in_their_order():
    rows = [{"a": float(i), "b": -float(i)} for i in range(500)]
    played = list(hostile.mixed(rows, 200, np.random.default_rng(0)))
    assert [x for x, real in played if real] == rows
    assert len(played) == 700
    places = np.flatnonzero([not real for _, real in played])
    assert places.min() < 50
    assert places.max() > 650


@pytest.mark.parametrize("kind", hostile.KINDS)
def test_a_hostile_row_is_none_of_the_real_ones(kind):
    rng = np.random.default_rng(0)
    x = dict.fromkeys("abcd", 0.5)
    made = [hostile.hostile_row(kind, x, rng) for _ in range(20)]
    # by text, since some of these cells cannot even be compared
    assert repr(x) not in map(repr, made)
    assert x == dict.fromkeys("abcd", 0.5)
    assert hostile.hostile_row(hostile.COPY, x, rng) == x


# -- whatever a row holds -----------------------------------------------------------------------

NUMPY = st.sampled_from(
    [
        np.float32(2),
        np.float16("inf"),
        np.int64(3),
        np.uint64(2**64 - 1),
        np.bool_(True),
        np.longdouble("1e999"),
    ]
)
ODD = st.sampled_from(
    [object(), float, np.ones(2), np.void(b"abc"), np.datetime64("NaT"), np.timedelta64(1, "s")]
)
CELLS = st.one_of(
    st.floats(), st.integers(), st.sampled_from([10**400, -(10**400)]), st.text(max_size=3), st.none(),
    st.booleans(), st.binary(max_size=3), st.decimals(), st.fractions(), st.complex_numbers(), st.datetimes(),
    st.dates(), st.timedeltas(), st.just(uuid.UUID(int=0)), st.lists(st.floats(), max_size=2),
    st.dictionaries(st.text(max_size=1), st.floats(), max_size=1), NUMPY, ODD,
)  # fmt: skip
PLAIN_NAMES = st.one_of(
    st.sampled_from("abc"), st.text(max_size=2), st.integers(), st.none(), st.booleans(),
    st.floats(allow_nan=False, allow_infinity=False), st.tuples(st.text(max_size=1), st.integers(0, 2)),
)  # fmt: skip


def warm(n=80):
    model = OnlineAutoencoder(seed=0, batch_size=4, max_features=8)
    for row in np.random.default_rng(0).normal(size=(n, 3)).tolist():
        model.learn_one(dict(zip("abc", row, strict=True)))
    return model


def frozen(model):
    return serialization.dumps("model", model.to_state())


@pytest.mark.untraced
@settings(max_examples=60)
@given(st.lists(st.dictionaries(PLAIN_NAMES, CELLS, max_size=6), max_size=12), st.integers(1, 12))
def test_nothing_that_python_holds_breaks_the_model(rows, times):
    model = warm()
    seen = model.n_seen
    for x in rows * times:
        before = frozen(model)
        score = model.score_one(x)
        assert 0.0 <= score < 1.0
        assert sum(model.explain_one(x).values()) == pytest.approx(score, rel=1e-9)
        assert frozen(model) == before
        model.learn_one(x)
    assert hostile.is_finite(model)
    assert model.n_seen - seen + model.n_rejected == len(rows) * times
    back = OnlineAutoencoder.from_state(serialization.loads(frozen(model))[1])
    assert frozen(back) == frozen(model)
    for x in rows[:3]:
        assert back.score_one(x) == model.score_one(x)


class Raises:
    """A value that cannot even be asked."""

    def __float__(self):
        raise RuntimeError("no number")

    def __ne__(self, other):
        raise RuntimeError("no comparison")

    __hash__ = None


def test_a_value_that_raises_when_asked_is_an_unusable_cell():
    model = warm()
    model.learn_one({"a": Raises(), "b": 0.0})
    assert model.n_unusable == 1


@pytest.mark.parametrize(
    "name",
    [b"k", frozenset({1}), 1j, np.int64(3), math.nan, math.inf, ("t", math.nan), 10**5_000, uuid.UUID(int=0)],
    ids=lambda name: type(name).__name__,
)
def test_a_name_that_cannot_be_saved_does_not_keep_the_model_from_being_saved(name):
    model = warm()
    model.learn_one({"a": 0.0, "b": 0.0, "c": 0.0, name: 1.0})
    back = OnlineAutoencoder.from_state(serialization.loads(frozen(model))[1])
    assert back.score_one({"a": 1.0}) == model.score_one({"a": 1.0})


def test_a_row_that_comes_twice_teaches_once_and_one_that_stays_teaches_again():
    rng = np.random.default_rng(0)
    rows = [{f"s{j}": v for j, v in enumerate(x)} for x in rng.normal(size=(600, 4)).tolist()]
    model = OnlineAutoencoder(seed=0)

    def taught(x):
        before = int(model.to_state()["stream"]["counters"][LEARNED])
        model.learn_one(x)
        return int(model.to_state()["stream"]["counters"][LEARNED]) - before

    for x in rows:
        model.learn_one(x)
    assert [taught(rows[300]) for _ in range(3)] == [1, 0, 1]
