"""Networks of windows under torch: by name or the caller's own, in the model of a series."""

import copy
import sys

import numpy as np
import pytest
import torch

from iotae import sequence, serialization
from iotae.sequence import SequenceAutoencoder, torch_networks
from iotae.sequence.network_view import NAMES
from iotae.sequence.windows import hidden_parts
from pyod_iotae import SequenceIoTAE

WINDOW = 8
GPU = torch.cuda.is_available()


def series(n, seed=0):
    rng = np.random.default_rng(seed)
    return np.sin(np.arange(n)[:, None] / 6 + [0, 1, 2]) * [1, 10, 100] * (1 + 0.05 * rng.normal(size=(n, 3)))


@pytest.fixture(scope="module", params=NAMES)
def model(request):
    return SequenceAutoencoder(WINDOW, period=0, seed=0, network=request.param).fit(series(300))


class Own(torch.nn.Module):
    """From a window to its mean over time."""

    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(3, 3)
        self.drop = torch.nn.Dropout(0.2)

    def forward(self, windows):
        return self.drop(self.layer(windows)) + windows.mean(dim=1, keepdim=True)


def test_the_names_are_those_of_the_networks():
    assert tuple(torch_networks.NETWORKS) == NAMES


@pytest.mark.parametrize(("window", "d"), [(4, 1), (8, 3), (13, 6)])
def test_each_cell_is_hidden_in_one_part_and_no_sensor_as_a_whole(window, d):
    parts = hidden_parts(window, d)
    assert (parts.sum(axis=0) == 1).all()
    assert (parts.sum(axis=1) < window).all()


def test_a_cell_is_rebuilt_without_a_look_at_itself():
    network = torch_networks.build("gru", 3, 0)
    windows = np.random.default_rng(0).normal(size=(2, WINDOW, 3)).astype(np.float32)
    before = torch_networks.rebuild(network, windows, None)
    windows[0, 5, 1] += 3
    after = torch_networks.rebuild(network, windows, None)
    assert after[0, 5, 1] == before[0, 5, 1]
    assert (after[0] != before[0]).any()
    # nor does a window's result depend on its company
    np.testing.assert_array_equal(after[1], before[1])
    np.testing.assert_array_equal(torch_networks.rebuild(network, windows[:1], None), after[:1])


def test_what_is_hidden_in_training_is_a_quarter_of_the_time_and_some_sensors():
    hidden = torch_networks._hidden((2000, WINDOW, 3), torch.Generator().manual_seed(0)).numpy()
    per_sensor = hidden.sum(axis=1)
    assert set(np.unique(per_sensor)) == {2, WINDOW}
    assert 0.1 < (per_sensor == WINDOW).mean() < 0.2
    alone = torch_networks._hidden((500, WINDOW, 1), torch.Generator().manual_seed(0)).numpy()
    assert (alone.sum(axis=1) == 2).all()


def test_training_makes_it_miss_less(monkeypatch):
    monkeypatch.setattr(torch_networks, "_FEWEST_UPDATES", 80)
    windows = np.stack([np.sin(np.arange(WINDOW)[:, None] / 2 + i / 9 + [0, 1]) for i in range(100)])
    windows = windows.astype(np.float32)
    for name in NAMES:
        network = torch_networks.build(name, 2, 0)
        before = np.square(torch_networks.rebuild(network, windows, None) - windows).mean()
        torch_networks.train(network, windows, 0, None)
        assert np.square(torch_networks.rebuild(network, windows, None) - windows).mean() < 0.9 * before, name


def test_shares_and_steps_add_up_and_the_fault_is_named(model):
    X = series(120, seed=1)
    X[60, 1] += 60
    score, shares = model.score(X), model.explain(X)
    assert (shares >= 0).all()
    np.testing.assert_allclose(shares.sum(axis=1), score, rtol=1e-5)
    assert shares[60].argmax() == 1
    assert score[60] > 2 * np.median(score)
    for row in (0, 58, 119):
        assert model.explain_row(X, row).sum() == pytest.approx(score[row], rel=1e-5)


def test_the_same_seed_gives_the_same_and_leaves_torchs_generator_alone(model):
    torch.manual_seed(5)
    state = torch.get_rng_state()
    again = SequenceAutoencoder(WINDOW, period=0, seed=0, network=model.network).fit(series(300))
    assert torch.equal(torch.get_rng_state(), state)
    X = series(90, seed=3)
    np.testing.assert_array_equal(again.score(X), model.score(X))
    without = SequenceAutoencoder(WINDOW, period=0, seed=0).fit(series(300))
    assert (without.score(X) != model.score(X)).any()


def test_a_file_gives_the_same_scores(model, tmp_path):
    X = series(90, seed=3)
    serialization.write(tmp_path / "m", "series", model.to_state())
    back = SequenceAutoencoder.from_state(serialization.read(tmp_path / "m", "series")[1])
    np.testing.assert_array_equal(back.score(X), model.score(X))
    np.testing.assert_array_equal(back.explain(X), model.explain(X))
    assert serialization.dumps("series", back.to_state()) == serialization.dumps("series", model.to_state())


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("network", "parameters"), np.zeros(7, np.float32)),
        (("network", "parameters"), np.full(7, np.nan, np.float32)),
        (("network", "whitening", "mean"), np.zeros(5, np.float32)),
        (("network", "unit"), 0.0),
        (("network",), None),
        (("settings", "network"), None),
        (("settings", "network"), "transformer"),
        (("settings", "device"), "moon"),
        (("network", "whitening", "matrix", np.s_[0, 0]), 1e30),
    ],
)
def test_a_wrong_state_is_refused(path, value):
    state = copy.deepcopy(
        SequenceAutoencoder(WINDOW, period=0, seed=0, network="tcn").fit(series(60)).to_state()
    )
    part = state
    for name in path[:-1]:
        part = part[name]
    part[path[-1]] = value
    with pytest.raises(serialization.StateError):
        SequenceAutoencoder.from_state(state)


