"""The help page and the options of ``iotae demo``."""

from __future__ import annotations

from argparse import ArgumentParser

from iotae.cli.options import add_seed

__all__ = ["DETAIL", "EXAMPLES", "PURPOSE", "add_options"]

PURPOSE = "run the paper's experiment on simulated data, with figures"

DETAIL = "Readings of simulated devices are made, a model is fitted to 70 % of them, and the rest is judged."

EXAMPLES = (
    "iotae demo",
    "iotae demo -o figures --seed 3",
)


def add_options(parser: ArgumentParser) -> None:
    """Add the options of ``iotae demo``."""
    parser.add_argument(
        "-o",
        "--output",
        default="demo",
        metavar="FOLDER",
        help="the folder for the figures, made if it is not there (default demo)",
    )
    add_seed(parser, "the data, the split and the network")
