import numpy as np
import pandas as pd
import pytest
import torch

from iotae import BatchAutoencoder, serialization
from iotae._validation import NotFittedError


@pytest.fixture
def table(rng):
    load = rng.normal(size=(800, 2))
    return load @ rng.normal(size=(2, 6)) * 10 + rng.normal(scale=0.3, size=(800, 6)) + 100


def test_structure_is_learned_and_breaking_it_shows(table, rng):
    model = BatchAutoencoder(seed=0).fit(table)
    broken = table[:200].copy()
    broken[:, 3] = rng.permutation(table[:, 3])[:200]
    assert np.median(model.score(broken)) > 2 * np.median(model.score(table))
    assert model.history[-1] < 0.6 * model.history[0]
    np.testing.assert_allclose(model.reconstruct(table).mean(0), table.mean(0), rtol=0.02)


def test_shares_add_up_to_scores(table):
    table[::7, 2] = np.nan
    model = BatchAutoencoder(seed=0).fit(table)
    parts = model.errors(table)
    assert (parts >= 0).all()
    np.testing.assert_allclose(parts.sum(axis=1), model.score(table), rtol=1e-5)


def test_scores_do_not_depend_on_how_rows_are_sliced(table):
    model = BatchAutoencoder(seed=0).fit(table)
    whole = model.score(table)
    np.testing.assert_allclose(
        np.concatenate([model.score(table[:1]), model.score(table[1:])]), whole, rtol=1e-5
    )


def test_missing_cells_are_filled_by_what_the_others_say(table):
    # a denoising autoencoder has learned to do without single cells
    model = BatchAutoencoder(seed=0, dropout_rate=0.3, epochs=300, hidden_sizes=(16, 3, 16)).fit(table)
    holed = table[:100].copy()
    holed[:, 1] = np.nan
    filled = model.reconstruct(holed)[:, 1]
    assert np.corrcoef(filled, table[:100, 1])[0, 1] > 0.7


def test_both_engines_and_a_custom_network_score_alike(table):
    kernel = BatchAutoencoder(seed=0, epochs=5).fit(table)
    torch_cpu = BatchAutoencoder(seed=0, epochs=5, device="cpu:0").fit(table)
    np.testing.assert_allclose(kernel.history, torch_cpu.history, rtol=1e-2)
    assert np.corrcoef(kernel.score(table), torch_cpu.score(table))[0, 1] > 0.99
    torch.manual_seed(0)
    module = torch.nn.Sequential(torch.nn.Linear(6, 2), torch.nn.Tanh(), torch.nn.Linear(2, 6))
    custom = BatchAutoencoder(seed=0, network=module, learning_rate=0.02).fit(table)
    assert custom.history[-1] < custom.history[0]
    assert np.isfinite(custom.score(table)).all()
    with pytest.raises(TypeError, match="custom network"):
        custom.to_state()


@pytest.mark.skipif(torch.cuda.is_available(), reason="the error is for machines without a GPU")
def test_cuda_without_a_gpu_says_so(table):
    with pytest.raises(ValueError, match="device='cuda'"):
        BatchAutoencoder(device="cuda").fit(table)
    with pytest.raises(ValueError, match="device='nonsense'"):
        BatchAutoencoder(device="nonsense").fit(table)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU that torch can use")
def test_cuda_scores_as_the_kernels_do(table):
    model = BatchAutoencoder(seed=0, device="cuda").fit(table)
    on_cpu = BatchAutoencoder.from_state(
        {**model.to_state(), "settings": {**model.to_state()["settings"], "device": None}}
    )
    np.testing.assert_allclose(on_cpu.score(table), model.score(table), rtol=1e-3, atol=1e-3)


def test_sample_weights_of_zero_leave_rows_out(table, rng):
    polluted = np.vstack([table, rng.normal(scale=1e4, size=(200, 6))])
    weights = np.r_[np.ones(800), np.zeros(200)]
    clean = BatchAutoencoder(seed=0).fit(table)
    weighted = BatchAutoencoder(seed=0).fit(polluted, sample_weight=weights)
    np.testing.assert_array_equal(clean.score(table), weighted.score(table))
    for bad in (np.ones(3), np.zeros(1000), np.full(1000, np.nan), -weights):
        with pytest.raises(ValueError, match="sample_weight"):
            BatchAutoencoder().fit(polluted, sample_weight=bad)


