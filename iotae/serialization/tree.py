"""A state as a tree of JSON values and the arrays that hang on it; and the error of one that is not right."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from iotae._typing import State

__all__ = ["StateError", "join", "made", "printable", "read_json", "split"]

_T = TypeVar("_T")

Arrays = dict[str, np.ndarray[Any, Any]]

_ARRAY = "__array__"

_DEEPEST = 64
"""Levels of a state at most: reading one never runs into Python's own limit."""


class StateError(ValueError):
    """A state that this version of iotae cannot read or build from; the message is one printable line."""

    __module__ = "iotae.serialization"

    def __init__(self, message: str = "") -> None:
        super().__init__(printable(message))


def printable(value: Any) -> str:
    """Text on one line for a person: a file may hold line breaks and a terminal's control sequences."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in str(value))


def _is_mark(key: str) -> bool:
    return key.endswith(_ARRAY) and not key[: -len(_ARRAY)].strip("_")


def _escaped(key: str) -> str:
    """A key as a file has it: a column may have the name that stands for an array there."""
    return f"_{key}" if _is_mark(key) else key


def _plain(key: str) -> str:
    return key[1:] if _is_mark(key) else key


def split(node: Any, path: str, arrays: Arrays, room: int = _DEEPEST) -> Any:
    """Take the arrays out of a state into ``arrays``, and leave a tree that JSON can say."""
    if room == 0:
        raise ValueError(f"Got a state of more than {_DEEPEST} levels, but expected at most as many.")
    if isinstance(node, np.ndarray):
        arrays[path] = np.ascontiguousarray(node).reshape(node.shape)
        return {_ARRAY: path}
    if isinstance(node, np.generic):
        return node.item()
    if isinstance(node, dict):
        for key in node:
            if not isinstance(key, str):
                raise TypeError(f"Got the key {key!r} at {path or 'the top'!r}, but expected text.")
        below = {key: f"{path}.{key}" if path else key for key in node}
        return {_escaped(key): split(value, below[key], arrays, room - 1) for key, value in node.items()}
    if isinstance(node, (list, tuple)):
        return [split(value, f"{path}[{i}]", arrays, room - 1) for i, value in enumerate(node)]
    if node is None or isinstance(node, (bool, int, float, str)):
        return node
    raise TypeError(
        f"Got a {type(node).__name__} at {path!r}, but expected arrays, numbers, text, lists or dicts: "
        "a state must not need code to be read."
    )


def join(node: Any, arrays: Arrays, room: int = _DEEPEST) -> Any:
    """Put the arrays in their places; each is taken out of ``arrays``, so that no two parts share one."""
    if room == 0:
        raise StateError(f"Got a state of more than {_DEEPEST} levels, but expected at most as many")
    if isinstance(node, dict):
        if _ARRAY in node:
            name = node[_ARRAY]
            if len(node) > 1 or not isinstance(name, str) or name not in arrays:
                raise StateError(
                    f"Got a state that names the array {str(name)[:60]!r}, but expected one of its own"
                )
            return arrays.pop(name)
        return {_plain(key): join(value, arrays, room - 1) for key, value in node.items()}
    if isinstance(node, list):
        return [join(value, arrays, room - 1) for value in node]
    return node


def read_json(text: str) -> dict[str, Any]:
    """Read a JSON object; NaN and the infinities, which JSON does not have, raise ``StateError``."""

    def refuse(constant: str) -> None:
        raise StateError(f"Got {constant} outside an array, but expected a number")

    found = json.loads(text, parse_constant=refuse)
    if not isinstance(found, dict):
        raise StateError(f"Got a {type(found).__name__}, but expected names and what they stand for")
    return found


def made(path: str | os.PathLike[str], kind: str, data: State, build: Callable[[State], _T]) -> _T:
    """Build what a state, or a part of one, is of; a ``StateError`` names the file that it came from."""
    try:
        return build(data)
    except StateError as error:
        raise StateError(f"{path}: {error}") from error
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise StateError(f"{path}: no {kind} can be made of it ({type(error).__name__}: {error})") from error
