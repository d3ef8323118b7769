"""The arithmetic of one row of a stream: its contributions, its score, and what it teaches.

The contribution of a present feature j with scaled value z and residual e is the sum of

* its surprise -log p(z) under the feature's running histogram: binary, discrete and many-peaked features;
* its energy z^2: how far out it lies, without end, so that no two extremes tie;
* log(1 + (e / r)^2), r the feature's usual residual: a structure between features that is broken.

A row's surprise is the mean contribution. Its raw score leans on the recent rows' contributions as
far as this stream's surprise is autocorrelated, and is itself the sum of what each feature adds.
"""

from __future__ import annotations

import numpy as np

from iotae._compiled import compiled
from iotae._typing import Float64
from iotae.nn.kernels import forward_row
from iotae.stream import autocorrelation as _context
from iotae.stream import histogram as _density
from iotae.stream import update_gate as _gate
from iotae.stream.counters import ACTIVATION, LEARNED, PENDING, REFUSED
from iotae.stream.memory import (
    BINS_AT,
    CONTEXT_AT,
    COUNTS_AT,
    GATE_AT,
    HEAD_AT,
    KINDS_AT,
    MOMENTS_AT,
    RATES_AT,
    RUNNING,
    RUNNING_AT,
    SCRATCH,
    SCRATCH_AT,
    STATS_AT,
    TABLE_AT,
    Memory,
    autoencoder_of,
)
from iotae.stream.scaler import CENTRE, COUNT, HEAD, SPREAD, observe_value, scaled_value

__all__ = [
    "MASS",
    "RECENT",
    "RESIDUAL",
    "RESIDUAL_AT_FIRST",
    "SCORED_AT",
    "SCORED_ROW",
    "SHARE",
    "learn_surprise",
    "own_part_of_surprise",
    "surprise_of_row",
]

RESIDUAL, RECENT, MASS = range(RUNNING)
"""Rows of the features' running figures: usual residual, recent contribution, rows counted."""

_SCALED, _CONTRIBUTION, _RESIDUAL_NOW, SHARE, SCORED_ROW, SCORED_AT, _CELLS = range(SCRATCH)
"""Rows of the scratch: what a row's scoring leaves for its learning. The row itself and the number of rows
learned before it say whether it is still good; it is never part of the state."""

RESIDUAL_AT_FIRST = 0.5
"""Usual residual before any was seen: about the mean size of a scaled value."""

_RESIDUAL_FLOOR = 0.02
"""Residuals below this are the noise of the optimiser."""

_RESIDUAL_REACH = 5.0
"""A residual moves the usual one as if at most this many times as large."""

_SEEN_BY_NETWORK = 3.0
"""The network sees scaled values in [-3, 3], about 19 spreads; beyond, the energy speaks."""

# the compiler wants the functions themselves, not attributes of a module
_surprise, _add = _density.surprise, _density.add
_judge, _accept, _widening, _escape_rate = _gate.judge, _gate.accept, _gate.widening, _gate.ESCAPE_RATE
_lean, _follow, _recent_rate = _context.lean, _context.follow, _context.RECENT_RATE


@compiled
def _contributions(row: Float64, memory: Memory) -> int:
    """Fill the scratch with scaled values, contributions and residuals; how many cells are present."""
    # fields of a tuple are read once: in a loop each would cost as much as the arithmetic
    stats, table, running = (
        memory.slots[STATS_AT:HEAD_AT],
        memory.slots[TABLE_AT:RUNNING_AT],
        memory.slots[RUNNING_AT:KINDS_AT],
    )
    auto = autoencoder_of(memory)
    tape, scratch, kinds = auto.tape, memory.slots[SCRATCH_AT:STATS_AT], memory.slots[KINDS_AT:MOMENTS_AT]
    n_features = row.size
    present = 0
    for j in range(n_features):
        scaled = scaled_value(row[j], stats[COUNT, j], stats[CENTRE, j], stats[SPREAD, j])
        scratch[_SCALED, j] = scaled
        scratch[_RESIDUAL_NOW, j] = 0.0
        scratch[_CONTRIBUTION, j] = 0.0
        if scaled == scaled:
            if kinds[0, j] % 2.0 == 0.0:
                present += 1
                scratch[_CONTRIBUTION, j] = _surprise(scaled, table, j) + scaled * scaled
            tape[j] = min(_SEEN_BY_NETWORK, max(-_SEEN_BY_NETWORK, scaled))
        else:
            tape[j] = 0.0
    if present > 0:
        forward_row(auto.parameters, auto.sizes, memory.counters[ACTIVATION], tape)
        output = tape.size - n_features
        for j in range(n_features):
            # what only helps to expect the others is shown, and not scored
            if kinds[0, j] % 2.0 == 0.0 and scratch[_SCALED, j] == scratch[_SCALED, j]:
                residual = abs(tape[j] - tape[output + j])
                ratio = residual / running[RESIDUAL, j]
                scratch[_RESIDUAL_NOW, j] = residual
                scratch[_CONTRIBUTION, j] += np.log1p(ratio * ratio)
    scratch[_CELLS, 0] = present
    return present


