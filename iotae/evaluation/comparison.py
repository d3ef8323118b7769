"""Detectors compared over many sets: mean ranks, Friedman's and Wilcoxon's tests, critical difference."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from iotae._typing import Float64
from iotae._validation import check_share

__all__ = ["Comparison", "compare", "holm", "signed_rank_p"]

_MOST_EXACT = 200
"""Sets up to which the signed-rank test is exact: its work grows with their cube."""


@dataclass(frozen=True, eq=False)
class Comparison:
    """How k detectors compare over n sets; see :func:`compare`. Detectors are in order of rank, best first.

    Parameters
    ----------
    names : tuple of str, length k
        The detectors.
    mean_ranks : ndarray of float64, shape (k,)
        From 1 (best on every set) to k.
    n_sets : int
        Number of sets.
    friedman_statistic, friedman_p : float
        Friedman's chi-squared and its p-value; where it is small, the detectors are not all alike.
    wilcoxon_p : ndarray of float64, shape (k, k)
        Holm's adjusted p-values of the signed-rank test of each pair; 1 on the diagonal.
    critical_difference : float
        Nemenyi's: mean ranks that differ by less do not differ significantly.
    level : float
        The significance level of the critical difference.
    """

    names: tuple[str, ...]
    mean_ranks: Float64
    n_sets: int
    friedman_statistic: float
    friedman_p: float
    wilcoxon_p: Float64
    critical_difference: float
    level: float

    @property
    def cliques(self) -> list[tuple[str, ...]]:
        """The largest groups of two and more whose best and worst differ by less than the difference."""
        groups: list[tuple[str, ...]] = []
        reached = 1
        for i, rank in enumerate(self.mean_ranks):
            # Mean ranks are multiples of 1 / (2 n_sets), so 1e-9 only compensates rounding.
            end = int(np.searchsorted(self.mean_ranks, rank + self.critical_difference - 1e-9, side="left"))
            if end > reached and end - i > 1:
                groups.append(self.names[i:end])
            reached = max(reached, end)
        return groups

    def __str__(self) -> str:
        """Return an aligned table for the terminal, with each detector's p-value against the best."""
        width = max(map(len, self.names)) + 2
        lines = [f"{'':<{width}}{'mean rank':>10}{'p, against best':>17}"]
        for i, (name, rank) in enumerate(zip(self.names, self.mean_ranks, strict=True)):
            p = "" if i == 0 else f"{self.wilcoxon_p[0, i]:.3g}"
            lines.append(f"{name:<{width}}{rank:>10.2f}{p:>17}")
        lines.append(
            f"{self.n_sets} sets; Friedman's p {self.friedman_p:.3g}; Nemenyi's critical difference "
            f"{self.critical_difference:.2f} at {self.level:g}"
        )
        return "\n".join(lines)


def compare(
    figures: Mapping[str, ArrayLike], *, higher_is_better: bool = True, level: float = 0.05
) -> Comparison:
    """Compare detectors by one figure on each of many sets.

    Parameters
    ----------
    figures : mapping of str to array-like of shape (n_sets,)
        Each detector's figure, such as its average precision, on the same sets in the same order. Take the
        mean over seeds first, because runs on the same set are not independent.
    higher_is_better : bool
        False for errors, ranks and seconds.
    level : float
        Significance level of the critical difference, in (0, 1).

    Returns
    -------
    Comparison

    Raises
    ------
    ValueError
        If there are fewer than two detectors or sets, lengths differ, a figure is not finite, or ``level`` is
        outside (0, 1).
    ImportError
        If SciPy is not installed.

    Notes
    -----
    Demšar (JMLR 2006), "Statistical comparisons of classifiers over multiple data sets"; Holm (1979) for the
    many pairs. Ties share their mean rank; a pair of detectors equal on every set has p-value 1.

    Examples
    --------
    >>> result = compare({"a": [0.9, 0.8, 0.7, 0.9], "b": [0.5, 0.9, 0.6, 0.8], "c": [0.1, 0.2, 0.3, 0.4]})
    >>> result.names, result.mean_ranks.tolist()
    (('a', 'b', 'c'), [1.25, 1.75, 3.0])
    >>> round(result.friedman_p, 3), round(result.critical_difference, 3), result.cliques
    (0.039, 1.657, [('a', 'b'), ('b', 'c')])
    """
    names = list(figures)
    columns = [np.asarray(figures[name], dtype=np.float64) for name in names]
    lengths = {name: column.shape for name, column in zip(names, columns, strict=True)}
    if len(names) < 2 or len(set(lengths.values())) > 1 or columns[0].ndim != 1 or columns[0].size < 2:
        raise ValueError(
            f"Got figures of shapes {lengths}, but expected two or more detectors with one figure for each "
            "of the same two or more sets."
        )
    check_share("level", level, meaning="a significance level, e.g. 0.05")
    table = np.column_stack(columns)
    if not np.isfinite(table).all():
        row, column = np.argwhere(~np.isfinite(table))[0]
        raise ValueError(
            f"Got {table[row, column]} for {names[column]!r} on set {row}, but expected a figure of each "
            "detector on each set: leave the set out for all."
        )
    stats = _scipy_stats()
    n, k = table.shape
    ranks = _ranks(-table if higher_is_better else table)
    order = np.argsort(ranks.mean(axis=0), kind="stable")
    statistic = _friedman(ranks)
    q = float(stats.studentized_range.ppf(1.0 - level, k, np.inf)) / np.sqrt(2.0)
    return Comparison(
        names=tuple(str(names[i]) for i in order),
        mean_ranks=ranks.mean(axis=0)[order],
        n_sets=n,
        friedman_statistic=statistic,
        friedman_p=float(stats.chi2.sf(statistic, k - 1)),
        wilcoxon_p=_wilcoxon(table[:, order]),
        critical_difference=float(q * np.sqrt(k * (k + 1) / (6.0 * n))),
        level=level,
    )


