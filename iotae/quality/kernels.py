"""Rows judged one after the other against what their devices have sent so far, and then learned."""

from __future__ import annotations

from typing import NamedTuple

from iotae._compiled import compiled
from iotae._typing import Bool, Float64, Int64
from iotae.quality.cell_fields import CHANGES, REST_CHANGES, REST_STEPS, STEPS
from iotae.quality.cell_kernels import count_present, judge_missing, judge_number, judge_text
from iotae.quality.clock_kernels import INTERVAL, LATEST, REPEATS, TIMED, judge_time
from iotae.quality.kinds import NUMBER, UNUSABLE
from iotae.quality.reasons import BIT
from iotae.quality.run_kernels import nats_of_repeat

__all__ = ["Limits", "Memory", "Rows", "judge"]

DUPLICATE, SENTINEL, IMPOSSIBLE, SCHEMA = (BIT[n] for n in ("duplicate", "sentinel", "impossible", "schema"))
_LATE_ROWS = BIT["order"] | BIT["late"] | BIT["clock"]

# what a device's row of ``devices`` holds beyond its times: see clock_kernels
ROWS, DOUBLED_RUN, NEW_KEYS = 0, 1, 2

_KNOWN_ROWS = 20.0
"""Rows of a device before its features and times are doubted."""
_SURE = 10.0
"""Nats: by chance one row in twenty thousand."""
_REPEATS_USUAL = 0.005
"""Share of rows equal to the one before, from which on a device is one that repeats itself."""
_DAY = 86_400.0
_YOUNG_UNTIMED, _YOUNG_LEAST, _YOUNG_MOST = 500.0, 100.0, 2000.0
"""Rows of youth where no time is told; the fewest and most where it is."""
_NEW_KEYS_ROWS = 5
"""Rows for which a new set of features is told."""


class Rows(NamedTuple):
    """Rows (n, d) to judge, in order."""

    values: Float64
    """Numbers (n, d); the checksum of a text; 0 where nothing is."""
    kinds: Int64
    """What each cell (n, d) is: see ``kinds``."""
    times: Float64
    """Seconds since 1970 (n,), NaN where not told."""
    digests: Int64
    """A checksum of each row (n,)."""
    keys: Int64
    """A checksum of the names of each row's features (n,)."""
    slots: Int64
    """Where each row's device has its memory (n,)."""
    fresh: Bool
    """Whether the memory has to be emptied before the row (n,), as the device is a new one."""
    skipped: Bool
    """Rows (n,) that are not judged and teach nothing."""


class Memory(NamedTuple):
    """What is known of m devices and their d columns."""

    cells: Float64
    """(m, d, N_FIELDS)."""
    devices: Float64
    """(m, N_DEVICE)."""
    recent: Int64
    """Checksums (m, k) of each device's latest rows; the last entry is where the next one goes."""
    keys: Int64
    """Checksums of the sets of features that each device has sent, and rows of each (m, 2, j)."""
    clock: Float64
    """(1,): the latest time of the stream, 0 before the first."""


class Limits(NamedTuple):
    """What is declared of d columns; where nothing is, the limits are infinite."""

    least: Float64
    most: Float64
    required: Bool
    kind: Int64
    """0 for any, else the only kind."""
    codes: Float64
    """(d, k): numbers that stand for errors, NaN where there are less."""


