"""Rows with more features than a model has slots: what is left out is counted and named, and costs little."""

import numpy as np
import pandas as pd
import pytest

from iotae import OnlineAutoencoder, serialization
from iotae.stream.features import PROBATION, Features
from iotae.stream.names import slot_label, slot_order
from iotae.stream.slots import MOST_CANDIDATES
from tests.test_stream_features import frozen, learned

WIDE = 40
NAMES = [f"c{i:02}" for i in range(WIDE)]

ignore_first_row = pytest.mark.filterwarnings("ignore:Got a first row")


def wide_rows(n, width=WIDE):
    X = np.random.default_rng(0).normal(size=(n, width))
    return [dict(zip(NAMES, x, strict=False)) for x in X.tolist()]


def state_of(model):
    return serialization.dumps("model", model.to_state())


def narrow():
    return OnlineAutoencoder(seed=0, max_features=30, batch_size=8, grace_period=20)


def test_a_first_row_that_is_too_wide_says_so_before_anything_changes():
    model = narrow()
    before = state_of(model)
    row = wide_rows(1)[0] | {"mode": "on"}
    with pytest.warns(
        RuntimeWarning, match=r"41 features that need 41 slots.*max_features=30.*max_features=41"
    ):
        model.learn_one(row)
    assert model.left_out == [*NAMES[30:], "mode"]
    assert model.n_unusable == 11
    assert state_of(model) != before
    # where warnings are errors the row is as if it had never come
    strict = narrow()
    with pytest.raises(RuntimeWarning):
        strict.learn_one(row)
    assert state_of(strict) == before


@ignore_first_row
def test_what_has_no_slot_changes_no_score():
    wide, fits = narrow(), narrow()
    for i, row in enumerate(wide_rows(100)):
        kept = {name: row[name] for name in NAMES[:30]}
        if i % 7 == 3:
            row["c33"] = "text"
        assert wide.score_one(row) == fits.score_one(kept)
        assert wide.score_learn_one(row) == fits.score_learn_one(kept)
    assert wide.n_unusable == 1000
    assert fits.n_unusable == 0
    assert fits.left_out == []


@ignore_first_row
@pytest.mark.parametrize("gaps", [False, True])
def test_blocks_and_single_rows_make_the_same_model_of_wide_rows(gaps):
    rows = wide_rows(120)
    if gaps:
        for i in range(0, 120, 4):
            rows[i][NAMES[i % WIDE]] = np.nan
    one_by_one, frame, array = narrow(), narrow(), narrow()
    expected = [one_by_one.score_learn_one(x)[0] for x in rows]
    assert frame.score_learn_many(pd.DataFrame(rows)).scores.tolist() == expected
    X = np.array([list(x.values()) for x in rows])
    assert array.score_learn_many(X, NAMES).scores.tolist() == expected
    assert state_of(one_by_one) == state_of(frame) == state_of(array)
    assert one_by_one.left_out == frame.left_out == array.left_out
    assert one_by_one.n_unusable == frame.n_unusable >= 1100
    scores = one_by_one.score_many(pd.DataFrame(rows)).tolist()
    assert scores == [one_by_one.score_one(x) for x in rows]


@ignore_first_row
def test_a_feature_that_vanishes_makes_room_for_the_next():
    features = Features(3)
    for _ in range(5):
        learned(features, {"a": 1.0, "b": 1.0, "c": 1.0, "d": 1.0, "e": 1.0})
    assert [name for name, _ in features.slots] == ["a", "b", "c"]
    assert features.left_out == ["d", "e"]
    for _ in range(PROBATION):
        learned(features, {"a": 1.0, "c": 1.0, "d": 1.0, "e": 1.0})
    assert {name for name, _ in features.slots} == {"a", "c", "d"}
    assert features.left_out == ["e"]


def test_one_question_a_row_finds_that_nobody_can_leave():
    features = Features(2)
    learned(features, {"a": 1.0, "b": 1.0})
    table = features._registry.table
    asked = []
    table.seen_at = lambda name: asked.append(name) or type(table).seen_at(table, name)
    assert table.who_leaves(1, 1) is None
    first = len(asked)
    assert first
    assert table.who_leaves(1, 1) is table.who_leaves(2, 1) is None
    assert len(asked) == first
    assert table.who_leaves(1, 2) == ["a"]
    table.release("a")
    assert table.who_leaves(1, 1) == []


def test_more_newcomers_than_are_remembered_are_not_looked_at():
    features = Features(10_000)
    learned(features, {"a": 1.0})
    before = frozen(features)
    flood = {f"x{i}": 1.0 for i in range(MOST_CANDIDATES + 1)}
    for _ in range(2 * PROBATION):
        assert learned(features, {"a": 1.0} | flood)[0].n_unusable == len(flood)
    assert features.slots == [("a", None)]
    assert features.left_out == sorted(flood)
    assert len(frozen(features)) < len(before) + 16


