import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iotae.nn import architecture


@given(st.integers(1, 5000))
def test_default_sizes_are_a_funnel_with_a_true_bottleneck(n_features):
    outer, inner, last = architecture.default_hidden_sizes(n_features)
    assert outer == last
    assert 1 <= inner < outer
    assert n_features == 1 or inner < n_features


@given(st.lists(st.integers(1, 12), min_size=2, max_size=6))
def test_views_cover_the_block_exactly_once(sizes):
    block = np.zeros(architecture.n_parameters(sizes), np.float32)
    for weights, biases in architecture.layer_views(block, sizes):
        weights += 1
        biases += 1
    assert (block == 1).all()


def test_views_refuse_a_block_of_another_network():
    with pytest.raises(ValueError, match=r"shape \(5,\).*expected \(8,\)"):
        architecture.layer_views(np.zeros(5, np.float32), (3, 2))


@pytest.mark.parametrize("bad", [(), (0,), (4, -1), ("8",), (True,), "16", (2.5,)])
def test_bad_hidden_sizes_are_refused(bad):
    with pytest.raises(ValueError, match="hidden_sizes="):
        architecture.validate_hidden_sizes(bad)


def test_weights_follow_the_names_of_features():
    sizes = (3, 2, 3)
    block = architecture.initial_parameters(sizes, 7, ["a", "b", "c"])
    turned = architecture.initial_parameters(sizes, 7, ["c", "a", "b"])
    (w_in, _), (w_out, _) = architecture.layer_views(block, sizes)
    (v_in, _), (v_out, _) = architecture.layer_views(turned, sizes)
    np.testing.assert_array_equal(w_in[[2, 0, 1]], v_in)
    np.testing.assert_array_equal(w_out[:, [2, 0, 1]], v_out)


def test_initial_weights_have_glorots_spread():
    sizes = (200, 100, 200)
    (weights, biases), _ = architecture.layer_views(architecture.initial_parameters(sizes, 0), sizes)
    assert not biases.any()
    assert weights.std() == pytest.approx(np.sqrt(2 / 300), rel=0.03)


def test_resizing_keeps_what_both_have():
    old = architecture.initial_parameters((2, 3, 2), 0)
    fresh = architecture.initial_parameters((4, 3, 4), 1)
    new = architecture.resized_parameters(old, (2, 3, 2), (4, 3, 4), fresh)
    (old_in, _), (old_out, _) = architecture.layer_views(old, (2, 3, 2))
    (new_in, _), (new_out, _) = architecture.layer_views(new, (4, 3, 4))
    np.testing.assert_array_equal(new_in[:2], old_in)
    np.testing.assert_array_equal(new_out[:, :2], old_out)
    np.testing.assert_array_equal(new_in[2:], architecture.layer_views(fresh, (4, 3, 4))[0][0][2:])
    with pytest.raises(ValueError, match="expected as many"):
        architecture.resized_parameters(old, (2, 3, 2), (2, 3, 3, 2), fresh)
