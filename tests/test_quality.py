"""Packets that cannot be true: every reason, what must not be doubted, and no matter how rows are cut."""

import datetime
import subprocess
import sys

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iotae import serialization
from iotae.data import TableError
from iotae.quality import REASONS, ColumnRule, PacketChecker, Rules, read_rules
from iotae.simulator import simulate
from tests.conftest import ROOT

START = datetime.datetime(2026, 1, 1)


def usual(n, seed=0, step=60):
    """Rows of a room: temperature and humidity that wander, a door contact, and a counter."""
    rng = np.random.default_rng(seed)
    wander = np.cumsum(rng.normal(size=n)) * 0.05
    wander -= np.linspace(0, wander[-1], n)
    return [
        {
            "at": START + datetime.timedelta(seconds=step * i),
            "celsius": round(20 + wander[i] + rng.normal() * 0.1, 2),
            "humidity": round(50 - wander[i] + rng.normal() * 0.3, 1),
            "door": 0.0,
            "count": float(i % 5000),
        }
        for i in range(n)
    ]


def learned(rows, **settings_of):
    checker = PacketChecker(**settings_of)
    checker.learn_many(rows)
    return checker


def frozen(checker):
    return serialization.dumps("PacketChecker", checker.to_state())


@pytest.fixture(scope="module")
def checker():
    return learned(usual(2000))


def following(n=2000, **changes):
    return {**usual(2001)[n], "celsius": 20.0, "humidity": 50.0, **changes}


CASES = {
    "celsius sentinel": [{"celsius": v} for v in (85.0, -127.0, -999, 65535.0, "-999")],
    "humidity missing": [{"humidity": v} for v in (None, float("nan"), "", "NaN", "n/a")],
    "celsius type": [{"celsius": "ERR"}],
    "celsius range; celsius jump": [{"celsius": "68 °F"}, {"celsius": 68.1}],
    "celsius impossible": [{"celsius": float("inf")}, {"celsius": -1e300}, {"celsius": "inf"}],
    "celsius jump": [{"celsius": 21.9}],
    "clock": [{"at": datetime.datetime(1970, 1, 1, 0, 5)}, {"at": START + datetime.timedelta(days=400)}],
    "order; late": [{"at": START + datetime.timedelta(seconds=60 * 1500 + 1)}],
}


@pytest.mark.parametrize(("text", "change"), [(text, c) for text, changes in CASES.items() for c in changes])
def test_each_reason_is_told(checker, text, change):
    before = frozen(checker)
    assert checker.check_one(following(**change)).text == text
    assert checker.check_one(following()).valid
    assert frozen(checker) == before


def test_fahrenheit_from_new_firmware_is_a_unit_and_is_believed_when_it_stays():
    checker = learned(usual(2000))
    found = checker.learn_many([{**x, "celsius": x["celsius"] * 1.8 + 32} for x in usual(2100)[2000:]])
    # one such number may be anything
    assert not found.has("unit")[:2].any()
    assert found.has("unit")[2:15].all()
    assert not found.found[30:].any()
    # and the way back is no news
    assert not checker.learn_many(usual(2200)[2100:]).found.any()


def test_the_first_hours_of_devices_with_a_daily_rhythm_are_not_doubted():
    for seed in range(3):
        rows = simulate(2000, seed=seed)
        frame = rows.to_pandas().drop(columns=["label", "kind"])
        found = PacketChecker("device").learn_many(frame).found != 0
        assert found[rows.label == 0].mean() < 0.01


def test_a_change_that_comes_again_and_again_is_how_the_column_is():
    rng = np.random.default_rng(0)
    rows = usual(6000)
    for i in range(2000, 6000, 150):
        for x in rows[i : i + 8]:
            x["celsius"] = round(60 + rng.normal(), 2)
    found = learned(rows[:2000]).learn_many(rows[2000:]).found != 0
    assert found[:8].all()
    assert not found[1000:2900].any()


