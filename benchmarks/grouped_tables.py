"""The protocol of tables of many devices: one model, one with the device's column, and a model a device."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks import datasets, render
from benchmarks.fleet_streams import Series, devices_of, made_fleet
from iotae.evaluation import average_precision, roc_auc
from pyod_iotae import IoTAE

__all__ = ["compare", "scaled_by_group"]

SETS = ("asd_omi", "iot23_rare")
MADE = ((5, 1_500), (24, 1_500))
QUICK = ((3, 150),)
SHARES = (0.1, 0.02)

TEXT = (
    "Made devices of five sensors, two kinds of firmware and ranges from 0.1 to 1,000, {rows:,} rows of "
    "each; and the groups of stream sets, at most the last {most:,} rows of each; all rows shuffled, "
    "seed {seed}. "
    "`pyod_iotae.IoTAE` is fitted to all rows without labels and scores the same rows. *one model* is "
    "without the device; *device as a column* has its name as text. *scaled by device* is one model of rows "
    "whose columns are scaled by the median and the median absolute deviation of their own device. *a model "
    "a device* has the models' scores as they are; `groups=` puts them on one scale. ROC AUC and AP are of "
    "all rows together. *rates* are the least and the largest share of outliers that one device has at "
    "`contamination=0.1` and at 0.02, where *found* are the anomalies among them."
)

Scores = NDArray[np.float64]


def scaled_by_group(X: Scores, keys: NDArray[np.object_]) -> Scores:
    """Scale each column by the median and the median absolute deviation of the row's own group."""
    scaled = np.empty_like(X)
    for key in np.unique(keys):
        rows = X[keys == key]
        centre = np.nanmedian(rows, axis=0)
        spread = 1.4826 * np.nanmedian(np.abs(rows - centre), axis=0)
        # a column of which half is one value has a spread all the same
        spread = np.where(spread > 0, spread, np.nanstd(rows, axis=0))
        scaled[keys == key] = (rows - centre) / np.where(spread > 0, spread, 1.0)
    # far enough to be odd, and a number that squares fit
    limited: Scores = np.clip(scaled, -1e6, 1e6)
    return limited


def _frame(X: Scores) -> pd.DataFrame:
    return pd.DataFrame(X, columns=[f"s{j}" for j in range(X.shape[1])])


def _each(X: Scores, keys: NDArray[np.object_], seed: int) -> Scores:
    scores = np.empty(len(X))
    for key in np.unique(keys):
        scores[keys == key] = IoTAE(random_state=seed).fit(X[keys == key]).decision_scores_
    return scores


Judge = Callable[[Scores, NDArray[np.object_], int, float], Scores]

CONTESTANTS: dict[str, Judge] = {
    "one model": lambda X, keys, seed, share: IoTAE(random_state=seed).fit(X).decision_scores_,
    "device as a column": lambda X, keys, seed, share: (
        IoTAE(random_state=seed).fit(_frame(X).assign(device=keys)).decision_scores_
    ),
    "scaled by device": lambda X, keys, seed, share: (
        IoTAE(random_state=seed).fit(scaled_by_group(X, keys)).decision_scores_
    ),
    "a model a device": lambda X, keys, seed, share: _each(X, keys, seed),
    "`groups=`": lambda X, keys, seed, share: (
        IoTAE(share, random_state=seed, groups="device").fit(_frame(X).assign(device=keys)).decision_scores_
    ),
}
"""From rows (n, d), their devices, a seed and a contamination to scores (n,)."""


def _lines(name: str, series: list[Series], seed: int) -> list[list[str]]:
    X, y = np.vstack([rows for rows, _ in series]), np.concatenate([odd for _, odd in series])
    keys = np.repeat(
        np.array([f"d{k}" for k in range(len(series))], dtype=object), [len(odd) for _, odd in series]
    )
    # a name that comes in one block would count as an identifier
    order = np.random.default_rng(seed).permutation(len(y))
    X, y, keys = X[order], y[order], keys[order]
    lines = []
    for contestant, judge in CONTESTANTS.items():
        cells = []
        for share in SHARES:
            scores = judge(X, keys, seed, share)
            labels = scores > np.percentile(scores, 100.0 * (1.0 - share))
            rates = [labels[keys == key].mean() for key in np.unique(keys)]
            if share == SHARES[0]:
                cells = [f"{roc_auc(y, scores):.3f}", f"{average_precision(y, scores):.3f}"]
            cells += [f"{min(rates):.3f} to {max(rates):.3f}", f"{int((labels & y).sum()):,}"]
        lines.append([name, contestant, *cells, f"{int(y.sum()):,}"])
    return lines


def compare(seed: int, rows: int, quick: bool) -> tuple[list[str], list[str]]:
    """Measure each way on each table; return the page's sections and notes."""
    made = QUICK if quick else MADE
    tables = {f"{n} made devices": made_fleet(n, min(most, rows), seed) for n, most in made}
    notes = []
    for name in () if quick else SETS:
        absent = datasets.why_absent("stream", name)
        if absent:
            notes.append(absent)
        else:
            tables[name] = devices_of(datasets.load("stream", name), rows)
    lines = [line for name, series in tables.items() for line in _lines(name, series, seed)]
    header = ["table", "what", "ROC AUC", "AP"]
    header += [f"{word} {share:g}" for share in SHARES for word in ("rates at", "found at")] + ["anomalies"]
    text = TEXT.format(rows=min(rows, made[0][1]), most=rows, seed=seed)
    return [text, render.markdown(header, lines)], notes
