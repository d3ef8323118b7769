"""The help page and the options of ``iotae report``."""

from __future__ import annotations

from argparse import ArgumentParser

from iotae.cli.input_options import add_input_format
from iotae.cli.option_types import share
from iotae.cli.options import INPUT, add_chunk_rows, add_label

__all__ = ["DETAIL", "EXAMPLES", "PURPOSE", "add_options"]

PURPOSE = "make a page about scored rows, for a browser"

DETAIL = (
    "One HTML file that loads nothing: scores over time by device, alarms with their reasons, which sensors, "
    "false alarms, and what the cells are like."
)

EXAMPLES = ("iotae report scored.csv --group device -o report.html",)


def add_options(parser: ArgumentParser) -> None:
    """Add the options of ``iotae report``."""
    parser.add_argument("scored", help=f"rows that iotae score or iotae stream wrote: {INPUT}")
    parser.add_argument(
        "-o", "--output", default="report.html", metavar="FILE", help="the page (default report.html)"
    )
    parser.add_argument("--group", metavar="COLUMN", help="the column that says which device a row is of")
    parser.add_argument(
        "--when", metavar="COLUMN", help="the column of times (default: the first that holds times)"
    )
    add_label(parser, use="precision, recall and false alarms are told")
    parser.add_argument(
        "--alpha", type=share, metavar="SHARE", help="the false-alarm rate that the detector was asked for"
    )
    parser.add_argument("--title", metavar="TEXT", help="what the page is about (default: the file's name)")
    parser.add_argument(
        "--prefix",
        default="",
        metavar="TEXT",
        help="what --prefix put before the names score and alarm when the rows were scored",
    )
    add_chunk_rows(parser)
    add_input_format(parser)
