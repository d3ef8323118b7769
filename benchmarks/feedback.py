"""The feedback benchmark: a simulated operator who answers a few alarms, and what is left of the others.

On each stream the model runs twice with its defaults: without answers, and with those of an operator who
looks at each fifth alarm, knows what it was, and says so before the row is learned, for the first tenth of
the alarms that the run without answers raised. Alarms and anomalies are counted on all rows of both runs.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks import datasets, render
from iotae import OnlineAutoencoder

__all__ = ["Outcome", "compare", "habit_stream", "run"]

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

STREAMS = ("iot23_rare", "asd_omi")
MOST_ROWS, MADE_ROWS = 20_000, 8_000
EACH = 5


class Outcome(NamedTuple):
    """Of all rows of a stream: alarms that were false, and anomalies that were alarms."""

    answers: int
    false: int
    found: int
    anomalies: int


def habit_stream(n_rows: int, seed: int) -> tuple[Floats, Flags]:
    """Rows (n, 4) of a machine that is cleaned twice in 300 rows, and in which one row in 200 is a fault.

    A cleaning lifts one sensor by a dozen deviations for four rows and is normal. A fault lifts, or lowers,
    the same sensor or another by other amounts.
    """
    rng = np.random.default_rng(seed)
    factor = np.zeros(n_rows)
    for i in range(1, n_rows):
        factor[i] = 0.95 * factor[i - 1] + 0.3 * rng.normal()
    X = factor[:, None] * [5.0, 3.0, -1.0, 2.0] + [50.0, 20.0, 7.0, 30.0] + 0.2 * rng.normal(size=(n_rows, 4))
    odd = np.zeros(n_rows, bool)
    for start in range(1000, n_rows - 4, 150):
        at = start + int(rng.integers(0, 100))
        X[at : at + 4, 1] = 55.0 + rng.normal(size=len(X[at : at + 4]))
    for at in rng.choice(np.arange(1000, n_rows), n_rows // 200, replace=False).tolist():
        sensor = int(rng.integers(0, 4))
        X[at, sensor] += rng.choice([-1.0, 1.0]) * rng.uniform(12.0, 25.0)
        odd[at] = True
    return X, odd


def run(X: Floats, odd: Flags, most: int, seed: int = 0) -> Outcome:
    """Run a model whose operator answers each fifth alarm, ``most`` in all."""
    model = OnlineAutoencoder(seed=seed)
    names = [f"f{j}" for j in range(X.shape[1])]
    answers = seen = false = found = 0
    for row, was in zip(X.tolist(), odd.tolist(), strict=True):
        x = dict(zip(names, row, strict=True))
        if model.classify(model.score_one(x)):
            seen += 1
            found, false = found + was, false + (not was)
            if answers < most and seen % EACH == 0:
                model.confirm_one(x, was)
                answers += 1
        model.learn_one(x)
    return Outcome(answers, false, found, int(odd.sum()))


def _streams(seed: int) -> dict[str, tuple[Floats, Flags]]:
    found = {"a machine with a habit (simulated)": habit_stream(MADE_ROWS, seed)}
    for name in STREAMS:
        if datasets.why_absent("stream", name) is None:
            stream = datasets.load("stream", name)
            found[f"`{name}`"] = stream.X[:MOST_ROWS].astype(np.float64), stream.y[:MOST_ROWS] == 1
    return found


TEXT = (
    "A simulated operator looks at each fifth alarm of the model with its defaults, knows what it was, "
    "and says so (`confirm_one`) before the row is learned, until a tenth as many alarms are answered as "
    "the model without answers raises. Counted are all rows, also those before the answers: false alarms, "
    "and anomalies that were alarms. The first {rows:,} rows of a stream are used. In the simulated "
    "stream ({made:,} rows) a machine is cleaned again and again, which is normal and lifts one sensor by "
    "a dozen deviations for four rows, and one row in 200 has a fault of that sensor or another."
)


def compare(seed: int) -> tuple[list[str], list[str]]:
    """Run every stream without and with answers; return the page's sections, and notes on absent sets."""
    rows = []
    for name, (X, odd) in _streams(seed).items():
        without = run(X, odd, 0, seed)
        told = run(X, odd, max((without.false + without.found) // 10, 1), seed)
        anomalies = f"{without.anomalies:,}"
        rows.append([name, told.answers, without.false, told.false, anomalies, without.found, told.found])
    header = [
        "stream",
        "answers",
        "false alarms without",
        "with answers",
        "anomalies",
        "found without",
        "with answers",
    ]
    absent = [why for name in STREAMS if (why := datasets.why_absent("stream", name)) is not None]
    return [TEXT.format(rows=MOST_ROWS, made=MADE_ROWS), render.markdown(header, rows)], absent
