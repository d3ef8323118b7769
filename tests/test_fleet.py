"""Fleets: what one device does, what is set aside and what is saved change nothing of the others."""

import copy
import gc
import pickle
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iotae import OnlineAutoencoder, serialization
from iotae._validation.moments import moment_of
from iotae.fleet import Fleet
from iotae.fleet.heights import common_cut, height, points_of
from iotae.fleet.likeness import LEAST_ROWS, likeness_of
from iotae.fleet.newcomers import begin_as_newcomer
from iotae.fleet.rhythm import Rhythm
from iotae.fleet.store import Store
from iotae.serialization import StateError
from iotae.stream.compact import pack, unpack
from iotae.thresholds.window import ScoreWindow

MODES = ("separate", "shared")


def readings(n_rows, scale, seed, d=4):
    rng = np.random.default_rng(seed)
    load = np.cumsum(rng.normal(size=n_rows)) * 0.1 + rng.normal(size=n_rows)
    cells = load[:, None] * np.arange(1, d + 1) + 0.3 * rng.normal(size=(n_rows, d))
    return [
        {f"s{j}": value for j, value in enumerate(row)} for row in (cells * scale + 10.0 * scale).tolist()
    ]


def stream(n_rows, devices=("a", "b", "c"), seed=0):
    """Rows of devices that take turns, each on a scale of its own."""
    each = [readings(n_rows, 10.0 ** (i - 1), seed + i) for i in range(len(devices))]
    return [
        {"device": name, **rows[t]} for t in range(n_rows) for name, rows in zip(devices, each, strict=True)
    ]


def made(mode="separate", **options):
    return Fleet(OnlineAutoencoder(seed=0), mode=mode, **options)


def frozen(model):
    return serialization.dumps("model", model.to_state())


def test_a_packed_model_goes_on_bit_for_bit():
    rng = np.random.default_rng(0)
    model = OnlineAutoencoder(seed=3, alpha=0.05, hidden_sizes=(5, 2, 5), grace_period=50)
    moment = datetime(2026, 1, 1, tzinfo=UTC).timestamp()

    def row(i):
        x = {"a": rng.normal(), "mode": "eco" if rng.random() < 0.7 else "max", 3: rng.normal()}
        x["at"] = datetime.fromtimestamp(moment + 600 * i, UTC)
        if i % 7 == 0:
            del x["a"]
        if i > 200:
            x["late"] = rng.normal()
        return {} if i % 90 == 0 else x

    rows = [row(i) for i in range(500)]
    for cut in (0, 1, 205, 330, 400):
        for x in rows[:cut]:
            model.score_learn_one(x)
        again = unpack(pack(model), OnlineAutoencoder(seed=3, alpha=0.05, hidden_sizes=(5, 2, 5)))
        assert pack(again) == pack(model)
        twin = copy.deepcopy(model)
        for x in rows[cut : cut + 60]:
            assert again.score_one(x) == twin.score_one(x)
            assert again.score_learn_one(x) == twin.score_learn_one(x)
        assert frozen(again) == frozen(twin)


def test_a_packed_model_keeps_every_part_and_the_answers_of_an_operator():
    model = OnlineAutoencoder(seed=0)
    for x in readings(300, 1.0, 0):
        model.learn_one(x)
    odd, fault = ({"s0": value, "s1": 20.0, "s2": 30.0, "s3": 40.0} for value in (-500.0, 900.0))
    assert model.classify(model.score_one(odd))
    model.confirm_one(odd, "normal")
    model.confirm_one(fault, "anomaly")
    model.learn_one(fault)
    again = unpack(pack(model), OnlineAutoencoder(seed=0))
    assert vars(again).keys() == vars(model).keys()
    assert again.confirmed == model.confirmed
    assert again.n_withheld == model.n_withheld == 1
    assert not again.classify(again.score_one(odd))
    assert frozen(again) == frozen(model)
    begin_as_newcomer(again)
    assert again.confirmed == []
    assert again.n_withheld == 0


