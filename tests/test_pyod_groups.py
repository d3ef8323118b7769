"""Tables of many devices: a model for each group of rows, scores that compare, and what may go wrong."""

import copy
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from sklearn.base import clone

from iotae.batch.autoencoder import BatchAutoencoder
from iotae.batch.group_rows import GroupedRows
from iotae.batch.group_scale import heights, points_of
from iotae.batch.grouped import GroupedAutoencoder
from iotae.cli import main
from iotae.evaluation import average_precision
from iotae.serialization import StateError
from pyod_iotae import IoTAE

FRAMES = {"pandas": pd.DataFrame, "polars": pl.DataFrame, "pyarrow": pa.table}
N = 300


def fleet(devices=("fan", "pump", "valve"), n=N, seed=0):
    """Devices of three sensors, each with a level and a spread of its own; two rows in a hundred are odd."""
    rng = np.random.default_rng(seed)
    X, y, keys = [], [], []
    for k, device in enumerate(devices):
        load = rng.normal(size=(n, 1))
        rows = load @ [[1.0, -1.0, 0.5]] + 0.2 * rng.normal(size=(n, 3))
        odd = rng.random(n) < 0.02
        rows[odd] += rng.choice([-3.0, 3.0], (int(odd.sum()), 3))
        X.append((rows + 5.0 * rng.normal(size=3)) * 10.0 ** (k - 1))
        y.append(odd)
        keys += [device] * n
    # devices report in turns, as they do in files
    order = rng.permutation(len(keys))
    return np.vstack(X)[order], np.concatenate(y)[order], np.array(keys, dtype=object)[order]


def frame_of(X, keys, make=pd.DataFrame):
    return make({"a": X[:, 0], "device": keys.tolist(), "b": X[:, 1], "c": X[:, 2]})


@pytest.fixture(scope="module")
def table():
    X, y, keys = fleet()
    return frame_of(X, keys), y, keys


@pytest.fixture(scope="module")
def fitted(table):
    return IoTAE(groups="device", random_state=0).fit(table[0])


# -- the models of groups, beside models fitted by hand --------------------------------------------


def test_each_group_has_the_model_that_its_rows_alone_give(table, fitted):
    X, _, keys = table
    for device in ("fan", "pump", "valve"):
        own = X[keys == device][["a", "b", "c"]].to_numpy()
        alone = BatchAutoencoder(seed=0).fit(own)
        points = points_of(alone.fitted_scores, 0.1)
        expected = heights(alone.fitted_scores, points, 1.0)
        assert (fitted.decision_scores_[keys == device] == expected).all()
        assert (fitted.expected(X)[keys == device].to_numpy() == alone.expected(own)).all()


def test_a_device_gone_mad_changes_no_other_devices_score(table, fitted):
    X, _, keys = table
    mad = X.copy()
    mad.loc[keys == "pump", ["a", "b", "c"]] *= np.random.default_rng(0).normal(size=(N, 3)) * 1e6
    scores = IoTAE(groups="device", random_state=0).fit(mad).decision_scores_
    assert (scores[keys != "pump"] == fitted.decision_scores_[keys != "pump"]).all()


def test_odd_rows_are_found_that_one_model_misses(table, fitted):
    X, y, _ = table
    one = IoTAE(random_state=0).fit(X[["a", "b", "c"]]).decision_scores_
    coded = IoTAE(random_state=0).fit(X).decision_scores_
    best = average_precision(y, fitted.decision_scores_)
    assert best > 0.8 > 1.8 * max(average_precision(y, one), average_precision(y, coded))


@pytest.mark.parametrize("contamination", [0.02, 0.1, 0.3])
def test_the_threshold_keeps_the_rate_in_each_group(table, contamination):
    X, _, keys = table
    labels = IoTAE(contamination, groups="device", random_state=0).fit(X).labels_
    rates = [labels[keys == device].mean() for device in np.unique(keys)]
    assert np.abs(np.array(rates) - contamination).max() <= 1.5 / N


def test_scores_do_not_depend_on_which_rows_come_together(table, fitted):
    X = table[0]
    together = fitted.decision_function(X)
    assert (together == fitted.decision_scores_).all()
    for place in (0, 1, 7):
        assert fitted.decision_function(X.iloc[[place]])[0] == together[place]


def test_the_scale_rises_and_meets_its_points():
    scores = np.sort(np.random.default_rng(0).gamma(2.0, size=500))
    for share in (0.001, 0.02, 0.1, 0.4):
        points = points_of(scores, share)
        made = heights(np.r_[0.0, scores, 1e6], points, 1.7 if share < 0.1 else 1.0)
        assert made[0] == 0.0
        assert (np.diff(made) > 0).all()
    assert np.isfinite(heights(np.array([0.0, 0.0, 9.0]), points_of(np.zeros(200), 0.01), 1.0)).all()