def test_a_state_from_before_there_were_networks_is_read():
    model = SequenceAutoencoder(WINDOW, period=0, seed=0).fit(series(60))
    state = model.to_state()
    del state["network"], state["settings"]["network"], state["settings"]["device"]
    X = series(40, seed=1)
    np.testing.assert_array_equal(SequenceAutoencoder.from_state(state).score(X), model.score(X))


def test_a_module_of_ones_own_is_copied_trained_and_not_saved():
    own = Own()
    before = own.layer.weight.detach().clone()
    one, two = (SequenceAutoencoder(WINDOW, period=0, seed=0, network=own).fit(series(200)) for _ in range(2))
    assert torch.equal(own.layer.weight, before)
    X = series(60, seed=1)
    np.testing.assert_array_equal(one.score(X), two.score(X))
    with pytest.raises(TypeError, match="save your module with torch"):
        one.to_state()


@pytest.mark.parametrize(
    ("network", "message"),
    [
        ("transformer", "expected one of 'tcn'"),
        (7, "expected one of 'tcn'"),
        (torch.nn.Linear(3, 2), r"\(2, 8, 2\); but expected windows of the same shape"),
        (torch.nn.Linear(5, 3), "expected windows of the same shape"),
    ],
)
def test_a_network_that_cannot_be_used_is_refused_and_changes_nothing(network, message):
    model = SequenceAutoencoder(WINDOW, period=0, seed=0).fit(series(60))
    before = model.fitted_scores
    with pytest.raises(ValueError, match=message):
        SequenceAutoencoder(WINDOW, period=0, seed=0, network=network).fit(series(60))
    model.network = network
    with pytest.raises(ValueError, match=message):
        model.fit(series(60))
    assert model.fitted_scores is before


def test_a_loss_that_is_not_finite_is_told():
    class Wild(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.factor = torch.nn.Parameter(torch.ones(1))

        def forward(self, windows):
            return windows * self.factor * float("inf")

    with pytest.raises(ValueError, match="loss became nan"):
        SequenceAutoencoder(WINDOW, network=Wild()).fit(series(60))


def test_absurd_missing_and_few_rows_have_finite_scores(model):
    X = series(50, seed=2)
    X[10], X[20, 0] = np.nan, 1e300
    for table in (X, X[:1], X[:5]):
        assert np.isfinite(model.score(table)).all()
    assert model.score(np.empty((0, 3))).shape == (0,)
    one = SequenceAutoencoder(WINDOW, period=0, seed=0, network=model.network).fit(np.ones((40, 1)))
    assert np.isfinite(one.score(np.zeros((20, 1)))).all()


def test_without_torch_it_is_said_what_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "iotae.sequence.torch_networks", None)
    monkeypatch.delattr(sequence, "torch_networks")
    with pytest.raises(ImportError, match="pip install torch"):
        SequenceAutoencoder(WINDOW, network="tcn").fit(series(60))


def test_a_device_needs_a_network_and_has_to_be_there():
    with pytest.raises(ValueError, match="no network"):
        SequenceAutoencoder(device="cpu")
    with pytest.raises(ValueError, match="expected a torch device"):
        SequenceAutoencoder(WINDOW, network="tcn", device="moon").fit(series(60))


@pytest.mark.skipif(GPU, reason="the error is for machines without a GPU")
def test_cuda_without_a_gpu_says_so():
    with pytest.raises(ValueError, match="device='cuda'"):
        SequenceIoTAE(window_size=WINDOW, network="tcn", device="cuda").fit(series(60))


@pytest.mark.skipif(not GPU, reason="needs a GPU that torch can use")
@pytest.mark.parametrize("network", NAMES)
def test_a_model_of_a_gpu_scores_the_same_on_the_cpu(network):
    model = SequenceAutoencoder(WINDOW, period=0, seed=0, network=network, device="cuda").fit(series(300))
    X = series(60, seed=1)
    back = SequenceAutoencoder.from_state(model.to_state())
    np.testing.assert_allclose(back.score(X), model.score(X), rtol=1e-2)


def test_the_detector_takes_a_network_and_its_file_does_too(tmp_path):
    X = series(200)
    clf = SequenceIoTAE(window_size=WINDOW, random_state=0, network="tcn", device="cpu").fit(X)
    core = SequenceAutoencoder(WINDOW, seed=0, network="tcn").fit(X)
    np.testing.assert_array_equal(clf.decision_scores_, core.fitted_scores)
    clf.save(tmp_path / "m")
    back = SequenceIoTAE.load(tmp_path / "m")
    np.testing.assert_array_equal(back.decision_function(X), clf.decision_scores_)
    assert back.get_params() == clf.get_params()
    state = clf.to_state()
    state["params"]["network"] = "gru"
    with pytest.raises(serialization.StateError, match="what the model's settings say"):
        SequenceIoTAE.from_state(state)
    with pytest.raises(TypeError, match="custom network"):
        SequenceIoTAE(window_size=WINDOW, network=Own()).fit(X).save(tmp_path / "n")
