"""The help page and the options of ``iotae watch``."""

from __future__ import annotations

from argparse import ArgumentParser

from iotae.cli.option_types import port, share

__all__ = ["DETAIL", "EXAMPLES", "PURPOSE", "add_options"]

PURPOSE = "show in a browser what a running stream finds"

DETAIL = (
    "It follows the file that iotae stream writes, which need not be there yet. The live page has scores and "
    "threshold, alarms with their reasons as they come, devices, and whether scores have moved."
)

EXAMPLES = (
    "iotae watch scored.csv --group device",
    "iotae watch rows.sqlite --port 8800",
    "IOTAE_WATCH_TOKEN=$(cat token) iotae watch scored.csv --host 0.0.0.0",
)


def add_options(parser: ArgumentParser) -> None:
    """Add the options of ``iotae watch``."""
    parser.add_argument(
        "output",
        help="output of a running iotae stream: .csv with --checkpoint or by > FILE, or a broker's .sqlite",
    )
    parser.add_argument("--group", metavar="COLUMN", help="the column that says which device a row is of")
    parser.add_argument(
        "--when", metavar="COLUMN", help="the column of times (default: the first that holds times)"
    )
    parser.add_argument(
        "--alpha", type=share, metavar="SHARE", help="the false-alarm rate that the stream was asked for"
    )
    parser.add_argument("--title", metavar="TEXT", help="what the page is about (default: the file's name)")
    parser.add_argument(
        "--prefix", default="", metavar="TEXT", help="what --prefix put before the names score and alarm"
    )
    server = parser.add_argument_group("server", "who may see the page")
    server.add_argument(
        "--host",
        default="127.0.0.1",
        metavar="ADDRESS",
        help="what to listen on (default 127.0.0.1: this machine alone); elsewhere needs a token: from the "
        "environment, IOTAE_WATCH_TOKEN, or made and shown once on a terminal",
    )
    server.add_argument(
        "--port", type=port, default=8765, metavar="N", help="default 8765; 0 is any that is free"
    )
    server.add_argument(
        "--name",
        action="append",
        default=[],
        metavar="HOST",
        help="a further name by which browsers call this server, such as that of a proxy; may be repeated",
    )
