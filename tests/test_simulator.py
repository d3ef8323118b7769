from __future__ import annotations

import datetime as dt
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.decomposition import PCA
from sklearn.ensemble import IsolationForest

from iotae.evaluation import evaluate, reconstruction_error, roc_auc, stratified_split
from iotae.simulator import ANOMALY_KINDS, FEATURES, UNITS, simulate
from tests import naive_evaluation as naive

TEMPERATURE, HUMIDITY, LIGHT, POWER, LATENCY = range(5)


def hour_of(simulation):
    stamp = simulation.columns["timestamp"]
    return (stamp - stamp.astype("datetime64[D]")).astype(np.int64) / 3600


def runs(simulation, kind):
    """Yield (device, row numbers) of each unbroken run of a kind on a device."""
    device = simulation.columns["device"]
    for name in np.unique(device):
        mine = np.flatnonzero(device == name)
        there = np.flatnonzero(simulation.kind[mine] == kind)
        for run in np.split(there, np.flatnonzero(np.diff(there) > 1) + 1):
            if run.size:
                yield name, mine[run]


def test_columns_have_the_papers_names_units_and_types():
    simulation = simulate(20, seed=0)
    assert list(simulation.columns) == ["timestamp", "device", *FEATURES, "label", "kind"]
    assert list(UNITS) == list(FEATURES)
    assert simulation.columns["timestamp"].dtype == "datetime64[s]"
    assert simulation.label.dtype == np.int64
    assert simulation.features.dtype == np.float64
    assert simulation.features.shape == (20, 5)
    assert {len(column) for column in simulation.columns.values()} == {20}


@given(
    st.integers(1, 400),
    st.integers(1, 7),
    st.floats(0, 0.5),
    st.integers(0, 9),
    st.sampled_from([1, 60, 3600]),
)
@settings(max_examples=150)
def test_any_length_holds_exactly_the_asked_anomalies(n, devices, rate, seed, interval):
    simulation = simulate(n, n_devices=devices, anomaly_rate=rate, seed=seed, interval=interval)
    assert len(simulation) == n
    assert simulation.label.sum() == round(rate * n)
    np.testing.assert_array_equal(simulation.kind != "", simulation.label == 1)
    counts = [int((simulation.kind == kind).sum()) for kind in ANOMALY_KINDS]
    assert max(counts) - min(counts) <= 1
    assert np.isfinite(simulation.features[simulation.label == 0]).all()
    with np.errstate(invalid="ignore"):
        assert not (simulation.features[:, [HUMIDITY, LIGHT, POWER, LATENCY]] < 0).any()
        assert not (simulation.features[:, HUMIDITY] > 100).any()


def test_only_the_kinds_asked_for_appear():
    simulation = simulate(2000, kinds=("drift", "attack"), seed=3)
    assert set(simulation.kind) == {"", "drift", "attack"}
    assert set(simulate(500, kinds=(), anomaly_rate=0).kind) == {""}


def test_same_seed_gives_the_same_bits_and_another_does_not():
    first, again, other = simulate(3000, seed=7), simulate(3000, seed=7), simulate(3000, seed=8)
    for name, column in first.columns.items():
        assert column.tobytes() == again.columns[name].tobytes(), name
    assert first.features.tobytes() != other.features.tobytes()
    assert simulate(50, seed=None).features.tobytes() != simulate(50, seed=None).features.tobytes()


def test_global_random_state_is_neither_read_nor_changed():
    before = np.random.get_state()[1].tobytes()  # noqa: NPY002
    simulate(100, seed=0)
    assert np.random.get_state()[1].tobytes() == before  # noqa: NPY002


def test_time_advances_by_the_interval_for_each_device():
    simulation = simulate(11, n_devices=3, interval=90, start="2024-03-01T23:59:00")
    stamp, device = simulation.columns["timestamp"], simulation.columns["device"]
    assert stamp[0] == np.datetime64("2024-03-01T23:59:00")
    assert device[:4].tolist() == ["device-1", "device-2", "device-3", "device-1"]
    assert set(np.diff(stamp[device == "device-1"]).astype(int)) == {90}
    assert (
        np.datetime64("2024-03-01T23:59:00")
        == simulate(1, start=np.datetime64("2024-03-01T23:59")).columns["timestamp"][0]
    )


