"""A category is one source of surprise, whatever its number of values: through the pipeline and PyOD."""

import numpy as np
import pandas as pd
import pytest

from iotae import BatchAutoencoder
from iotae.batch.categories import blocks, check_categories, column_weights
from iotae.batch.row_selection import choose_rows
from iotae.batch.scaler import TableScaler
from iotae.data import Table
from iotae.pipeline import TableDetector
from pyod_iotae import IoTAE

N = 4000
BROKEN = np.arange(N) % 100 == 50


def sensors(rng):
    """Three sensors, of which one is broken in every hundredth row."""
    columns = {
        "temperature": rng.normal(20, 2, N),
        "humidity": rng.normal(50, 3, N),
        "power": rng.normal(100, 5, N),
    }
    columns["humidity"][BROKEN] = 80.0
    return columns


def identifiers(rng, k, skewed=False):
    shares = 1.0 / np.arange(1, k + 1) if skewed else np.ones(k)
    numbers = rng.choice(k, N, p=shares / shares.sum())
    return np.array([f"device {number:04d}" for number in numbers], dtype=object)


def found(scores):
    """Share of the broken rows among as many rows that score highest."""
    return BROKEN[np.argsort(-scores, kind="stable")[: BROKEN.sum()]].mean()


CASES = {
    "5 ids": lambda rng: {"a": identifiers(rng, 5)},
    "100 ids": lambda rng: {"a": identifiers(rng, 100)},
    "1000 ids": lambda rng: {"a": identifiers(rng, 1000)},
    "200 skewed ids": lambda rng: {"a": identifiers(rng, 200, skewed=True)},
    "ids as numbers": lambda rng: {"a": rng.integers(200, size=N).astype(float)},
    "several columns": lambda rng: {f"c{k}": identifiers(rng, k, k == 30) for k in (10, 30, 200)},
}


@pytest.mark.untraced
@pytest.mark.parametrize("case", CASES)
def test_one_broken_sensor_is_found_beside_a_category_of_many_values(case):
    rng = np.random.default_rng(0)
    columns = sensors(rng) | CASES[case](rng)
    table = Table(columns)
    for labels in (None, BROKEN):
        detector = TableDetector(alpha=0.01, seed=0).fit(table, labels)
        alarms = detector.classify(detector.score(table))
        assert alarms[BROKEN].mean() >= 0.95, labels is None
        assert alarms[~BROKEN].mean() < 0.03
    names, shares = detector.explain(table.take(BROKEN))
    assert {names[column] for column in shares.argmax(axis=1)} == {"humidity"}
    clf = IoTAE(contamination=0.01, random_state=0).fit(pd.DataFrame(columns))
    assert found(clf.decision_scores_) >= 0.95


@pytest.mark.parametrize("power", [100.0, 10.0])
@pytest.mark.parametrize("share", [0.02, 0.04])
def test_a_rare_state_of_the_machine_hides_no_broken_sensor(power, share):
    rng = np.random.default_rng(0)
    columns = sensors(rng)
    rare = (rng.random(N) < share) & ~BROKEN
    columns["power"][rare] += power - 100.0
    usual = np.where(rng.random(N) < 0.5, "running", "idle")
    columns["machine_state"] = np.where(rare, "maintenance", usual).astype(object)
    table = Table(columns)
    assert found(TableDetector(seed=0).fit(table).score(table)) >= 0.95


def test_a_value_never_seen_is_odd_and_the_category_is_named():
    rng = np.random.default_rng(0)
    columns = {name: values[~BROKEN] for name, values in sensors(rng).items()}
    n = len(columns["power"])
    table = Table(columns | {"mode": rng.choice(["eco", "max"], n).astype(object)})
    detector = TableDetector(alpha=0.01, seed=0).fit(table, np.zeros(n, bool))
    usual = {"temperature": [20.0], "humidity": [50.0], "power": [100.0]}
    odd, same = Table(usual | {"mode": ["turbo"]}), Table(usual | {"mode": ["eco"]})
    assert detector.score(odd)[0] > detector.threshold > detector.score(same)[0]
    names, shares = detector.explain(odd)
    assert names[shares[0].argmax()] == "mode"


