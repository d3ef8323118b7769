"""The pages: which protocols make up each command, and the words around their tables."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from benchmarks import command_speed, contests, datasets, detectors, isolated, render, runner, timing

__all__ = ["Sections", "speed", "streams", "tables"]

Sections = tuple[list[str], list[str]]

AUC_AP = {"auc": "ROC AUC", "ap": "AP"}
AUC_AP_WARM = {"auc_warm": "ROC AUC", "ap_warm": "AP"}
RIVERS_OWN = ("HalfSpaceTrees", "OneClassSVM", "LODA")
SPEED_TABLES = ("iotae", "IForest", "AutoEncoder")
SPEED_WIDTHS = (9, 38, 122)
SPEED_SIZES = ((20_000, 20), (10_000, 100))
COMMAND_ROWS = 1_000_000
QUICK_WIDTHS, QUICK_BLOCKS, QUICK_SIZES, QUICK_COMMAND_ROWS = (9,), 6, ((2_000, 20),), 20_000

STREAMS_TEXT = (
    "Prequential, score before learn, no labels, a fresh model for each group, {cap}; sets without an order "
    "of time are shuffled. Figures are means over {seeds} seeds, from {seed} on, which decide the shuffle "
    "and the detector's own randomness; ours by seed: {by_seed}. The scores of all groups of a set are "
    "ranked together. Microseconds a row are score + learn in one thread, median over sets; `speed` compares "
    "them in turns in one process. A stored result keeps the time of the run that made it: compare times "
    "after `--fresh`. Peers that live in an environment of their own (`python -m benchmarks peers-env`) get "
    "the rows scaled as River's pipelines scale them where they ask for it: `benchmarks/isolated_worker.py`."
)
WARM_TEXT = (
    "They are learned but not counted: the part that a set marks as training, else the first tenth of each "
    "group."
)
TABLES_TEXT = (
    "At most {rows:,} rows a set (subsample with seed {seed}), every detector with its own defaults; a peer "
    "stands behind the scaler that its documentation advises, as the end of this page says for each. Seconds "
    "are fits in one thread, median over sets; what a detector compiles in its first fit is in them, and a "
    "stored result keeps the time of the run that made it."
)
TABLE_PROTOCOLS = {
    "table_unlabelled": (
        "Unlabelled",
        "Fitted on all rows without labels; the same rows are scored.",
        render.OURS,
    ),
    "table_clean": (
        "Clean training rows",
        "Fitted on a seeded half of the normal rows; the rest is scored.",
        detectors.TOLD,
    ),
}
"""Of each protocol of tables: its title, its text, and which of ours meets the peers."""
STREAM_SPEED_TEXT = (
    "One process, one thread; the detectors take turns in blocks of 500 rows. µs a row: median over blocks "
    "of the mean in a block. Times faster: than `MinMaxScaler | HalfSpaceTrees`, median over blocks. First "
    "row: construction, score and learn in a fresh process, imports not counted. A detector with "
    "`score_learn_one`, which scores and learns in one call, is timed with that call too."
)
COMMAND_TEXT = (
    "`iotae stream` reads a CSV file of {rows:,} rows of {columns} numbers and writes it again with score "
    "and alarm: {speed:,.0f} rows a second in one thread ({runs}), the program's start included, what is "
    "compiled once not."
)
TABLE_SPEED_TEXT = "One thread, medians of three turns; 100,000 float32 rows are scored."


def _results(
    protocol: str, arguments: argparse.Namespace, n_seeds: int = 1
) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the records of one protocol, and a line for each set or detector that is absent."""
    kind = "stream" if protocol == "stream" else "table"
    entries = [
        entry
        for entry in detectors.resolve(kind, arguments.detectors)
        if entry.name != detectors.TOLD or protocol == "table_clean"
    ]
    sets = arguments.sets or datasets.names(kind)
    jobs: list[runner.Job] = []
    absent: list[str] = []
    for seed in range(arguments.seed, arguments.seed + n_seeds):
        planned, absent = runner.plan(protocol, sets, entries, seed, arguments.rows)
        jobs += planned
    if not jobs:
        raise datasets.DatasetAbsentError("nothing to run here:\n" + "\n".join(absent))
    records = runner.run(jobs, workers=arguments.jobs, fresh=arguments.fresh)
    dates = sorted({record["date"] for record in records})
    if len(dates) > 1:
        absent.append(f"{protocol}: run in parts, from {dates[0]} to {dates[-1]}; --fresh runs all again")
    return records, absent


def _means_by_seed(records: list[dict[str, Any]]) -> str:
    """Return ours as ROC AUC / AP for each seed: how far a single run can be believed."""
    runs: dict[int, list[tuple[float, float]]] = {}
    for record in records:
        if record["detector"] == render.OURS and "error" not in record:
            runs.setdefault(record["seed"], []).append((record["auc"], record["ap"]))
    means = [[sum(column) / len(run) for column in zip(*run, strict=True)] for run in runs.values()]
    return ", ".join(f"{auc:.3f} / {ap:.3f}" for auc, ap in means) or "not run"