def test_zero_in_the_range_is_dead_where_the_column_never_stays_there():
    rng = np.random.default_rng(0)
    level = np.maximum(np.sin(np.arange(4000) / 200) + rng.normal(size=4000) * 0.1, 0.0)
    resting = [{"v": v, "w": w} for v, w in zip(level, np.abs(rng.normal(size=4000)), strict=True)]
    found = learned(resting[:3000]).learn_many([{**x, "w": 0.0} for x in resting[3000:3040]])
    assert found.verdict(15).text == "w flat"
    # the other one has been at zero for 600 rows at a time
    nights = learned(resting[:3000]).learn_many([{**x, "v": 0.0} for x in resting[3000:3040]])
    assert not nights.has("flat").any()


def test_a_text_that_is_told_now_and_then_is_not_missing_the_rest_of_the_time():
    rows = [{**x, "event": "restart" if i % 400 < 20 else ""} for i, x in enumerate(usual(3000))]
    assert not learned(rows).counts["missing"]


def test_a_device_that_repeats_its_rows_all_the_time_sends_none_twice():
    rng = np.random.default_rng(0)
    rows = [dict(zip("abc", v, strict=True)) for v in np.repeat(rng.normal(size=(400, 3)), 2, axis=0)]
    twice = [*rows[::2][:300], *rows]
    assert learned(twice).counts["duplicate"] < 12


def test_a_row_sent_twice_is_doubled_and_the_rows_of_a_replayed_batch_too(checker):
    rows = usual(2000)
    assert checker.check_one(rows[-1]).text == "duplicate"
    assert checker.check_one(rows[-40]).text == "duplicate"
    assert "order" in checker.check_one(rows[500]).reasons


def test_without_times_a_repeat_is_doubled_only_where_it_cannot_be_chance():
    bare = [{k: x[k] for k in ("celsius", "humidity", "count")} for x in usual(1000)]
    assert learned(bare).check_one(bare[-1]).text == "duplicate"
    doors = [{"door": i // 100 % 2} for i in range(1000)]
    assert learned(doors).check_one(doors[-1]).valid
    # a device that repeats itself is stuck, and its rows are not set aside
    found = learned(bare).learn_many([bare[-1]] * 30)
    assert found.aside.sum() < 10
    assert found.has("stuck")[-1]


def test_a_frozen_sensor_is_stuck_and_one_that_died_is_flat():
    checker = learned(usual(2000))
    later = usual(2060)[2000:]
    frozen_one = checker.learn_many([{**x, "celsius": 20.13} for x in later])
    assert frozen_one.has("stuck")[20:].all()
    assert not frozen_one.aside.any()
    dead = learned(usual(2000)).learn_many([{**x, "celsius": 0.0} for x in later])
    assert dead.has("jump")[0]
    assert dead.has("flat")[5:].all()


def test_a_contact_a_coarse_sensor_and_a_panel_at_night_are_not_doubted():
    minutes = np.arange(4 * 1440)
    sun = np.maximum(np.sin((minutes - 360) / 720 * np.pi), 0) * 800
    rng = np.random.default_rng(0)
    coarse = np.round(20 + np.sin(minutes / 300) * 2)
    door = np.where((minutes > 3000) & (minutes < 3004), 1.0, 0.0)
    frame = pd.DataFrame(
        {
            "at": pd.Timestamp(START) + pd.to_timedelta(minutes, unit="min"),
            "sun": np.round(sun * (1 + 0.01 * rng.normal(size=len(sun)) * (sun > 0)), 1),
            "coarse": coarse,
            "door": door,
        }
    )
    found = PacketChecker().learn_many(frame)
    assert np.count_nonzero(found.found) <= 3


def test_a_new_set_of_features_is_told_and_then_known():
    checker = learned(usual(300))
    told = [checker.learn_one({**x, "extra": 1.0}).reasons for x in usual(320)[300:]]
    assert "schema" in told[0]
    assert "schema" not in told[-1]


def test_a_device_behind_the_others_is_late():
    rng = np.random.default_rng(0)
    rows = [
        {"id": d, "at": START + datetime.timedelta(seconds=10 * i), "v": rng.normal()}
        for i in range(200)
        for d in "abc"
    ]
    checker = learned(rows, device="id")
    end = START + datetime.timedelta(seconds=10 * 200)
    for i in range(60):
        for d in "bc":
            assert checker.learn_one(
                {"id": d, "at": end + datetime.timedelta(seconds=10 * i), "v": rng.normal()}
            ).valid
    assert "late" in checker.learn_one({"id": "a", "at": end, "v": 0.0}).reasons


def test_rules_are_kept_from_the_first_row():
    rule = ColumnRule(least=-40, most=60, required=True, sentinels=(7.0,), unit="°C")
    checker = PacketChecker(rules=Rules({"t": rule, "id": ColumnRule(kind="text")}))
    said = [
        checker.learn_one({"t": t, "id": "a"}).text for t in (20.0, 61.0, 7.0, None, "9 bar", "21 °C", -40.0)
    ]
    assert said == ["", "t impossible", "t sentinel", "t impossible", "t impossible", "", ""]
    assert checker.learn_one({"t": 20.0, "id": 4.0}).text == "id impossible"
    assert checker.learn_one({"id": "a"}).text == "t impossible"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[columns.a]\nlest = 1\n", "'lest'"),
        ("[columns.a]\nleast = 'x'\n", "least"),
        ("[columns.a]\nleast = 2\nmost = 1\n", "swap"),
        ("[columns.a\n", "TOML"),
        ("[column.a]\nleast = 1\n", "[columns.NAME]"),
        ("", "[columns.NAME]"),
        ("columns = 3\n", "columns"),
        ("[columns]\na = 3\n", "columns"),
    ],
)
def test_rules_that_are_none_are_refused_in_one_line(tmp_path, text, words):
    path = tmp_path / "rules.toml"
    path.write_text(text)
    with pytest.raises(TableError, match=r"rules.toml") as error:
        read_rules(path)
    assert words in str(error.value)
    assert "\n" not in str(error.value)


