from __future__ import annotations

import json
import math
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from iotae.evaluation import (
    Confusion,
    average_precision,
    confusion,
    evaluate,
    precision_at_n,
    precision_recall_curve,
    prequential,
    recall_at_false_alarm_rate,
    reconstruction_error,
    roc_auc,
    roc_curve,
    stratified_split,
)
from tests import naive_evaluation as naive

# Few distinct values make many ties.
LABELLED = st.lists(st.tuples(st.booleans(), st.integers(-3, 3).map(float)), min_size=1, max_size=40)
BOTH_CLASSES = LABELLED.filter(lambda rows: len({label for label, _ in rows}) == 2)


def test_confusion_gives_the_papers_figure_3():
    paper = Confusion(tp=9, fp=2, fn=1, tn=18)
    assert paper.matrix.tolist() == [[9, 2], [1, 18]]
    figures = [round(v, 3) for v in (paper.accuracy, paper.precision, paper.recall, paper.f1)]
    assert figures == [0.900, 0.818, 0.900, 0.857]
    assert paper.false_alarm_rate == pytest.approx(0.1)


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=30))
def test_confusion_agrees_with_counting_and_with_sklearn(rows):
    y, p = (list(column) for column in zip(*rows, strict=True))
    c = confusion(y, p)
    assert (c.tp, c.fp, c.fn, c.tn) == naive.confusion(y, p)
    assert c.accuracy == pytest.approx(sk.accuracy_score(y, p))
    assert c.precision == pytest.approx(sk.precision_score(y, p, zero_division=0))
    assert c.recall == pytest.approx(sk.recall_score(y, p, zero_division=0))
    assert c.f1 == pytest.approx(sk.f1_score(y, p, zero_division=0))
    assert c.n == len(rows)


@pytest.mark.parametrize("counts", [(0, 0, 0, 0), (-1, 2, 3, 4)])
def test_confusion_of_impossible_counts_is_refused(counts):
    with pytest.raises(ValueError, match="none below zero"):
        Confusion(*counts)


def test_absent_classes_have_defined_answers():
    quiet = evaluate([0, 0, 0], [1.0, 2.0, 3.0], threshold=9.0)
    assert (quiet.confusion.precision, quiet.confusion.recall, quiet.confusion.f1) == (0.0, 0.0, 0.0)
    assert quiet.confusion.accuracy == 1.0
    assert math.isnan(quiet.roc_auc)
    assert math.isnan(quiet.average_precision)
    full = evaluate([1, 1], [1.0, 2.0], threshold=0.0)
    assert full.confusion.false_alarm_rate == 0.0
    assert full.average_precision == 1.0
    assert math.isnan(full.roc_auc)
    assert "undefined" in str(full)


@given(BOTH_CLASSES)
def test_ranking_agrees_with_sklearn_and_with_counting_pairs(rows):
    y, s = (list(column) for column in zip(*rows, strict=True))
    assert roc_auc(y, s) == pytest.approx(sk.roc_auc_score(y, s), abs=1e-12)
    assert roc_auc(y, s) == pytest.approx(naive.roc_auc(y, s), abs=1e-12)
    assert average_precision(y, s) == pytest.approx(sk.average_precision_score(y, s), abs=1e-12)
    assert average_precision(y, s) == pytest.approx(naive.average_precision(y, s), abs=1e-12)


@given(BOTH_CLASSES)
def test_curves_agree_with_sklearn_point_by_point(rows):
    y, s = (list(column) for column in zip(*rows, strict=True))
    for ours, theirs in zip(roc_curve(y, s), sk.roc_curve(y, s, drop_intermediate=False), strict=True):
        np.testing.assert_allclose(ours, theirs)
    for ours, theirs in zip(precision_recall_curve(y, s), sk.precision_recall_curve(y, s), strict=True):
        np.testing.assert_allclose(ours, theirs)


