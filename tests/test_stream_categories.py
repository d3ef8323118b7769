"""A text feature: one source of surprise, a few indicators, and identifiers that say nothing."""

import datetime
import math
import uuid

import numpy as np
import pytest

from iotae import OnlineAutoencoder, serialization
from iotae.stream.categories import INDICATORS, PROBATION, Category, value_key
from iotae.stream.features import INDICATOR, RARITY, Features, slot_label
from iotae.stream.names import LONGEST_TEXT


def played(values):
    category, surprisals, flags = Category(0), [], []
    for value in values:
        key = value_key(value)
        surprisals.append(category.surprisal(key))
        category.note(key)
        flags.append(category.is_identifier)
    return category, np.array(surprisals), np.array(flags)


def uniform(n_values, n, seed=0):
    return [f"device {i}" for i in np.random.default_rng(seed).integers(n_values, size=n)]


def zipf(n_values, n, seed=0):
    share = 1.0 / np.arange(1, n_values + 1)
    return [f"v{i}" for i in np.random.default_rng(seed).choice(n_values, size=n, p=share / share.sum())]


def stamps(every, n, form):
    start = datetime.datetime(2024, 1, 1)
    return [(start + datetime.timedelta(seconds=every * i)).strftime(form) for i in range(n)]


@pytest.mark.parametrize("n_values", [1, 5, 20, 100, 200])
def test_steady_names_are_one_category_of_constant_surprise(n_values):
    category, surprisals, flags = played(uniform(n_values, 8000))
    assert not flags.any()
    settled = surprisals[-2000:]
    assert np.abs(settled - math.log(n_values)).max() < 0.8
    assert settled.std() < 0.3
    assert category.surprisal("never seen") > math.log(n_values) + 2.5


def test_two_hundred_names_that_take_turns_are_a_category():
    assert not played([f"device {i % 200}" for i in range(2000)])[2].any()


@pytest.mark.parametrize("n_values", [5, 20, 100, 1000, 10_000])
def test_values_of_uneven_shares_are_a_category(n_values):
    category, surprisals, flags = played(zipf(n_values, 8000))
    assert flags.mean() < 0.1
    assert not flags[-1]
    assert np.isfinite(surprisals).all()
    assert category.surprisal("v0") < category.surprisal("never seen")


def test_a_thousand_names_are_a_category_once_they_repeat():
    _, surprisals, flags = played(uniform(1000, 8000))
    assert not flags[2000:].any()
    assert abs(np.median(surprisals[-1000:]) - math.log(1000)) < 0.5


IDENTIFIERS = {
    "uuids": [str(uuid.UUID(int=i * 2**64 + 7)) for i in range(1000)],
    "counters": [f"{i}" for i in range(1000)],
    "time stamps": stamps(20, 1000, "%Y-%m-%dT%H:%M:%S"),
    "time stamps that stay for three rows": stamps(20, 1000, "%d/%m/%Y %H:%M"),
    "ten thousand names": uniform(10_000, 20_000),
}


@pytest.mark.parametrize("kind", IDENTIFIERS)
def test_what_hardly_repeats_is_an_identifier_within_a_few_hundred_rows(kind):
    flags = played(IDENTIFIERS[kind])[2]
    assert flags[800:].all()


