"""The published figures in short: each page's first table in docs/figures.md, and a summary in the README."""

from __future__ import annotations

import re
from pathlib import Path

__all__ = ["first_table", "insert_figures", "summary"]

PAGES = (
    ("tables", "Tables without labels (18 development sets of ADBench)"),
    ("streams", "Streams, prequential (8 development sets)"),
    ("speed", "Speed"),
    ("alarms", "False-alarm rates asked for and realised, as multiples"),
    ("paper", "The paper's experiment, on simulated streams"),
    ("nslkdd", "NSL-KDD from the command line, trained on normal rows"),
)
SUMMARY = (("tables", "18 tables"), ("streams", "8 streams"))
METRICS = (("mean ROC AUC", "mean ROC AUC"), ("mean AP", "mean average precision"))


def first_table(page: str) -> str:
    r"""The first markdown table of a page.

    Raises
    ------
    ValueError
        If the page has none.

    Examples
    --------
    >>> print(first_table("# Title\n\nwords\n\n| a |\n|---|\n| 1 |\n\nmore\n\n| b |\n"))
    | a |
    |---|
    | 1 |
    """
    lines = page.splitlines()
    starts = [i for i, line in enumerate(lines) if line.startswith("|")]
    if not starts:
        raise ValueError("Got a page without a table, but expected one that a benchmark wrote.")
    stop = starts[0]
    while stop < len(lines) and lines[stop].startswith("|"):
        stop += 1
    return "\n".join(lines[starts[0] : stop])


def summary(table: str, title: str) -> list[str]:
    r"""A line for each metric of a table: what iotae reaches, and the best of the others.

    Examples
    --------
    >>> page = "| detector | mean ROC AUC | mean AP |\n|---|---|---|\n| **iotae** | 0.9 | 0.5 |\n"
    >>> print(*summary(page + "| A | 0.8 | 0.2 |\n| B | 0.7 | 0.3 |", "2 sets"), sep="\n")
    | 2 sets | mean ROC AUC | **0.9** | 0.8 (A) |
    | 2 sets | mean average precision | **0.5** | 0.3 (B) |
    """
    head, _, *rows = ([cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines())
    # a best that is picked afterwards, a set at a time, is no detector
    others = [row for row in rows if row[0] != "**iotae**" and "picked afterwards" not in row[0]]
    (ours,) = (row for row in rows if row[0] == "**iotae**")
    lines = []
    for name, words in METRICS:
        place = head.index(name)
        best = max(others, key=lambda row: float(row[place]))
        lines.append(f"| {title} | {words} | **{ours[place]}** | {best[place]} ({best[0]}) |")
    return lines


def _fill(path: Path, mark: str, body: str) -> None:
    """Replace what stands between two marks of a page."""
    begin, end = f"<!-- {mark}: begin (python -m benchmarks readme) -->", f"<!-- {mark}: end -->"
    pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.S)
    text, n = pattern.subn(lambda _: f"{begin}\n\n{body}\n\n{end}", path.read_text(encoding="utf-8"))
    if n != 1:
        raise ValueError(f"Got {n} places for {mark} in {path.name}, but expected one pair of its marks.")
    path.write_text(text, encoding="utf-8")


def insert_figures(readme: Path, folder: Path) -> list[str]:
    """Copy the first tables of a folder's pages into figures.md beside it, and a summary into the README.

    Returns the names of the pages used.
    """
    tables = {
        name: first_table((folder / f"{name}.md").read_text(encoding="utf-8"))
        for name, _ in PAGES
        if (folder / f"{name}.md").is_file()
    }
    parts = []
    for name, title in PAGES:
        if name in tables:
            page = f"{folder.name}/{name}.md"
            parts.append(f"**{title}**: `make bench-{name}`, [{page}]({page})\n\n{tables[name]}")
    _fill(folder.parent / "figures.md", "figures", "\n\n".join(parts))
    lines = [line for name, title in SUMMARY if name in tables for line in summary(tables[name], title)]
    head = "| data | metric | iotae | best other detector |\n|---|---|---|---|\n"
    _fill(readme, "summary", head + "\n".join(lines))
    return list(tables)
