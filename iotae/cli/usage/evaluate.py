"""The help page and the options of ``iotae evaluate``."""

from __future__ import annotations

from argparse import ArgumentParser

from iotae.cli.input_options import add_input_format
from iotae.cli.options import INPUT, add_label

__all__ = ["DETAIL", "EXAMPLES", "PURPOSE", "add_options"]

PURPOSE = "compare the scores and alarms of a file with its labels"

DETAIL = "Prints the confusion matrix, precision, recall and F1 of the alarms, and how well the scores rank."

EXAMPLES = (
    "iotae evaluate scored.csv --label attack",
    "iotae score model.iotae new.csv | iotae evaluate - --label attack --json",
)


def add_options(parser: ArgumentParser) -> None:
    """Add the options of ``iotae evaluate``."""
    parser.add_argument("scored", help=f"rows with the columns score and alarm: {INPUT}")
    add_label(parser, required=True, use="scores and alarms are compared with it")
    parser.add_argument(
        "--prefix",
        default="",
        metavar="TEXT",
        help="what --prefix put before the names score and alarm when the rows were scored",
    )
    parser.add_argument("--json", action="store_true", help="print one line of JSON instead of a table")
    add_input_format(parser)
