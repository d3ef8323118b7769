"""Versioned state to bytes and back, in safetensors with JSON beside; loading executes no code.

A state is a nested dict whose leaves are NumPy arrays or what JSON can say. Floats that JSON
cannot say (NaN and the infinities) belong in arrays.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from iotae._files import naming, replacing
from iotae._typing import State

__all__ = ["FORMAT", "StateError", "dumps", "loads", "read", "restore", "write"]

_T = TypeVar("_T")

FORMAT = 1
"""Version of the layout; a file of a later version is refused."""

_KEY = "iotae"
_ARRAY = "__array__"


class StateError(ValueError):
    """The bytes are not a state that this version of iotae can read."""


def _split(node: Any, path: str, arrays: dict[str, np.ndarray[Any, Any]]) -> Any:
    if isinstance(node, np.ndarray):
        arrays[path] = np.ascontiguousarray(node).reshape(node.shape)
        return {_ARRAY: path}
    if isinstance(node, np.generic):
        return node.item()
    if isinstance(node, dict):
        for key in node:
            if not isinstance(key, str) or key == _ARRAY:
                raise TypeError(f"Got the key {key!r} at {path or 'the top'!r}, but expected other text.")
        return {key: _split(value, f"{path}.{key}" if path else key, arrays) for key, value in node.items()}
    if isinstance(node, (list, tuple)):
        return [_split(value, f"{path}[{i}]", arrays) for i, value in enumerate(node)]
    if node is None or isinstance(node, (bool, int, float, str)):
        return node
    raise TypeError(
        f"Got a {type(node).__name__} at {path!r}, but expected arrays, numbers, text, lists or dicts: "
        "a state must not need code to be read."
    )


def _join(node: Any, arrays: dict[str, np.ndarray[Any, Any]]) -> Any:
    if isinstance(node, dict):
        if set(node) == {_ARRAY}:
            return arrays[node[_ARRAY]]
        return {key: _join(value, arrays) for key, value in node.items()}
    if isinstance(node, list):
        return [_join(value, arrays) for value in node]
    return node


def dumps(kind: str, data: State) -> bytes:
    """Turn a state into bytes; equal states give equal bytes.

    Parameters
    ----------
    kind : str
        What the state is of, e.g. ``"BatchAutoencoder"``.
    data : dict
        Nested dict of arrays and JSON values.

    Raises
    ------
    TypeError
        If something in ``data`` would need code to be read back.
    ValueError
        If a float outside an array is not finite.

    Examples
    --------
    >>> kind, data = loads(dumps("example", {"a": np.arange(3), "b": {"c": "text"}}))
    >>> kind, data["a"].tolist(), data["b"]
    ('example', [0, 1, 2], {'c': 'text'})
    """
    from safetensors.numpy import save

    arrays: dict[str, np.ndarray[Any, Any]] = {}
    tree = _split(data, "", arrays)
    contents = json.dumps({"kind": kind, "data": tree}, allow_nan=False)
    header = {"format": FORMAT, "digest": _digest(contents, arrays), "contents": contents}
    return save(arrays, metadata={_KEY: json.dumps(header)})


def _digest(contents: str, arrays: dict[str, np.ndarray[Any, Any]]) -> str:
    seal = blake2b(contents.encode(), digest_size=16)
    for name in sorted(arrays):
        array = arrays[name]
        seal.update(f"{name}:{array.dtype.str}:{array.shape}:".encode(errors="surrogatepass"))
        # its bytes as they lie, without a copy of them
        seal.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
    return seal.hexdigest()


def loads(blob: bytes) -> tuple[str, State]:
    """Read back what :func:`dumps` made: the kind and the state, its arrays writable.

    Raises
    ------
    StateError
        If the bytes are corrupt, cut short, of another program or of a later version.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        arrays = load(blob)
        length = int.from_bytes(blob[:8], "little")
        metadata = json.loads(blob[8 : 8 + length]).get("__metadata__", {})
    except (SafetensorError, ValueError, KeyError) as error:
        raise StateError(
            f"not a file that iotae saved, or not the whole of it ({str(error).splitlines()[0]})"
        ) from error
    if _KEY not in metadata:
        raise StateError("a safetensors file, but not one that iotae wrote")
    try:
        header = json.loads(metadata[_KEY])
        version = header["format"]
        if version > FORMAT:
            raise StateError(
                f"written in format {version} by a later iotae, this one reads up to {FORMAT}: upgrade iotae"
            )
        if header["digest"] != _digest(header["contents"], arrays):
            raise StateError("damaged: its contents are not those that were saved")
        inner = json.loads(header["contents"])
        return inner["kind"], _join(inner["data"], {name: array.copy() for name, array in arrays.items()})
    except (ValueError, KeyError, TypeError) as error:
        if isinstance(error, StateError):
            raise
        raise StateError(f"not a whole iotae state: {error}") from error


def write(
    path: str | os.PathLike[str], kind: str, data: State, *, sources: Sequence[str | os.PathLike[str]] = ()
) -> None:
    """Write a state to a file, whole or not at all.

    The bytes go to a temporary file beside ``path``, are flushed to the disk and then take the
    name, so that a crash or a full disk leaves the earlier file as it was. An earlier file's permissions are
    kept.

    Parameters
    ----------
    path : path
        The file.
    kind, data
        As in :func:`dumps`.
    sources : sequence of path or '-'
        The files that the state was learned from: a new file may be read by no one who may not read these.
        Standard input counts as readable by its user alone, unless it is an ordinary file.

    Raises
    ------
    OSError
        If the file cannot be written; the error names it.
    """
    blob = dumps(kind, data)
    with replacing(path, sources) as file, naming(path):
        file.write(blob)


def read(path: str | os.PathLike[str], kind: str | None = None) -> tuple[str, State]:
    """Read a state from a file, and check its kind if one is asked for.

    Raises
    ------
    StateError
        If the file is not a readable state, or of another kind; the message names the file.
    OSError
        If the file cannot be opened.
    """
    try:
        found, data = loads(Path(path).read_bytes())
    except StateError as error:
        raise StateError(f"{path}: {error}") from error
    if kind is not None and found != kind:
        raise StateError(f"{path}: holds the state of {found}, but expected that of {kind}")
    return found, data


def restore(path: str | os.PathLike[str], kind: str, build: Callable[[State], _T]) -> _T:
    """Read a state of a kind from a file and build what it is of.

    Raises
    ------
    StateError
        If the file is not readable, of another kind, or if ``build`` cannot make sense of it.
    OSError
        If the file cannot be opened.
    """
    _, data = read(path, kind)
    try:
        return build(data)
    except StateError as error:
        raise StateError(f"{path}: {error}") from error
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise StateError(f"{path}: no {kind} can be made of it ({type(error).__name__}: {error})") from error