def test_normal_rows_follow_the_day():
    simulation = simulate(20_000, interval=120, anomaly_rate=0, seed=1)
    X, hour = simulation.features, hour_of(simulation)
    mean = np.array([X[hour.astype(int) == h].mean(axis=0) for h in range(24)])
    assert mean[:, LIGHT].argmax() in (10, 11, 12, 13)
    assert mean[[0, 1, 2, 3, 22, 23], LIGHT].max() < 10
    assert 2 <= mean[:, TEMPERATURE].argmax() - 12 <= 4
    assert np.corrcoef(X[:, TEMPERATURE], X[:, HUMIDITY])[0, 1] < -0.9
    assert mean[13, POWER] > 3 * mean[3, POWER]
    assert mean[13, LATENCY] > 1.3 * mean[3, LATENCY]
    spread = X[hour < 5, LATENCY]
    assert np.quantile(spread, 0.999) - np.median(spread) > 1.5 * (
        np.median(spread) - np.quantile(spread, 0.001)
    )


def test_devices_differ_and_noise_is_autocorrelated():
    simulation = simulate(20_000, anomaly_rate=0, seed=2)
    temperature = simulation.columns["temperature"].reshape(-1, 5)
    assert np.ptp(temperature.mean(axis=0)) > 0.1
    between = temperature[:, 0] - temperature[:, 1]
    between = between - between.mean()
    assert (between[1:] * between[:-1]).mean() / between.var() > 0.6


@given(st.lists(st.floats(-10, 10), min_size=1, max_size=70), st.floats(0, 0.999))
def test_autocorrelation_by_doubling_equals_the_recursion(noise, carry):
    from iotae.simulator import _autocorrelated

    ours = _autocorrelated(np.array(noise)[:, None], carry)[:, 0]
    np.testing.assert_allclose(ours, naive.autocorrelated(noise, carry), rtol=1e-9, atol=1e-9)


@pytest.fixture(scope="module")
def month():
    return simulate(60_000, interval=216, seed=5)


def test_attack_holds_several_devices_at_once(month):
    stamp, device = month.columns["timestamp"], month.columns["device"]
    attacked = month.kind == "attack"
    together = [len(set(device[attacked & (stamp == t)])) for t in np.unique(stamp[attacked])]
    assert np.mean(np.array(together) >= 2) > 0.95
    assert np.median(month.columns["network_latency"][attacked]) > 2.5 * np.median(
        month.columns["network_latency"][month.label == 0]
    )


def test_stuck_sensors_repeat_one_value(month):
    n_stuck = [
        (np.ptp(month.features[rows][:, [TEMPERATURE, HUMIDITY, LIGHT, POWER]], axis=0) == 0).sum()
        for _, rows in runs(month, "stuck")
        if len(rows) > 2
    ]
    # Two segments may touch; then their union is not constant.
    assert np.mean(np.isin(n_stuck, [1, 2])) > 0.9


def test_dropout_loses_readings_and_nothing_else_does(month):
    missing = np.isnan(month.features)
    dropped = month.kind == "dropout"
    assert not missing[~dropped].any()
    assert np.isin(missing[dropped].sum(axis=1), [2, 3, 4]).all()
    assert not missing[:, LATENCY].any()


def test_drift_starts_small_and_ends_large(month):
    normal = month.features[month.label == 0]
    centre, spread = normal.mean(axis=0), normal.std(axis=0)
    ends = [
        np.abs((month.features[rows[[0, -1]]] - centre) / spread).max(axis=1)
        for _, rows in runs(month, "drift")
        if len(rows) > 8
    ]
    first, last = np.median(ends, axis=0)
    assert last > 2 * first


def test_spikes_are_short(month):
    lengths = [len(rows) for _, rows in runs(month, "spike")]
    assert np.median(lengths) <= 3
    assert np.mean(np.array(lengths) <= 3) > 0.9


def test_contextual_rows_are_normal_but_for_the_hour(month):
    normal, contextual = month.label == 0, month.kind == "contextual"
    X, hour = month.features, hour_of(month)
    low, high = np.quantile(X[normal], [0.0005, 0.9995], axis=0)
    assert ((X[contextual] >= low) & (X[contextual] <= high)).all(axis=1).mean() > 0.97
    by_hour = np.array([np.median(X[normal & (hour.astype(int) == h)], axis=0) for h in range(24)])
    away = np.abs(X - by_hour[hour.astype(int)])[:, TEMPERATURE]
    assert np.median(away[contextual]) > 4 * np.median(away[normal])


