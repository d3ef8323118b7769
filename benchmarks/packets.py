"""The packets benchmark: faults of gateways put into streams, and how many are found, by which reason."""

from __future__ import annotations

import datetime
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import datasets, render
from benchmarks.clean_packets import clean_rows
from iotae.quality import PacketChecker

__all__ = ["FAULTS", "compare", "faulty"]

Floats = NDArray[np.float64]

QUIET, ROWS, QUICK_ROWS = 2_000, 10_000, 3_500
"""Rows without a fault at the start, and rows in all."""
EPISODES, LENGTH = 8, 40
"""Episodes of each fault in a stream, and rows of one that lasts."""
SETS = ("asd_omi", "smd_1_6", "smd_2_1", "simulator")
START = datetime.datetime(2026, 1, 1)
CODES = (-999.0, -9999.0, 65535.0, -127.0)

FAULTS: dict[str, tuple[int, tuple[str, ...]]] = {
    "error code": (1, ("sentinel",)),
    "spike": (1, ("jump", "range")),
    "stuck": (LENGTH, ("stuck",)),
    "dead at zero": (LENGTH, ("flat", "jump", "range")),
    "missing": (5, ("missing",)),
    "text": (1, ("type",)),
    "Fahrenheit": (LENGTH, ("unit", "jump", "range")),
    "sent twice": (1, ("duplicate",)),
    "out of order": (1, ("order", "late")),
    "clock of 1970": (3, ("clock",)),
}
"""Each fault: rows of an episode, and the reasons that tell it."""

TEXT = (
    "The first {rows:,} rows of one group of each stream, a row a minute, with {episodes} episodes of "
    "each fault in one sensor that moves, at random, after {quiet:,} rows without. *Found* is the share "
    "of the faulty rows with any reason, *named* with one that tells this fault. The peers see the "
    "numbers: *static range* is the least and largest of the first {quiet:,} rows; *QuantileFilter* is "
    "River's with q=0.99 around MinMaxScaler and HalfSpaceTrees; *plain autoencoder* is scikit-learn's "
    "MLPRegressor (8, 3, 8) on the standardised first {quiet:,} rows, cut at the 99 % quantile of their "
    "errors. The streams have labelled anomalies of their own: a flagged row without an injected fault "
    "counts as *other*, whether it is one of these or not."
)


def faulty(X: Floats, seed: int) -> tuple[list[dict[str, Any]], list[str]]:
    """Return rows with faults, and the fault of each row, empty for none."""
    rng = np.random.default_rng(seed)
    names = [f"s{j}" for j in range(X.shape[1])]
    rows = [
        {"at": START + datetime.timedelta(minutes=i), **dict(zip(names, map(float, row), strict=True))}
        for i, row in enumerate(X)
    ]
    moving = [n for n, column in zip(names, X[:QUIET].T, strict=True) if len(np.unique(column)) > 50]
    places = np.arange(QUIET, len(rows) - LENGTH, 2 * LENGTH)
    kinds = [kind for kind in FAULTS for _ in range(EPISODES)]
    chosen = rng.choice(places, min(len(kinds), len(places)), replace=False)
    said = [""] * len(rows)
    twice: list[int] = []
    for start, kind in zip(chosen.tolist(), rng.permutation(kinds).tolist(), strict=False):
        name = moving[rng.integers(len(moving))]
        length = FAULTS[kind][0]
        spread = float(np.ptp(X[:QUIET, names.index(name)]))
        for i in range(start, start + length):
            said[i] = kind
            x = rows[i]
            if kind == "error code":
                x[name] = CODES[rng.integers(len(CODES))]
            elif kind == "spike":
                x[name] += 4.0 * spread
            elif kind == "stuck":
                x[name] = rows[start][name]
            elif kind == "dead at zero":
                x[name] = 0.0
            elif kind == "missing":
                x[name] = None
            elif kind == "text":
                x[name] = "ERR"
            elif kind == "Fahrenheit":
                x[name] = x[name] * 1.8 + 32.0
            elif kind == "sent twice":
                twice.append(i)
            elif kind == "out of order":
                x["at"] -= datetime.timedelta(minutes=30)
            else:
                x["at"] = datetime.datetime(1970, 1, 1, 0, 3 + i - start)
    for i in twice:
        rows[i] = dict(rows[i - 1])
    return rows, said


