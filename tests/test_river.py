"""River's own contract, and what River users meet beyond it."""

import math
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from river import anomaly, base, compose, datasets, evaluate, metrics, preprocessing

from iotae import OnlineAutoencoder, serialization
from iotae.thresholds import AlertBudget, OnlineFDR, QuantileThreshold, TailThreshold
from river_iotae import AlarmFilter, ConformalFilter, IoTAE, QualityFilter
from tests.river_checks import river_cases


@pytest.fixture(scope="module")
def shuttle():
    return list(datasets.Shuttle().take(1500))


def frozen(model):
    return serialization.dumps("model", model._model.to_state())


MODELS = {
    "default": IoTAE(),
    "seeded": IoTAE(seed=1),
    "pipeline": preprocessing.MinMaxScaler() | IoTAE(),
    "quantile_filter": anomaly.QuantileFilter(IoTAE(), q=0.99),
    "conformal_filter": ConformalFilter(IoTAE(seed=1)),
    "tail_filter": AlarmFilter(IoTAE(seed=1), TailThreshold(0.01, depth=20)),
    "budget_filter": AlarmFilter(preprocessing.MinMaxScaler() | IoTAE(seed=1), AlertBudget(2, 50)),
    "quality_filter": QualityFilter(),
    "quality_pipeline": QualityFilter(flag="quality") | IoTAE(),
    "fdr_filter": AlarmFilter(
        preprocessing.MinMaxScaler() | anomaly.HalfSpaceTrees(seed=1), OnlineFDR(0.2, horizon=50)
    ),
}


@pytest.mark.untraced
@pytest.mark.parametrize(("model", "check"), list(river_cases(MODELS)))
def test_rivers_own_checks(model, check):
    assert not model._unit_test_skips()
    check(model.clone())


def test_scoring_is_pure_and_bounded(shuttle):
    model = IoTAE(seed=0)
    for x, _ in shuttle[:300]:
        model.learn_one(x)
    before = frozen(model)
    for x, _ in shuttle[300:400]:
        assert 0.0 <= model.score_one(x) < 1.0
        model.explain_one(x)
    for odd in ({}, {"nothing": 1.0}, dict.fromkeys(shuttle[0][0], 1e99)):
        assert 0.0 <= model.score_one(odd) < 1.0
    assert frozen(model) == before


@pytest.mark.parametrize("library", [pd.DataFrame, pl.DataFrame, pa.Table.from_pylist, list])
def test_many_is_one_after_the_other(library, shuttle):
    rows = [x for x, _ in shuttle[:700]]
    by_row, by_frame = IoTAE(seed=3), IoTAE(seed=3)
    for x in rows:
        by_row.learn_one(x)
    for start, stop in ((0, 1), (1, 50), (50, 407), (407, 700)):
        by_frame.learn_many(library(rows[start:stop]))
    assert frozen(by_row) == frozen(by_frame)
    probe = [x for x, _ in shuttle[700:800]]
    scores = by_frame.score_many(library(probe))
    assert list(scores) == [by_row.score_one(x) for x in probe]


def test_score_many_keeps_pandas_index(shuttle):
    model = IoTAE(seed=0)
    frame = pd.DataFrame([x for x, _ in shuttle[:5]], index=list("abcde"))
    model.learn_many(frame)
    scores = model.score_many(frame)
    assert isinstance(scores, pd.Series)
    assert scores.index.tolist() == list("abcde")
    assert scores.name == "score"
    in_polars = model.score_many(pl.DataFrame(frame.to_dict("list")))
    assert isinstance(in_polars, pl.Series)
    assert in_polars.to_list() == scores.tolist()


def test_explanation_adds_up_to_the_score(shuttle):
    model = IoTAE(seed=0)
    for x, _ in shuttle[:600]:
        model.learn_one(x)
    for x, _ in shuttle[600:700]:
        shares = model.explain_one(x)
        assert set(shares) == set(x)
        assert min(shares.values()) >= 0.0
        assert sum(shares.values()) == pytest.approx(model.score_one(x), rel=1e-9)
        assert list(shares.values()) == sorted(shares.values(), reverse=True)


def test_explanation_names_the_guilty_feature():
    rng = np.random.default_rng(0)
    model = IoTAE(seed=0)
    for load in rng.normal(size=1000):
        model.learn_one({"a": load, "b": 2 * load + 0.01 * rng.normal(), "c": rng.normal()})
    assert next(iter(model.explain_one({"a": 0.1, "b": 30.0, "c": 0.0}))) == "b"