@pytest.mark.parametrize("mode", MODES)
def test_answers_are_a_devices_own_and_come_back_with_it(mode, tmp_path):
    fleet, rows = made(mode, max_in_memory=1), stream(300)
    for x in rows:
        fleet.learn_one(x)
    odd = {"device": "b", "s0": -500.0, "s1": 20.0, "s2": 30.0, "s3": 40.0}
    fault = odd | {"s0": 900.0}
    assert fleet.classify(fleet.score_one(odd))
    twin = copy.deepcopy(fleet)
    judged = twin.score_learn_one(odd, "normal")
    assert judged == fleet.score_learn_one(odd)
    assert not twin.classify(twin.score_one(odd))
    assert twin.classify(twin.score_one(odd | {"device": "a"}))
    twin.confirm_one(fault, 1)
    n_rows = [device.n_rows for device in twin.devices()]
    twin.learn_one(rows[0])
    assert {key: [kind.anomaly for kind in kinds] for key, kinds in twin.confirmed().items()} == {
        "b": [False, True]
    }
    twin.save(tmp_path / "fleet.iotae")
    for again in (Fleet.load(tmp_path / "fleet.iotae"), pickle.loads(pickle.dumps(twin))):
        assert again.confirmed() == twin.confirmed()
        assert again.score_one(odd) == twin.score_one(odd) <= twin.threshold
    assert n_rows == [device.n_rows - (device.key == "a") for device in twin.devices()]
    twin.forget_confirmed("b", twin.confirmed()["b"][0].number)
    assert twin.classify(twin.score_one(odd))
    for key, number in (("a", 1), ("z", 1), ("b", 99)):
        with pytest.raises(ValueError, match="but expected"):
            twin.forget_confirmed(key, number)
    before = frozen(twin)
    for x, label in ((odd | {"device": "z"}, 0), ({"device": "b"}, 0), (odd, "maybe")):
        with pytest.raises(ValueError, match="but expected"):
            twin.score_learn_one(x, label)
    assert frozen(twin) == before


@pytest.mark.parametrize("mode", MODES)
@settings(max_examples=5, deadline=None)
@given(order=st.lists(st.sampled_from("abcd"), min_size=40, max_size=80), most=st.integers(1, 3))
def test_what_is_set_aside_comes_back_bit_for_bit(mode, order, most):
    rows = {name: iter(readings(150, 10.0**i, i)) for i, name in enumerate("abcd")}
    all_in, few_in = made(mode), made(mode, max_in_memory=most)
    for name in order:
        x = {"device": name, **next(rows[name])}
        assert few_in.score_one(x) == all_in.score_one(x)
        assert few_in.score_learn_one(x) == all_in.score_learn_one(x)
    assert few_in.n_in_memory <= most
    assert few_in.devices() == all_in.devices()
    few_in.max_in_memory = all_in.max_in_memory
    assert frozen(few_in) == frozen(all_in)


@pytest.mark.parametrize("how", ["huge", "nan", "text", "silent", "stuck"])
def test_a_device_gone_mad_changes_no_other_score_by_a_bit(how):
    rows = stream(200)
    mad = {
        "huge": lambda x: {k: v * 1e9 if k != "device" else v for k, v in x.items()},
        "nan": lambda x: {k: float("nan") if k != "device" else v for k, v in x.items()},
        "text": lambda x: {k: f"error {len(x)}" if k != "device" else v for k, v in x.items()},
        "silent": lambda x: None,
        "stuck": lambda x: {k: 1.0 if k != "device" else v for k, v in x.items()},
    }[how]
    sound, other = made(), made()
    for i, x in enumerate(rows):
        expected = sound.score_learn_one(x)
        y = mad(x) if x["device"] == "b" and i > 200 else x
        found = None if y is None else other.score_learn_one(y)
        if x["device"] != "b":
            assert found == expected


def test_in_a_shared_fleet_gates_keep_most_of_a_mad_device_out():
    rows, rng = stream(500), np.random.default_rng(0)
    sound, other = made("shared"), made("shared")
    apart = []
    for i, x in enumerate(rows):
        score = sound.score_learn_one(x)[0]
        mad = x["device"] == "b" and i > 1000
        y = {k: v * rng.normal() * 50 if mad and k != "device" else v for k, v in x.items()}
        found = other.score_learn_one(y)[0]
        if x["device"] != "b":
            apart.append(abs(found - score))
    assert max(apart[:660]) == 0.0
    assert np.median(apart[660:]) < 0.01


