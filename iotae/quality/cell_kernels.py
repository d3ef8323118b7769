"""One cell against what its device and column have sent so far."""

from __future__ import annotations

from math import log, sqrt

from iotae._compiled import compiled
from iotae._typing import Float64
from iotae.quality.cell_fields import (
    AWAY,
    CELLS,
    CODES,
    DISTINCT,
    FIRST,
    HIGH,
    LAST,
    LOW,
    MEAN_STEP,
    MISS_LONGEST,
    MISS_RATE,
    MISSING_RUN,
    OFF,
    OFF_TIME,
    OLD_HIGH,
    OLD_LOW,
    RAW,
    REST_STEPS,
    SECOND,
    STEP,
    STEPS,
    TEXTS,
    TOLD,
    N,
)
from iotae.quality.code_kernels import is_code, is_converted, rare, strange
from iotae.quality.kinds import OTHER_UNIT
from iotae.quality.reasons import BIT
from iotae.quality.run_kernels import count_step, judge_run

__all__ = ["count_present", "judge_missing", "judge_number", "judge_text"]

SENTINEL, RANGE, JUMP, FLAT = BIT["sentinel"], BIT["range"], BIT["jump"], BIT["flat"]
MISSES, TYPE, UNIT = BIT["missing"], BIT["type"], BIT["unit"]

_NEW, _NEW_TEXT = 30.0, 500.0
"""Values of a column that are learned almost unseen; of one of texts, before a gap is doubted."""
_ADOPTED_AFTER, _ADOPTED_INSIDE = 20.0, 5.0
"""Rows in a row, each in reach of the one before, after which a new level is believed; one in the range."""
_OFTEN, _OFTEN_YOUNG, _OF_LATE = 4.0, 1.9, 2000.0
"""Times that a column is doubted, and a young one, within so many rows, after which it is how it is."""
_BACK_WITHIN = 2000.0
"""Rows after which a new level is no passing one."""


@compiled
def judge_missing(cell: Float64, passed: float) -> int:
    """A missing cell: told where so many in a row come by chance less than once in a hundred."""
    n = cell[CELLS]
    cell[OFF_TIME] += passed
    cell[CELLS] = n + 1.0
    cell[MISSING_RUN] += 1.0
    run, rate = cell[MISSING_RUN], max(cell[MISS_RATE], 1.0 / (n + 2.0))
    # a text that comes now and then, such as an event, is no reading that is owed
    known = n >= (_NEW_TEXT if cell[TEXTS] > cell[N] else _NEW)
    told = known and rate < 0.5 and run > 2.0 * cell[MISS_LONGEST] and run * log(1.0 / rate) > 4.5
    cell[MISS_RATE] += (1.0 - cell[MISS_RATE]) / (2000.0 if told else min(n + 1.0, 200.0))
    return MISSES if told else 0


@compiled
def count_present(cell: Float64) -> None:
    """Take note that the cell is not missing."""
    cell[CELLS] += 1.0
    run = cell[MISSING_RUN]
    if run > cell[MISS_LONGEST] and cell[MISS_RATE] > 0.05:
        cell[MISS_LONGEST] = run
    cell[MISSING_RUN] = 0.0
    cell[MISS_RATE] -= cell[MISS_RATE] / min(cell[CELLS], 200.0)


@compiled
def judge_text(cell: Float64, kind: int) -> int:
    """A text, or a number in another unit, where numbers were."""
    told = cell[N] >= _NEW and cell[TEXTS] < 0.05 * cell[N]
    cell[TEXTS] += 0.02 if told else 1.0
    return (UNIT if kind == OTHER_UNIT else TYPE) if told else 0


@compiled
def judge_number(x: float, cell: Float64, passed: float, in_order: bool, youth: float) -> int:
    """A number, in a row so many usual intervals after the row before, or out of its order.

    A column is young for the first ``youth`` numbers: what it does in a day is not known yet.
    """
    if cell[TEXTS] >= _NEW and cell[N] < 0.05 * cell[TEXTS]:
        cell[N] += 0.02
        return TYPE
    cell[OFF_TIME] += passed
    reach = sqrt(cell[OFF_TIME])
    flags = off_reasons(x, cell, reach if in_order else 1e15)
    if not in_order:
        cell[OFF_TIME] -= passed
        return flags
    before = cell[RAW]
    flags |= judge_run(x, cell, flags, youth)
    if flags & SENTINEL:
        cell[CODES] += 1.0
        return flags
    if flags & (RANGE | JUMP):
        count_off(cell, flags)
        if not is_believed(x, before, cell, flags, sqrt(passed), youth):
            return flags
    learn(x, cell, reach)
    return flags