def test_save_and_load_continue_bit_for_bit(shuttle, tmp_path):
    model = IoTAE(seed=5, hidden_sizes=(6, 3, 6), alpha=0.05)
    for x, _ in shuttle[:333]:
        model.learn_one(x)
    model.save(tmp_path / "m.iotae")
    back = IoTAE.load(tmp_path / "m.iotae")
    assert back._get_params() == model._get_params()
    assert repr(back) == repr(model)
    for x, _ in shuttle[333:700]:
        assert back.score_one(x) == model.score_one(x)
        assert back.threshold == model.threshold
        back.learn_one(x)
        model.learn_one(x)
    assert frozen(back) == frozen(model)
    fresh = IoTAE()
    fresh.save(tmp_path / "fresh.iotae")
    assert IoTAE.load(tmp_path / "fresh.iotae").score_one(shuttle[0][0]) == 0.0
    serialization.write(tmp_path / "other", "other", {})
    with pytest.raises(serialization.StateError, match=r"expected that of river_iotae\.IoTAE"):
        IoTAE.load(tmp_path / "other")


def test_threshold_waits_for_the_grace_period_and_then_keeps_near_its_rate(rng):
    model = IoTAE(seed=0, grace_period=300, alpha=0.05)
    alarms = 0
    for i, (a, b) in enumerate(rng.normal(size=(6000, 2))):
        x = {"a": a, "b": a + 0.3 * b}
        alarm = model.classify(model.score_one(x))
        assert not (alarm and i < 300)
        alarms += alarm and i >= 1000
        model.learn_one(x)
    assert isinstance(model.classify(0.5), bool)
    assert 0.5 * 0.05 < alarms / 5000 < 1.6 * 0.05


HOLED = ("pending", "minibatch", "witness_wanted", "fresh_wanted", "sensors")
"""Where NaN stands for a missing cell, or for the reading before the first."""

HOSTILE = [
    float("nan"),
    float("inf"),
    -float("inf"),
    1e300,
    None,
    "text",
    True,
    Decimal("NaN"),
    Decimal("1.5"),
    np.float32(2.0),
    np.int64(3),
    10**400,
    [1.0],
    {},
    b"bytes",
    complex(1, 2),
    object(),
    np.array([1.0, 2.0]),
]


def test_hostile_rows_cost_themselves_at_most(shuttle):
    rng = np.random.default_rng(0)
    clean, struck = IoTAE(seed=0), IoTAE(seed=0)
    labels, clean_scores, struck_scores = [], [], []
    names = list(shuttle[0][0])
    n_hostile = 0
    for x, y in shuttle:
        labels.append(y)
        clean_scores.append(clean.score_one(x))
        clean.learn_one(x)
        struck_scores.append(struck.score_one(x))
        struck.learn_one(x)
        if rng.random() < 0.2:
            bad = {name: HOSTILE[rng.integers(len(HOSTILE))] for name in names if rng.random() < 0.7}
            bad |= {f"junk{rng.integers(10**6)}": 1.0 for _ in range(rng.integers(50))}
            assert math.isfinite(struck.score_one(bad))
            struck.learn_one(bad)
            n_hostile += 1
    everything = struck._model.to_state()
    stream = everything["stream"]
    assert not any(np.isinf(stream.pop(name)).any() for name in HOLED)
    arrays = [everything["network"]["parameters"], *stream.pop("scaler").values(), *stream.values()]
    arrays = [array for array in arrays if isinstance(array, np.ndarray)]
    assert all(np.isfinite(array).all() for array in arrays)
    from sklearn.metrics import roc_auc_score

    assert roc_auc_score(labels, struck_scores) > roc_auc_score(labels, clean_scores) - 0.03
    assert struck.n_unusable > n_hostile
    assert struck.n_seen + struck.n_rejected == len(shuttle) + n_hostile


def test_works_in_a_river_pipeline_and_evaluation(shuttle):
    model = compose.Pipeline(preprocessing.MinMaxScaler(), IoTAE(seed=0))
    # ten thresholds between 0 and 1, River's default, misjudge scores that lie close together
    auc = evaluate.progressive_val_score(shuttle, model, metrics.ROCAUC(n_thresholds=1000))
    assert auc.get() > 0.8
    guarded = anomaly.QuantileFilter(IoTAE(seed=0), q=0.95)
    for x, _ in shuttle[:200]:
        guarded.score_one(x)
        guarded.learn_one(x)