def _matrix(rows: list[dict[str, Any]]) -> Floats:
    names = [name for name in rows[0] if name != "at"]
    return np.array([[x[n] if isinstance(x[n], float) else np.nan for n in names] for x in rows])


def _static(X: Floats) -> NDArray[np.bool_]:
    low, high = np.nanmin(X[:QUIET], axis=0), np.nanmax(X[:QUIET], axis=0)
    return np.asarray(((low > X) | (high < X)).any(axis=1))


def _quantile_filter(X: Floats) -> NDArray[np.bool_]:
    from river import anomaly, preprocessing

    model = anomaly.QuantileFilter(preprocessing.MinMaxScaler() | anomaly.HalfSpaceTrees(seed=0), q=0.99)
    filled = np.where(np.isnan(X), np.nanmean(X[:QUIET], axis=0), X)
    found = np.zeros(len(X), bool)
    for i, row in enumerate(filled.tolist()):
        x = dict(enumerate(row))
        found[i] = model.classify(model.score_one(x))
        model.learn_one(x)
    return found


def _autoencoder(X: Floats) -> NDArray[np.bool_]:
    from sklearn.neural_network import MLPRegressor
    from sklearn.preprocessing import StandardScaler

    filled = np.where(np.isnan(X), np.nanmean(X[:QUIET], axis=0), X)
    Z = StandardScaler().fit(filled[:QUIET]).transform(filled)
    net = MLPRegressor(hidden_layer_sizes=(8, 3, 8), random_state=0, max_iter=500).fit(Z[:QUIET], Z[:QUIET])
    error = ((net.predict(Z).reshape(Z.shape) - Z) ** 2).mean(axis=1)
    return np.asarray(error > np.quantile(error[:QUIET], 0.99))


PEERS: dict[str, Callable[[Floats], NDArray[np.bool_]]] = {
    "static range": _static,
    "QuantileFilter": _quantile_filter,
    "plain autoencoder": _autoencoder,
}


def _streams(rows: int) -> Iterator[tuple[str, Floats]]:
    for name in SETS:
        if datasets.why_absent("stream", name) is None:
            data = datasets.load("stream", name)
            X = data.X if data.group is None else data.X[data.group == data.group[0]]
            yield name, X[:rows]


def compare(seed: int, quick: bool) -> tuple[list[str], list[str]]:
    """Count what each finds; return the page's sections and notes."""
    n = QUICK_ROWS if quick else ROWS
    found: dict[str, list[NDArray[np.bool_]]] = {name: [] for name in ("iotae", *PEERS)}
    named: list[NDArray[np.bool_]] = []
    faults: list[str] = []
    sets = []
    for name, X in _streams(n):
        sets.append(name)
        rows, said = faulty(X, seed)
        checked = PacketChecker(time="at").learn_many(rows)
        told = np.zeros(len(rows), bool)
        for fault, (_, reasons) in FAULTS.items():
            own = np.array(said) == fault
            for reason in reasons:
                told |= own & checked.has(reason)
        named.append(told)
        found["iotae"].append(checked.found != 0)
        for peer, judge in PEERS.items():
            found[peer].append(judge(_matrix(rows)))
        faults += said
    kinds = np.array(faults)
    joined = {name: np.concatenate(parts) for name, parts in found.items()}
    heads = ["fault", "rows", "named by iotae", *(f"found by {name}" for name in joined)]
    table = [
        [
            kind,
            int((kinds == kind).sum()),
            f"{np.concatenate(named)[kinds == kind].mean():.3f}",
            *(f"{one[kinds == kind].mean():.3f}" for one in joined.values()),
        ]
        for kind in FAULTS
    ]
    faulty_rows = kinds != ""
    later = np.concatenate([np.arange(len(part)) >= QUIET for part in named])
    table.append(
        [
            "all",
            int(faulty_rows.sum()),
            f"{np.concatenate(named)[faulty_rows].mean():.3f}",
            *(f"{one[faulty_rows].mean():.3f}" for one in joined.values()),
        ]
    )
    table.append(
        [
            "precision",
            "",
            "",
            *(f"{(one & faulty_rows).sum() / max((one & later).sum(), 1):.3f}" for one in joined.values()),
        ]
    )
    table.append(
        [
            "other rows flagged",
            "",
            "",
            *(f"{one[later & ~faulty_rows].mean():.4f}" for one in joined.values()),
        ]
    )
    text = TEXT.format(rows=n, episodes=EPISODES, quiet=QUIET)
    sections = [
        f"## Found by fault\n\nStreams: {', '.join(sets)}. {text}\n\n{render.markdown(heads, table)}",
        _reasons(n, seed),
        clean_rows(quick),
        _speed(quick),
    ]
    notes = [datasets.why_absent("stream", name) for name in SETS]
    return sections, [note for note in notes if note]


