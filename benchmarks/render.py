"""The renderer: results in, Markdown tables out, with the command, machine and versions that made them."""

from __future__ import annotations

import os
import platform
import re
import shlex
import textwrap
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["OURS", "document", "failures", "grid", "is_ours", "markdown", "per_set", "summary"]

OURS = "iotae"
VERSIONS = ("numpy", "numba", "scipy", "scikit-learn", "torch", "pyod", "isotree", "river", "aberrant")


def markdown(header: Sequence[str], rows: Iterable[Sequence[object]], n_text: int = 1) -> str:
    """Return a Markdown table, padded so that it can be read as it is; the first ``n_text`` columns are text.

    Examples
    --------
    >>> print(markdown(["detector", "AUC"], [["IForest", "0.840"], ["KNN", "0.760"]]))
    | detector |   AUC |
    |----------|------:|
    | IForest  | 0.840 |
    | KNN      | 0.760 |
    """
    cells = [[str(cell) for cell in row] for row in (header, *rows)]
    widths = [max(3, *(len(row[i]) for row in cells)) for i in range(len(header))]

    def line(row: list[str]) -> str:
        left = [cell.ljust(width) for cell, width in zip(row[:n_text], widths, strict=False)]
        right = [cell.rjust(width) for cell, width in zip(row[n_text:], widths[n_text:], strict=True)]
        return f"| {' | '.join(left + right)} |"

    rule = "|".join("-" * (w + 2) if i < n_text else "-" * (w + 1) + ":" for i, w in enumerate(widths))
    return "\n".join([line(cells[0]), f"|{rule}|", *map(line, cells[1:])])


def on_terminal(page: str, width: int) -> str:
    r"""Return a Markdown page as a terminal shows it well: paragraphs wrapped, tables without marks.

    Examples
    --------
    >>> print(on_terminal("Some words on it.\n\n| detector | AUC |\n|---|---:|\n| **IoTAE** | 0.9 |", 12))
    Some words
    on it.
    <BLANKLINE>
    detector  AUC
    --------  ---
    IoTAE     0.9
    """
    parts = []
    for part in page.split("\n\n"):
        lines = part.splitlines()
        if lines and all(line.startswith("|") for line in lines):
            parts.append(_bare_table(lines))
        elif part.startswith(("```", "#", "* ", "- ")):
            parts.append(part)
        else:
            parts.append(textwrap.fill(part.replace("**", ""), max(width, 1)))
    return "\n\n".join(parts)


def _bare_table(lines: Sequence[str]) -> str:
    head, rule, *body = ([cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines)
    rows = [[cell.replace("**", "").replace("\\|", "|") for cell in row] for row in (head, *body)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(head))]

    def line(row: Sequence[str]) -> str:
        cells = zip(row, widths, rule, strict=True)
        return "  ".join(c.rjust(w) if mark.endswith(":") else c.ljust(w) for c, w, mark in cells).rstrip()

    return "\n".join([line(rows[0]), "  ".join("-" * w for w in widths), *map(line, rows[1:])])


def grid(records: list[dict[str, Any]], figure: str) -> tuple[list[str], list[str], NDArray[np.float64]]:
    """Return detectors, sets and the means over seeds of one figure; a failure counts as chance."""
    detectors = list(dict.fromkeys(record["detector"] for record in records))
    sets = list(dict.fromkeys(record["dataset"] for record in records))
    values: list[list[list[float]]] = [[[] for _ in sets] for _ in detectors]
    for record in records:
        chance = 0.5 if figure.startswith("auc") else record["anomalies"]
        value = chance if "error" in record else record[figure]
        values[detectors.index(record["detector"])][sets.index(record["dataset"])].append(value)
    means = np.array([[np.mean(cell) if cell else np.nan for cell in row] for row in values])
    return detectors, sets, means


