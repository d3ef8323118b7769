"""The preprocessing pipeline against scikit-learn's own transforms, and what it says of odd tables."""

from __future__ import annotations

import json
import math
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.feature_selection import mutual_info_classif
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, RobustScaler, StandardScaler

from iotae import serialization
from iotae.data import Table, TableError
from iotae.preprocessing import Preprocessor
from iotae.preprocessing.selection import is_counter, is_trend, long_tailed, outlying_rows

SCALERS = {"minmax": MinMaxScaler, "standard": StandardScaler, "robust": RobustScaler}

matrices = hnp.arrays(
    np.float64,
    st.tuples(st.integers(2, 20), st.integers(1, 4)),
    elements=st.floats(-1e6, 1e6, allow_subnormal=False) | st.just(np.nan),
).filter(lambda X: not np.isnan(X).all(axis=0).any())


def as_table(X):
    return Table({f"x{i}": column for i, column in enumerate(X.T)})


# -- against scikit-learn ----------------------------------------------------------------------


@settings(max_examples=50)
@given(X=matrices, normalise=st.sampled_from(sorted(SCALERS)))
def test_normalisation_is_scikit_learns(X, normalise):
    mine, kept = Preprocessor(normalise=normalise, select=()).fit(as_table(X)).transform(as_table(X))
    np.testing.assert_allclose(mine, SCALERS[normalise]().fit_transform(X), rtol=1e-9, atol=1e-9)
    assert kept.all()


@settings(max_examples=50)
@given(X=matrices, fill=st.sampled_from(["median", "mean"]))
def test_filling_is_scikit_learns(X, fill):
    steps = Preprocessor(missing="fill", fill=fill, select=()).fit(as_table(X))
    np.testing.assert_allclose(
        steps.transform(as_table(X))[0], SimpleImputer(strategy=fill).fit_transform(X), rtol=1e-12
    )


@settings(max_examples=50)
@given(texts=st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=60), cap=st.integers(2, 9))
def test_categories_are_scikit_learns_and_their_rarity(texts, cap):
    table, least = Table({"c": texts}), max(1, len(texts) * 5 // 100)
    encoder = OneHotEncoder(
        handle_unknown="ignore", max_categories=cap, min_frequency=least, sparse_output=False
    )
    expected = encoder.fit_transform(np.array(texts, dtype=object).reshape(-1, 1))
    X, _ = Preprocessor(select=(), max_categories=cap).fit(table).transform(table)
    np.testing.assert_array_equal(X[:, :-1], expected)
    np.testing.assert_allclose(X[:, -1], [naive_surprise(texts, text) for text in texts], atol=1e-9)


def naive_surprise(texts, text):
    """Nats of a value of a list: how few rows are as rare, and how much rarer it is than the usual."""
    counts = {value: texts.count(value) for value in set(texts)}
    n, own = len(texts), counts.get(text, 0)
    if not own:
        n, own = n + 1, 1
    as_rare = sum(c for c in counts.values() if c <= own) + (text not in counts)
    entropy = sum(c / len(texts) * math.log(len(texts) / c) for c in counts.values())
    return max(0.0, min(math.log(n / as_rare), math.log(n / own) - entropy))


@settings(max_examples=60)
@given(texts=st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=60))
def test_an_unseen_value_is_the_rarest(texts):
    steps = Preprocessor(select=()).fit(Table({"c": texts}))
    rarity = steps.transform(Table({"c": [*texts, "never"]}))[0][:, -1]
    assert rarity[-1] == pytest.approx(naive_surprise(texts, "never"), abs=1e-9)
    assert rarity[-1] >= rarity.max() - 1e-9


