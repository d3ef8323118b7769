"""The memory benchmark: resident memory of one model over millions of rows whose features come and go.

Two hundred sensors are alive at a time; every 500 rows the oldest falls silent and one of a
new name takes its place. A row holds what ten of them say, and two texts: a firmware that is replaced
every 2,000 rows, and a message that no other row has. The model has slots for all that are alive and a
few more, so that each newcomer takes the slot of one long silent.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from benchmarks import render
from iotae import OnlineAutoencoder

__all__ = ["Trace", "compare", "rows", "trace"]

ALIVE, PRESENT, SLOTS = 200, 10, 256
REPLACED_EVERY, FIRMWARE_EVERY = 500, 2_000
SAMPLES = 100
"""Samples of a run: one every 50,000 rows of five million."""

WARM_UP = 0.1
"""Share of the run that is not judged: every slot, table and interned name must have been made once."""

FLAT_MIB = 4.0
"""Most that memory may rise from its lowest to its highest after the warm-up: a leak of one byte a row is 4.3
MiB over the 4.5 million rows that are judged."""

TEXT = (
    "One `OnlineAutoencoder` with `max_features={slots}` over {rows:,} rows, score + learn, one thread. "
    "{alive} features are alive at a time and {total:,} in all; each row holds {present} of them and two "
    "texts, of which one is different in every row. {evicted:,} times a slot was taken from one feature for "
    "another. Resident memory (`/proc/self/statm`) is of the whole process, the program that makes the rows "
    "included."
)


def rows(n_rows: int, seed: int = 0) -> Iterator[dict[str, float | str]]:
    """Yield ``n_rows`` rows whose features come and go, cheaply: their noise repeats after 4,099 rows."""
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=(4_099, PRESENT)).tolist()
    starts = rng.integers(0, ALIVE - PRESENT + 1, 4_093).tolist()
    names: list[str] = []
    for i in range(n_rows):
        if i % REPLACED_EVERY == 0:
            # made anew as it moves on: the program must not be what grows
            oldest = i // REPLACED_EVERY
            names = [f"sensor {oldest + k}" for k in range(ALIVE)]
        start = starts[i % 4_093]
        x: dict[str, float | str] = dict(zip(names[start : start + PRESENT], noise[i % 4_099], strict=True))
        x["firmware"] = f"v{i // FIRMWARE_EVERY}"
        x["message"] = f"message {i}"
        yield x


def _resident_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


class Trace:
    """Resident memory along a run.

    Attributes
    ----------
    row : ndarray of int, shape (k,)
        Rows learned at each sample.
    mib : ndarray of float, shape (k,)
        Resident memory in MiB.
    us_per_row : float
        Microseconds of score + learn, the making of the row included.
    evicted : int
        Times that a slot was taken from one feature for another.
    """

    def __init__(self, row: list[int], mib: list[float], us_per_row: float, evicted: int) -> None:
        self.row: NDArray[np.int64] = np.array(row)
        self.mib: NDArray[np.float64] = np.array(mib)
        self.us_per_row = us_per_row
        self.evicted = evicted

    @property
    def judged(self) -> NDArray[np.bool_]:
        """Which samples come after the warm-up."""
        return self.row > WARM_UP * self.row[-1]

    @property
    def slope(self) -> float:
        """Least-squares slope after the warm-up, in MiB per million rows."""
        judged = self.judged
        return float(np.polyfit(self.row[judged] / 1e6, self.mib[judged], 1)[0])

    @property
    def spread(self) -> float:
        """Highest less lowest after the warm-up, in MiB."""
        return float(np.ptp(self.mib[self.judged]))


def trace(n_rows: int, seed: int = 0) -> Trace:
    """Run one model over the rows and sample the resident memory of this process."""
    model = OnlineAutoencoder(seed=seed, max_features=SLOTS)
    every = max(n_rows // SAMPLES, 1)
    at, mib = [0], [_resident_mib()]
    start = perf_counter()
    for i, x in enumerate(rows(n_rows, seed), 1):
        model.score_one(x)
        model.learn_one(x)
        if i % every == 0:
            at.append(i)
            mib.append(_resident_mib())
    us = (perf_counter() - start) / n_rows * 1e6
    return Trace(at, mib, us, model.to_state()["features"]["registry"]["n_evicted"])


def _plot(found: Trace, path: Path) -> None:
    from iotae.plots.figure import COLOURS, DOUBLE, finish, new_figure

    figure = new_figure(DOUBLE, 2.4)
    ax = figure.add_subplot()
    ax.plot(found.row / 1e6, found.mib, color=COLOURS["blue"], linewidth=1.2)
    ax.axvspan(0, WARM_UP * found.row[-1] / 1e6, color="#EEEEEE", linewidth=0)
    ax.set_xlim(0, found.row[-1] / 1e6)
    ax.set_ylim(0, 1.15 * found.mib.max())
    finish(ax, xlabel="million rows (grey: warm-up)", ylabel="resident memory, MiB", grid="y")
    figure.savefig(path, dpi=150, facecolor="white", metadata={"Software": None})


def compare(seed: int, n_rows: int, figure: Path | None = None) -> tuple[list[str], list[str]]:
    """Run the benchmark; return the page's sections and, where memory is not flat, a note that says so.

    Parameters
    ----------
    seed : int
        Decides the rows and the weights.
    n_rows : int
        Rows to run.
    figure : Path, optional
        Where the plot goes, as PNG; no plot without it.
    """
    found = trace(n_rows, seed)
    shown = range(0, len(found.row), SAMPLES // 10)
    table = render.markdown(
        ["rows", "resident memory, MiB"],
        [[f"{found.row[i]:,}", f"{found.mib[i]:.1f}"] for i in shown],
    )
    total = ALIVE + (n_rows - 1) // REPLACED_EVERY
    text = TEXT.format(
        slots=SLOTS, rows=n_rows, alive=ALIVE, total=total, present=PRESENT, evicted=found.evicted
    )
    summary = render.markdown(
        ["after the first tenth of the rows", "figure"],
        [
            ["slope, MiB per million rows", f"{found.slope:+.3f}"],
            ["highest less lowest, MiB", f"{found.spread:.2f}"],
            ["µs a row, the making of the row included", f"{found.us_per_row:.1f}"],
        ],
    )
    sections = [text, summary]
    if figure is not None:
        figure.parent.mkdir(parents=True, exist_ok=True)
        _plot(found, figure)
        sections.append(f"![Resident memory along the rows]({figure.name})")
    flat = found.spread <= FLAT_MIB
    note = f"iotae failed to stay flat: {found.spread:.1f} MiB where at most {FLAT_MIB:g} were expected"
    return [*sections, table], [] if flat else [note]