# -- PyOD's and scikit-learn's contract --------------------------------------------------------------


def test_without_groups_nothing_changes(table):
    X = table[0][["a", "b", "c"]]
    scores = IoTAE(random_state=0).fit(X).decision_scores_
    assert (scores == BatchAutoencoder(seed=0).fit(X.to_numpy()).fitted_scores).all()
    assert IoTAE().get_params()["groups"] is None


def test_a_clone_has_the_column_and_gives_the_same_scores(table, fitted):
    twin = clone(fitted)
    assert twin.get_params()["groups"] == "device"
    assert (twin.fit(table[0]).decision_scores_ == fitted.decision_scores_).all()
    assert list(fitted.feature_names_in_) == ["a", "b", "c"]
    assert fitted.n_features_in_ == 3


@pytest.mark.parametrize("library", FRAMES)
def test_results_come_in_the_tables_library_without_the_column(table, fitted, library):
    X, _, keys = table
    frame = frame_of(X[["a", "b", "c"]].to_numpy(), keys, FRAMES[library])
    shares = fitted.explain(frame)
    assert type(shares) is type(frame)
    names = shares.column_names if library == "pyarrow" else list(shares.columns)
    assert names == ["a", "b", "c"]
    total = np.column_stack([np.asarray(shares[name]) for name in names]).sum(axis=1)
    np.testing.assert_allclose(total, fitted.decision_scores_, rtol=1e-9)
    assert (fitted.decision_function(frame) == fitted.decision_scores_).all()


def test_labels_probabilities_and_reasons(table, fitted):
    X, y, _ = table
    assert (fitted.predict(X) == fitted.labels_).all()
    assert fitted.predict_proba(X).shape == (len(X), 2)
    assert fitted.predict_confidence(X).shape == (len(X),)
    odd = X[y].iloc[:2]
    assert all(reasons and reasons[0][0] in "abc" for reasons in fitted.reasons(odd))


def test_text_columns_are_encoded_and_the_group_is_none_of_them(table):
    X, _, keys = table
    mode = np.random.default_rng(1).choice(["eco", "max"], len(X))
    clf = IoTAE(groups="device", random_state=0).fit(X.assign(mode=mode))
    assert clf.encoder_.feature_names_in == ["a", "b", "c", "mode"]
    assert list(clf.explain(X.assign(mode=mode)).columns) == ["a", "b", "c", "mode"]
    assert set(clf.model.models) == set(keys)


def test_rows_held_out_calibrate_and_weights_of_zero_teach_nothing(table):
    X, _, keys = table
    held = IoTAE(groups="device", threshold="conformal", alpha=0.05, random_state=0).fit(X)
    assert 0.02 < held.predict(X).mean() < 0.12
    weights = np.where(keys == "pump", 0.0, 1.0)
    with pytest.warns(UserWarning, match=r"Got 1 group \('pump'\) with fewer than 100 rows"):
        some = IoTAE(groups="device", random_state=0).fit(X, sample_weight=weights)
    assert set(some.model.models) == {"fan", "valve"}


def test_a_saved_detector_scores_and_goes_on_alike(table, fitted, tmp_path):
    X = table[0]
    fitted.save(tmp_path / "fleet.iotae")
    again = IoTAE.load(tmp_path / "fleet.iotae")
    assert again.get_params() == fitted.get_params()
    assert (again.decision_function(X) == fitted.decision_scores_).all()
    one, other = copy.deepcopy(fitted).partial_fit(X.iloc[:400]), again.partial_fit(X.iloc[:400])
    assert (one.decision_scores_ == other.decision_scores_).all()
    assert (one.decision_scores_ != fitted.decision_scores_[:400]).any()


def test_the_card_of_a_saved_detector_tells_of_its_groups(fitted, tmp_path, capsys):
    fitted.save(tmp_path / "fleet.iotae")
    assert main(["info", str(tmp_path / "fleet.iotae")]) == 0
    assert "by device: 3 models of one group each, 0 smaller groups" in capsys.readouterr().out


def _forged(state, **changed):
    state = copy.deepcopy(state)
    for name, value in changed.items():
        target = state if name in ("params", "feature_names") else state["model"]
        target[name] = value(target[name])
    return state


@pytest.mark.parametrize(
    "change",
    [
        {"groups": lambda names: names[:-1]},
        {"groups": lambda names: [names[0]] * len(names)},
        {"models": lambda models: models[:-1]},
        {"points": lambda points: points[:, ::-1] * np.array([[1.0, 0.5]])},
        {"points": lambda points: points * np.nan},
        {"small": lambda _: ["pump"]},
        {"level": lambda _: 0.5},
        {"params": lambda params: params | {"groups": None}},
        {"params": lambda params: params | {"groups": "a"}},
        {"feature_names": lambda names: [names[0]] * len(names)},
        {"pooled": lambda pooled: {k: v for k, v in pooled.items() if k != "network"}},
    ],
)
def test_a_state_that_cannot_be_is_refused(fitted, change):
    with pytest.raises(StateError):
        IoTAE.from_state(_forged(fitted.to_state(), **change))