def holm(p_values: ArrayLike) -> Float64:
    """Adjust p-values (m,) for multiple tests, so that any false rejection is as rare as the level says.

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03]).tolist()
    [0.03, 0.06, 0.06]
    """
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(p.size, 0, -1)), 1.0)
    return adjusted


def signed_rank_p(differences: ArrayLike) -> float:
    """Return the two-sided p-value of Wilcoxon's signed-rank test, ties or not.

    Exact for up to 200 differences other than zero; above, a normal approximation corrected for ties.

    Parameters
    ----------
    differences : array-like of shape (n,)
        One for each set. Zeros are dropped, as Wilcoxon (1945) did; without other differences p is 1.0.

    Examples
    --------
    >>> signed_rank_p([1.0, 2.0, 3.0, 4.0, -0.5]), signed_rank_p([0.0, 0.0])
    (0.125, 1.0)
    """
    given = np.asarray(differences, dtype=np.float64)
    given = given[given != 0]
    _, group, ties = np.unique(np.abs(given), return_inverse=True, return_counts=True)
    # Twice a rank is a whole number even in a tie, so that a sum of ranks can be an index.
    ranks = (2 * np.cumsum(ties) - ties + 1)[group]
    if given.size > _MOST_EXACT:
        # Signs are random under the hypothesis: the variance is the sum of squares, also with ties.
        deviation = float(np.sign(given) @ ranks) / math.sqrt(np.sum(ranks.astype(np.float64) ** 2))
        return math.erfc(abs(deviation) / math.sqrt(2.0))
    share = np.zeros(int(ranks.sum()) + 1)
    share[0] = 1.0
    for rank in ranks:
        share[rank:] = (share[rank:] + share[:-rank]) / 2
        share[:rank] /= 2
    place = int(ranks[given > 0].sum())
    return float(min(1.0, 2 * min(share[: place + 1].sum(), share[place:].sum())))


def _ranks(table: Float64) -> Float64:
    """Rank within each row, 1 for the smallest; ties share their mean rank."""
    below = (table[:, None, :] < table[:, :, None]).sum(axis=2)
    equal = (table[:, None, :] == table[:, :, None]).sum(axis=2)
    return np.asarray(below + (equal + 1) / 2, dtype=np.float64)


def _friedman(ranks: Float64) -> float:
    """Friedman's statistic, corrected for ties; 0 if all detectors are equal on every set."""
    n, k = ranks.shape
    spread = float(((ranks - (k + 1) / 2) ** 2).sum())
    between = float(((ranks.sum(axis=0) - n * (k + 1) / 2) ** 2).sum())
    return (k - 1) * between / spread if spread else 0.0


def _wilcoxon(table: Float64) -> Float64:
    k = table.shape[1]
    pairs = list(combinations(range(k), 2))
    matrix = np.ones((k, k))
    adjusted = holm([signed_rank_p(table[:, i] - table[:, j]) for i, j in pairs])
    for (i, j), p in zip(pairs, adjusted, strict=True):
        matrix[i, j] = matrix[j, i] = p
    return matrix


def _scipy_stats() -> Any:
    try:
        from scipy import stats
    except ImportError as error:
        raise ImportError("Got a comparison, but SciPy is missing: `pip install 'iotae[fast]'`.") from error
    return stats
