"""Rows of numbers with the name of each row's group, and how groups are told of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from iotae._typing import Float64
from iotae.data import Table
from iotae.data.device_keys import MOST_LETTERS, device_text

__all__ = ["MOST_LETTERS", "GroupedRows", "keys_of", "named"]

_NAMED = 5
"""Groups that a message names at most."""


@dataclass(frozen=True)
class GroupedRows:
    """Rows of numbers (n, d), and the name of each row's group as text (n,).

    Examples
    --------
    >>> rows = GroupedRows(np.eye(3), np.array(["fan", "pump", "fan"], object))
    >>> [(key, places.tolist()) for key, places in rows.by_group()]
    [('fan', [0, 2]), ('pump', [1])]
    """

    X: Float64
    keys: NDArray[Any]

    def __post_init__(self) -> None:
        if len(self.X) != len(self.keys):
            raise ValueError(
                f"Got {len(self.X)} rows and the groups of {len(self.keys)}, but expected as many."
            )
        longest = max(map(len, self.keys), default=0)
        if longest > MOST_LETTERS:
            raise ValueError(
                f"Got a group's name of {longest:,} letters, but expected at most {MOST_LETTERS:,}: name the "
                "column that says which device a row is of."
            )

    def __len__(self) -> int:
        return len(self.keys)

    def __getitem__(self, rows: NDArray[Any]) -> GroupedRows:
        """The rows of a boolean mask or of indices."""
        return GroupedRows(self.X[rows], self.keys[rows])

    def by_group(self) -> Iterator[tuple[str, NDArray[np.intp]]]:
        """Each group's name and the places of its rows, in the order of the names."""
        names, group = np.unique(self.keys, return_inverse=True)
        order = np.argsort(group, kind="stable")
        yield from (
            zip(names.tolist(), np.split(order, np.flatnonzero(np.diff(group[order])) + 1), strict=True)
            if len(names)
            else ()
        )

    def counts(self, weights: NDArray[Any]) -> dict[str, int]:
        """How many rows of each group count, which have a weight above 0, in the order of the names."""
        return {key: int(np.count_nonzero(weights[places])) for key, places in self.by_group()}


def keys_of(table: Table, column: str) -> NDArray[Any]:
    """The group of each row of a table as text (n,), '' where it is missing.

    A number counts as its text, so that 7 and 7.0 are one group.
    """
    return np.array(list(map(device_text, table.texts(column).tolist())), dtype=object)


def named(groups: Sequence[str]) -> str:
    """How many groups these are, and the names of the first.

    Examples
    --------
    >>> named(["fan", ""]), named(list("abcdefg"))
    ("2 groups ('fan', '')", "7 groups ('a', 'b', 'c', 'd', 'e' and 2 more)")
    """
    first = ", ".join(map(repr, groups[:_NAMED]))
    more = f" and {len(groups) - _NAMED} more" if len(groups) > _NAMED else ""
    return f"{len(groups)} group{'s' * (len(groups) != 1)} ({first}{more})"