def _reasons(n: int, seed: int) -> str:
    """Of the rows with each reason, which share has a fault, and which one that it tells."""
    counts: dict[str, list[int]] = {}
    for _, X in _streams(n):
        rows, said = faulty(X, seed)
        checked = PacketChecker(time="at").learn_many(rows)
        kinds = np.array(said)
        for reason in {reason for _, reasons in FAULTS.values() for reason in reasons}:
            told = checked.has(reason)
            fitting = np.isin(kinds, [k for k, (_, reasons) in FAULTS.items() if reason in reasons])
            row = counts.setdefault(reason, [0, 0, 0, 0])
            for place, mask in enumerate((told, told & (kinds != ""), told & fitting, told & checked.aside)):
                row[place] += int(mask.sum())
    table = [
        [reason, told, f"{any_fault / max(told, 1):.3f}", f"{own / max(told, 1):.3f}"]
        for reason, (told, any_fault, own, _) in sorted(counts.items())
    ]
    heads = ["reason", "rows told", "of them with a fault", "with one that it tells"]
    return f"## Precision by reason\n\nOf the same streams.\n\n{render.markdown(heads, table)}"


def _speed(quick: bool) -> str:
    """Rows a second of ten columns: a device, a time and eight numbers."""
    import pandas as pd

    n = 20_000 if quick else 300_000
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(np.round(rng.normal(20, 3, (n, 8)), 2), columns=[f"s{j}" for j in range(8)])
    frame.insert(0, "at", pd.Timestamp(START) + pd.to_timedelta(np.arange(n) // 20, unit="s"))
    frame.insert(0, "device", [f"d{i % 20}" for i in range(n)])
    rows = frame.head(3_000).to_dict("records")
    PacketChecker("device", "at").learn_many(rows)
    table = []

    def measure(name: str, rows_of_it: int, work: Callable[[], object]) -> None:
        wall, cpu = perf_counter(), process_time()
        work()
        wall, cpu = perf_counter() - wall, process_time() - cpu
        table.append([name, f"{rows_of_it / wall:,.0f}", f"{rows_of_it / cpu:,.0f}"])

    measure(
        "PacketChecker.learn_many, a data frame", n, lambda: PacketChecker("device", "at").learn_many(frame)
    )
    checker = PacketChecker("device", "at")
    measure("PacketChecker.learn_one, dicts", len(rows), lambda: [checker.learn_one(x) for x in rows])
    with tempfile.TemporaryDirectory() as folder:
        events = Path(folder, "events.csv")
        frame.to_csv(events, index=False, date_format="%Y-%m-%dT%H:%M:%S")
        from iotae.cli import main

        argv = ["filter", str(events), "--group", "device", "-o", str(Path(folder, "v.csv"))]
        argv += ["--rejected", str(Path(folder, "r.csv"))]
        measure("iotae filter, CSV to CSV", n, lambda: main(argv))
        start = perf_counter()
        subprocess.run([sys.executable, "-m", "iotae", *argv], check=True, capture_output=True)
        table.append(["the same as a process, with its start", f"{n / (perf_counter() - start):,.0f}", ""])
    X = frame.iloc[:, 2:].to_numpy()
    measure("static range", n, lambda: _static(X))
    measure("QuantileFilter around HalfSpaceTrees", 3_000, lambda: _quantile_filter(X[:3_000]))
    text = (
        f"{n:,} rows of a device (20 of them), a time and eight numbers, in one thread: rows a second by the "
        "clock, and by the processor's time, which other processes on the machine slow less."
    )
    heads = ["what", "rows a second", "by processor time"]
    return f"## Speed\n\n{text}\n\n{render.markdown(heads, table)}"
