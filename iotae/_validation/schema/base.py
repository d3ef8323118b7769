"""What a schema is, and the error of a state that is not as declared."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from iotae.serialization import StateError

__all__ = ["Schema", "Sizes", "check", "refuse"]

Sizes = dict[str, int]
"""The lengths that named dimensions were found to have."""

_SHOWN = 60
"""Letters of a value that an error shows."""


class Schema(Protocol):
    """Something that a part of a state can be held against."""

    def check(self, value: Any, place: str, sizes: Sizes) -> None:
        """Raise ``StateError`` unless the value, which is found at ``place``, is as declared."""


def check(state: Any, schema: Schema) -> None:
    """Hold a whole state against its schema.

    Raises
    ------
    StateError
        If a part is missing, unknown, of another type or shape, or out of range: one printable line that says
        what was got, where, and what was expected.

    Examples
    --------
    >>> from iotae._validation.schema import Array, Record, Whole
    >>> check({"n": 3, "x": np.zeros(3)}, Record({"n": Whole(1), "x": Array(np.float64, "n")}))
    >>> check({"n": 0}, Record({"n": Whole(1, 9)}))
    Traceback (most recent call last):
        ...
    iotae.serialization.StateError: Got 0 at n, but expected a whole number from 1 to 9.
    """
    schema.check(state, "", {})


def refuse(value: Any, place: str, expected: str) -> StateError:
    """Return the error that says what was got, where, and what was expected."""
    where = f"at {place}" if place else "as the state"
    return StateError(f"Got {_shown(value)} {where}, but expected {expected}.")


def _shown(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"{value.dtype} {value.shape}"
    if isinstance(value, (dict, list)):
        return f"a {type(value).__name__} of {len(value)}"
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
