"""The network that predicts each cell from the others: against torch and NumPy, and what it must not see."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from iotae.nn import leave_one_out
from iotae.nn.leave_one_out import HIDDEN, N_BLOCKS, initial_weights, n_rows_of_block, predict, train_step

D, N = 7, 12


class Net:
    """Weights, biases and room of one network over ``d`` cells, with nothing at rest at 0."""

    def __init__(self, d=D, n=N, seed=0):
        rng = np.random.default_rng(seed)
        rows = n_rows_of_block(d)
        self.block = np.zeros((N_BLOCKS * rows, HIDDEN), np.float32)
        self.block[:rows] = rng.normal(0, 0.4, size=(rows, HIDDEN))
        self.bias = np.zeros((N_BLOCKS, d), np.float32)
        self.bias[0] = rng.normal(size=d)
        self.scratch = np.zeros((2 * n + 2, HIDDEN), np.float32)
        self.d = d

    def predict(self, cells):
        out = np.empty(self.d, np.float32)
        predict(np.asarray(cells, np.float32), self.block, self.bias[0], self.scratch, out)
        return out

    def gradient(self, cells, target, function=leave_one_out._gradient):
        function(cells, target, self.block, self.bias, self.scratch)
        start = 3 * n_rows_of_block(self.d)
        return self.block[start:].copy(), self.bias[3].copy()

    def train(self, cells, target, steps, rate=5e-3):
        for step in range(1, steps + 1):
            train_step(cells, target, self.block, self.bias, step, rate, self.scratch)


def made(rng, n=N, d=D, gaps=True):
    cells = rng.normal(size=(n, d)).astype(np.float32)
    target = rng.normal(size=(n, d)).astype(np.float32)
    if gaps:
        target[rng.random(target.shape) < 0.2] = np.nan
    return cells, target


def torch_outputs(block, bias, cells):
    """Each cell's prediction with that cell set to 0, one whole pass for each of them."""
    d = cells.shape[1]
    columns = []
    for j in range(d):
        hidden_cell = cells.clone()
        hidden_cell[:, j] = 0.0
        hidden = torch.nn.functional.leaky_relu(hidden_cell @ block[:d] + block[2 * d], 0.05)
        columns.append(hidden @ block[d + j] + bias[j])
    return torch.stack(columns, dim=1)


def test_a_prediction_is_that_of_a_network_from_which_the_cell_is_hidden(rng):
    net, (cells, _) = Net(), made(rng)
    block, bias = torch.tensor(net.block[: 2 * D + 1]), torch.tensor(net.bias[0])
    expected = torch_outputs(block, bias, torch.tensor(cells)).numpy()
    for row, wanted in zip(cells, expected, strict=True):
        np.testing.assert_allclose(net.predict(row), wanted, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("d", [1, 2, 4, 7])
def test_the_gradient_is_torchs(d, rng):
    net, (cells, target) = Net(d), made(rng, d=d)
    block = torch.tensor(net.block[: 2 * d + 1], requires_grad=True)
    bias = torch.tensor(net.bias[0], requires_grad=True)
    wanted = torch.tensor(target)
    error = torch_outputs(block, bias, torch.tensor(cells)) - torch.nan_to_num(wanted)
    loss = (error[~torch.isnan(wanted)] ** 2).sum() / wanted.numel()
    loss.backward()
    slope, slope_of_bias = net.gradient(cells, target)
    np.testing.assert_allclose(slope, block.grad.numpy(), rtol=1e-3, atol=2e-5)
    np.testing.assert_allclose(slope_of_bias, bias.grad.numpy(), rtol=1e-3, atol=2e-5)


@pytest.mark.parametrize("d", [1, 5, 8])
def test_numba_loops_and_whole_arrays_agree(d, rng):
    cells, target = made(rng, d=d)
    loops, arrays = Net(d), Net(d)
    for ours, theirs in zip(
        loops.gradient(cells, target),
        arrays.gradient(cells, target, leave_one_out._gradient_arrays),
        strict=True,
    ):
        np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=2e-5)
    out = np.empty(d, np.float32)
    leave_one_out._predict_arrays(cells[0], arrays.block, arrays.bias[0], arrays.scratch, out)
    np.testing.assert_allclose(loops.predict(cells[0]), out, rtol=1e-4, atol=1e-4)


@given(st.integers(1, 9), st.data())
def test_no_cell_has_any_say_in_its_own_prediction(d, data):
    net = Net(d, seed=d)
    cells = np.random.default_rng(d).integers(-4, 5, size=d).astype(np.float32)
    # weights of few digits: then taking a cell away is exact in single precision, and so is the comparison
    net.block[:] = np.round(net.block * 64) / 64
    j = data.draw(st.integers(0, d - 1))
    before = net.predict(cells)[j]
    cells[j] = data.draw(st.integers(-4, 4))
    assert net.predict(cells)[j] == before


def test_a_new_network_predicts_nothing(rng):
    net = Net()
    net.block[: n_rows_of_block(D)] = initial_weights(D, 0)
    net.bias[:] = 0
    assert (net.predict(rng.normal(size=D)) == 0).all()
    assert (initial_weights(D, 0) == initial_weights(D, 0)).all()
    assert (initial_weights(D, 0) != initial_weights(D, 1)).any()


def test_training_finds_what_follows_from_the_other_cells(rng):
    net = Net(3, 32)
    net.block[: n_rows_of_block(3)], net.bias[:] = initial_weights(3, 0), 0
    a, b = rng.normal(size=(2, 32))
    cells = np.stack([a, b, np.abs(a) - np.abs(b)], axis=1).astype(np.float32)

    def loss():
        return np.mean((np.array([net.predict(row)[2] for row in cells]) - cells[:, 2]) ** 2)

    before = loss()
    net.train(cells, cells, 300)
    assert loss() < 0.1 * before


def test_targets_that_are_missing_teach_nothing(rng):
    net, (cells, target) = Net(), made(rng)
    before = net.block[: n_rows_of_block(D)].copy(), net.bias[0].copy()
    net.train(cells, np.full_like(target, np.nan), 3)
    np.testing.assert_array_equal(net.block[: n_rows_of_block(D)], before[0])
    np.testing.assert_array_equal(net.bias[0], before[1])
    # a column without targets keeps its own weights, and the others learn
    target[:, 2] = np.nan
    net.train(cells, target, 3)
    np.testing.assert_array_equal(net.block[D + 2], before[0][D + 2])
    assert (net.block[D + 1] != before[0][D + 1]).any()
