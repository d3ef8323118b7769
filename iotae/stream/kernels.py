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
from iotae._typing import Float32, Float64, Int64
from iotae.nn.kernels import forward_row
from iotae.stream import autocorrelation as _context
from iotae.stream import histogram as _density
from iotae.stream import update_gate as _gate
from iotae.stream.scaler import CENTRE, COUNT, HEAD, SPREAD, observe_value, scaled_value

__all__ = [
    "BATCHES",
    "LEARNED",
    "LEFT",
    "MASS",
    "N_COUNTERS",
    "N_SCRATCH",
    "PENDING",
    "PRESENT",
    "RECENT",
    "REFRESH",
    "REFUSED",
    "RESIDUAL",
    "RESIDUAL_AT_FIRST",
    "SHARE",
    "STEPS",
    "learn_row",
    "score_row",
]

RESIDUAL, RECENT, MASS = range(3)
"""Rows of the features' running figures (3, d): usual residual, recent contribution, rows counted."""

LEARNED, PENDING, BATCHES, STEPS, LEFT, REFRESH, REFUSED, PRESENT, N_COUNTERS = range(9)
"""Counters: rows learned, rows that wait for a mini-batch, mini-batches, steps of training, steps that the
latest mini-batch has still to go, the number of rows learned at which the surprise tables are made anew early
in a stream, rows refused by the gate, and the present cells of the latest row."""

_SCALED, _CONTRIBUTION, _RESIDUAL_NOW, SHARE, _ROW, _JUDGED, _CELLS, N_SCRATCH = range(8)
"""Rows of the scratch (N_SCRATCH, d): what a row's scoring leaves for its learning. The row itself and
the number of rows judged before it say whether it is still good; it is never part of the state."""

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
_lean, _follow, _recent_rate, _rows = _context.lean, _context.follow, _context.RECENT_RATE, _context.ROWS


@compiled
def _is_fresh(row: Float64, context: Float64, scratch: Float64) -> bool:
    """Whether the scratch already holds this row's contributions to the model as it is."""
    if scratch[_JUDGED, 0] != context[_rows]:
        return False
    for j in range(row.size):
        # a missing cell equals a missing cell
        if row[j] != scratch[_ROW, j] and (row[j] == row[j] or scratch[_ROW, j] == scratch[_ROW, j]):
            return False
    return True


@compiled
def _contributions(
    row: Float64,
    stats: Float64,
    table: Float64,
    figures: Float64,
    context: Float64,
    parameters: Float32,
    sizes: Int64,
    activation: int,
    tape: Float32,
    scratch: Float64,
) -> int:
    """Fill the scratch with scaled values, contributions and residuals; how many cells are present."""
    n_features = row.size
    if _is_fresh(row, context, scratch):
        return int(scratch[_CELLS, 0])
    present = 0
    for j in range(n_features):
        scaled = scaled_value(row[j], stats[j, COUNT], stats[j, CENTRE], stats[j, SPREAD])
        scratch[_ROW, j] = row[j]
        scratch[_SCALED, j] = scaled
        scratch[_CONTRIBUTION, j] = 0.0
        if scaled == scaled:
            present += 1
            scratch[_CONTRIBUTION, j] = _surprise(scaled, table[j]) + scaled * scaled
            tape[j] = min(_SEEN_BY_NETWORK, max(-_SEEN_BY_NETWORK, scaled))
        else:
            tape[j] = 0.0
    if present > 0:
        forward_row(parameters, sizes, activation, tape)
        output = tape.size - n_features
        for j in range(n_features):
            if scratch[_SCALED, j] == scratch[_SCALED, j]:
                residual = abs(tape[j] - tape[output + j])
                ratio = residual / figures[RESIDUAL, j]
                scratch[_RESIDUAL_NOW, j] = residual
                scratch[_CONTRIBUTION, j] += np.log1p(ratio * ratio)
    scratch[_JUDGED, 0] = context[_rows]
    scratch[_CELLS, 0] = present
    return present


@compiled
def _lean_on_recent(figures: Float64, context: Float64, present: int, scratch: Float64) -> float:
    """Fill the scratch with each feature's share of the raw score, and add them up: 0 without any cell."""
    weight = _lean(context)
    raw = 0.0
    for j in range(scratch.shape[1]):
        scratch[SHARE, j] = 0.0
        if scratch[_SCALED, j] == scratch[_SCALED, j]:
            own = scratch[_CONTRIBUTION, j]
            scratch[SHARE, j] = ((1.0 - weight) * own + weight * figures[RECENT, j]) / present
            raw += scratch[SHARE, j]
    return raw


@compiled
def score_row(
    row: Float64,
    stats: Float64,
    table: Float64,
    figures: Float64,
    context: Float64,
    parameters: Float32,
    sizes: Int64,
    activation: int,
    tape: Float32,
    scratch: Float64,
) -> float:
    """Raw score of one row (d,), >= 0; what each feature adds to it is left in ``scratch[SHARE]``."""
    present = _contributions(
        row, stats, table, figures, context, parameters, sizes, activation, tape, scratch
    )
    return _lean_on_recent(figures, context, present, scratch)


@compiled
def learn_row(
    row: Float64,
    stats: Float64,
    head: Float64,
    counts: Float64,
    table: Float64,
    figures: Float64,
    gate: Float64,
    context: Float64,
    counters: Int64,
    pending: Float32,
    parameters: Float32,
    sizes: Int64,
    activation: int,
    rate: float,
    tape: Float32,
    scratch: Float64,
) -> float:
    """Learn one row (d,) but for the network, and return the raw score that it had before.

    That is -1 if no cell was usable. ``rate`` is the slowest rate of all running figures. An accepted
    row is put into ``pending``. All arrays change in place.
    """
    n_features = row.size
    present = _contributions(
        row, stats, table, figures, context, parameters, sizes, activation, tape, scratch
    )
    counters[PRESENT] = present
    if present == 0:
        return -1.0
    raw = _lean_on_recent(figures, context, present, scratch)
    surprise = np.sum(scratch[_CONTRIBUTION]) / present
    verdict = _judge(gate, surprise)
    factor = _follow(context, surprise)
    for j in range(n_features):
        if scratch[_SCALED, j] == scratch[_SCALED, j]:
            recent_rate = _recent_rate if stats[j, COUNT] > 0.0 else 1.0
            figures[RECENT, j] += recent_rate * (scratch[_CONTRIBUTION, j] * factor - figures[RECENT, j])
    if verdict == 0:
        counters[REFUSED] += 1
        return raw
    changed = verdict == 2
    least = max(rate, _escape_rate) if changed else rate
    widened = _widening(gate) if changed else 1.0
    _accept(gate, surprise, least)
    place = counters[PENDING]
    for j in range(n_features):
        scaled = scratch[_SCALED, j]
        if scaled != scaled:
            pending[place, j] = np.nan
            continue
        pending[place, j] = tape[j]
        seen = stats[j, COUNT]
        observe_value(row[j], stats, head, j, least, widened)
        # a row that teaches at a fast rate weighs that share of all that is there
        mass = max(1.0, least / (1.0 - least) * figures[MASS, j]) if changed else 1.0
        _add(scaled, counts[j], mass)
        figures[MASS, j] += mass
        usual = figures[RESIDUAL, j]
        moved = min(scratch[_RESIDUAL_NOW, j], _RESIDUAL_REACH * usual) - usual
        usual += max(1.0 / (seen + 1.0 + HEAD), least) * moved
        figures[RESIDUAL, j] = max(_RESIDUAL_FLOOR, usual)
    counters[LEARNED] += 1
    counters[PENDING] += 1
    return raw
