"""Rows to vectors: who gets a slot and who leaves, what a cell says, and that a row is walked once."""

import pickle
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iotae import serialization
from iotae.stream.features import CLOCK, INDICATOR, PROBATION, RARITY, SENSOR, Features, slot_label


def learned(features, row):
    """Learn a row as the model does; what came of it, and the vector."""
    before = encoded(features, row)
    out = np.empty(len(features.slots))
    result = features.learn(row, out)
    assert result.changed == bool(result.given)
    if out.size != len(features.slots):
        return result, encoded(features, row)
    if not result.given:
        np.testing.assert_array_equal(out, before)
    return result, out


def encoded(features, row):
    out = np.empty(len(features.slots))
    features.encode(row, out)
    return out


def made(*rows, max_features=64):
    features = Features(max_features)
    for row in rows:
        learned(features, row)
    return features


def frozen(features):
    return serialization.dumps("features", features.to_state())


def test_the_first_rows_features_get_slots_in_the_order_of_their_names():
    assert made({"b": 1.0, "a": 2.0, 3: 1.0}).slots == [("a", None), ("b", None), (3, None)]


CELLS = st.one_of(
    st.floats(-5, 5), st.sampled_from(["on", "off", None, np.inf]), st.datetimes(), st.dates(), st.integers()
)


@pytest.mark.untraced
@pytest.mark.filterwarnings("ignore:Got a first row")
@settings(max_examples=100)
@given(
    st.lists(st.dictionaries(st.sampled_from("abcdefgh"), CELLS, min_size=1), max_size=30),
    st.integers(1, 12),
    st.randoms(),
)
def test_the_order_of_a_dict_makes_no_difference(rows, max_features, random):
    one, other = Features(max_features), Features(max_features)
    for row in [row for row in rows for _ in range(11)]:
        items = list(row.items())
        random.shuffle(items)
        (first, vector), (second, shuffled) = learned(one, row), learned(other, dict(items))
        assert first == second
        np.testing.assert_array_equal(vector, shuffled)
        assert one.slots == other.slots
        assert one.names == other.names
    assert len(one.slots) <= max_features
    back = Features.from_state(serialization.loads(frozen(one))[1])
    assert frozen(back) == frozen(one)
    for row in rows:
        np.testing.assert_array_equal(encoded(back, row), encoded(one, row))
        assert back.learn(row, np.empty(64)) == one.learn(row, np.empty(64))


def test_encode_takes_every_kind_of_number_and_masks_the_rest():
    features = made(dict.fromkeys("abcdefghi", 0.0))
    row = {
        "a": Decimal("1.5"),
        "b": np.float32(2.5),
        "c": True,
        "d": Fraction(1, 2),
        "e": None,
        "f": "7",
        "g": 10**400,
        "h": np.inf,
        "i": np.nan,
    }
    result, vector = learned(features, row)
    np.testing.assert_array_equal(vector, [1.5, 2.5, 1.0, 0.5, np.nan, 7.0, *[np.nan] * 3])
    assert result.n_unusable == 2


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan, Decimal("inf"), np.float16("inf")])
def test_a_row_of_numbers_that_are_not_all_finite_takes_the_long_way(value):
    features = made({"a": 1.0, "b": 2.0})
    result, vector = learned(features, {"a": 3.0, "b": value})
    np.testing.assert_array_equal(vector, [3.0, np.nan])
    assert result.n_unusable == (value == value)


def test_large_numbers_are_not_taken_for_infinite_ones():
    features = made({"a": 1.0, "b": 2.0})
    assert learned(features, {"a": 1.7e308, "b": -1.7e308})[1].tolist() == [1.7e308, -1.7e308]


def test_encode_changes_no_state():
    features = made(*[{"a": 1.0, "b": "on"}] * 20)
    before = pickle.dumps(features)
    for row in ({"a": 1.0, "b": "on"}, {"a": "x", "z": 1.0}, {"b": "never"}, {"b": 2.0}, {}):
        encoded(features, row)
    assert pickle.dumps(features) == before


def test_newcomers_wait_and_a_burst_of_nonsense_gets_nothing():
    features = made({"a": 1.0})
    for i in range(5000):
        features.learn({"a": 1.0, f"junk{i}": 1.0}, np.empty(1))
    assert features.slots == [("a", None)]
    assert len(features.to_state()["registry"]["table"]["candidates"]) <= 1024
    given = [learned(features, {"a": 1.0, "b": 2.0})[0].given for _ in range(PROBATION)]
    assert given == [[]] * (PROBATION - 1) + [[1]]


def test_who_was_not_seen_for_longest_leaves():
    features = made({"a": 1.0, "b": 1.0}, {"a": 1.0}, max_features=2)
    for _ in range(PROBATION):
        learned(features, {"c": 1.0, "a": 1.0})
    assert features.slots == [("a", None), ("c", None)]
    assert features.n_evicted == 1
    full = made({"a": 1.0, "b": 1.0}, max_features=2)
    for _ in range(3 * PROBATION):
        learned(full, {"a": 1.0, "b": 1.0, "c": 1.0})
    assert full.slots == [("a", None), ("b", None)]


def test_eviction_counts_rows_that_took_the_short_way():
    features = made({"a": 1.0, "b": 1.0}, *[{"a": 1.0, "b": 1.0}] * 50, max_features=2)
    for _ in range(PROBATION):
        learned(features, {"b": 1.0, "c": 1.0})
    assert features.slots == [("c", None), ("b", None)]


