"""The help page and the options of ``iotae simulate``."""

from __future__ import annotations

from argparse import ArgumentParser

from iotae.cli.option_types import count, seconds, share
from iotae.cli.options import add_seed

__all__ = ["DETAIL", "EXAMPLES", "PURPOSE", "add_options"]

PURPOSE = "write a file of simulated readings to try the other commands with"

DETAIL = (
    "Devices of a building report temperature, humidity, light, power and latency; some rows are "
    "anomalies, which the label column marks by 1."
)

EXAMPLES = (
    "iotae simulate -o train.csv --rows 400 --label attack",
    "iotae simulate --seed 3 | iotae stream - --label label -o scored.csv",
)


def add_options(parser: ArgumentParser) -> None:
    """Add the options of ``iotae simulate``."""
    parser.add_argument(
        "-o",
        "--output",
        default="-",
        metavar="FILE",
        help="where to write the rows: a .csv, .csv.gz or .parquet file, or '-' for CSV on standard output "
        "(default)",
    )
    parser.add_argument("--rows", type=count, default=1000, metavar="N", help="rows to make (default 1000)")
    parser.add_argument(
        "--devices", type=count, default=5, metavar="N", help="devices that report in turn (default 5)"
    )
    parser.add_argument(
        "--interval",
        type=seconds,
        default=600.0,
        metavar="SECONDS",
        help="time between two readings of a device (default 600)",
    )
    parser.add_argument(
        "--anomaly-rate",
        type=share,
        default=0.1,
        metavar="SHARE",
        help="share of the rows that are anomalies, at most 0.5 (default 0.1)",
    )
    parser.add_argument(
        "--label", default="label", metavar="COLUMN", help="name of the label column (default label)"
    )
    parser.add_argument(
        "--kind", action="store_true", help="add a column 'kind' that names the anomaly of each row"
    )
    add_seed(parser, "the readings")
