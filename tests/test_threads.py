"""Scoring from any number of threads is as scoring from one, and threads that learn lose no row.

The interpreter is told to switch threads as often as it can, so that what may be interrupted is.
"""

import copy
import pickle
import sys
import threading
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import pytest
from river import anomaly

import pyod_iotae
import river_iotae
from iotae import BatchAutoencoder, OnlineAutoencoder, serialization
from iotae.thresholds import AlertBudget, ConformalThreshold, OnlineFDR, QuantileThreshold, TailThreshold

PATIENCE = 60.0
"""Seconds after which threads that still run are taken to wait for each other."""


@pytest.fixture(autouse=True)
def _hasty_switches():
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


def together(*jobs):
    """Run each job in a thread of its own, all at once; their results, or the first error."""
    results, errors, start = [None] * len(jobs), [], threading.Barrier(len(jobs))

    def work(i, job):
        start.wait()
        try:
            results[i] = job()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(i, job), daemon=True) for i, job in enumerate(jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert not any(thread.is_alive() for thread in threads), "threads wait for each other"
    if errors:
        raise errors[0]
    return results


def table(n, d=4, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, 1)) @ np.linspace(1.0, 2.0, d)[None] + rng.normal(scale=0.3, size=(n, d))


def numbers(n, seed=0):
    """Rows that have every feature, as a number."""
    return [dict(zip("abcd", x, strict=True)) for x in table(n, seed=seed).tolist()]


def mixed(n, seed=0):
    """Rows with a text, gaps, and features that come and go."""
    rows = numbers(n, seed)
    for i, row in enumerate(rows):
        row["state"] = ("on", "off", "idle")[i % 3]
        if i % 5 == 0:
            del row["b"]
        row[f"late {i // 15}"] = float(i)
    return rows


def bytes_of(model):
    return serialization.dumps("model", getattr(model, "_model", model).to_state())


MAKERS = {"core": OnlineAutoencoder, "river": river_iotae.IoTAE}


@pytest.fixture(params=MAKERS)
def make(request):
    return lambda: MAKERS[request.param](seed=0, batch_size=8, grace_period=20, max_features=12)


def taught(make, rows):
    model = make()
    for x in rows:
        model.learn_one(x)
    return model


@pytest.mark.parametrize("kind", [numbers, mixed])
def test_a_model_that_does_not_learn_says_the_same_to_eight_threads(make, kind):
    model, rows = taught(make, kind(150)), kind(60, seed=1)
    frame = pd.DataFrame(numbers(60, seed=1))

    def said():
        scores = [model.score_one(x) for x in rows]
        reasons = [(model.explain_one(x), model.expected_one(x)) for x in rows[:20]]
        verdicts = [(model.classify(score), model.p_value(score), model.threshold) for score in scores]
        return scores, reasons, verdicts, np.asarray(model.score_many(frame)).tolist()

    before, expected = bytes_of(model), said()
    assert together(*[said] * 8) == [expected] * 8
    assert bytes_of(model) == before


@pytest.mark.parametrize("kind", [numbers, mixed])
@pytest.mark.parametrize("method", ["learn_one", "score_learn_one", "learn_many", "score_learn_many"])
def test_who_scores_beside_a_learner_does_not_change_what_is_learned(make, kind, method):
    rows, done = kind(150), threading.Event()
    frame = pd.DataFrame(numbers(30, seed=1))
    alone, model = taught(make, rows[:40]), taught(make, rows[:40])

    def learn(which):
        if method.endswith("one"):
            return [getattr(which, method)(x) for x in rows[40:]]
        chunks = (rows[i : i + 30] for i in range(40, 150, 30))
        return [getattr(which, method)(pd.DataFrame(c) if kind is numbers else c) for c in chunks]

    def learn_and_say():
        result = learn(model)
        done.set()
        return result

    def look():
        others = kind(20, seed=2)
        while not done.is_set():
            for x in others:
                model.explain_one(x)
                model.expected_one(x)
                assert 0.0 <= model.score_one(x) < 1.0
            model.score_many(frame)
            assert model.p_value(0.5) > 0.0
            assert (model.drift_detected, model.identifiers) == (False, [])

    learned = together(learn_and_say, look, look)[0]
    for one, other in zip(learned, learn(alone), strict=True):
        np.testing.assert_equal(one, other)
    assert bytes_of(model) == bytes_of(alone)


@pytest.mark.parametrize("kind", [numbers, mixed])
def test_four_learners_lose_no_row(make, kind):
    model, parts = make(), [kind(120, seed=seed) for seed in range(4)]

    def one_by_one():
        for x in parts[0]:
            model.learn_one(x)

    def judged():
        return [model.score_learn_one(x)[0] for x in parts[1]]

    def at_once():
        model.learn_many(pd.DataFrame(parts[2]) if kind is numbers else parts[2])

    def judged_at_once():
        return model.score_learn_many(parts[3]).scores.tolist()

    scores = together(one_by_one, judged, at_once, judged_at_once)
    assert model.n_seen + model.n_rejected == 480
    assert len(scores[1]) == len(scores[3]) == 120
    assert all(0.0 <= score < 1.0 for score in scores[1] + scores[3])
    core = getattr(model, "_model", model)
    assert core._features.n_rows == 480
    assert core._threshold._window.n_seen <= 470
    # it is a model like any other: what it says it says again after a journey through bytes
    again = OnlineAutoencoder.from_state(serialization.loads(bytes_of(model))[1])
    assert again.score_one(parts[0][0]) == model.score_one(parts[0][0])


