"""The options that say how an input is written, where it should not be guessed."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from iotae.cli.option_types import names
from iotae.data.table_notation import KINDS, InputFormat

__all__ = ["add_input_format", "form_of"]


def add_input_format(parser: ArgumentParser) -> None:
    """Add the options of how the input is written, as a group of their own."""
    group = parser.add_argument_group("input", "how the input is written, where the guess is wrong")
    group.add_argument(
        "--format",
        choices=KINDS,
        default="auto",
        help="what the input is (default: by its name, and JSON lines where it begins with {)",
    )
    group.add_argument(
        "--sep",
        metavar="MARK",
        help="what stands between the cells of CSV: one character, or comma, semicolon, tab, bar or space",
    )
    group.add_argument("--decimal", choices=[".", ","], help="the mark before decimals")
    group.add_argument(
        "--thousands", choices=[",", ".", " ", "'"], help="the mark between groups of three digits"
    )
    group.add_argument(
        "--time",
        type=names,
        action="extend",
        default=[],
        metavar="COLUMN,...",
        help="columns that are times, whatever they look like",
    )
    group.add_argument(
        "--time-format",
        metavar="FORMAT",
        help="how the columns of --time are written, as for strptime, e.g. %%d/%%m/%%Y-%%Hh%%M",
    )


def form_of(args: Namespace) -> InputFormat:
    """Return what the options say of the input.

    Raises
    ------
    TableError
        If they contradict each other.
    """
    return InputFormat(
        kind=args.format,
        separator=args.sep,
        decimal=args.decimal,
        thousands=args.thousands,
        time=tuple(args.time),
        time_format=args.time_format,
    )