def test_scaling_none_takes_rows_as_they_are(table):
    scaled = (table - table.mean(0)) / table.std(0)
    model = BatchAutoencoder(seed=0, scaling="none").fit(scaled)
    assert model.history[-1] < 0.5
    np.testing.assert_allclose(model.reconstruct(scaled[:3]), scaled[:3], atol=1.5)


def test_state_round_trip_goes_on_bit_for_bit(table):
    model = BatchAutoencoder(seed=0, hidden_sizes=(4, 2, 4)).fit(pd.DataFrame(table, columns=list("abcdef")))
    back = BatchAutoencoder.from_state(serialization.loads(serialization.dumps("m", model.to_state()))[1])
    assert back.feature_names == list("abcdef")
    for one in (model, back):
        one.partial_fit(table[:100])
    np.testing.assert_array_equal(model.score(table), back.score(table))
    unfitted = BatchAutoencoder.from_state(BatchAutoencoder(seed=1).to_state())
    with pytest.raises(NotFittedError, match="call fit"):
        unfitted.score(table)


def test_the_cost_of_training_does_not_grow_with_the_table(rng):
    steps = [BatchAutoencoder(seed=0).fit(rng.normal(size=(n, 3)))._network.step for n in (300, 30_000)]
    assert steps == [100, 100]
    model = BatchAutoencoder(seed=0, epochs=2, batch_size=64).fit(rng.normal(size=(300, 3)))
    assert model._network.step <= 10


def test_clean_rows_are_all_believed(rng):
    usual = rng.normal(size=(2000, 4))
    clump = rng.normal(size=(200, 4), scale=0.05) + 6.0
    table = np.vstack([usual, clump])
    suspicious, trusting = (BatchAutoencoder(seed=0, clean=clean).fit(table) for clean in (False, True))
    assert np.median(suspicious.score(clump)) > 1.5 * np.median(trusting.score(clump))


def test_scoring_by_reconstruction_is_the_papers_distance(table):
    model = BatchAutoencoder(seed=0, scoring="reconstruction", scaling="none").fit(table / 100)
    expected = np.linalg.norm(table / 100 - model.reconstruct(table / 100), axis=1)
    np.testing.assert_allclose(model.score(table / 100), expected, rtol=1e-4)
    np.testing.assert_allclose(model.errors(table / 100).sum(axis=1), expected, rtol=1e-4)


def test_partial_fit_keeps_a_bounded_sample_that_stands_for_all(rng):
    model = BatchAutoencoder(seed=0)
    for shift in range(6):
        model.partial_fit(rng.normal(size=(5000, 2)) + shift)
    assert len(model._kept.rows) == 4096
    assert model._kept.n_seen == 30_000
    assert model._kept.rows.mean() == pytest.approx(2.5, abs=0.15)


@pytest.mark.parametrize(
    ("X", "error", "words"),
    [
        (np.zeros((0, 3)), ValueError, r"\(0, 3\)"),
        (np.zeros((3, 0)), ValueError, r"\(3, 0\)"),
        (np.zeros(3), ValueError, r"\(3,\)"),
        (pd.DataFrame({"a": [1.0], "b": ["x"]}), TypeError, "column 'b'"),
    ],
)
def test_bad_tables_are_refused_before_anything_changes(X, error, words, table):
    model = BatchAutoencoder(seed=0).fit(table)
    before = model.score(table)
    with pytest.raises(error, match=words):
        model.fit(X)
    np.testing.assert_array_equal(model.score(table), before)
    with pytest.raises(ValueError, match=r"expected \(n, 6\)"):
        model.score(table[:, :2])


@pytest.mark.parametrize(
    "params",
    [
        {"scaling": "minmax"},
        {"epochs": 0},
        {"scoring": "l1"},
        {"learning_rate": float("nan")},
        {"dropout_rate": -0.1},
        {"seed": -1},
        {"batch_size": 2.5},
    ],
)
def test_bad_parameters_are_refused_by_name(params):
    with pytest.raises(ValueError, match=f"Got {next(iter(params))}="):
        BatchAutoencoder(**params)


def test_columns_in_another_order_are_refused(rng):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(rng.normal(size=(60, 3)), columns=list("abc"))
    model = BatchAutoencoder(seed=0).fit(frame)
    for act in (model.score, model.partial_fit, model.errors):
        with pytest.raises(ValueError, match=r"Got the columns \['c', 'b', 'a'\]"):
            act(frame[list("cba")])
    with pytest.raises(TypeError, match=r"pass \[frame\]"):
        BatchAutoencoder().fit_chunks(frame)
