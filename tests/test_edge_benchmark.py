"""The edge's comparison: the tree that it writes is scikit-learn's, and an absent set is a note."""

import numpy as np
import pytest

from benchmarks import datasets, edge
from tests.export_c import needs_gcc


@needs_gcc
@pytest.mark.parametrize("labels", ["both", "one"])
def test_the_tree_in_c_is_the_tree(labels):
    from sklearn.tree import DecisionTreeClassifier

    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 3)).astype(np.float32).astype(np.float64)
    y = (X[:, 0] * X[:, 1] > 0.3).astype(int) if labels == "both" else np.zeros(300, int)
    tree = DecisionTreeClassifier(max_depth=4, random_state=0).fit(X, y)
    scores, micros = edge._in_c(edge.tree_header(tree), "table", X)
    expected = tree.predict_proba(X)[:, -1] if labels == "both" else np.zeros(300)
    assert np.abs(scores - expected).max() < 1e-6
    assert micros > 0.0


def test_a_set_that_is_not_here_is_a_note(monkeypatch):
    monkeypatch.setattr(datasets, "why_absent", lambda kind, name: f"{name} is not here")
    sections, notes = edge.compare(0, quick=True)
    assert len(sections) == 1
    assert notes == ["asd_omi is not here"] or "gcc" in notes[0]
