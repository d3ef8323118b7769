"""A kind of file, as the fuzz benchmark needs it: right ones, how they go wrong, and how one is used."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import mutations
from iotae import serialization
from iotae.serialization import StateError

__all__ = ["N_ROWS", "Kind", "demand", "finite", "of_state"]

N_ROWS = 50
"""Rows that a model which loads has to score and to learn."""

State = dict[str, Any]


@dataclass(frozen=True)
class Kind:
    """A kind of file.

    Parameters
    ----------
    rights : callable
        Returns what some right files hold.
    right, wrong : callable
        The bytes of a right file, and of one that was changed.
    load : callable
        Does with a file what a user would.
    use : callable
        Uses what was loaded, and raises any error if it does not work.
    refusals : tuple of exception
        The errors by which a file may be refused.
    name : str
        The name that the file must have.
    """

    rights: Callable[[], list[Any]]
    right: Callable[[Any], bytes]
    wrong: Callable[[Any, np.random.Generator], bytes]
    load: Callable[[Path], Any]
    use: Callable[[Any], None]
    refusals: tuple[type[Exception], ...] = (StateError,)
    name: str = "model"


def of_state(
    name: str,
    rights: Callable[[], list[State]],
    build: Callable[[State], Any],
    use: Callable[[Any], None],
    packed: Callable[[State], State] = lambda data: data,
) -> Kind:
    """A kind of model that :mod:`iotae.serialization` saves under a name; ``build`` makes it of its state.

    ``packed`` gives the state as the file has it, where a part of it is the bytes of another state.
    """
    return Kind(
        rights,
        lambda data: mutations.sealed(name, packed(data)),
        lambda data, rng: mutations.mutant(name, data, rng, packed),
        lambda path: serialization.restore(path, name, build),
        use,
    )


def demand(good: bool, what: str) -> None:
    """Raise ``ArithmeticError`` unless something is as it must be."""
    if not good:
        raise ArithmeticError(what)


def finite(values: Any, what: str) -> None:
    """Raise ``ArithmeticError`` unless all values are finite."""
    demand(bool(np.isfinite(np.asarray(values, np.float64)).all()), f"{what} that are not finite")
