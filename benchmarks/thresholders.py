"""The shape of scores: what PyThresh's thresholders make of them, and whether probabilities are right.

A ranking may be perfect and the gap between usual and odd rows still too small for a threshold that is
found from the scores alone. The tables here are easy, so that the shape counts and not the ranking.
"""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import datasets, detectors, render
from benchmarks.dataset import Dataset
from benchmarks.detector import Detector, Task
from benchmarks.protocols import ranking, subsample
from benchmarks.runner import one_thread

__all__ = ["THRESHOLDERS", "compare", "marks", "reliability"]

THRESHOLDERS = (
    "AUCP", "CHAU", "CLF", "DECOMP", "DSN", "EB", "FGD", "FILTER", "FWFM", "GESD", "HIST", "IQR", "KARCH",
    "MAD", "MCST", "MOLL", "MTT", "OCSVM", "QMCD", "REGR", "WIND", "YJ", "ZSCORE",
)  # fmt: skip
"""Those that need no further package and at most a second for 1,000 scores."""

DETECTORS = ("iotae", "KNN", "IForest", "AutoEncoder")
WIDTHS, SHARES = (5, 10, 20), (0.05, 0.1)
MADE_ROWS, REAL_ROWS = 600, 2_000
REAL = ("31_satimage-2", "16_http", "32_shuttle")
BINS = 5

TEXT = (
    "Mean F1 of PyThresh's thresholders over easy tables that all detectors rank almost perfectly: PyOD's "
    "`generate_data`, {rows} rows, {widths} columns, {shares} of them outliers; fitted on all rows without "
    "labels. `AUC` is the mean over these tables, `outlier` the median over the true outliers of "
    "`predict_proba`'s default, the score between the least and the largest training score."
)
REAL_TEXT = (
    "The same on real tables that ours ranks almost perfectly ({rows} rows at most); some peers do not. "
    "Outliers are few here: from one row in 200 on."
)
RELIABLE_TEXT = (
    "`predict_proba` of the rows of the made tables, in bins of equal width: the mean probability said, the "
    "share of outliers there, and the rows. *Error* is the mean distance between the two, weighted by rows."
)


def made(seed: int, quick: bool) -> Iterator[Dataset]:
    """Yield the easy tables."""
    from pyod.utils.data import generate_data

    for d in WIDTHS[:1] if quick else WIDTHS:
        for share in SHARES:
            X, _, y, _ = generate_data(MADE_ROWS, 100, d, share, random_state=seed)
            names = tuple(f"f{j}" for j in range(d))
            yield Dataset(f"{d} columns, {share:.0%}", X, y.astype(np.int8), names, ordered=False)


def labels_of(name: str, scores: NDArray[np.float64]) -> NDArray[Any]:
    """Return the labels that one of PyThresh's thresholders gives; all 0 where it fails."""
    thresholder = getattr(importlib.import_module(f"pythresh.thresholds.{name.lower()}"), name)()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return np.ravel(thresholder.eval(scores))
    except (ValueError, ArithmeticError, IndexError):
        return np.zeros(len(scores))


def marks(y: NDArray[Any], scores: NDArray[np.float64]) -> list[float]:
    """Return the F1 of each thresholder."""
    from sklearn.metrics import f1_score

    return [f1_score(y, labels_of(name, scores), zero_division=0) for name in THRESHOLDERS]


def reliability(y: NDArray[Any], said: NDArray[np.float64]) -> tuple[list[tuple[float, float, int]], float]:
    """Return (mean said, share of outliers, rows) of each bin that has rows, and the error over all."""
    place = np.minimum((said * BINS).astype(int), BINS - 1)
    bins = [
        (float(said[place == i].mean()), float(y[place == i].mean()), int((place == i).sum()))
        for i in range(BINS)
        if (place == i).any()
    ]
    error = sum(n * abs(mean - share) for mean, share, n in bins) / len(y)
    return bins, error


