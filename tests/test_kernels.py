"""The kernels against plain Python, against torch's autograd, and without numba."""

import subprocess
import sys

import numpy as np
import pytest
import torch

from iotae.nn import activations, architecture, elementwise, kernels, torch_backend
from iotae.nn.network import Network
from tests import naive

SIZES = (5, 4, 2, 4, 5)
LAYERS = np.array(SIZES)


@pytest.fixture
def rows(rng):
    table = rng.normal(size=(16, 5)).astype(np.float32)
    table[rng.random(table.shape) < 0.15] = np.nan
    table[0] = np.nan
    return table


@pytest.fixture
def block():
    return architecture.initial_parameters(SIZES, 3)


def propagate(block, activation, rows):
    network = Network(SIZES[0], SIZES[1:-1], activation, 0)
    network.parameters = block
    return network.propagate(rows)


def gradient_of(block, rows, weights, code):
    n = len(rows)
    tape = np.zeros(n * LAYERS.sum(), np.float32)
    delta = np.zeros_like(tape)
    target, mask = np.empty_like(rows), np.empty_like(rows)
    elementwise.load_rows(rows, target, mask)
    tape[: target.size] = target.ravel()
    kernels.forward(block, LAYERS, code, n, tape)
    out = tape[-target.size :].reshape(target.shape)
    loss = elementwise.loss_slope(target, mask, weights, out, delta[-target.size :].reshape(target.shape))
    gradient = np.empty_like(block)
    kernels.backward(block, LAYERS, code, n, tape, delta, gradient)
    return loss, gradient


@pytest.mark.parametrize("activation", activations.ACTIVATIONS)
def test_forward_is_the_naive_network(activation, rows, block):
    code = activations.ACTIVATIONS[activation]
    expected = [naive.forward(block, SIZES, activation, row) for row in rows]
    # more rows than go through at a time
    _, many = propagate(block, activation, np.tile(rows, (17, 1)))
    np.testing.assert_allclose(many, expected * 17, atol=1e-6)
    _, output = propagate(block, activation, rows)
    np.testing.assert_allclose(output, expected, atol=1e-6)
    for row, line in zip(np.nan_to_num(rows), expected, strict=True):
        tape = np.zeros(LAYERS.sum(), np.float32)
        tape[: row.size] = row
        kernels.forward_row(block, LAYERS, code, tape)
        np.testing.assert_allclose(tape[-row.size :], line, atol=1e-6)


@pytest.mark.parametrize("activation", activations.ACTIVATIONS)
def test_loss_and_gradient_are_autograds(activation, rows, block, rng):
    weights = rng.uniform(0.5, 2.0, len(rows)).astype(np.float32)
    loss, gradient = gradient_of(block, rows, weights, activations.ACTIVATIONS[activation])
    torch_loss, torch_gradient = torch_backend.loss_and_gradient(block, SIZES, activation, rows, weights)
    assert loss == pytest.approx(naive.loss(block, SIZES, activation, rows, weights), rel=1e-5)
    assert loss == pytest.approx(torch_loss, rel=1e-5)
    np.testing.assert_allclose(gradient, torch_gradient, atol=1e-5)


@pytest.mark.parametrize("activation", activations.ACTIVATIONS)
def test_both_engines_encode_and_reconstruct_the_same(activation, rows, block):
    latent, output = propagate(block, activation, rows)
    network = torch_backend.FlatAutoencoder(block, SIZES, activation)
    assert latent.shape == (16, 2)
    np.testing.assert_allclose(output, torch_backend.reconstruct(network, rows), atol=1e-5)
    # the code is what a network of the first half makes of the rows
    n_first = architecture.n_parameters(SIZES[:3])
    half = torch_backend.FlatAutoencoder(block[:n_first], SIZES[:3], activation)
    missing_as_zero = torch.from_numpy(np.nan_to_num(rows))
    code = half.activation(half(missing_as_zero)).detach().numpy()
    np.testing.assert_allclose(latent, code, atol=1e-5)


