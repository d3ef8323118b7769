"""What the displays of promises, drift, searches and comparisons draw, and how they ask models."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure

from iotae.evaluation import compare, prequential, realised_rates
from iotae.plots import (
    CalibrationDisplay,
    ConfusionDisplay,
    CriticalDifferenceDisplay,
    DriftDisplay,
    ExplanationDisplay,
    MetricsDisplay,
    PValueDisplay,
    RankingDisplay,
    ScoreDisplay,
    TuningDisplay,
)
from iotae.plots.estimators import judge
from tests.test_plots import FIGURES, GRID, legend, texts


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    y = np.arange(300) % 20 == 0
    return rng.normal(size=(300, 3)) + 6 * y[:, None], y.astype(int)


@pytest.fixture(scope="module")
def pyod_model(table):
    from pyod.models.ecod import ECOD

    return ECOD(contamination=0.1).fit(table[0])


def a_filter():
    from river import anomaly

    from river_iotae import ConformalFilter

    return ConformalFilter(anomaly.HalfSpaceTrees(seed=0, window_size=50, n_trees=5), alpha=0.1)


def rows_of(table):
    X = (table[0] - table[0].min()) / np.ptp(table[0])
    return [dict(zip("abc", row, strict=True)) for row in X.tolist()]


# -- asking models -----------------------------------------------------------------------------


def test_displays_ask_a_pyod_model_for_scores_cut_and_alarms(pyod_model, table):
    X, y = table
    alarm = pyod_model.predict(X)
    assert ConfusionDisplay.from_estimator(pyod_model, X, y).confusion == (
        ConfusionDisplay.from_predictions(y, alarm).confusion
    )
    assert MetricsDisplay.from_estimator(pyod_model, X, y, reference=None).measured.n == 300
    score = ScoreDisplay.from_estimator(pyod_model, X, y)
    np.testing.assert_array_equal(score.scores, pyod_model.decision_function(X))
    assert (score.threshold == pyod_model.threshold_).all()
    assert list(RankingDisplay.from_estimator(pyod_model, X, y).roc) == ["ECOD"]


def test_displays_run_a_stream_model_along_the_rows(table):
    rows, y = rows_of(table), table[1]
    run = prequential(a_filter(), zip(rows, y, strict=True))
    assert ConfusionDisplay.from_estimator(a_filter(), rows, y).confusion == run.evaluation.confusion
    score = ScoreDisplay.from_estimator(a_filter(), rows, y)
    np.testing.assert_array_equal(score.scores, run.scores)
    assert np.isinf(score.threshold[0])
    assert np.isfinite(score.threshold[-1])
    ours = PValueDisplay.from_estimator(a_filter(), rows, y)
    assert ours.p_values[0] == 1.0
    assert (ours.p_values[run.predicted] <= 0.1).all()
    found = CalibrationDisplay.from_estimator(a_filter(), rows, y, alphas=[0.1, 0.2]).rates
    assert found["ConformalFilter"].n_normal == 285


def test_p_values_of_a_table_model_are_asked_for_by_predict_pvalue(pyod_model, table):
    class WithPValues:
        threshold_ = 1.0

        def decision_function(self, X):
            return np.zeros(len(X))

        def predict_pvalue(self, X):
            return np.linspace(0, 1, len(X))

    class WithoutTheirThreshold(WithPValues):
        def predict_pvalue(self, X):
            raise ValueError("no p-values with this threshold")

    assert ConfusionDisplay.from_estimator(WithoutTheirThreshold(), *table).confusion.n == 300
    assert PValueDisplay.from_estimator(WithPValues(), *table).p_values[-1] == 1.0
    with pytest.raises(TypeError, match="Got a ECOD without p_value or predict_pvalue"):
        PValueDisplay.from_estimator(pyod_model, *table)


def test_models_that_cannot_be_asked_are_refused(table):
    from river import anomaly
    from sklearn.ensemble import IsolationForest

    # its decision_function is low for anomalies: taking it would turn every figure upside down
    with pytest.raises(TypeError, match="Got a IsolationForest, but expected a fitted PyOD model"):
        RankingDisplay.from_estimator(IsolationForest(n_estimators=2).fit(table[0]), *table)
    with pytest.raises(TypeError, match="Got a HalfSpaceTrees without classify"):
        ConfusionDisplay.from_estimator(anomaly.HalfSpaceTrees(), rows_of(table), table[1])
    with pytest.raises(ValueError, match="Got no rows"):
        judge(anomaly.HalfSpaceTrees(), [])


# -- promises ----------------------------------------------------------------------------------


def test_p_values_are_drawn_as_densities():
    display = PValueDisplay.from_predictions(
        [0, 0, 0, 0, 1, 1], [0.1, 0.3, 0.6, 0.9, 0.05, 0.1], bins=4
    ).plot()
    assert legend(display.ax_) == ["normal (4)", "anomaly (2)"]
    assert [list(patch.get_data().values) for patch in display.ax_.patches] == [[1, 1, 1, 1], [4, 0, 0, 0]]
    assert texts(display.ax_) == ["uniform"]
    assert legend(PValueDisplay([0, 0], [0.1, 0.2]).plot().ax_) == ["normal (2)"]
    with pytest.raises(ValueError, match="Got bins=1"):
        PValueDisplay([0, 1], [0.1, 0.2], bins=1)
    with pytest.raises(ValueError, match=r"Got p_values\[0\]=3.0"):
        PValueDisplay([0, 1], [3.0, 0.2])


def test_calibration_draws_rates_with_their_intervals_on_logarithmic_axes():
    p = np.arange(1, 1001) / 1000
    display = CalibrationDisplay.from_predictions(np.zeros(1000), p, alphas=[0.01, 0.1], name="flat").plot()
    line = next(
        drawn for drawn in display.ax_.lines if len(drawn.get_xdata()) == 2 and drawn.get_marker() == "o"
    )
    np.testing.assert_allclose(line.get_ydata(), [0.01, 0.1])
    assert (display.ax_.get_xscale(), display.ax_.get_yscale()) == ("log", "log")
    assert legend(display.ax_) == ["as asked for", "flat (1,000 normal rows)"]


def test_a_rate_of_zero_is_an_open_mark_at_the_foot():
    display = CalibrationDisplay({"shy": realised_rates(np.zeros(50), np.full(50, 0.5), [0.01, 0.1])}).plot()
    mark = display.ax_.lines[-1]
    assert mark.get_markerfacecolor() == "white"
    assert (mark.get_ydata() > display.ax_.get_ylim()[0]).all()
    with pytest.raises(ValueError, match="Got no rates"):
        CalibrationDisplay({})


# -- explanation -------------------------------------------------------------------------------


def test_explanation_shows_the_largest_and_adds_up_the_rest():
    display = ExplanationDisplay(
        {"a": 1.0, "b": 6.0, "c": 2.0, "d": 1.0}, values={"b": 3.14159}, top=2
    ).plot()
    assert [t.get_text() for t in display.ax_.get_yticklabels()] == ["b = 3.142", "c", "2 more"]
    assert [bar.get_width() for bar in display.ax_.patches] == [6.0, 2.0, 2.0]
    assert texts(display.ax_) == ["60%", "20%", "20%"]
    assert display.ax_.get_xlabel() == "share of the score 10"
    assert texts(ExplanationDisplay({"a": 0.0}).plot().ax_) == [""]


def test_explanation_asks_models_of_both_hosts(table):
    import pandas as pd

    from pyod_iotae import IoTAE
    from river_iotae import IoTAE as StreamIoTAE

    frame = pd.DataFrame(table[0], columns=["a", "b", "c"])
    model = IoTAE(epoch_num=2, random_state=0).fit(frame)
    display = ExplanationDisplay.from_estimator(model, frame.iloc[[0]])
    assert set(display.contributions) == set(display.values) == {"a", "b", "c"}
    assert sum(display.contributions.values()) == pytest.approx(model.decision_function(frame.iloc[[0]])[0])
    bare = IoTAE(epoch_num=2, random_state=0).fit(table[0])
    assert set(ExplanationDisplay.from_estimator(bare, table[0][0]).contributions) == {"x0", "x1", "x2"}
    stream = StreamIoTAE(seed=0)
    for x in rows_of(table):
        stream.learn_one(x)
    assert ExplanationDisplay.from_estimator(stream, x).contributions == stream.explain_one(x)


def test_explanation_says_what_is_wrong(pyod_model, table):
    for shares in ({}, {"a": -1.0}, {"a": np.nan}):
        with pytest.raises(ValueError, match="Got contributions"):
            ExplanationDisplay(shares)
    with pytest.raises(ValueError, match="Got top=0"):
        ExplanationDisplay({"a": 1.0}, top=0)
    with pytest.raises(TypeError, match="expected a model with explain_one or explain"):
        ExplanationDisplay.from_estimator(object(), {})

    class Explains:
        def explain(self, X):
            return X

    with pytest.raises(ValueError, match="Got 300 rows, but expected the one to explain"):
        ExplanationDisplay.from_estimator(Explains(), table[0])


# -- drift -------------------------------------------------------------------------------------


def test_drift_shades_each_span_and_shows_the_share_of_refused_rows():
    drift = np.zeros(400, dtype=int)
    drift[100:150] = drift[390:] = 1
    refused = np.arange(400) >= 380
    display = DriftDisplay(np.arange(400.0), drift, refused=refused).plot()
    assert [patch.get_x() for patch in display.ax_[0].patches] == [100, 390]
    assert [patch.get_width() for patch in display.ax_[1].patches] == [50, 9]
    assert display.ax_[1].lines[0].get_ydata()[[0, -1]].tolist() == [0.0, 1.0]
    assert legend(display.ax_[0]) == ["middle 80 %", "median score", "drift detected"]
    np.testing.assert_allclose(display.ax_[0].lines[0].get_ydata()[:2], [9.5, 29.5])
    assert len(DriftDisplay([0.1, 0.2], [0, 0]).plot().ax_) == 1


def test_drift_of_a_stream_model_that_meets_a_new_world():
    from iotae import OnlineAutoencoder

    rng = np.random.default_rng(0)
    rows = [{"a": a, "b": a + b} for a, b in rng.normal(size=(1200, 2))]
    rows += [{"a": 60 + a, "b": -80 + b} for a, b in rng.normal(size=(600, 2))]
    model = OnlineAutoencoder(seed=0)
    display = DriftDisplay.from_estimator(model, rows)
    assert display.refused.sum() == model.n_refused
    assert not display.drift[:1200].any()
    assert display.drift[1200:].any()


def test_drift_says_what_is_wrong():
    from river import anomaly

    with pytest.raises(TypeError, match="Got a HalfSpaceTrees without drift_detected"):
        DriftDisplay.from_estimator(anomaly.HalfSpaceTrees(), [])
    with pytest.raises(ValueError, match="Got 3 values in scores and 2 in drift"):
        DriftDisplay([0.1, 0.2, 0.3], [0, 1])
    with pytest.raises(ValueError, match="Got 2 values in scores and 1 in refused"):
        DriftDisplay([0.1, 0.2], [0, 1], refused=[0])
    with pytest.raises(ValueError, match=r"Got axes of shape \(2,\), but expected 1"):
        DriftDisplay([0.1, 0.2], [0, 1]).plot(Figure().subplots(2))


# -- searches ----------------------------------------------------------------------------------


def test_tuning_has_a_panel_for_each_parameter_that_varies():
    display = TuningDisplay(GRID).plot()
    assert list(display.values) == ["hidden_sizes", "learning_rate", "layers"]
    assert display.best["learning_rate"] == 0.1
    assert display.best["layers"] == 2
    assert [t.get_text() for t in display.ax_[0].get_xticklabels()] == ["8", "32-16-8-16-32"]
    median, best = display.ax_[1].lines[:2]
    np.testing.assert_allclose(best.get_ydata(), [0.201, 0.21, 0.3])
    np.testing.assert_allclose(median.get_ydata(), [0.151, 0.16, 0.25])
    assert display.ax_[1].collections[0].get_offsets().shape == (12, 2)


def test_tuning_takes_the_commands_table():
    table = [
        {"rank": i, "layers": n, "alpha": 0.1, "f1_mean": 0.9 - i / 10, "f1_sd": 0.1, "f1_fold_1": i / 7}
        for i, n in ((1, 3), (2, 1))
    ]
    display = TuningDisplay.from_results(table).plot()
    assert display.values == {"layers": [1, 3]}
    assert display.best == table[0]
    assert display.ax_[0].get_ylabel() == "F1, mean over folds"


def test_tuning_takes_columns_errors_and_failed_fits():
    columns = {"k": [3, 1, 2, 1], "mean_score": [0.3, 0.1, np.nan, 0.2]}
    display = TuningDisplay(columns, higher_is_better=False).plot()
    assert display.best == {"k": 1, "mean_score": 0.1}
    assert display.values == {"k": [1, 3]}
    np.testing.assert_allclose(display.ax_[0].lines[1].get_ydata(), [0.1, 0.3])


def test_tuning_takes_a_search_of_scikit_learns(table):
    from sklearn.model_selection import GridSearchCV
    from sklearn.neighbors import KNeighborsClassifier

    search = GridSearchCV(
        KNeighborsClassifier(), {"n_neighbors": [1, 5, 9], "weights": ["uniform", "distance"]}
    )
    display = TuningDisplay.from_estimator(search.fit(*table))
    assert display.best["mean_score"] == search.best_score_
    assert display.values == {"n_neighbors": [1, 5, 9], "weights": ["uniform", "distance"]}
    with pytest.raises(TypeError, match="without cv_results_"):
        TuningDisplay.from_estimator(object())


def test_tuning_says_what_is_wrong():
    with pytest.raises(ValueError, match=r"Got results with \['k'\], but expected a column 'mean_score'"):
        TuningDisplay([{"k": 1}])
    with pytest.raises(ValueError, match="Got results with no rows"):
        TuningDisplay([])
    with pytest.raises(ValueError, match="no number in 'mean_score'"):
        TuningDisplay([{"k": 1, "mean_score": np.nan}])
    with pytest.raises(ValueError, match=r"Got one value alone of each of \['k'\]"):
        TuningDisplay([{"k": 1, "mean_score": 0.5}])
    with pytest.raises(ValueError, match="Got columns of lengths"):
        TuningDisplay({"k": [1], "mean_score": [0.5, 0.6]})
    with pytest.raises(ValueError, match=r"Got axes of shape \(2,\), but expected one for each"):
        TuningDisplay(GRID).plot(Figure().subplots(2))


# -- comparisons -------------------------------------------------------------------------------


def test_critical_difference_names_every_detector_and_joins_those_not_told_apart():
    comparison = compare(FIGURES)
    display = CriticalDifferenceDisplay(comparison).plot()
    said = " ".join(texts(display.ax_))
    for name, rank in zip(comparison.names, comparison.mean_ranks, strict=True):
        assert name in said
        assert f"{rank:.2f}" in said
    thick = [line for line in display.ax_.lines if line.get_linewidth() == 3]
    assert len(thick) == len(comparison.cliques) > 1
    first = comparison.mean_ranks[[comparison.names.index(n) for n in comparison.cliques[0]]]
    low, high = thick[0].get_xdata()
    assert low < first.min() < first.max() < high
    scale = next(line for line in display.ax_.lines if line.get_linewidth() == 1.6).get_xdata()
    assert scale[1] - scale[0] == pytest.approx(comparison.critical_difference)


def test_a_difference_longer_than_the_line_is_still_drawn_whole():
    display = CriticalDifferenceDisplay.from_predictions({"a": [1, 2], "b": [2, 1]}).plot()
    assert display.ax_.get_xlim()[1] > 1 + display.comparison.critical_difference


def test_critical_difference_of_errors():
    display = CriticalDifferenceDisplay.from_predictions({"a": [1, 2], "b": [2, 3]}, higher_is_better=False)
    assert display.comparison.names == ("a", "b")
