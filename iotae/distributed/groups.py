"""A model for each group of a table's rows, fitted wherever joblib sends the work."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from iotae._fan_out import fan_out
from iotae._random import draw_seed
from iotae._validation import check_table
from iotae.batch import BatchAutoencoder
from iotae.batch.group_fits import fit_of
from iotae.data.frames import column_names, to_matrix
from iotae.data.sampling import FIT_ROWS, gather

__all__ = ["fit_groups"]


def fit_groups(
    detector: BatchAutoencoder, X: Any, groups: ArrayLike, n_jobs: int | None = None
) -> dict[Any, BatchAutoencoder]:
    """Fit a copy of a detector to the rows of each group; the models are the same on any backend of joblib.

    Parameters
    ----------
    detector : BatchAutoencoder
        The settings; it is not changed.
    X : array or data frame of numbers, shape (n, d)
    groups : array, shape (n,)
        The group of each row, such as its device: integers or text, none missing.
    n_jobs : int, optional
        Fits at a time; by default what ``joblib.parallel_config`` says, whose backend does the work.

    Returns
    -------
    dict
        Group to fitted detector, in sorted order.

    Raises
    ------
    ValueError
        If there is not one group for each row, or a group is missing. An error of a group's fit names it.

    Examples
    --------
    >>> X = np.random.default_rng(0).normal(size=(200, 3))
    >>> models = fit_groups(BatchAutoencoder(seed=0), X, np.repeat(["pump", "fan"], 100))
    >>> list(models), models["fan"].score(X[100:]).shape
    (['fan', 'pump'], (100,))
    """
    from joblib import delayed

    check_table(table := to_matrix(X))
    keys, names = np.asarray(groups), column_names(X)
    if keys.shape != (len(table),):
        raise ValueError(f"Got groups of shape {keys.shape}, but expected ({len(table)},): one for each row.")
    missing = [key is None or key != key for key in keys.tolist()]
    if any(missing):
        raise ValueError(f"Got no group at row {missing.index(True)}, but expected one: leave the row out.")
    order = np.argsort(keys, kind="stable")
    found, starts = np.unique(keys[order], return_index=True)
    parts = dict(zip(found.tolist(), np.split(order, starts[1:]), strict=True))
    calls = (delayed(_fitted)(detector, key, table[rows], names) for key, rows in parts.items())
    return dict(zip(parts, fan_out(calls, n_jobs), strict=True))


def _fitted(detector: BatchAutoencoder, key: Any, rows: Any, names: list[str] | None) -> BatchAutoencoder:
    with fit_of(key):
        sample = gather([rows], FIT_ROWS, draw_seed(detector.seed))
        return copy.deepcopy(detector).fit_sample(sample._replace(names=names))
