"""What every exported header has: names, cells' type, cut, and a test of itself."""

from __future__ import annotations

from typing import NamedTuple

from iotae._typing import Float64
from iotae.export.c_text import array, check_prefix, filled, identifiers, quoted, template

__all__ = ["Parts", "header"]


class Parts(NamedTuple):
    """What is put into a header."""

    what: str
    weights: str
    names: list[str]
    definitions: list[str]
    rows: Float64
    """Rows (n, d) of the test, and what Python says of them (n,)."""
    scores: Float64
    places: dict[str, str]
    """By name, the texts that the body has places for."""
    has_state: bool = False


_TOLERANCE = {"float32": "1e-5f", "int8": "0.1f"}
"""By how much a score may differ from Python's, as a share of it where it is above 1."""


def header(body: str, name: str, parts: Parts) -> str:
    """A header's source, of a template of the body and all that goes into it."""
    whole = {
        "body": filled(template(body), check_prefix(name), parts.places),
        "what": parts.what,
        "weights": parts.weights,
        "definitions": "\n".join(parts.definitions),
        "names": ",\n    ".join(map(quoted, parts.names)),
        "enum": ",\n    ".join(identifiers(parts.names, "@P@_AT_")),
        "test_rows": array("@p@_test_rows", parts.rows, "@P@_CELL"),
        "test_scores": array("@p@_test_scores", parts.scores),
        "tolerance": _TOLERANCE[parts.weights],
        "usage": "float score = @p@_score(row);",
        "usage_of_state": "",
        "state": "",
    }
    if parts.has_state:
        whole["usage"] = "float score = @p@_score_next(&state, row);"
        whole["usage_of_state"] = " *     @p@_state state = @p@_exported_state;\n"
        whole["state"] = "&@p@_exported_state, "
    return filled(template("header.h"), name, whole)
