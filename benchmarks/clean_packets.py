"""How many rows without an anomaly the filter of packets flags: young devices, old ones, and streams."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks import datasets, render
from iotae.quality import REASONS, PacketChecker
from iotae.simulator import simulate

__all__ = ["clean_rows"]

MOST_ROWS = 20_000

TEXT = (
    "Rows that are labelled normal, among all rows of their stream, at most {most:,}, with no fault put in. "
    "The simulator's five devices send a row a minute from midnight: 400 rows each end with their first "
    "dawn, 10,000 are a week. *Flagged* is the share of these rows with any reason."
)


def _sets(quick: bool) -> Iterator[tuple[str, pd.DataFrame, str | None, NDArray[np.bool_]]]:
    """Yield a name, the rows, the column of devices, and which rows are normal."""
    for rows in (2_000,) if quick else (2_000, 50_000):
        made = simulate(rows, seed=1)
        frame = made.to_pandas().drop(columns=["label", "kind"])
        yield f"simulator, {rows // 5:,} rows a device", frame, "device", made.label == 0
    for name in () if quick else datasets.STREAMS:
        if datasets.why_absent("stream", name) is None:
            data = datasets.load("stream", name)
            frame = pd.DataFrame(data.X[:MOST_ROWS], columns=list(data.feature_names))
            if data.group is not None:
                frame["device"] = data.group[:MOST_ROWS].astype(str)
            yield name, frame, None if data.group is None else "device", data.y[:MOST_ROWS] == 0


def clean_rows(quick: bool) -> str:
    """Return the page's section of flagged rows that have no anomaly."""
    table = []
    for name, frame, device, normal in _sets(quick):
        checked = PacketChecker(device).learn_many(frame)
        by_reason = {reason: float(checked.has(reason)[normal].mean()) for reason in REASONS}
        most = sorted((share, reason) for reason, share in by_reason.items() if share >= 0.0005)[::-1]
        told = ", ".join(f"{reason} {share:.4f}" for share, reason in most)
        flagged = f"{(checked.found[normal] != 0).mean():.4f}"
        table.append([name, int(normal.sum()), len(checked.names), flagged, told])
    heads = ["stream", "normal rows", "columns", "flagged", "most often for"]
    return f"## Normal rows flagged\n\n{TEXT.format(most=MOST_ROWS)}\n\n{render.markdown(heads, table)}"