@compiled
def _lean_on_recent(memory: Memory, present: int) -> float:
    """Fill the scratch with each feature's share of the raw score, and add them up: 0 without any cell."""
    running, scratch, kinds = (
        memory.slots[RUNNING_AT:KINDS_AT],
        memory.slots[SCRATCH_AT:STATS_AT],
        memory.slots[KINDS_AT:MOMENTS_AT],
    )
    weight = _lean(memory.figures[CONTEXT_AT:COUNTS_AT])
    raw = 0.0
    for j in range(scratch.shape[1]):
        scratch[SHARE, j] = 0.0
        if kinds[0, j] % 2.0 == 0.0 and scratch[_SCALED, j] == scratch[_SCALED, j]:
            own = scratch[_CONTRIBUTION, j]
            scratch[SHARE, j] = ((1.0 - weight) * own + weight * running[RECENT, j]) / present
            raw += scratch[SHARE, j]
    return raw


def own_part_of_surprise(scratch: Float64, running: Float64, context: Float64) -> Float64:
    """How much of what each feature (d,) adds to the surprise of the row scored last is its own value's.

    The rest is that of the rows before; 1 where it adds nothing.
    """
    weight = _lean(context)
    own, recent = (1.0 - weight) * scratch[_CONTRIBUTION], weight * running[RECENT]
    both = own + recent
    part: Float64 = np.divide(own, both, out=np.ones_like(both), where=both > 0.0)
    return part


@compiled
def surprise_of_row(row: Float64, memory: Memory) -> float:
    """Mean surprise of one row (d,), >= 0; what each feature adds to it is left in the scratch.

    That is -1 if no cell is usable.
    """
    present = _contributions(row, memory)
    if present == 0:
        return -1.0
    return _lean_on_recent(memory, present)


@compiled
def learn_surprise(row: Float64, memory: Memory) -> bool:
    """Learn one row (d,) that was scored just before, but for the network; whether it was accepted.

    An accepted row is put into the pending mini-batch. All parts change in place.
    """
    counters = memory.counters
    present = int(memory.slots[SCRATCH_AT:STATS_AT][_CELLS, 0])
    stats, running, scratch = (
        memory.slots[STATS_AT:HEAD_AT],
        memory.slots[RUNNING_AT:KINDS_AT],
        memory.slots[SCRATCH_AT:STATS_AT],
    )
    surprise = 0.0
    for j in range(row.size):
        surprise += scratch[_CONTRIBUTION, j]
    surprise /= present
    verdict = _judge(memory.figures[GATE_AT:CONTEXT_AT], surprise)
    factor = _follow(memory.figures[CONTEXT_AT:COUNTS_AT], surprise)
    for j in range(row.size):
        if scratch[_SCALED, j] == scratch[_SCALED, j]:
            recent_rate = _recent_rate if stats[COUNT, j] > 0.0 else 1.0
            running[RECENT, j] += recent_rate * (scratch[_CONTRIBUTION, j] * factor - running[RECENT, j])
    if verdict == 0:
        counters[REFUSED] += 1
        return False
    _teach(row, memory, surprise, verdict == 2)
    counters[LEARNED] += 1
    counters[PENDING] += 1
    return True


@compiled
def _teach(row: Float64, memory: Memory, surprise: float, changed: bool) -> None:
    """Let an accepted row move scale, histogram and usual residual, and put it into the mini-batch."""
    stats, head, counts, running = (
        memory.slots[STATS_AT:HEAD_AT],
        memory.slots[HEAD_AT:BINS_AT],
        memory.slots[BINS_AT:TABLE_AT],
        memory.slots[RUNNING_AT:KINDS_AT],
    )
    auto = autoencoder_of(memory)
    scratch, tape, pending = memory.slots[SCRATCH_AT:STATS_AT], auto.tape, auto.pending
    rate = memory.figures[RATES_AT:GATE_AT][1]
    least = max(rate, _escape_rate) if changed else rate
    widened = _widening(memory.figures[GATE_AT:CONTEXT_AT]) if changed else 1.0
    _accept(memory.figures[GATE_AT:CONTEXT_AT], surprise, least)
    place = memory.counters[PENDING]
    for j in range(row.size):
        scaled = scratch[_SCALED, j]
        if scaled != scaled:
            pending[place, j] = np.nan
            continue
        pending[place, j] = tape[j]
        seen = stats[COUNT, j]
        observe_value(row[j], stats, head, j, least, widened)
        # a row that teaches at a fast rate weighs that share of all that is there
        mass = max(1.0, least / (1.0 - least) * running[MASS, j]) if changed else 1.0
        _add(scaled, counts, j, mass)
        running[MASS, j] += mass
        usual = running[RESIDUAL, j]
        moved = min(scratch[_RESIDUAL_NOW, j], _RESIDUAL_REACH * usual) - usual
        usual += max(1.0 / (seen + 1.0 + HEAD), least) * moved
        running[RESIDUAL, j] = max(_RESIDUAL_FLOOR, usual)
