"""One value a row: labels, scores and p-values."""

from __future__ import annotations

from math import isfinite

import numpy as np
from numpy.typing import ArrayLike, NDArray

from iotae._typing import Bool, Float64
from iotae._validation.arguments import TableError

__all__ = [
    "check_finite_score",
    "check_finite_scores",
    "check_labels",
    "check_p_values",
    "check_row_labels",
    "check_same_length",
    "check_scores",
    "check_vector",
]


def check_vector(values: ArrayLike, name: str) -> NDArray[np.generic]:
    """Return values of shape (n,) as an array of their own type.

    Raises
    ------
    ValueError
        If they are empty or not one-dimensional.
    """
    vector = np.asarray(values)
    if vector.ndim != 1:
        raise ValueError(
            f"Got {name} of shape {vector.shape}, but expected one dimension: pass one value a row."
        )
    if not vector.size:
        raise ValueError(f"Got an empty {name}, but expected at least one row: there is nothing to evaluate.")
    return vector


def check_labels(values: ArrayLike, name: str = "y") -> Bool:
    """Return labels of shape (n,), 0 or False for normal and 1 or True for anomalous, as a boolean vector.

    Raises
    ------
    ValueError
        If they are empty, not one-dimensional, or hold anything but 0 and 1.
    """
    labels = check_vector(values, name)
    if labels.dtype.kind == "b":
        return labels.astype(np.bool_, copy=False)
    wrong = np.flatnonzero(~((labels == 0) | (labels == 1)))
    if wrong.size:
        first = int(wrong[0])
        raise ValueError(
            f"Got {name}[{first}]={labels.tolist()[first]!r} ({wrong.size} of {labels.size} values are "
            "neither 0 nor 1), but expected labels in {0, 1}: map normal rows to 0 and anomalies to 1."
        )
    return np.asarray(labels == 1, dtype=np.bool_)


def check_row_labels(y: ArrayLike | None, n_rows: int) -> Bool | None:
    """Return the labels of a table's rows as a boolean vector (n_rows,), or None where there are none.

    Raises
    ------
    TableError
        If there is not one label for each row.
    ValueError
        If a label is neither 0 nor 1.
    """
    if y is None:
        return None
    labels = np.asarray(y)
    if labels.shape != (n_rows,):
        raise TableError(
            f"Got labels of shape {labels.shape} for {n_rows} rows, but expected ({n_rows},): pass one label "
            "a row."
        )
    return check_labels(labels) if n_rows else labels.astype(np.bool_)


def check_scores(values: ArrayLike, name: str = "scores") -> Float64:
    """Return scores of shape (n,) as a float64 vector; infinities are allowed, for they can be ordered.

    Raises
    ------
    ValueError
        If they are empty, not one-dimensional, not numeric, or hold a NaN.
    """
    vector = check_vector(values, name)
    try:
        scores = vector.astype(np.float64)
    except (TypeError, ValueError):
        raise ValueError(
            f"Got {name} of type {vector.dtype}, but expected numbers: pass one score a row."
        ) from None
    missing = np.flatnonzero(np.isnan(scores))
    if missing.size:
        raise ValueError(
            f"Got {missing.size} NaN among {scores.size} {name}, the first in row {missing[0]}, but expected "
            "numbers: a row without a score can be neither an alarm nor none; score it or leave it out."
        )
    return scores


def check_same_length(**vectors: NDArray[np.generic]) -> None:
    """Raise a ValueError that shows both lengths unless all the named vectors are equally long."""
    (first, a), *others = vectors.items()
    for name, b in others:
        if len(a) != len(b):
            raise ValueError(
                f"Got {len(a)} values in {first} and {len(b)} in {name}, but expected as many in each: "
                "pass vectors of the same rows."
            )


def check_p_values(p_values: ArrayLike) -> Float64:
    """Return p-values of shape (n,) as float64.

    Raises
    ------
    ValueError
        If they are empty, not one-dimensional, not numbers, or outside [0, 1].
    """
    p = check_scores(p_values, "p_values")
    outside = np.flatnonzero((p < 0) | (p > 1))
    if outside.size:
        raise ValueError(
            f"Got p_values[{outside[0]}]={p[outside[0]]} ({outside.size} of {p.size} are outside [0, 1]), "
            "but expected probabilities: pass p-values, not scores."
        )
    return p


def check_finite_score(score: float) -> float:
    """Return a finite score as a float."""
    value = float(score)
    if not isfinite(value):
        raise ValueError(f"Got score={score!r}, but expected a finite number.")
    return value


def check_finite_scores(scores: ArrayLike) -> Float64:
    """Return finite scores as one row of floats, at least one."""
    values = np.asarray(scores, np.float64).ravel()
    if values.size == 0 or not np.isfinite(values).all():
        raise ValueError(
            f"Got {values.size} scores of which {int((~np.isfinite(values)).sum())} are not finite, "
            "but expected at least one, all finite."
        )
    return values
