"""Explanations of tables: which cell is broken, and what it should have been, where both are known.

Cells of normal rows that no model has seen are broken on purpose: swapped with another row's cell of the same
column, or moved by five or eight deviations of the column. An explainer ranks the cells of each row.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from benchmarks import datasets, render
from benchmarks.explainers import EXPLAINERS, Explainer
from benchmarks.pages import Sections
from benchmarks.timing import factor_rows

__all__ = ["KINDS", "MADE", "Broken", "break_cells", "compare", "figures", "hits", "made"]

Floats = NDArray[np.float64]

KINDS = ("swapped", "5 sd", "8 sd")
BROKEN = (1, 2, 3)
TRAIN_ROWS, TEST_ROWS, LEAST_ROWS, LEAST_COLUMNS = 2_000, 300, 200, 6
MADE = ("correlated", "independent", "non-linear")
MADE_COLUMNS = 12

TEXT = (
    "Models learn up to {train:,} normal rows; in {test} others, one to three cells of each row are "
    "broken: swapped with the same column's cell of another row, or moved up or down by five or eight "
    "deviations of the column. Top 1: the cell that is ranked first is broken. Top 3: share of the broken "
    "cells among the three ranked first. Real tables: the normal rows of {real} development sets with at "
    "least {columns} columns that are not constant, standardised; made tables: {made_columns} columns "
    "that follow four hidden factors linearly (correlated) or through a sine, a square and products (non- "
    "linear), or nothing (independent). A swapped cell of an independent column is no error that anyone "
    "could see. Figures are means over tables, seed {seed}."
)
EXPECTED_TEXT = (
    "How far the value that was to be expected is from the true one in the broken cells, in deviations of "
    "the column: median over cells, mean over tables. The column's mean is the guess of someone who looks "
    "at nothing else in the row. ECOD expects nothing."
)


@dataclass(frozen=True)
class Broken:
    """Rows with broken cells.

    Attributes
    ----------
    X : ndarray of shape (n, d)
        The rows, broken.
    where : ndarray of bool, shape (n, d)
        Which cells are broken.
    truth : ndarray of shape (n, d)
        The rows as they were.
    """

    X: Floats
    where: NDArray[np.bool_]
    truth: Floats


def break_cells(X: Floats, n_cells: int, kind: str, spread: Floats, rng: np.random.Generator) -> Broken:
    """Break ``n_cells`` cells of each row.

    Parameters
    ----------
    X : ndarray of shape (n, d)
    n_cells : int
        At most d.
    kind : {"swapped", "5 sd", "8 sd"}
        A swapped cell is another row's and differs from the one it replaces, where the column has others.
    spread : ndarray of shape (d,)
        The deviation of each column.
    rng : Generator
    """
    n, d = X.shape
    where = rng.random((n, d)).argsort(axis=1) < n_cells
    broken = X.copy()
    if kind == "swapped":
        for i, j in zip(*np.nonzero(where), strict=True):
            others = np.flatnonzero(X[:, j] != X[i, j])
            broken[i, j] = X[rng.choice(others), j] if others.size else X[i, j]
    else:
        size = float(kind.removesuffix(" sd"))
        broken += where * rng.choice([-size, size], (n, d)) * spread
    return Broken(broken, where, X)


def hits(shares: Floats, where: NDArray[np.bool_]) -> tuple[float, float]:
    """Return the top-1 and the top-3 hit rate of shares (n, d) of the score, given the broken cells (n, d).

    Examples
    --------
    >>> where = np.array([[True, False, False, False, True]])
    >>> hits(np.array([[0.1, 0.5, 0.2, 0.3, 0.9]]), where)
    (1.0, 0.5)
    """
    order = np.argsort(-shares, axis=1, kind="stable")
    ranked = np.take_along_axis(where, order, axis=1)
    return float(ranked[:, 0].mean()), float((ranked[:, :3].sum(axis=1) / where.sum(axis=1)).mean())


def made(kind: str, n: int, seed: int) -> Floats:
    """Return n rows of one of `MADE`, each column standardised."""
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=(n, MADE_COLUMNS))
    if kind == "independent":
        return noise
    if kind == "correlated":
        X = next(factor_rows(n, MADE_COLUMNS, seed))
    else:
        f = rng.normal(size=(n, 4))
        shapes = (np.sin(2 * f), f**2 - 1, f * np.roll(f, 1, axis=1))
        X = np.concatenate(shapes, axis=1) + 0.2 * noise
    return np.asarray((X - X.mean(axis=0)) / X.std(axis=0))


def _real(name: str, seed: int) -> Floats | None:
    """Standardised normal rows of a set in a seeded order, or None where they are too few or too narrow."""
    data = datasets.load("table", name)
    X = data.X[data.y == 0]
    X = X[:, X.min(axis=0) < X.max(axis=0)]
    if X.shape[1] < LEAST_COLUMNS or len(X) < LEAST_ROWS:
        return None
    X = X[np.random.default_rng(seed).permutation(len(X))[: TRAIN_ROWS + TEST_ROWS]]
    return np.asarray((X - X.mean(axis=0)) / np.maximum(X.std(axis=0), 1e-12))


def _tables(seed: int, quick: bool) -> Iterator[tuple[str, str, Floats]]:
    """Yield the group, the name and the rows of each table."""
    for kind in MADE:
        yield kind, kind, made(kind, TRAIN_ROWS + TEST_ROWS, seed)
    if not quick:
        for name in datasets.TABLES:
            rows = _real(name, seed)
            if rows is not None:
                yield "real", name, rows


def figures(explainer: Explainer, rows: Floats, spread: Floats, seed: int) -> dict[str, float]:
    """Return the figures of one fitted explainer on the test rows of one table, by title."""
    found = {}
    for kind in KINDS:
        for n_cells in BROKEN:
            rng = np.random.default_rng((seed, KINDS.index(kind), n_cells))
            broken = break_cells(rows, n_cells, kind, spread, rng)
            first, third = hits(explainer.shares(broken.X), broken.where)
            found[f"{kind}, {n_cells}, top 1"], found[f"{kind}, {n_cells}, top 3"] = first, third
            expected = explainer.expected(broken.X)
            if n_cells == 1 and expected is not None:
                off = np.abs(expected - broken.truth) / spread
                found[f"{kind}, expected"] = float(np.median(off[broken.where]))
    return found


def compare(seed: int = 0, quick: bool = False) -> Sections:
    """Run all explainers on all tables, and return the page and the notes.

    Raises
    ------
    DatasetAbsentError
        Where a development set is not on this machine, unless ``quick``, which takes the made ones alone.
    """
    results: dict[str, dict[str, list[dict[str, float]]]] = {}
    for group, _, rows in _tables(seed, quick):
        n_test = min(TEST_ROWS, len(rows) // 3)
        train, test = rows[n_test:], rows[:n_test]
        spread = train.std(axis=0) + 1e-12
        for name, make in EXPLAINERS.items():
            with threadpool_limits(1), warnings.catch_warnings():
                if name != render.OURS:
                    warnings.simplefilter("ignore")
                found = figures(make(train, seed), test, spread, seed)
            results.setdefault(group, {}).setdefault(name, []).append(found)
    real = len(results.get("real", {}).get(render.OURS, ()))
    text = TEXT.format(
        train=TRAIN_ROWS,
        test=TEST_ROWS,
        real=real,
        columns=LEAST_COLUMNS,
        made_columns=MADE_COLUMNS,
        seed=seed,
    )
    groups = [group for group in ("real", *MADE) if group in results]
    parts = [text]
    for group in groups:
        title = f"{real} real tables" if group == "real" else f"Made: {group}"
        parts.append(f"## {title}\n\n" + _hit_table(results[group]))
    parts.append(f"## What was to be expected\n\n{EXPECTED_TEXT}\n\n" + _expected_table(results, groups))
    return parts, []


def _mean(found: list[dict[str, float]], key: str) -> str:
    values = [figure[key] for figure in found if key in figure]
    return f"{np.mean(values):.3f}" if values else "-"


def _name(name: str) -> str:
    return f"**{name}**" if name == render.OURS else name


def _hit_table(results: dict[str, list[dict[str, float]]]) -> str:
    header = ["explainer", *(f"{kind}, {n}: top 1, 3" for kind in KINDS for n in BROKEN)]
    rows = [
        [
            _name(name),
            *(
                f"{_mean(found, f'{kind}, {n}, top 1')}, {_mean(found, f'{kind}, {n}, top 3')}"
                for kind in KINDS
                for n in BROKEN
            ),
        ]
        for name, found in results.items()
    ]
    return render.markdown(header, rows)


def _expected_table(results: dict[str, dict[str, list[dict[str, float]]]], groups: list[str]) -> str:
    header = ["explainer", *(f"{group}, {kind}" for group in groups for kind in KINDS)]
    rows = [
        [
            _name(name),
            *(_mean(results[group][name], f"{kind}, expected") for group in groups for kind in KINDS),
        ]
        for name in EXPLAINERS
    ]
    return render.markdown(header, [row for row in rows if set(row[1:]) != {"-"}])
