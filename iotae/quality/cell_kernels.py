"""One cell against what its device and column have sent so far."""

from __future__ import annotations

from math import log, log1p, sqrt

from iotae._compiled import compiled
from iotae._typing import Float64
from iotae.quality.kinds import OTHER_UNIT
from iotae.quality.reasons import BIT

__all__ = ["CHANGES", "MISSING_RUN", "N_FIELDS", "STEPS", "judge_missing", "judge_number", "judge_text"]

SENTINEL, RANGE, JUMP, STUCK = BIT["sentinel"], BIT["range"], BIT["jump"], BIT["stuck"]
FLAT, MISSES, TYPE, UNIT = BIT["flat"], BIT["missing"], BIT["type"], BIT["unit"]

(N, LAST, LOW, HIGH, STEP, MEAN_STEP, RAW, RUN, LONGEST, CHANGES, STEPS, FIRST, SECOND, DISTINCT) = range(14)
(OFF, OFF_RUN, CODES, MISS_RATE, MISSING_RUN, CELLS, TEXTS, OFF_TIME) = range(14, 22)
"""Numbers believed; the last of them; their least and largest; the largest and the mean step; the value of
the row before, how often it repeated, the longest such run believed; changes among steps; the first two
values, and how many there were up to three; rows in a row not believed, whether the run began with such a
one; error codes seen; the rate of missing cells, those in a row, cells in all; texts; intervals since the
last that was believed."""
N_FIELDS = 22

_YOUNG = 30.0
_ADOPTED_AFTER = 20.0
"""Rows in a row, each in reach of the one before, after which a new level is believed."""
_SURE = 20.0

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
def judge_missing(cell: Float64, passed: float) -> int:
    """A missing cell: told where so many in a row come by chance less than once in a hundred."""
    n = cell[CELLS]
    cell[OFF_TIME] += passed
    cell[CELLS] = n + 1.0
    cell[MISSING_RUN] += 1.0
    rate = max(cell[MISS_RATE], 1.0 / (n + 2.0))
    told = n >= _YOUNG and cell[MISSING_RUN] * log(1.0 / min(rate, 1.0)) > 4.5
    cell[MISS_RATE] += (1.0 - cell[MISS_RATE]) / (2000.0 if told else min(n + 1.0, 200.0))
    return MISSES if told else 0


@compiled
def count_present(cell: Float64) -> None:
    """Take note that the cell is not missing."""
    cell[CELLS] += 1.0
    cell[MISS_RATE] -= cell[MISS_RATE] / min(cell[CELLS], 200.0)


@compiled
def judge_text(cell: Float64, kind: int) -> int:
    """A text, or a number in another unit, where numbers were."""
    count_present(cell)
    told = cell[N] >= _YOUNG and cell[TEXTS] < 0.05 * cell[N]
    cell[TEXTS] += 0.02 if told else 1.0
    return (UNIT if kind == OTHER_UNIT else TYPE) if told else 0


@compiled
def judge_number(x: float, cell: Float64, passed: float, in_order: bool) -> int:
    """A number, in a row so many usual intervals after the row before, or out of its order."""
    count_present(cell)
    if cell[TEXTS] >= _YOUNG and cell[N] < 0.05 * cell[TEXTS]:
        cell[N] += 0.02
        return TYPE
    cell[OFF_TIME] += passed
    reach = sqrt(cell[OFF_TIME])
    flags = off_reasons(x, cell, reach if in_order else 1e15)
    if not in_order:
        cell[OFF_TIME] -= passed
        return flags
    before = cell[RAW]
    flags |= judge_run(x, cell, flags)
    if flags & SENTINEL:
        cell[CODES] += 1.0
        return flags
    if flags & (RANGE | JUMP):
        cell[OFF] += 1.0
        near = abs(x - before) <= 2.0 * cell[STEP] * sqrt(passed)
        if flags & JUMP:
            # where steps are wild, the largest so far says little of what comes
            cell[STEP] *= 1.05
        if cell[OFF] < _ADOPTED_AFTER or not near:
            return flags
        cell[LAST] = x
    learn(x, cell, reach)
    return flags