def _fitted(entry: Detector, data: Dataset, seed: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return scores of the rows a detector was fitted on, and its probabilities of outliers."""
    with one_thread(entry):
        model = entry.make(Task(seed, *data.X.shape)).fit(data.X)
        return np.asarray(model.decision_scores_), model.predict_proba(data.X)[:, 1]


def _measured(entries: list[Detector], tables: list[Dataset], seed: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for entry in entries:
        parts = [(data.y, *_fitted(entry, data, seed)) for data in tables]
        found[entry.name] = {
            "marks": np.array([marks(y, scores) for y, scores, _ in parts]),
            "auc": np.mean([ranking(y, scores)[0] for y, scores, _ in parts]),
            "y": np.concatenate([y for y, _, _ in parts]),
            "said": np.concatenate([said for _, _, said in parts]),
        }
    return found


def _table(found: dict[str, Any]) -> str:
    rows = []
    for name, one in found.items():
        outlier = np.median(one["said"][one["y"] == 1])
        rows.append([name, *(f"{value:.3f}" for value in (one["marks"].mean(), one["auc"], outlier))])
    each = [
        [name, *(f"{one['marks'][:, i].mean():.2f}" for one in found.values())]
        for i, name in enumerate(THRESHOLDERS)
    ]
    whole = render.markdown(["detector", "mean F1", "AUC", "outlier"], rows)
    return f"{whole}\n\n{render.markdown(['thresholder', *found], each)}"


def _draw(found: dict[str, Any], path: Path) -> None:
    """Draw the share of outliers against the probability said."""
    from iotae.plots.figure import COLOURS, DOUBLE, TEXT_SIZE, finish, new_figure

    figure = new_figure(DOUBLE / 2, 2.7)
    ax = figure.add_subplot(1, 1, 1)
    for (name, one), colour in zip(found.items(), ("blue", "vermilion", "green", "orange"), strict=False):
        bins = reliability(one["y"], one["said"])[0]
        ax.plot(
            *zip(*[each[:2] for each in bins], strict=True), color=COLOURS[colour], marker="o", label=name
        )
    ax.plot([0, 1], [0, 1], color=COLOURS["grey"], linestyle=":")
    ax.legend(fontsize=TEXT_SIZE, frameon=False)
    finish(ax, xlabel="probability said", ylabel="share of outliers", grid="both")
    figure.savefig(path, metadata={"Date": None})


def compare(seed: int, quick: bool, page: Path | None) -> tuple[list[str], list[str]]:
    """Return the page's sections, and what could not be read; the figure is written beside ``page``."""
    entries = detectors.resolve("table", list(DETECTORS))
    found = _measured(entries, list(made(seed, quick)), seed)
    shares = " and ".join(f"{share:.0%}" for share in SHARES)
    text = TEXT.format(
        rows=MADE_ROWS, widths=", ".join(map(str, WIDTHS[:1] if quick else WIDTHS)), shares=shares
    )
    lines = []
    for name, one in found.items():
        bins, error = reliability(one["y"], one["said"])
        said = ", ".join(f"{mean:.2f} → {share:.2f} ({n})" for mean, share, n in bins)
        lines.append([name, f"{error:.3f}", said])
    reliable = render.markdown(["detector", "error", "said → share (rows)"], lines)
    if page is not None:
        _draw(found, page.with_suffix(".svg"))
        reliable += f"\n\n![Share of outliers against the probability said]({page.stem}.svg)"
    sections = [
        f"## Made tables\n\n{text}\n\n{_table(found)}",
        f"## Probabilities\n\n{RELIABLE_TEXT}\n\n{reliable}",
    ]
    absent = [reason for name in REAL if (reason := datasets.why_absent("table", name))]
    if not quick and not absent:
        rng = np.random.default_rng(seed)
        tables = [subsample(datasets.load("table", name), REAL_ROWS, rng) for name in REAL]
        text = REAL_TEXT.format(rows=f"{REAL_ROWS:,}")
        sections.append(f"## Real tables\n\n{text}\n\n{_table(_measured(entries, tables, seed))}")
    return sections, absent
