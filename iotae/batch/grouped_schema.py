"""What the state of the models of a table's groups must look like."""

from __future__ import annotations

from typing import Any

import numpy as np

from iotae._typing import State
from iotae._validation.schema import Array, ListOf, Number, Record, Text, refuse
from iotae.batch.group_rows import MOST_LETTERS
from iotae.batch.state_schema import BATCH_AUTOENCODER, check_fitted

__all__ = ["GROUPED_AUTOENCODER", "AnyAutoencoder", "of_all_rows"]

_FARTHEST = 1e100
"""A score that a file measures by is at most this."""

_NAMES = ListOf(Text(MOST_LETTERS), distinct=True)


def _check_groups(data: State, place: str) -> None:
    names, models, points = data["groups"], data["models"], data["points"]
    if not len(names) == len(models) == len(points) - 1:
        raise refuse(len(models), f"{place}.models", f"a model and points for each of {len(names)} groups")
    if (points[:, 1] < points[:, 0]).any():
        raise refuse(points, f"{place}.points", "cuts that are not below the body")
    if set(names) & set(data["small"]):
        raise refuse(data["small"], f"{place}.small", "groups without a model")
    check_fitted(data["pooled"], f"{place}.pooled")
    n_features = data["pooled"]["network"]["n_features"]
    for number, model in enumerate(models):
        check_fitted(model, f"{place}.models[{number}]")
        if model["network"]["n_features"] != n_features:
            raise refuse(
                model["network"]["n_features"], f"{place}.models[{number}]", f"{n_features} features"
            )


GROUPED_AUTOENCODER = Record(
    {
        "share": Number(0.0, 1.0, inner=True),
        "level": Number(1.0, _FARTHEST),
        "groups": _NAMES,
        "small": _NAMES,
        "models": ListOf(BATCH_AUTOENCODER),
        # the last ones are those of the model of all rows
        "points": Array(np.float64, "models", 2, low=1e-6, high=_FARTHEST),
        "pooled": BATCH_AUTOENCODER,
    },
    (_check_groups,),
)


class AnyAutoencoder:
    """A model of all rows, or one for each group."""

    def check(self, value: Any, place: str, sizes: dict[str, int]) -> None:
        """See :class:`iotae._validation.schema.Schema`."""
        grouped = isinstance(value, dict) and "groups" in value
        (GROUPED_AUTOENCODER if grouped else BATCH_AUTOENCODER).check(value, place, sizes)


def of_all_rows(data: State, group: str | None, place: str) -> State:
    """The part of a state of either kind that is the model of all rows, which must be fitted.

    Raises
    ------
    StateError
        If there are models of groups but no column that names these, or the other way about.
    """
    if ("groups" in data) != (group is not None):
        raise refuse(group, place, "a column of groups where there are models of groups, and no other")
    pooled: State = data if group is None else data["pooled"]
    check_fitted(pooled, place)
    return pooled
