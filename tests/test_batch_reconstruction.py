import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from iotae.batch.reconstruction import distance, shares

cells = st.floats(-100, 100, width=32) | st.just(float("nan"))
tables = hnp.arrays(np.float32, st.tuples(st.integers(1, 8), st.integers(1, 5)), elements=cells)


@settings(max_examples=100)
@given(tables)
def test_shares_add_up_to_the_distance(target):
    output = np.full_like(target, 0.5)
    parts = shares(target, output)
    assert (parts >= 0).all()
    np.testing.assert_allclose(parts.sum(axis=1), distance(target, output), rtol=1e-5, atol=1e-6)
    assert (parts[np.isnan(target)] == 0).all()


def test_distance_is_the_norm_where_nothing_is_missing(rng):
    target, output = rng.normal(size=(2, 50, 7)).astype(np.float32)
    np.testing.assert_allclose(distance(target, output), np.linalg.norm(target - output, axis=1), rtol=1e-5)


def test_a_row_without_any_cell_has_no_error():
    assert distance(np.full((1, 3), np.nan, np.float32), np.ones((1, 3), np.float32)).tolist() == [0.0]
