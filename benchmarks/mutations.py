"""Wrong states: what a model's state becomes when somebody changes it, sealed as if it were right."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from hashlib import blake2b
from typing import Any

import numpy as np
from safetensors.numpy import save

__all__ = ["mutant", "sealed"]

State = dict[str, Any]
Place = tuple[Any, Any]
"""A container, and the key or index of a part of it."""

WHOLE = (
    *(0, 1, -1, 2, 3, 7, 8, 31, 32, 33, 63, 64, 10**6, 10**9, 2**31, 2**53),
    *(2**63 - 1, 2**63, -(2**63), 10**30),
)

FLOATS = (
    *(0.0, -0.0, 0.5, 1.0, -1.0, 1.5, 5e-324, 1e-300, 1e-12, 1e6, 1e15, 1e30, 1e38, 1e150, 1e300, 1.7e308),
    *(-1e9, -1e300, float("nan"), float("inf"), float("-inf")),
)

NUMBERS = (*WHOLE, *FLOATS, 10**400)

TEXTS = (
    *("", "x", "\0", "\n", "a\nb", "\x1b[31mred\x1b[0m", "\r\x1b]0;title\x07", "\ud800", "\u202e", "nan"),
    *("1e5", "9" * 5000, "-1", "tanh", "relu", "0", "x" * 200_000, ":surprisal", "=on", "__array__"),
)

DTYPES = ("float16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "uint64", "bool")
DEEP = (70, 900, 2000, 100_000)
"""Levels of lists within lists."""

_DEEP_MARK = "@@levels "


def _parts(node: Any) -> Iterator[Place]:
    """Yield every part of a state, containers and leaves."""
    keys = node.keys() if isinstance(node, dict) else range(len(node))
    for key in list(keys):
        yield node, key
        if isinstance(node[key], (dict, list)):
            yield from _parts(node[key])


def _of_one(values: tuple[Any, ...], rng: np.random.Generator) -> Any:
    return values[rng.integers(len(values))]


def _stranger(rng: np.random.Generator) -> Any:
    """Return something of a type that nobody expects."""
    strangers: tuple[Any, ...] = (
        *(None, True, False, [], {}, [[]], "x", 0, -1.5, [0, 0], {"a": 1}),
        *(np.zeros(0), np.zeros((2, 2)), np.ones(())),
        f"{_DEEP_MARK}{_of_one(DEEP, rng)}",
        _of_one(NUMBERS, rng),
        _of_one(TEXTS, rng),
    )
    return copy.deepcopy(_of_one(strangers, rng))


def _cell(dtype: np.dtype[Any], rng: np.random.Generator) -> Any:
    """Return a hostile value that the type can hold."""
    with np.errstate(all="ignore"):
        if dtype.kind == "f":
            return np.array(float(_of_one((*WHOLE, *FLOATS), rng))).astype(dtype)
        limits = (0, 1, 2) if dtype.kind == "b" else (np.iinfo(dtype).min, np.iinfo(dtype).max, 0, 1, 7, 100)
        if dtype.kind == "i" and dtype.itemsize == 8:
            limits = (*limits, -1, 10**6, 10**9, 2**31, 2**53)
        return np.array(_of_one(limits, rng)).astype(dtype)


def _array_values(array: np.ndarray[Any, Any], rng: np.random.Generator) -> np.ndarray[Any, Any]:
    """Return an array of the same type and shape with other values."""
    result = array.copy()
    flat = result.reshape(-1)
    if not flat.size:
        return result
    how = rng.integers(9)
    with np.errstate(all="ignore"):
        if how < 3:
            flat[rng.integers(flat.size)] = _cell(array.dtype, rng)
        elif how == 3:
            flat[:] = _cell(array.dtype, rng)
        elif how == 4 and array.ndim > 1:
            result[rng.integers(len(result))] = _cell(array.dtype, rng)
        elif how == 5 and array.ndim > 1:
            result[:, rng.integers(result.shape[1])] = _cell(array.dtype, rng)
        elif how == 6:
            rng.shuffle(flat)
        elif how == 7 and array.dtype.kind != "b":
            flat[:] = (flat.astype(np.float64) * _of_one((-1.0, 0.0, 2.0, 1e6, 1e-6, 1e30), rng)).astype(
                array.dtype
            )
        else:
            place = rng.integers(flat.size)
            flat[place] = flat[place] + 1 if array.dtype.kind != "b" else not flat[place]
    return result


def _array_shape(array: np.ndarray[Any, Any], rng: np.random.Generator) -> np.ndarray[Any, Any]:
    """Return an array of another shape or type."""
    axis = int(rng.integers(max(array.ndim, 1)))
    changes: list[Callable[[], np.ndarray[Any, Any]]] = [
        lambda: array.reshape(-1),
        lambda: array[None],
        lambda: array[:0] if array.ndim else array[None],
        lambda: np.zeros((0,) * array.ndim, array.dtype),
        lambda: np.ascontiguousarray(array.T),
        lambda: np.delete(array, -1, axis=axis) if array.ndim and array.shape[axis] else array[None],
        lambda: np.concatenate([array, array[-1:]]) if array.ndim and len(array) else array[None],
        lambda: np.repeat(array, 2, axis=axis) if array.ndim else array[None],
        lambda: array.astype(_of_one(DTYPES, rng)),
        lambda: array.astype(_of_one(DTYPES, rng)),
    ]
    with np.errstate(all="ignore"):
        return changes[rng.integers(len(changes))]()


def _value(value: Any, rng: np.random.Generator) -> Any:
    """Return what a part becomes: something like it, or something else altogether."""
    if rng.random() < 0.15:
        return _stranger(rng)
    if isinstance(value, np.ndarray):
        return (_array_values if rng.random() < 0.75 else _array_shape)(value, rng)
    if isinstance(value, bool) or value is None:
        return _of_one((True, False, None, 0, 1, "x", 3.5), rng)
    if isinstance(value, (int, float)):
        near = (value + 1, value - 1, -value, value * 2, str(value))
        return _of_one(near, rng) if rng.random() < 0.3 else _of_one(NUMBERS, rng)
    if isinstance(value, str):
        return _of_one(TEXTS, rng)
    if isinstance(value, list) and value:
        return _list(value, rng)
    return _stranger(rng)


def _list(value: list[Any], rng: np.random.Generator) -> list[Any]:
    place = int(rng.integers(len(value)))
    changes = (
        value[:place] + value[place + 1 :],
        [*value, copy.deepcopy(value[place])],
        value[::-1],
        [],
        [*value, None],
        [value],
        [copy.deepcopy(value[place]) for _ in value],
    )
    return list(_of_one(changes, rng))


def _mutate(data: State, rng: np.random.Generator) -> None:
    """Change one part of a state in place."""
    parts = list(_parts(data))
    if not parts:
        data["x"] = _stranger(rng)
        return
    # arrays are few among names and numbers, and it is they that compiled code reads
    arrays = [(owner, key) for owner, key in parts if isinstance(owner[key], np.ndarray)]
    among = arrays if arrays and rng.random() < 0.5 else parts
    owner, key = among[rng.integers(len(among))]
    how = rng.random()
    if how < 0.12:
        del owner[key]
    elif how < 0.18 and isinstance(owner, dict):
        owner[_of_one(TEXTS, rng)] = _stranger(rng)
    elif how < 0.3:
        other, place = parts[rng.integers(len(parts))]
        mine, theirs = copy.deepcopy(owner[key]), copy.deepcopy(other[place])
        owner[key], other[place] = theirs, mine
    else:
        owner[key] = _value(owner[key], rng)


def mutant(
    kind: str, data: State, rng: np.random.Generator, packed: Callable[[State], State] = lambda data: data
) -> bytes:
    """Return the bytes of a state with one to three changes, sealed with a digest that is right.

    ``packed`` gives the state as a file has it, where a part of it is the bytes of another state.
    """
    if rng.random() < 0.03:
        return _odd_file(kind, packed(copy.deepcopy(data)), rng)
    data = copy.deepcopy(data)
    for _ in range(int(_of_one((1, 1, 1, 1, 2, 3), rng))):
        _mutate(data, rng)
    return sealed(kind, packed(data))


def _odd_file(kind: str, data: State, rng: np.random.Generator) -> bytes:
    """Return a file whose state is right, and what stands around it wrong."""
    stranger = _stranger(rng)
    if isinstance(stranger, np.ndarray):
        stranger = None
    changes: tuple[dict[str, Any], ...] = (
        {"version": _of_one(NUMBERS, rng)},
        {"kind": _of_one(TEXTS, rng)},
        *({name: stranger} for name in ("version", "kind", "digest", "contents", "inner_format")),
        {"extra": True},
        {"shared": True},
    )
    return sealed(**({"kind": kind, "data": data} | _of_one(changes, rng)))


def _split(node: Any, arrays: dict[str, np.ndarray[Any, Any]]) -> Any:
    if isinstance(node, np.ndarray):
        name = f"array {len(arrays):05}"
        arrays[name] = np.ascontiguousarray(node).reshape(node.shape)
        return {"__array__": name}
    if isinstance(node, np.generic):
        return node.item()
    if isinstance(node, dict):
        return {key: _split(value, arrays) for key, value in node.items()}
    if isinstance(node, (list, tuple)):
        return [_split(value, arrays) for value in node]
    return node


def _json(value: Any) -> str:
    text = json.dumps(value)
    for levels in DEEP:
        text = text.replace(f'"{_DEEP_MARK}{levels}"', "[" * levels + "]" * levels)
    return text


def sealed(
    kind: Any, data: State, *, version: Any = 1, extra: bool = False, shared: bool = False, **header: Any
) -> bytes:
    """Return the bytes of a file with these contents and a digest that is right, whatever they are.

    Unlike :func:`iotae.serialization.dumps` it takes what no file should hold: NaN outside arrays, any depth,
    arrays that nothing names (``extra``), and two parts that name the same (``shared``).
    """
    arrays: dict[str, np.ndarray[Any, Any]] = {}
    tree = _split(data, arrays)
    if extra:
        arrays["nobody's"] = np.zeros(3)
    if shared and isinstance(tree, dict):
        tree["shared"] = {"__array__": next(iter(arrays), "none")}
    inner = {"format": header.get("inner_format", version), "kind": kind, "data": tree}
    contents = header.get("contents", _json(inner))
    seal = blake2b(str(contents).encode(errors="surrogatepass"), digest_size=16)
    for name in sorted(arrays):
        array = arrays[name]
        seal.update(f"{name}:{array.dtype.str}:{array.shape}:".encode(errors="surrogatepass"))
        seal.update(array.tobytes())
    digest = header.get("digest", seal.hexdigest())
    header = {"format": version, "digest": digest, "contents": contents}
    return save(arrays, metadata={"iotae": _json(header)})
