"""The help page and the options of ``iotae score``."""

from __future__ import annotations

from argparse import ArgumentParser

from iotae.cli.input_options import add_input_format
from iotae.cli.options import INPUT, add_chunk_rows, add_explain, add_output

__all__ = ["DETAIL", "EXAMPLES", "PURPOSE", "add_options"]

PURPOSE = "score the rows of a file with a saved model"

DETAIL = (
    "Each row is written out with a column 'score', where higher is more anomalous, and a column 'alarm' "
    "of 0 and 1."
)

EXAMPLES = (
    "iotae score model.iotae new.csv -o scored.csv --explain",
    "zcat new.csv.gz | iotae score model.iotae - > scored.csv",
)


def add_options(parser: ArgumentParser) -> None:
    """Add the options of ``iotae score``."""
    parser.add_argument("model", help="the model that iotae fit or iotae tune wrote")
    parser.add_argument("new", help=f"the rows to score: {INPUT}")
    add_output(parser)
    add_explain(parser)
    parser.add_argument(
        "--allow-missing",
        action="store_true",
        help="score rows although some columns of the fit are absent, which then count as missing cells",
    )
    add_chunk_rows(parser)
    add_input_format(parser)
