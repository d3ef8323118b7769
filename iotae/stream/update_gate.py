"""Which rows a stream's model may learn from, and when refused rows are taken for a changed world.

A row whose surprise lies more than three robust deviations above the usual teaches nothing, or a
long anomaly would be learned as normal. A gate that only refuses would lock itself out of a world
that has changed; so each refusal widens it a little and each acceptance narrows it again, such that
about one row in ten may be refused for ever. Where it has become twice as wide as at rest, the rows
that only the widening lets in teach at a fast rate, until the usual has moved to where they are.
"""

from __future__ import annotations

import numpy as np

from iotae._compiled import compiled
from iotae._typing import Float64

__all__ = ["ESCAPE_RATE", "SIZE", "accept", "adopting", "judge", "new_gate", "widening"]

_CENTRE, _SPREAD, _WIDTH, _RECENT, _ROWS, _ACCEPTED, SIZE = range(7)

_REFUSE = 3.0
"""Robust deviations above the usual surprise from which on a row is refused."""

_OPEN_ROWS = 64.0
"""Rows accepted before any but an absurd one may be refused: two mini-batches."""

_ABSURD = 50.0
"""Nats a feature from which on a row is refused even before the gate knows the usual, unless most rows are
so: two absurd values would set the scale of a feature that has been constant so far."""

_SHARE = 0.1
"""Share of refused rows at which the gate keeps its width."""

_WIDEN = 0.005
"""Widening per refusal, as a share of the width: 1 / 0.0045 refusals in a row widen it e-fold."""

_WIDEST = 1e6
"""Bound of the width, in multiples of the width at rest: no surprise lies farther out."""

_LEAST_SPREAD = 0.05
"""Smallest deviation, in nats: a stream that has been constant must be able to move."""

_FIRST_SPREAD = 1.0
"""Deviation, in nats, that stands for one row before there is any: a surprise always moves the
usual as if at most three deviations away, so that absurd rows at the start do not open the gate."""

_SHADOW = 3.0
"""A row enters the recent mean as if at most this many widths above the usual: a single absurd row does not
take its neighbours along, four in ten do."""

_GIVEN_WAY = 2.0
"""Width, in multiples of the width at rest, from which on refused rows are taken for a new world."""

ESCAPE_RATE = 0.01
"""Rate at which the rows of a new world teach: it is the usual after a few hundred rows."""

_RECENT_RATE = 0.1
"""A row is also judged with its neighbours: by the mean over about ten rows."""


def new_gate() -> Float64:
    """The state of a gate at rest."""
    gate = np.zeros(SIZE)
    gate[_WIDTH] = _REFUSE
    gate[_SPREAD] = _FIRST_SPREAD
    return gate


@compiled
def adopting(gate: Float64) -> bool:
    """Whether refused rows have become so many that they are taken for a changed world."""
    return bool(gate[_WIDTH] > _GIVEN_WAY * _REFUSE)


@compiled
def widening(gate: Float64) -> float:
    """How many times as wide as at rest the gate is."""
    return float(gate[_WIDTH] / _REFUSE)


@compiled
def judge(gate: Float64, surprise: float) -> int:
    """Judge a row: 0 it is refused, 1 it may teach, 2 it may teach at the fast rate."""
    gate[_ROWS] += 1.0
    spread = max(gate[_SPREAD], _LEAST_SPREAD)
    capped = surprise
    if gate[_ACCEPTED] >= _OPEN_ROWS:
        capped = min(surprise, gate[_CENTRE] + _SHADOW * gate[_WIDTH] * spread)
    rate = _RECENT_RATE if gate[_ROWS] > 1.0 else 1.0
    gate[_RECENT] += rate * (capped - gate[_RECENT])
    if gate[_ACCEPTED] < _OPEN_ROWS:
        few = gate[_ROWS] - gate[_ACCEPTED] <= gate[_ACCEPTED]
        return 0 if surprise > _ABSURD and few else 1
    height = max(surprise, gate[_RECENT]) - gate[_CENTRE]
    refused = height > gate[_WIDTH] * spread
    push = _WIDEN * ((1.0 if refused else 0.0) - _SHARE)
    gate[_WIDTH] = min(max(gate[_WIDTH] * np.exp(push), _REFUSE), _WIDEST * _REFUSE)
    if refused:
        return 0
    return 2 if height > _REFUSE * spread and adopting(gate) else 1


@compiled
def accept(gate: Float64, surprise: float, rate: float) -> None:
    """Take an accepted row's surprise into the usual; ``rate`` is the least weight it gets."""
    if gate[_ACCEPTED] == 0.0:
        gate[_CENTRE] = surprise
    gate[_ACCEPTED] += 1.0
    weight = max(1.0 / gate[_ACCEPTED], rate)
    # its own surprise and not its neighbours': their mean would fold the lower half of the usual away
    deviation = surprise - gate[_CENTRE]
    reach = _REFUSE * max(gate[_SPREAD], _LEAST_SPREAD)
    deviation = min(max(deviation, -reach), reach)
    gate[_CENTRE] += weight * deviation
    # 1.25 mean absolute deviations are one standard deviation of a normal variable
    weight = max(1.0 / (gate[_ACCEPTED] + 1.0), rate)
    gate[_SPREAD] += weight * (1.25 * abs(deviation) - gate[_SPREAD])
