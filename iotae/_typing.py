"""Names for the array types that the whole package speaks of."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["Bool", "Float32", "Float64", "Int8", "Int16", "Int32", "Int64", "State"]

Float32: TypeAlias = NDArray[np.float32]
Float64: TypeAlias = NDArray[np.float64]
Int8: TypeAlias = NDArray[np.int8]
Int16: TypeAlias = NDArray[np.int16]
Int32: TypeAlias = NDArray[np.int32]
Int64: TypeAlias = NDArray[np.int64]
Bool: TypeAlias = NDArray[np.bool_]

State: TypeAlias = dict[str, Any]
"""A model as nested dicts of arrays, numbers and text: see :mod:`iotae.serialization`."""
