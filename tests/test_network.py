import numpy as np
import pytest

from iotae.nn.architecture import layer_views
from iotae.nn.network import Network


def trained(names):
    rows = np.random.default_rng(0).normal(size=(128, len(names))).astype(np.float32)
    network = Network(len(names), (3, 2, 3), "tanh", 0, names)
    network.train(rows, np.arange(128), 16, 0.01)
    return network


def test_a_resized_network_keeps_what_it_knew_and_starts_afresh_where_told():
    old = trained(["a", "b"])
    new = old.resized(["a", "c", "d"], [1, 2])
    fresh = Network(3, (3, 2, 3), "tanh", 0, ["a", "c", "d"])
    (old_in, _), *_, (old_out, old_bias) = layer_views(old.parameters, old.sizes)
    (new_in, _), *_, (new_out, new_bias) = layer_views(new.parameters, new.sizes)
    (fresh_in, _), *_, (fresh_out, _) = layer_views(fresh.parameters, fresh.sizes)
    np.testing.assert_array_equal(new_in[0], old_in[0])
    np.testing.assert_array_equal(new_out[:, 0], old_out[:, 0])
    assert new_bias[0] == old_bias[0]
    np.testing.assert_array_equal(new_in[1:], fresh_in[1:])
    np.testing.assert_array_equal(new_out[:, 1:], fresh_out[:, 1:])
    assert not new_bias[1:].any()
    assert not layer_views(new.first, new.sizes)[0][0][1:].any()
    np.testing.assert_array_equal(
        layer_views(new.parameters, new.sizes)[1][0], layer_views(old.parameters, old.sizes)[1][0]
    )


def test_state_round_trip_trains_on_bit_for_bit():
    network = trained(["a", "b", "c"])
    back = Network.from_state(network.to_state())
    rows = np.random.default_rng(1).normal(size=(64, 3)).astype(np.float32)
    for one in (network, back):
        one.train(rows, one.generator.permutation(64), 16, 0.01, dropout_rate=0.2)
    np.testing.assert_array_equal(network.parameters, back.parameters)
    assert network.step == back.step == 12


def test_a_failed_engine_changes_nothing(rng):
    from iotae import BatchAutoencoder

    model = BatchAutoencoder(seed=0).fit(rng.normal(size=(50, 2)))
    before = model.score([[9.0, 9.0]])
    model.device = "nonsense"
    with pytest.raises(ValueError, match="device='nonsense'"):
        model.fit(rng.normal(size=(50, 3)))
    model.device = None
    np.testing.assert_array_equal(model.score([[9.0, 9.0]]), before)
