"""The prequential run with models of both hosts, with a model for each group, and with a watched target."""

from __future__ import annotations

import numpy as np
import pytest

from iotae.evaluation import SlidingFit, WithTarget, prequential


def a_stream(n=300, seed=0):
    rng = np.random.default_rng(seed)
    for row in range(n):
        odd = row % 50 == 49
        yield {"a": rng.normal() + 8 * odd, "b": rng.normal()}, int(odd)


def test_a_pyod_model_is_scored_as_it_was_fitted_before_the_row():
    from pyod.models.ecod import ECOD

    rows = list(a_stream())
    run = prequential(SlidingFit(ECOD(contamination=0.05), window=120, every=60), rows, warm_up=60)
    X = np.array([[x["a"], x["b"]] for x, _ in rows])
    for row in (60, 119, 180, 299):
        fitted_at = row // 60 * 60
        reference = ECOD(contamination=0.05).fit(X[max(0, fitted_at - 120) : fitted_at])
        assert run.scores[row] == pytest.approx(reference.decision_function(X[row : row + 1])[0])
        assert run.predicted[row] == (run.scores[row] > reference.threshold_)
    assert (run.scores[:60] == 0).all()
    assert not run.predicted[:60].any()
    assert run.models[None].n_fits == 5
    assert run.after_warm_up.roc_auc > 0.8


def test_a_bare_pyod_model_runs_too():
    from pyod.models.hbos import HBOS

    run = prequential(HBOS(), a_stream(220))
    assert isinstance(run.models[None], SlidingFit)
    assert run.models[None].n_fits == 1
    assert (run.scores[200:] != 0).any()


def test_a_sliding_fit_takes_the_first_rows_features_and_refuses_text():
    class Recorder:
        threshold_ = 0.5

        def fit(self, X):
            self.X = X

        def decision_function(self, X):
            self.row = X
            return np.ones(1)

    model = SlidingFit(Recorder(), window=3, every=2)
    model.learn_one({"a": 1, "b": 2})
    model.learn_one({"b": 4, "new": 9})
    np.testing.assert_array_equal(model.model.X, [[1, 2], [np.nan, 4]])
    assert model.score_one({"b": None, "a": 3}) == 1.0
    np.testing.assert_array_equal(model.model.row, [[3, np.nan]])
    assert model.classify(0.6)
    with pytest.raises(ValueError, match=r"Got a row \{'a': 'x'\}"):
        model.score_one({"a": "x"})
    with pytest.raises(ValueError, match="Got window=1"):
        SlidingFit(Recorder(), window=1)


def test_a_detector_of_scikit_learns_whose_scores_point_the_other_way_is_refused():
    from sklearn.ensemble import IsolationForest

    with pytest.raises(TypeError, match="Got a IsolationForest, but expected a PyOD model"):
        prequential(IsolationForest(), a_stream(2))


def test_each_group_has_a_model_of_its_own_that_never_sees_the_group():
    from river import anomaly

    one, two = list(a_stream(80, seed=1)), list(a_stream(120, seed=2))
    mixed, turn = [], np.random.default_rng(0).permutation([0] * 80 + [1] * 120)
    places = [iter(one), iter(two)]
    for which in turn:
        x, y = next(places[which])
        mixed.append(({**x, "device": f"d{which}"}, y))
    template = anomaly.HalfSpaceTrees(n_trees=3, height=3, window_size=20, seed=1)
    run = prequential(template, mixed, group="device", warm_up=30)
    for which, rows in enumerate((one, two)):
        alone = prequential(template.clone(), rows)
        np.testing.assert_array_equal(run.scores[turn == which], alone.scores)
        assert run.by_group[f"d{which}"] == alone.evaluation
    assert run.groups.tolist() == [f"d{which}" for which in turn]
    assert run.warmed_up.sum() == 200 - 2 * 30
    assert run.after_warm_up.n == 140
    assert template.score_one({"a": 0.0, "b": 0.0}) == 0.0
    assert "device" in mixed[0][0]


def test_a_row_without_its_group_is_refused():
    from river import anomaly

    with pytest.raises(
        ValueError, match=r"Got row 1 with \['a'\], but expected the group's feature 'device'"
    ):
        prequential(anomaly.HalfSpaceTrees(), [({"a": 0.1, "device": 1}, 0), ({"a": 0.1}, 0)], group="device")


def test_a_river_detector_may_watch_a_target():
    from river import anomaly

    run = prequential(WithTarget(anomaly.GaussianScorer(grace_period=20), "a"), a_stream())
    assert run.evaluation.roc_auc > 0.9
    with pytest.raises(ValueError, match="expected the target 'c'"):
        prequential(WithTarget(anomaly.GaussianScorer(), "c"), a_stream(2))


def test_a_filter_at_the_end_of_a_pipeline_gives_its_alarms_too():
    from river import anomaly, preprocessing

    detector = anomaly.QuantileFilter(anomaly.HalfSpaceTrees(seed=0, window_size=50), q=0.9)
    run = prequential(preprocessing.MinMaxScaler() | detector, a_stream(200))
    assert 0 < run.predicted.sum() < 100


def test_a_river_filter_gives_its_own_alarms():
    from river import anomaly

    run = prequential(
        anomaly.QuantileFilter(anomaly.HalfSpaceTrees(seed=0, window_size=50), q=0.9), a_stream(200)
    )
    assert run.predicted.dtype == np.bool_
    assert run.evaluation.confusion.n == 200