def test_a_feature_leaves_with_all_its_slots_and_the_rest_is_used_again():
    features = made(*[{"a": 1.0, "s": "on"}] * 12, max_features=3)
    assert [slot_label(slot) for slot in features.slots] == ["a", "s:surprisal", "s=on"]
    for _ in range(PROBATION):
        learned(features, {"a": 1.0, "b": 1.0})
    assert features.slots == [("a", None), ("b", None), ("s", "=on")]
    np.testing.assert_array_equal(encoded(features, {"a": 2.0, "b": 3.0, "s": "on"}), [2.0, 3.0, np.nan])
    for _ in range(PROBATION):
        learned(features, {"a": 1.0, "b": 1.0, "c": 1.0})
    assert features.slots == [("a", None), ("b", None), ("c", None)]
    assert features.n_evicted == 1


def test_kinds_and_sources_say_what_each_slot_is():
    rows = [{"t": np.datetime64("2024-01-01T06:00"), "a": 1.0, "s": "on"}] * PROBATION
    features = made(*rows)
    assert features.names == ["a", "s", "t"]
    assert features.kinds.tolist() == [SENSOR, RARITY, *[CLOCK] * 4, INDICATOR]
    assert features.sources.tolist() == [0, 1, 2, 2, 2, 2, 1]
    assert len({slot_label(slot) for slot in features.slots}) == 7


def test_numbers_claim_a_text_feature_by_ten_in_a_row_only():
    features = made({"a": 0.0, "code": "1a"})
    for i in range(200):
        result = learned(features, {"a": 0.0, "code": 77.0 if i % 5 == 4 else "1a"})[0]
        assert result.n_unusable == (i % 5 == 4)
    assert ("code", None) not in features.slots
    n_slots = len(features.slots)
    for _ in range(PROBATION):
        learned(features, {"a": 0.0, "code": 77.0})
    assert ("code", None) in features.slots
    assert len(features.slots) == n_slots
    assert np.nansum(encoded(features, {"code": 77.0})) == 77.0


def test_text_and_times_never_claim_a_number():
    features = made({"a": 1.0})
    # as a number of nanoseconds the last would pass for a float
    for value in ("x", np.datetime64("2024-01-01T06:00"), np.datetime64("2024-01-01T06", "ns")):
        assert sum(learned(features, {"a": value})[0].n_unusable for _ in range(30)) == 30
    assert features.slots == [("a", None)]


def test_order_of_and_note_plain_serve_data_frames():
    features = made({"a": 1.0, "b": 1.0}, max_features=2)
    assert features.order_of(["b", "a"]) == [1, 0]
    assert features.order_of(["b", "c"]) is None
    assert features.note_plain(5, ["b", "a"]) == 0
    assert features.n_rows == 6
    assert made({"a": 1.0, "s": "on"}).order_of(["a", "s"]) is None


@pytest.mark.parametrize("name", ["x", 3, 2.5, True, None, ("a", 1), (), ("a", ("b", 2))])
def test_state_round_trip_keeps_names_of_any_plain_type(name):
    features = made({name: 1.0, "z": "text"})
    learned(features, {"newcomer": 1.0})
    back = Features.from_state(serialization.loads(frozen(features))[1])
    assert back.slots == features.slots
    assert frozen(back) == frozen(features)
    assert frozen(pickle.loads(pickle.dumps(features))) == frozen(features)


def deep(levels):
    name = ()
    for _ in range(levels):
        name = (name,)
    return name


@pytest.mark.parametrize(
    "name",
    [frozenset("ab"), deep(2000), b"k", 1j, np.nan, 10**5000, "x" * 5000],
    ids=["set", "deep tuple", "bytes", "complex", "NaN", "huge", "long"],
)
def test_odd_names_are_not_let_in_and_their_cells_are_counted(name):
    features = made({"a": 1.0, name: 1.0})
    assert features.slots == [("a", None)]
    assert learned(features, {"a": 1.0, name: 1.0})[0].n_unusable == 1
    assert learned(features, {"a": 1.0, name: "text"})[0].n_unusable == 1
    frozen(features)


def test_names_of_the_same_label_are_told_apart():
    rows = [{"int:3": 1.0, 3: 2.0, "s": "on", "s=on": 4.0}] * PROBATION
    turned = [dict(reversed(row.items())) for row in rows]
    assert made(*rows).slots == made(*turned).slots


def test_a_wrong_setting_and_a_wrong_row_say_what_was_expected():
    with pytest.raises(ValueError, match="max_features=0"):
        Features(0)
    with pytest.raises(TypeError, match="Got a row of type list"):
        Features(3).learn([1.0], np.empty(0))
    with pytest.raises(TypeError, match="Got a row of type list"):
        Features(3).encode([1.0], np.empty(0))


@pytest.mark.untraced
def test_memory_is_bounded_whatever_comes():
    features = made({"a": 1.0, "s": "on"}, max_features=32)
    rng = np.random.default_rng(0)
    for i in range(10_000):
        row = {"a": 1.0, "s": f"{i}" * 50, f"junk{i}": f"v{i}", f"often{i // 20}": f"{rng.random()}"}
        features.learn(row, np.empty(32))
    assert len(features.slots) <= 32
    assert len(frozen(features)) < 500_000
