"""The paper's experiment on the simulator: twenty seeds, two sizes, beside the rows that the paper has."""

from __future__ import annotations

import argparse
from collections import Counter
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import datasets, render, runner
from benchmarks.contestants import CONTESTANTS, SUPERVISION
from benchmarks.detector import Detector, Task
from benchmarks.simulated import SIZES, Simulated, experiment
from iotae.evaluation import Confusion
from iotae.simulator import ANOMALY_KINDS

__all__ = ["PAPER", "PaperJob", "compare"]

PAPER = Confusion(tp=9, fp=2, fn=1, tn=18)
"""The paper's Figure 3."""

FIRST_SEED = 1_000
"""Seeds below this were looked at while the search was built; those from here on were not."""

METRICS = {"accuracy": "accuracy", "precision": "precision", "recall": "recall", "f1": "F1"}
TEXT = (
    "The simulator's five devices report every ten minutes ({sizes}). A stratified 70 % of the rows may be "
    "learned from, 30 % are judged once; {streams} streams from seed {first} on, none of which was looked "
    "at while this was built. Means over the streams ± half of their 95 % interval (Student's t). The "
    "paper's figures are from one split of 100 rows of its own data: a mark to pass, not the same "
    "experiment.\n\n"
    "**iotae** is what `iotae tune --label` does by default: network and threshold are chosen by F1 in "
    "five-fold cross-validation within the 70 %, and the network learns from the rows labelled normal. "
    "PyOD's two get the same rows, the same hold-out and the same choice of the threshold. *Labels* says "
    "what the labels of the 70 % are used for; the rows with *all* are classifiers that learn from labelled "
    "anomalies of the very kinds they are tested on, *normal rows* is a filter that raises an alarm where a "
    "reading is missing or outside what normal rows hold. The unlabelled row is `iotae tune` without a "
    "label: it chooses by swapped cells and expects 5 % of anomalies. All but ours get missing cells filled "
    "by the median and standardised columns, for with the paper's min-max most of them do worse.\n\n"
    "An anomaly lasts, and a split at random puts its neighbours on both sides: this is easier than "
    "tomorrow's data, for the classifiers most of all."
)


@dataclass(frozen=True)
class PaperJob(runner.Job):
    """One contestant on one stream; ``dataset`` is the number of rows."""

    @property
    def entry(self) -> Detector:
        """The contestant's entry."""
        return CONTESTANTS[self.detector]

    def sources(self) -> tuple[str, ...]:
        """Return the files of this program whose text decides the result."""
        return ("simulated.py", "contestants.py", "sequence_nets.py")

    def load(self) -> Simulated:
        """Return the stream of this seed."""
        return experiment(int(self.dataset), self.seed)

    def data_hash(self) -> str:
        """Return a hash of the packages that make the data."""
        return _hash_of("simulator", "preprocessing", "data", "evaluation")

    def measure(self, data: Simulated) -> dict[str, Any]:
        """Return the judge's counts, and the seconds that learning, choosing and scoring took."""
        start = perf_counter()
        alarms = self.entry.make(Task(self.seed, *data.experiment.X.shape))(data.experiment)
        return {"seconds": perf_counter() - start, **data.judge(alarms)}


@cache
def _hash_of(*packages: str) -> str:
    files = [path for name in packages for path in sorted((datasets.ROOT / "iotae" / name).rglob("*.py"))]
    return sha256(b"\0".join(path.read_bytes() for path in files)).hexdigest()


def compare(arguments: argparse.Namespace) -> tuple[list[str], list[str]]:
    """Run all contestants on all streams; return the page's sections, and notes."""
    absent = [reason for entry in CONTESTANTS.values() if (reason := entry.why_absent())]
    names = arguments.detectors or CONTESTANTS
    chosen = [CONTESTANTS[name] for name in names if not CONTESTANTS[name].why_absent()]
    first = FIRST_SEED + arguments.seed
    jobs = [
        PaperJob("paper", str(size), entry.name, seed)
        for size in SIZES
        for seed in range(first, first + arguments.streams)
        for entry in chosen
    ]
    records = runner.run(jobs, workers=arguments.jobs, fresh=arguments.fresh)
    sizes = " and ".join(f"{size:,} rows, {share:.0%} of them anomalous" for size, share in SIZES.items())
    sections = [TEXT.format(sizes=sizes, streams=arguments.streams, first=first)]
    for size in SIZES:
        of_size = [record for record in records if record["dataset"] == str(size)]
        sections += [
            f"## {size:,} rows\n\n{figures(of_size)}\n\n{verdict(of_size)}".rstrip(),
            f"### {size:,} rows: share found of each kind\n\n{by_kind(of_size)}",
        ]
    failed = Counter(f"{r['detector']}: {r['error']}" for r in records if "error" in r)
    return sections, absent + [f"{text} ({count} streams, left out)" for text, count in failed.items()]


def _grouped(records: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Return the records that did not fail, of each contestant."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for record in records:
        if "error" not in record:
            groups.setdefault(record["detector"], []).append(record)
    return groups


def _metric(records: list[dict[str, Any]], metric: str) -> NDArray[np.float64]:
    counts = [Confusion(**{name: record[name] for name in ("tp", "fp", "fn", "tn")}) for record in records]
    return np.array([getattr(one, metric) for one in counts])


def interval(values: NDArray[np.float64]) -> str:
    """Return the mean and half of its 95 % interval, by Student's t.

    Examples
    --------
    >>> interval(np.array([0.8, 0.9, 1.0]))
    '0.900 ± 0.248'
    """
    from scipy.stats import t

    if len(values) < 2:
        return f"{values.mean():.3f}"
    half = t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    return f"{values.mean():.3f} ± {half:.3f}"


def figures(records: list[dict[str, Any]]) -> str:
    """Return the table of the four metrics, in the order of the contestants, the paper's first."""
    rows = [["paper's autoencoder", "", *(f"{getattr(PAPER, metric):.3f}" for metric in METRICS), ""]]
    for name, group in _grouped(records).items():
        title = f"**{name}**" if name == render.OURS else name
        seconds = f"{np.median([record['seconds'] for record in group]):.2g}"
        cells = [interval(_metric(group, metric)) for metric in METRICS]
        rows.append([title, SUPERVISION[name], *cells, seconds])
    return render.markdown(["", "labels", *METRICS.values(), "seconds"], rows, n_text=2)


def verdict(records: list[dict[str, Any]]) -> str:
    """Say on which of the four ours is ahead of the paper, by mean and by streams; nothing without ours."""
    ours = _grouped(records).get(render.OURS, [])
    if not ours:
        return ""
    parts = []
    for metric, title in METRICS.items():
        values, mark = _metric(ours, metric), getattr(PAPER, metric)
        where = "ahead" if values.mean() > mark else "not ahead"
        parts.append(f"{title} {where} ({int((values > mark).sum())} of {len(values)} streams)")
    return f"iotae beside the paper, by the mean: {', '.join(parts)}."


def by_kind(records: list[dict[str, Any]]) -> str:
    """Return the share of each kind's rows that raised an alarm, all streams together."""
    rows = []
    for name, group in _grouped(records).items():
        cells = []
        for kind in ANOMALY_KINDS:
            found, total = np.sum([record["kinds"][kind] for record in group], axis=0)
            cells.append(f"{found / total:.3f}" if total else "-")
        rows.append([f"**{name}**" if name == render.OURS else name, *cells])
    return render.markdown(["", *ANOMALY_KINDS], rows)