@compiled
def judge(rows: Rows, memory: Memory, limits: Limits, found: Int64, why: Int64) -> None:
    """Write each row's reasons into ``found`` (n,), each cell's into ``why`` (n, d), and learn the rows."""
    values, kinds, times, digests = rows.values, rows.kinds, rows.times, rows.digests
    keys, slots, fresh, skipped = rows.keys, rows.slots, rows.fresh, rows.skipped
    all_cells, devices, recent, known = memory.cells, memory.devices, memory.recent, memory.keys
    for i in range(len(values)):
        slot = slots[i]
        cells, device = all_cells[slot], devices[slot]
        if fresh[i]:
            cells[:] = 0.0
            device[:] = 0.0
            recent[slot, :] = 0
            known[slot, :] = 0
        if skipped[i]:
            continue
        if is_doubled(digests[i], times[i], cells, device, recent[slot]):
            found[i] |= DUPLICATE
            device[DOUBLED_RUN] += 1.0
            continue
        last = recent.shape[1] - 1
        if recent[slot, (recent[slot, last] - 1) % last] != digests[i]:
            device[DOUBLED_RUN] = 0.0
        flags, passed = judge_time(times[i], device, memory.clock)
        flags |= judge_keys(keys[i], device, known[slot])
        in_order = not flags & _LATE_ROWS
        youth = rows_of_youth(device)
        for j in range(values.shape[1]):
            why[i, j] |= judge_cell(values[i, j], kinds[i, j], cells[j], limits, j, passed, in_order, youth)
            flags |= why[i, j]
        found[i] |= flags
        recent[slot, recent[slot, last]] = digests[i]
        recent[slot, last] = (recent[slot, last] + 1) % last
        device[ROWS] += 1.0


@compiled
def judge_cell(
    value: float,
    kind: int,
    cell: Float64,
    limits: Limits,
    j: int,
    passed: float,
    in_order: bool,
    youth: float,
) -> int:
    """The reasons of one cell, which is learned."""
    if kind == 0:
        against = IMPOSSIBLE if limits.required[j] else 0
        return against | judge_missing(cell, passed)
    count_present(cell)
    expected = limits.kind[j]
    if kind == UNUSABLE or (expected > 0 and kind != expected):
        return IMPOSSIBLE
    if kind != NUMBER:
        return judge_text(cell, kind)
    codes = limits.codes
    for k in range(codes.shape[1]):
        if value == codes[j, k]:
            return SENTINEL
    if value < limits.least[j] or value > limits.most[j]:
        return IMPOSSIBLE
    return judge_number(value, cell, passed, in_order, youth)


@compiled
def is_doubled(digest: int, time: float, cells: Float64, device: Float64, recent: Int64) -> bool:
    """Whether the device has sent this very row before.

    Where rows tell their time, an equal row of an equal time among the latest is one. Where they do not, a
    row may repeat by chance: it is one if the columns hardly ever repeat together. The third in a row is a
    device that is stuck.
    """
    last = len(recent) - 1
    n = min(device[ROWS], float(last))
    if n == 0.0:
        return False
    if time == time:
        if time > device[LATEST]:
            return False
        return bool((recent[: int(n)] == digest).any())
    same = recent[(recent[last] - 1) % last] == digest
    often = device[REPEATS] > _REPEATS_USUAL
    device[REPEATS] += ((1.0 if same else 0.0) - device[REPEATS]) / 1000.0
    if not same or often or device[DOUBLED_RUN] >= 2.0:
        return False
    nats = 0.0
    for j in range(len(cells)):
        steps = cells[j, STEPS] + cells[j, REST_STEPS]
        if steps >= 100.0:
            nats += nats_of_repeat(cells[j, CHANGES] + cells[j, REST_CHANGES], steps)
    return nats > _SURE


@compiled
def rows_of_youth(device: Float64) -> float:
    """Rows for which a column of a device is young: a day of them, as far as the times tell."""
    if device[TIMED] == 0.0:
        return _YOUNG_UNTIMED
    return float(min(max(_DAY / max(device[INTERVAL], 1e-9), _YOUNG_LEAST), _YOUNG_MOST))


@compiled
def judge_keys(keys: int, device: Float64, known: Int64) -> int:
    """Whether the device sends features that it did not send before, unless it does so all the time."""
    young = device[ROWS] < _KNOWN_ROWS
    n_sets = known.shape[1]
    place = -1
    rarest = 0
    for k in range(n_sets):
        if known[1, k] > 0 and known[0, k] == keys:
            place = k
        if known[1, k] < known[1, rarest]:
            rarest = k
    if place < 0:
        place = rarest
        known[0, place] = keys
        known[1, place] = _NEW_KEYS_ROWS if young else 0
    known[1, place] += 1
    new = not young and known[1, place] <= _NEW_KEYS_ROWS
    usual = device[NEW_KEYS] > 0.05
    device[NEW_KEYS] += ((1.0 if new else 0.0) - device[NEW_KEYS]) / 200.0
    return SCHEMA if new and not usual else 0
