"""Work that fans out runs on the backend that the caller set, with the same results."""

import os
import signal

import numpy as np
import pytest
from joblib import delayed, parallel_config, register_parallel_backend
from joblib._parallel_backends import ThreadingBackend
from joblib.externals.loky.process_executor import TerminatedWorkerError
from joblib.parallel import get_active_backend

from iotae import BatchAutoencoder
from iotae._fan_out import fan_out
from iotae._validation import NotFittedError
from iotae.batch.group_rows import GroupedRows
from iotae.batch.grouped import GroupedAutoencoder
from iotae.data.sampling import gather
from iotae.distributed import fit_groups


class AtTheEnd(ThreadingBackend):
    """Cannot hand over results one by one, as Ray's."""

    supports_return_generator = False


register_parallel_backend("at the end", AtTheEnd)


def where():
    import threading

    return threading.current_thread().name


@pytest.mark.parametrize("ordered", [True, False])
def test_results_come_back_whatever_the_order(ordered):
    assert sorted(fan_out((delayed(abs)(-i) for i in range(5)), ordered=ordered)) == list(range(5))


def test_the_callers_backend_does_the_work():
    with parallel_config(backend="threading", n_jobs=2):
        assert type(get_active_backend()[0]).__name__ == "ThreadingBackend"
        names = list(fan_out(delayed(where)() for _ in range(4)))
    assert "MainThread" not in names


def groups():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 3))
    return X, np.array(["b", "a", "c"])[rng.integers(0, 3, 300)]


@pytest.mark.parametrize(
    ("backend", "n_jobs"),
    [("threading", 2), ("loky", 2), ("at the end", 2), ("sequential", 1)],
)
def test_a_groups_model_is_that_of_its_rows_alone_on_any_backend(backend, n_jobs):
    X, keys = groups()
    with parallel_config(backend=backend, n_jobs=n_jobs):
        models = fit_groups(BatchAutoencoder(seed=1), X, keys)
    assert list(models) == ["a", "b", "c"]
    for key, model in models.items():
        alone = BatchAutoencoder(seed=1).fit(X[keys == key])
        np.testing.assert_array_equal(model.score(X), alone.score(X))


@pytest.mark.parametrize("backend", ["threading", "loky", "at the end"])
@pytest.mark.parametrize("weighted", [False, True])
def test_a_table_of_groups_is_learned_on_any_backend_with_the_scores_of_one_process(backend, weighted):
    X, keys = groups()
    rows = GroupedRows(np.vstack([X, X + 1.0]), np.tile(keys.astype(object), 2))
    more = GroupedRows(0.5 * X, np.repeat(np.array(["a", "new"], object), 150))
    weights = np.arange(600) % 3 if weighted else None

    def learned():
        model = GroupedAutoencoder(BatchAutoencoder(seed=1)).fit(rows, weights)
        fitted = model.score(rows)
        return fitted, model.partial_fit(more).score(more), list(model.models)

    alone = learned()
    with parallel_config(backend=backend, n_jobs=2):
        fitted, continued, names = learned()
    assert names == alone[2] == ["a", "b", "c", "new"]
    np.testing.assert_array_equal(fitted, alone[0])
    np.testing.assert_array_equal(continued, alone[1])


class Burnt(BatchAutoencoder):
    """Fails in the fit of rows that all are of one burnt sensor."""

    def fit(self, X, sample_weight=None, categories=None):
        if np.min(X) > 1e3:
            raise ValueError("Got a burnt sensor.")
        return super().fit(X, sample_weight, categories)

    def partial_fit(self, X, sample_weight=None):
        if np.min(X) > 1e3:
            raise ValueError("Got a burnt sensor.")
        return super().partial_fit(X, sample_weight)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_an_error_in_a_group_of_a_table_names_the_group_and_fits_nothing(n_jobs):
    X, keys = groups()
    burnt = np.vstack([X + 1e4 * (keys == "b")[:, None]] * 2)
    rows = GroupedRows(burnt, np.tile(keys.astype(object), 2))
    model = GroupedAutoencoder(Burnt(seed=1))
    with (
        parallel_config(n_jobs=n_jobs),
        pytest.raises(ValueError, match="burnt sensor") as caught,
    ):
        model.fit(rows)
    assert caught.value.__notes__ == ["This was in the fit of group 'b'."]
    with pytest.raises(NotFittedError):
        model.score(rows)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_more_rows_of_which_a_groups_are_refused_teach_no_model(n_jobs):
    X, keys = groups()
    usual = GroupedRows(np.vstack([X, X + 1.0]), np.tile(keys.astype(object), 2))
    model = GroupedAutoencoder(Burnt(seed=1)).fit(usual)
    before = model.score(usual)
    with parallel_config(n_jobs=n_jobs), pytest.raises(ValueError, match="burnt sensor"):
        model.partial_fit(GroupedRows(X + 1e4 * (keys == "c")[:, None], keys.astype(object)))
    np.testing.assert_array_equal(model.score(usual), before)


