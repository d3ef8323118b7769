"""IoTAE inside PyOD and scikit-learn, on every kind of table, with weights and a network of one's own."""

import copy
import pickle

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse
import torch
from hypothesis import given
from hypothesis import strategies as st
from pyod.models.hbos import HBOS
from pyod.models.lof import LOF
from pyod.models.ts_od import TimeSeriesOD
from pyod.utils.ad_engine import ADEngine
from pyod.utils.data import generate_data
from pyod.utils.utility import standardizer
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, RobustScaler

import pyod_iotae
from pyod_iotae import IoTAE
from pyod_iotae.confidence import weighted_cut

COMBO = "PyOD takes its combination functions from the package combo, which it does not require"
FRAMES = {"pandas": pd.DataFrame, "polars": pl.DataFrame, "pyarrow": pa.table}


@pytest.fixture(scope="module")
def data():
    X, X_test, y, y_test = generate_data(
        n_train=600, n_test=300, n_features=6, contamination=0.1, random_state=1
    )
    return X, X_test, y, y_test


def mixed_columns(n=600, seed=0):
    """Load and current that go together, a mode that says which, a switch, a time, and gaps."""
    rng = np.random.default_rng(seed)
    mode = rng.choice(["eco", "max"], n)
    load = rng.normal(size=n) + 5.0 * (mode == "max")
    watts = 50 + 5 * load + 0.1 * rng.normal(size=n)
    return {
        "watts": [None, *watts[1:].tolist()],
        "amps": (2 + 0.2 * load).tolist(),
        "mode": [*mode[:-1].tolist(), None],
        "on": (rng.random(n) < 0.7).tolist(),
        "at": (np.datetime64("2026-01-05", "us") + np.arange(n) * np.timedelta64(1800, "s")).tolist(),
    }


# -- scikit-learn ---------------------------------------------------------------------------------


def test_pipelines_take_frames_weights_and_give_scores(data):
    X, X_test, _, y_test = data
    frame, probe = (pd.DataFrame(table, columns=list("abcdef")) for table in (X, X_test))
    pipeline = make_pipeline(RobustScaler().set_output(transform="pandas"), IoTAE(random_state=0))
    pipeline.fit(frame, iotae__sample_weight=np.ones(len(X)))
    assert roc_auc_score(y_test, pipeline.decision_function(probe)) > 0.95
    assert pipeline[-1].feature_names_in_.tolist() == list("abcdef")
    columns = mixed_columns()
    encoded = make_column_transformer(
        (OneHotEncoder(), ["mode"]), remainder="drop", verbose_feature_names_out=False
    )
    frame = pd.DataFrame(columns)
    assert make_pipeline(encoded, IoTAE(random_state=0)).fit(frame).predict(frame).shape == (600,)


def test_search_and_cross_validation_see_a_detector_like_any_other(data):
    X, y = data[0], data[2]
    folds = StratifiedKFold(3, shuffle=True, random_state=0)
    scores = cross_val_score(IoTAE(random_state=0), X, y, cv=folds, scoring="roc_auc", error_score="raise")
    assert scores.min() > 0.9
    search = GridSearchCV(
        make_pipeline(RobustScaler(), IoTAE(random_state=0)),
        {"iotae__hidden_neuron_list": [None, [4, 2, 4]], "iotae__contamination": [0.05, 0.1]},
        scoring="average_precision",
        cv=folds,
        error_score="raise",
    ).fit(X, y)
    assert search.best_estimator_[-1].decision_scores_.shape == (600,)


def test_a_clone_refitted_and_a_copy_equal_the_original(data):
    X, X_test, _, _ = data
    clf = IoTAE(random_state=3, network=torch.nn.Linear(6, 6)).fit(X)
    expected = clf.decision_function(X_test)
    for other in (clone(clf).fit(X), copy.deepcopy(clf), pickle.loads(pickle.dumps(clf)), clf.fit(X)):
        np.testing.assert_array_equal(other.decision_function(X_test), expected)


