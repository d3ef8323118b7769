"""Numbers that are no readings of their column: error codes, and readings in another unit."""

from __future__ import annotations

from iotae._compiled import compiled
from iotae._typing import Float64
from iotae.quality.cell_fields import CODES, CONVERTED, HIGH, LAST, LOW, MEAN_STEP, OFF, STEP, N

__all__ = ["is_code", "is_converted", "rare", "strange"]

_CONVERTED_ROWS = 3.0
"""Rows in a row that a conversion of units has to explain."""

_ERROR_CODES = (
    *(-999.0, -9999.0, -99999.0, -999.9, -999.99, 999.0, 9999.0, 99999.0, 999999.0),
    *(255.0, 32767.0, -32768.0, 65535.0, 2147483647.0, -2147483648.0, 4294967295.0),
    *(3276.7, -3276.8, 6553.5, 655.35, 327.67, -327.68, -127.0, 85.0, -273.15, -40.0, 1e20, -1e20),
)
"""What drivers and gateways send for no reading: bytes and words of ones, also scaled, and DS18B20's two."""


@compiled
def is_code(x: float) -> bool:
    """Whether sensors and gateways use a number as an error code."""
    found = False
    for code in _ERROR_CODES:
        found = found or x == code
    return found


@compiled
def strange(x: float, cell: Float64) -> bool:
    """Whether a code cannot be a reading next to the few values so far: far out of all of them."""
    if x <= -999.0 and cell[N] == 0.0:
        return True
    span = cell[HIGH] - cell[LOW] + abs(cell[HIGH]) + 1.0
    return bool(cell[N] >= 3.0 and (x < cell[LOW] - 3.0 * span or x > cell[HIGH] + 3.0 * span))


@compiled
def rare(cell: Float64) -> bool:
    """Whether error codes are few: one that comes all the time is a value."""
    return bool(cell[CODES] < 20.0 or cell[CODES] < 0.2 * cell[N])


@compiled
def is_converted(x: float, cell: Float64, reach: float) -> bool:
    """Whether a usual conversion of units brings a number back to where the column was, several times."""
    last = cell[LAST]
    near = min(cell[STEP], 5.0 * cell[MEAN_STEP]) * min(reach, 10.0) + 0.002 * abs(last)
    found = abs(x - last) >= 12.0 * near and (
        abs((x - 32.0) / 1.8 - last) <= near
        or abs(x * 1.8 + 32.0 - last) <= near
        or abs(x - 273.15 - last) <= near
        or abs(x + 273.15 - last) <= near
    )
    for factor in (100.0, 1000.0):
        up, down = abs(x / factor - last), abs(x * factor - last)
        found = found or (abs(x - last) >= 12.0 * near and last != 0.0 and min(up, down) <= near)
    cell[CONVERTED] = (cell[CONVERTED] + 1.0 if cell[OFF] > 0.0 else 1.0) if found else 0.0
    return bool(cell[CONVERTED] >= _CONVERTED_ROWS)
