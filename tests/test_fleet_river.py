"""River's own contract on fleets, and fleets of any River detector."""

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
from river import anomaly, preprocessing

from iotae import serialization
from iotae.serialization import StateError
from iotae.thresholds import AlertBudget
from river_iotae import Fleet, IoTAE
from tests.river_checks import river_cases


def trees():
    # few and small, as each is packed and unpacked for every row where one device is in memory
    return preprocessing.MinMaxScaler() | anomaly.HalfSpaceTrees(5, 4, window_size=50, seed=1)


FLEETS = {
    "separate": Fleet(IoTAE(seed=1)),
    "shared": Fleet(IoTAE(seed=1), mode="shared", max_in_memory=1),
    "any detector": Fleet(trees(), max_in_memory=1),
}


@pytest.mark.untraced
@pytest.mark.parametrize(("model", "check"), list(river_cases(FLEETS)))
def test_rivers_own_checks(model, check):
    assert not model._unit_test_skips()
    check(model.clone())


def rows(n, seed=0):
    rng = np.random.default_rng(seed)
    for load, a, b in rng.normal(size=(n, 3)).tolist():
        yield {"device": "pump", "power": 50 + 5 * load, "latency": 20 + 3 * load + a}
        yield {"device": "fan", "power": 0.5 + 0.1 * load, "latency": 9 - load + 0.1 * b}


@pytest.mark.parametrize("name", FLEETS)
def test_the_three_in_one_are_one_after_the_other(name):
    apart, at_once, many = (FLEETS[name].clone() for _ in range(3))
    stream = list(rows(200))
    expected = []
    for x in stream:
        score = apart.score_one(x)
        expected.append((score, apart.classify(score)))
        apart.learn_one(x)
    assert [at_once.score_learn_one(x) for x in stream] == expected
    judged = many.score_learn_many(pl.DataFrame(stream))
    assert list(zip(judged.scores, judged.alarms, strict=True)) == expected
    frame = pd.DataFrame(stream[:4], index=list("abcd"))
    assert many.score_many(frame).index.tolist() == list("abcd")
    again = pickle.loads(pickle.dumps(at_once))
    assert again.score_one(stream[0]) == at_once.score_one(stream[0])
    assert [one[:2] for one in again.devices()] == [("pump", 200), ("fan", 200)]
    assert again.n_devices == 2
    assert (again.n_keyless, again.n_timeless) == (0, 0)


def test_a_fleet_of_any_detector_judges_each_device_by_its_own_scores():
    fleet = Fleet(trees(), alpha=0.05, max_in_memory=1)
    alarms = []
    for x in rows(600):
        alarms.append(fleet.classify(fleet.score_one(x)))
        fleet.learn_one(x)
    assert fleet.n_in_memory == 1
    # the trees say 0 of all rows of their first window, and no cut holds for what follows it at once
    assert 0 < sum(alarms[600:]) < 0.12 * 600
    with pytest.raises(AttributeError, match="does not explain its scores"):
        fleet.explain_one(x)
    with pytest.raises(AttributeError, match="does not say what it expects"):
        fleet.expected_one(x)
    explained = Fleet(IoTAE(seed=0))
    explaining = Fleet(preprocessing.StandardScaler() | IoTAE(seed=0))
    for x in rows(150):
        explained.learn_one(x)
        explaining.learn_one(x)
    for model in (explained, explaining):
        assert sum(model.explain_one(x).values()) == pytest.approx(model.score_one(x))
    assert explained.expected_one(x).keys() == {"power", "latency"}


@pytest.mark.parametrize("mode", ["separate", "shared"])
def test_save_and_load_continue_bit_for_bit(mode, tmp_path):
    model = Fleet(IoTAE(seed=2, alpha=0.05), mode=mode, time="power", alpha=0.02)
    stream = list(rows(150))
    for x in stream[:200]:
        model.learn_one(x)
    model.save(tmp_path / "fleet.iotae")
    back = Fleet.load(tmp_path / "fleet.iotae")
    assert repr(back) == repr(model)
    assert back.threshold == model.threshold
    for x in stream[200:]:
        assert back.score_learn_one(x) == model.score_learn_one(x)
    data = model.to_state()
    serialization.write(tmp_path / "wrong", "river_iotae.Fleet", data | {"alpha": 0.5})
    with pytest.raises(StateError, match="the rate of the fleet's models"):
        Fleet.load(tmp_path / "wrong")


def test_a_file_whose_model_for_new_devices_has_learned_is_refused(tmp_path):
    taught = IoTAE(seed=0)
    taught.learn_one({"a": 1.0})
    state = Fleet(IoTAE(seed=0)).to_state() | {"model": taught.to_state()}
    with pytest.raises(StateError, match="Got 1 at model, but expected a model that has learned nothing"):
        Fleet.from_state(state)


def test_a_budget_of_any_detector_and_of_devices_that_are_known(tmp_path):
    fleet = Fleet(trees(), alpha=0.1, budget=AlertBudget(2, 100), max_devices=2)
    alarms = [fleet.score_learn_one(x)[1] for x in rows(600)]
    assert sum(alarms) > 0
    assert max(sum(alarms[i : i + 100]) for i in range(len(alarms))) <= 2
    assert fleet.n_over_budget > 0
    fleet.learn_one({"device": "third", "power": 1.0})
    assert (fleet.n_devices, fleet.n_forgotten) == (2, 1)
    ours = Fleet(IoTAE(seed=0, alpha=0.1), budget=AlertBudget(2, 100), max_devices=5)
    for x in rows(150):
        ours.learn_one(x)
    ours.save(tmp_path / "fleet.iotae")
    again = Fleet.load(tmp_path / "fleet.iotae")
    assert repr(again) == repr(ours)
    assert [again.score_learn_one(x) for x in rows(50)] == [ours.score_learn_one(x) for x in rows(50)]
    odd = {"device": "fan", "power": 90.0, "latency": -80.0}
    assert ours.confirm_one(odd, "normal")
    assert [len(kinds) for kinds in ours.confirmed().values()] == [1]
    ours.forget_confirmed("fan", 1)
    assert ours.confirmed() == {"fan": []}
    with pytest.raises(TypeError, match="other detectors take no answers"):
        fleet.confirm_one(x, "normal")


def test_wrong_use_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"Got mode='shared' with Pipeline, but expected river_iotae\.IoTAE"):
        Fleet(trees(), mode="shared")
    with pytest.raises(ValueError, match="mode"):
        Fleet(IoTAE(), mode="both")
    with pytest.raises(ValueError, match="alpha"):
        Fleet(trees(), alpha=2.0)
    trained = IoTAE(seed=0)
    trained.learn_one({"a": 1.0})
    with pytest.raises(ValueError, match="has learned 1 rows"):
        Fleet(trained)
    with pytest.raises(TypeError, match=r"one of iotae's models: .* e\.g\. with pickle"):
        Fleet(trees()).save(tmp_path / "fleet")
    with pytest.raises(TypeError, match="expected a row alone"):
        Fleet(trees()).learn_one({"a": 1.0}, w=2.0)
    assert Fleet(trees(), time="at").silent(0.0) == []