def summary(
    records: list[dict[str, Any]],
    figures: dict[str, str],
    cost: str,
    cost_title: str,
    circles: dict[str, Sequence[str]] | None = None,
) -> str:
    """Return one row a detector: mean and mean rank of each figure, and the median of a cost.

    Parameters
    ----------
    records : list of dict
        Results of one protocol, from `runner.run`.
    figures : dict of str to str
        Key in a record (it begins with auc or ap) to its title.
    cost, cost_title : str
        Key and title of a cost, e.g. "us_per_row".
    circles : dict of str to sequence of str
        Further choices of peers by title, of which the best for each set is shown too.

    Returns
    -------
    str
        A table in the order of the first figure, best first, with the best peer picked per set beside it.
    """
    from scipy.stats import rankdata

    columns: list[tuple[str, list[str]]] = []
    bests = {"best peer of each set, picked afterwards": None, **(circles or {})}
    order: NDArray[np.int64] | None = None
    for key, title in figures.items():
        detectors, _, values = grid(records, key)
        means = values.mean(axis=1)
        order = np.argsort(-means, kind="stable") if order is None else order
        circle_means = []
        for names in bests.values():
            peers = values[[not is_ours(name) if names is None else name in names for name in detectors]]
            circle_means.append(f"{peers.max(axis=0).mean():.3f}" if len(peers) else "-")
        ranks = rankdata(-values, axis=0).mean(axis=1)
        columns.append((f"mean {title}", [f"{means[i]:.3f}" for i in order] + circle_means))
        columns.append((f"rank {title}", [f"{ranks[i]:.1f}" for i in order] + ["-"] * len(bests)))
    costs = [
        [record[cost] for record in records if record["detector"] == name and "error" not in record]
        for name in detectors
    ]
    assert order is not None
    medians = [f"{np.median(costs[i]):.3g}" if costs[i] else "-" for i in order]
    columns.append((cost_title, medians + ["-"] * len(bests)))
    names = [*(_emphasised(detectors[i]) for i in order), *bests]
    return markdown(
        ["detector", *(title for title, _ in columns)],
        zip(names, *(cells for _, cells in columns), strict=True),
    )


def per_set(records: list[dict[str, Any]], figure: str) -> str:
    """Return one row a set, one column a detector, the best in bold; "failed" where there is no result."""
    detectors, sets, values = grid(records, figure)
    failed = {(record["dataset"], record["detector"]) for record in records if "error" in record}
    rows = []
    for j, name in enumerate(sets):
        sized = next((record for record in records if record["dataset"] == name and "n" in record), {})
        best = values[:, j].max()
        cells = [
            "failed"
            if (name, detector) in failed
            else f"**{value:.3f}**"
            if value == best
            else f"{value:.3f}"
            for detector, value in zip(detectors, values[:, j], strict=True)
        ]
        share = f"{sized['anomalies']:.2%}" if sized else "-"
        rows.append([name, sized.get("n", "-"), sized.get("d", "-"), share, *cells])
    return markdown(["set", "rows", "d", "anomalies", *detectors], rows)


def failures(records: list[dict[str, Any]]) -> list[str]:
    """Return one line for each detector that failed on a set."""
    return [
        f"{record['detector']} failed on {record['dataset']}, counted as a random score: {record['error']}"
        for record in records
        if "error" in record
    ]


def _emphasised(name: str) -> str:
    return f"**{name}**" if is_ours(name) else name


def is_ours(name: str) -> bool:
    """Return whether a name in the registry is one of our own detectors."""
    return name.startswith(OURS)


def _machine() -> str:
    """Return processor, cores and memory in one line."""
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = (line.partition(":") for line in info.read_text().splitlines())
        model = next((value.strip() for key, _, value in lines if key.strip() == "model name"), model)
    memory = ""
    if "SC_PHYS_PAGES" in os.sysconf_names:
        memory = f", {os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 2**30:.0f} GiB"
    return f"{model}, {os.cpu_count()} cores{memory}, {platform.system()}, Python {platform.python_version()}"


def _versions() -> str:
    installed = {dist.metadata["Name"].lower(): dist.version for dist in metadata.distributions()}
    return ", ".join(f"{name} {installed[name]}" for name in VERSIONS if name in installed)


def document(title: str, arguments: Sequence[str], sections: Sequence[str], notes: Sequence[str]) -> str:
    """Return the whole page: title, sections, what was not run, and how the figures were made.

    Parameters
    ----------
    title : str
        Heading of the page.
    arguments : sequence of str
        What stood after ``python -m benchmarks``.
    sections : sequence of str
        Markdown, in order.
    notes : sequence of str
        Lines on what is absent or failed.
    """
    made = [
        f"- command: `python -m benchmarks {shlex.join(arguments)}`",
        f"- machine: {_machine()}",
        f"- versions: {_versions()}",
        f"- date: {datetime.now(UTC):%Y-%m-%d}",
    ]
    parts = [f"# {title}", *sections]
    if notes:
        parts.append("To know:\n\n" + "\n".join(f"- {note}" for note in notes))
    parts.append("How these figures were made:\n\n" + "\n".join(made))
    return "\n\n".join(parts) + "\n"
