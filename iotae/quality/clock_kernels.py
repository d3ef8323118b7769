"""The time of a row beside that of its device's rows before, and of the whole stream."""

from __future__ import annotations

from iotae._compiled import compiled
from iotae._typing import Float64
from iotae.quality.reasons import BIT

__all__ = ["INTERVAL", "LATEST", "N_DEVICE", "REPEATS", "TIMED", "judge_time"]

ORDER, LATE, CLOCK = BIT["order"], BIT["late"], BIT["clock"]

ROWS = 0
# 1 and 2 are the kernels'
RAW, LATEST, INTERVAL, LAG, CLOCK_ROWS, TIMED, BEHIND, REPEATS = 3, 4, 5, 6, 7, 8, 9, 10
"""The time of the row before, the latest that was believed, the usual seconds between rows and behind the
stream, rows in a row whose clock was not believed, rows that were, rows in a row behind the latest, and
how often an untimed row equals the one before."""
N_DEVICE = 11

_YEAR_2000 = 946_684_800.0
_DAY = 86_400.0
_YOUNG = 20.0
_BELIEVED_AFTER, _SET_AFTER = 20.0, 100.0
"""Rows in order by a clock that was set, after which it is believed; by one that was set a little back."""


@compiled
def judge_time(time: float, device: Float64, stream: Float64) -> tuple[int, float]:
    """Return the reasons of a row's time, and how many usual intervals passed since the last, at least 1."""
    if time != time:
        return 0, 1.0
    before, device[RAW] = device[RAW], time
    latest, interval, n = device[LATEST], device[INTERVAL], device[TIMED]
    if was_set(time, latest, interval, n, stream[0]):
        device[CLOCK_ROWS] = device[CLOCK_ROWS] + 1.0 if time >= before else 1.0
        if device[CLOCK_ROWS] <= _BELIEVED_AFTER:
            return CLOCK, 1.0
        # from here on this is the device's clock
        latest = device[LATEST] = time
        if time > stream[0]:
            stream[0] = time
    device[CLOCK_ROWS] = 0.0
    since = time - latest if n > 0.0 else 0.0
    if since < 0.0:
        device[BEHIND] = device[BEHIND] + 1.0 if time >= before else 1.0
        if device[BEHIND] > _SET_AFTER:
            # so many rows in order are no batch that comes late
            device[LATEST], device[BEHIND] = time, 0.0
        return ORDER | (LATE if -since > 10.0 * interval + 1.0 else 0), 1.0
    device[BEHIND] = 0.0
    lag = max(stream[0] - time, 0.0)
    late = n >= _YOUNG and lag > 10.0 * (device[LAG] + interval) + 1.0
    device[LAG] += (min(lag, 2.0 * device[LAG] + interval + 1.0) - device[LAG]) / min(n + 1.0, 50.0)
    if n > 0.0:
        step = since if n < 10.0 else min(since, 10.0 * interval + 1.0)
        device[INTERVAL] += (step - interval) / min(n, 50.0)
    device[LATEST] = time
    device[TIMED] = n + 1.0
    if time > stream[0]:
        stream[0] = time
    passed = since / interval if interval > 0.0 else 1.0
    return LATE if late else 0, min(max(passed, 1.0), 1e4)


@compiled
def was_set(time: float, latest: float, interval: float, n: float, stream: float) -> bool:
    """Whether a time is not that of a clock that went on."""
    newest = max(latest, stream)
    if newest >= _YEAR_2000 and time < _YEAR_2000:
        return True
    if n > 0.0 and time - latest < -max(30.0 * _DAY, 1000.0 * interval):
        return True
    return newest > 0.0 and time - newest > max(7.0 * _DAY, 1000.0 * interval)
