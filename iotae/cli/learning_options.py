"""The options of ``iotae fit`` and ``iotae tune``, which learn from a file of rows."""

from __future__ import annotations

from argparse import ArgumentParser

from iotae.cli.option_types import count, numbers, share, sizes
from iotae.cli.options import ALPHA, INPUT, add_drop, add_label, add_preprocessing, add_seed

__all__ = ["add_fit_options", "add_tune_options"]


def add_fit_options(parser: ArgumentParser) -> None:
    """Add the options of ``iotae fit``."""
    parser.add_argument("train", help=f"the rows to learn from: {INPUT}")
    parser.add_argument("-o", "--output", required=True, metavar="MODEL", help="the file for the model")
    add_label(parser, use="it is no feature")
    add_drop(parser)
    parser.add_argument(
        "--alpha",
        type=share,
        default=0.1,
        metavar="SHARE",
        help=ALPHA.format(rows="the calibration rows (normal rows held out, or all rows without --label)")
        + " (default 0.1)",
    )
    add_seed(parser, "the weights and of every sample")
    parser.add_argument(
        "--rows",
        type=count,
        metavar="N",
        help="learn from at most N rows, drawn at random: for files larger than memory (default: all rows)",
    )
    add_preprocessing(parser)
    network = parser.add_argument_group("network", "the autoencoder and its training")
    network.add_argument(
        "--hidden-sizes",
        type=sizes,
        metavar="N,...",
        help="neurons of each hidden layer, e.g. 64,16,64 (default: by the number of features)",
    )
    network.add_argument(
        "--epochs",
        type=int,
        metavar="N",
        help="passes over the rows (default: as many as make 600 updates, or 100 without labels)",
    )
    network.add_argument(
        "--batch-size", type=int, metavar="N", help="rows per update of the weights (default 256)"
    )
    network.add_argument(
        "--learning-rate",
        type=float,
        metavar="RATE",
        help="largest step of Adam (default 0.003)",
    )
    network.add_argument(
        "--device", metavar="NAME", help="where to train: cpu (default), or cuda for a GPU through PyTorch"
    )


def add_tune_options(parser: ArgumentParser) -> None:
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
        "--jobs", type=int, default=1, metavar="N", help="processes at a time; -1 for one a core (default 1)"
    )
    add_seed(parser, "the split, the folds, the swaps and the weights")