@pytest.mark.parametrize("mode", MODES)
def test_each_device_is_judged_on_its_own_scale(mode):
    rows = stream(1500)
    fleet, alarms = made(mode), 0
    for x in rows:
        alarms += fleet.score_learn_one(x)[1]
    told = fleet.devices()
    assert [one.key for one in told] == ["a", "b", "c"]
    assert [one.n_rows for one in told] == [1500] * 3
    assert sum(one.n_alarms for one in told) == alarms
    # the rate asked for is 1 %; none takes all the alarms
    assert all(one.n_alarms < 0.04 * 1500 for one in told)
    usual, odd = rows[-3] | {}, rows[-3] | {"s1": rows[-2]["s1"]}
    assert fleet.score_one(usual) < fleet.threshold < fleet.score_one(odd)
    assert next(iter(fleet.explain_one(odd))) == "s1"
    assert sum(fleet.explain_one(odd).values()) == pytest.approx(fleet.score_one(odd))
    assert fleet.expected_one(odd)["s1"] == pytest.approx(usual["s1"], rel=0.5)


@pytest.mark.parametrize("mode", MODES)
def test_scoring_changes_nothing(mode):
    fleet = made(mode, max_in_memory=2)
    for x in stream(150):
        fleet.learn_one(x)
    before = frozen(fleet)
    for x in (*stream(3, seed=9), {"device": "new", "s0": 1.0}, {"s0": 1e300}, {}, {"device": "a"}):
        assert 0.0 <= fleet.score_one(x) < 1.0
        fleet.explain_one(x)
        fleet.expected_one(x)
    assert frozen(fleet) == before
    assert fleet.n_devices == 3


@pytest.mark.parametrize("mode", MODES)
def test_a_fleet_that_was_saved_pickled_or_copied_goes_on_bit_for_bit(mode, tmp_path):
    rows = stream(260, devices=("a", 7, ("x", 1.5), None))
    fleet = made(mode, max_in_memory=2, time="s0")
    for x in rows[:800]:
        fleet.score_learn_one(x)
    fleet.save(tmp_path / "fleet.iotae")
    twins = [Fleet.load(tmp_path / "fleet.iotae"), pickle.loads(pickle.dumps(fleet)), copy.copy(fleet)]
    for x in rows[800:]:
        expected = fleet.score_learn_one(x)
        assert [twin.score_learn_one(x) for twin in twins] == [expected] * 3
    assert all(twin.devices() == fleet.devices() for twin in twins)
    assert {frozen(twin) for twin in twins} == {frozen(fleet)}
    assert fleet.n_keyless == 260


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("n_rows", [1, 2, 300])
def test_a_device_that_never_sent_a_feature_can_be_saved(mode, n_rows, tmp_path):
    fleet = made(mode)
    for x in readings(n_rows, 1.0, 0):
        fleet.learn_one({"device": "whole"} | x)
        fleet.learn_one({"device": "part", "s0": x["s0"], "s1": None})
    fleet.save(tmp_path / "fleet.iotae")
    again = Fleet.load(tmp_path / "fleet.iotae")
    for x in readings(20, 1.0, 1):
        for name in ("whole", "part"):
            assert again.score_learn_one({"device": name} | x) == fleet.score_learn_one({"device": name} | x)
    assert frozen(again) == frozen(fleet)


@pytest.mark.parametrize("mode", MODES)
def test_many_is_one_after_the_other(mode):
    rows = stream(120)
    one, many = made(mode), made(mode)
    expected = [one.score_learn_one(x) for x in rows]
    judged = many.score_learn_many(rows[:100])
    rest = many.score_learn_many(rows[100:])
    found = np.concatenate([judged.scores, rest.scores])
    assert found.tolist() == [score for score, _ in expected]
    assert np.concatenate([judged.alarms, rest.alarms]).tolist() == [alarm for _, alarm in expected]
    assert set(judged.thresholds) | set(rest.thresholds) <= {one.threshold, np.inf}
    assert many.score_many(rows[:5]).tolist() == [one.score_one(x) for x in rows[:5]]