# -- groups that are small, new or badly named --------------------------------------------------------


def test_small_and_unseen_groups_are_scored_by_the_model_of_all_rows_and_named_once(table):
    X, _, keys = table
    few = X[(keys != "valve") | (np.cumsum(keys == "valve") <= 40)]
    with pytest.warns(UserWarning, match=r"1 group \('valve'\) with fewer than 100 rows"):
        clf = IoTAE(groups="device", random_state=0).fit(few)
    pooled = BatchAutoencoder(seed=0).fit(few[["a", "b", "c"]].to_numpy())
    new = X.iloc[:50].assign(device="new")
    with pytest.warns(UserWarning, match=r"1 group \('new'\) that fit did not see") as told:
        scores = clf.decision_function(new)
    assert told[0].filename == __file__
    expected = pooled.score(new[["a", "b", "c"]].to_numpy())
    np.testing.assert_array_equal(np.argsort(scores), np.argsort(expected))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert (clf.decision_function(new) == scores).all()
        assert (clf.decision_function(new.assign(device="valve")) == scores).all()


def test_no_group_large_enough_is_one_model_with_a_warning(table):
    X = table[0].iloc[:200].assign(device=np.arange(200))
    with pytest.warns(UserWarning, match="200 groups .* and 195 more"):
        clf = IoTAE(groups="device", random_state=0).fit(X)
    assert clf.labels_.sum() == 20


def test_more_rows_give_a_new_group_a_model_of_its_own(table):
    X, _, keys = table
    clf = IoTAE(groups="device", random_state=0).fit(X[keys != "valve"])
    clf.partial_fit(X[keys == "valve"])
    assert list(clf.model.models) == ["fan", "pump", "valve"]
    assert abs(clf.labels_.mean() - 0.1) < 0.01


def test_numbers_name_groups_whatever_their_type_and_missing_names_are_one_group(table):
    X, _, keys = table
    number = {"fan": 1.0, "pump": 2.0, "valve": np.nan}
    floats = X.assign(device=[number[key] for key in keys])
    clf = IoTAE(groups="device", random_state=0).fit(floats)
    assert list(clf.model.models) == ["", "1", "2"]
    texts = X.assign(device=[{"fan": "1", "pump": "2", "valve": None}[key] for key in keys])
    assert (clf.decision_function(texts) == clf.decision_scores_).all()


def test_a_constant_device_and_a_silent_sensor_have_finite_scores(table):
    X, _, keys = table
    odd = X.copy()
    odd.loc[keys == "fan", ["a", "b", "c"]] = 5.0
    odd.loc[keys == "pump", "a"] = np.nan
    clf = IoTAE(groups="device", random_state=0).fit(odd)
    assert np.isfinite(clf.decision_scores_).all()
    moved = odd[keys == "fan"].iloc[:3].assign(a=[5.0, 6.0, -1e9])
    usual, other, far = clf.decision_function(moved)
    assert usual < other <= far < np.inf


def test_bad_input_is_refused_and_leaves_a_fitted_detector_as_it_was(table, fitted):
    X = table[0]
    clf, before = copy.deepcopy(fitted), fitted.decision_function(X)
    numbers = X[["a", "b", "c"]]
    for bad, message in (
        (numbers, "Got groups='device', but expected one of the columns of the table: a, b, c"),
        (numbers.to_numpy(), "a ndarray, but expected a data frame with this column"),
        (pl.DataFrame(X).lazy(), "Got a lazy frame"),
        (X.assign(device=[[1]] * len(X)), "for groups, but expected text"),
        (X.assign(device="x" * 1001), "name of 1,001 letters"),
    ):
        for call in (clf.fit, clf.partial_fit, clf.decision_function, clf.explain):
            with pytest.raises(ValueError, match=message):
                call(bad)
    with pytest.raises(ValueError, match="Got groups=3, but expected the name of a column"):
        IoTAE(groups=3).fit(X)
    assert (clf.decision_function(X) == before).all()


def test_rows_and_names_of_unlike_number_are_refused():
    with pytest.raises(ValueError, match="Got 3 rows and the groups of 2"):
        GroupedRows(np.zeros((3, 1)), np.array(["a", "b"], dtype=object))
    with pytest.raises(ValueError, match="share"):
        GroupedAutoencoder(BatchAutoencoder(), share=1.0)