@given(BOTH_CLASSES, st.randoms(use_true_random=False))
def test_ranking_ignores_order_of_rows_and_scale_of_scores(rows, random):
    y, s = (np.array(column) for column in zip(*rows, strict=True))
    shuffled = list(range(len(y)))
    random.shuffle(shuffled)
    assert roc_auc(y[shuffled], np.exp(s[shuffled])) == roc_auc(y, s)
    assert roc_auc(y, -s) == pytest.approx(1 - roc_auc(y, s))
    assert average_precision(y[shuffled], s[shuffled]) == average_precision(y, s)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 2).map(float)), min_size=1, max_size=6), st.data())
@settings(max_examples=40)
def test_precision_at_n_is_the_mean_over_all_orders_of_ties(rows, data):
    y, s = (list(column) for column in zip(*rows, strict=True))
    n = data.draw(st.integers(1, len(y)))
    assert precision_at_n(y, s, n) == pytest.approx(naive.precision_at_n(y, s, n))


def test_precision_at_n_takes_as_many_rows_as_there_are_anomalies(rng):
    from pyod.utils.utility import precision_n_scores

    y = (rng.random(200) < 0.1).astype(int)
    s = rng.normal(size=200) + 2 * y
    assert (
        precision_at_n(y, s) == precision_at_n(y, s, int(y.sum())) == pytest.approx(precision_n_scores(y, s))
    )
    assert math.isnan(precision_at_n([0, 0], [0.1, 0.2]))
    assert precision_at_n([0, 0], [0.1, 0.2], n=1) == 0.0
    for n in (0, 3):
        with pytest.raises(ValueError, match=f"Got n={n}"):
            precision_at_n([0, 1], [0.1, 0.2], n)


@given(BOTH_CLASSES, st.sampled_from([0.0, 0.1, 0.5, 1.0]))
def test_recall_at_a_budget_agrees_with_trying_every_cut(rows, budget):
    y, s = (list(column) for column in zip(*rows, strict=True))
    found = recall_at_false_alarm_rate(y, s, budget)
    assert found == pytest.approx(naive.recall_at_false_alarm_rate(y, s, budget))


def test_recall_at_a_budget_makes_up_no_point_between_ties():
    assert recall_at_false_alarm_rate([0, 1, 0, 1], [1.0, 1.0, 0.0, 0.0], 0.4) == 0.0
    assert math.isnan(recall_at_false_alarm_rate([1, 1], [0.1, 0.2]))
    assert math.isnan(recall_at_false_alarm_rate([0, 0], [0.1, 0.2]))
    with pytest.raises(ValueError, match="Got budget=5"):
        recall_at_false_alarm_rate([0, 1], [0.1, 0.2], 5)


def test_infinite_scores_are_ordered_and_tied():
    assert roc_auc([0, 1, 1, 0], [-np.inf, np.inf, np.inf, np.inf]) == 0.75


def test_curve_of_an_absent_class_is_nan():
    false_alarm_rate, recall, _ = roc_curve([1, 1], [0.1, 0.2])
    assert np.isnan(false_alarm_rate).all()
    assert recall.tolist() == [0.0, 0.5, 1.0]
    assert np.isnan(precision_recall_curve([0, 0], [0.1, 0.2])[1]).all()


def test_evaluate_threshold_is_exceeded_not_reached():
    assert evaluate([0, 1], [0.5, 0.6], threshold=0.5).confusion == Confusion(tp=1, fp=0, fn=0, tn=1)
    assert evaluate([0, 1], [0.5, 0.6], predicted=[1, 0]).confusion == Confusion(tp=0, fp=1, fn=1, tn=0)
    assert evaluate([0, 1], [0.5, 0.6]).confusion is None


