"""The options of a stream that runs for months: checkpoints, growing files, and watching it."""

from __future__ import annotations

from argparse import ArgumentParser

from iotae.cli.option_types import count

__all__ = ["add_running"]


def add_running(parser: ArgumentParser) -> None:
    """Add the options of running on, as a group of their own."""
    group = parser.add_argument_group("running on", "a stream that stops, by a crash too, and goes on later")
    group.add_argument(
        "--metrics",
        metavar="[HOST:]PORT",
        help="answer /metrics (for Prometheus) and /healthz over HTTP; on this machine alone unless a host "
        "is named, which needs a token in the environment, IOTAE_TOKEN",
    )
    group.add_argument(
        "--log",
        choices=["text", "json"],
        default="text",
        help="how messages are written to standard error: a line of text, or of JSON with its time",
    )
    group.add_argument(
        "--follow",
        action="store_true",
        help="wait for more rows at the end of the file, also when it is renamed or emptied and begun anew "
        "(log rotation); a line that has no end yet is no row yet",
    )
    group.add_argument(
        "--checkpoint",
        metavar="FOLDER",
        help="keep in this folder where the stream stands, so that the same command goes on where it "
        "stopped; needs a .csv or .jsonl file as input and a .csv file as output",
    )
    group.add_argument(
        "--checkpoint-every",
        type=count,
        metavar="N",
        help="rows from one checkpoint to the next: a crash costs the time of these, and no row (default "
        "10000)",
    )
