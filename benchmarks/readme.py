"""The README's figures: the first table of each published page, copied between its two marks."""

from __future__ import annotations

from pathlib import Path

__all__ = ["first_table", "insert_figures"]

BEGIN, END = "<!-- figures: begin (python -m benchmarks readme) -->", "<!-- figures: end -->"
PAGES = (
    ("tables", "Tables without labels (18 development sets of ADBench)"),
    ("streams", "Streams, prequential (8 development sets)"),
    ("speed", "Speed"),
    ("alarms", "False-alarm rates asked for and realised, as multiples"),
    ("paper", "The paper's experiment, on simulated streams"),
    ("nslkdd", "NSL-KDD from the command line, trained on normal rows"),
)


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


def insert_figures(readme: Path, folder: Path) -> list[str]:
    """Copy the first table of each page of ``folder`` into the README; returns the pages used."""
    text = readme.read_text()
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    parts, used = [], []
    for name, title in PAGES:
        page = folder / f"{name}.md"
        if page.is_file():
            used.append(name)
            link = f"[{folder.name}/{name}.md]({folder.parent.name}/{folder.name}/{name}.md)"
            parts.append(f"**{title}**: `make bench-{name}`, {link}\n\n{first_table(page.read_text())}")
    readme.write_text(f"{before}{BEGIN}\n\n" + "\n\n".join(parts) + f"\n\n{END}{after}")
    return used
