"""The options of a stream that runs for months: checkpoints, growing files, and watching it."""

from __future__ import annotations

from argparse import ArgumentParser

from iotae.cli.option_types import count, days

__all__ = ["add_broker", "add_running"]


def add_running(parser: ArgumentParser) -> None:
    """Add the options of running on, as a group of their own."""
    group = parser.add_argument_group("running on", "a stream that stops, by a crash too, and goes on later")
    group.add_argument(
        "--webhook",
        metavar="URL",
        help="post each alarm as JSON to this https address, signed with the key in the environment, "
        "IOTAE_WEBHOOK_KEY; the stream waits until it is taken",
    )
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


def add_broker(parser: ArgumentParser) -> None:
    """Add the options of messages, as a group of their own."""
    broker = parser.add_argument_group("broker", "messages of an MQTT 5 broker: EVENTS is mqtt://HOST/TOPIC")
    broker.add_argument(
        "--seq",
        default="seq",
        metavar="NAME",
        help="the cell of a message that is the producer's own number of it, which only rises (default seq)",
    )
    broker.add_argument(
        "--device-level",
        type=int,
        metavar="N",
        help="which part of the topic is the device, counted from 0 (default: the whole topic)",
    )
    broker.add_argument(
        "--alarms-to", metavar="TOPIC", help="publish each alarm as JSON to this topic of the same broker"
    )
    broker.add_argument(
        "--keep",
        type=days,
        metavar="DAYS",
        help="delete rows from the output that are older than so many days (default: keep all)",
    )
    broker.add_argument(
        "--client-id",
        metavar="NAME",
        help="the name of the session with the broker (default: made from the name of the output)",
    )
    broker.add_argument(
        "--ca",
        metavar="FILE",
        help="certificates that may sign the broker's (mqtts://; default the system's)",
    )
