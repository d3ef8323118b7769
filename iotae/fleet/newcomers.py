"""What a new device takes over from an older one: all that is learned on scaled readings, and a first cut.

Its own scale and gates begin anew. What it takes over counts as if it had been learned from some 300 rows, so
that it follows its own device soon; and its first scores are ranked among a few of the other device's.
"""

from __future__ import annotations

import numpy as np

from iotae.fleet.own_parts import fresh_parts, put_parts
from iotae.stream.autoencoder import OnlineAutoencoder
from iotae.stream.conditional import SUM
from iotae.stream.counters import (
    ACCEPTED,
    BATCHES,
    DUE,
    LEARNED,
    N_PRODUCTS,
    PENDING,
    PIVOT,
    WITNESS_BATCHES,
    WITNESS_PENDING,
)
from iotae.stream.memory import WITNESS_BATCH
from iotae.thresholds import ConformalThreshold

__all__ = ["MATURE", "begin_as_newcomer", "first_scores", "weigh_as"]

MATURE = 1000
"""Rows that a device must have before others take over from it."""

_WORTH = 320
"""Rows that what is taken over counts for; a whole number of mini-batches."""

_FIRST_SCORES = 200
"""Scores of the older device that the newcomer's are ranked among at first."""

_GRACE = 30
"""Rows from which on a newcomer may raise an alarm: by then its scale is known."""

_SOON = 50.0


def weigh_as(model: OnlineAutoencoder, rows: int) -> None:
    """Let what is learned on scaled readings count as so many rows at most, in whole mini-batches."""
    views = model._views
    counts, counters = views["counts"], views["counters"]
    d = model._state.n_slots
    if counts[N_PRODUCTS] > rows:
        share = rows / counts[N_PRODUCTS]
        views["matrices"][:d] *= np.float32(share)
        views["moments"][SUM] *= share
        counts[N_PRODUCTS] = rows
    if counts[ACCEPTED] > rows:
        counters[WITNESS_BATCHES], counters[WITNESS_PENDING] = rows // WITNESS_BATCH, 0
        counts[ACCEPTED] = rows
        counts[DUE] = rows + _SOON
        # the inversion under way was of other sums
        counters[PIVOT] = -1


def begin_as_newcomer(model: OnlineAutoencoder) -> None:
    """Make a copy of an older device's model the model of a device of which no row was seen."""
    put_parts(fresh_parts(model), model._memory)
    weigh_as(model, _WORTH - _WORTH % WITNESS_BATCH)
    counters = model._views["counters"]
    batches = min(int(counters[BATCHES]), max(1, _WORTH // model.batch_size))
    counters[BATCHES], counters[PENDING], counters[LEARNED] = batches, 0, batches * model.batch_size
    model._threshold = first_scores(model._threshold, ConformalThreshold(model.alpha))
    model.n_seen = model.n_rejected = model.n_unusable = 0
    model.grace_period = min(model.grace_period, _GRACE)


def first_scores(older: ConformalThreshold, newer: ConformalThreshold) -> ConformalThreshold:
    """Fill a new threshold with a few scores of an older device, which stand for all of them."""
    scores = np.array(older._window.sorted)
    places = np.unique(((np.arange(_FIRST_SCORES) + 0.5) * scores.size / _FIRST_SCORES).astype(int))
    if scores.size:
        # which of them leave first must not depend on their size
        newer.fit(scores[places][np.random.default_rng(0).permutation(places.size)])
    return newer
