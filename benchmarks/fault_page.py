"""The page of the sensor faults: ranking, alarms and reasons by fault, world and number of sensors."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from benchmarks import detectors, render, runner
from benchmarks.faults import ALPHA, COUNTED_FROM, WITHIN, FaultJob, stream_name
from benchmarks.faulty_sensors import DIMENSIONS, KINDS, ROWS, WORLDS

__all__ = ["SIZES", "TARGETS", "faults"]

Records = list[dict[str, Any]]

SIZES: dict[str, dict[str, Any]] = {
    "full": {"rows": ROWS, "dimensions": DIMENSIONS, "peers_at": 20},
    "quick": {"rows": 6_000, "dimensions": (5, 20), "peers_at": 5},
}
"""Rows of a stream, numbers of sensors, and the number of sensors at which the slower peers are run too."""

EVERYWHERE = ("iotae", "anchor", "anchor, ten rows")
"""Detectors that are run with every number of sensors."""

TARGETS = {
    "spike": 0.99, "offset": 0.95, "noise": 0.95, "stuck": 0.90, "swap": 0.95, "drift": 0.90, "drop": 0.95,
    "hour": 0.90,
}  # fmt: skip
"""ROC AUC asked for, mean over worlds and numbers of sensors."""

MOST_FALSE, LEAST_FOUND, LEAST_TOP = 2 * ALPHA, 0.8, (0.90, 0.97)

TEXT = (
    "Made streams of {rows:,} rows, a minute apart: sensors that follow three hidden factors, linearly or "
    "not, white or autocorrelated, with a daily rhythm and units from 0.01 to 10,000. After row {start:,} "
    "one sensor at a time is broken for 60 rows, in 5 % of all rows at most. Prequential (score before "
    "learn), no labels, every detector with its own defaults; the rows after {counted:,} count. Means over "
    "{seeds} from {seed} on and over {dimensions} sensors, where no other number is given. `iotae` gets "
    "the time with the row, which the others cannot take. *anchor* is a running covariance of a row and "
    "the row before: the largest squared residual of a sensor given all others, and *ten rows* its moving "
    "mean (`benchmarks/anchor.py`). Alarms of detectors that have none are those of a "
    "`ConformalThreshold({alpha})` on their scores; ours asks for the same rate. **Bold** figures of ours "
    "miss their target."
)

FOUND = (
    "*Found* is the share of faults with an alarm in their first {within} rows; *rows to the alarm* the "
    "median over faults of the rows from the start to the first alarm, the fault's length where there is "
    "none; *false alarms* the share of alarms among rows {counted:,} to the first fault; *top 1* and *top "
    "3* the shares of faulty rows whose explanation has the broken sensor first, or among three. Asked "
    "for: found at least {least:.2f}, false at most {most:.2f}, top 1 at least {top[0]:.2f}, top 3 at "
    "least {top[1]:.2f}."
)


def _mean(records: Records, figure: str) -> float:
    """Return the mean over what did not fail and has the figure; a failed ranking counts as chance."""
    chance = {"auc": 0.5}
    values = [chance.get(figure) if "error" in record else record[figure] for record in records]
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else float("nan")


def _parts(record: dict[str, Any]) -> tuple[str, str, int]:
    world, kind, d = record["dataset"].split(": ")
    return world, kind, int(d)


def _where(records: Records, **wanted: Any) -> Records:
    """Return the records of a detector, world, kind or number of sensors d; a world may be its beginning."""
    found = []
    for record in records:
        world, kind, d = _parts(record)
        have = {"detector": record["detector"], "kind": kind, "d": d}
        if world.startswith(wanted.get("world", "")) and all(
            have[key] == value for key, value in wanted.items() if key != "world"
        ):
            found.append(record)
    return found


def _shown(value: float, kept: bool = True) -> str:
    if np.isnan(value):
        return "-"
    return f"{value:.3f}" if kept else f"**{value:.3f}**"


def _by_kind(records: Records, figure: str, names: Sequence[str]) -> str:
    """Return one row a kind: ours beside its target, then every detector by shape of world."""
    shapes = ("linear", "non-linear")
    header = ["fault", *(["target"] if figure == "auc" else []), "iotae"]
    header += [f"{shape}: {name}" for shape in shapes for name in names]
    rows = []
    for kind in KINDS:
        of_kind = _where(records, kind=kind)
        ours = _mean(_where(of_kind, detector=render.OURS), figure)
        cells = [f"{TARGETS[kind]:.2f}"] if figure == "auc" else []
        cells.append(_shown(ours, figure != "auc" or ours >= TARGETS[kind]))
        cells += [
            _shown(_mean(_where(of_kind, world=shape, detector=name), figure))
            for shape in shapes
            for name in names
        ]
        rows.append([kind, *cells])
    cells = [_shown(_mean(_where(records, detector=render.OURS), figure))]
    cells += [
        _shown(_mean(_where(records, world=s, detector=name), figure)) for s in shapes for name in names
    ]
    rows.append(["mean", *([""] if figure == "auc" else []), *cells])
    return render.markdown(header, rows)


def _alarms(records: Records, names: Iterable[str]) -> str:
    """Return one row a detector and kind, and one for all kinds: faults found, and how soon; reasons."""
    rows = []
    for name in names:
        of_name = _where(records, detector=name)
        for kind in [*KINDS, "all"]:
            some = of_name if kind == "all" else _where(of_name, kind=kind)
            # spikes, which are many and a row long, would decide the median over all kinds
            delays = [rows for record in some for rows in record.get("delay", []) if kind != "all"]
            limits = {"found": LEAST_FOUND, "top1": LEAST_TOP[0], "top3": LEAST_TOP[1]}
            shown = {}
            for figure, least in limits.items():
                value = _mean(some, figure)
                shown[figure] = _shown(value, name != render.OURS or value >= least)
            false = _mean(some, "false")
            rows.append(
                [
                    name if kind == "spike" else "",
                    kind,
                    shown["found"],
                    f"{np.median(delays):.0f}" if delays else "-",
                    _shown(false, name != render.OURS or false <= MOST_FALSE),
                    shown["top1"],
                    shown["top3"],
                ]
            )
    header = ["detector", "fault", "found", "rows to the alarm", "false alarms", "top 1", "top 3"]
    return render.markdown(header, rows, n_text=2)


def _pivot(records: Records, names: Iterable[str], columns: dict[str, Callable[[Records], Records]]) -> str:
    """Return mean ROC AUC over all kinds: one row a detector, one column a choice of records."""
    rows = []
    for name in names:
        of_name = _where(records, detector=name)
        speed = [record["us_per_row"] for record in of_name if "error" not in record]
        cells = [_shown(_mean(choose(of_name), "auc")) for choose in columns.values()]
        rows.append([name, *cells, f"{np.median(speed):.0f}" if speed else "-"])
    return render.markdown(["detector", *columns, "µs a row"], rows)


def _jobs(arguments: argparse.Namespace, size: dict[str, Any]) -> tuple[list[FaultJob], list[str]]:
    """Return the jobs, and a line for each detector that is absent."""
    chosen = [detectors.FAULTS[name] for name in arguments.detectors or detectors.FAULTS]
    absent = [reason for entry in chosen if (reason := entry.why_absent())]
    jobs = [
        FaultJob("faults", stream_name(world, kind, d), entry.name, seed, size["rows"])
        for seed in range(arguments.seed, arguments.seed + arguments.seeds)
        for d in size["dimensions"]
        for world in WORLDS
        for kind in KINDS
        for entry in chosen
        if not entry.why_absent() and (entry.name in EVERYWHERE or d == size["peers_at"])
    ]
    return jobs, absent


def faults(arguments: argparse.Namespace) -> tuple[list[str], list[str]]:
    """Run all detectors on all streams; return the page's sections, and notes."""
    size = SIZES["quick" if arguments.quick else "full"]
    jobs, absent = _jobs(arguments, size)
    records = runner.run(jobs, workers=arguments.jobs, fresh=arguments.fresh)
    names = list(dict.fromkeys(record["detector"] for record in records))
    everywhere = [name for name in names if name in EVERYWHERE]
    peers_at = size["peers_at"]
    text = TEXT.format(
        rows=size["rows"],
        start=size["rows"] * 7 // 12,
        counted=COUNTED_FROM,
        seeds=f"{arguments.seeds} seeds" if arguments.seeds > 1 else "one seed",
        seed=arguments.seed,
        dimensions=", ".join(map(str, size["dimensions"])),
        alpha=ALPHA,
    )
    worlds: dict[str, Callable[[Records], Records]] = {
        world: lambda some, world=world: _where(some, world=world) for world in WORLDS
    }
    widths: dict[str, Callable[[Records], Records]] = {
        f"{d} sensors": lambda some, d=d: _where(some, d=d) for d in size["dimensions"]
    }
    kinds: dict[str, Callable[[Records], Records]] = {
        kind: lambda some, kind=kind: _where(some, kind=kind) for kind in KINDS
    }
    listed = "\n".join(f"- *{kind}*: {what}." for kind, what in KINDS.items())
    found = FOUND.format(
        within=WITHIN, counted=COUNTED_FROM, least=LEAST_FOUND, most=MOST_FALSE, top=LEAST_TOP
    )
    sections = [
        text,
        f"## ROC AUC by kind of fault\n\n{_by_kind(records, 'auc', everywhere)}\n\n{listed}",
        f"## Average precision by kind of fault\n\n{_by_kind(records, 'ap', everywhere)}",
        f"## Alarms and reasons\n\n{found}\n\n{_alarms(records, everywhere)}",
        f"## By number of sensors, mean ROC AUC\n\n{_pivot(records, everywhere, widths)}",
        f"## By world, mean ROC AUC\n\n{_pivot(records, everywhere, worlds)}",
        f"## All detectors at {peers_at} sensors, ROC AUC\n\n"
        + _pivot(_where(records, d=peers_at), names, kinds | {"mean": lambda some: some}),
    ]
    return sections, absent + render.failures(records)
