"""Peers behind the scaler that their documentation advises, and how ours does against each of them."""

import numpy as np
import pytest

from benchmarks import contests, detectors, table_peers
from benchmarks.detector import Task


class Columns:
    """Scores a row by what it is given, so that a test sees it."""

    def fit(self, X):
        self.seen = X
        self.decision_scores_ = X.sum(axis=1)
        return self

    def decision_function(self, X):
        return X.sum(axis=1)


@pytest.fixture
def rows():
    return np.random.default_rng(0).normal(size=(200, 3)) * [1e-3, 1.0, 1e5] + [5.0, 0.0, -7.0]


def test_a_scaled_peer_sees_the_training_rows_mean_and_deviation(rows):
    inner = Columns()
    peer = table_peers.wrapped(inner, table_peers.SCALED).fit(rows)
    np.testing.assert_allclose(inner.seen.mean(axis=0), 0.0, atol=1e-9)
    np.testing.assert_allclose(inner.seen.std(axis=0), 1.0)
    np.testing.assert_allclose(peer.decision_scores_, peer.decision_function(rows))
    further = rows + 2 * rows.std(axis=0)
    np.testing.assert_allclose(peer.decision_function(further), peer.decision_function(rows) + 6)


def test_columns_without_variation_are_left_out_as_the_training_rows_say(rows):
    table = np.column_stack([rows, np.full(len(rows), 4.0)])
    inner = Columns()
    peer = table_peers.wrapped(inner, table_peers.VARYING).fit(table)
    assert inner.seen.shape == rows.shape
    moved = table.copy()
    moved[:, 3] = 9.0
    np.testing.assert_array_equal(peer.decision_function(moved), peer.decision_scores_)


def test_raw_values_are_raw():
    inner = Columns()
    assert table_peers.wrapped(inner, table_peers.RAW) is inner
    assert table_peers.recipe(table_peers.RAW) == ""


@pytest.mark.parametrize("name", [name for name, entry in detectors.TABLES.items() if not entry.ours])
def test_what_a_page_says_is_what_a_peer_is_given(name):
    entry = detectors.TABLES[name]
    if reason := entry.why_absent():
        pytest.skip(reason)
    made = entry.make(Task(0, 100, 4))
    wrapper = {table_peers.SCALED: "Standardised", table_peers.VARYING: "Varying"}.get(entry.given)
    assert wrapper is None or type(made).__name__ == wrapper
    assert getattr(made, "preprocessing", False) == (entry.given == table_peers.SELF_SCALED)
    assert table_peers.recipe(entry.given) in entry.recipe


def test_recipes_differ_where_detectors_do():
    recipes = [entry.recipe for entry in detectors.TABLES.values()]
    assert len(set(recipes)) == len(recipes)


@pytest.mark.parametrize("name", ["fair-cut forest", "extended isolation forest"])
def test_the_forests_of_isotree_find_far_rows_whatever_the_scale(name, rows):
    entry = detectors.TABLES[name]
    if reason := entry.why_absent():
        pytest.skip(reason)
    rows[:5] += 8 * rows.std(axis=0)
    model = entry.make(Task(0, *rows.shape)).fit(rows)
    assert set(np.argsort(-model.decision_scores_)[:5]) == set(range(5))
    np.testing.assert_array_equal(model.decision_function(rows), model.decision_scores_)
    again = entry.make(Task(0, *rows.shape)).fit(rows)
    np.testing.assert_array_equal(again.decision_scores_, model.decision_scores_)


def _records(figures):
    return [
        {"dataset": f"s{j}", "detector": name, "auc": value, "anomalies": 0.1}
        for name, values in figures.items()
        for j, value in enumerate(values)
    ]


def _cells(text):
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if "|" in line]


def test_wins_ties_losses_and_the_signed_rank_test_against_scipys():
    stats = pytest.importorskip("scipy.stats")
    ours = [0.9, 0.8, 0.7, 0.95, 0.6, 0.85, 0.9]
    peers = {"A": [0.8, 0.75, 0.7001, 0.9, 0.63, 0.70, 0.5], "B": [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]}
    text = contests.against(_records({"iotae": ours, **peers}), "iotae", {"auc": "AUC"})
    rows = _cells(text)[2:]
    assert [row[:2] for row in rows] == [["A", "5, 1, 1"], ["B", "7, 0, 0"]]
    lead = np.subtract(ours, peers["A"])
    lead[2] = 0
    plain = [
        stats.wilcoxon(lead[lead != 0], method="exact").pvalue,
        stats.wilcoxon(np.subtract(ours, peers["B"]), method="exact").pvalue,
    ]
    # Holm: the smaller p doubled, the larger not below it
    expected = [max(max(plain), 2 * min(plain)), 2 * min(plain)]
    assert [float(row[2]) for row in rows] == pytest.approx(expected, rel=0.05)
    assert "7 sets" in text


def test_another_of_ours_is_no_opponent_and_alone_there_is_no_contest():
    records = _records({"iotae": [0.5, 0.6], "iotae, clean=True": [0.5, 0.6], "A": [0.4, 0.4]})
    rows = _cells(contests.against(records, "iotae, clean=True", {"auc": "AUC"}))
    assert [row[0] for row in rows[2:]] == ["A"]
    assert contests.against(_records({"A": [0.4]}), "iotae", {"auc": "AUC"}) == ""
    assert contests.against(_records({"iotae": [0.4]}), "iotae", {"auc": "AUC"}) == ""


def test_a_failure_counts_as_chance():
    records = _records({"iotae": [0.9, 0.9], "A": [0.1, 0.1]})
    records[2] = {"dataset": "s0", "detector": "A", "anomalies": 0.1, "error": "no"}
    records[3] = {"dataset": "s1", "detector": "A", "anomalies": 0.1, "error": "no"}
    records[0]["auc"] = 0.5
    assert _cells(contests.against(records, "iotae", {"auc": "AUC"}))[2][1] == "1, 1, 0"