@pytest.mark.parametrize("mode", MODES)
def test_a_row_has_no_threshold_while_its_device_may_not_raise_an_alarm(mode):
    fleet = Fleet(OnlineAutoencoder(seed=0, grace_period=30, alpha=0.05), "device", mode=mode)
    rows = [x | {"device": "young"} if i > 200 else x for i, x in enumerate(stream(130))]
    judged = fleet.score_learn_many(rows)
    young = [x["device"] == "young" for x in rows]
    assert np.isinf(judged.thresholds[young]).tolist() == [i < 30 for i in range(sum(young))]
    assert not judged.alarms[np.isinf(judged.thresholds)].any()


@pytest.mark.parametrize("mode", MODES)
def test_features_that_come_later_reach_all_devices(mode):
    fleet = made(mode, max_in_memory=1)
    rows = stream(120, devices=("a", "b"))
    for i, x in enumerate(rows):
        if i > 60:
            x = x | {"new": float(i % 5)}
        if i > 120 and x["device"] == "b":
            del x["s3"]
        assert 0.0 <= fleet.score_learn_one(x)[0] < 1.0
    assert "new" in fleet.explain_one(rows[0] | {"new": 3.0})


def test_a_newcomer_takes_over_and_is_heard_sooner():
    rng = np.random.default_rng(0)
    rows = readings(1100, 1.0, 0)
    late = readings(200, 1000.0, 5)
    odd = sorted(rng.choice(np.arange(60, 200), 10, replace=False).tolist())
    for i in odd:
        late[i]["s1"] += 9000.0
    ranks = {}
    for warm in (True, False):
        fleet = made(warm_start=warm)
        for x in rows:
            fleet.learn_one({"device": "old"} | x)
        scores, alarms = zip(*[fleet.score_learn_one({"device": "new"} | x) for x in late], strict=True)
        order = np.argsort(np.argsort(scores))
        ranks[warm] = order[odd].mean(), np.array(alarms)[odd].sum(), sum(alarms)
    assert ranks[True][0] >= ranks[False][0]
    assert ranks[False][1] == 0 < ranks[True][1]
    assert ranks[True][2] - ranks[True][1] <= 6


def test_rows_without_a_key_are_one_more_device_and_counted():
    fleet = made()
    for key in ({}, {"device": None}, {"device": float("nan")}, {"device": "  "}, {"device": np.nan}):
        fleet.learn_one({"s0": 1.0, **key})
    fleet.learn_one({"device": np.int64(5), "s0": 1.0})
    fleet.learn_one({"device": 5, "s0": 1.0})
    assert [one[:2] for one in fleet.devices()] == [(None, 5), (5, 2)]
    assert fleet.n_keyless == 5


@pytest.mark.parametrize("key", [["a"], {"a": 1}, "x" * 2000, float("inf")])
def test_a_key_that_is_none_is_refused_before_anything_changes(key):
    fleet = made()
    with pytest.raises(ValueError, match=r"as the key 'device' of a row, but expected text"):
        fleet.learn_one({"device": key, "s0": 1.0})
    assert fleet.n_devices == 0


def test_wrong_arguments_are_named():
    trained = OnlineAutoencoder(seed=0)
    trained.learn_one({"a": 1.0})
    with pytest.raises(ValueError, match="has learned 1 rows, but expected a new one"):
        Fleet(trained)
    with pytest.raises(ValueError, match="mode"):
        Fleet(mode="both")
    with pytest.raises(ValueError, match="max_in_memory"):
        Fleet(max_in_memory=0)
    with pytest.raises(FileNotFoundError, match="expected a file in a folder that exists"):
        Fleet(store="/no/such/folder/fleet.sqlite")
    with pytest.raises(ValueError, match="expected a fleet that was made with the name"):
        made().silent(0.0)


