"""Numbers, arrays and names as C99 source text, and templates filled with them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["array", "check_prefix", "filled", "identifiers", "number", "quantised", "quoted", "template"]

_KEYWORDS = (
    "auto break case char const continue default do double else enum extern float for goto if inline int "
    "long main register restrict return short signed sizeof static struct switch typedef union unsigned void "
    "volatile while"
)


def number(value: float, kind: str = "float") -> str:
    """A number as a C constant of a kind, ``float`` or another: NaN and the infinities by their names."""
    if kind not in ("float", "double"):
        return str(int(value))
    value = float(np.float32(value)) if kind == "float" else float(value)
    if not np.isfinite(value):
        return "NAN" if np.isnan(value) else ("INFINITY" if value > 0 else "-INFINITY")
    text = f"{value:.9g}" if kind == "float" else f"{value:.17g}"
    if not re.search("[.e]", text):
        text += ".0"
    return text + "f" if kind == "float" else text


def array(name: str, values: NDArray[Any], kind: str = "float", shape: str = "") -> str:
    """The definition of a constant array of one or two dimensions."""
    table = np.atleast_2d(values)
    as_number = "double" if kind.endswith("_CELL") else kind
    rows = []
    for row in table.tolist():
        words = [number(value, as_number) for value in row]
        lines = [", ".join(words[at : at + 8]) for at in range(0, len(words), 8)]
        rows.append(",\n    ".join(lines))
    shape = shape or "".join(f"[{n}]" for n in values.shape)
    body = rows[0] if values.ndim == 1 else "},\n    {".join(rows)
    inside = body if values.ndim == 1 else f"{{{body}}}"
    return f"static const {kind} {name}{shape} = {{\n    {inside}}};"


def quantised(table: NDArray[Any], bits: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Rows of a table as whole numbers of so many bits, and the scale that each row is multiplied by.

    Examples
    --------
    >>> whole, scale = quantised(np.array([[0.5, -1.0], [0.0, 0.0]]), 8)
    >>> whole.tolist(), (whole[0] * scale[0]).round(2).tolist()
    ([[64, -127], [0, 0]], [0.5, -1.0])
    """
    most = float(2 ** (bits - 1) - 1)
    largest = np.abs(table).max(axis=1, initial=0.0)
    scale = np.where(largest > 0.0, largest / most, 1.0).astype(np.float32)
    return np.clip(np.rint(table / scale[:, None]), -most, most).astype(np.int64), scale


def quoted(text: str) -> str:
    r"""Text as a C string of its UTF-8 bytes; what is no plain letter is written by its octal number.

    Examples
    --------
    >>> print(quoted('a "b"? °'))
    "a \042b\042\077 \302\260"
    """
    plain = set(b" !#$%&'()*+,-./0123456789:;<=>@[]^_{|}~")
    plain |= set(range(ord("A"), ord("Z") + 1)) | set(range(ord("a"), ord("z") + 1))
    codes = text.encode("utf-8", "surrogatepass")
    return '"' + "".join(chr(code) if code in plain else f"\\{code:03o}" for code in codes) + '"'


def identifiers(names: Iterable[str], prefix: str) -> list[str]:
    """A C constant's name for each feature's name; equal ones get numbers."""
    taken: set[str] = set()
    found = []
    for name in names:
        word = prefix + (re.sub("[^A-Z0-9]+", "_", name.upper()).strip("_")[:40] or "CELL")
        unique, n = word, 2
        while unique in taken:
            unique, n = f"{word}_{n}", n + 1
        taken.add(unique)
        found.append(unique)
    return found


def check_prefix(name: str) -> str:
    """Refuse what cannot begin the names of a header.

    Raises
    ------
    ValueError
        If it is no C identifier of small letters.
    """
    if re.fullmatch("[a-z][a-z0-9_]{0,30}", name) is None or name in _KEYWORDS.split():
        raise ValueError(
            f"Got name={name!r}, but expected small letters, digits and underscores, e.g. 'iotae': all names "
            "in the header begin with it."
        )
    return name


def template(name: str) -> str:
    """A piece of C source from the package."""
    return files("iotae.export").joinpath("templates", name).read_text("utf-8")


def filled(text: str, prefix: str, parts: Mapping[str, str]) -> str:
    """A template with its parts, and all its names beginning with ``prefix``."""
    for key, value in parts.items():
        text = text.replace(f"@{key}@", value)
    return text.replace("@p@", prefix).replace("@P@", prefix.upper())
