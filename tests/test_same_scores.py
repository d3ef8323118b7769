"""A row's score is a function of the row and the model alone, bit for bit.

However the table is cut, laid out in memory or added up: alone, beside other rows, on one thread or two, with
whatever kernels OpenBLAS has for the processor, compiled or not.
"""

import os
import platform
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iotae import BatchAutoencoder

METHODS = ("score", "errors", "reconstruct", "reconstruction_error")


def table(seed, n, d, gaps=0.05):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d)) @ rng.normal(size=(d, d)) + rng.normal(scale=0.1, size=(n, d))
    X[rng.random(X.shape) < gaps] = np.nan
    # rows that stand twice, and cells that repeat, make ties among distances
    X[n // 2 : n // 2 + 3] = X[0]
    X[:, 0] = np.round(X[:, 0])
    return X


@settings(max_examples=25, deadline=None)
@given(
    st.integers(0, 99),
    st.integers(1, 700),
    st.integers(1, 24),
    st.sampled_from([0.0, 0.1]),
    st.sampled_from(["joined", "reconstruction"]),
    st.sampled_from(["tanh", "elu", "leaky_relu"]),
    st.data(),
)
def test_a_rows_results_do_not_hang_on_the_other_rows(seed, n, d, gaps, scoring, activation, data):
    X = table(seed, n, d, gaps).astype(np.float32)
    model = BatchAutoencoder(seed=0, epochs=1, scoring=scoring, activation=activation).fit(X)
    cuts = sorted(data.draw(st.lists(st.integers(0, n), max_size=4)))
    some = data.draw(st.lists(st.integers(0, n - 1), min_size=1, max_size=8))
    for method in METHODS:
        made_of = getattr(model, method)
        expected = made_of(X)
        pieces = [made_of(piece) for piece in np.split(X, cuts) if len(piece)]
        others = {
            "in chunks": np.concatenate(pieces),
            "column by column": made_of(np.asfortranarray(X)),
            "in float64": made_of(X.astype(np.float64)),
            "with gaps in memory": made_of(np.repeat(X, 2, axis=0)[::2]),
            "backwards": made_of(X[::-1])[::-1],
        }
        for what, result in others.items():
            np.testing.assert_array_equal(result, expected, err_msg=f"{method} {what}")
        for i in some:
            np.testing.assert_array_equal(made_of(X[i : i + 1])[0], expected[i], err_msg=f"{method} alone")
    np.testing.assert_array_equal(model.score(X), model.fitted_scores)


@pytest.mark.parametrize("clean", [False, True])
def test_a_table_of_many_blocks_scores_as_its_rows_do(clean):
    X = table(1, 9000, 12)
    model = BatchAutoencoder(seed=0, clean=clean).fit(X)
    np.testing.assert_array_equal(model.score(X), model.fitted_scores)
    for step in (1, 17, 5000):
        parts = [model.score(X[start : start + step]) for start in range(3, 9000, 9000 // 20)]
        expected = [model.fitted_scores[start : start + step] for start in range(3, 9000, 9000 // 20)]
        np.testing.assert_array_equal(np.concatenate(parts), np.concatenate(expected))


def test_a_training_rows_label_alone_is_its_label_in_the_table():
    pyod_iotae = pytest.importorskip("pyod_iotae")
    for seed in range(8):
        X = table(seed, 101, 3)
        detector = pyod_iotae.IoTAE(random_state=0, contamination=0.1).fit(X)
        alone = [int(detector.predict(X[i : i + 1])[0]) for i in range(len(X))]
        np.testing.assert_array_equal(alone, detector.labels_)


def test_rows_of_a_network_of_ones_own_do_not_hang_on_each_other():
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    X = table(2, 600, 6)
    module = torch.nn.Sequential(torch.nn.Linear(6, 3), torch.nn.Tanh(), torch.nn.Linear(3, 6))
    model = BatchAutoencoder(seed=0, network=module, epochs=1).fit(X)
    expected = model.score(X)
    np.testing.assert_array_equal(np.concatenate([model.score(X[:7]), model.score(X[7:])]), expected)
    np.testing.assert_array_equal(model.score(X[5:6]), expected[5:6])


IN_ANOTHER_PROCESS = """
import sys
if sys.argv[3] == "without numba":
    sys.modules["numba"] = None
    import warnings
    warnings.simplefilter("ignore")
import numpy as np
from iotae import BatchAutoencoder, serialization
with open(sys.argv[1], "rb") as file:
    model = BatchAutoencoder.from_state(serialization.loads(file.read())[1])
X = np.load(sys.argv[2])
for method in ("score", "errors", "reconstruct", "reconstruction_error"):
    made_of = getattr(model, method)
    whole = made_of(X)
    pieces = [made_of(piece) for piece in np.split(X, [1, 2, 66, 400])]
    assert np.array_equal(np.concatenate(pieces), whole), method
    np.save(f"{sys.argv[4]}-{method}.npy", whole)
X = np.random.default_rng(0).normal(size=(101, 3))
fitted = BatchAutoencoder(seed=0).fit(X)
assert all(fitted.score(X[i : i + 1])[0] == fitted.fitted_scores[i] for i in range(101))
"""


def save(folder, activation):
    from iotae import serialization

    X = table(3, 700, 20)
    model = BatchAutoencoder(seed=0, activation=activation).fit(X)
    (folder / "model").write_bytes(serialization.dumps("m", model.to_state()))
    np.save(folder / "rows.npy", X)
    return folder, {method: getattr(model, method)(X) for method in METHODS}


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    return save(tmp_path_factory.mktemp("saved"), "tanh")


def results_elsewhere(folder, name, numba="with numba", **variables):
    arguments = [str(folder / "model"), str(folder / "rows.npy"), numba, str(folder / name)]
    done = subprocess.run(
        [sys.executable, "-c", IN_ANOTHER_PROCESS, *arguments],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return {method: np.load(folder / f"{name}-{method}.npy") for method in METHODS}


def on_threads(n):
    return {f"{library}_NUM_THREADS": str(n) for library in ("OMP", "OPENBLAS", "NUMBA")}


@pytest.mark.skipif(
    platform.machine().lower() not in ("x86_64", "amd64"), reason="OpenBLAS has these kernels on x86 only"
)
@pytest.mark.parametrize(
    ("kernels", "threads"), [("Haswell", 1), ("SandyBridge", 2), ("Prescott", 1), ("Haswell", 2)]
)
def test_a_saved_model_scores_the_same_with_every_blas(kernels, threads, saved):
    folder, expected = saved
    name = f"{kernels}-{threads}"
    got = results_elsewhere(folder, name, OPENBLAS_CORETYPE=kernels, **on_threads(threads))
    for method in METHODS:
        np.testing.assert_array_equal(got[method], expected[method], err_msg=method)


@pytest.mark.parametrize("threads", [1, 2])
def test_a_saved_model_scores_the_same_without_numba(threads, saved):
    folder, expected = saved
    got = results_elsewhere(folder, f"plain-{threads}", "without numba", **on_threads(threads))
    for method in METHODS:
        np.testing.assert_array_equal(got[method], expected[method], err_msg=method)


def test_an_exponential_linear_unit_scores_nearly_the_same_without_numba(tmp_path):
    folder, expected = save(tmp_path, "elu")
    got = results_elsewhere(folder, "plain", "without numba", **on_threads(1))
    for method in ("score", "reconstruct", "reconstruction_error"):
        # the tolerance that iotae.batch.scoring.JoinedScore states
        np.testing.assert_allclose(got[method], expected[method], rtol=1e-4, atol=1e-6, err_msg=method)