def test_adam_is_the_published_algorithm(block, rng):
    gradients = rng.normal(scale=[[1.0], [1e-3], [10.0]], size=(3, block.size)).astype(np.float32)
    ours, first, second = block.copy(), np.zeros_like(block), np.zeros_like(block)
    parameter = torch.nn.Parameter(torch.from_numpy(block.copy()))
    optimiser = torch.optim.Adam([parameter], lr=0.01)
    for step, gradient in enumerate(gradients, start=1):
        elementwise.adam_step(ours, gradient, first, second, step, 0.01)
        parameter.grad = torch.from_numpy(gradient)
        optimiser.step()
    np.testing.assert_allclose(ours, naive.adam(block, gradients, 0.01), atol=1e-6)
    np.testing.assert_allclose(ours, parameter.detach().numpy(), atol=1e-6)


def run_training(block, rows, dropout_rate=0.0, seed=0):
    trained, first, second = block.copy(), np.zeros_like(block), np.zeros_like(block)
    weights = np.ones(len(rows), np.float32)
    losses = [
        kernels.train(
            kernels.Learner(trained, first, second),
            LAYERS,
            0,
            kernels.Table(rows, weights, np.arange(len(rows))),
            kernels.Plan(6, np.full(3, 0.01), dropout_rate, epoch * 3),
            np.random.default_rng(seed),
        )
        for epoch in range(40)
    ]
    return trained, losses


def test_training_is_torchs_step_for_step(block, rows):
    ours, losses = run_training(block, rows)
    network = torch_backend.FlatAutoencoder(block, SIZES)
    order = [np.arange(len(rows))] * 40
    plan = kernels.Plan(6, np.full(120, 0.01), 0.0, 0)
    history = torch_backend.train(network, rows, np.ones(len(rows), np.float32), order, plan)
    np.testing.assert_allclose(losses, history, rtol=1e-3)
    np.testing.assert_allclose(ours, network.block.detach().numpy(), atol=2e-3)
    assert losses[-1] < 0.8 * losses[0]


def test_training_repeats_bit_for_bit_and_dropout_hides_cells(block, rows):
    once, _ = run_training(block, rows, 0.3, seed=1)
    again, _ = run_training(block, rows, 0.3, seed=1)
    other, _ = run_training(block, rows, 0.3, seed=2)
    np.testing.assert_array_equal(once, again)
    assert not np.array_equal(once, other)


def test_rows_that_are_all_missing_teach_nothing(block):
    trained, losses = run_training(block, np.full((6, 5), np.nan, np.float32))
    np.testing.assert_array_equal(trained, block)
    assert set(losses) == {0.0}


WITHOUT_NUMBA = """
import sys
sys.modules["numba"] = None
import pytest
from iotae._compiled import COMPILED, say_on_standard_error
assert not COMPILED
say_on_standard_error()
sys.exit(pytest.main([*sys.argv[1:], "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-k", "not numba"]))
"""


@pytest.mark.parametrize("room", ["kernels", "stream_scaler", "stream", "batch_neighbours"])
def test_the_same_tests_pass_without_numba(room, request):
    path = str(request.path.parent / f"test_{room}.py")
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_NUMBA, path],
        cwd=request.config.rootpath,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]


def test_the_rational_tanh_is_tanh_everywhere():
    x = np.concatenate([np.linspace(-12, 12, 100_001), [-1e30, 1e30, 0.0, 1e-30]]).astype(np.float32)
    units = x.reshape(1, -1).copy()
    activations.activate(units, activations.ACTIVATIONS["tanh"])
    np.testing.assert_allclose(units[0], np.tanh(x.astype(np.float64)), atol=1e-6)
    assert (np.abs(units) <= 1.0 + 1e-6).all()
    assert units[0, -2] == 0.0