# -- PyOD -----------------------------------------------------------------------------------------


def test_feature_bagging_draws_its_features_and_seeds(data):
    pytest.importorskip("combo", reason=COMBO)
    from pyod.models.feature_bagging import FeatureBagging

    X, X_test, _, y_test = data
    bag = FeatureBagging(IoTAE(random_state=0), n_estimators=3, random_state=0).fit(X)
    assert len({member.random_state for member in bag.estimators_}) == 3
    assert roc_auc_score(y_test, bag.decision_function(X_test)) > 0.95
    again = FeatureBagging(IoTAE(random_state=0), n_estimators=3, random_state=0).fit(X)
    np.testing.assert_array_equal(again.decision_scores_, bag.decision_scores_)


@pytest.mark.filterwarnings("ignore:.*does not have a predefined code:UserWarning")
def test_suod_runs_it_beside_others(data, capfd):
    pytest.importorskip("suod", reason="PyOD's SUOD needs the package suod, which is optional there too")
    from pyod.models.suod import SUOD

    X, X_test, _, y_test = data
    together = SUOD([IoTAE(random_state=0), LOF(), HBOS()], n_jobs=1, bps_flag=False).fit(X)
    assert roc_auc_score(y_test, together.decision_function(X_test)) > 0.95
    assert set(together.predict(X_test)) == {0, 1}


def test_a_time_series_is_scored_in_windows():
    rng = np.random.default_rng(0)
    series = np.sin(np.arange(1200) / 8.0) + 0.05 * rng.normal(size=1200)
    series[700:710] = 0.0
    clf = TimeSeriesOD(IoTAE(random_state=0), window_size=20, contamination=0.05).fit(series)
    assert 680 <= int(np.argmax(clf.decision_scores_)) < 730
    assert clf.decision_function(series[:100]).shape == (100,)


def test_scores_combine_with_those_of_other_detectors(data):
    pytest.importorskip("combo", reason=COMBO)
    from pyod.models.combination import aom, average, majority_vote, maximization, median, moa

    X, X_test, _, y_test = data
    members = [IoTAE(random_state=0), IoTAE(random_state=1), LOF(), HBOS()]
    training = np.column_stack([member.fit(X).decision_scores_ for member in members])
    test = np.column_stack([member.decision_function(X_test) for member in members])
    _, scaled = standardizer(training, test)
    joined = [average(scaled), maximization(scaled), median(scaled)]
    joined += [join(scaled, n_buckets=2, random_state=0) for join in (aom, moa)]
    assert min(roc_auc_score(y_test, scores) for scores in joined) > 0.9
    votes = majority_vote(np.column_stack([member.predict(X_test) for member in members]))
    assert set(votes.ravel()) == {0, 1}


@pytest.fixture
def engine():
    made = ADEngine(random_state=0)
    pyod_iotae.register(made)
    return made


def test_an_engine_lists_explains_plans_and_runs_it(engine, data):
    X, X_test, _, y_test = data
    known, ours = engine.explain_detector("AutoEncoder"), engine.explain_detector("IoTAE")
    assert ours.keys() == known.keys()
    assert "IoTAE" in [entry["name"] for entry in engine.list_detectors("tabular")]
    assert engine.compare_detectors(["IoTAE", "ECOD"])[0]["name"] == "IoTAE"
    profile = engine.profile_data(X)
    offered = engine.get_kb_for_routing(profile)["available_detectors"]
    assert "IoTAE" in [entry["name"] for entry in offered]
    plan = engine.make_plan(["IoTAE", "ECOD"], ["it is ours", "to compare"])
    result = engine.run_detection(X, plan, X_test=X_test)
    assert isinstance(result["detector"], IoTAE)
    assert result["detector"].random_state == 0
    assert roc_auc_score(y_test, result["scores_test"]) > 0.95
    assert "IoTAE" in engine.generate_report(result, engine.analyze_results(result, X))
    state = engine.plan(engine.start(X))
    state.plans = [plan, *plan["alternatives"]]
    state = engine.analyze(engine.run(state))
    assert [entry["status"] for entry in state.results] == ["success", "success"]