@compiled
def count_off(cell: Float64, flags: int) -> None:
    """Take note of a number out of range or reach."""
    if cell[OFF] == 0.0:
        cell[TOLD] += 1.0
    cell[OFF] += 1.0
    if flags & JUMP:
        # where steps are wild, the largest so far says little of what comes
        cell[STEP] *= 1.05


@compiled
def is_believed(x: float, before: float, cell: Float64, flags: int, reach: float, youth: float) -> bool:
    """Whether a doubted number is learned: its column is like that, or it is at a level that lasts."""
    if cell[TOLD] >= _OFTEN or (cell[N] < youth and max(cell[OFF] - 1.0, cell[TOLD]) >= _OFTEN_YOUNG):
        return True
    rows = _ADOPTED_INSIDE if not flags & (RANGE | FLAT) else _ADOPTED_AFTER
    if cell[OFF] < rows or abs(x - before) > 2.0 * cell[STEP] * reach:
        return False
    if cell[AWAY] == 0.0:
        cell[AWAY], cell[OLD_LOW], cell[OLD_HIGH] = 1.0, cell[LOW], cell[HIGH]
    cell[LAST] = x
    return True


@compiled
def off_reasons(x: float, cell: Float64, reach: float) -> int:
    """Whether a number is an error code, or out of range or reach."""
    n = cell[N]
    if n < _NEW:
        held_back = is_code(x) and cell[CODES] <= n + 5.0
        return SENTINEL if held_back and strange(x, cell) else 0
    if cell[DISTINCT] <= 2.0:
        # a contact or a constant: another value is news and nothing impossible
        return SENTINEL if is_code(x) and strange(x, cell) and rare(cell) else 0
    room = cell[HIGH] - cell[LOW] + 2.0 * cell[MEAN_STEP]
    beyond = max(cell[LOW] - x, x - cell[HIGH])
    step, widest = abs(x - cell[LAST]), 2.0 * cell[STEP] * reach
    # a column that never was below nothing has no -127 of its own, however wide it is
    strays = beyond > room or step > widest or x < 0.0 <= cell[LOW]
    if strays and is_code(x) and rare(cell):
        return SENTINEL
    flags = RANGE if beyond > room else 0
    if cell[STEPS] + cell[REST_STEPS] >= _NEW and step > widest and not comes_back(x, cell):
        flags |= JUMP
    if flags:
        return flags | (UNIT if is_converted(x, cell, reach) else 0)
    return 0


@compiled
def comes_back(x: float, cell: Float64) -> bool:
    """Whether a number is where the column was before it came to a new level."""
    return bool(cell[AWAY] > 0.0 and cell[OLD_LOW] <= x <= cell[OLD_HIGH])


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
    returned = comes_back(x, cell) and abs(x - cell[LAST]) > 2.0 * cell[STEP] * reach
    if returned:
        # what came and went is not what the column usually is
        cell[LOW], cell[HIGH], cell[AWAY] = cell[OLD_LOW], cell[OLD_HIGH], 0.0
    elif n > 0.0:
        step = abs(x - cell[LAST])
        count_step(cell[LAST], step, cell)
        cell[STEP] = max(cell[STEP], step / reach)
        cell[MEAN_STEP] += (step / reach - cell[MEAN_STEP]) / min(n, 200.0)
    if cell[AWAY] > 0.0:
        cell[AWAY] = cell[AWAY] + 1.0 if cell[AWAY] < _BACK_WITHIN else 0.0
    cell[LOW] = min(cell[LOW], x)
    cell[HIGH] = max(cell[HIGH], x)
    cell[LAST] = cell[RAW] = x
    cell[N] = n + 1.0
    cell[TOLD] -= cell[TOLD] / _OF_LATE
    cell[OFF] = 0.0
    cell[OFF_TIME] = 0.0
