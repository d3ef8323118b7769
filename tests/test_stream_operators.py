"""What an operator meets: one sensor of many breaks, a clock is wrong, a text or a flag is rare but usual.

Each test plays one stream, scored before it is learned, as the command does.
"""

import copy
import datetime
import math

import numpy as np
import pytest

from iotae import OnlineAutoencoder
from iotae.stream.evidence import RUN
from iotae.stream.witness import NATS

ALPHA = 0.01
START = datetime.datetime(2026, 1, 1)
HEALTHY = 4_000


def sensors(rng, n, d):
    """Sensors that follow three hidden factors, with noise of a third of their deviation."""
    factors = rng.normal(size=(n, 3))
    mixing = rng.normal(size=(3, d))
    signal = factors @ mixing
    table = signal / signal.std(axis=0) + 0.3 * rng.normal(size=(n, d))
    return rng.uniform(-50, 50, size=d) + table * rng.uniform(0.5, 20, size=d)


def as_row(values):
    return {f"s{j}": value for j, value in enumerate(values.tolist())}


def alarms_of(model, rows):
    return np.array([model.score_learn_one(x)[1] for x in rows])


FAULTS = {
    "spike": (1, lambda table, j, at, sd: table[at, j] + 6 * sd),
    "offset": (15, lambda table, j, at, sd: table[at, j] + 2.5 * sd),
    "stuck": (15, lambda table, j, at, sd: table[at[0] - 1, j]),
    "zero": (15, lambda table, j, at, sd: 0.0),
}


@pytest.mark.untraced
@pytest.mark.parametrize("kind", FAULTS)
@pytest.mark.parametrize("d", [20, 60])
def test_numba_one_broken_sensor_of_many_rings_within_15_rows_and_is_named(d, kind):
    rng = np.random.default_rng(d)
    length, broken = FAULTS[kind]
    n_faults, apart = 8, 100
    table = sensors(rng, HEALTHY + n_faults * apart, d)
    sd = table.std(axis=0)
    if kind == "zero":
        # a zero is a fault where the sensor is never near it
        table += np.sign(table.mean(axis=0)) * 8 * sd
    model = OnlineAutoencoder(seed=0, alpha=ALPHA)
    before = alarms_of(model, map(as_row, table[:HEALTHY]))
    assert before[1_000:].mean() <= 2 * ALPHA
    found, named = 0, 0
    for i in range(n_faults):
        start = HEALTHY + i * apart
        at, j = np.arange(start, start + length), int(rng.integers(d))
        table[at, j] = broken(table, j, at, sd[j])
        rang, guilty = False, []
        for x in map(as_row, table[start : start + apart]):
            if start < HEALTHY + i * apart + length:
                shares = model.explain_one(x)
                score, alarm = model.score_learn_one(x)
                rang |= alarm
                guilty.append((score, next(iter(shares)) == f"s{j}"))
            else:
                model.learn_one(x)
            start += 1
        found += rang
        named += max(guilty)[1]
    assert found >= 6
    assert named >= 7


def test_numba_a_coarse_sensor_that_is_stuck_rings_and_is_named():
    rng = np.random.default_rng(0)
    n_faults, apart, length = 12, 200, 20
    table = rng.normal(size=(HEALTHY + n_faults * apart, 6))
    for i in range(1, len(table)):
        table[i] += 0.5 * table[i - 1]
    table = np.round(table)
    repeats = (table[1:HEALTHY] == table[: HEALTHY - 1]).mean(axis=0)
    assert ((repeats > 0.25) & (repeats < 0.45)).all()
    model = OnlineAutoencoder(seed=0, alpha=ALPHA)
    assert alarms_of(model, map(as_row, table[:HEALTHY]))[1_000:].mean() <= 2 * ALPHA
    found = 0
    for i in range(n_faults):
        start = HEALTHY + i * apart
        table[start : start + length, i % 6] = 0.0
        rang = alarms_of(model, map(as_row, table[start : start + length]))
        named = next(iter(model.explain_one(as_row(table[start + length - 1])))) == f"s{i % 6}"
        found += rang.any() and named and model._views["evidence"][NATS + RUN] > 5.0
        alarms_of(model, map(as_row, table[start + length : start + apart]))
    assert found >= 9