def test_registering_is_idempotent_reversible_and_changes_no_rule(engine, data):
    before = ADEngine()
    assert "IoTAE" not in before.kb.algorithms
    pyod_iotae.register(engine)
    assert sum(name == "IoTAE" for name in engine.kb.algorithms) == 1
    for plan in (engine, before):
        assert plan.plan_detection(engine.profile_data(data[0]))["detector_name"] == "KNN"
    pyod_iotae.unregister(engine)
    pyod_iotae.unregister(engine)
    assert engine.kb.algorithms == before.kb.algorithms
    with pytest.raises(ValueError, match="Unknown detector"):
        engine.make_plan(["IoTAE"])


def test_registering_without_an_engine_is_for_all_of_them():
    earlier = ADEngine()
    try:
        pyod_iotae.register()
        pyod_iotae.register()
        for engine in (earlier, ADEngine()):
            assert isinstance(engine.build_detector(engine.make_plan(["IoTAE"])), IoTAE)
    finally:
        pyod_iotae.unregister()
    assert "IoTAE" not in ADEngine().kb.algorithms


def test_contamination_may_be_one_of_pythreshs_own(data):
    module = pytest.importorskip("pythresh.thresholds.iqr", reason="needs the optional package pythresh")
    cutter = module.IQR()
    before = dict(vars(cutter))
    clf = IoTAE(contamination=cutter, random_state=0).fit(data[0])
    assert vars(cutter) == before
    assert 0 < clf.labels_.sum() < 120
    np.testing.assert_array_equal(clf.predict(data[0]), clf.labels_)


# -- tables of every kind -------------------------------------------------------------------------


@pytest.mark.parametrize("library", FRAMES)
def test_a_mixed_frame_is_encoded_and_explained_by_its_own_columns(library):
    frame = FRAMES[library](mixed_columns())
    clf = IoTAE(random_state=0).fit(frame)
    assert clf.n_features_in_ == 5
    assert clf.feature_names_in_.tolist() == ["watts", "amps", "mode", "on", "at"]
    assert {"mode=eco", "mode=max", "at:hour_sin"} <= set(clf.encoder_.feature_names_out)
    np.testing.assert_array_equal(clf.decision_function(frame), clf.decision_scores_)
    parts = clf.explain(frame)
    assert type(parts) is type(frame)
    names = parts.column_names if library == "pyarrow" else list(parts.columns)
    assert names == ["watts", "amps", "mode", "on", "at"]
    shares = np.column_stack([np.asarray(parts[name]) for name in names])
    assert (shares >= 0).all()
    np.testing.assert_allclose(shares.sum(axis=1), clf.decision_scores_, rtol=1e-5)
    same = IoTAE(random_state=0).fit(pd.DataFrame(mixed_columns()))
    np.testing.assert_array_equal(same.decision_scores_, clf.decision_scores_)


def test_a_category_that_contradicts_the_numbers_is_odd():
    frame = pd.DataFrame(mixed_columns())
    clf = IoTAE(random_state=0).fit(frame)
    usual = frame[(frame["mode"] == "max") & (frame["watts"] > 70)].iloc[[0]]
    odd, unseen = usual.assign(mode="eco"), usual.assign(mode="turbo")
    assert clf.decision_function(odd)[0] > 2 * clf.decision_function(usual)[0]
    assert clf.decision_function(unseen)[0] > clf.decision_function(usual)[0]
    assert clf.explain(odd).iloc[0].idxmax() in ("mode", "watts", "amps")


