"""An operator's answers to alarms: what was normal rings no more, what was an anomaly is never learned."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import river_iotae
from iotae import OnlineAutoencoder, serialization
from iotae._validation.schema import check
from iotae.serialization import StateError
from iotae.stream.alarm_kinds import Alarm, Trait
from iotae.stream.confirmed import CONFIRMED, MOST_KINDS, ConfirmedKinds


def usual_rows(n, seed=3):
    """Three sensors that follow one slow factor."""
    rng = np.random.default_rng(seed)
    factor, rows = 0.0, []
    for _ in range(n):
        factor = 0.95 * factor + 0.3 * rng.normal()
        watts, ms, volts = 50 + 5 * factor, 20 + 3 * factor, 7 - factor
        noise = 0.2 * rng.normal(size=3)
        rows.append({"watts": watts + noise[0], "ms": ms + noise[1], "volts": volts + noise[2]})
    return rows


@pytest.fixture(scope="module")
def lived():
    model, rows = OnlineAutoencoder(seed=0), usual_rows(3000)
    for row in rows[:1500]:
        model.learn_one(row)
    return model, rows[1500:]


@pytest.fixture
def model(lived):
    return copy.copy(lived[0])


@pytest.fixture
def rows(lived):
    return lived[1]


def alarms(model, x):
    return model.classify(model.score_one(x))


def cleaning(row, rng):
    return row | {"ms": 70.0 + rng.normal()}


def test_five_answers_stop_the_other_alarms_of_their_kind_and_no_fault_of_the_same_sensor(model, rows, rng):
    answered = rung = silent = 0
    for i, row in enumerate(rows):
        x = cleaning(row, rng) if i % 60 == 30 else row
        if i % 60 == 30:
            if alarms(model, x):
                rung += 1
                if answered < 5:
                    model.confirm_one(x, "normal")
                    answered += 1
            else:
                silent += 1
        model.learn_one(x)
    assert answered <= 5
    assert rung <= 6
    assert silent >= 18
    for fault in ({"ms": 140.0}, {"ms": -30.0}, {"watts": 200.0}, {"ms": 70.0, "watts": 200.0}):
        assert alarms(model, rows[-1] | fault), fault


def test_an_answer_changes_the_score_of_its_kind_alone(model, rows):
    probes = [rows[7], rows[8] | {"watts": 90.0}, rows[9] | {"ms": -20.0}, {}, {"ms": None}]
    before = [model.score_one(x) for x in probes]
    odd = rows[0] | {"ms": 70.0}
    told = model.confirm_one(odd, 0)
    assert told.startswith("ms 70 above what is expected")
    assert model.score_one(odd) == model.threshold
    assert sum(model.explain_one(odd).values()) == pytest.approx(model.threshold)
    assert [model.score_one(x) for x in probes] == before
    assert model.score_many([odd, rows[7]]).tolist() == [model.threshold, before[0]]


def test_an_answer_is_undone(model, rows):
    odd = rows[0] | {"ms": 70.0}
    score = model.score_one(odd)
    model.confirm_one(odd, False)
    (kind,) = model.confirmed
    assert (kind.anomaly, kind.n_confirmed, kind.n_matched) == (False, 1, 0)
    with pytest.raises(ValueError, match=r"Got number=77, but expected that of a kind that is confirmed: 1"):
        model.forget_confirmed(77)
    model.forget_confirmed(kind.number)
    assert model.score_one(odd) == score
    assert model.confirmed == []


def test_the_latest_answer_counts(model, rows):
    odd = rows[0] | {"ms": 70.0}
    model.confirm_one(odd, "normal")
    model.confirm_one(odd, "anomaly")
    assert [kind.anomaly for kind in model.confirmed] == [True]
    assert alarms(model, odd)
    model.confirm_one(odd, "normal")
    assert [kind.anomaly for kind in model.confirmed] == [False]


def test_what_was_an_anomaly_is_never_learned_however_long_it_lasts(lived, rows, rng):
    told, untold = copy.copy(lived[0]), copy.copy(lived[0])
    told.confirm_one(rows[0] | {"ms": 70.0}, "anomaly")
    lasting = [row | {"ms": 70.0 + 0.5 * rng.normal()} for row in rows]
    for x in lasting:
        told.learn_one(x)
        untold.learn_one(x)
    assert told.n_withheld >= 0.99 * len(lasting)
    assert alarms(told, lasting[-1])
    assert not alarms(untold, lasting[-1])
    assert not alarms(told, rows[-1])


def test_what_was_an_anomaly_becomes_no_habit(lived, rows):
    told, untold = copy.copy(lived[0]), copy.copy(lived[0])
    told.confirm_one(rows[0] | {"ms": 70.0}, "anomaly")
    rang = {"told": 0, "untold": 0}
    for i in range(12_000):
        x = usual = rows[i % len(rows)]
        if i % 400 < 6:
            x = usual | {"ms": 70.0}
            rang["told"] += alarms(told, x)
            rang["untold"] += alarms(untold, x)
        told.learn_one(x)
        untold.learn_one(x)
    assert rang["told"] == 180
    assert rang["told"] >= rang["untold"]


@pytest.mark.parametrize("label", [None, 2, "odd", 0.5, [], -1])
def test_other_labels_are_refused_before_anything_changes(model, rows, label):
    before = pickle.dumps(model.to_state())
    with pytest.raises(ValueError, match="expected 0 or 'normal', 1 or 'anomaly'"):
        model.confirm_one(rows[0], label)
    assert pickle.dumps(model.to_state()) == before


@pytest.mark.parametrize("x", [{}, {"ms": None}, {"other": 3.0}])
def test_a_row_without_a_known_cell_cannot_be_answered(model, x):
    with pytest.raises(ValueError, match="without a cell that the model knows"):
        model.confirm_one(x, "normal")
    with pytest.raises(ValueError, match="without a cell that the model knows"):
        OnlineAutoencoder(seed=0).confirm_one({"a": 1.0}, "normal")


def test_a_model_goes_on_from_its_file_with_its_answers(model, rows, tmp_path):
    plain = serialization.write
    plain(tmp_path / "plain.iotae", "OnlineAutoencoder", model.to_state())
    assert "confirmed" not in model.to_state()
    model.confirm_one(rows[0] | {"ms": 70.0}, "normal")
    model.confirm_one(rows[1] | {"watts": 200.0}, "anomaly")
    model.learn_one(rows[1] | {"watts": 200.0})
    plain(tmp_path / "m.iotae", "OnlineAutoencoder", model.to_state())
    again = serialization.restore(tmp_path / "m.iotae", "OnlineAutoencoder", OnlineAutoencoder.from_state)
    assert again.confirmed == model.confirmed
    assert again.n_withheld == model.n_withheld == 1
    for i, row in enumerate(rows[:200]):
        x = row | ({"ms": 70.0} if i % 9 == 0 else {"watts": 200.0} if i % 9 == 1 else {})
        assert again.score_learn_one(x) == model.score_learn_one(x)
    assert again.confirmed == model.confirmed


@pytest.mark.parametrize(
    ("key", "value"),
    [("next", 0), ("kinds", [None]), ("kinds", 7), ("withheld", -1), ("more", 1)],
)
def test_wrong_answers_in_a_file_are_refused(model, rows, key, value):
    model.confirm_one(rows[0] | {"ms": 70.0}, "normal")
    state = model.to_state()
    state["confirmed"][key] = value
    with pytest.raises(StateError):
        OnlineAutoencoder.from_state(state)


def test_a_kind_of_alarm_without_a_feature_is_refused(model, rows):
    model.confirm_one(rows[0] | {"ms": 70.0}, "normal")
    state = model.to_state()
    state["confirmed"]["kinds"][0]["traits"] = []
    with pytest.raises(StateError, match=r"traits, but expected a list of 1 to 64"):
        OnlineAutoencoder.from_state(state)


def test_a_kind_of_alarm_is_bounded_and_goes_through_a_file(rows):
    kinds = ConfirmedKinds()
    first = Trait("first", "out", 1, 5.0, 5.0, 2.0)
    for i in range(100):
        other = Trait(f"feature {i % 40}", "off", 1, 50.0 * i, 50.0 * i, 2.0)
        kinds.confirm(Alarm([(first, 0.9), (other, 0.1)], 3.0), False, i)
    state = {"withheld": 0, **kinds.to_state()}
    check(state, CONFIRMED)
    names = [name for name, *_ in state["kinds"][0]["traits"]]
    assert len(set(names)) == 16
    assert "first" in names
    assert "feature 19" in names
    more = [[name, *trait[1:]] for name in ("a", "b") for trait in [state["kinds"][0]["traits"][0]] * 5]
    state["kinds"][0]["traits"] = more
    with pytest.raises(StateError, match=r"Got 5 at \.kinds, but expected at most 4 ways"):
        check(state, CONFIRMED)


def test_copies_have_answers_of_their_own(model, rows):
    odd = rows[0] | {"ms": 70.0}
    twin = copy.copy(model)
    model.confirm_one(odd, "normal")
    assert twin.confirmed == []
    again = pickle.loads(pickle.dumps(model))
    again.forget_confirmed(1)
    assert len(model.confirmed) == 1


def test_rows_taken_at_once_and_one_by_one_are_judged_alike(lived, rows):
    models = [copy.copy(lived[0]) for _ in range(3)]
    for one in models:
        one.confirm_one(rows[0] | {"ms": 70.0}, "normal")
        one.confirm_one(rows[0] | {"watts": 200.0}, "anomaly")
    new = [row | ({"ms": 70.0} if i % 9 == 0 else {"watts": 200.0} if i % 9 == 1 else {})
           for i, row in enumerate(rows[:300])]  # fmt: skip
    judged = models[0].score_learn_many(np.array([list(x.values()) for x in new]), list(new[0]))
    for x, score, cut, alarm in zip(new, *judged, strict=True):
        assert models[1].threshold == cut
        assert models[1].score_learn_one(x) == (score, alarm)
        assert models[2].score_one(x) == score
        models[2].learn_one(x)
    assert pickle.dumps(models[1].to_state()) == pickle.dumps(models[2].to_state())
    assert models[0].confirmed == models[1].confirmed


def test_texts_and_stuck_sensors_have_kinds(lived, rows):
    model = OnlineAutoencoder(seed=0)
    for i, row in enumerate(rows[:800]):
        model.learn_one(row | {"mode": "eco" if i % 3 else "max"})
    odd = rows[800] | {"mode": "cleaning"}
    assert model.confirm_one(odd, "normal").startswith("mode 'cleaning'")
    assert not alarms(model, odd)
    assert alarms(model, rows[800] | {"mode": "broken"})
    still = copy.copy(lived[0])
    for row in rows[:30]:
        stuck = row | {"ms": rows[0]["ms"]}
        still.learn_one(stuck)
    assert "ms does not move at" in still.confirm_one(stuck, "normal")
    assert not alarms(still, stuck)


def test_rivers_model_takes_answers(rows):
    model = river_iotae.IoTAE(seed=0)
    for row in rows[:600]:
        model.learn_one(row)
    odd = rows[600] | {"ms": 70.0}
    model.confirm_one(odd, "normal")
    assert not model.classify(model.score_one(odd))
    again = river_iotae.IoTAE.from_state(model.to_state())
    assert again.confirmed == model.confirmed
    model.forget_confirmed(model.confirmed[0].number)
    assert model.classify(model.score_one(odd))
    assert model.n_withheld == 0


# -- kinds -------------------------------------------------------------------------------------


def alarm(value, raw=3.0, name="a", cause="out"):
    return Alarm([(Trait(name, cause, 1, value, value, 1.0), 0.9)], raw)


def test_memory_is_bounded_and_the_kind_met_least_lately_gives_way():
    kinds = ConfirmedKinds()
    for i in range(MOST_KINDS):
        kinds.confirm(alarm(10.0 * i), False, i)
    assert kinds.meets(alarm(0.5), False, 1000)
    kinds.confirm(alarm(-50.0), False, 1001)
    assert len(kinds.listed()) == MOST_KINDS
    assert kinds.find(alarm(0.5), False) is not None
    assert kinds.find(alarm(10.0), False) is None


def test_answers_widen_a_kind_to_what_they_cover_and_its_reach():
    kinds = ConfirmedKinds()
    for i, value in enumerate((5.0, 5.9, 6.8)):
        kinds.confirm(alarm(value), False, i)
    (one,) = kinds.listed()
    assert one.n_confirmed == 3
    assert one.kind == "a 5 to 6.8 above what is expected"
    for value, expected in ((4.0, True), (7.8, True), (3.9, False), (7.9, False)):
        assert (kinds.find(alarm(value), False) is not None) == expected
    assert kinds.find(alarm(5.0, raw=3.5 * 3 - 0.5), False) is not None
    for other in (
        alarm(5.0, raw=11.0),
        alarm(5.0, name="b"),
        alarm(5.0, cause="off"),
        alarm(5.0, raw=np.nan),
    ):
        assert kinds.find(other, False) is None