def test_a_copy_taken_beside_a_learner_is_of_one_moment(make):
    rows = mixed(120)
    alone, moments = make(), {}
    for x in rows:
        alone.learn_one(x)
        moments[alone.n_seen] = bytes_of(alone)
    model, done = make(), threading.Event()

    def learn():
        for x in rows:
            model.learn_one(x)
        done.set()

    def keep():
        kept = []
        while not done.is_set():
            kept += [copy.copy(model), copy.deepcopy(model), pickle.loads(pickle.dumps(model))]
        return kept

    kept = together(learn, keep)[1]
    for one in kept:
        assert one.n_seen == 0 or bytes_of(one) == moments[one.n_seen]


@pytest.mark.parametrize("rule", [ConformalThreshold(0.1, 500), AlertBudget(10, 100), TailThreshold(0.02)])
@pytest.mark.parametrize("detector", [river_iotae.IoTAE, anomaly.HalfSpaceTrees])
def test_a_filter_takes_in_every_score_of_four_threads(detector, rule):
    model = river_iotae.AlarmFilter(detector(seed=0), rule)

    def learn(seed):
        for x in numbers(100, seed):
            score = model.score_one(x)
            model.classify(score)
            assert 0.0 < model.p_value(score) <= 1.0
            model.learn_one(x)
            assert not np.isnan(model.threshold)

    together(*[lambda seed=seed: learn(seed) for seed in range(4)])
    window = model._threshold._window
    assert window.n_seen == 400
    assert window.sorted == sorted(window.ring)
    if detector is river_iotae.IoTAE:
        assert model.anomaly_detector.n_seen == 400


@pytest.mark.parametrize("threshold", ["contamination", "conformal"])
def test_a_table_is_scored_by_eight_threads_as_by_one(threshold):
    model = pyod_iotae.IoTAE(random_state=0, epoch_num=2, threshold=threshold).fit(table(400))
    X = table(300, seed=1)
    X[::7, 1] = np.nan

    def said():
        return [model.decision_function(X), model.predict(X), model.explain(X), model.expected(X)]

    expected = said()
    for found in together(*[said] * 8):
        np.testing.assert_equal(found, expected)


class Slow(Mapping):
    """A row that another thread has to score before it can be read."""

    def __init__(self, row, scores):
        self.row, self.scores = row, scores

    def __getitem__(self, name):
        return self.row[name]

    def __len__(self):
        return len(self.row)

    def __iter__(self):
        thread = threading.Thread(target=self.scores, daemon=True)
        thread.start()
        thread.join(PATIENCE)
        assert not thread.is_alive(), "the model is locked while a caller's code runs"
        return iter(self.row)


class Rows(Sequence):
    def __init__(self, rows):
        self.rows = rows

    def __getitem__(self, i):
        return self.rows[i]

    def __len__(self):
        return len(self.rows)


@pytest.mark.parametrize("name", ["learn_one", "score_one", "score_learn_one", "explain_one", "expected_one"])
def test_no_lock_is_held_while_a_row_of_the_callers_kind_is_read(make, name):
    model = taught(make, numbers(30))
    row = numbers(1)[0]
    getattr(model, name)(Slow(row, lambda: model.score_one(row)))


@pytest.mark.parametrize("name", ["learn_many", "score_learn_many", "score_many"])
def test_no_lock_is_held_while_the_callers_rows_are_asked_for(make, name):
    model = taught(make, numbers(30))
    row = numbers(1)[0]
    getattr(model, name)(Rows([Slow(row, lambda: model.learn_one(row)) for _ in range(3)]))


def river_learner(model):
    for x in numbers(30, seed=3):
        model.learn_one(x)


COPIED = {
    "stream": (
        lambda: taught(lambda: OnlineAutoencoder(seed=0), numbers(30)),
        river_learner,
        bytes_of,
    ),
    "river": (lambda: taught(lambda: river_iotae.IoTAE(seed=0), numbers(30)), river_learner, bytes_of),
    "filter": (
        lambda: river_iotae.ConformalFilter(river_iotae.IoTAE(seed=0), alpha=0.1),
        river_learner,
        lambda model: (bytes_of(model.anomaly_detector), model._threshold._window.ring[:]),
    ),
    "table": (
        lambda: BatchAutoencoder(seed=0, epochs=1).fit(table(60)),
        lambda model: model.partial_fit(table(60, seed=1)),
        bytes_of,
    ),
    "pyod": (
        lambda: pyod_iotae.IoTAE(random_state=0, epoch_num=1).fit(table(60)),
        lambda model: model.partial_fit(table(60, seed=1)),
        lambda model: bytes_of(model.model_),
    ),
    **{
        type(cut).__name__: (
            lambda cut=cut: copy.deepcopy(cut).fit(np.arange(2000.0)),
            lambda cut: [cut.update(5000.0 + i) for i in range(5)],
            bytes_of,
        )
        for cut in (
            *(AlertBudget(10, 100), ConformalThreshold(0.1), OnlineFDR(0.1, 100)),
            *(QuantileThreshold(0.1), TailThreshold(0.02)),
        )
    },
}


@pytest.mark.parametrize("name", COPIED)
def test_a_copy_learns_by_itself(name):
    make, learn, state = COPIED[name]
    model = make()
    before, twin = state(model), copy.copy(model)
    assert type(twin) is type(model)
    assert state(twin) == before
    learn(twin)
    assert state(model) == before
    learn(model)
    assert state(model) == state(twin) != before