def test_a_mixed_frame_is_saved_and_gone_on_with(tmp_path):
    frame = pd.DataFrame(mixed_columns())
    clf = IoTAE(random_state=0).fit(frame, sample_weight=np.r_[np.zeros(100), np.full(500, 2.0)])
    clf.save(tmp_path / "m.iotae")
    back = IoTAE.load(tmp_path / "m.iotae")
    for method in ("decision_function", "predict_proba", "predict_confidence"):
        np.testing.assert_array_equal(getattr(back, method)(frame), getattr(clf, method)(frame))
    np.testing.assert_allclose(back.explain(frame), clf.explain(frame))
    for model in (clf, back):
        model.partial_fit(pd.DataFrame(mixed_columns(200, seed=1)))
    np.testing.assert_array_equal(back.decision_scores_, clf.decision_scores_)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda frame: frame.to_numpy(), "expected a data frame with the columns watts, amps"),
        (lambda frame: frame[["amps", "watts", "mode", "on", "at"]], "in the same order"),
        (lambda frame: frame.drop(columns="mode"), "missing"),
        (lambda frame: frame.assign(amps=np.inf), "infinity in the column 'amps'"),
        (lambda frame: frame.assign(amps=[[1.0]] * len(frame)), r"'amps' of type Object \(list\)"),
        (lambda frame: frame.assign(on=pd.interval_range(0, len(frame))), "column 'on' of type Unknown"),
    ],
    ids=["array", "order", "missing", "infinity", "lists", "intervals"],
)
def test_a_mixed_frame_that_changed_is_refused(change, words):
    frame = pd.DataFrame(mixed_columns())
    clf = IoTAE(random_state=0, epoch_num=1).fit(frame)
    with pytest.raises(ValueError, match=words):
        clf.predict(change(frame))


def test_frames_that_cannot_be_encoded_are_refused():
    frame = pd.DataFrame(mixed_columns())
    with pytest.raises(ValueError, match=r"pass X\.collect"):
        IoTAE().fit(pl.DataFrame(mixed_columns()).lazy())
    with pytest.raises(ValueError, match="without rows"):
        IoTAE().fit(frame[:0])
    with pytest.raises(ValueError, match="no column with anything to learn from"):
        IoTAE().fit(pd.DataFrame({"id": [f"device {number}" for number in range(100)]}))


@pytest.mark.parametrize("library", FRAMES)
def test_numbers_with_gaps_and_flags_need_no_encoding(library):
    columns = {
        "a": [None, 1.5, 2.5, 3.0] * 50,
        "b": [True, None, False, True] * 50,
        "c": [1, 2, None] * 66 + [1, 2],
    }
    frame = FRAMES[library](columns)
    clf = IoTAE(random_state=0).fit(frame)
    plain = np.array([[np.nan if v is None else v for v in column] for column in columns.values()], float).T
    np.testing.assert_array_equal(clf.decision_scores_, IoTAE(random_state=0).fit(plain).decision_scores_)
    assert list(clf.feature_names_in_) == ["a", "b", "c"]


@pytest.mark.parametrize("library", ["polars", "pyarrow"])
def test_a_batch_without_a_single_value_in_a_column_is_one_of_gaps(library):
    frame = FRAMES[library]
    clf = IoTAE(random_state=0, epoch_num=1).fit(frame(mixed_columns()))
    batch = {name: column[1:3] for name, column in mixed_columns().items()}
    for name in batch:
        gaps = {**batch, name: [None, None]}
        assert np.isfinite(clf.decision_function(frame(gaps))).all()
        known = pd.DataFrame(gaps).astype({name: object})
        np.testing.assert_array_equal(clf.decision_function(known), clf.decision_function(frame(gaps)))
    numbers = IoTAE(random_state=0, epoch_num=1).fit(frame({"a": [1.0, 2.0] * 50, "b": [None] * 100}))
    assert numbers.encoder_ is None
    assert np.isfinite(numbers.decision_scores_).all()


