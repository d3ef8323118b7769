"""The protocol of threads: rows a second that one model scores in one thread and in several."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Thread
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from benchmarks import render
from iotae import BatchAutoencoder, OnlineAutoencoder

__all__ = ["THREADS", "compare", "rows_a_second"]

THREADS = (1, 2)
WIDTHS = (5, 20, 100)
LEARNED, SCORED, TURNS = 2_000, 4_000, 5
QUICK_WIDTHS, QUICK_SCORED, QUICK_TURNS = (5,), 200, 1

TEXT = (
    "One model that has learned {learned:,} rows, which no thread learns on. Each thread scores {scored:,} "
    "rows: *rows* are dicts one by one through `score_one`, *frame* is one call of `score_many`, *table* one "
    "call of a `BatchAutoencoder`'s `score`. Rows a second of all threads together, the best of {turns} "
    "turns in which their numbers alternate. A stream's model lets in one thread at a time for a single "
    "row, as a lock keeps rows whole; a frame is scored by a copy, and a table without shared room."
)


def rows_a_second(work: Callable[[], object], n_threads: int, rows: int) -> float:
    """Return how many rows a second the threads get through together, each doing the same work once."""
    threads = [Thread(target=work) for _ in range(n_threads)]
    start = perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return n_threads * rows / (perf_counter() - start)


def _works(X: NDArray[np.float64], scored: int, seed: int) -> dict[str, Callable[[], object]]:
    import pandas as pd

    names = [f"s{j}" for j in range(X.shape[1])]
    model, table = OnlineAutoencoder(seed=seed), BatchAutoencoder(seed=seed).fit(X[:LEARNED])
    frame = pd.DataFrame(X[:scored], columns=names)
    rows = [dict(zip(names, row, strict=True)) for row in X[:scored].tolist()]
    model.score_learn_many(X[:LEARNED], names)
    return {
        "rows": lambda: [model.score_one(x) for x in rows],
        "frame": lambda: model.score_many(frame),
        "table": lambda: table.score(X[:scored]),
    }


def compare(seed: int, quick: bool) -> tuple[list[str], list[str]]:
    """Measure each kind of work at each width; return the page's sections and no notes."""
    widths: Sequence[int] = QUICK_WIDTHS if quick else WIDTHS
    scored, turns = (QUICK_SCORED, QUICK_TURNS) if quick else (SCORED, TURNS)
    lines = []
    for d in widths:
        X = np.random.default_rng(seed).normal(size=(max(LEARNED, scored), d))
        for name, work in _works(X, scored, seed).items():
            work()
            best = dict.fromkeys(THREADS, 0.0)
            for _ in range(turns):
                for n in THREADS:
                    best[n] = max(best[n], rows_a_second(work, n, scored))
            lines.append([name, str(d), *(f"{best[n]:,.0f}" for n in THREADS), f"{best[2] / best[1]:.2f}"])
    header = ["what", "features", "1 thread", "2 threads", "ratio"]
    text = TEXT.format(learned=LEARNED, scored=scored, turns=turns)
    return [text, render.markdown(header, lines)], []
