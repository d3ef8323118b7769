"""Fits of the models of groups, which do not depend on each other, wherever joblib sends them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from numpy.typing import ArrayLike, NDArray

from iotae._fan_out import fan_out
from iotae._typing import Float64
from iotae.batch.autoencoder import BatchAutoencoder
from iotae.batch.group_rows import GroupedRows

__all__ = ["fit_all", "fit_of"]


@contextmanager
def fit_of(key: object) -> Iterator[None]:
    """Let an error name the group in whose fit it is raised.

    Examples
    --------
    >>> try:
    ...     with fit_of("pump"):
    ...         raise ValueError("Got a burnt sensor.")
    ... except ValueError as error:
    ...     error.__notes__
    ["This was in the fit of group 'pump'."]
    """
    try:
        yield
    except Exception as error:
        error.add_note(f"This was in the fit of group {key!r}.")
        raise


def fit_all(
    models: Mapping[str, BatchAutoencoder],
    rows: GroupedRows,
    weights: NDArray[Any] | None = None,
    categories: ArrayLike | None = None,
    *,
    anew: Collection[str],
) -> dict[str, BatchAutoencoder]:
    """Fit the models of groups to the rows of each.

    Parameters
    ----------
    models : dict of str to BatchAutoencoder
        By group; each group has rows.
    rows : GroupedRows
        Those of other groups are left.
    weights : ndarray, shape (n,), optional
    categories : array of bool, shape (d,), optional
        Columns that stand for categories, for models that are fitted anew.
    anew : collection of str
        Groups whose models are fitted from scratch; the others go on from where they are.

    Returns
    -------
    dict of str to BatchAutoencoder
        The fitted models, in the order of the groups' names; the same ones, or copies from other processes.
    """
    from joblib import delayed

    parts = (
        (key, models[key], rows.X[places], None if weights is None else weights[places])
        for key, places in rows.by_group()
        if key in models
    )
    return dict(fan_out(delayed(_fitted)(*part, categories, part[0] in anew) for part in parts))


def _fitted(
    key: str,
    model: BatchAutoencoder,
    X: Float64,
    weights: NDArray[Any] | None,
    categories: ArrayLike | None,
    anew: bool,
) -> tuple[str, BatchAutoencoder]:
    with fit_of(key):
        return key, model.fit(X, weights, categories) if anew else model.partial_fit(X, weights)