@pytest.mark.parametrize(
    "convert",
    [
        lambda frame: frame.astype({"mode": "category"}),
        lambda frame: frame.astype({"mode": "string"}),
        lambda frame: frame.astype({"mode": object, "amps": object}),
        lambda frame: pl.from_pandas(frame).with_columns(pl.col("mode").cast(pl.Enum(["eco", "max"]))),
        lambda frame: pl.from_pandas(frame).with_columns(pl.col("mode").cast(pl.Categorical)),
        lambda frame: pa.Table.from_pandas(frame.astype({"mode": "category"}), preserve_index=False),
    ],
    ids=["category", "string", "object", "Enum", "Categorical", "dictionary"],
)
def test_text_is_text_whatever_a_library_calls_it(convert):
    frame = pd.DataFrame(mixed_columns())
    clf = IoTAE(random_state=0, epoch_num=1).fit(frame)
    np.testing.assert_array_equal(clf.decision_function(convert(frame)), clf.decision_scores_)
    again = clone(clf).fit(convert(frame))
    np.testing.assert_array_equal(again.decision_scores_, clf.decision_scores_)


@pytest.mark.parametrize("kind", [scipy.sparse.csr_array, scipy.sparse.csc_matrix])
def test_a_sparse_matrix_is_refused_with_a_way_out(kind, data):
    with pytest.raises(TypeError, match=r"toarray\(\)"):
        IoTAE().fit(kind(data[0]))


def test_text_in_an_array_is_refused_with_a_way_out():
    with pytest.raises(ValueError, match="pandas, polars or pyarrow"):
        IoTAE().fit(np.array([["on", 1.0], ["off", 2.0]], dtype=object))


def test_a_fit_that_fails_leaves_the_earlier_one_as_it_was(data):
    X = data[0]
    frame = pd.DataFrame(X, columns=list("abcdef"))
    clf = IoTAE(random_state=0).fit(frame)
    before = clf.decision_function(frame)
    for bad in (
        {"X": pd.DataFrame({"x": [1.0, np.inf]})},
        {"X": X[:, :2], "sample_weight": np.ones(3)},
        {"X": X[:, :2], "sample_weight": np.zeros(600)},
    ):
        with pytest.raises(ValueError, match=r"infinity|sample_weight"):
            clf.fit(**bad)
    np.testing.assert_array_equal(clf.decision_function(frame), before)
    assert clf.n_features_in_ == 6


@pytest.mark.parametrize("shape", [(1, 1), (2, 1), (2, 3), (20, 10_000)])
def test_few_rows_and_many_columns_explain_themselves_to_the_last(shape, rng):
    X = rng.normal(size=shape)
    clf = IoTAE(random_state=0, epoch_num=3).fit(X)
    assert np.isfinite(clf.decision_scores_).all()
    np.testing.assert_allclose(clf.explain(X).sum(axis=1), clf.decision_scores_, rtol=1e-4)


@pytest.mark.parametrize(
    "X",
    [
        np.where(np.arange(600)[:, None] % 2, 1e308, -1e308) * np.ones((600, 3)),
        np.full((100, 3), np.nan),
        np.repeat([[1.0, 2.0], [3.0, 4.0]], 50, axis=0),
        np.full((1, 2), 7.0),
    ],
    ids=["sums overflow", "nothing there", "two rows again and again", "one row"],
)
def test_absurd_tables_are_scored_alike_for_alike_rows(X):
    scores = IoTAE(random_state=0).fit(X).decision_scores_
    assert np.isfinite(scores).all()
    for row in np.unique(X, axis=0):
        same = scores[((row == X) | np.isnan(X)).all(axis=1)]
        np.testing.assert_allclose(same, same[0], rtol=1e-5)


# -- weights --------------------------------------------------------------------------------------


