"""The runner: jobs in parallel, each result stored as soon as it is there, so that a run can be resumed."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from benchmarks import alarms, datasets, detector, detectors, protocols
from benchmarks.detector import Detector

__all__ = ["CACHE", "Job", "one_thread", "plan", "run"]

CACHE = datasets.ROOT / ".cache" / "benchmarks"
PROTOCOLS = {**protocols.PROTOCOLS, "alarms": alarms.realised}
SOURCES = dict.fromkeys(PROTOCOLS, ("protocols.py",)) | {
    "stream": ("protocols.py", "peers.py"),
    "alarms": ("protocols.py", "peers.py", "alarms.py", "normal_streams.py"),
}
"""Files here that decide the results of a protocol."""


@dataclass(frozen=True)
class Job:
    """One detector on one set under one protocol."""

    protocol: str
    dataset: str
    detector: str
    seed: int = 0
    max_rows: int | None = None

    @property
    def entry(self) -> Detector:
        """The detector's entry in the registry."""
        return detectors.resolve(protocols.KINDS[self.protocol], [self.detector])[0]

    def load(self) -> Any:
        """Return the data, with labels ``y``."""
        return datasets.load(protocols.KINDS[self.protocol], self.dataset)

    def measure(self, data: Any) -> dict[str, Any]:
        """Return what is to be stored."""
        return PROTOCOLS[self.protocol](data, self.entry, self.seed, self.max_rows)

    def data_hash(self) -> str:
        """Return a hash of the set's file, or of the package that it ships with."""
        return _data_hash(protocols.KINDS[self.protocol], self.dataset)

    def sources(self) -> tuple[str, ...]:
        """Return the files of this program whose text decides the result."""
        return SOURCES[self.protocol]

    def key(self) -> str:
        """Return a hash of all that decides the result: job, data, versions, and the source of ours."""
        parts = {
            "job": [self.protocol, self.dataset, self.detector, self.seed, self.max_rows],
            "data": self.data_hash(),
            "versions": self.entry.versions(),
            "source": [_file_hash(Path(__file__).with_name(name)) for name in self.sources()],
        }
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:24]


@cache
def _file_hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@cache
def _data_hash(kind: str, name: str) -> str:
    path = datasets.file_of(kind, name)
    return _file_hash(path) if path else detector.source_hash()


def _execute(job: Job, path: Path) -> dict[str, Any]:
    """Run one job in one thread, quietly, and store what came out; a failure is not stored."""
    data = job.load()
    record: dict[str, Any] = {
        **vars(job),
        "anomalies": float(data.y.mean()),
        "date": f"{datetime.now(UTC):%F}",
    }
    with one_thread(job.entry), warnings.catch_warnings():
        if not job.entry.ours:
            warnings.simplefilter("ignore")
        try:
            record |= job.measure(data)
        except Exception as error:  # a detector that fails on a set is a finding: the tables show it
            return record | {"error": f"{type(error).__name__}: {error}".splitlines()[0]}
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(f".{os.getpid()}.partial")
    partial.write_text(json.dumps(record))
    partial.replace(path)
    return record


@contextmanager
def one_thread(entry: Detector) -> Iterator[None]:
    """Hold BLAS, OpenMP and torch to one thread, so that timings of parallel jobs can be compared."""
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    if "torch" in entry.packages:
        import torch

        torch.set_num_threads(1)
    with threadpool_limits(1):
        yield


def plan(
    protocol: str, sets: Iterable[str], entries: Iterable[Detector], seed: int, max_rows: int | None
) -> tuple[list[Job], list[str]]:
    """Return the jobs that can be run here, and one line for each set or detector that is absent."""
    kind = protocols.KINDS[protocol]
    absent: list[str] = []
    present_sets = [name for name in sets if not _noted(datasets.why_absent(kind, name), absent)]
    present = [entry for entry in entries if not _noted(entry.why_absent(), absent)]
    return [
        Job(protocol, name, entry.name, seed, max_rows) for name in present_sets for entry in present
    ], absent


def _noted(reason: str | None, notes: list[str]) -> bool:
    if reason:
        notes.append(reason)
    return reason is not None


def run(
    jobs: Sequence[Job],
    *,
    workers: int = 1,
    fresh: bool = False,
    cache_folder: Path = CACHE,
    progress: bool = True,
) -> list[dict[str, Any]]:
    """Run the jobs that have no stored result and return the results of all, in the order of ``jobs``.

    Parameters
    ----------
    jobs : sequence of Job
        From `plan`; all of one class.
    workers : int
        Processes at a time, each with one thread.
    fresh : bool
        Whether stored results are made anew.
    cache_folder : Path
        Where results lie, one JSON file each; an interrupted run goes on from there.
    progress : bool
        Whether a bar is shown (on a terminal only).
    """
    from joblib import delayed
    from tqdm import tqdm

    from iotae._fan_out import fan_out

    paths = {job: cache_folder / job.protocol / f"{job.key()}.json" for job in jobs}
    records = {
        job: json.loads(path.read_text()) for job, path in paths.items() if not fresh and path.exists()
    }
    missing = [job for job in jobs if job not in records]
    bar = tqdm(total=len(missing), unit="job", disable=not (progress and sys.stderr.isatty()))
    with bar:
        calls = (delayed(_execute)(job, paths[job]) for job in missing)
        for record in fan_out(calls, workers, ordered=False):
            done = type(missing[0])(**{field.name: record[field.name] for field in fields(Job)})
            records[done] = record
            bar.set_postfix_str(f"{record['dataset']} / {record['detector']}")
            bar.update()
    return [records[job] for job in jobs]
