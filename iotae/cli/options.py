"""Options that several subcommands share: label, output, columns, rows at a time and preprocessing."""

from __future__ import annotations

from argparse import ArgumentParser

from iotae.cli.option_types import count, names

__all__ = [
    "ALPHA",
    "INPUT",
    "add_chunk_rows",
    "add_drop",
    "add_explain",
    "add_label",
    "add_output",
    "add_preprocessing",
    "add_seed",
]

ALPHA = "the share of {rows} that may raise an alarm: the false-alarm rate where they are normal"
"""What alpha means; ``{rows}`` names the calibration rows."""

INPUT = "a .csv, .jsonl (both also .gz) or .parquet file, or '-' for CSV or JSON lines on standard input"
"""What a file of rows may be."""


def add_label(parser: ArgumentParser, *, required: bool = False, use: str) -> None:
    """Add the label column, whose ``use`` differs by subcommand, and its value for normal rows."""
    parser.add_argument(
        "--label",
        metavar="COLUMN",
        required=required,
        help=f"the column that says which rows are anomalies; {use}",
    )
    parser.add_argument(
        "--normal-value",
        metavar="VALUE",
        help="the label of a normal row; every other label is an anomaly (default: whichever of normal, "
        "benign, ok, 0 and false the column holds)",
    )


def add_output(parser: ArgumentParser) -> None:
    """Add the file for the rows with what was found, and the prefix of the columns added."""
    parser.add_argument(
        "-o",
        "--output",
        default="-",
        metavar="FILE",
        help="where to write the rows with their new columns: a .csv, .csv.gz or .parquet file, which "
        "appears when it is complete, or '-' for CSV on standard output (default)",
    )
    parser.add_argument(
        "--prefix",
        default="",
        metavar="TEXT",
        help="put this before the names of the columns added, e.g. iotae_ where the file has a score already",
    )
    parser.add_argument(
        "--safe-csv",
        action="store_true",
        help="put an apostrophe before text that a spreadsheet program would run as a formula: text that "
        "begins with =, +, -, @, a tab or a carriage return and is no number",
    )


def add_explain(parser: ArgumentParser) -> None:
    """Add the column of reasons."""
    parser.add_argument(
        "--explain",
        action="store_true",
        help="add a column 'reason': the three columns that contribute most to each alarm's score",
    )


def add_drop(parser: ArgumentParser) -> None:
    """Add the columns that are no features."""
    parser.add_argument(
        "--drop",
        type=names,
        action="extend",
        default=[],
        metavar="COLUMN,...",
        help="columns that the model must not use, such as identifiers",
    )


def add_chunk_rows(parser: ArgumentParser) -> None:
    """Add the number of rows held in memory at a time."""
    parser.add_argument(
        "--chunk-rows",
        type=count,
        metavar="N",
        help="rows to read and work on at a time; fewer need less memory (default 65536, and never more "
        "than 196608 cells)",
    )


def add_seed(parser: ArgumentParser, what: str) -> None:
    """Add the seed of what is drawn at random, which ``what`` names."""
    parser.add_argument(
        "--seed",
        type=int,
        default=0,
        metavar="N",
        help=f"seed of {what}: the same seed gives the same result (default 0)",
    )


def add_preprocessing(parser: ArgumentParser) -> None:
    """Add the steps of preprocessing, as a group of their own."""
    steps = parser.add_argument_group("preprocessing", "steps before the network, learned from the same rows")
    steps.add_argument(
        "--paper",
        action="store_true",
        help="use the paper's steps: fill missing cells, min-max scaling, removal of outliers and of "
        "near-constant and correlated columns; the options below change single steps",
    )
    steps.add_argument(
        "--missing",
        choices=["keep", "fill", "drop"],
        help="cells without a value: let the model mask them (keep, the default), fill them, or drop the row "
        "from learning",
    )
    steps.add_argument(
        "--fill",
        choices=["median", "mean", "zero"],
        help="what --missing fill puts into a column of numbers (default median)",
    )
    steps.add_argument(
        "--tails",
        choices=["keep", "log"],
        help="log takes columns that run over orders of magnitude, such as bytes, as their logarithm "
        "(default keep)",
    )
    steps.add_argument(
        "--normalise",
        choices=["none", "minmax", "standard", "robust"],
        help="how columns are brought to one scale; with none (the default) the model scales them itself",
    )
    steps.add_argument(
        "--select",
        type=names,
        metavar="STEP,...",
        help="which columns to leave out, any of counter, trend, constant, near_constant, variance, "
        "correlation and mutual_information (default counter,trend,constant)",
    )
    steps.add_argument(
        "--outliers",
        choices=["none", "robust_z", "iqr"],
        help="the rule by which at most 5%% of the training rows are set aside as outliers (default none)",
    )
    steps.add_argument(
        "--max-categories",
        type=int,
        metavar="N",
        help="features that a text column may become; its rarer values share one (default 64)",
    )