def test_rows_of_weight_zero_have_no_influence(data, rng):
    X, X_test, _, _ = data
    polluted = np.vstack([X, rng.normal(scale=1e4, size=(200, 6))])
    weights = np.r_[np.ones(600), np.zeros(200)]
    for contamination in (0.1, MeanCut()):
        alone = IoTAE(contamination=contamination, random_state=0).fit(X)
        among = IoTAE(contamination=contamination, random_state=0).fit(polluted, sample_weight=weights)
        assert among.decision_scores_.shape == (800,)
        assert among.threshold_ == alone.threshold_
        for method in ("decision_function", "predict", "predict_confidence"):
            np.testing.assert_array_equal(getattr(among, method)(X_test), getattr(alone, method)(X_test))
        for kind in ("linear", "unify"):
            np.testing.assert_array_equal(
                among.predict_proba(X_test, method=kind), alone.predict_proba(X_test, method=kind)
            )


class MeanCut:
    """Stands in for a PyThresh object."""

    def fit(self, scores):
        self.labels_ = (scores > scores.mean() + scores.std()).astype(int)
        return self


def test_equal_weights_are_as_none_and_others_move_the_network(data):
    X = data[0]
    none = IoTAE(random_state=0).fit(X)
    ones = IoTAE(random_state=0).fit(X, sample_weight=np.full(600, 3.0))
    np.testing.assert_allclose(ones.decision_scores_, none.decision_scores_, rtol=1e-3)
    assert ones.labels_.sum() == none.labels_.sum()
    leaning = IoTAE(random_state=0).fit(X, sample_weight=np.linspace(0.1, 1.0, 600))
    assert not np.array_equal(leaning.decision_scores_, none.decision_scores_)
    first = IoTAE(random_state=0).partial_fit(X[:300], sample_weight=np.ones(300))
    first.partial_fit(X[300:], sample_weight=np.linspace(0.1, 1.0, 300))
    assert first.decision_scores_.shape == (300,)


@given(
    st.lists(st.tuples(st.integers(0, 20), st.integers(1, 5)), min_size=2, max_size=30),
    st.floats(0.01, 0.5),
)
def test_a_weighted_cut_leaves_at_most_the_share_above_as_repeated_rows_would(pairs, share):
    scores, weights = np.array(pairs, float).T
    cut = weighted_cut(scores, weights, share)
    above = weights[scores > cut].sum() / weights.sum()
    repeated = np.repeat(scores, weights.astype(int))
    if np.ptp(weights) > 0:
        assert above <= share + 1e-9
        assert cut == np.quantile(repeated, 1 - share, method="inverted_cdf")
    else:
        assert cut == np.percentile(scores, 100 * (1 - share))


# -- training -------------------------------------------------------------------------------------


def test_history_holds_a_loss_for_each_epoch_and_goes_on(data, capsys):
    X = data[0]
    clf = IoTAE(random_state=0, epoch_num=7, verbose=2).fit(X)
    assert len(clf.history_) == 7
    assert clf.history_[-1] < clf.history_[0]
    printed = capsys.readouterr()
    assert printed.out.count("epoch") == 7
    assert printed.err == ""
    clf.partial_fit(X)
    assert len(clf.history_) == 14
    assert capsys.readouterr().out.count("epoch") == 7
    clf.history_.clear()
    assert len(clf.history_) == 14
    with pytest.raises(Exception, match="not fitted"):
        _ = IoTAE().history_


def network(width=6):
    layers = (torch.nn.Linear(width, 3), torch.nn.Tanh(), torch.nn.Dropout(0.1), torch.nn.Linear(3, width))
    return torch.nn.Sequential(*layers)


