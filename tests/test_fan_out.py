"""Work that fans out runs on the backend that the caller set, with the same results."""

import numpy as np
import pytest
from joblib import delayed, parallel_config
from joblib.parallel import get_active_backend

from iotae import BatchAutoencoder
from iotae._fan_out import fan_out
from iotae.data.sampling import gather
from iotae.distributed import fit_groups


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


@pytest.mark.parametrize(("backend", "n_jobs"), [("threading", 2), ("loky", 2), ("sequential", 1)])
def test_a_groups_model_is_that_of_its_rows_alone_on_any_backend(backend, n_jobs):
    X, keys = groups()
    with parallel_config(backend=backend, n_jobs=n_jobs):
        models = fit_groups(BatchAutoencoder(seed=1), X, keys)
    assert list(models) == ["a", "b", "c"]
    for key, model in models.items():
        alone = BatchAutoencoder(seed=1).fit(X[keys == key])
        np.testing.assert_array_equal(model.score(X), alone.score(X))


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


def test_a_sample_drawn_elsewhere_makes_the_model_of_the_whole_table():
    X = np.random.default_rng(0).normal(size=(500, 3))
    drawn = gather([X], 20_000, 7)
    one, other = BatchAutoencoder(seed=7).fit_sample(drawn), BatchAutoencoder(seed=7).fit(X)
    np.testing.assert_array_equal(one.score(X), other.score(X))