@compiled
def off_reasons(x: float, cell: Float64, reach: float) -> int:
    """Whether a number is an error code, or out of range or reach."""
    n = cell[N]
    if n < _YOUNG:
        held_back = is_code(x) and cell[CODES] <= n + 5.0
        return SENTINEL if held_back and strange(x, cell) else 0
    if cell[DISTINCT] <= 2.0:
        # a contact or a constant: another value is news and nothing impossible
        return SENTINEL if is_code(x) and strange(x, cell) and rare(cell) else 0
    room = cell[HIGH] - cell[LOW] + 2.0 * cell[MEAN_STEP]
    out = x < cell[LOW] - room or x > cell[HIGH] + room
    far = cell[STEPS] >= _YOUNG and abs(x - cell[LAST]) > 2.0 * cell[STEP] * reach
    if not out and not far:
        return 0
    if is_code(x) and rare(cell):
        return SENTINEL
    flags = (RANGE if out else 0) | (JUMP if far else 0)
    return flags | (UNIT if is_converted(x, cell, reach) else 0)


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
    """Whether a usual conversion of units brings a number back to where the column was."""
    last = cell[LAST]
    near = cell[STEP] * min(reach, 10.0) + 0.002 * abs(last)
    if abs(x - last) < 4.0 * near:
        return False
    return bool(
        abs((x - 32.0) / 1.8 - last) <= near
        or abs(x * 1.8 + 32.0 - last) <= near
        or abs(x - 273.15 - last) <= near
        or abs(x + 273.15 - last) <= near
        or (last != 0.0 and (abs(x * 1000.0 - last) <= near or abs(x / 1000.0 - last) <= near))
    )


@compiled
def judge_run(x: float, cell: Float64, off: int) -> int:
    """Whether a value repeats for longer than it can, and count the repeats."""
    if cell[N] + cell[OFF] + cell[CODES] == 0.0 or x != cell[RAW]:
        if cell[RUN] > cell[LONGEST]:
            cell[LONGEST] = min(cell[RUN], 2.0 * cell[LONGEST] + 20.0)
        cell[RUN] = 0.0
        cell[OFF_RUN] = 1.0 if off != 0 else 0.0
        cell[RAW] = x
        return 0
    cell[RUN] += 1.0
    if cell[OFF_RUN] > 0.0:
        return FLAT if cell[RUN] >= 3.0 else 0
    # nothing at all, such as the sun's power at night, is a place to rest
    at_rest = x == 0.0 and cell[LOW] == 0.0
    if cell[DISTINCT] <= 2.0 or cell[STEPS] < 100.0 or at_rest:
        return 0
    nats = -log1p(-(cell[CHANGES] + 1.0) / (cell[STEPS] + 2.0))
    long = cell[RUN] * nats > _SURE and cell[RUN] > 3.0 * cell[LONGEST] + 5.0
    return STUCK if long else 0


@compiled
def learn(x: float, cell: Float64, reach: float) -> None:
    """Take a number that is believed into what is usual."""
    n = cell[N]
    if n == 0.0:
        cell[FIRST] = cell[LOW] = cell[HIGH] = cell[LAST] = x
        cell[DISTINCT] = 1.0
    elif cell[DISTINCT] == 1.0 and x != cell[FIRST]:
        cell[SECOND] = x
        cell[DISTINCT] = 2.0
    elif cell[DISTINCT] == 2.0 and x != cell[FIRST] and x != cell[SECOND]:
        cell[DISTINCT] = 3.0
    if n > 0.0 and cell[RUN] <= 3.0 * cell[LONGEST] + 30.0:
        step = abs(x - cell[LAST])
        cell[STEPS] += 1.0
        if step > 0.0:
            cell[CHANGES] += 1.0
        cell[STEP] = max(cell[STEP], step / reach)
        cell[MEAN_STEP] += (step / reach - cell[MEAN_STEP]) / min(cell[STEPS], 200.0)
    cell[LOW] = min(cell[LOW], x)
    cell[HIGH] = max(cell[HIGH], x)
    cell[LAST] = cell[RAW] = x
    cell[N] = n + 1.0
    cell[OFF] = 0.0
    cell[OFF_TIME] = 0.0