def test_a_network_of_ones_own_is_copied_trained_and_repeatable(data, tmp_path):
    X, X_test, _, y_test = data
    torch.manual_seed(0)
    mine = network()
    before = [weights.detach().clone() for weights in mine.parameters()]
    drawn = torch.random.get_rng_state()
    clf = IoTAE(random_state=0, network=mine).fit(X)
    assert torch.equal(torch.random.get_rng_state(), drawn)
    assert all(torch.equal(old, new) for old, new in zip(before, mine.parameters(), strict=True))
    assert not torch.equal(clf.model.network[0].weight, mine[0].weight)
    assert clf.history_[-1] < clf.history_[0]
    assert roc_auc_score(y_test, clf.decision_function(X_test)) > 0.95
    np.testing.assert_allclose(clf.explain(X).sum(axis=1), clf.decision_scores_, rtol=1e-5)
    np.testing.assert_array_equal(clone(clf).fit(X).decision_scores_, clf.decision_scores_)
    folds = StratifiedKFold(2, shuffle=True, random_state=0)
    assert cross_val_score(clf, X, data[2], cv=folds, scoring="roc_auc", error_score="raise").min() > 0.9
    with pytest.raises(TypeError, match=r"torch\.save"):
        clf.save(tmp_path / "m.iotae")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"network": network(5)}, "give it 6 inputs and outputs"),
        ({"network": torch.nn.Linear(6, 2)}, r"\(2, 2\); but expected"),
        ({"network": "mlp"}, r"expected a torch\.nn\.Module"),
        ({"device": "tpu"}, "device='tpu'"),
        ({"device": "meta"}, "device='meta'"),
    ],
)
def test_networks_and_devices_that_cannot_work_are_refused_before_any_work(params, words, data):
    clf = IoTAE(**params)
    with pytest.raises(ValueError, match=words):
        clf.fit(data[0])
    assert not hasattr(clf, "n_features_in_")


@pytest.mark.skipif(torch.cuda.is_available(), reason="the error is for machines without a GPU")
def test_cuda_without_a_gpu_says_what_to_do(data):
    with pytest.raises(ValueError, match=r"device='cuda'.*pass device='cpu'"):
        IoTAE(device="cuda").fit(data[0])


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU that torch can use")
def test_cuda_finds_what_the_cpu_finds(data):
    X, X_test, _, y_test = data
    gpu = IoTAE(random_state=0, device="cuda").fit(X)
    np.testing.assert_array_equal(clone(gpu).fit(X).decision_scores_, gpu.decision_scores_)
    assert roc_auc_score(y_test, gpu.decision_function(X_test)) > 0.95


@pytest.mark.parametrize("threshold", ["conformal", "tail"])
def test_rows_of_weight_zero_are_not_held_out_for_calibration_either(threshold, rng):
    X = rng.normal(size=(1000, 4))
    polluted = np.vstack([X, rng.normal(scale=1e4, size=(300, 4))])
    alone = IoTAE(threshold=threshold, random_state=0).fit(X)
    among = IoTAE(threshold=threshold, random_state=0).fit(
        polluted, sample_weight=np.r_[np.ones(1000), np.zeros(300)]
    )
    assert among.threshold_ == alone.threshold_
    np.testing.assert_array_equal(among.predict_pvalue(X), alone.predict_pvalue(X))


def test_rows_that_do_not_count_do_not_teach_the_encoder_either(rng):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"x": rng.normal(size=300), "m": rng.choice(["on", "off"], 300)})
    frame.loc[:49, "m"] = [f"bad{i % 5}" for i in range(50)]
    weights = np.r_[np.zeros(50), np.ones(250)]
    weighted = IoTAE(random_state=0).fit(frame, sample_weight=weights)
    alone = IoTAE(random_state=0).fit(frame.iloc[50:])
    assert weighted.encoder_.feature_names_out == alone.encoder_.feature_names_out
    np.testing.assert_allclose(weighted.decision_scores_[50:], alone.decision_scores_, rtol=1e-6)


def test_wrong_weights_and_half_a_tail_say_what_is_wrong(rng):
    X = rng.normal(size=(40, 2))
    with pytest.raises(ValueError, match=r"sample_weight\[3\]=-1"):
        IoTAE().fit(X, sample_weight=[1.0] * 3 + [-1.0] + [1.0] * 36)
    with pytest.raises(ValueError, match="a half is no tail"):
        IoTAE(contamination=0.5, threshold="tail").fit(X)
