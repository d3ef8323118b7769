"""The help page and the options of ``iotae fit``."""

from __future__ import annotations

from argparse import ArgumentParser

from iotae.cli.input_options import add_input_format
from iotae.cli.option_types import count, jobs, share, sizes
from iotae.cli.options import ALPHA, INPUT, add_drop, add_label, add_preprocessing, add_seed

__all__ = ["DETAIL", "EXAMPLES", "PURPOSE", "add_options"]

PURPOSE = "learn what is normal in a file, and save the model"

DETAIL = "With --label the model learns from rows labelled normal; without it, from all rows."

EXAMPLES = (
    "iotae fit train.csv --label attack --alpha 0.01 -o model.iotae",
    "iotae fit readings.parquet --drop device,timestamp -o model.iotae",
)


def add_options(parser: ArgumentParser) -> None:
    """Add the options of ``iotae fit``."""
    parser.add_argument("train", help=f"the rows to learn from: {INPUT}")
    parser.add_argument("-o", "--output", required=True, metavar="MODEL", help="the file for the model")
    add_label(parser, use="it is no feature")
    add_drop(parser)
    parser.add_argument(
        "--group",
        metavar="COLUMN",
        help="the column that names the device, which is no feature: each device of at least 100 rows to "
        "learn from gets a model of its own",
    )
    parser.add_argument(
        "--jobs",
        type=jobs,
        metavar="N",
        help="with --group, devices learned at a time, a process each; -1 for one a core (default 1)",
    )
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
    _add_network(parser)
    add_input_format(parser)


def _add_network(parser: ArgumentParser) -> None:
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
