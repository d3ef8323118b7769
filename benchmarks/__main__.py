"""The command line: ``python -m benchmarks streams`` and the like; ``--help`` lists them.

Each comparison prints its page; a full run with the defaults also writes it to ``docs/benchmarks/``.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks import datasets, house, isolated, licences, readme, render
from benchmarks.comparisons import COMPARISONS, OPTIONS, Comparison

DOCS = datasets.ROOT / "docs" / "benchmarks"
Arguments = argparse.Namespace


def _add_comparison(parser: argparse.ArgumentParser, name: str, comparison: Comparison) -> None:
    """Give a comparison's parser its options."""
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, help="page to write; a full run writes docs/benchmarks/")
    if comparison.rows:
        what = "a group" if name == "alarms" else "a set"
        text = f"cap of {what}, 0 for none (default {comparison.rows:,})"
        parser.add_argument("--rows", type=int, default=comparison.rows, help=text)
    if comparison.seeds:
        text = f"runs with the next seeds (default {comparison.seeds})"
        parser.add_argument("--seeds", type=int, default=comparison.seeds, help=text)
    if comparison.detectors:
        names = comparison.detectors()
        parser.add_argument(
            "--detectors",
            nargs="+",
            metavar="NAME",
            choices=names,
            help=f"only these of {', '.join(names)}",
        )
    for option in comparison.options.split():
        OPTIONS[option](parser)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m benchmarks", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, comparison in COMPARISONS.items():
        text = comparison.text
        _add_comparison(commands.add_parser(name, help=text, description=text), name, comparison)
    commands.add_parser("readme", help="copy the first table of each published page into the README")
    text = "list the licences of all that iotae may need, as installed here"
    commands.add_parser("licences", help=text, description=text)
    text = "make an environment of their own for peers whose pins collide with ours"
    commands.add_parser("peers-env", help=text, description=text)
    text = "count functions, modules and imports of the three packages"
    counting = commands.add_parser("house", help=text, description=text)
    counting.add_argument(
        "--root", type=Path, default=datasets.ROOT, help="checkout to count (default: this)"
    )
    return parser


TOOLS: dict[str, Callable[[Arguments], str]] = {
    "readme": lambda given: (
        f"copied into the README: {' '.join(readme.insert_figures(datasets.ROOT / 'README.md', DOCS))}"
    ),
    "licences": lambda given: licences.table(),
    "peers-env": lambda given: isolated.build(),
    "house": lambda given: render.markdown(["count", "number"], house.counts(given.root).items()),
}
"""Commands that make no page, and print what they return."""


def _page_to_write(arguments: Arguments) -> Path | None:
    """Return the page that a run may overwrite: a published one only by a full run with the defaults."""
    if arguments.output or arguments.command == "shuttle":
        return Path(arguments.output) if arguments.output else None
    default = vars(_parser().parse_args([arguments.command])) | {"jobs": None, "fresh": None}
    full = default == vars(arguments) | {"jobs": None, "fresh": None}
    return DOCS / f"{arguments.command}.md" if full else None


def main(argv: list[str] | None = None) -> int:
    """Run one comparison, print its page and write it.

    Returns
    -------
    int
        0; 1 where ours failed on a set; 2 where the run could not be made.
    """
    argv = sys.argv[1:] if argv is None else argv
    arguments = _parser().parse_args(argv)
    try:
        if arguments.command in TOOLS:
            print(TOOLS[arguments.command](arguments))
            return 0
        comparison = COMPARISONS[arguments.command]
        target = arguments.page = _page_to_write(arguments)
        sections, notes = comparison.run(arguments)
    except datasets.DatasetAbsentError as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        return 2
    page = render.document(comparison.title, argv, sections, notes)
    print(render.on_terminal(page, shutil.get_terminal_size().columns) if sys.stdout.isatty() else page)
    if target and not arguments.output and any("not found at" in note for note in notes):
        print("not written: a published page is of all sets, and some are absent here", file=sys.stderr)
    elif target:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(page, encoding="utf-8")
        print(f"written: {target}", file=sys.stderr)
    return int(any(note.startswith("iotae failed") for note in notes))


if __name__ == "__main__":
    sys.exit(main())
