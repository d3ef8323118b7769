"""Part of ``make demo``: one detector through PyOD and through River on NASA's Shuttle set."""

from __future__ import annotations

import sys
import warnings

import numpy as np

from benchmarks import datasets, detectors, protocols, render
from benchmarks.runner import one_thread

__all__ = ["compare"]

CONTESTANTS = (
    ("PyOD", "iotae", "pyod_iotae.IoTAE"),
    ("PyOD", "IForest", "IForest"),
    ("PyOD", "AutoEncoder", "AutoEncoder"),
    ("River", "iotae", "river_iotae.IoTAE"),
    ("River", "HalfSpaceTrees", "MinMaxScaler \\| HalfSpaceTrees"),
)
TEXT = (
    "Statlog (Shuttle), NASA, as it ships with River: {n:,} rows of {total:,} (seed {seed}, file order), "
    "{d} features, {share:.1%} anomalies; every detector with its own defaults, no label seen, one thread. "
    "PyOD's detectors are fitted on all rows and score the same rows; River's score each row before learning "
    "it. The rows are capped for PyOD's AutoEncoder, whose ten epochs take most of the time of this table; "
    "its settings are left alone. Each has met 300 rows before, so that no time includes what it compiles or "
    "loads at first."
)


def compare(seed: int = 0, max_rows: int = 10_000) -> str:
    """Run the five contestants and return one section: the text and the table.

    Parameters
    ----------
    seed : int
        Decides the subsample and the detectors' randomness.
    max_rows : int
        Rows of the subsample; 0 for all 49,097.
    """
    from tqdm import tqdm

    whole = datasets.load("stream", "river_shuttle")
    data = protocols.subsample(whole, max_rows, np.random.default_rng(seed))
    n = len(data.y)
    rows = []
    for host, name, title in tqdm(CONTESTANTS, unit="detector", disable=not sys.stderr.isatty(), leave=False):
        entry = (detectors.TABLES if host == "PyOD" else detectors.STREAMS)[name]
        with one_thread(entry), warnings.catch_warnings():
            if not entry.ours:
                warnings.simplefilter("ignore")
            first = protocols.subsample(data, 300, np.random.default_rng(seed))
            if host == "PyOD":
                protocols.table_unlabelled(first, entry, seed, 0)
                result = protocols.table_unlabelled(data, entry, seed, 0)
                seconds = result["fit_s"] + result["score_s"]
            else:
                protocols.stream(first, entry, seed, 0)
                result = protocols.stream(data, entry, seed, 0)
                seconds = result["us_per_row"] * n / 1e6
        label = f"**{title}**" if entry.ours else title
        figures = [f"{result[key]:.3f}" for key in ("auc", "ap")]
        rows.append([label, host, *figures, f"{seconds:.2f}", f"{seconds / n * 1e6:.1f}"])
    text = TEXT.format(n=n, total=len(whole.y), seed=seed, d=data.X.shape[1], share=data.y.mean())
    header = ["detector", "host", "ROC AUC", "average precision", "seconds", "µs a row"]
    return f"{text}\n\n{render.markdown(header, rows, n_text=2)}"