def test_report_has_always_the_same_names():
    with_alarms = evaluate([0, 1], [0.5, 0.6], threshold=0.5).to_dict()
    without = evaluate([0, 1], [0.5, 0.6]).to_dict()
    assert list(with_alarms) == list(without)
    assert without["f1"] is None
    assert json.loads(json.dumps(with_alarms)) == with_alarms
    assert with_alarms["roc_auc"] == with_alarms["f1"] == 1.0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([0, 1], [0.1]), "Got 2 values in y and 1 in scores"),
        (([], []), "Got an empty y"),
        (([0, 2, 3], [0.1, 0.2, 0.3]), r"Got y\[1\]=2 \(2 of 3 values are neither 0 nor 1"),
        ((["a", "b"], [0.1, 0.2]), r"Got y\[0\]='a'"),
        (([0, np.nan], [0.1, 0.2]), r"Got y\[1\]=nan"),
        (([0, 1, 0], [0.1, np.nan, np.nan]), "Got 2 NaN among 3 scores, the first in row 1"),
        (([0, 1], ["a", "b"]), "Got scores of type"),
        (([[0, 1]], [0.1, 0.2]), r"Got y of shape \(1, 2\)"),
        (([0, 1], [0.1, 0.2], np.nan), "Got threshold=nan"),
        (([0, 1], [0.1, 0.2], 0.5, [0, 1]), "Got both threshold and predicted"),
        (([0, 1], [0.1, 0.2], None, [0]), "Got 2 values in y_true and 1 in y_pred"),
    ],
)
def test_evaluate_says_what_is_wrong(arguments, message):
    with pytest.raises(ValueError, match=message):
        evaluate(*arguments)


def test_reconstruction_error_is_the_euclidean_distance_of_what_was_read():
    rng = np.random.default_rng(0)
    X, X_hat = rng.normal(size=(2, 50, 4))
    X[rng.random(X.shape) < 0.2] = np.nan
    np.testing.assert_allclose(reconstruction_error(X, X_hat), naive.reconstruction_error(X, X_hat))


def test_reconstruction_error_says_what_is_wrong():
    with pytest.raises(ValueError, match=r"Got X of shape \(2, 3\) and X_hat of shape \(2, 2\)"):
        reconstruction_error(np.zeros((2, 3)), np.zeros((2, 2)))
    with pytest.raises(ValueError, match="Got 1 NaN in X_hat, the first in row 1, column 0"):
        reconstruction_error([[np.nan], [1.0]], [[np.nan], [np.nan]])


@given(st.lists(st.integers(0, 2), min_size=2, max_size=200), st.floats(0.01, 0.99), st.integers(0, 5))
@settings(max_examples=200)
def test_split_is_a_partition_with_each_class_in_proportion(y, test_size, seed):
    train, test = stratified_split(y, test_size, seed)
    assert sorted([*train, *test]) == list(range(len(y)))
    assert 1 <= len(test) <= len(y) - 1
    assert (np.diff(train) > 0).all()
    y = np.array(y)
    for value in np.unique(y):
        exact = (y == value).sum() * len(test) / len(y)
        assert abs((y[test] == value).sum() - exact) < 1 + 1e-9


def test_split_is_seeded_and_shuffles():
    y = np.repeat([0, 1], [70, 30])
    train, test = stratified_split(y)
    assert (len(train), len(test), y[test].sum()) == (70, 30, 9)
    np.testing.assert_array_equal(test, stratified_split(y, seed=0)[1])
    assert not np.array_equal(test, stratified_split(y, seed=1)[1])
    picked = np.concatenate([stratified_split(y, seed=seed)[1] for seed in range(300)])
    # Each row is in the test part with probability 0.3: 90 times of 300, standard deviation 8.
    assert np.abs(np.bincount(picked, minlength=100) - 90).max() < 40


@pytest.mark.parametrize("test_size", [0, 1, -0.1, 1.5, float("nan")])
def test_split_refuses_a_share_outside_0_and_1(test_size):
    with pytest.raises(ValueError, match="Got test_size="):
        stratified_split([0, 1, 0], test_size)


def test_split_refuses_a_single_row():
    with pytest.raises(ValueError, match=r"Got y of shape \(1,\)"):
        stratified_split([1])


