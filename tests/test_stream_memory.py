"""What a stream may hold in memory: nothing that grows with the rows.

Each row brings a name or a text that was never there before, and slots are taken from features all the time.
"""

import gc
import sys

import numpy as np
import pytest

from benchmarks import memory
from iotae import OnlineAutoencoder, serialization

pytestmark = pytest.mark.untraced

WARM, MORE = 12_000, 6_000
"""Rows until slots, places on probation and the window of scores are full, and rows that may add nothing."""

MOST_BLOCKS_A_ROW = 0.1
"""Whatever is kept of a row is at least one block of memory."""


def churn(n, start=0):
    """Rows with a name and a text that no other row has, and three of a few features on their way."""
    for i in range(start, start + n):
        first = i // 300
        x = {f"s{first + 7 * (i % 4)}": float(i % 11), f"s{first + 1}": 1.0, f"t{i % 3}": f"text {i // 100}"}
        yield x | {f"never again {i}": float(i), "message": f"message {i}"}


def blocks():
    """Blocks of memory that Python holds after all that can be let go is gone."""
    gc.collect()
    return sys.getallocatedblocks()


def test_numba_memory_does_not_grow_with_the_rows():
    model = OnlineAutoencoder(seed=0, max_features=24)
    for x in churn(WARM):
        model.learn_one(x)
    before, evicted = blocks(), model._features.n_evicted
    for x in churn(MORE, WARM):
        model.score_one(x)
        model.learn_one(x)
    assert model._features.n_evicted - evicted > 30
    assert blocks() - before < MOST_BLOCKS_A_ROW * MORE


def test_a_saved_model_does_not_grow_with_the_rows():
    model = OnlineAutoencoder(seed=0, max_features=24)
    sizes = []
    for i, x in enumerate(churn(8_000)):
        model.learn_one(x)
        if i >= 4_000 and i % 1000 == 0:
            sizes.append(len(serialization.dumps("model", model.to_state())))
    # the names on probation and the row numbers in it get a digit longer
    assert np.ptp(sizes) < 0.05 * sizes[0]


def test_the_benchmark_would_see_a_byte_a_row():
    row = list(range(0, 1001, 10))
    flat = memory.Trace(row, [100.0] * 101, 1.0, 5)
    assert (flat.slope, flat.spread) == (pytest.approx(0.0, abs=1e-9), 0.0)
    leak = memory.Trace([5_000 * i for i in row], [100 + 5_000 * i / 2**20 for i in row], 1.0, 5)
    assert leak.spread > memory.FLAT_MIB
    assert leak.slope == pytest.approx(1e6 / 2**20)


def test_the_benchmarks_rows_come_and_go_and_are_evicted(tmp_path):
    sections, notes = memory.compare(0, 6_000, tmp_path / "m.png")
    assert notes == []
    assert (tmp_path / "m.png").stat().st_size > 1_000
    assert "m.png" in "".join(sections)
    names = [set(x) for x in memory.rows(6_000)]
    assert all(len(x) == memory.PRESENT + 2 for x in names)
    assert len(set.union(*names)) == memory.ALIVE + 5_999 // memory.REPLACED_EVERY + 2