def test_the_conformal_filter_keeps_its_rate_around_any_detector(rng):
    model = ConformalFilter(preprocessing.MinMaxScaler() | anomaly.HalfSpaceTrees(seed=0), alpha=0.05)
    alarms = 0
    for i, value in enumerate(rng.normal(size=4000)):
        x = {"a": float(value)}
        alarms += i >= 1000 and model.classify(model.score_one(x))
        model.learn_one(x)
    assert alarms / 3000 < 1.25 * 0.05
    assert 0.0 < model.p_value(0.5) <= 1.0


def test_the_conformal_filter_can_protect_its_detector(shuttle):
    model = ConformalFilter(IoTAE(seed=0), alpha=0.2, protect_anomaly_detector=True)
    for x, _ in shuttle[:300]:
        model.learn_one(x)
    assert 200 < model.anomaly_detector.n_seen < 300


def test_an_alarm_filter_leaves_the_rule_it_was_given_alone(shuttle):
    rule = QuantileThreshold(0.2).fit([0.1, 0.2, 0.3])
    before = serialization.dumps("rule", rule.to_state())
    model = AlarmFilter(IoTAE(seed=0), rule)
    assert model.threshold == rule.threshold
    for x, _ in shuttle[:300]:
        model.learn_one(x)
    assert model.threshold != rule.threshold
    assert serialization.dumps("rule", rule.to_state()) == before
    assert model.clone().threshold == rule.threshold
    assert model.p_value(0.999) == pytest.approx(1 / 304)
    with pytest.raises(ValueError, match=r"rule=0\.95, but expected a threshold of iotae\.thresholds"):
        AlarmFilter(IoTAE(), 0.95)
    with pytest.raises(ValueError, match=r"per_day=5, .*but expected a budget of rows"):
        AlarmFilter(IoTAE(), AlertBudget(per_day=5))


@pytest.mark.parametrize(
    "make",
    [
        lambda: AlarmFilter(IoTAE(seed=0), AlertBudget(3, 100), protect_anomaly_detector=True),
        lambda: AlarmFilter(IoTAE(seed=0, hidden_sizes=(4, 2, 4)), TailThreshold(0.01, depth=20)),
        lambda: AlarmFilter(IoTAE(seed=0), OnlineFDR(0.2, horizon=50)),
        lambda: AlarmFilter(IoTAE(seed=0), QuantileThreshold(0.2).fit([0.1, 0.2, 0.3])),
        lambda: ConformalFilter(IoTAE(seed=0), alpha=0.05, window=100, protect_anomaly_detector=True),
    ],
    ids=["budget", "tail", "fdr", "quantile", "conformal"],
)
def test_a_saved_filter_goes_on_as_it_was(make, shuttle, tmp_path):
    model = make()
    for x, _ in shuttle[:400]:
        model.learn_one(x)
    model.save(tmp_path / "filter.iotae")
    back = type(model).load(tmp_path / "filter.iotae")
    assert repr(back) == repr(model)
    for x, _ in shuttle[400:600]:
        assert (back.score_one(x), back.threshold) == (model.score_one(x), model.threshold)
        back.learn_one(x)
        model.learn_one(x)
    assert frozen(back.anomaly_detector) == frozen(model.anomaly_detector)
    with pytest.raises(serialization.StateError, match=r"expected that of river_iotae\.IoTAE"):
        IoTAE.load(tmp_path / "filter.iotae")


def test_a_filter_around_other_detectors_cannot_be_saved_or_explained(tmp_path):
    model = ConformalFilter(preprocessing.MinMaxScaler() | anomaly.HalfSpaceTrees(seed=0))
    with pytest.raises(TypeError, match=r"Pipeline, but expected river_iotae\.IoTAE"):
        model.save(tmp_path / "filter.iotae")
    with pytest.raises(AttributeError, match="HalfSpaceTrees, which does not explain"):
        model.explain_one({"a": 1.0})
    assert not list(tmp_path.iterdir())