def test_numba_a_sensor_that_rests_each_night_neither_rings_nor_holds_the_cut_up():
    rng = np.random.default_rng(0)
    days, per_day = 8, 1440
    n = days * per_day
    hour = np.arange(n) % per_day / 60
    lit = (hour > 4) & (hour < 20)
    sun = 1000 * np.sin(math.pi * (hour - 4) / 16) * np.exp(0.1 * rng.normal(size=n))
    temperature = 15 + 6 * np.sin(2 * math.pi * (hour - 9) / 24) + 0.5 * rng.normal(size=n)
    table = np.stack(
        [
            np.where(lit, sun, 0.0),
            temperature,
            70 - 2 * temperature + 1.5 * rng.normal(size=n),
            0.1 * temperature + rng.normal(size=n),
        ],
        axis=1,
    )
    model = OnlineAutoencoder(seed=0, alpha=ALPHA)
    alarm = alarms_of(model, map(as_row, table))[3 * per_day :]
    assert ALPHA / 4 <= alarm.mean() <= 2 * ALPHA


def daily(rng, n, d=6, step=10):
    """A row each ten minutes, with a rhythm of a day; times and values."""
    minutes = np.arange(n) * step
    angle = 2 * math.pi * minutes / 1440
    level = np.sin(angle[:, None] + rng.uniform(0, 6, size=d)) + 0.2 * rng.normal(size=(n, d))
    return [START + datetime.timedelta(minutes=int(m)) for m in minutes], 20.0 + 5.0 * level


def test_numba_sensors_that_are_twelve_hours_off_the_clock_ring():
    rng = np.random.default_rng(0)
    times, table = daily(rng, 6_100)
    rows = [{"time": t} | as_row(x) for t, x in zip(times, table, strict=True)]
    model = OnlineAutoencoder(seed=0, alpha=ALPHA)
    before = alarms_of(model, rows[:6_000])
    assert before[1_000:].mean() <= 3 * ALPHA
    at = 6_000
    usual = [model.score_one(x) for x in rows[at : at + 60]]
    wrong = [x | {"time": x["time"] + datetime.timedelta(hours=12)} for x in rows[at : at + 60]]
    scores = np.array([model.score_learn_one(x) for x in wrong])
    assert scores[:, 1].any()
    assert np.median(scores[20:, 0]) > np.quantile(usual, 0.9)


@pytest.mark.untraced
def test_numba_a_machine_that_is_switched_at_the_same_hours_rings_no_more_than_promised():
    rng = np.random.default_rng(0)
    days, per_day = 26, 1440
    n = days * per_day
    minute = np.arange(n) % per_day
    on = (minute >= 480) & (minute < 1080)
    around = 20 + 4 * np.sin(2 * math.pi * (minute - 540) / per_day)
    temperature = np.full(n, 20.0)
    for i in range(1, n):
        temperature[i] += 0.975 * (temperature[i - 1] - 20) + 0.025 * (around[i] + 25 * on[i] - 20)
    sensors = {
        "temperature": temperature + 0.4 * rng.normal(size=n),
        "humidity": 70 - 0.8 * (temperature - 20) + 1.5 * rng.normal(size=n),
        "vibration": 0.2 + 2.5 * on + 0.1 * (1 + 3 * on) * rng.normal(size=n),
        "power": 50 + 900 * on * (1 + 0.05 * rng.normal(size=n)) + 3 * rng.normal(size=n),
    }
    columns = [column.tolist() for column in sensors.values()]
    rows = [
        {"time": START + datetime.timedelta(minutes=i)} | dict(zip(sensors, values, strict=True))
        for i, values in enumerate(zip(*columns, strict=True))
    ]
    model = OnlineAutoencoder(seed=0, alpha=ALPHA)
    alarm = alarms_of(model, rows)
    assert alarm[20 * per_day :].mean() <= 2 * ALPHA
    for name, off in (("temperature", 15.0), ("humidity", 15.0), ("vibration", 1.5), ("power", 400.0)):
        odd = [x | {name: x[name] + off} for x in rows[-15:]]
        assert alarms_of(copy.deepcopy(model), odd).any()