CELLS = st.one_of(
    st.sampled_from([0.0, 1.0, 20.0, 20.5, 85.0, -999.0, 65535.0, 1e40]),
    st.floats(allow_nan=True, allow_infinity=True),
    st.floats(15, 25),
)


@settings(max_examples=30, deadline=None)
@given(
    cells=st.lists(
        st.tuples(CELLS, CELLS, st.sampled_from("abcd"), st.integers(0, 50)), min_size=1, max_size=80
    ),
    cut=st.integers(0, 80),
    most=st.sampled_from([2, 3, 100]),
    library=st.sampled_from([pd.DataFrame, pl.DataFrame, list]),
)
def test_many_is_one_after_the_other(cells, cut, most, library):
    rows = [
        {"id": d, "at": START + datetime.timedelta(seconds=30 * i - s), "a": a, "b": b}
        for i, (a, b, d, s) in enumerate(cells)
    ]
    by_row, by_frame = (PacketChecker("id", "at", max_devices=most) for _ in range(2))
    said = []
    for x in rows:
        pure = by_row.check_one(x)
        said.append(by_row.learn_one(x))
        assert pure == said[-1]
    parts = [by_frame.learn_many(library(part)) for part in (rows[:cut], rows[cut:]) if part]
    many = [part.verdict(i) for part in parts for i in range(len(part.found))]
    assert many == said
    assert frozen(by_row) == frozen(by_frame)
    assert by_row.counts == by_frame.counts


def test_rows_without_a_cell_and_a_clock_that_comes_late_are_judged_as_one_by_one():
    rows = [{}, {"at": None, "x": 1.0}, {"at": None, "x": 2.0}]
    rows += [
        {"at": datetime.datetime(2026, 1, 1, 0, i), "x": float(i)} if i % 9 else {} for i in range(1, 40)
    ]
    one, many = PacketChecker(), PacketChecker()
    told = [one.learn_one(x).text for x in rows]
    assert many.learn_many(rows).texts().tolist() == told
    assert many.n_rows == len(rows)
    assert one._clock == "at"
    assert frozen(many) == frozen(one)


