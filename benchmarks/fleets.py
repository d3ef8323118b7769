"""The protocol of fleets: a pooled model, a model a device, the fleet in both modes; and what it costs."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from benchmarks import datasets, render
from benchmarks.fleet_streams import FleetRow, devices_of, in_turns, made_fleet
from iotae import OnlineAutoencoder
from iotae.evaluation import average_precision, roc_auc
from iotae.fleet import Fleet

__all__ = ["compare"]

SETS = ("asd_omi", "iot23_rare")
LATE, FIRST = 1000, 200
DEVICES, DEVICE_ROWS, QUICK_DEVICES, QUICK_ROWS = 24, 1500, 4, 120
TURNS = 3
COSTS = ((5, 10_000), (5, 1), (5, 100), (20, 1), (20, 100), (100, 1), (100, 100))
QUICK_COSTS = ((5, 1), (5, 3))

TEXT = (
    "Each stream set's groups are its devices, which send rows in turns; so do {n} made devices of five "
    "sensors, two kinds of firmware, ranges from 0.1 to 1,000 and days of 96 to 480 rows. The second half "
    "of the devices begins when the first has {late:,} rows. At most the last {rows:,} rows of "
    "a device ({made:,} of a made one), seed {seed}. "
    "*pooled*: one `OnlineAutoencoder` without the device. *a model a device*: one for each, scores as "
    "they are. *fleet*: `iotae.fleet.Fleet`, where *cold* is without the warm start. ROC AUC and AP are "
    "of all rows of all devices together, so scores must compare; *first {first}* is the AP of the first "
    "{first} rows of the devices that begin late. Alarms are at alpha 0.01; *found* are those that are "
    "anomalies, and *loudest* is the share of all alarms that one device has. Before a model's cut there "
    "are no alarms."
)

COST_TEXT = (
    "Rows of independent numbers, devices in turns, after {before} rows of each device. *alone* is one "
    "`OnlineAutoencoder` in the same process. *bytes* are those of a device that is set aside, *memory* "
    "is by how much the process grew. 500 devices are in memory at most (the default), so in turns of "
    "10,000 each row of the fleet brings one device back from the store and sets one aside; *all in "
    "memory* is with `max_in_memory=10_000`."
)

Judge = Callable[[FleetRow], tuple[float, bool]]


def _pooled(seed: int) -> Judge:
    model = OnlineAutoencoder(seed=seed)
    return lambda row: model.score_learn_one(row.x)


def _a_model_each(seed: int) -> Judge:
    models: dict[int, OnlineAutoencoder] = {}

    def judge(row: FleetRow) -> tuple[float, bool]:
        if row.device not in models:
            models[row.device] = OnlineAutoencoder(seed=seed)
        return models[row.device].score_learn_one(row.x)

    return judge


def _fleet(mode: str, warm: bool) -> Callable[[int], Judge]:
    def made(seed: int) -> Judge:
        fleet = Fleet(OnlineAutoencoder(seed=seed), mode=mode, warm_start=warm)
        return lambda row: fleet.score_learn_one({"device": row.device, **row.x})

    return made


CONTESTANTS: dict[str, Callable[[int], Judge]] = {
    "pooled": _pooled,
    "a model a device": _a_model_each,
    "fleet, separate": _fleet("separate", True),
    "fleet, separate, cold": _fleet("separate", False),
    "fleet, shared": _fleet("shared", True),
}


def _quality(name: str, rows: list[FleetRow], seed: int) -> list[list[str]]:
    y = np.array([row.y for row in rows])
    device = np.array([row.device for row in rows])
    newest = device >= (device.max() + 2) // 2
    young = newest & (np.array([row.place for row in rows]) < FIRST)
    lines = []
    for contestant, made in CONTESTANTS.items():
        judge = made(seed)
        judged = [judge(row) for row in rows]
        scores, alarms = np.array([s for s, _ in judged]), np.array([a for _, a in judged])
        n = int(alarms.sum())
        first = average_precision(y[young], scores[young]) if 0 < y[young].sum() < young.sum() else np.nan
        loudest = np.bincount(device[alarms]).max() / n if n else np.nan
        figures = (roc_auc(y, scores), average_precision(y, scores), first)
        found = f"{int((alarms & y).sum()):,} of {int(y.sum()):,}"
        lines.append([name, contestant, *(f"{f:.3f}" for f in figures), f"{n:,}", found, f"{loudest:.2f}"])
    return lines


def _resident() -> float:
    """Return the process's resident memory in MB; NaN where the system does not say."""
    status = Path("/proc/self/status")
    if not status.exists():
        return float("nan")
    return int(status.read_text().split("VmRSS:")[1].split()[0]) / 1024.0


