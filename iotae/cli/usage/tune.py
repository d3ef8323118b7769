"""The help page and the options of ``iotae tune``."""

from __future__ import annotations

from argparse import ArgumentParser

from iotae.cli.input_options import add_input_format
from iotae.cli.option_types import jobs, numbers, share, sizes
from iotae.cli.options import ALPHA, INPUT, add_drop, add_label, add_preprocessing, add_seed

__all__ = ["DETAIL", "EXAMPLES", "PURPOSE", "add_options"]

PURPOSE = "search layers, neurons, learning rate and threshold"

DETAIL = (
    "Every combination is judged by cross-validation: F1 of the labels, or without labels F1 at telling "
    "real rows from rows in which one cell was swapped. The best is fitted again and saved."
)

EXAMPLES = (
    "iotae tune train.csv --label attack -o tuned",
    "iotae tune train.csv --layers 1,3 --neurons 8,16 --alpha 0.01 --folds 3",
)


def add_options(parser: ArgumentParser) -> None:
    """Add the options of ``iotae tune``."""
    parser.add_argument("train", help=f"the rows to search with: {INPUT}")
    parser.add_argument(
        "-o",
        "--output",
        default="tuned",
        metavar="FOLDER",
        help="the folder for the table, the figure and the models, made if it is not there (default tuned)",
    )
    add_label(parser, use="it is no feature")
    add_drop(parser)
    grid = parser.add_argument_group("grid", "the values to try, separated by commas, small before large")
    grid.add_argument(
        "--layers", type=sizes, metavar="N,...", help="numbers of hidden layers, all odd (default 1,3,5)"
    )
    grid.add_argument(
        "--neurons",
        type=sizes,
        metavar="N,...",
        help="neurons of the first hidden layer (default 8,16,32)",
    )
    grid.add_argument(
        "--learning-rate", type=numbers, metavar="R,...", help="largest steps of Adam (default 0.001,0.003)"
    )
    grid.add_argument(
        "--alpha",
        type=numbers,
        metavar="SHARE,...",
        help=ALPHA.format(rows="the calibration rows") + " (default 0.002,0.005,0.01,0.02,0.05,0.1)",
    )
    _add_search_options(parser)
    add_preprocessing(parser)
    add_input_format(parser)


def _add_search_options(parser: ArgumentParser) -> None:
    search = parser.add_argument_group("search", "how the combinations are judged")
    search.add_argument(
        "--folds", type=int, default=5, metavar="N", help="parts of the cross-validation (default 5)"
    )
    search.add_argument(
        "--test-size",
        type=share,
        default=0.3,
        metavar="SHARE",
        help="share of the rows kept away from the search, for the final figures (default 0.3)",
    )
    search.add_argument(
        "--anomaly-share",
        type=share,
        metavar="SHARE",
        help="without --label: the share of anomalies that you expect, which weighs anomalies found against "
        "false alarms (default 0.05)",
    )
    search.add_argument(
        "--jobs", type=jobs, default=1, metavar="N", help="processes at a time; -1 for one a core (default 1)"
    )
    add_seed(parser, "the split, the folds, the swaps and the weights")