def test_without_a_compiler_the_same_is_said(checker):
    code = (
        "import sys; sys.modules['numba'] = None\n"
        "from tests.test_quality import *\n"
        "rows = usual(300)\n"
        "rows[250]['celsius'] = 85.0\n"
        "c = learned(rows)\n"
        "import hashlib; print(hashlib.sha256(frozen(c)).hexdigest())\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, cwd=ROOT
    )
    import hashlib

    rows = usual(300)
    rows[250]["celsius"] = 85.0
    assert done.stdout.strip() == hashlib.sha256(frozen(learned(rows))).hexdigest(), done.stderr


@pytest.mark.parametrize("shift", [0.0, -40.0])
def test_a_saved_checker_goes_on_bit_for_bit(shift, tmp_path):
    rows = [{**x, "celsius": x["celsius"] + shift} for x in usual(500)]
    checker = learned(rows[:300], rules=Rules({"celsius": ColumnRule(most=99.0)}), time="at")
    checker.save(tmp_path / "c.iotae")
    again = PacketChecker.load(tmp_path / "c.iotae")
    assert frozen(again) == frozen(checker)
    for one in (checker, again):
        one.learn_many(rows[300:])
    assert frozen(again) == frozen(checker)


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("columns", ["at"]),
        ("n_rows", -1),
        ("counts", [["nonsense", 1]]),
        ("memory", {}),
        ("rules", [{"name": "a"}]),
    ],
)
def test_a_wrong_state_is_refused(checker, part, value):
    with pytest.raises(serialization.StateError):
        PacketChecker.from_state(checker.to_state() | {part: value})


def test_counts_at_the_largest_stay_there_and_can_be_saved_again(checker):
    state, most = checker.to_state(), 2**53
    counts = ("n_rows", "n_aside", "n_keyless", "n_unchecked")
    state = state | dict.fromkeys(counts, most) | {"counts": [["range", most]]}
    state["devices"] = state["devices"] | {"forgotten": most}
    again = PacketChecker.from_state(state)
    for name in counts:
        setattr(again, name, getattr(again, name) + 1)
    again.counts["range"] += 1
    again._devices.n_forgotten += 1
    saved = PacketChecker.from_state(again.to_state()).to_state()
    assert [saved[name] for name in counts] == [most] * 4
    assert dict(saved["counts"])["range"] == most == saved["devices"]["forgotten"]
    with pytest.raises(serialization.StateError, match="n_rows"):
        PacketChecker.from_state(state | {"n_rows": most + 1})


def test_a_state_with_places_outside_is_refused(checker):
    state = checker.to_state()
    for name, value in (("recent", 10**9), ("cells", np.inf), ("keys", -1)):
        wrong = state["memory"][name].copy()
        wrong[..., -1] = value
        with pytest.raises(serialization.StateError):
            PacketChecker.from_state(state | {"memory": state["memory"] | {name: wrong}})


def test_memory_is_bounded_and_finite():
    checker = PacketChecker("id", max_devices=5, max_columns=3)
    rng = np.random.default_rng(0)
    for i in range(300):
        checker.learn_one({"id": i % 50, f"c{i % 9}": rng.choice([1e29, -1e29, 1e300, 0.0, rng.normal()])})
    assert len(checker.columns) == 3
    assert checker.n_forgotten > 100
    memory = checker.to_state()["memory"]
    assert all(len(memory[name]) <= 5 for name in ("cells", "devices", "recent", "keys"))
    assert all(np.isfinite(part).all() for part in memory.values())


def test_wrong_arguments_and_rows_are_refused_before_anything_changes(checker):
    with pytest.raises(ValueError, match="nonsense"):
        PacketChecker(aside=["nonsense"])
    with pytest.raises(ValueError, match="max_devices"):
        PacketChecker(max_devices=0)
    before = frozen(checker)
    with pytest.raises(TypeError, match="dict"):
        checker.learn_one([1, 2])
    with pytest.raises(TypeError, match="frame"):
        checker.learn_many(3)
    assert frozen(checker) == before
    assert checker.learn_many([]).texts().tolist() == []


def test_every_reason_has_a_bit_of_its_own():
    assert len(set(REASONS)) == len(REASONS) < 63
