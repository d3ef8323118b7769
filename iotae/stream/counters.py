"""What a stream's model counts, by place: first what it remembers, then the shape of its memory."""

from __future__ import annotations

__all__ = [
    "ACCEPTED",
    "ACTIVATION",
    "AGREE",
    "AGREE2",
    "AGREE_MEAN",
    "BATCHES",
    "BATCH_SIZE",
    "DOUBLED",
    "DRAWN",
    "DUE",
    "LEARNED",
    "LEFT",
    "N_COUNTERS",
    "N_COUNTS",
    "N_PRODUCTS",
    "N_REMEMBERED",
    "N_SLOTS",
    "PENDING",
    "PIVOT",
    "REFRESH",
    "REFUSED",
    "ROWS",
    "STEPS",
    "WIDTH",
    "WITNESS_BATCHES",
    "WITNESS_LEFT",
    "WITNESS_PENDING",
    "WITNESS_STEPS",
]

LEARNED, PENDING, BATCHES, STEPS, LEFT, REFRESH, REFUSED, DOUBLED, N_FORMER = range(9)
"""Rows learned, rows that wait for a mini-batch, mini-batches, steps of training, steps that the latest
mini-batch has still to go, the number of rows learned at which the surprise tables are made anew early in a
stream, rows refused by the gate, and rows that came twice."""

PIVOT, WITNESS_PENDING, WITNESS_BATCHES, WITNESS_STEPS, WITNESS_LEFT, DRAWN, N_REMEMBERED = range(
    N_FORMER, N_FORMER + 7
)
"""Next pivot of the inversion under way, -1 where none is; the same four as above of the network that
predicts each cell from the others; and the state of the generator that draws its rows."""

N_SLOTS, BATCH_SIZE, ACTIVATION, N_COUNTERS = range(N_REMEMBERED, N_REMEMBERED + 4)
"""Slots, rows of a mini-batch and the network's activation; the network's layer sizes follow."""

N_PRODUCTS, DUE, ACCEPTED, WIDTH, AGREE, AGREE_MEAN, AGREE2, ROWS, N_COUNTS = range(9)
"""Counts that are no whole numbers, or fade: rows in the covariance, accepted rows at which the next
inversion is due, rows accepted as evidence, width of their gate, how far clock and sensors agree of late,
its mean and its square, and rows met."""
