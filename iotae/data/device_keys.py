"""Which cell names a device: the one rule of fleets, packets, groups of tables and the command."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np

from iotae.data.foreign import as_frame
from iotae.data.frames import is_frame
from iotae.data.table import TableError

__all__ = ["MOST_LETTERS", "check_has_key", "device_key", "device_text"]

MOST_LETTERS = 1_000
"""Letters of a device's name at most."""


def device_key(cell: Any) -> Any:
    """What a cell names a device; None where it names none: None, NaN, NaT, NA, masked, or blank text.

    Text is taken without the blanks around it. Words such as NA or null are names.

    Examples
    --------
    >>> [device_key(cell) for cell in (" pump ", 7, np.float64(7.5), None, float("nan"), " ", "NA")]
    ['pump', 7, 7.5, None, None, None, 'NA']
    """
    if isinstance(cell, str):
        return str(cell).strip() or None
    if cell is None or cell is np.ma.masked or type(cell).__name__ == "NAType":
        return None
    try:
        # NaN of every kind is the value that is not itself
        missing = bool(cell != cell)
    except Exception:
        return cell
    return None if missing else cell.item() if isinstance(cell, np.generic) else cell


def device_text(cell: Any) -> str:
    """The same as text, '' where it names none; a number as it is written without a fraction of zero.

    Examples
    --------
    >>> [device_text(cell) for cell in (" pump ", 7, 7.0, True, None, (1, "a"))]
    ['pump', '7', '7', 'True', '', "(1, 'a')"]
    """
    key = device_key(cell)
    if key is None:
        return ""
    return str(int(key)) if isinstance(key, float) and key.is_integer() else str(key)


def check_has_key(rows: Any, key: Hashable | None) -> None:
    """Refuse a data frame without the column of the device: then no row of it would have one.

    Raises
    ------
    TableError
        If it has no such column.
    """
    if key is not None and is_frame(rows):
        names = as_frame(rows).columns
        if key not in names:
            there = ", ".join(map(str, names))
            raise TableError(f"Got no column {key!r}, which names the device: the frame has {there}.")
