import pickle
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iotae.stream.features import PROBATION, FeatureSchema, slot_label


def made(*rows, max_features=8):
    schema = FeatureSchema(max_features)
    for row in rows:
        schema.admit(row)
    return schema


def test_the_first_rows_features_get_slots_in_the_order_of_their_names():
    assert made({"b": 1.0, "a": 2.0, 3: 1.0}).slots == [("a", None), ("b", None), (3, None)]


@settings(max_examples=60)
@given(
    st.lists(st.dictionaries(st.sampled_from("abcdefgh"), st.floats(-5, 5), min_size=1), max_size=30),
    st.randoms(),
)
def test_the_order_of_a_dict_makes_no_difference(rows, random):
    one, other = FeatureSchema(5), FeatureSchema(5)
    for row in rows:
        items = list(row.items())
        random.shuffle(items)
        assert one.admit(row) == other.admit(dict(items))
        assert one.slots == other.slots
        np.testing.assert_array_equal(one.encode(row), other.encode(dict(items)))


def test_encode_takes_every_kind_of_number_and_masks_the_rest():
    schema = made(dict.fromkeys("abcdefgh", 0.0))
    row = {
        "a": Decimal("1.5"),
        "b": np.float32(2.5),
        "c": True,
        "d": Fraction(1, 2),
        "e": None,
        "f": "7",
        "g": 10**400,
    }
    nan = np.nan
    np.testing.assert_array_equal(schema.encode(row), [1.5, 2.5, 1.0, 0.5, nan, nan, nan, nan])
    assert schema.count_unusable(row, schema.encode(row)) == 2


def test_encode_changes_no_state():
    schema = made({"a": 1.0, "b": 2.0})
    before = pickle.dumps(schema)
    for row in ({"a": 1.0, "b": 2.0}, {"a": "x", "z": 1.0}, {}):
        schema.encode(row)
    assert pickle.dumps(schema) == before


def test_newcomers_wait_and_a_burst_of_nonsense_gets_nothing():
    schema = made({"a": 1.0})
    for i in range(5000):
        schema.admit({"a": 1.0, f"junk{i}": 1.0})
    assert schema.slots == [("a", None)]
    assert len(schema.to_state()["candidates"]) <= 1024
    given = [schema.admit({"a": 1.0, "b": 2.0}) for _ in range(PROBATION)]
    assert given == [[]] * (PROBATION - 1) + [[1]]


def test_who_was_not_seen_for_longest_leaves():
    schema = made({"a": 1.0, "b": 1.0}, {"a": 1.0}, max_features=2)
    for _ in range(PROBATION):
        schema.admit({"c": 1.0, "a": 1.0})
    assert schema.slots == [("a", None), ("c", None)]
    assert schema.n_evicted == 1
    full = made({"a": 1.0, "b": 1.0}, max_features=2)
    for _ in range(3 * PROBATION):
        full.admit({"a": 1.0, "b": 1.0, "c": 1.0})
    assert full.slots == [("a", None), ("b", None)]


def test_eviction_counts_rows_that_took_the_short_way():
    schema = made({"a": 1.0, "b": 1.0}, *[{"a": 1.0, "b": 1.0}] * 50, max_features=2)
    for _ in range(PROBATION):
        schema.admit({"b": 1.0, "c": 1.0})
    assert schema.slots == [("c", None), ("b", None)]


def test_text_is_a_category():
    schema = made({"proto": "tcp", "n": 1.0})
    for _ in range(PROBATION):
        schema.admit({"proto": "udp", "n": 1.0})
    assert [slot_label(slot) for slot in schema.slots] == ["n", "proto=tcp", "proto=udp"]
    nan = np.nan
    np.testing.assert_array_equal(schema.encode({"proto": "udp", "n": 2.0}), [2.0, 0.0, 1.0])
    np.testing.assert_array_equal(schema.encode({"proto": "never", "n": 2.0}), [2.0, 0.0, 0.0])
    np.testing.assert_array_equal(schema.encode({"n": 2.0}), [2.0, nan, nan])


@pytest.mark.parametrize("name", ["x", 3, 2.5, True, None, ("a", 1)])
def test_state_round_trip_keeps_names_of_any_plain_type(name):
    schema = made({name: 1.0, "z": "text"})
    schema.admit({"newcomer": 1.0})
    back = FeatureSchema.from_state(schema.to_state())
    assert back.slots == schema.slots
    assert pickle.dumps(back.to_state()) == pickle.dumps(schema.to_state())


def test_odd_names_are_not_let_in_and_no_slots_at_all_say_so():
    assert made({frozenset("ab"): 1.0, "a": 1.0}).slots == [("a", None)]
    with pytest.raises(ValueError, match="max_features=0"):
        FeatureSchema(0)