def test_silent_devices_are_told_by_their_own_rhythm():
    fleet = made(time="at")
    for minute in range(200):
        at = datetime(2026, 1, 1, minute // 60, minute % 60, tzinfo=UTC)
        if minute < 100:
            fleet.learn_one({"device": "quick", "at": at, "s0": 1.0})
        if minute % 20 == 0:
            fleet.learn_one({"device": "slow", "at": at.isoformat(), "s0": 1.0})
    fleet.learn_one({"device": "slow", "at": "soon", "s0": 1.0})
    (silence,) = fleet.silent(at)
    assert (silence.key, silence.pause, silence.silent) == ("quick", 60.0, 6000.0)
    assert fleet.silent(at, times=200.0) == []
    assert [one.key for one in fleet.silent("2026-01-02")] == ["quick", "slow"]
    assert fleet.n_timeless == 1


def test_an_outage_does_not_make_a_device_slow_and_a_late_row_turns_no_clock_back():
    rhythm = Rhythm()
    for moment in (*range(0, 600, 60), 100_000, 100_060, 30):
        rhythm.note(float(moment))
    assert rhythm.last == 100_060.0
    assert rhythm.pause < 80.0
    assert moment_of(True) is None
    assert moment_of(10**400) is None
    assert moment_of(np.complex128(1)) is None
    assert moment_of(float("nan")) is None
    assert moment_of(np.datetime64("NaT")) is None
    assert moment_of(np.datetime64(5, "s")) == 5.0


def test_the_store_is_private_keeps_to_itself_and_goes(tmp_path):
    path = tmp_path / "aside.sqlite"
    path.write_text("mine")
    fleet = made(max_in_memory=1, store=path)
    for x in stream(4):
        fleet.learn_one(x)
    twin = copy.deepcopy(fleet)
    files = sorted(file.name for file in tmp_path.iterdir())
    assert files == ["aside.sqlite", "aside.sqlite-1", "aside.sqlite-2"]
    assert (tmp_path / "aside.sqlite-1").stat().st_mode & 0o777 == 0o600
    assert path.read_text() == "mine"
    assert twin.score_one(x) == fleet.score_one(x)
    del fleet, twin
    gc.collect()
    assert [file.name for file in tmp_path.iterdir()] == ["aside.sqlite"]


def test_what_someone_wrote_into_the_store_is_refused():
    store = Store()
    store.put(1, b"one")
    store.put(2, b"two")
    held = store._opened().execute("SELECT held FROM device WHERE number = 1").fetchone()[0]
    for wrong in (held[:-1], b"", held[:-1] + b"x"):
        store._opened().execute("UPDATE device SET held = ? WHERE number = 1", (wrong,))
        with pytest.raises(StateError, match="does not hold what was put there"):
            store.get(1)
    # nor may one device's bytes pass for another's
    store._opened().execute("UPDATE device SET held = ? WHERE number = 2", (held,))
    with pytest.raises(StateError, match="does not hold what was put there"):
        store.get(2)
    with pytest.raises(KeyError):
        store.get(3)


@pytest.mark.parametrize("mode", MODES)
def test_a_full_disk_while_a_device_is_forgotten_mixes_no_devices(mode, monkeypatch):
    rows = stream(20, ("a", "b", "c", "d"))
    fleet, twin = (made(mode, max_in_memory=1, max_devices=2) for _ in range(2))
    for row in rows[:2]:
        fleet.learn_one(row)
        twin.learn_one(row)

    def put(*_):
        raise OSError("no space left")

    with monkeypatch.context() as full:
        full.setattr(Store, "put", put)
        with pytest.raises(OSError, match="no space"):
            fleet.learn_one(rows[2])
    assert (fleet.n_devices, fleet.n_forgotten) == (2, 0)
    for row in rows:
        assert fleet.score_learn_one(row) == twin.score_learn_one(row)
    assert len({entry.number for entry in fleet._known.values()}) == fleet.n_devices == 2


def test_a_store_that_cannot_be_written_loses_no_device():
    fleet = made(max_in_memory=1)
    rows = stream(40)
    for x in rows[:60]:
        fleet.learn_one(x)
    twin = copy.deepcopy(fleet)
    file = fleet._residents.store._opened()
    file.execute("PRAGMA query_only = ON").close()
    with pytest.raises(OSError, match="the store of devices set aside cannot be written"):
        fleet.learn_one(rows[60])
    file.execute("PRAGMA query_only = OFF").close()
    for x in rows[60:]:
        assert fleet.score_learn_one(x) == twin.score_learn_one(x)


@pytest.mark.parametrize("mode", MODES)
def test_a_file_that_is_wrong_is_refused_with_one_line(mode, tmp_path):
    fleet = made(mode)
    for x in stream(30):
        fleet.learn_one(x)

    def refused(change, match):
        data = fleet.to_state()
        change(data)
        serialization.write(tmp_path / "wrong", "Fleet", data)
        with pytest.raises(StateError, match=match) as caught:
            Fleet.load(tmp_path / "wrong")
        assert "\n" not in str(caught.value)

    refused(lambda data: data["keys"].append("a"), "different devices")
    refused(lambda data: data.update(n_rows=data["n_rows"][:1]), "n_alarms")
    refused(lambda data: data.update(mode="other"), "mode")
    refused(lambda data: data.update(pause=0.0 * data["pause"], n_pauses=data["n_pauses"] + 1), "pause")
    refused(lambda data: data["models"].pop("template"), "template")
    refused(lambda data: data["devices"].__setitem__(0, np.zeros(9, np.uint8)), "device 'a'")
    foreign = np.frombuffer(serialization.dumps("device of a fleet", {"n_seen": 1}), np.uint8)
    refused(lambda data: data["devices"].__setitem__(1, foreign), "device 'b'")
    other = Fleet(OnlineAutoencoder(seed=0, alpha=0.2), mode=mode)
    for x in stream(30):
        other.learn_one(x)
    refused(lambda data: data.update(devices=other.to_state()["devices"]), "device 'a'.*fleet")
    refused(lambda data: data.update(elders=[[["s0"], [8]]]), "elders")


@pytest.mark.parametrize(("mode", "part"), [("separate", "cut"), ("shared", "threshold")])
@pytest.mark.parametrize("score", [-1e-9, 1.0, 3e5])
def test_a_device_whose_latest_scores_are_none_is_refused(mode, part, score):
    fleet = made(mode)
    for x in stream(120):
        fleet.learn_one(x)
    data = fleet.to_state()
    kind, device = serialization.loads(data["devices"][0].tobytes())
    device[part]["window"]["ring"][-1] = score
    data["devices"][0] = np.frombuffer(serialization.dumps(kind, device), np.uint8)
    with pytest.raises(StateError, match=f"Got {score} at {part}.window.ring, .* at least 0 and below 1"):
        Fleet.from_state(data)


@given(st.lists(st.floats(0.0, 0.99), min_size=20, max_size=120), st.sampled_from([0.5, 0.1, 0.01]))
@settings(max_examples=40, deadline=None)
def test_heights_rise_with_scores_and_meet_the_cut(scores, alpha):
    window = ScoreWindow(1000)
    for score in scores:
        window.push(score)
    points = points_of(window, alpha)
    heights = [height(score, points, 0.05) for score in sorted({*scores, 0.0, 0.995})]
    assert heights == sorted(heights)
    assert heights[0] >= 0.0
    assert height(points.high, points) == pytest.approx(-np.log(points.top))
    if 1.0 / (len(scores) + 1) <= alpha:
        assert points.high == window.cut(alpha)
    assert 0.0 < common_cut(alpha) < 1.0


def test_devices_in_memory_tell_whether_they_look_alike_and_other_detectors_do_not():
    fleet = made(max_in_memory=3)
    assert fleet.likeness() is None
    for x in stream(LEAST_ROWS, "abcd"):
        fleet.learn_one(x)
    before = frozen(fleet)
    found = fleet.likeness()
    # a device that is set aside is not fetched for it
    assert found.n_devices == fleet.n_in_memory == 3
    assert found.alike is False
    assert frozen(fleet) == before
    still = [{"contact": (0.0, 0.0)}] * 4
    assert likeness_of(still) is None
    # a sensor that one device holds still, and one that two devices have, are no reason by themselves
    alike = [{"a": (5.0 + 0.1 * k, 1.0), "b": (3.0, 2.0), "c": (7.0, 0.0 if k else 1.0)} for k in range(4)]
    alike[0]["d"], alike[1]["d"] = (1e6, 1.0), (-1e6, 9.0)
    assert likeness_of(alike).alike is True
