"""Versioned state to bytes and back, in safetensors with JSON beside; loading executes no code.

A state is a nested dict whose leaves are NumPy arrays or what JSON can say. Floats that JSON
cannot say (NaN and the infinities) belong in arrays.

A file carries a digest of its contents, which tells damage. It is no signature: whoever can write a file can
write its digest. So what a state says is checked once more, by what is built from it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import Any, TypeVar

import numpy as np

from iotae._files import naming, replacing
from iotae._typing import State
from iotae.serialization.tree import StateError, join, made, read_json, split

__all__ = ["FORMAT", "StateError", "dumps", "loads", "read", "restore", "write"]

_T = TypeVar("_T")

FORMAT = 1
"""Version of the layout; a file of a later version is refused."""

_KEY = "iotae"


_LONGEST_HEADER = 100_000_000
"""Bytes of a safetensors header at most, by its own rules."""

_LONGEST_KIND = 100


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
        If a float outside an array is not finite, or if the state has more than 64 levels.

    Examples
    --------
    >>> kind, data = loads(dumps("example", {"a": np.arange(3), "b": {"c": "text"}}))
    >>> kind, data["a"].tolist(), data["b"]
    ('example', [0, 1, 2], {'c': 'text'})
    """
    from safetensors.numpy import save

    arrays: dict[str, np.ndarray[Any, Any]] = {}
    tree = split(data, "", arrays)
    # the format once more, where the digest covers it
    contents = json.dumps({"format": FORMAT, "kind": kind, "data": tree}, allow_nan=False)
    header = {"format": FORMAT, "digest": _digest(contents, arrays), "contents": contents}
    return save(arrays, metadata={_KEY: json.dumps(header)})


def _digest(contents: str, arrays: dict[str, np.ndarray[Any, Any]]) -> str:
    """A check against damage; no signature, as anyone can compute it."""
    seal = blake2b(contents.encode(errors="surrogatepass"), digest_size=16)
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
        return _opened(metadata[_KEY], {name: array.copy() for name, array in arrays.items()})
    except StateError:
        raise
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise StateError(f"not a whole iotae state ({type(error).__name__}: {str(error)[:200]})") from error


def _opened(text: str, arrays: dict[str, np.ndarray[Any, Any]]) -> tuple[str, State]:
    """The kind and the state, from what the metadata say and the arrays."""
    header = read_json(text)
    version, contents = header["format"], header["contents"]
    if type(version) is not int or version < 1:
        raise StateError(
            f"Got the format {str(version)[:60]}, but expected a whole number from 1 to {FORMAT}"
        )
    if version > FORMAT:
        raise StateError(
            f"written in format {str(version)[:60]} by a later iotae, this one reads up to {FORMAT}: "
            "upgrade iotae"
        )
    if type(contents) is not str or header["digest"] != _digest(contents, arrays):
        raise StateError("damaged: its contents are not those that were saved")
    inner = read_json(contents)
    # files of before say the format only once
    if inner.get("format", version) != version:
        raise StateError("damaged: its format is not the one that was saved")
    kind = inner["kind"]
    if type(kind) is not str or len(kind) > _LONGEST_KIND:
        raise StateError(f"Got a kind of model that is no text of at most {_LONGEST_KIND} letters")
    data = join(inner["data"], arrays)
    if not isinstance(data, dict):
        raise StateError(f"Got a {type(data).__name__} as the state, but expected a dict")
    if arrays:
        raise StateError(f"Got {len(arrays)} arrays that the state does not name, but expected none")
    return kind, data


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
        found, data = loads(_bytes_of(path))
    except StateError as error:
        raise StateError(f"{path}: {error}") from error
    if kind is not None and found != kind:
        raise StateError(f"{path}: holds the state of {found or 'nothing'}, but expected that of {kind}")
    return found, data


def _bytes_of(path: str | os.PathLike[str]) -> bytes:
    with open(path, "rb") as file:
        start = file.read(8)
        # what is no container may be a file without an end
        if not 0 < int.from_bytes(start, "little") <= _LONGEST_HEADER:
            raise StateError("not a file that iotae saved, or not the whole of it")
        return start + file.read()


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
    return made(path, kind, data, build)