def test_a_groups_model_has_the_names_of_the_frames_columns():
    pd = pytest.importorskip("pandas")
    X, keys = groups()
    frame = pd.DataFrame(X, columns=["x", "y", "z"])
    model = fit_groups(BatchAutoencoder(seed=1), frame, keys)["a"]
    alone = BatchAutoencoder(seed=1).fit(frame[keys == "a"])
    assert model.feature_names == ["x", "y", "z"]
    np.testing.assert_array_equal(model.score(frame), alone.score(frame))


def test_a_detector_that_is_handed_in_is_not_fitted_itself():
    X, keys = groups()
    detector = BatchAutoencoder(seed=1)
    fit_groups(detector, X, keys)
    assert detector.feature_names is None
    with pytest.raises(ValueError, match="not fitted"):
        detector.score(X)


@pytest.mark.parametrize(
    ("keys", "message"),
    [(["a"], r"shape \(1,\), but expected \(300,\)"), ([None] + ["a"] * 299, "no group at row 0")],
)
def test_groups_that_do_not_fit_the_rows_are_refused(keys, message):
    with pytest.raises(ValueError, match=message):
        fit_groups(BatchAutoencoder(seed=1), groups()[0], keys)


def models_of(groups_of_rows, n_jobs):
    X, keys = groups_of_rows
    return fit_groups(BatchAutoencoder(seed=1), X, keys, n_jobs=n_jobs)


def test_groups_may_be_fitted_inside_of_work_that_fans_out_itself():
    X, keys = groups()
    alone = models_of((X, keys), 1)
    for models in fan_out((delayed(models_of)((X, keys), 2) for _ in range(2)), 2):
        for key, model in models.items():
            np.testing.assert_array_equal(model.score(X), alone[key].score(X))


class Failing(BatchAutoencoder):
    """Fails in the fit of rows whose first cell is above 1,000, or kills the process that fits them."""

    def fit_sample(self, sample, categories=None):
        if sample.table[0, 0] > 1e6:
            os.kill(os.getpid(), signal.SIGKILL)
        if sample.table[0, 0] > 1e3:
            raise ValueError("Got a burnt sensor.")
        return super().fit_sample(sample, categories)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_an_error_in_a_group_names_the_group(n_jobs):
    X, keys = groups()
    X[keys == "b"] += 1e4
    with pytest.raises(ValueError, match="burnt sensor") as caught:
        fit_groups(Failing(seed=1), X, keys, n_jobs=n_jobs)
    assert caught.value.__notes__ == ["This was in the fit of group 'b'."]


def test_a_worker_that_is_killed_is_an_error_with_advice_and_the_next_call_works():
    X, keys = groups()
    broken = X + 1e7 * (keys == "b")[:, None]
    with pytest.raises(ChildProcessError, match=r"n_jobs=2: it was killed, .*short of memory") as caught:
        fit_groups(Failing(seed=1), broken, keys, n_jobs=2)
    assert isinstance(caught.value.__cause__, TerminatedWorkerError)
    assert len(fit_groups(Failing(seed=1), X, keys, n_jobs=2)) == 3


def test_a_sample_drawn_elsewhere_makes_the_model_of_the_whole_table():
    X = np.random.default_rng(0).normal(size=(500, 3))
    drawn = gather([X], 20_000, 7)
    one, other = BatchAutoencoder(seed=7).fit_sample(drawn), BatchAutoencoder(seed=7).fit(X)
    np.testing.assert_array_equal(one.score(X), other.score(X))