@pytest.mark.parametrize(
    "values",
    [
        ["on" if i // 500 % 2 else "off" for i in range(20_000)],
        ["ok" if i % 100 else f"error {i}" for i in range(20_000)],
        [f"firmware {i // 200}" for i in range(20_000)],
    ],
    ids=["toggle", "errors", "versions"],
)
def test_long_runs_and_rare_new_values_are_no_identifier(values):
    assert not played(values)[2].any()


def test_an_identifier_comes_back_when_its_values_repeat_and_goes_again():
    values = [f"{i}" for i in range(1000)] + [f"{i % 20}" for i in range(1000)]
    _, _, flags = played(values + [f"new {i}" for i in range(1000)])
    assert flags[300:1000].all()
    assert not flags[1300:2000].any()
    assert flags[2600:].all()


def test_a_new_value_is_never_less_surprising_than_a_known_one_and_bounded():
    category = Category(0)
    for i, value in enumerate(zipf(3000, 3000)):
        category.note(value)
        new = category.surprisal("never seen")
        assert new <= math.log(i + 3) + 1e-12
        assert category.surprisal(value) < new


def test_old_values_fade():
    category, _, _ = played(["old"] * 30_000 + ["other"] * 10)
    assert category.surprisal("old") < 0.01
    for _ in range(30_000):
        category.note("new")
    # thirty thousand rows ago is three halvings ago
    assert category.surprisal("old") == pytest.approx(math.log(8), abs=0.7)
    for _ in range(30_000):
        category.note("new")
    assert category.surprisal("other") == category.surprisal("never seen")
    assert set(category.to_state()["values"]) == {"old", "new"}


def test_the_values_remembered_are_bounded_and_the_usual_ones_stay():
    category = Category(0)
    for i in range(20_000):
        category.note("usual" if i % 3 else f"{i}")
    state = category.to_state()
    assert len(state["values"]) <= 1000
    assert category.surprisal("usual") < 0.7


def test_long_values_are_remembered_by_a_digest():
    one, other = "x" * 900 + "1", "x" * 900 + "2\udce9"
    assert value_key(one) != value_key(other)
    assert max(len(value_key(one)), len(value_key(other))) <= 64
    assert value_key("short") == "short"


class Moody(str):
    """A text that is equal to nothing, not even to itself."""

    __slots__ = ()

    def __eq__(self, other):
        return False

    def __hash__(self):
        raise RuntimeError("no hash")


def test_a_text_of_a_class_of_its_own_is_read_as_plain_text():
    features, row = Features(8), {"s": Moody("on")}
    assert features.learn(row, np.empty(0)).given == [0]
    for _ in range(30):
        features.learn({"s": "on"}, np.empty(2))
    out = np.empty(2)
    features.encode(row, out)
    assert out[1] == 1.0


# -- slots ----------------------------------------------------------------------------------------


def taught(values, max_features=64, name="s"):
    features = Features(max_features)
    for value in values:
        features.learn({"a": 1.0, name: value}, np.empty(len(features.slots)))
    return features


def vector(features, x):
    out = np.empty(len(features.slots))
    features.encode(x, out)
    return out


def test_text_has_one_surprisal_and_indicators_of_its_usual_values():
    features = taught(["tcp"] * 30 + ["udp"] * 10 + ["icmp"] * 9)
    assert [slot_label(slot) for slot in features.slots] == ["a", "s:surprisal", "s=tcp", "s=udp"]
    row = vector(features, {"a": 2.0, "s": "udp"})
    assert row.tolist() == [2.0, row[1], 0.0, 1.0]
    assert vector(features, {"s": "never"})[2:].tolist() == [0.0, 0.0]
    assert np.isnan(vector(features, {"a": 2.0})[1:]).all()
    assert vector(features, {"s": "never"})[1] > vector(features, {"s": "icmp"})[1] > row[1]


@pytest.mark.parametrize("n_values", [30, 100, 200, 1000])
def test_a_category_has_a_bounded_number_of_slots(n_values):
    features = taught(uniform(n_values, 5000))
    kinds = features.kinds.tolist()
    assert kinds.count(RARITY) == 1
    assert kinds.count(INDICATOR) <= INDICATORS


def test_a_value_that_becomes_twice_as_usual_takes_the_weakest_indicator():
    first = [f"v{i % INDICATORS}" for i in range(20 * INDICATORS)]
    features = taught([*first, *["late"] * 39])
    assert ("s", "=late") not in features.slots
    place = features.slots.index(("s", "=v0"))
    out = np.empty(len(features.slots))
    assert features.learn({"a": 1.0, "s": "late"}, out).given == [place]
    assert features.slots[place] == ("s", "=late")
    assert out[place] == 1.0


def test_no_room_for_indicators_leaves_the_surprisal():
    features = taught(["on", "off"] * 500, max_features=2)
    assert [slot_label(slot) for slot in features.slots] == ["a", "s:surprisal"]
    assert vector(features, {"s": "never"})[1] > 5.0


def test_an_identifier_has_no_cells_and_is_named():
    features = taught([f"n{i}" for i in range(400)])
    assert features.identifiers == ["s"]
    assert np.isnan(vector(features, {"s": "n7"})[1])
    assert features.learn({"a": 1.0, "s": "n401"}, np.empty(2)).n_unusable == 0
    for _ in range(300):
        features.learn({"a": 1.0, "s": "same again"}, np.empty(len(features.slots)))
        features.learn({"a": 1.0, "s": "n7"}, np.empty(len(features.slots)))
    assert features.identifiers == []


def test_documents_are_unusable_in_known_and_new_features():
    features = taught(["on"] * 20)
    long = "x" * (LONGEST_TEXT + 1)
    assert features.learn({"a": 1.0, "s": long, "log": long}, np.empty(3)).n_unusable == 2


@pytest.mark.parametrize("value", [3, object(), b"on", [1.0], float("inf")])
def test_what_is_no_text_is_unusable_in_a_text_feature(value):
    features = taught(["on"] * PROBATION)
    assert features.learn({"a": 1.0, "s": value}, np.empty(3)).n_unusable == 1
    assert features.learn({"a": 1.0, "s": None}, np.empty(3)).n_unusable == 0


def test_learn_and_encode_give_the_same_numbers_and_a_file_continues():
    features = taught([])
    rows = [
        {"a": 1.0, "s": value, "u": other}
        for value, other in zip(zipf(50, 600), uniform(900, 600), strict=True)
    ]
    for i, row in enumerate(rows):
        before, out = vector(features, row), np.empty(len(features.slots))
        given = features.learn(row, out).given
        kept = [place for place in range(out.size) if place not in given]
        if len(features.slots) == out.size or i > 2 * PROBATION:
            np.testing.assert_array_equal(out[kept], before[kept])
        if i == 300:
            data = serialization.dumps("features", features.to_state())
            other = Features.from_state(serialization.loads(data)[1])
        elif i > 300:
            other.learn(row, np.empty(len(other.slots)))
    assert serialization.dumps("features", other.to_state()) == serialization.dumps(
        "features", features.to_state()
    )


def test_a_model_says_which_text_it_ignores():
    model = OnlineAutoencoder(seed=0)
    for i in range(600):
        model.learn_one({"watts": float(i % 7), "serial": f"s{i:08x}", "mode": "eco" if i % 3 else "max"})
    assert model.identifiers == ["serial"]
