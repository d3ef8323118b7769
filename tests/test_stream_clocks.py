"""A cell that is a time makes its feature a clock: the hour of the day, and nothing else."""

import datetime

import numpy as np
import pytest

from iotae.data.cell_objects import clock_cells, hour_of
from iotae.stream.features import CLOCK, PROBATION, SENSOR, Features

UTC = datetime.timezone.utc  # noqa: UP017 - datetime.UTC is the same object


class Broken(datetime.datetime):
    """A time that cannot be asked for its hour."""

    @property
    def hour(self):
        raise RuntimeError("no hour")


@pytest.mark.parametrize(
    ("value", "hour"),
    [
        (datetime.datetime(2024, 5, 1, 18, 30), 18.5),
        (datetime.datetime(2024, 5, 1, 18, 30, tzinfo=UTC), 18.5),
        (datetime.time(6, 0, 36), 6.01),
        (datetime.datetime(2024, 5, 1, 0, 0, 0, 3600), 1e-6),
        (np.datetime64("2024-05-01T18:30"), 18.5),
        (np.datetime64("1901-05-01T18:30:00.000000000"), 18.5),
        (np.datetime64("2024-05-01T18"), 18.0),
        (np.datetime64("2024-05-01"), None),
        (np.datetime64("NaT"), None),
        (datetime.date(2024, 5, 1), None),
        (Broken(2024, 5, 1), None),
        (5.0, None),
        ("18:30", None),
    ],
)
def test_the_hour_of_a_time(value, hour):
    assert hour_of(value) == (None if hour is None else pytest.approx(hour))


def test_pandas_times_are_times_too():
    pandas = pytest.importorskip("pandas")
    assert hour_of(pandas.Timestamp("2024-05-01 18:30", tz="Europe/Berlin")) == 18.5
    assert hour_of(pandas.NaT) is None


def test_the_cells_turn_with_the_day_and_have_a_mean_square_of_one():
    cells = np.array([clock_cells(hour) for hour in np.arange(0, 24, 0.25)])
    np.testing.assert_allclose((cells**2).mean(axis=0), 1.0)
    np.testing.assert_allclose(clock_cells(6.0), np.sqrt(2) * np.array([1, 0, 0, -1]), atol=1e-12)
    np.testing.assert_allclose(clock_cells(24.0), clock_cells(0.0), atol=1e-12)
    assert len(np.unique(cells.round(9), axis=0)) == 96


def taught(*rows, max_features=16):
    features = Features(max_features)
    for row in rows:
        features.learn(row, np.empty(len(features.slots)))
    return features


def vector(features, x):
    out = np.empty(len(features.slots))
    features.encode(x, out)
    return out


NOON = datetime.datetime(2024, 5, 1, 12)


def test_a_time_has_four_slots_and_no_number():
    features = taught({"t": NOON, "a": 1.0})
    assert features.kinds.tolist() == [SENSOR, *[CLOCK] * 4]
    assert features.names == ["a", "t"]
    np.testing.assert_array_equal(vector(features, {"t": NOON})[1:], clock_cells(12.0))
    out = np.empty(5)
    assert features.learn({"t": np.datetime64("2024-05-01T18:00"), "a": 1.0}, out).n_unusable == 0
    np.testing.assert_array_equal(out[1:], clock_cells(18.0))


@pytest.mark.parametrize(
    "text",
    [
        "18:00",
        "2024-05-01T18:00Z",
        "01/05/2024 6:00 PM",
        "05/31/2024 18:00",
        "1-May-2024 18:00",
        "20240501 1800",
    ],
)
def test_text_that_is_a_time_is_a_clock_too(text):
    features = taught({"t": text, "a": 1.0})
    assert features.kinds.tolist() == [SENSOR, *[CLOCK] * 4]
    np.testing.assert_allclose(vector(features, {"t": text})[1:], clock_cells(18.0))
    np.testing.assert_allclose(vector(features, {"t": NOON})[1:], clock_cells(12.0))


@pytest.mark.parametrize(
    ("value", "n_unusable"),
    [
        (datetime.date(2024, 5, 1), 1),
        (np.datetime64("2024-05"), 1),
        (Broken(2024, 5, 1), 1),
        ("noon", 1),
        ("2024-05-01", 1),
        (3.0, 1),
        (np.datetime64("NaT"), 0),
        (None, 0),
    ],
)
def test_what_tells_no_hour_is_missing_or_unusable(value, n_unusable):
    features = taught({"t": NOON, "a": 1.0})
    assert features.learn({"t": value, "a": 1.0}, np.empty(5)).n_unusable == n_unusable
    assert np.isnan(vector(features, {"t": value})[1:]).all()


def test_not_a_time_of_pandas_is_missing():
    pandas = pytest.importorskip("pandas")
    features = taught({"t": NOON, "a": 1.0})
    assert features.learn({"t": pandas.NaT, "a": 1.0}, np.empty(5)).n_unusable == 0


def test_a_date_alone_is_counted_and_gets_no_slot():
    features = Features(8)
    row = {"day": datetime.date(2024, 5, 1), "a": 1.0}
    assert features.learn(row, np.empty(0)).n_unusable == 1
    assert sum(features.learn(row, np.empty(1)).n_unusable for _ in range(20)) == 20
    assert features.slots == [("a", None)]


def test_at_most_two_clocks_and_one_that_fell_silent_gives_way():
    features = taught(*[dict.fromkeys("abc", NOON)] * 20, max_features=20)
    assert features.names == ["a", "b"]
    assert features.learn(dict.fromkeys("abc", NOON), np.empty(8)).n_unusable == 1
    for _ in range(PROBATION):
        features.learn({"b": NOON, "c": NOON}, np.empty(8))
    assert features.names == ["c", "b"]
    assert features.n_evicted == 1


def test_no_room_for_four_slots_is_no_clock_and_costs_nobody_a_slot():
    features = taught({"a": 1.0, "b": 1.0}, *[{"t": NOON}] * 30, max_features=3)
    assert features.names == ["a", "b"]
    assert features.n_evicted == 0


def test_numbers_claim_a_clock_and_times_a_text_feature_by_ten_in_a_row():
    features = taught({"t": NOON, "s": "on"}, *[{"t": 5.0, "s": NOON}] * PROBATION)
    values = vector(features, {"t": 5.0, "s": NOON})
    assert 5.0 in values
    assert np.count_nonzero(~np.isnan(values)) == 5
    assert features._registry.clocks.keys() == {"s"}
