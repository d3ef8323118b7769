"""The benchmark of explanations: cells broken as it says, hit rates, explainers alike, and the page."""

import numpy as np
import pytest

from benchmarks import explainers, explanations
from benchmarks.explanations import break_cells, hits

pytestmark = pytest.mark.untraced  # benchmarks are not measured


@pytest.mark.parametrize("kind", explanations.KINDS)
@pytest.mark.parametrize("n_cells", [1, 3])
def test_as_many_cells_are_broken_as_asked_for_and_the_rest_is_left(kind, n_cells, rng):
    X, spread = rng.normal(size=(50, 6)) * 7, np.full(6, 7.0)
    broken = break_cells(X, n_cells, kind, spread, rng)
    assert (broken.where.sum(axis=1) == n_cells).all()
    np.testing.assert_array_equal(broken.X != X, broken.where)
    np.testing.assert_array_equal(broken.truth, X)
    if kind == "swapped":
        assert all(value in X[:, j] for j in range(6) for value in broken.X[broken.where[:, j], j])
    else:
        size = float(kind.split()[0]) * 7
        np.testing.assert_allclose(np.abs(broken.X - X)[broken.where], size)


def test_a_column_of_one_value_has_nothing_to_swap(rng):
    X = np.column_stack([np.ones(20), np.arange(20.0)])
    broken = break_cells(X, 2, "swapped", np.ones(2), rng)
    np.testing.assert_array_equal(broken.X[:, 0], 1.0)


def test_hit_rates_by_hand():
    where = np.array([[True, False, False, False], [True, True, False, False]])
    shares = np.array([[0.4, 0.3, 0.2, 0.1], [0.1, 0.2, 0.3, 0.4]])
    assert hits(shares, where) == (0.5, 0.75)
    assert hits(where.astype(float), where) == (1.0, 1.0)


@pytest.mark.parametrize("name", explainers.EXPLAINERS)
def test_each_explainer_finds_a_cell_far_off_and_ours_knows_what_it_should_be(name, rng):
    factors = rng.normal(size=(420, 2))
    rows = factors @ rng.normal(size=(2, 7)) + 0.2 * rng.normal(size=(420, 7))
    explainer = explainers.EXPLAINERS[name](rows[:360], 0)
    broken = break_cells(rows[360:], 1, "8 sd", rows.std(axis=0), rng)
    assert explainer.shares(broken.X).shape == broken.X.shape
    assert hits(explainer.shares(broken.X), broken.where)[0] > 0.8
    expected = explainer.expected(broken.X)
    if expected is None:
        assert name.startswith("ECOD")
    elif name == "iotae":
        off = np.abs(expected - broken.truth)[broken.where]
        assert np.median(off) < 0.5 * np.median(np.abs(broken.truth - rows.mean(axis=0))[broken.where])


@pytest.mark.parametrize("kind", explanations.MADE)
def test_made_tables_are_seeded_and_standardised(kind):
    rows = explanations.made(kind, 500, 3)
    np.testing.assert_array_equal(rows, explanations.made(kind, 500, 3))
    assert rows.shape == (500, explanations.MADE_COLUMNS)
    np.testing.assert_allclose(rows.std(axis=0), 1.0, atol=0.15)


def test_the_page_has_all_explainers_and_says_how_many_tables(monkeypatch):
    chosen = {name: explainers.EXPLAINERS[name] for name in ("ECOD, by column", "z-scores, column's mean")}
    monkeypatch.setattr(explanations, "EXPLAINERS", chosen)
    monkeypatch.setattr(explanations, "TRAIN_ROWS", 150)
    monkeypatch.setattr(explanations, "TEST_ROWS", 30)
    sections, notes = explanations.compare(0, quick=True)
    assert notes == []
    assert "150 normal rows; in 30 others" in sections[0]
    assert [section.splitlines()[0] for section in sections[1:]] == [
        "## Made: correlated",
        "## Made: independent",
        "## Made: non-linear",
        "## What was to be expected",
    ]
    assert all(name in sections[1] for name in chosen)
    assert "ECOD, by column" not in sections[-1]
