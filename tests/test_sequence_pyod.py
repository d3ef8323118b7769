"""The PyOD detector of series: PyOD's conventions for time series, frames, and its file."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from pyod.models.base import BaseDetector
from pyod.models.ts_od import TimeSeriesOD
from sklearn.base import clone

from iotae import serialization
from pyod_iotae import SequenceIoTAE


def series(n, seed=0):
    rng = np.random.default_rng(seed)
    return np.sin(np.arange(n)[:, None] / 10 + [0, 1]) + 0.1 * rng.normal(size=(n, 2))


@pytest.fixture(scope="module")
def clf():
    X = series(600)
    X[300:330, 1] = X[300, 1]
    return SequenceIoTAE(contamination=0.05, window_size=16, random_state=0).fit(X)


def test_it_is_a_detector_like_pyods_own_for_series(clf):
    X = series(200, seed=1)
    assert isinstance(clf, BaseDetector)
    theirs = TimeSeriesOD(window_size=16).fit(X)
    for name in ("decision_function", "predict"):
        assert getattr(clf, name)(X).shape == getattr(theirs, name)(X).shape == (200,)
    assert clf.decision_scores_.shape == clf.labels_.shape == (600,)
    assert clf.labels_.sum() == 30
    assert clf.labels_[300:330].mean() > 0.6
    assert ((clf.decision_scores_ > clf.threshold_) == clf.labels_).all()
    for method in ("linear", "unify"):
        assert clf.predict_proba(X, method=method).shape == (200, 2)
    assert ((clf.predict_confidence(X) >= 0) & (clf.predict_confidence(X) <= 1)).all()
    assert clf.predict_with_rejection(X, c_r=0.1).shape == (200,)
    np.testing.assert_allclose(clf.explain(X).sum(axis=1), clf.decision_function(X))
    assert clf.explain_row(X, 50).shape == (31, 2)


def test_a_clone_fits_the_same_and_one_channel_may_be_a_vector(clf):
    X = series(300)
    one, two = (clone(clf).fit(X).decision_scores_ for _ in range(2))
    np.testing.assert_array_equal(one, two)
    vector = SequenceIoTAE(window_size=8, random_state=1).fit(X[:, 0])
    column = SequenceIoTAE(window_size=8, random_state=1).fit(X[:, :1])
    np.testing.assert_array_equal(vector.decision_scores_, column.decision_scores_)
    assert vector.n_features_in_ == 1


@pytest.mark.parametrize("library", [pd.DataFrame, pl.DataFrame])
def test_columns_of_times_and_devices_are_taken_out(library):
    X = series(600)
    columns = {
        "at": pd.date_range("2026-01-01", periods=300, freq="min").tolist() * 2,
        "device": ["a"] * 300 + ["b"] * 300,
        "u": X[:, 0],
        "v": X[:, 1],
    }
    clf = SequenceIoTAE(window_size=16, time="at", group="device", random_state=0).fit(library(columns))
    shares = clf.explain(library(columns))
    assert isinstance(shares, library)
    assert list(shares.columns) == ["u", "v"]
    order = np.random.default_rng(0).permutation(600)
    mixed = library({name: np.asarray(values)[order].tolist() for name, values in columns.items()})
    np.testing.assert_array_equal(clf.decision_function(mixed), clf.decision_scores_[order])
    with pytest.raises(ValueError, match="expected a data frame with the columns"):
        clf.decision_function(X)
    with pytest.raises(ValueError, match=r"expected \['device'\] among them"):
        clf.decision_function(library({name: columns[name] for name in ("at", "u", "v")}))


def test_a_file_gives_the_same_detector(clf, tmp_path):
    clf.save(tmp_path / "m.iotae")
    back = SequenceIoTAE.load(tmp_path / "m.iotae")
    X = series(100, seed=2)
    np.testing.assert_array_equal(back.predict_proba(X), clf.predict_proba(X))
    np.testing.assert_array_equal(back.labels_, clf.labels_)
    assert back.get_params() == clf.get_params()
    state = clf.to_state()
    state["params"]["window_size"] = 20
    with pytest.raises(serialization.StateError, match="what the model's settings say"):
        SequenceIoTAE.from_state(state)
    with pytest.raises(serialization.StateError, match="training rows"):
        SequenceIoTAE.from_state({**clf.to_state(), "labels": np.zeros(3, np.int64)})


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.zeros((4, 4, 4)), "expected .n_timestamps"),
        (np.full((100, 2), np.inf), "Got infinity"),
        (series(10), "expected at least 64"),
    ],
)
def test_a_series_that_cannot_be_used_is_refused(X, message):
    with pytest.raises(ValueError, match=message):
        SequenceIoTAE().fit(X)


def test_a_wrong_setting_is_refused_and_a_random_state_may_be_a_generator():
    with pytest.raises(ValueError, match="contamination"):
        SequenceIoTAE().set_params(contamination=0.9).fit(series(100))
    with pytest.raises(ValueError, match="Got window=2"):
        SequenceIoTAE(window_size=2).fit(series(100))
    drawn = SequenceIoTAE(window_size=8, random_state=np.random.default_rng(0)).fit(series(100))
    assert np.isfinite(drawn.decision_scores_).all()
