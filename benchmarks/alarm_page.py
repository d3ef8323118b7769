"""The page of the false-alarm rates: what was asked for, what came, and what of it was promised."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from typing import Any

import numpy as np

from benchmarks import datasets, detectors, render, runner
from benchmarks.alarms import ADAPTED, ALPHAS, LEAST_ROWS, THRESHOLDS

__all__ = ["alarms"]

TEXT = (
    "Normal rows only, so every alarm is a false one. A score is judged, then taken in. Figures are "
    "multiples of the rate that was asked for (alpha): 1.00 is as asked. Counted are the rows from "
    "{adapted:,} after the start on, and from {adapted:,} after the jump in the shifted streams: by then a "
    "threshold counts as adapted. Groups of fewer than {least:,} rows are left out, {cap}. The target is a "
    "rate between alpha / 3 and 1.25 alpha where rows are exchangeable (drawn independently, or shuffled "
    "with seed {seed}), and at most 2 alpha on every other stream; **bold** figures miss it. ± is half of a "
    "95 % interval, from the rates of ten stretches of each group."
)
WHO = (
    "- `conformal`, `tail`, `quantile`: `ConformalThreshold(alpha)`, `TailThreshold(alpha)`, with and "
    "without `depth=100`, and `QuantileThreshold(alpha)`, the quantile of the latest 1,000 scores.\n"
    "- `budget`: `AlertBudget(10, 10 / alpha)`, ten alerts in so many rows as alpha allows for ten.\n"
    "- `QuantileFilter`: River's, with `q = 1 - alpha`. `SPOT`: Siffer et al. (2017) as published, which "
    "forgets its alarms. `fixed`: the quantile of the first {adapted:,} scores, never updated."
)
UNTIL = (
    "Rows after the jump until the next 10 / alpha rows hold alarms at 2 alpha or less, median over groups; "
    "never where that does not come in more than half of them."
)
SETS = {
    "scores": "Scores drawn from a law: squared lengths of four normal variables. In the drifting stream the "
    "centre swings by three standard deviations up and down in 50,000 rows, in the shifted one it jumps by "
    "two; the autocorrelation of neighbours is that of variables with 0.95.",
    "rows": "Rows drawn from a law (eight features of three factors, with the same paths), the IoT simulator "
    "without anomalies, and the normal rows of the stream sets.",
}
SHUFFLED = ("nslkdd_low5", "rtiot2022_ad")


def _exchangeable(name: str) -> bool:
    return name.endswith("exchangeable") or name in SHUFFLED


def _ratio(record: dict[str, Any], threshold: str, alpha: float) -> tuple[float, float]:
    """Return the realised rate and half of its interval, as multiples of alpha."""
    rates = np.array(record["results"][f"{threshold} {alpha}"]["rates"]) / alpha
    return float(rates.mean()), float(1.96 * rates.std(ddof=1) / len(rates) ** 0.5)


def _kept(name: str, ratio: float) -> bool:
    return 1 / 3 <= ratio <= 1.25 if _exchangeable(name) else ratio <= 2.0


def _cell(record: dict[str, Any], threshold: str, alpha: float) -> str:
    ratio, half = _ratio(record, threshold, alpha)
    text = f"{ratio:.2f}" if _kept(record["dataset"], ratio) else f"**{ratio:.2f}**"
    return f"{text} ± {half:.2f}"


def _overview(records: list[dict[str, Any]]) -> str:
    """Return one row a threshold: targets kept and the worst rates, over all streams and alphas."""
    rows = []
    for threshold in THRESHOLDS:
        cells: list[str] = []
        for exchangeable in (True, False):
            found = [
                (record["dataset"], _ratio(record, threshold, alpha)[0])
                for record in records
                for alpha in ALPHAS
                if _exchangeable(record["dataset"]) == exchangeable
            ]
            ratios = [ratio for _, ratio in found]
            kept = f"{sum(_kept(*each) for each in found)} of {len(found)}"
            cells += [kept, f"{min(ratios):.2f} to {max(ratios):.2f}"] if found else ["-", "-"]
        rows.append([threshold, *cells])
    header = ["threshold", "exchangeable: kept", "rates", "others: kept", "rates"]
    return render.markdown(header, rows)


def _rates(records: list[dict[str, Any]]) -> Iterable[str]:
    """Yield one table for each alpha: a row a stream, a column a threshold."""
    for alpha in ALPHAS:
        rows = [
            [
                record["dataset"].removeprefix("scores: "),
                record["n"],
                *(_cell(record, name, alpha) for name in THRESHOLDS),
            ]
            for record in records
        ]
        yield f"alpha = {alpha}:\n\n" + render.markdown(["stream", "rows", *THRESHOLDS], rows)


def _until(records: list[dict[str, Any]]) -> str:
    """Return the rows that each threshold needs after a jump."""
    rows = []
    for record in records:
        for alpha in ALPHAS:
            cells = []
            for name in THRESHOLDS:
                rows_until = record["results"][f"{name} {alpha}"]["until"]
                middle = float(np.median([np.inf if rows is None else rows for rows in rows_until]))
                cells.append(f"{middle:,.0f}" if np.isfinite(middle) else "never")
            rows.append([record["detector"], str(alpha), *cells])
    return render.markdown(["scores of", "alpha", *THRESHOLDS], rows, 2)


def alarms(arguments: argparse.Namespace) -> tuple[list[str], list[str]]:
    """Return the page of the alarm protocol, and a line for each set that is absent or failed."""
    sets = arguments.sets or datasets.names("normal")
    chosen = {entry.name: entry for entry in detectors.resolve("normal", arguments.detectors)}
    given = [chosen.pop(name) for name in ("the score itself",) if name in chosen]
    drawn = [name for name in sets if name.startswith("scores")]
    jobs, absent = runner.plan("alarms", drawn, given, arguments.seed, arguments.rows)
    more, also = runner.plan(
        "alarms", [n for n in sets if n not in drawn], chosen.values(), arguments.seed, arguments.rows
    )
    if not jobs + more:
        raise datasets.DatasetAbsentError("nothing to run here:\n" + "\n".join([*absent, *also]))
    everything = runner.run(jobs + more, workers=arguments.jobs, fresh=arguments.fresh)
    records = [record for record in everything if "error" not in record]
    failed = [
        f"{record['dataset']} / {record['detector']}: {record['error']}"
        for record in everything
        if "error" in record
    ]
    cap = f"of the others the first {arguments.rows:,} rows are taken" if arguments.rows else "all rows taken"
    sections = [
        TEXT.format(adapted=ADAPTED, least=LEAST_ROWS, cap=cap, seed=arguments.seed),
        WHO.format(adapted=ADAPTED),
        "## Overview\n\nTargets kept, over the streams and the three alphas.\n\n" + _overview(records),
    ]
    for entry in [*given, *chosen.values()]:
        part = [record for record in records if record["detector"] == entry.name]
        if part:
            text = SETS["scores" if entry in given else "rows"]
            title = "Drawn scores" if entry in given else f"Scores of {entry.name}"
            sections.append(f"## {title}\n\n{text}\n\n" + "\n\n".join(_rates(part)))
    shifted = [record for record in records if record["dataset"].endswith("shifted")]
    if shifted:
        sections.append(f"## Rows until adapted\n\n{UNTIL}\n\n" + _until(shifted))
    return sections, list(dict.fromkeys(absent + also)) + failed
