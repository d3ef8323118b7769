"""Values that repeat: a sensor that is stuck or dead, beside one that rests."""

from __future__ import annotations

from math import log, log1p

from iotae._compiled import compiled
from iotae._typing import Float64
from iotae.quality.cell_fields import (
    CHANGES,
    CODES,
    DISTINCT,
    HIGH,
    HOME,
    HOME_ROWS,
    LONGEST,
    LOW,
    OFF,
    OFF_RUN,
    RAW,
    REST_CHANGES,
    REST_LONGEST,
    REST_STEPS,
    RUN,
    STEPS,
    TOLD,
    N,
)
from iotae.quality.reasons import BIT

__all__ = ["count_step", "judge_run", "nats_of_repeat"]

FLAT, STUCK = BIT["flat"], BIT["stuck"]

_SURE = 16.0
"""Nats: by chance one run in nine million."""
_SURE_OFF = 8.0
_OFTEN = 4.0
_ENOUGH = 100.0
_COARSE = 2.0
"""Nats of a repeat, below which a column repeats all the time."""
_HOME_ROWS = 5.0


@compiled
def judge_run(x: float, cell: Float64, off: int, youth: float) -> int:
    """Whether a value repeats for longer than it can, and count the repeats."""
    if cell[N] + cell[OFF] + cell[CODES] == 0.0 or x != cell[RAW]:
        end_run(cell, youth)
        cell[OFF_RUN] = 1.0 if off != 0 else 0.0
        cell[RAW] = x
        return 0
    cell[RUN] += 1.0
    return repeats_too_long(x, cell, youth)


@compiled
def repeats_too_long(x: float, cell: Float64, youth: float) -> int:
    """The reason of a run that is longer than chance and the column's longest allow, 0 for none."""
    run = cell[RUN]
    moving = nats_of_repeat(cell[CHANGES], cell[STEPS])
    if cell[OFF_RUN] > 0.0:
        return FLAT if run >= 3.0 and run * moving > _SURE_OFF and run > cell[LONGEST] else 0
    if cell[DISTINCT] <= 2.0 or cell[STEPS] < _ENOUGH:
        return 0
    resting = at_rest(x, cell)
    if cell[N] < youth and (resting or moving < _COARSE):
        return 0
    if not resting:
        times = 3.0 if moving >= _COARSE else 5.0
        return STUCK if is_long(run, times * cell[LONGEST], moving, cell[STEPS]) else 0
    if cell[REST_STEPS] >= cell[STEPS]:
        # it rests more than it moves
        return 0
    # where it has hardly ever rested, it is taken to move here as it does elsewhere
    # what this run itself has taught so far does not speak for it
    before = max(cell[REST_STEPS] - min(run, 3.0 * cell[REST_LONGEST] + 30.0), cell[REST_CHANGES])
    prior = 2.0 * (cell[CHANGES] + 1.0) / (cell[STEPS] + 2.0)
    times = 2.0 if x == 0.0 or x <= cell[LOW] or x >= cell[HIGH] else 10.0
    nats = -log1p(-min((cell[REST_CHANGES] + prior) / (before + 2.0), 0.999))
    return FLAT if is_long(run, times * cell[REST_LONGEST], nats, before) else 0


@compiled
def is_long(run: float, longest: float, nats: float, steps: float) -> bool:
    """Whether a run is no chance, and longer than such a column's next longest may be.

    Where changes are independent, the longest run among n steps is about log(n) / nats. In a column whose
    longest is more than that they come in bursts, and the next burst may be longer by as much again.
    """
    bursts = max(1.0, longest * nats / (3.0 * log(steps + 3.0)))
    return bool(run * nats > _SURE and run > longest * bursts + 5.0)


@compiled
def end_run(cell: Float64, youth: float) -> None:
    """Take the length of a run that is over into what is usual; one that was doubted teaches little."""
    run, place = cell[RUN], REST_LONGEST if at_rest(cell[RAW], cell) else LONGEST
    if run > 0.0 and cell[OFF_RUN] == 0.0:
        doubted = repeats_too_long(cell[RAW], cell, youth) != 0
        if doubted:
            cell[TOLD] += 1.0
        believed = not doubted or cell[TOLD] >= _OFTEN
        cell[place] = max(cell[place], run if believed else min(run, 2.0 * cell[place] + 10.0))
        if believed:
            vote_for_home(cell[RAW], run, cell)
    cell[RUN] = 0.0


@compiled
def at_rest(x: float, cell: Float64) -> bool:
    """Whether a value is a place to rest: nothing, an end of the range, or where the column often stays."""
    home = x == cell[HOME] and cell[HOME_ROWS] >= _HOME_ROWS
    return bool(x == 0.0 or x <= cell[LOW] or x >= cell[HIGH] or home)


@compiled
def vote_for_home(x: float, run: float, cell: Float64) -> None:
    """Keep the value at which the column repeats for most of the time, if there is one."""
    if x == cell[HOME]:
        cell[HOME_ROWS] += run
    elif cell[HOME_ROWS] < run:
        cell[HOME], cell[HOME_ROWS] = x, run - cell[HOME_ROWS]
    else:
        cell[HOME_ROWS] -= run


@compiled
def nats_of_repeat(changes: float, steps: float) -> float:
    """How unlikely one repeat is, from how often a column changed."""
    return -log1p(-(changes + 1.0) / (steps + 2.0))


@compiled
def count_step(start: float, step: float, cell: Float64) -> None:
    """Take note whether the column moved from a value; a long rest counts for a part of its rows only."""
    resting = at_rest(start, cell)
    longest = cell[REST_LONGEST if resting else LONGEST]
    if cell[RUN] > 3.0 * longest + 30.0:
        return
    cell[REST_STEPS if resting else STEPS] += 1.0
    if step > 0.0:
        cell[REST_CHANGES if resting else CHANGES] += 1.0
