"""The comparison of detectors over sets against SciPy, published tables and by hand."""

from __future__ import annotations

import builtins
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from iotae.evaluation import compare
from iotae.evaluation.comparison import holm, signed_rank_p

TABLES = st.integers(3, 5).flatmap(
    lambda k: st.lists(st.lists(st.integers(0, 4), min_size=k, max_size=k), min_size=4, max_size=12)
)


def figures(table):
    return {f"d{i}": column for i, column in enumerate(np.asarray(table, float).T)}


@given(TABLES.filter(lambda t: any(len(set(row)) > 1 for row in t)))
def test_ranks_and_friedman_agree_with_scipy(table):
    result = compare(figures(table))
    columns = np.asarray(table, float)
    ranks = dict(zip(figures(table), stats.rankdata(-columns, axis=1).mean(axis=0), strict=True))
    assert dict(zip(result.names, result.mean_ranks, strict=True)) == pytest.approx(ranks)
    assert (np.diff(result.mean_ranks) >= 0).all()
    theirs = stats.friedmanchisquare(*columns.T)
    assert result.friedman_statistic == pytest.approx(theirs.statistic)
    assert result.friedman_p == pytest.approx(theirs.pvalue)


def test_pairs_are_wilcoxons_adjusted_by_holm(rng):
    table = figures(rng.normal([0.0, 0.5, 1.5], size=(20, 3)))
    result = compare(table)
    pairs = [(0, 1), (0, 2), (1, 2)]
    plain = [stats.wilcoxon(table[result.names[i]], table[result.names[j]]).pvalue for i, j in pairs]
    for (i, j), adjusted in zip(pairs, holm(plain), strict=True):
        assert result.wilcoxon_p[i, j] == result.wilcoxon_p[j, i] == pytest.approx(adjusted)
    assert (np.diag(result.wilcoxon_p) == 1).all()


@given(st.lists(st.integers(-4, 4), min_size=1, max_size=9))
def test_the_signed_rank_test_agrees_with_trying_all_signs(differences):
    given = [d for d in differences if d]
    ranks = stats.rankdata(np.abs(given)) if given else np.empty(0)
    sums = [
        sum(r for r, up in zip(ranks, signs, strict=True) if up)
        for signs in product((0, 1), repeat=len(given))
    ]
    seen = sum(r for r, d in zip(ranks, given, strict=True) if d > 0)
    tails = [np.mean([s <= seen for s in sums]), np.mean([s >= seen for s in sums])]
    assert signed_rank_p(differences) == pytest.approx(min(1.0, 2 * min(tails)))


@pytest.mark.parametrize("n", [2, 13, 40, 300])
def test_the_signed_rank_test_agrees_with_scipy(rng, n):
    differences = rng.normal(0.1, 1.0, n)
    theirs = stats.wilcoxon(differences, method="exact" if n <= 40 else "asymptotic").pvalue
    assert signed_rank_p(differences) == pytest.approx(theirs, rel=1e-9 if n <= 40 else 0.02)


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03]).tolist() == [0.03, 0.06, 0.06]
    assert holm([0.9, 0.5]).tolist() == [1.0, 1.0]
    assert holm([]).tolist() == []


@pytest.mark.parametrize(
    ("k", "alpha", "q"),
    [(2, 0.05, 1.960), (3, 0.05, 2.343), (5, 0.05, 2.728), (10, 0.05, 3.164), (4, 0.1, 2.291)],
)
def test_critical_difference_agrees_with_demsars_table_5(k, alpha, q):
    result = compare(figures(np.random.default_rng(0).random((14, k))), level=alpha)
    assert result.critical_difference == pytest.approx(q * np.sqrt(k * (k + 1) / (6 * 14)), rel=5e-4)


def test_cliques_are_the_largest_groups_not_told_apart():
    # mean ranks 1, 2, 3, 4 over 12 sets: a difference of 1.35 tells apart all but neighbours
    chain = compare({name: np.full(12, -i, float) + np.arange(12) for i, name in enumerate("abcd")})
    assert chain.critical_difference == pytest.approx(1.354, abs=1e-3)
    assert chain.cliques == [("a", "b"), ("b", "c"), ("c", "d")]
    many = compare({name: np.full(200, -i, float) + np.arange(200) for i, name in enumerate("abcd")})
    assert many.cliques == []
    few = compare({name: np.full(2, -i, float) + np.arange(2) for i, name in enumerate("abcd")})
    assert few.cliques == [("a", "b", "c", "d")]


def test_errors_are_ranked_the_other_way_round():
    seconds = {"slow": [3.0, 4.0], "fast": [1.0, 2.0]}
    assert compare(seconds, higher_is_better=False).names == ("fast", "slow")
    assert compare(seconds).names == ("slow", "fast")


def test_detectors_that_are_equal_everywhere_have_defined_answers():
    result = compare({"a": [0.5, 0.6, 0.7], "b": [0.5, 0.6, 0.7], "c": [0.5, 0.6, 0.7]})
    assert result.mean_ranks.tolist() == [2.0, 2.0, 2.0]
    assert (result.friedman_statistic, result.friedman_p) == (0.0, 1.0)
    assert (result.wilcoxon_p == 1).all()
    assert result.cliques == [("a", "b", "c")]


def test_the_table_names_every_detector_in_order_of_rank():
    text = str(compare({"worse": [0.1, 0.2, 0.3], "better": [0.4, 0.5, 0.6]}))
    assert text.index("better") < text.index("worse")
    assert "3 sets" in text


@pytest.mark.parametrize(
    ("table", "options", "message"),
    [
        ({"a": [0.1, 0.2]}, {}, "expected two or more detectors"),
        ({"a": [0.1, 0.2], "b": [0.1]}, {}, r"Got figures of shapes \{'a': \(2,\), 'b': \(1,\)\}"),
        ({"a": [0.1], "b": [0.1]}, {}, "two or more sets"),
        ({"a": [0.1, 0.2], "b": [0.1, np.nan]}, {}, "Got nan for 'b' on set 1"),
        ({"a": [-np.inf, 0.2], "b": [0.1, 0.3]}, {}, "Got -inf for 'a' on set 0"),
        ({"a": [0.1, 0.2], "b": [0.1, 0.3]}, {"level": 5}, "Got level=5"),
    ],
)
def test_compare_says_what_is_wrong(table, options, message):
    with pytest.raises(ValueError, match=message):
        compare(table, **options)


def test_without_scipy_it_says_what_to_install(monkeypatch):
    real = builtins.__import__

    def without_scipy(name, *args, **kwargs):
        if name == "scipy":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without_scipy)
    with pytest.raises(ImportError, match=r"pip install 'iotae\[fast\]'"):
        compare({"a": [0.1, 0.2], "b": [0.1, 0.3]})
