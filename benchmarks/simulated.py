"""The paper's experiment as data: a simulated stream, its split, and what a contestant may know of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from iotae.data import Table
from iotae.evaluation import confusion, stratified_split
from iotae.preprocessing import Preprocessor
from iotae.simulator import ANOMALY_KINDS, simulate

__all__ = ["SIZES", "Experiment", "Simulated", "experiment"]

SIZES = {10_000: 0.05, 100: 1 / 3}
"""Rows, and the share of anomalies: the simulator's own, and the paper's (10 of its 30 test rows)."""

INTERVAL = 600


@dataclass(frozen=True, eq=False)
class Experiment:
    """What a contestant may know: every row's readings, and the labels of the training rows.

    Attributes
    ----------
    table : Table
        All rows in order of time.
    train, test : ndarray of int64
        Row numbers.
    labels : ndarray of bool, shape (len(train),)
        Of the training rows.
    seed : int
    """

    table: Table
    train: NDArray[np.int64]
    test: NDArray[np.int64]
    labels: NDArray[np.bool_]
    seed: int

    @cached_property
    def X(self) -> NDArray[np.float64]:  # noqa: N802
        """All rows (n, d) as the peers get them: filled and standardised, by what training rows teach."""
        steps = Preprocessor(missing="fill", normalise="standard").fit(self.table.take(self.train))
        return steps.transform(self.table)[0]


@dataclass(frozen=True, eq=False)
class Simulated:
    """An experiment, and what only the judge may see: labels (n,) and kinds of the test rows (m,)."""

    experiment: Experiment
    y: NDArray[np.bool_]
    kind: NDArray[np.str_]

    def judge(self, alarms: NDArray[np.bool_]) -> dict[str, Any]:
        """Return counts on the test rows: the confusion matrix, and found and all of each kind."""
        counts = confusion(self.y[self.experiment.test], alarms)
        kinds = {kind: alarms[self.kind == kind] for kind in ANOMALY_KINDS}
        return {
            **{name: getattr(counts, name) for name in ("tp", "fp", "fn", "tn")},
            "kinds": {kind: [int(found.sum()), found.size] for kind, found in kinds.items()},
        }


def experiment(n_rows: int, seed: int) -> Simulated:
    """Simulate and split.

    Parameters
    ----------
    n_rows : int
        A key of `SIZES`.
    seed : int
        Of stream, split and contestant.
    """
    stream = simulate(n_rows, interval=INTERVAL, anomaly_rate=SIZES[n_rows], seed=seed)
    names = [name for name in stream.columns if name not in ("label", "kind")]
    y = stream.label.astype(bool)
    train, test = stratified_split(y, 0.3, seed)
    table = Table({name: stream.columns[name] for name in names})
    return Simulated(Experiment(table, train, test, y[train], seed), y, stream.kind[test])
