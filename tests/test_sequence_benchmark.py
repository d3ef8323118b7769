"""The page on sequences: what its sets are, and that each row of it scores every row of a series."""

import numpy as np
import pytest

from benchmarks import sequence_sets, sequences
from benchmarks.sequence_rows import DETECTORS, WINDOW, averaged
from benchmarks.sequence_sets import Series


def test_the_made_sets_have_anomalies_among_the_test_rows_alone_where_they_say_so():
    for name in ("wrong hours", "sensor: stuck"):
        for one in sequence_sets.series(name, 0, 1000):
            assert len(one.test) == len(one.y)
            assert 0.01 < one.y.mean() < 0.2


def test_the_control_is_a_mean_over_the_window():
    scores = np.zeros(100)
    scores[50] = WINDOW
    mean = averaged(scores)
    assert mean.shape == (100,)
    assert np.flatnonzero(np.round(mean, 9)).size == WINDOW


@pytest.mark.parametrize("name", [name for name in DETECTORS if name not in ("CNN forecaster", "LSTMAD")])
def test_a_row_of_the_page_is_measured(name):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 3))
    X[300:320] += 8
    y = np.zeros(200, np.int8)
    y[100:120] = 1
    found = sequences.measure(Series("made", X[:200], X[200:], y), name, 0)
    assert found["auc"] > 0.5
    assert 0.0 <= found["vus"] <= 1.0
    assert 0.0 <= found["events"] <= 1.0


def test_the_page_has_a_line_for_each_detector(tmp_path, monkeypatch):
    monkeypatch.setattr(sequences.datasets, "ROOT", tmp_path)
    monkeypatch.setattr(sequences, "DETECTORS", {"Sub-PCA": DETECTORS["Sub-PCA"]})
    first, notes = sequences.compare(0, 6000, quick=True)
    again, _ = sequences.compare(0, 6000, quick=True)
    assert first == again
    assert not notes
    assert sum("| Sub-PCA" in section for section in first) == 3
