"""The parser of ``iotae``: its subcommands, each of which has a page in ``usage``."""

from __future__ import annotations

import argparse
from typing import NoReturn

from iotae._version import __version__
from iotae.cli.usage import (
    demo,
    evaluate,
    export,
    filter,
    fit,
    info,
    report,
    score,
    simulate,
    stream,
    tune,
    watch,
)

__all__ = ["make_parser"]

_PAGES = (demo, fit, tune, score, stream, filter, evaluate, report, watch, info, export, simulate)
"""In the order of the list that --help prints."""


class _Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"iotae: error: {message} (see {self.prog} --help)\n")


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command."""
    parser = _Parser(
        prog="iotae",
        description="Find anomalies in IoT data with a deep autoencoder.",
        epilog="Exit codes: 0 done, 1 the data or the machine would not do, 2 wrong usage, 129 SIGHUP, "
        "130 Ctrl-C, 141 the reader of the output went away, 143 SIGTERM.",
    )
    parser.add_argument("--version", action="version", version=f"iotae {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for page in _PAGES:
        page.add_options(
            commands.add_parser(
                page.__name__.rpartition(".")[2],
                help=page.PURPOSE,
                description=f"{page.PURPOSE[0].upper()}{page.PURPOSE[1:]}. {page.DETAIL}",
                epilog="examples:\n" + "\n".join(f"  $ {example}" for example in page.EXAMPLES),
                formatter_class=_Help,
            )
        )
    return parser


class _Help(argparse.HelpFormatter):
    """Wraps the description, and leaves the examples at the end as they are."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        if text.startswith("examples:"):
            return text
        return super()._fill_text(text, width, indent)