def test_a_rare_state_surprises_and_an_identifier_does_not(rng):
    states = rng.permutation(["on"] * 480 + ["off"] * 490 + ["service"] * 30)
    devices = np.array([f"device {i}" for i in rng.integers(200, size=1000)], dtype=object)
    steps = Preprocessor(max_categories=None).fit(Table({"state": states.astype(object), "device": devices}))
    X, names = (
        steps.transform(Table({"state": ["service", "on"], "device": devices[:2]}))[0],
        steps.feature_names_out,
    )
    state, device = names.index("state:rarity"), names.index("device:rarity")
    assert X[:, state].round(1).tolist() == [2.7, 0.0]
    # the least frequent of many values that are about as frequent is not rare
    assert X[:, device].max() < 1.5


def test_rarity_is_that_of_normal_rows():
    table = Table({"c": ["a", "b"] * 50 + ["attack"] * 100})
    steps = Preprocessor().fit(table, [0] * 100 + [1] * 100)
    rarity = steps.transform(Table({"c": ["a", "attack"]}))[0][:, -1]
    assert rarity[0] == 0.0
    assert rarity[1] > 3.5


def test_text_of_rare_values_alone_is_an_identifier_and_reported(rng):
    devices = [f"device {i}" for i in rng.integers(300, size=3000)]
    steps = Preprocessor().fit(Table({"device": devices, "x": rng.normal(size=3000)}))
    assert steps.feature_names_out == ["x"]
    assert any("'device': 300 different texts, each of them rare" in line for line in steps.report())


def test_the_features_of_a_category_are_marked_as_one():
    table = Table({"x": [1.0, 2.0, 4.0], "c": ["a", "a", "b"], "d": ["u", "v", "v"]})
    steps = Preprocessor().fit(table)
    assert steps.feature_names_out == ["x", "c=a", "c=b", "c:rarity", "d=u", "d=v", "d:rarity"]
    assert steps.learned.feature_categories.tolist() == [0, 1, 1, -1, 2, 2, -2]
    kept = Preprocessor(select=("constant", "correlation")).fit(table)
    assert kept.feature_names_out == ["x", "c=a", "d=u"]
    assert kept.learned.feature_categories.tolist() == [0, 1, 2]


@settings(max_examples=40)
@given(X=matrices)
def test_features_that_stay_are_never_constant(X):
    X = np.column_stack([X, np.arange(len(X))])
    varies = np.nanmax(X, axis=0) > np.nanmin(X, axis=0)
    steps = Preprocessor(select=("constant",)).fit(as_table(X))
    assert steps.feature_names_out == [f"x{i}" for i in np.flatnonzero(varies)]


def test_mutual_information_is_scikit_learns(rng):
    y = rng.integers(0, 2, 400)
    X = np.column_stack([y + rng.normal(scale=0.3, size=400), rng.normal(size=400)])
    steps = Preprocessor(select="mutual_information").fit(as_table(X), y)
    told = mutual_info_classif(X, y, random_state=0) >= 1e-3
    assert steps.feature_names_out == [f"x{i}" for i in np.flatnonzero(told)]
    assert told[0]


def test_mutual_information_asks_for_labels(rng):
    with pytest.raises(ValueError, match="pass y, or leave this step out"):
        Preprocessor(select="mutual_information").fit(as_table(rng.normal(size=(9, 2))))


# -- the steps ---------------------------------------------------------------------------------


def test_defaults_keep_missing_cells_and_units():
    X = np.array([[1.0, np.nan], [2.0, 5.0], [4.0, 6.0]])
    np.testing.assert_array_equal(Preprocessor().fit(as_table(X)).transform(as_table(X))[0], X)


def test_rows_with_missing_cells_are_dropped_and_told(rng):
    X = rng.normal(size=(10, 2))
    X[3, 0] = X[7, 1] = np.nan
    steps = Preprocessor(missing="drop").fit(as_table(X))
    rows, kept = steps.transform(as_table(X))
    assert np.flatnonzero(~kept).tolist() == [3, 7]
    np.testing.assert_array_equal(rows, X[kept])
    np.testing.assert_array_equal(steps.training_mask_, kept)
    assert "missing values: 2 cells in 2 rows dropped" in steps.report()
    assert len(steps.apply(as_table(X), keep_rows=True).X) == 10