class Watched(float):
    """A number that tells when it is asked for."""

    asked = 0

    def __float__(self):
        Watched.asked += 1
        return super().__float__()

    def __ne__(self, other):
        Watched.asked += 1
        return super().__ne__(other)

    __hash__ = float.__hash__


@ignore_first_row
def test_cells_without_a_slot_are_not_read_where_no_slot_can_become_free():
    features = Features(2)
    learned(features, {"a": 1.0, "b": 1.0, "c": 1.0})
    Watched.asked = 0
    for row in ({"a": 1.0, "b": 1.0, "c": Watched(1.0)}, {"a": 1, "b": True, "c": Watched(1.0), "d": 1.0}):
        assert learned(features, row)[0].n_unusable == len(row) - 2
    assert Watched.asked == 0


@pytest.mark.parametrize("whole", [600, np.int64(600), np.uint8(200)])
def test_any_whole_number_says_how_many_slots_there_may_be(whole):
    model = OnlineAutoencoder(max_features=whole, seed=0)
    assert model.max_features == whole
    assert type(model.max_features) is int
    assert OnlineAutoencoder.from_state(model.to_state()).max_features == whole


@pytest.mark.parametrize("wrong", [0, -1, True, 2.5, np.float64(3.0), "3", None])
def test_what_is_no_whole_number_is_refused(wrong):
    with pytest.raises(ValueError, match="max_features="):
        OnlineAutoencoder(max_features=wrong)


def deep(levels):
    name = "x"
    for _ in range(levels):
        name = (name,)
    return name


@ignore_first_row
def test_a_name_2000_tuples_deep_is_set_aside():
    model = OnlineAutoencoder(seed=0, max_features=2)
    rows = [{"a": 1.0 * i, "b": 2.0, deep(2000): value} for i in range(30) for value in (1.0, "text", None)]
    for row in rows:
        model.score_learn_one(row)
        model.explain_one(row)
        model.learn_many([row])
    assert model.left_out == []
    assert model.n_unusable == 180
    wider = OnlineAutoencoder(seed=0)
    wider.learn_one(rows[0])
    assert wider.n_unusable == 1
    with pytest.raises(ValueError, match=r"shape \(3, 3\)"):
        wider.score_learn_many(np.ones((3, 3)), [deep(2000), "a"])


def test_a_zero_has_no_sign():
    rows = [{"a": a, "b": b} for a, b in np.random.default_rng(0).integers(-1, 2, size=(200, 2)).tolist()]
    positive = [{name: value + 0.0 for name, value in row.items()} for row in rows]
    negative = [{name: value or -0.0 for name, value in row.items()} for row in positive]
    models = [OnlineAutoencoder(seed=0) for _ in range(4)]
    scores = [
        [model.score_learn_one(x)[0] for x in given]
        for model, given in zip(models[:2], (positive, negative), strict=True)
    ]
    scores += [
        model.score_learn_many(pd.DataFrame(given)).scores.tolist()
        for model, given in zip(models[2:], (positive, negative), strict=True)
    ]
    assert scores[0] == scores[1] == scores[2] == scores[3]
    assert len({state_of(model) for model in models}) == 1
    assert slot_label((-0.0, None)) == slot_label((0.0, None))
    assert slot_order((np.float64(-0.0), None)) == slot_order((0.0, None))


TIMES = np.array(["2026-01-01T05:00", "2026-01-01T06:30"] * 30, "M8[ns]")


@pytest.mark.parametrize(
    "table",
    [
        [[1.0, "on"], [2.0, "off"]] * 30,
        np.array([[1.0, "on"], [2.0, "off"]] * 30, object),
        np.array([["3.5", "on"], ["4.5", "off"]] * 30),
        np.column_stack([TIMES, TIMES]),
        np.array([[1.0, None], [2.0, 3.0]] * 30, object),
        [[True, 2], [False, 3]] * 30,
    ],
)
def test_an_array_of_anything_is_taken_as_rows_of_the_same_cells(table):
    by_array, by_rows = OnlineAutoencoder(seed=0), OnlineAutoencoder(seed=0)
    judged = by_array.score_learn_many(table, ["a", "b"])
    expected = [by_rows.score_learn_one({"a": a, "b": b})[0] for a, b in table]
    assert judged.scores.tolist() == expected
    assert state_of(by_array) == state_of(by_rows)
    assert by_array.n_unusable == by_rows.n_unusable
