"""The comparison of scores' shapes: F1 by thresholder and reliability of probabilities."""

import numpy as np
import pytest

from benchmarks import thresholders


def test_bins_say_what_was_said_and_what_was_so():
    y = np.array([0, 0, 0, 1, 1, 1])
    said = np.array([0.0, 0.1, 0.9, 0.9, 1.0, 1.0])
    bins, error = thresholders.reliability(y, said)
    assert [(round(mean, 3), share, n) for mean, share, n in bins] == [(0.05, 0.0, 2), (0.95, 0.75, 4)]
    assert error == pytest.approx((2 * 0.05 + 4 * 0.2) / 6)


def test_probabilities_that_are_right_have_no_error(rng):
    said = rng.random(50_000)
    assert thresholders.reliability(rng.random(50_000) < said, said)[1] < 0.02


def test_a_thresholder_that_fails_labels_nothing(monkeypatch):
    module = pytest.importorskip("pythresh.thresholds.iqr", reason="needs the optional package pythresh")

    def fails(self, scores):
        raise ValueError("no")

    scores = np.r_[np.ones(50), 99.0]
    assert thresholders.labels_of("IQR", np.r_[np.linspace(0, 1, 50), 99.0])[-1] == 1
    monkeypatch.setattr(module.IQR, "eval", fails)
    np.testing.assert_array_equal(thresholders.labels_of("IQR", scores), np.zeros(51))
