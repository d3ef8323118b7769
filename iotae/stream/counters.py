"""What a stream's model counts, by place: first what it remembers, then the shape of its memory."""

from __future__ import annotations

__all__ = [
    "ACTIVATION",
    "BATCHES",
    "BATCH_SIZE",
    "LEARNED",
    "LEFT",
    "N_COUNTERS",
    "N_REMEMBERED",
    "N_SLOTS",
    "PENDING",
    "PRESENT",
    "REFRESH",
    "REFUSED",
    "STEPS",
]

LEARNED, PENDING, BATCHES, STEPS, LEFT, REFRESH, REFUSED, PRESENT, N_REMEMBERED = range(9)
"""Rows learned, rows that wait for a mini-batch, mini-batches, steps of training, steps that the latest
mini-batch has still to go, the number of rows learned at which the surprise tables are made anew early in a
stream, rows refused by the gate, and the present cells of the latest row."""

N_SLOTS, BATCH_SIZE, ACTIVATION, N_COUNTERS = range(N_REMEMBERED, N_REMEMBERED + 4)
"""Slots, rows of a mini-batch and the network's activation; the network's layer sizes follow."""
