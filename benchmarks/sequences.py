"""Series: detectors of windows, ours and others, beside the controls that every window needs."""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Sequence
from time import perf_counter

import numpy as np

from benchmarks import datasets, render, sequence_sets
from benchmarks.protocols import ranking
from benchmarks.sequence_rows import DETECTORS, OURS, WINDOW
from benchmarks.sequence_sets import REAL, Series

__all__ = ["compare", "measure"]

BUFFER = 50
ALARMED = 0.02
QUICK_SETS, QUICK_ROWS = ("wrong hours", "sensor: stuck"), 3000
TEXT = (
    "Each detector is fitted to the first part of a series and scores the rest: the part that its authors "
    "marked for training, else the first 30 %; of broken sensors (20 of them, the worlds *linear, "
    "autocorrelated* and *non-linear, white*) the rows before the first fault; of wrong hours (the "
    "simulator's contextual anomalies alone) the first third, anomalies included. At most {rows:,} rows of "
    "each part of a real series, and every third machine of `asd_omi`. No label enters a detector. River's "
    "models go on learning, each row after it is scored, and "
    "see no later row; the others' windows of {window} rows see both sides. *Averaged* is the control: the "
    "score of single rows, by its mean over the same window. The CNN forecaster and LSTMAD are trained for "
    "three epochs (LSTMAD's default is fifty); the peers get standardised rows. Nothing is point-adjusted. "
    "VUS-PR has a buffer of {buffer} rows."
)
SUMMARY = (
    "Means over the {n} sets, a set's series averaged first; *real* are {real}. *Events* is the share of "
    "events with an alarm where two in a hundred test rows are alarms, *delay* the median rows to the first. "
    "Seconds of a fit and microseconds a row are medians over series. The machine had other work at the "
    "time: compare them within the page."
)


def measure(one: Series, name: str, seed: int) -> dict[str, float]:
    """Return what a detector makes of a series."""
    from iotae.evaluation import find_events, vus

    with warnings.catch_warnings():
        if name not in OURS:
            warnings.simplefilter("ignore")
        start = perf_counter()
        score = DETECTORS[name](one.train, seed)
        fitted = perf_counter()
        scores = np.asarray(score(one.test), np.float64)
        done = perf_counter()
    auc, ap = ranking(one.y, scores)
    events = find_events(one.y, scores > np.quantile(scores, 1.0 - ALARMED))
    return {
        "auc": auc,
        "ap": ap,
        "vus": vus(one.y, scores, BUFFER).pr,
        "events": events.recall,
        "delay": events.median_delay,
        "fit": fitted - start,
        "us": 1e6 * (done - fitted) / len(one.test),
    }


def _measured(sets: Sequence[str], rows: int, seed: int) -> dict[str, dict[str, list[dict[str, float]]]]:
    """Return the results by set and detector, going on from what an interrupted run left."""
    folder = datasets.ROOT / ".cache" / "benchmarks" / "sequences"
    folder.mkdir(parents=True, exist_ok=True)
    found: dict[str, dict[str, list[dict[str, float]]]] = {}
    for name in sets:
        path = folder / f"{name.replace(': ', '-').replace(' ', '-')}-{rows}-{seed}.json"
        if not path.exists():
            every: dict[str, list[dict[str, float]]] = {detector: [] for detector in DETECTORS}
            for number, one in enumerate(sequence_sets.series(name, seed, rows)):
                print(f"{name}, series {number + 1}", file=sys.stderr)
                for detector, results in every.items():
                    results.append(measure(one, detector, seed))
            path.write_text(json.dumps(every))
        found[name] = json.loads(path.read_text())
    return found


def _bold(name: str) -> str:
    return f"**{name}**" if name.startswith("Sequence") else name


def compare(seed: int, rows: int, quick: bool = False) -> tuple[list[str], list[str]]:
    """Run every detector on every series; return the page's sections, and a note for each set that is absent.

    Results lie in ``.cache/benchmarks/sequences``: delete them to measure again.
    """
    sets = list(QUICK_SETS) if quick else sequence_sets.sets()
    rows = min(rows, QUICK_ROWS) if quick else rows
    notes = [] if quick else [why for name in REAL if (why := datasets.why_absent("stream", name))]
    found = _measured(sets, rows, seed)

    def mean(detector: str, figure: str, names: Sequence[str]) -> float:
        of_sets = [np.nanmean([one[figure] for one in found[name][detector]]) for name in names]
        return float(np.mean(of_sets)) if of_sets else float("nan")

    def median(detector: str, figure: str) -> float:
        return float(np.nanmedian([one[figure] for name in sets for one in found[name][detector]]))

    real = [name for name in sets if name in REAL]
    summary = [
        [
            _bold(detector),
            *(f"{mean(detector, figure, sets):.3f}" for figure in ("vus", "auc", "ap")),
            f"{mean(detector, 'vus', real):.3f}",
            f"{mean(detector, 'events', sets):.2f}",
            f"{median(detector, 'delay'):.0f}",
            f"{median(detector, 'fit'):.1f}",
            f"{median(detector, 'us'):.0f}",
        ]
        for detector in DETECTORS
    ]
    header = ["detector", "VUS-PR", "AUC", "AP", "VUS-PR, real", "events", "delay", "fit, s", "row, µs"]
    sections = [
        TEXT.format(rows=rows, window=WINDOW, buffer=BUFFER),
        SUMMARY.format(n=len(sets), real=", ".join(f"`{name}`" for name in real) or "absent"),
        render.markdown(header, summary),
    ]
    for title, figure in (("VUS-PR", "vus"), ("ROC AUC", "auc")):
        lines = [
            [_bold(detector), *(f"{mean(detector, figure, [name]):.3f}" for name in sets)]
            for detector in DETECTORS
        ]
        sections += [f"## {title} by set", render.markdown(["detector", *sets], lines)]
    return sections, notes
