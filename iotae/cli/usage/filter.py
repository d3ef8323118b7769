"""The help page and the options of ``iotae filter``."""

from __future__ import annotations

from argparse import ArgumentParser

from iotae.cli.input_options import add_input_format
from iotae.cli.option_types import names
from iotae.cli.options import INPUT, add_chunk_rows, add_output

__all__ = ["DETAIL", "EXAMPLES", "PURPOSE", "add_options"]

PURPOSE = "set aside the rows of a stream that cannot be true, and flag what is doubtful"

DETAIL = (
    "What each device and column can send is learned from the rows before; nothing has to be declared. Each "
    "row goes to one of two files, with its reasons in a column 'quality': duplicate, sentinel, impossible, "
    "torn, range, jump, stuck, flat, missing, order, late, clock, type, unit, schema."
)

EXAMPLES = (
    "iotae filter events.csv --group device -o valid.csv --rejected rejected.csv",
    "iotae filter events.jsonl --rules rules.toml -o valid.csv --rejected rejected.csv",
)


def add_options(parser: ArgumentParser) -> None:
    """Add the options of ``iotae filter``."""
    parser.add_argument("events", help=f"the rows in order: {INPUT}")
    add_output(parser)
    parser.add_argument(
        "--rejected",
        required=True,
        metavar="FILE",
        help="where to write the rows that are set aside, with their reasons and their number in the input: "
        "a .csv, .csv.gz or .parquet file",
    )
    parser.add_argument(
        "--group", metavar="COLUMN", help="the column that names the device (default: all rows are of one)"
    )
    parser.add_argument(
        "--rules",
        metavar="FILE",
        help="a TOML file with a table [columns.NAME] of least, most, unit, required, kind and sentinels for "
        "each column that has rules",
    )
    parser.add_argument(
        "--aside",
        type=names,
        metavar="REASON,...",
        help="reasons for which a row is set aside (default duplicate,sentinel,impossible,torn)",
    )
    parser.add_argument(
        "--drop",
        type=names,
        action="extend",
        default=[],
        metavar="COLUMN,...",
        help="columns that are not checked, such as the label",
    )
    add_chunk_rows(parser)
    add_input_format(parser)