def streams(arguments: argparse.Namespace) -> Sections:
    """Return the page of the stream protocol: summaries with and without warm-up, and each set."""
    records, absent = _results("stream", arguments, arguments.seeds)
    cap = f"at most {arguments.rows:,} rows a set" if arguments.rows else "all rows"
    costs = ("us_per_row", "µs a row", {"best of River's own of each set, picked afterwards": RIVERS_OWN})
    text = STREAMS_TEXT.format(
        cap=cap, seed=arguments.seed, seeds=arguments.seeds, by_seed=_means_by_seed(records)
    )
    return [
        text,
        "## Every row\n\n" + render.summary(records, AUC_AP, *costs),
        f"## Without the warm-up rows\n\n{WARM_TEXT}\n\n" + render.summary(records, AUC_AP_WARM, *costs),
        "## ROC AUC, every row\n\n" + render.per_set(records, "auc"),
        "## Average precision, every row\n\n" + render.per_set(records, "ap"),
    ], absent + render.failures(records)


def tables(arguments: argparse.Namespace) -> Sections:
    """Return the page of the two table protocols: a summary and each set, for each."""
    sections = [TABLES_TEXT.format(rows=arguments.rows, seed=arguments.seed)]
    notes: list[str] = []
    for protocol, (title, text, ours) in TABLE_PROTOCOLS.items():
        records, absent = _results(protocol, arguments)
        sections += [
            f"## {title}\n\n{text}\n\n" + render.summary(records, AUC_AP, "fit_s", "fit, s"),
            contests.against(records, ours, AUC_AP),
            f"### {title}: ROC AUC\n\n" + render.per_set(records, "auc"),
            f"### {title}: average precision\n\n" + render.per_set(records, "ap"),
        ]
        notes += [note for note in absent + render.failures(records) if note not in notes]
    sections.append(f"## What each detector is given\n\n{_given(arguments)}")
    return [section for section in sections if section], notes


def _given(arguments: argparse.Namespace) -> str:
    """Return one line for each way to be given a table: the way, and the detectors that are given it so."""
    ways: dict[str, list[str]] = {}
    for entry in detectors.resolve("table", arguments.detectors):
        ways.setdefault(entry.given, []).append(entry.name)
    return "\n".join(f"- {way}: {', '.join(names)}" for way, names in ways.items())


def speed(arguments: argparse.Namespace) -> Sections:
    """Return the page of the speed protocols; nothing is cached, and nothing should run beside it."""
    entries = detectors.resolve("stream", arguments.detectors)
    # a peer in an environment of its own is not called row by row
    entries = [entry for entry in entries if entry.name not in isolated.PEERS]
    absent = [reason for entry in entries if (reason := entry.why_absent())]
    entries = [entry for entry in entries if not entry.why_absent()]
    quick = arguments.quick
    formats = {"us": ".1f", "ratio": ".2f", "p999_us": ".0f", "first_ms": ".1f"}
    rows = [
        [row["detector"], row["d"], *(format(row[key], spec) for key, spec in formats.items())]
        for width in (QUICK_WIDTHS if quick else SPEED_WIDTHS)
        for row in timing.stream_speed(
            entries, width, seed=arguments.seed, **({"n_blocks": QUICK_BLOCKS} if quick else {})
        )
    ]
    header = ["detector", "features", "µs a row", "times faster", "99.9 % row, µs", "first row, ms"]
    table = render.markdown(header, rows)
    tables = _table_speed(arguments.seed, QUICK_SIZES if quick else SPEED_SIZES)
    return [
        f"## Streams: score + learn\n\n{STREAM_SPEED_TEXT}\n\n{table}",
        f"## The command\n\n{_command_speed(arguments.seed, quick)}",
        f"## Tables: fit and score\n\n{TABLE_SPEED_TEXT}\n\n{tables}",
    ], absent


def _command_speed(seed: int, quick: bool) -> str:
    """Return the sentence on the command's rows a second."""
    rows, repeats = (QUICK_COMMAND_ROWS, 1) if quick else (COMMAND_ROWS, 3)
    found = command_speed.stream_rows_per_s(rows, seed=seed, repeats=repeats)
    return COMMAND_TEXT.format(
        rows=rows,
        columns=command_speed.COLUMNS,
        speed=found,
        runs=f"median of {repeats} runs" if repeats > 1 else "one run",
    )


def _table_speed(seed: int, sizes: Sequence[tuple[int, int]]) -> str:
    """Return the table of fits and scoring: ours, IForest and PyOD's AutoEncoder."""
    entries = detectors.resolve("table", list(SPEED_TABLES))
    rows = []
    for n_rows, n_features in sizes:
        results = timing.table_speed(entries, n_rows, n_features, seed=seed)
        fit = {row["detector"]: row["fit_s"] for row in results}
        for row in results:
            name = row["detector"]
            ratios = [f"{fit[peer] / fit[name]:.2f}" for peer in ("IForest", "AutoEncoder")]
            size = f"{n_rows:,} × {n_features}"
            rows.append([name, size, f"{fit[name]:.3f}", *ratios, f"{row['rows_per_s']:,.0f}"])
    faster = ["× faster than IForest", "× faster than AutoEncoder"]
    header = ["detector", "table", "fit, s", *faster, "rows scored a second"]
    network = ", ".join(
        f"{timing.network_speed(n_features, seed=seed):,.0f} at {n_features} features"
        for _, n_features in sizes
    )
    return (
        render.markdown(header, rows) + "\n\nThe network's part of our scoring by itself, code and "
        f"reconstruction in float32, rows a second: {network}. The distances to at most 1,024 references "
        "take most of the rest."
    )
