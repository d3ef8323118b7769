"""Tuning, a model a group and the benchmarks on Dask and on Ray: the results of one process, to the bit."""

from __future__ import annotations

import os
import signal
import traceback
from functools import partial

import numpy as np
import pytest
from joblib import parallel_config

from benchmarks import runner
from iotae import BatchAutoencoder
from iotae.batch.group_rows import GroupedRows
from iotae.batch.grouped import GroupedAutoencoder
from iotae.data import Table
from iotae.distributed import fit_groups
from iotae.model_selection import tune
from iotae.pipeline import TableDetector

WORKERS = (1, 2)


@pytest.fixture(scope="module")
def dask():
    distributed = pytest.importorskip("distributed", reason="install iotae[dask]")
    cluster = distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address="127.0.0.1:0"
    )
    with cluster, distributed.Client(cluster):
        yield


@pytest.fixture(scope="module")
def ray():
    ray = pytest.importorskip("ray", reason="install iotae[ray]")
    from joblib.pool import PicklingPool
    from ray.util.joblib import register_ray

    bases = PicklingPool.__bases__
    register_ray()
    ray.init(num_cpus=2, include_dashboard=False, object_store_memory=100 * 2**20)
    yield
    ray.shutdown()
    PicklingPool.__bases__ = bases  # which Ray changes for the whole process


@pytest.fixture(params=[pytest.param(name, marks=getattr(pytest.mark, name)) for name in ("dask", "ray")])
def backend(request):
    request.getfixturevalue(request.param)
    return request.param


def groups():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 3))
    return X, np.array(["b", "a", "c"])[rng.integers(0, 3, 300)]


@pytest.mark.parametrize("n_jobs", WORKERS)
def test_a_model_a_group_is_the_one_of_one_process(backend, n_jobs):
    X, keys = groups()
    alone = fit_groups(BatchAutoencoder(seed=1), X, keys, n_jobs=1)
    with parallel_config(backend):
        models = fit_groups(BatchAutoencoder(seed=1), X, keys, n_jobs=n_jobs)
    assert list(models) == ["a", "b", "c"]
    for key, model in models.items():
        np.testing.assert_array_equal(model.score(X), alone[key].score(X))


@pytest.mark.parametrize("n_jobs", WORKERS)
def test_tuning_finds_what_one_process_finds(backend, n_jobs):
    X, _ = groups()
    table = Table({name: X[:, i] for i, name in enumerate("xyz")})
    detector = TableDetector(autoencoder=BatchAutoencoder(epochs=5, seed=0), seed=0)
    search = partial(
        tune, detector, table, grid={"layers": [1], "neurons": [2, 4], "alpha": [0.01, 0.1]}, n_splits=2
    )
    alone = search(n_jobs=1)
    with parallel_config(backend):
        found = search(n_jobs=n_jobs)
    assert found.table == alone.table
    np.testing.assert_array_equal(found.best_model.score(table), alone.best_model.score(table))


@pytest.mark.parametrize("n_jobs", WORKERS)
def test_a_benchmark_measures_what_one_process_measures(backend, n_jobs, development_data, tmp_path):
    jobs = [runner.Job("table_unlabelled", name, "iotae", max_rows=200) for name in ("29_Pima", "4_breastw")]
    figures = []
    for folder, backend_of_run in (("alone", "sequential"), (backend, backend)):
        with parallel_config(backend_of_run):
            records = runner.run(jobs, workers=n_jobs, cache_folder=tmp_path / folder, progress=False)
        figures.append([(record["dataset"], record["auc"], record["ap"]) for record in records])
    assert figures[0] == figures[1]


class Failing(BatchAutoencoder):
    def fit_sample(self, sample, categories=None):
        if sample.table[0, 0] > 1e3:
            raise ValueError("Got a burnt sensor.")
        return super().fit_sample(sample, categories)


def test_an_error_in_a_group_names_the_group(backend):
    X, keys = groups()
    X[keys == "b"] += 1e4
    with parallel_config(backend), pytest.raises(ValueError, match="burnt sensor") as caught:
        fit_groups(Failing(seed=1), X, keys, n_jobs=2)
    assert "in the fit of group 'b'" in "".join(traceback.format_exception(caught.value))


class Mortal(BatchAutoencoder):
    """Kills the worker process that fits it to rows whose first cell is above 1,000."""

    def fit_sample(self, sample, categories=None):
        if sample.table[0, 0] > 1e3:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().fit_sample(sample, categories)


def test_a_worker_that_is_killed_is_an_error_with_advice_and_the_next_call_works(backend):
    X, keys = groups()
    with parallel_config(backend):
        with pytest.raises(ChildProcessError, match="n_jobs=2: it was killed"):
            fit_groups(Mortal(seed=1), X + 1e4 * (keys == "b")[:, None], keys, n_jobs=2)
        found = fit_groups(Mortal(seed=1), X, keys, n_jobs=2)
    for key, alone in fit_groups(Mortal(seed=1), X, keys, n_jobs=1).items():
        np.testing.assert_array_equal(found[key].score(X), alone.score(X))


@pytest.mark.parametrize("n_jobs", WORKERS)
def test_a_table_of_groups_has_the_scores_of_one_process(backend, n_jobs):
    X, keys = groups()
    rows = GroupedRows(np.vstack([X, X + 1.0]), np.tile(keys.astype(object), 2))
    alone = GroupedAutoencoder(BatchAutoencoder(seed=1)).fit(rows)
    with parallel_config(backend, n_jobs=n_jobs):
        found = GroupedAutoencoder(BatchAutoencoder(seed=1)).fit(rows)
    assert list(found.models) == ["a", "b", "c"]
    np.testing.assert_array_equal(found.score(rows), alone.score(rows))
