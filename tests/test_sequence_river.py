"""River's detector with a window: River's own checks, the window's rules, and what it finds."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from iotae import serialization
from iotae.sequence.recent_rows import RecentRows
from iotae.sequence.window_cells import MEAN, STEPS
from river_iotae import SequenceIoTAE
from tests.river_checks import river_cases


@pytest.mark.untraced
@pytest.mark.parametrize(("model", "check"), list(river_cases({"window": SequenceIoTAE(seed=1, window=8)})))
def test_rivers_own_checks(model, check):
    assert not model._unit_test_skips()
    check(model.clone())


def rows(n, seed=0):
    rng = np.random.default_rng(seed)
    levels = np.sin(np.arange(n) / 20) + 0.05 * rng.normal(size=n)
    flows = rng.normal(size=n)
    return [
        {"level": a, "flow": b, "mode": "on"} for a, b in zip(levels.tolist(), flows.tolist(), strict=True)
    ]


def frozen(model):
    return serialization.dumps("model", model.to_state())


def test_the_window_is_the_mean_and_the_steps_of_the_latest_rows():
    recent, values = RecentRows(window=4), np.random.default_rng(0).normal(size=60)
    usual = []
    for i, value in enumerate(values.tolist()):
        row = recent.extended({"a": value, "b": "text", "c": True})
        past = values[max(i - 3, 0) : i + 1]
        assert row["a", MEAN] == pytest.approx(past.mean())
        if usual:
            # a step counts if it leads to a row of the window; the oldest row's own does too
            steps = np.diff(values[max(i - 4, 0) : i + 1]) ** 2
            assert row["a", STEPS] == pytest.approx(np.log(steps.mean() / np.mean(usual) + 1e-3))
        assert set(row) == {"a", "b", "c", ("a", MEAN), ("a", STEPS)}
        recent.push({"a": value, "b": "text", "c": True})
        if i:
            usual.append((values[i] - values[i - 1]) ** 2)
        if i > 30:
            break


def test_many_is_one_after_the_other_and_so_is_the_one_call():
    data = rows(400)
    by_row, by_frame, judged = (SequenceIoTAE(window=8, seed=3) for _ in range(3))
    scores = []
    for x in data:
        scores.append(by_row.score_one(x))
        by_row.learn_one(x)
    for start, stop in ((0, 1), (1, 50), (50, 400)):
        by_frame.learn_many(pd.DataFrame(data[start:stop]))
    found = judged.score_learn_many(data)
    assert frozen(by_row) == frozen(by_frame) == frozen(judged)
    assert found.scores.tolist() == scores
    assert (found.alarms == (found.scores > found.thresholds)).all()
    before = frozen(by_row)
    frame = pd.DataFrame(rows(5, seed=1))
    assert by_row.score_many(frame).tolist() == [by_row.score_one(x) for x in rows(5, seed=1)]
    assert frozen(by_row) == before


def test_a_file_continues_bit_for_bit(tmp_path):
    data = rows(300)
    model = SequenceIoTAE(window=8, seed=5, time="at", max_gap=100.0, hidden_sizes=(6, 3, 6))
    for i, x in enumerate(data[:150]):
        model.learn_one({**x, "at": float(i)})
    model.save(tmp_path / "m.iotae")
    back = SequenceIoTAE.load(tmp_path / "m.iotae")
    assert repr(back) == repr(model)
    for i, x in enumerate(data[150:], 150):
        row = {**x, "at": float(i)}
        assert back.score_learn_one(row) == model.score_learn_one(row)
    assert frozen(back) == frozen(model)


@pytest.mark.parametrize(
    ("part", "name", "value"),
    [
        ("params", "window", 9),
        ("params", "alpha", 0.5),
        ("recent", "names", ["a"]),
        ("recent", "n_late", -1),
        ("recent", "steps", np.full((7, 2), -1.0)),
    ],
)
def test_a_wrong_state_is_refused(part, name, value):
    model = SequenceIoTAE(window=8, seed=0)
    model.learn_many(rows(20))
    state = model.to_state()
    state[part][name] = value
    with pytest.raises(serialization.StateError):
        SequenceIoTAE.from_state(state)


def test_late_rows_do_not_enter_the_window_and_a_gap_empties_it():
    recent = RecentRows(window=4, time="at", max_gap=60.0)
    start = dt.datetime(2026, 1, 1)
    for i in range(3):
        recent.push({"a": float(i), "at": start + dt.timedelta(seconds=i)})
    before = recent.to_state()["rows"].tolist()
    recent.push({"a": 99.0, "at": start})
    assert (recent.n_late, recent.to_state()["rows"].tolist()) == (1, before)
    soon, later = (start + dt.timedelta(seconds=s) for s in (5, 500))
    assert recent.extended({"a": 3.0, "at": soon})["a", MEAN] == 1.5
    assert recent.extended({"a": 3.0, "at": later})["a", MEAN] == 3.0
    recent.push({"a": 3.0, "at": later.isoformat()})
    assert recent.extended({"a": 5.0, "at": np.datetime64("2026-01-01T00:08:21")})["a", MEAN] == 4.0
    # a row whose time cannot be read follows the one before
    assert recent.extended({"a": 5.0, "at": "soon"})["a", MEAN] == 4.0


def test_memory_is_bounded_whatever_features_come():
    recent = RecentRows(window=4, most=5)
    for i in range(100):
        recent.push({"a": 1.0, f"f{i}": 2.0, f"g{i}": float("nan"), f"h{i}": 10**400})
    names = recent.to_state()["names"]
    assert len(names) == 5
    assert "a" in names


@pytest.mark.parametrize("feature", ["level", "flow"])
def test_more_noise_is_found_and_explained_by_its_sensor(feature):
    model = SequenceIoTAE(window=16, seed=0)
    data = rows(2500)
    for x in data[:2400]:
        model.learn_one(x)
    usual = [model.score_learn_one(x)[0] for x in data[2400:2440]]
    rng = np.random.default_rng(1)
    noisy = [
        {**x, feature: x[feature] + rng.normal() * (0.5 if feature == "level" else 4)} for x in data[2440:]
    ]
    found = [model.score_learn_one(x)[0] for x in noisy]
    assert np.median(found) > np.quantile(usual, 0.9)
    shares = model.explain_one(noisy[-1])
    assert next(iter(shares)) == feature
    assert sum(shares.values()) == pytest.approx(model.score_one(noisy[-1]))
    assert set(model.expected_one(noisy[-1])) == {"level", "flow"}


def test_wrong_settings_are_refused():
    with pytest.raises(ValueError, match="Got window=1"):
        SequenceIoTAE(window=1)
    with pytest.raises(ValueError, match="Got max_gap=5"):
        SequenceIoTAE(max_gap=5)