def test_a_filter_explains_as_its_detector_does(shuttle):
    plain = AlarmFilter(IoTAE(seed=0), TailThreshold(0.01))
    piped = AlarmFilter(preprocessing.StandardScaler() | IoTAE(seed=0), TailThreshold(0.01))
    for x, _ in shuttle[:300]:
        plain.learn_one(x)
        piped.learn_one(x)
    for model in (plain, piped):
        shares = model.explain_one(shuttle[300][0])
        assert sum(shares.values()) == pytest.approx(model.score_one(shuttle[300][0]))


@pytest.mark.parametrize("library", [pd.DataFrame, pl.DataFrame, list])
def test_a_filter_takes_frames_as_rows(library, shuttle):
    rows = [x for x, _ in shuttle[:250]]
    by_row, by_frame = (AlarmFilter(IoTAE(seed=0), TailThreshold(0.01)) for _ in range(2))
    for x in rows:
        by_row.learn_one(x)
    by_frame.learn_many(library(rows))
    assert by_frame.threshold == by_row.threshold
    scores = by_frame.score_many(library(rows))
    assert list(scores) == [by_row.score_one(x) for x in rows]
    assert isinstance(scores, {pd.DataFrame: pd.Series, pl.DataFrame: pl.Series, list: np.ndarray}[library])


def test_what_rivers_mutate_may_change():
    model = ConformalFilter(IoTAE(seed=0, grace_period=1000))
    model.mutate({"protect_anomaly_detector": True, "anomaly_detector": {"grace_period": 50}})
    assert model.protect_anomaly_detector
    assert model.anomaly_detector.grace_period == model.anomaly_detector._model.grace_period == 50
    assert model.anomaly_detector.clone().grace_period == 50
    with pytest.raises(ValueError, match="grace_period=-1"):
        model.mutate({"anomaly_detector": {"grace_period": -1}})
    with pytest.raises(ValueError, match="seed"):
        model.mutate({"anomaly_detector": {"seed": 1}})
    assert model.anomaly_detector.grace_period == 50


def test_a_score_that_is_not_finite_costs_its_row_alone():
    class Odd(base.AnomalyDetector):
        def learn_one(self, x): ...

        def score_one(self, x):
            return x["score"]

    model = ConformalFilter(Odd(), alpha=0.1, window=50)
    for score in [*range(40), math.nan, math.inf, *range(40)]:
        model.learn_one({"score": float(score)})
    assert model.n_rejected == 2
    assert math.isfinite(model.threshold)
    assert not model.classify(math.nan)


def test_a_budget_filter_never_exceeds_its_budget(shuttle):
    model = AlarmFilter(IoTAE(seed=0), AlertBudget(3, 100, window=200), protect_anomaly_detector=True)
    alarms = []
    for x, _ in shuttle:
        alarms.append(model.classify(model.score_one(x)))
        model.learn_one(x)
    assert np.convolve(alarms, np.ones(100, int)).max() == 3
    assert model.anomaly_detector.n_seen == len(shuttle) - sum(alarms)


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"alpha": 2.0}, "alpha=2.0"),
        ({"learning_rate": -1.0}, "learning_rate=-1.0"),
        ({"batch_size": 0}, "batch_size=0"),
        ({"hidden_sizes": (0,)}, "hidden_sizes="),
        ({"grace_period": -1}, "grace_period=-1"),
        ({"max_features": 0}, "max_features=0"),
        ({"seed": -1}, "seed=-1"),
    ],
)
def test_bad_parameters_are_refused_by_name(params, words):
    with pytest.raises(ValueError, match=words):
        IoTAE(**params)


def test_what_is_no_row_is_refused():
    for model in (IoTAE(), IoTAE(seed=0)):
        model.learn_one({"a": 1.0})
        for bad in ([1.0], "text", None, 3):
            with pytest.raises(TypeError, match="expected a dict"):
                model.score_one(bad)
            with pytest.raises(TypeError, match="expected a dict"):
                model.learn_one(bad)
        assert model.n_seen == 1


def test_what_is_no_frame_is_refused():
    with pytest.raises(TypeError, match="Got a int"):
        IoTAE().learn_many(3)


def test_the_adapter_is_the_core(shuttle):
    adapter, core = IoTAE(seed=2), OnlineAutoencoder(seed=2)
    for x, _ in shuttle[:300]:
        assert adapter.score_one(x) == core.score_one(x)
        adapter.learn_one(x)
        core.learn_one(x)
