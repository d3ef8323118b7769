"""A criterion without labels: to tell real rows from copies in which one cell comes from another row.

A swapped cell is a value that its sensor does send, in a row where it does not belong. A model that knows how
the columns depend on each other finds such a row. A model that knows only each column by itself does not, nor
does one that reconstructs any input. So the criterion does not favour large networks, as the reconstruction
error of held-out rows does: a network as wide as its input reconstructs a swapped row as well as a real one.

To judge a model by rows drawn from a reference distribution is called unsupervised learning as supervised
learning (Hastie, Tibshirani and Friedman, 2009, section 14.2.4). Shi and Horvath (2006) draw each column by
itself; here all cells but one stay.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from iotae._validation import check_share
from iotae.data import Table

__all__ = ["f1_at_share", "swap_cells", "swap_f1"]


def swap_cells(X: Any, rng: np.random.Generator) -> Any:
    """Return a copy of the rows in which each has one cell, drawn at random, from another row.

    Parameters
    ----------
    X : Table, pandas frame of numbers, or array of shape (n, d)
        At least two rows. A missing cell is swapped like any other.
    rng : numpy.random.Generator

    Returns
    -------
    Table, pandas frame or ndarray
        As X. A swapped cell may have the value it had before; no model can tell such a row from the original.

    Raises
    ------
    ValueError
        If there are fewer than two rows, or no column.

    Examples
    --------
    >>> X = np.arange(6.0).reshape(3, 2)
    >>> (swap_cells(X, np.random.default_rng(0)) != X).sum(axis=1).tolist()
    [1, 1, 1]
    """
    if isinstance(X, Table):
        columns = [X.array(name) for name in X.names]
        swapped = _swap(columns, X.n_rows, rng)
        return Table(dict(zip(X.names, swapped, strict=True)))
    values = np.array(X, dtype=np.float64)
    if values.ndim != 2:
        raise ValueError(f"Got rows of shape {values.shape}, but expected (n, d).")
    result = np.column_stack(_swap(list(values.T), len(values), rng))
    if type(X).__module__.startswith("pandas"):
        return type(X)(result, index=X.index, columns=X.columns)
    return result


def _swap(columns: list[Any], n: int, rng: np.random.Generator) -> list[Any]:
    if n < 2 or not columns:
        raise ValueError(
            f"Got {n} rows of {len(columns)} columns, but expected two rows and one column at least."
        )
    chosen = rng.integers(len(columns), size=n)
    order = rng.permutation(n)
    donor = np.empty(n, dtype=np.int64)
    donor[order] = np.roll(order, 1)  # no row gives a cell to itself
    return [np.where(chosen == j, values[donor], values) for j, values in enumerate(columns)]


def f1_at_share(found: float, false_alarms: float, share: float) -> float:
    """Return F1 for a recall and a false-alarm rate, if a ``share`` of all rows were anomalies.

    Examples
    --------
    The paper's Figure 3, where 10 of 30 rows are anomalies:

    >>> round(f1_at_share(found=9 / 10, false_alarms=2 / 20, share=10 / 30), 3)
    0.857
    """
    true = share * found
    false = (1.0 - share) * false_alarms
    return 2.0 * true / (true + false + share)


def swap_f1(
    estimator: Any, X: Any, y: Any = None, *, anomaly_share: float = 0.05, seed: int | None = 0
) -> float:
    """F1 at telling swapped rows from real ones: a scorer for scikit-learn, without labels.

    Parameters
    ----------
    estimator : object
        Fitted; its ``predict`` says 1 for an anomaly and 0 for a normal row, as PyOD's detectors do.
    X : array or pandas frame of numbers, shape (n, d)
        Rows that the estimator has not learned from. All count as normal; anomalies among them lower the
        result of every estimator alike.
    y : ignored
    anomaly_share : float, in (0, 1)
        Share of anomalies that you expect: it weighs anomalies found against false alarms.
    seed : int or None
        Seed of the swaps; the same seed swaps the same cells for every estimator.

    Returns
    -------
    float
        In [0, 1]. Usually far from 1, because some swaps change nothing: use it to compare estimators.

    Examples
    --------
    >>> class Difference:
    ...     def predict(self, X):
    ...         return np.abs(X[:, 0] - X[:, 1]) > 0.5
    >>> load = np.random.default_rng(0).normal(size=400)
    >>> round(swap_f1(Difference(), np.column_stack([load, load])), 2)
    0.83
    """
    share = check_share("anomaly_share", anomaly_share, meaning="the anomalies you expect, e.g. 0.05")
    swapped = swap_cells(X, np.random.default_rng(seed))
    found, false_alarms = (float(np.mean(estimator.predict(rows))) for rows in (swapped, X))
    return f1_at_share(found, false_alarms, share)