def learnable(simulation, *, with_hour):
    X = simulation.features
    X = np.where(np.isnan(X), np.nanmedian(X, axis=0), X)
    X[:, LATENCY] = np.log(X[:, LATENCY])
    if with_hour:
        angle = hour_of(simulation) * np.pi / 12
        X = np.column_stack([X, np.sin(angle), np.cos(angle)])
    return X


def test_anomalies_are_neither_trivial_nor_invisible():
    simulation = simulate(10_000, seed=0)
    train, test = stratified_split(simulation.label)
    clean = train[simulation.label[train] == 0]
    y, kind = simulation.label[test], simulation.kind[test]

    def standardised(with_hour):
        X = learnable(simulation, with_hour=with_hour)
        return (X - X[clean].mean(axis=0)) / X[clean].std(axis=0)

    Z = standardised(False)
    one_sensor = np.abs(Z).max(axis=1)
    assert 0.7 < roc_auc(y, one_sensor[test]) < 0.95
    assert evaluate(y, one_sensor[test], np.quantile(one_sensor[clean], 0.99)).confusion.f1 < 0.75
    Z = standardised(True)
    # Powers of the phase give a linear autoencoder the day's shape.
    wide = np.column_stack([Z, Z[:, 5] * Z[:, 6], Z[:, 5] ** 2, np.maximum(Z[:, 6], 0) ** 2])
    pca = PCA(5).fit(wide[clean])
    joint = reconstruction_error(wide, pca.inverse_transform(pca.transform(wide)))
    forest = -IsolationForest(random_state=0).fit(Z[clean]).score_samples(Z)
    assert roc_auc(y, joint[test]) > 0.9
    assert 0.85 < roc_auc(y, forest[test]) < 0.995
    recall = {
        name: float((one_sensor[test][kind == name] > np.quantile(one_sensor[clean], 0.99)).mean())
        for name in ANOMALY_KINDS
    }
    assert recall["contextual"] < 0.2 < recall["drift"] < 0.8 < recall["dropout"]


def test_rows_yield_python_values_for_a_stream():
    simulation = simulate(10_000, seed=0)
    rows = list(simulation.rows())
    assert len(rows) == 10_000
    x, _ = rows[4097]
    assert list(x) == ["timestamp", "device", *FEATURES]
    assert type(x["timestamp"]) is dt.datetime
    assert {type(x[name]) for name in FEATURES} == {float}
    assert type(x["device"]) is str
    assert [label for _, label in rows] == simulation.label.tolist()
    assert x["temperature"] == simulation.columns["temperature"][4097]


def test_to_pandas_keeps_columns_and_values():
    simulation = simulate(50, seed=0)
    frame = simulation.to_pandas()
    assert list(frame.columns) == list(simulation.columns)
    np.testing.assert_array_equal(frame[list(FEATURES)].to_numpy(), simulation.features)
    assert frame["timestamp"].dtype.kind == "M"


@pytest.mark.untraced
def test_a_million_rows_take_seconds():
    begin = time.process_time()
    simulation = simulate(1_000_000, seed=0)
    assert simulation.label.sum() == 50_000
    assert time.process_time() - begin < 15


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_rows": 0}, "Got n_rows=0"),
        ({"n_rows": 2.5}, "Got n_rows=2.5"),
        ({"n_devices": 0}, "Got n_devices=0"),
        ({"anomaly_rate": 0.6}, "Got anomaly_rate=0.6"),
        ({"anomaly_rate": float("nan")}, "Got anomaly_rate=nan"),
        ({"kinds": ("spike", "gremlin")}, r"Got kinds=\('spike', 'gremlin'\)"),
        ({"kinds": ("spike", "spike")}, "each once"),
        ({"kinds": ()}, "pass anomaly_rate=0"),
        ({"kinds": "spike"}, r"pass kinds=\('spike',\)"),
        ({"interval": 0}, "Got interval=0"),
        ({"start": "yesterday"}, "Got start='yesterday'"),
        ({"start": "NaT"}, "Got start='NaT'"),
    ],
)
def test_bad_arguments_say_what_is_expected(arguments, message):
    with pytest.raises(ValueError, match=message):
        simulate(**{"n_rows": 10, **arguments})
