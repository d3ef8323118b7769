"""What an ONNX model says of itself."""

from __future__ import annotations

import json
from collections.abc import Sequence

from iotae._version import __version__

__all__ = ["about"]


def about(kind: str, names: Sequence[str], cut: float) -> dict[str, str]:
    """Properties of a model: features in the order of its cells, the cut, what it is and what made it.

    Examples
    --------
    >>> about("a model", ["power"], float("inf"))["iotae.cut"]
    'inf'
    """
    return {
        "iotae.kind": kind,
        "iotae.features": json.dumps(list(names), ensure_ascii=True),
        "iotae.cut": repr(float(cut)),
        "iotae.version": __version__,
    }