def _microseconds(
    fleet: Any, n: int, alone: OnlineAutoencoder, rows: list[dict[str, float]]
) -> tuple[float, float]:
    """Return the time of a row of the fleet and of one model, each the best of some turns."""
    own, single = [], []
    for turn in range(TURNS):
        named = [{"device": (turn * 512 + k) % n, **x} for k, x in enumerate(rows)]
        begun = perf_counter()
        for x in named:
            fleet.score_learn_one(x)
        between = perf_counter()
        for x in rows:
            alone.score_learn_one(x)
        own.append(between - begun)
        single.append(perf_counter() - between)
    return min(own) / len(rows) * 1e6, min(single) / len(rows) * 1e6


def _cost(d: int, n: int, mode: str, seed: int, most: int) -> list[str]:
    before = _rows_before(n)
    X = np.random.default_rng(seed).normal(size=(512, d)).tolist()
    rows = [{f"s{j}": value for j, value in enumerate(row)} for row in X]
    alone = OnlineAutoencoder(seed=seed)
    for x in rows:
        alone.learn_one(x)
    start = _resident()
    fleet: Any = Fleet(OnlineAutoencoder(seed=seed), mode=mode, max_in_memory=most)
    for turn in range(before):
        for k in range(n):
            fleet.learn_one({"device": k, **rows[(turn + k) % 512]})
    grown = _resident() - start
    own, single = _microseconds(fleet, n, alone, rows)
    size = len(fleet._residents.packed(0))
    where = mode if most < n or n < 500 else f"{mode}, all in memory"
    numbers = [f"{own:.0f}", f"{single:.0f}", f"{own / single:.2f}", f"{size:,}", f"{grown:.0f}"]
    return [str(d), f"{n:,}", where, *numbers]


def _rows_before(n: int) -> int:
    return 250 if n <= 100 else 1


def _costs(seed: int, quick: bool) -> list[list[str]]:
    """Return a line for each size; the large ones in processes of their own, as a process keeps its room."""
    lines = []
    for d, n in QUICK_COSTS if quick else COSTS:
        for mode in ("separate", "shared"):
            for most in (500, 10_000) if n > 500 and mode == "shared" else (500,):
                given = (d, n, mode, seed, most)
                if n <= 500:
                    lines.append(_cost(*given))
                    continue
                with ProcessPoolExecutor(1, get_context("spawn")) as process:
                    lines.append(process.submit(_cost, *given).result())
    return lines


def compare(seed: int, rows: int, quick: bool) -> tuple[list[str], list[str]]:
    """Measure quality on each stream and the cost of fleets; return the page's sections and notes."""
    most, n = (QUICK_ROWS, QUICK_DEVICES) if quick else (rows, DEVICES)
    costs = _costs(seed, quick)
    streams = {f"{n} made devices": made_fleet(n, min(most, DEVICE_ROWS), seed)}
    notes = []
    for name in () if quick else SETS:
        absent = datasets.why_absent("stream", name)
        if absent:
            notes.append(absent)
        else:
            streams[name] = devices_of(datasets.load("stream", name), most)
    lines = [
        line
        for name, series in streams.items()
        for line in _quality(name, list(in_turns(series, 20 if quick else LATE)), seed)
    ]
    header = ["stream", "what", "ROC AUC", "AP", f"first {FIRST}", "alarms", "found", "loudest"]
    cost_header = ["features", "devices", "mode", "µs a row", "alone", "ratio", "bytes", "memory, MB"]
    before = "250 (1 where there are 10,000 devices)"
    return [
        TEXT.format(n=n, rows=most, made=min(most, DEVICE_ROWS), seed=seed, late=LATE, first=FIRST),
        render.markdown(header, lines),
        COST_TEXT.format(before=before),
        render.markdown(cost_header, costs),
    ], notes
