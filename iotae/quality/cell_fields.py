"""What is remembered of one column of one device: where each number stands."""

from __future__ import annotations

__all__ = ["COUNTS", "N_FIELDS"]

(LAST, LOW, HIGH, FIRST, SECOND, RAW, HOME, OLD_LOW, OLD_HIGH) = range(9)
"""The last number believed; the least and the largest; the first two values; the value of the row before; the
one that repeats most; the range before a new level."""

(N, DISTINCT, STEP, MEAN_STEP) = range(9, 13)
"""Numbers believed; how many values there were, up to three; the largest and the mean step."""

(RUN, OFF_RUN, LONGEST, CHANGES, STEPS, REST_LONGEST, REST_CHANGES, REST_STEPS, HOME_ROWS) = range(13, 22)
"""How often the value repeated, and whether the run began with a doubted one; the longest run believed,
changes, and steps in all, from a value in between and from a place to rest; the rows by which the value that
repeats most does so more than others."""

(OFF, OFF_TIME, CONVERTED, TOLD, AWAY) = range(22, 27)
"""Rows in a row not believed, and the intervals since the last that was; those of them in another unit; times
doubted of late; rows since a new level was believed, 0 for none."""

(CODES, MISS_RATE, MISSING_RUN, MISS_LONGEST, CELLS, TEXTS) = range(27, 33)
"""Error codes seen; the rate of missing cells, those in a row, and the longest such run; cells in all;
texts."""

N_FIELDS = 33
COUNTS = slice(N, N_FIELDS)
"""Those that are never negative."""