def test_a_loaded_detector_scores_the_same_and_learns_on_with_its_categories(tmp_path):
    rng = np.random.default_rng(0)
    table = Table(sensors(rng) | {"a": identifiers(rng, 30)})
    detector = TableDetector(seed=0).fit(table)
    detector.save(tmp_path / "model.iotae")
    back = TableDetector.load(tmp_path / "model.iotae")
    np.testing.assert_array_equal(back.score(table), detector.score(table))
    X = detector.preprocessor.transform(table)[0]
    np.testing.assert_array_equal(
        back.autoencoder.partial_fit(X[:500]).score(X), detector.autoencoder.partial_fit(X[:500]).score(X)
    )


# -- the parts ----------------------------------------------------------------------------------

KINDS = np.array([0, 1, 1, 1, -1, 0, 2])


def test_the_columns_of_a_category_vary_together_as_one_number(rng):
    one_hot = np.eye(3)[rng.choice(3, 5000, p=[0.6, 0.3, 0.1])]
    X = np.column_stack([rng.normal(5, 2, 5000), one_hot, one_hot[:, 2] * 1.5, rng.normal(size=5000)])
    scaler = TableScaler()
    scaled = scaler.fit_transform(X, KINDS[:6]).astype(np.float64)
    assert scaled[:, 1:5].var(axis=0).sum() == pytest.approx(1.0, abs=0.01)
    np.testing.assert_allclose(scaled.mean(axis=0), 0.0, atol=0.01)
    steps = np.ptp(scaled[:, 1:4], axis=0)
    np.testing.assert_allclose(steps, steps[0], rtol=1e-3)
    np.testing.assert_array_equal(scaler.transform(X), scaled.astype(np.float32))
    np.testing.assert_array_equal(scaled[:, [0, 5]], TableScaler().fit(X).transform(X)[:, [0, 5]])
    np.testing.assert_allclose(scaler.inverse_transform(scaled), X, atol=1e-3)


def test_a_category_that_hardly_varies_is_not_blown_up():
    flag = np.zeros(10_000)
    flag[0] = 1.0
    X = np.column_stack([1 - flag, flag])
    assert np.abs(TableScaler().fit_transform(X, np.array([1, 1]))).max() <= 2.0


def test_a_column_without_a_value_stays_missing():
    X = np.full((4, 2), np.nan)
    assert np.isnan(TableScaler().fit_transform(X, np.array([1, 1]))).all()


def test_columns_of_a_category_share_their_weight():
    assert [place.tolist() for place in blocks(KINDS)] == [[1, 2, 3, 4], [6]]
    assert column_weights(KINDS, 7).tolist() == [1.0, 0.5, 0.5, 0.5, 0.5, 1.0, 1.0]
    assert column_weights(None, 2).tolist() == [1.0, 1.0]


@pytest.mark.parametrize("categories", [[0, 1], [[0, 1, 1]], [0.5, 1.0, 1.0], ["a", "b", "c"]])
def test_categories_that_do_not_fit_the_table_are_refused_and_nothing_changes(categories, rng):
    X = rng.normal(size=(100, 3))
    model = BatchAutoencoder(seed=0).fit(X)
    before = model.score(X)
    with pytest.raises(ValueError, match="expected a whole number for each of 3 columns"):
        model.fit(X + 1.0, categories=categories)
    np.testing.assert_array_equal(model.score(X), before)


def test_no_category_is_the_same_as_none(rng):
    X = rng.normal(size=(300, 3))
    assert check_categories([0, 0, 0], 3) is None
    one, two = (BatchAutoencoder(seed=0).fit(X, categories=given) for given in (None, [0, 0, 0]))
    np.testing.assert_array_equal(one.score(X), two.score(X))


def test_a_clump_that_a_category_names_is_trusted_and_any_other_is_not(rng):
    rows = rng.normal(size=(2000, 3)).astype(np.float32)
    clump = np.arange(2000) < 60
    rows[clump, :2] = 8.0 + 0.1 * rows[clump, :2]
    rows[:, 2] = np.where(clump, 0.97, -0.03)
    chosen = {}
    for name, categories in {"named": np.array([0, 0, 1]), "unnamed": None}.items():
        references, training = choose_rows(rows, False, np.random.default_rng(0), categories)
        chosen[name] = clump[references].sum(), clump[training].sum()
    assert min(chosen["named"]) > 20
    assert max(chosen["unnamed"]) < 5