@pytest.mark.xfail(strict=True, reason="rows with the other text still hold the cut up: .80 beside 71's .64")
def test_numba_a_text_that_toggles_twice_a_day_does_not_hold_the_cut_up():
    rng = np.random.default_rng(0)
    model = OnlineAutoencoder(seed=0, alpha=0.002)
    for i in range(7_200):
        night = (i // 720) % 2 == 1
        model.learn_one({"temperature": 35 + 2.5 * rng.normal(), "state": "night" if night else "day"})
    for absurd in (71.0, -999.0):
        x = {"temperature": absurd, "state": "day"}
        assert model.score_one(x) > model.threshold
        assert next(iter(model.explain_one(x))) == "temperature"
    assert model.score_one({"temperature": 35.0, "state": "day"}) < model.threshold


def test_numba_a_device_of_thirty_names_does_not_hide_a_sensors_fault():
    rng = np.random.default_rng(0)
    table = sensors(rng, HEALTHY, 6)
    devices = rng.integers(30, size=HEALTHY)
    rows = [as_row(x) | {"device": f"pump {k}"} for x, k in zip(table, devices, strict=True)]
    model = OnlineAutoencoder(seed=0, alpha=ALPHA)
    before = alarms_of(model, rows)
    assert before[1_000:].mean() <= 2.5 * ALPHA
    found = 0
    for i in range(20):
        j = i % 6
        odd = rows[-1 - i] | {f"s{j}": rows[-1 - i][f"s{j}"] + 6 * table[:, j].std()}
        found += model.score_one(odd) > model.threshold and next(iter(model.explain_one(odd))) == f"s{j}"
    assert found >= 16


@pytest.mark.xfail(strict=True, reason="the mean surprise of a rare flag is that of an anomaly: 10 beside 3")
def test_numba_a_flag_that_is_1_in_2_percent_of_rows_does_not_use_up_the_alarms():
    rng = np.random.default_rng(0)
    table = sensors(rng, 6_000, 6)
    flag = rng.random(6_000) < 0.02
    rows = [as_row(x) | {"heating": float(on)} for x, on in zip(table, flag, strict=True)]
    model = OnlineAutoencoder(seed=0, alpha=ALPHA)
    alarm = alarms_of(model, rows)[2_000:]
    assert alarm.mean() <= 2 * ALPHA
    assert alarm[flag[2_000:]].mean() < 0.5
    found = 0
    for x in rows[-20:]:
        found += model.score_one(x | {"s0": x["s0"] + 6 * table[:, 0].std()}) > model.threshold
    assert found >= 16


def test_numba_a_sensor_stuck_at_minus_999_keeps_ringing():
    rng = np.random.default_rng(0)
    table = sensors(rng, HEALTHY + 500, 6)
    model = OnlineAutoencoder(seed=0, alpha=ALPHA)
    alarms_of(model, map(as_row, table[:HEALTHY]))
    table[HEALTHY : HEALTHY + 100, 3] = -999.0
    alarm = alarms_of(model, map(as_row, table[HEALTHY : HEALTHY + 100]))
    assert alarm[:15].any()
    assert alarm.mean() > 0.9
    assert next(iter(model.explain_one(as_row(table[HEALTHY + 99])))) == "s3"
    # it is expected where it always was, and a sensor that is back is no alarm for long
    expected = model.expected_one(as_row(table[HEALTHY + 99]))["s3"]
    assert abs(expected - table[:HEALTHY, 3].mean()) < 4 * table[:HEALTHY, 3].std()
    after = alarms_of(model, map(as_row, table[HEALTHY + 100 :]))
    assert after[50:].mean() <= 3 * ALPHA
