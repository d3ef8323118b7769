"""The command line: ``python -m benchmarks streams`` and the like, then ``readme``; ``--help`` lists them."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks import (
    ablation,
    alarm_page,
    contestants,
    datasets,
    detectors,
    hostile,
    linearity,
    memory,
    nslkdd,
    pages,
    paper,
    readme,
    regimes,
    render,
    shuttle,
)

DOCS = datasets.ROOT / "docs" / "benchmarks"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m benchmarks", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    known = {"streams": detectors.STREAMS, "tables": detectors.TABLES, "alarms": detectors.NORMAL}
    known |= {"speed": detectors.STREAMS, "paper": contestants.CONTESTANTS}
    for name, text, rows in (
        ("streams", "ours and River's detectors, prequential", 60_000),
        ("tables", "ours and PyOD's detectors, unlabelled and with clean training rows", 10_000),
        ("alarms", "false-alarm rates asked for and realised, on normal streams", 60_000),
        (
            "paper",
            "the paper's experiment on simulated streams, beside the rows it compares itself with",
            None,
        ),
        ("speed", "time of a row, of a fit and of scoring, in turns", None),
        ("linearity", "time and memory of fit and score against rows", None),
        ("ablation", "ours with one step removed or changed, on streams and tables", None),
        ("nslkdd", "the command line on NSL-KDD as people have it", None),
        ("shuttle", "one detector through both hosts on the Shuttle set, beside four peers", 10_000),
        ("memory", "resident memory of a stream whose features come and go", 5_000_000),
        ("hostile", "the ranking of real rows among ten thousand hostile ones", 60_000),
        ("regimes", "shift, drift, day and night, a burst of attacks, slow poisoning", None),
    ):
        command = commands.add_parser(name, help=text, description=text)
        command.add_argument("--seed", type=int, default=0)
        command.add_argument("--output", type=Path, help="page to write; a full run writes docs/benchmarks/")
        if rows:
            what = "a group" if name == "alarms" else "a set"
            text = f"cap of {what}, 0 for none (default {rows:,})"
            command.add_argument("--rows", type=int, default=rows, help=text)
        if name == "linearity":
            sizes = list(linearity.SIZES)
            command.add_argument("--sizes", nargs="+", type=int, default=sizes, help="numbers of rows")
        if name in known:
            text = f"only these of {', '.join(known[name])}"
            command.add_argument("--detectors", nargs="+", metavar="NAME", choices=known[name], help=text)
        if name in ("streams", "tables", "alarms"):
            command.add_argument("--sets", nargs="+", metavar="NAME", help="only these")
        if name in ("streams", "ablation"):
            default = 3 if name == "streams" else 2
            text = f"runs with the next seeds (default {default})"
            command.add_argument("--seeds", type=int, default=default, help=text)
        if name == "paper":
            command.add_argument("--streams", type=int, default=20, help="streams of each size (default 20)")
        if name in ("streams", "tables", "alarms", "paper"):
            command.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes at a time")
            command.add_argument("--fresh", action="store_true", help="run again what is stored")
    return parser


TITLES = {
    "streams": "Streams: ours and River's detectors",
    "tables": "Tables: ours and PyOD's detectors",
    "alarms": "Alarms: false-alarm rates asked for and realised",
    "paper": "The paper's experiment, on simulated streams",
    "speed": "Speed",
    "linearity": "Tables: time and memory against rows",
    "ablation": "What each step is worth",
    "nslkdd": "NSL-KDD from the command line",
    "shuttle": "One detector, two hosts: NASA's Shuttle set",
    "memory": "Memory of a stream",
    "hostile": "Hostile rows in a stream",
    "regimes": "Streams whose world changes",
}


COMMANDS: dict[str, Callable[[argparse.Namespace], pages.Sections]] = {
    "streams": pages.streams,
    "tables": pages.tables,
    "alarms": alarm_page.alarms,
    "paper": paper.compare,
    "speed": pages.speed,
    "linearity": lambda arguments: linearity.compare(
        arguments.sizes, arguments.seed, _page_to_write(arguments)
    ),
    "ablation": lambda arguments: ablation.compare(arguments.seeds),
    "nslkdd": lambda arguments: ([nslkdd.compare(arguments.seed)], []),
    "shuttle": lambda arguments: ([shuttle.compare(arguments.seed, arguments.rows)], []),
    "memory": lambda arguments: memory.compare(arguments.seed, arguments.rows, _plot_to_write(arguments)),
    "hostile": lambda arguments: hostile.compare(arguments.seed, arguments.rows),
    "regimes": lambda arguments: regimes.compare(arguments.seed),
}


def _page_to_write(arguments: argparse.Namespace) -> Path | None:
    """Return the page that a run may overwrite: a published one only by a full run with the defaults."""
    if arguments.output or arguments.command == "shuttle":
        return Path(arguments.output) if arguments.output else None
    default = vars(_parser().parse_args([arguments.command])) | {"jobs": None, "fresh": None}
    full = default == vars(arguments) | {"jobs": None, "fresh": None}
    return DOCS / f"{arguments.command}.md" if full else None


def _plot_to_write(arguments: argparse.Namespace) -> Path | None:
    """Return the place of the plot: beside the page."""
    page = _page_to_write(arguments)
    return page.with_suffix(".png") if page else None


def main(argv: list[str] | None = None) -> int:
    """Run one comparison, print its page and write it.

    Returns
    -------
    int
        0; 1 where ours failed on a set; 2 where the run could not be made.
    """
    argv = sys.argv[1:] if argv is None else argv
    if argv == ["readme"]:
        print("copied into the README:", *readme.insert_figures(datasets.ROOT / "README.md", DOCS))
        return 0
    arguments = _parser().parse_args(argv)
    try:
        sections, notes = COMMANDS[arguments.command](arguments)
    except datasets.DatasetAbsentError as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        return 2
    page = render.document(TITLES[arguments.command], argv, sections, notes)
    print(page)
    target = _page_to_write(arguments)
    if target and not arguments.output and any("not found at" in note for note in notes):
        print("not written: a published page is of all sets, and some are absent here", file=sys.stderr)
    elif target:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(page, encoding="utf-8")
        print(f"written: {target}", file=sys.stderr)
    return int(any(note.startswith("iotae failed") for note in notes))


if __name__ == "__main__":
    sys.exit(main())