class Recorder:
    """Scores by the number of rows learned, and notes the order of calls."""

    def __init__(self):
        self.calls = []
        self.learned = 0

    def score_one(self, x):
        self.calls.append(("score", x["row"]))
        return float(self.learned)

    def learn_one(self, x):
        self.calls.append(("learn", x["row"]))
        self.learned += 1


class Alarming(Recorder):
    def classify(self, score):
        self.calls.append(("classify", score))
        return score >= 2


def rows(labels):
    return [({"row": i}, label) for i, label in enumerate(labels)]


def test_prequential_scores_then_classifies_then_learns():
    model = Alarming()
    run = prequential(model, rows([0, 0, 1]), warm_up=1)
    assert model.calls[:3] == [("score", 0), ("classify", 0.0), ("learn", 0)]
    assert run.scores.tolist() == [0.0, 1.0, 2.0]
    assert run.predicted.tolist() == [False, False, True]
    assert run.labels.tolist() == [0, 0, 1]
    assert run.evaluation.confusion == Confusion(tp=1, fp=0, fn=0, tn=2)
    assert run.after_warm_up.n == 2
    assert run.score_seconds.shape == run.learn_seconds.shape == (3,)
    assert 0 < run.microseconds["score_median"] <= run.microseconds["score_p99.9"]


def test_prequential_takes_a_generator_and_a_model_without_alarms():
    run = prequential(Recorder(), (row for row in rows([False, True])), warm_up=5)
    assert run.predicted is None
    assert run.evaluation.confusion is None
    assert run.after_warm_up is None
    assert "no row left" in str(run)


def test_prequential_agrees_with_river():
    from river import anomaly, stream

    rng = np.random.default_rng(0)
    X = [{"a": a, "b": b} for a, b in rng.random((300, 2)).tolist()]
    y = (rng.random(300) < 0.1).astype(int).tolist()
    first, second = (anomaly.HalfSpaceTrees(n_trees=5, height=4, window_size=50, seed=1) for _ in range(2))
    expected = []
    for x in X:
        expected.append(second.score_one(x))
        second.learn_one(x)
    run = prequential(first, stream.iter_array([list(x.values()) for x in X], y, feature_names=["a", "b"]))
    assert run.scores.tolist() == expected
    assert run.evaluation.roc_auc == pytest.approx(sk.roc_auc_score(y, expected))


def test_prequential_refuses_a_bad_label_before_the_row_is_learned():
    model = Recorder()
    with pytest.raises(ValueError, match="Got label 'attack' in row 1"):
        prequential(model, rows([0, "attack"]))
    assert model.learned == 1


def test_prequential_refuses_a_nan_score_before_the_row_is_learned():
    model = Recorder()
    model.score_one = lambda x: float("nan")
    with pytest.raises(ValueError, match="Got a NaN score from Recorder in row 0"):
        prequential(model, rows([0]))
    assert model.learned == 0


def test_prequential_refuses_what_is_no_detector_and_what_is_no_stream():
    with pytest.raises(TypeError, match="Got a object without score_one"):
        prequential(object(), rows([0]))
    with pytest.raises(ValueError, match="Got an empty stream"):
        prequential(Recorder(), [])
    with pytest.raises(ValueError, match="Got warm_up=-1"):
        prequential(Recorder(), rows([0]), warm_up=-1)


def test_prequential_shows_progress_only_when_asked(capsys):
    prequential(Recorder(), rows([0, 1]))
    assert capsys.readouterr().err == ""
    prequential(Recorder(), rows([0, 1]), progress=True)
    assert "running: 2 of 2 rows" in capsys.readouterr().err


def test_importing_evaluation_loads_no_heavy_library():
    program = (
        "import sys, iotae.evaluation, iotae.simulator, iotae.plots\n"
        "heavy = {'sklearn', 'scipy', 'pandas', 'matplotlib', 'torch', 'numba', 'tqdm', 'pyod', 'river'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