def test_outliers_are_set_aside_in_training_only(rng):
    X = rng.normal(size=(200, 2))
    X[[5, 50], 1] = 1000.0
    steps = Preprocessor(outliers="robust_z", normalise="minmax").fit(as_table(X))
    assert np.flatnonzero(~steps.training_mask_).tolist() == [5, 50]
    rows, kept = steps.transform(as_table(X))
    assert kept.all()
    assert rows[steps.training_mask_].max() == 1.0
    assert rows[5, 1] > 100
    assert "outliers (robust_z): 2 of 200 training rows set aside (1.0%, at most 5%)" in steps.report()


@pytest.mark.parametrize("rule", ["robust_z", "iqr"])
def test_outlier_removal_takes_the_farthest_and_no_more_than_its_share(rng, rule):
    X = rng.standard_cauchy(size=(1000, 1))
    out = outlying_rows(X, rule)
    assert out.sum() == 50
    assert np.abs(X[out]).min() > np.quantile(np.abs(X), 0.94)


def test_flags_and_gaps_are_no_outliers():
    X = np.array([[0.0, np.nan]] * 99 + [[1.0, np.nan]])
    assert not outlying_rows(X, "iqr").any()
    assert not outlying_rows(X, "robust_z").any()


def test_near_constant_variance_and_correlation(rng):
    base = rng.normal(size=5000)
    rare = np.zeros(5000)
    rare[0] = 1.0
    table = Table({"a": base, "b": -3 * base + 1, "rare": rare, "c": rng.normal(size=5000)})
    assert Preprocessor(select="near_constant").fit(table).feature_names_out == ["a", "b", "c"]
    assert "rare" in Preprocessor(select="near_constant").fit(table).report()[-1]
    # a variance of 0.0002 is more than the smallest allowed: one row in 5,000
    assert Preprocessor(select="variance").fit(table).feature_names_out == ["a", "b", "rare", "c"]
    rare_table = Table({"a": np.tile(base, 4), "rare": np.r_[1.0, np.zeros(19_999)]})
    assert Preprocessor(select="variance").fit(rare_table).feature_names_out == ["a"]
    assert Preprocessor(select="correlation").fit(table).feature_names_out == ["a", "rare", "c"]


def test_counters_and_clocks_are_left_out(rng):
    n = 100
    table = Table({"id": rng.permutation(n), "epoch": 1.7e9 + np.arange(n) * 60.5, "x": rng.normal(size=n)})
    steps = Preprocessor().fit(table)
    assert steps.feature_names_out == ["x"]
    assert "left out 'id': counts the rows or tells the time" in steps.report()
    assert "left out 'epoch': times that do not cover a day" in steps.report()
    assert Preprocessor(select="constant").fit(table).feature_names_out == ["id", "x"]
    assert not is_counter(np.arange(10.0))
    rng = np.random.default_rng(0)
    gappy = np.cumsum(rng.integers(0, 8, size=200)).astype(float)
    gappy[::7] = np.nan
    assert is_counter(gappy)
    assert not is_counter(np.repeat([1.0, 2.0, 3.0], 60))


def meter(rng, n=2000, noise=0.03, rate=None):
    """A meter that runs from 0 to 1 at a rate, with noise."""
    total = np.cumsum(np.ones(n) if rate is None else rate)
    return total / total[-1] + noise * rng.normal(size=n)


def day_and_night(n, days):
    return np.where(np.modf(np.arange(n) / n * days)[0] < 1 / 3, 0.2, 1.4)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("n", [300, 2000])
