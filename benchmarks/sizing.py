"""What a row and a device cost, in processor time and bytes: the figures that sizes are reckoned from."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import count
from statistics import median
from time import process_time
from typing import Any

import numpy as np

from benchmarks import render
from iotae import BatchAutoencoder, OnlineAutoencoder
from iotae.fleet import Fleet
from iotae.stream.sealed import Sealed

__all__ = ["compare"]

SENSORS, ROUNDS = (5, 20, 100), 5
LEARNED, BLOCK, SWAPS, SCORED = 1_000, 500, 40, 20_000

TEXT = (
    "Processor time of one process in one thread, median of {rounds} rounds; rows of independent numbers, of "
    "which each model has learned {learned:,} before. *Block*: `score_learn_many` of {block} rows. *Row*: "
    "`score_learn_one` of a dict. *Pack and unpack*: a model to bytes and back, as Spark does once for each "
    "device in a batch. *Fetched*: a row of a fleet whose device comes back from the store on disk while "
    "another is set aside; *held*: where both are in memory. *Table*: `BatchAutoencoder.score`, "
    "fitted to {scored:,} rows. Other programs used the machine too, which makes processor time larger."
)


def _us(work: Callable[[], object], n: int) -> float:
    """Microseconds of processor time for each of the ``n`` things that a call does; the first may compile."""
    work()
    taken = []
    for _ in range(ROUNDS):
        start = process_time()
        work()
        taken.append(1e6 * (process_time() - start) / n)
    return median(taken)


def _fleet(mode: str, X: np.ndarray[Any, Any], names: list[str], seed: int) -> tuple[int, float, float]:
    """The bytes of a device that is set aside, and microseconds of a row: device held, and fetched."""
    fleets = [Fleet(OnlineAutoencoder(seed=seed), mode=mode, max_in_memory=most) for most in (2, 1)]
    rows = [dict(zip(names, row, strict=True)) for row in X.tolist()]
    for device in ("a", "b"):
        for row in rows[:LEARNED]:
            for fleet in fleets:
                fleet.learn_one({"device": device, **row})
    turn = count()

    def alternate(fleet: Any) -> None:
        for _ in range(SWAPS):
            i = next(turn)
            fleet.score_learn_one({"device": "ab"[i % 2], **rows[i % len(rows)]})

    held, fetched = (_us(partial(alternate, fleet), SWAPS) for fleet in fleets)
    one: Any = fleets[1]
    return len(one._residents.packed(0)), held, fetched


def _costs(d: int, seed: int) -> dict[str, str]:
    X = np.random.default_rng(seed).normal(size=(LEARNED + BLOCK, d))
    names, model = [f"s{j}" for j in range(d)], OnlineAutoencoder(seed=seed)
    model.score_learn_many(X[:LEARNED], names)
    rows = [dict(zip(names, row, strict=True)) for row in X[LEARNED:].tolist()]
    sealed = Sealed(OnlineAutoencoder(seed=seed))
    packed = sealed.pack(model)

    def there_and_back() -> None:
        for _ in range(SWAPS):
            sealed.pack(sealed.unpack(packed))

    table = np.random.default_rng(seed).normal(size=(SCORED, d))
    scorer = BatchAutoencoder(seed=seed).fit(table)
    separate, shared = (_fleet(mode, X, names, seed) for mode in ("separate", "shared"))
    return {
        "stream: block, µs a row": f"{_us(lambda: model.score_learn_many(X[LEARNED:], names), BLOCK):.1f}",
        "stream: row, µs": f"{_us(lambda: [model.score_learn_one(row) for row in rows], BLOCK):.1f}",
        "stream: bytes of a model in Spark's state": f"{len(packed):,}",
        "stream: pack and unpack, µs": f"{_us(there_and_back, SWAPS):,.0f}",
        "fleet, separate: bytes of a device on disk": f"{separate[0]:,}",
        "fleet, separate: held, µs a row": f"{separate[1]:,.0f}",
        "fleet, separate: fetched, µs a row": f"{separate[2]:,.0f}",
        "fleet, shared: bytes of a device on disk": f"{shared[0]:,}",
        "fleet, shared: held, µs a row": f"{shared[1]:,.0f}",
        "fleet, shared: fetched, µs a row": f"{shared[2]:,.0f}",
        "table: score, µs a row": f"{_us(lambda: scorer.score(table), SCORED):.2f}",
    }


def compare(seed: int) -> tuple[list[str], list[str]]:
    """Measure; return the page's sections and no notes."""
    found = {d: _costs(d, seed) for d in SENSORS}
    lines = [[what, *(found[d][what] for d in SENSORS)] for what in found[SENSORS[0]]]
    header = ["cost", *(f"{d} sensors" for d in SENSORS)]
    text = TEXT.format(rounds=ROUNDS, learned=LEARNED, block=BLOCK, scored=SCORED)
    return [text, render.markdown(header, lines)], []
