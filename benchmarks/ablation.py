"""The ablation: the product with one step removed or changed, on streams, on sensor faults and on tables.

Each variant (`benchmarks.variants`) runs in a process of its own, with a folder of its own for compiled
kernels, in which named functions and settings are swapped (`benchmarks.swaps`) before anything compiles.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import datasets, detector, detectors, faults, faulty_sensors, protocols, render, runner, swaps

__all__ = ["Job", "compare", "measure", "run", "table"]

Job = tuple[str, str, str, int, int]
"""Protocol, kind and name of the set, seed, most rows."""

SOURCES = ("variants.py", "protocols.py", "faults.py", "faulty_sensors.py")
"""Files here that decide a variant's figures."""

SENSORS = 20
"""Number of sensors of the made streams with faults."""

_RUN = """
import json, sys
from benchmarks import ablation
print(json.dumps(ablation.measure(*sys.argv[1:3], json.loads(sys.argv[3]))))
"""


def measure(collection: str, name: str, jobs: list[Job]) -> list[tuple[float, float]]:
    """Make a variant's swaps in this process, and return ROC AUC and average precision of ours in each job.

    Parameters
    ----------
    collection, name : str
        Where the variant is found: "module:attribute" of a dict, and the key in it.
    jobs : list
        What to measure.
    """
    # what our detectors load, so that a swap reaches every module that has taken the name already
    import pyod_iotae  # noqa: F401
    import river_iotae  # noqa: F401

    swaps.swap(swaps.resolve(collection)[2][name])  # type: ignore[index]
    found = []
    for job in jobs:
        figures = _figures(*job)
        found.append((figures["auc"], figures["ap"]))
    return found


def _figures(protocol: str, kind: str, dataset: str, seed: int, max_rows: int) -> dict[str, Any]:
    """Return the figures of ours in one job; a table may be met as a stream, and a stream as a table."""
    if protocol == "faults":
        made = faults.FaultJob(protocol, dataset, render.OURS, seed, max_rows)
        with runner.one_thread(made.entry):
            return made.measure(made.load())
    entry = detectors.resolve(protocols.KINDS[protocol], [render.OURS])[0]
    with runner.one_thread(entry):
        return runner.PROTOCOLS[protocol](datasets.load(kind, dataset), entry, seed, max_rows)


def run(jobs: list[Job], collection: str, name: str, cache: Path = runner.CACHE / "ablation") -> Any:
    """Return `measure`'s figures of a variant from a process of its own, stored by what decides them."""
    arguments = json.dumps(jobs)
    sources = [(datasets.ROOT / "benchmarks" / each).read_text() for each in SOURCES]
    parts = [arguments, collection, name, detector.source_hash(), *sources]
    key = hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:24]
    stored = cache / f"{key}.json"
    if stored.exists():
        return json.loads(stored.read_text())
    kernels = cache / "kernels" / re.sub(r"\W+", "-", f"{collection} {name}")
    # what an earlier run of this variant compiled may hold other replacements
    shutil.rmtree(kernels, ignore_errors=True)
    path = os.pathsep.join([str(datasets.ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {"OMP_NUM_THREADS": "1", "NUMBA_CACHE_DIR": str(kernels), "PYTHONPATH": path}
    command = [sys.executable, "-c", _RUN, collection, name, arguments]
    done = subprocess.run(
        command, cwd=datasets.ROOT, capture_output=True, text=True, env={**os.environ, **environment}
    )
    shutil.rmtree(kernels, ignore_errors=True)
    if done.returncode:
        raise RuntimeError(f"The variant {name!r} failed: {done.stderr.strip().splitlines()[-1]}")
    stored.parent.mkdir(parents=True, exist_ok=True)
    stored.write_text(done.stdout.splitlines()[-1])
    return json.loads(stored.read_text())


def table(collection: str, columns: dict[str, list[Job]]) -> str:
    """Return one row a variant, one column a list of jobs: mean ROC AUC / AP."""
    jobs = [job for column in columns.values() for job in column]
    names = list(swaps.resolve(collection)[2])  # type: ignore[call-overload]
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        found = list(pool.map(lambda name: run(jobs, collection, name), names))
    lines = []
    for name, figures in zip(names, found, strict=True):
        rest, cells = iter(figures), []
        for column in columns.values():
            auc, ap = np.mean([next(rest) for _ in column], axis=0)
            cells.append(f"{auc:.3f} / {ap:.3f}")
        lines.append([name, *cells])
    return render.markdown(["removed or changed", *columns], lines)


def _by_fault(seeds: int) -> dict[str, list[Job]]:
    """Return the jobs on sensor faults: a column for the linear worlds and one for the others."""
    return {
        f"sensor faults, {shape}": [
            ("faults", "faults", faults.stream_name(world, kind, SENSORS), seed, faulty_sensors.ROWS)
            for world in faulty_sensors.WORLDS
            for kind in faulty_sensors.KINDS
            for seed in range(seeds)
            if world.startswith(shape)
        ]
        for shape in ("linear", "non-linear")
    }


def compare(seeds: int) -> tuple[list[str], list[str]]:
    """Return the page's sections, and a line for each set that is absent."""
    absent: list[str] = []

    def present(kind: str, names: tuple[str, ...]) -> list[tuple[str, str]]:
        reasons = {name: datasets.why_absent(kind, name) for name in names}
        absent.extend(reason for reason in reasons.values() if reason)
        return [(kind, name) for name, reason in reasons.items() if not reason]

    streams, tables = present("stream", datasets.STREAMS), present("table", datasets.TABLES)
    if not streams or not tables:
        raise datasets.DatasetAbsentError("nothing to run here:\n" + "\n".join(absent))
    simulated = [("stream", "river_shuttle"), ("stream", "simulator")]

    def jobs(protocol: str, sets: list[tuple[str, str]], rows: int) -> list[Job]:
        return [(protocol, kind, name, seed, rows) for kind, name in sets for seed in range(seeds)]

    by_stream = {
        f"{len(streams)} streams (chosen on)": jobs("stream", streams, 60_000),
        f"{len(tables)} tables as streams (not chosen on)": jobs("stream", tables, 10_000),
        "Shuttle, simulator (not chosen on)": jobs("stream", simulated, 20_000),
        **_by_fault(seeds),
    }
    by_table = {
        f"{len(tables)} tables, unlabelled": jobs("table_unlabelled", tables, 10_000),
        f"{len(tables)} tables, clean": jobs("table_clean", tables, 10_000),
        f"{len(streams)} streams as tables, unlabelled": jobs("table_unlabelled", streams, 10_000),
    }
    text = (
        f"Mean ROC AUC / average precision of {seeds} seeds; each row is the product with named functions or "
        "settings swapped (`benchmarks/variants.py`), run in a process of its own. Protocols as on the pages "
        "of streams and tables. Differences below 0.01 AUC or 0.03 AP on streams, 0.005 and 0.01 on tables, "
        "are noise of seeds."
    )
    return [
        text,
        f"## The stream model\n\n{table('benchmarks.variants:STREAM', by_stream)}",
        f"## The table model\n\n{table('benchmarks.variants:TABLE', by_table)}",
    ], absent