def test_noisy_meters_are_trends_in_any_direction_with_gaps_and_broken_cells(n, seed):
    rng = np.random.default_rng(seed)
    plain, noisy = meter(rng, n, 0.005), meter(rng, n, 0.03)
    week = meter(rng, n, 0.005, day_and_night(n, 7))
    gappy, broken = noisy.copy(), noisy.copy()
    gappy[rng.random(n) < 0.3] = np.nan
    broken[rng.choice(n, n // 200, replace=False)] = [1e9, 0.0, -1e30, 1e30, 5.0, 0.0, 0.0, 0.0, 9.0, 1.0][
        : n // 200
    ]
    assert all(is_trend(column) for column in (plain, noisy, 1e6 - 1e5 * noisy, week, gappy, broken))
    assert not any(is_counter(column) for column in (plain, noisy, week, gappy, broken))


@pytest.mark.parametrize("seed", range(3))
def test_sorted_tables_slow_rhythms_and_walks_are_no_trends(seed):
    rng, n = np.random.default_rng(seed), 2000
    time = np.linspace(0.0, 1.0, n)
    noise = rng.normal(size=n)
    by_size = np.sort(rng.normal(size=n))
    kept = {
        "noise": noise,
        "half a day": 0.05 * noise - np.cos(np.pi * time),
        "a quarter": 0.01 * noise + np.sin(np.pi / 2 * time),
        "many days": np.sin(20 * np.pi * time) + 0.1 * noise,
        "season with days": 3 * time + np.sin(40 * np.pi * time),
        "sorted by a like column": by_size + 0.05 * noise,
        "sorted by durations": np.sort(rng.exponential(size=n)) + 0.05 * noise,
        "sorted by class": np.repeat([0.0, 1.0, 2.0, 3.0], n // 4) + 0.1 * noise,
        "sorted by one of ten states": np.repeat(np.arange(10.0), n // 10),
        "sorted by label": np.where(time < 0.9, 0.0, 8.0) + noise,
        "full and empty": np.minimum(time, 0.6) + 0.01 * noise,
        "a reset meter": np.modf(time * 2)[0] + 0.01 * noise,
        "constant": np.ones(n),
        "empty": np.full(n, np.nan),
    }
    assert [name for name, column in kept.items() if is_trend(column)] == []
    assert not is_trend(meter(rng, 40, 0.0))


def test_random_walks_are_seldom_trends():
    walks = np.random.default_rng(0).normal(size=(400, 500)).cumsum(axis=1)
    assert sum(is_trend(walk) for walk in walks) <= 4


def test_a_trend_is_left_out_told_of_and_kept_if_asked_for(rng):
    n = 1000
    columns = {
        "energy": 5e4 + 300 * meter(rng, n),
        "watts": rng.normal(size=n),
        "mode": ["on", "off"] * (n // 2),
    }
    steps = Preprocessor().fit(Table(columns))
    assert "energy" not in steps.feature_names_out
    told = [line for line in steps.report() if "'energy'" in line]
    assert len(told) == 1
    assert "left out 'energy': moves evenly" in told[0]
    assert "without 'trend'" in told[0]
    assert "energy" in Preprocessor(select=("counter", "constant")).fit(Table(columns)).feature_names_out
    assert "energy" in Preprocessor.paper().fit(Table(columns)).feature_names_out
    again = Preprocessor.from_state(steps.to_state())
    assert again.select == ("counter", "trend", "constant")
    assert again.feature_names_out == steps.feature_names_out


def test_anomalies_do_not_hide_a_trend_where_they_are_labelled(rng):
    n = 1000
    anomalous = rng.random(n) < 0.2
    energy = np.where(anomalous, rng.normal(size=n), meter(rng, n))
    table = Table({"energy": energy, "watts": rng.normal(size=n)})
    assert Preprocessor().fit(table, anomalous).feature_names_out == ["watts"]
    assert Preprocessor().fit(table).feature_names_out == ["energy", "watts"]


def test_identifiers_are_left_out():
    table = Table({"id": [f"dev-{i}" for i in range(200)], "x": np.sin(np.arange(200))})
    steps = Preprocessor().fit(table)
    assert steps.feature_names_out == ["x"]
    assert any("an identifier" in line for line in steps.report())


def test_long_tails_as_logarithms(rng):
    table = Table({"bytes": np.exp(rng.normal(scale=4, size=500)), "x": rng.normal(size=500)})
    steps = Preprocessor(tails="log").fit(table)
    X, _ = steps.transform(table)
    np.testing.assert_allclose(X[:, 0], np.log1p(table.numbers("bytes")[0]))
    np.testing.assert_array_equal(X[:, 1], table.numbers("x")[0])
    assert "'bytes': long tail, taken as its logarithm" in steps.report()
    assert not long_tailed(np.zeros((3, 1))).any()


def test_rare_categories_share_a_column_and_unseen_ones_have_none():
    table = Table({"c": ["a"] * 5 + ["b"] * 3 + ["c", "d"]})
    steps = Preprocessor(max_categories=3).fit(table)
    assert steps.feature_names_out == ["c=a", "c=b", "c=other", "c:rarity"]
    X, _, notes = steps.apply(Table({"c": ["d", "never", "", "b"]}))
    np.testing.assert_array_equal(X[:, :3], [[0, 0, 1], [0, 0, 0], [np.nan] * 3, [0, 1, 0]])
    assert np.isnan(X[2, 3])
    assert X[1, 3] > 0
    assert notes["cells of 'c' have a value that fitting did not see"] == 1


def test_missing_categories_take_the_most_frequent_value_when_filled():
    steps = Preprocessor(missing="fill").fit(Table({"c": ["a", "b", "b", ""]}))
    np.testing.assert_array_equal(steps.transform(Table({"c": [""]}))[0], [[0.0, 1.0, 0.0]])
    assert "'c': 1 empty cells take 'b'" in steps.report()


def times(start, hours):
    return np.datetime64(start, "us") + (np.asarray(hours) * 3600e6).astype("timedelta64[us]")


def test_times_become_smooth_rhythms():
    table = Table({"at": times("2026-01-05T00:00", np.arange(24 * 14))})
    steps = Preprocessor().fit(table)
    assert steps.feature_names_out == ["at:hour_sin", "at:hour_cos", "at:weekday_sin", "at:weekday_cos"]
    X, _ = steps.transform(Table({"at": ["2026-03-02T06:00+02:00", "2026-03-02 18:00", ""]}))
    np.testing.assert_allclose(X[:2, :2], [[1, 0], [-1, 0]], atol=1e-9)
    # Monday, 6 in the morning: a quarter of a day into the week
    np.testing.assert_allclose(np.arctan2(X[0, 2], X[0, 3]), 2 * np.pi * 0.25 / 7, atol=1e-9)
    assert np.isnan(X[2]).all()


@pytest.mark.parametrize(("hours", "features"), [(24, 2), (24 * 7, 4)])
def test_only_rhythms_that_were_seen_whole_are_learned(hours, features):
    assert (
        len(Preprocessor().fit(Table({"at": times("2026-01-05", np.arange(hours))})).feature_names_out)
        == features
    )


def test_times_within_an_hour_say_nothing():
    table = Table({"at": times("2026-01-05", np.arange(60) / 60), "x": np.sin(np.arange(60))})
    steps = Preprocessor().fit(table)
    assert steps.feature_names_out == ["x"]
    assert "left out 'at': times that do not cover a day" in steps.report()


@pytest.mark.parametrize("scale", [1.0, 1e3, 1e6, 1e9])
def test_epochs_of_each_unit_are_times(scale):
    table = Table({"timestamp": np.array([1.7e9, 1.6e9, 1.8e9]) * scale})
    parts = [f"timestamp:{cycle}_{part}" for cycle in ("hour", "weekday") for part in ("sin", "cos")]
    assert Preprocessor().fit(table).feature_names_out == parts


# -- labels ------------------------------------------------------------------------------------


def test_statistics_come_from_normal_rows_only():
    table, y = Table({"x": [0.0, 2.0, np.nan, 1000.0]}), [0, 0, 0, 1]
    steps = Preprocessor(missing="fill", normalise="minmax").fit(table, y)
    assert steps.transform(table)[0].ravel().tolist() == [0.0, 1.0, 0.5, 500.0]
    assert steps.training_mask_.tolist() == [True, True, True, False]


def test_a_flag_that_only_attacks_raise_is_no_constant():
    table = Table({"flag": [0.0, 0.0, 1.0], "x": [1.0, 2.0, 3.0]})
    assert Preprocessor().fit(table, [0, 0, 1]).feature_names_out == ["flag", "x"]
    assert Preprocessor().fit(table.take(np.array([0, 1]))).feature_names_out == ["x"]


# -- odd tables --------------------------------------------------------------------------------

FITTED = Table({"x": [1.0, 2.0, 3.0], "c": ["a", "b", "a"]})


def test_columns_that_fit_did_not_see_are_ignored_and_counted():
    notes = (
        Preprocessor()
        .fit(FITTED)
        .apply(Table({"x": [1.0], "new": [5.0], "c": ["a"], "y": [0.0]}), known=["y"])[2]
    )
    assert notes == {"cells of 'new' ignored: fitting did not see this column": 1}


def test_the_order_of_columns_makes_no_difference():
    steps = Preprocessor().fit(FITTED)
    np.testing.assert_array_equal(
        steps.transform(Table({"c": ["a"], "x": [2.0]}))[0],
        steps.transform(Table({"x": [2.0], "c": ["a"]}))[0],
    )


def test_missing_columns_are_all_named_or_allowed():
    steps = Preprocessor().fit(Table({"x": [1.0, 2.0], "z": [1.0, 3.0], "c": ["a", "b"]}))
    with pytest.raises(TableError, match="without the columns 'z', 'c', which the model was fitted on"):
        steps.transform(Table({"x": [1.0]}))
    X, _, notes = steps.apply(Table({"x": [1.0]}), allow_missing=True)
    np.testing.assert_array_equal(X, [[1.0, np.nan, np.nan, np.nan]])
    assert len(notes) == 2
    with pytest.raises(TableError, match="without the columns"):
        steps.apply(Table({"other": [1.0]}), allow_missing=True)


def test_text_where_numbers_were_is_missing_and_counted_until_it_is_all():
    steps = Preprocessor().fit(FITTED)
    X, _, notes = steps.apply(Table({"x": ["1", "hot", "3"], "c": ["a", "a", "a"]}))
    np.testing.assert_array_equal(X[:, 0], [1.0, np.nan, 3.0])
    assert notes == {"cells of 'x' could not be read and count as missing": 1}
    hot = Table({"x": ["hot", ""], "c": ["a", "a"]})
    with pytest.raises(TableError, match="column 'x' with not one cell that is a number"):
        steps.transform(hot)
    assert np.isnan(steps.apply(hot, strict=False).X[:, 0]).all()


def test_an_empty_column_is_only_missing():
    X, _ = Preprocessor().fit(FITTED).transform(Table({"x": ["", ""], "c": ["a", "b"]}))
    assert np.isnan(X[:, 0]).all()


def test_codes_of_a_category_may_come_as_numbers():
    steps = Preprocessor().fit(Table({"c": ["1", "2", "x", "y"]}))
    np.testing.assert_array_equal(steps.transform(Table({"c": [2.0]}))[0], [[0.0, 1.0, 0.0, 0.0]])


@pytest.mark.parametrize(
    ("table", "y", "message"),
    [
        (Table({"x": []}), None, "without rows"),
        (Table({"x": [np.nan, np.nan]}), None, "no number in it"),
        (Table({"x": [5.0, 5.0]}), None, "constant"),
        (Table({}), None, "without rows"),
        (Table({"x": [1.0, 2.0]}), [1, 1], "no row that is labelled normal"),
        (Table({"x": [1.0, 2.0]}), [1], "labels of shape"),
    ],
)
def test_tables_with_nothing_to_learn_say_why(table, y, message):
    with pytest.raises(TableError, match=message):
        Preprocessor().fit(table, y)


def test_dropping_every_row_is_an_error():
    with pytest.raises(TableError, match="instead of 'drop'"):
        Preprocessor(missing="drop").fit(Table({"a": [1.0, np.nan], "b": [np.nan, 1.0]}))


def test_a_failed_fit_changes_nothing():
    steps = Preprocessor().fit(FITTED)
    before = steps.transform(FITTED)[0]
    with pytest.raises(TableError):
        steps.fit(Table({"x": [5.0, 5.0]}))
    np.testing.assert_array_equal(steps.transform(FITTED)[0], before)


def test_nothing_works_before_fit():
    with pytest.raises(TableError, match="call fit first"):
        Preprocessor().transform(FITTED)


@pytest.mark.parametrize(
    "setting",
    [
        {"missing": "x"},
        {"fill": "x"},
        {"tails": "x"},
        {"normalise": "x"},
        {"outliers": "x"},
        {"select": ["x"]},
    ],
)
def test_wrong_settings_name_the_right_ones(setting):
    with pytest.raises(ValueError, match="expected one of"):
        Preprocessor(**setting)


def test_too_few_categories():
    with pytest.raises(ValueError, match="at least 2"):
        Preprocessor(max_categories=1)


# -- state -------------------------------------------------------------------------------------


def mixed(rng, n=300):
    return Table(
        {
            "x": np.where(rng.random(n) < 0.1, np.nan, rng.normal(size=n)),
            "bytes": np.exp(rng.normal(scale=3, size=n)),
            "c": rng.choice(["a", "b", "c", ""], n),
            "at": times("2026-01-01", np.sort(rng.random(n)) * 400),
        }
    )


@pytest.mark.parametrize(
    "steps", [Preprocessor(), Preprocessor.paper(), Preprocessor(missing="drop", tails="log")]
)
def test_state_comes_back_bit_for_bit(rng, steps):
    table = mixed(rng)
    steps.fit(table)
    back = Preprocessor.from_state(serialization.loads(serialization.dumps("test", steps.to_state()))[1])
    for mine, theirs in zip(steps.transform(table), back.transform(table), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert back.feature_names_out == steps.feature_names_out
    assert back.report() == steps.report()
    assert serialization.dumps("test", back.to_state()) == serialization.dumps("test", steps.to_state())


def test_fitting_twice_gives_the_same(rng):
    table = mixed(rng)
    first, second = (serialization.dumps("t", Preprocessor.paper().fit(table).to_state()) for _ in range(2))
    assert first == second


def test_a_saved_pipeline_needs_no_scikit_learn(rng, tmp_path):
    table = mixed(rng)
    serialization.write(tmp_path / "steps", "test", Preprocessor.paper().fit(table).to_state())
    code = (
        "import json, sys, numpy as np; from iotae import serialization; from iotae.data import Table\n"
        "from iotae.preprocessing import Preprocessor\n"
        f"steps = Preprocessor.from_state(serialization.read({str(tmp_path / 'steps')!r})[1])\n"
        "X, _ = steps.transform(Table({'x': ['0.5'], 'bytes': ['3'], 'c': ['b'], 'at': ['2026-01-01']}))\n"
        "print(json.dumps([bool(np.isfinite(X).all()), sorted({'sklearn', 'scipy'} & {*sys.modules})]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [True, []]


def test_features_point_back_to_their_columns(rng):
    steps = Preprocessor().fit(mixed(rng))
    assert steps.feature_sources == ["x", "bytes", "c", "c", "c", "c", "at", "at", "at", "at"]
    assert steps.feature_names_in == ["x", "bytes", "c", "at"]
