"""The help page and the options of ``iotae info``."""

from __future__ import annotations

from argparse import ArgumentParser

__all__ = ["DETAIL", "EXAMPLES", "PURPOSE", "add_options"]

PURPOSE = "print the card of a saved model"

DETAIL = (
    "Says what the model learned from, what it takes each column as, where its threshold lies, and with "
    "which versions it was read."
)

EXAMPLES = (
    "iotae info model.iotae",
    "iotae info stream.iotae --json",
)


def add_options(parser: ArgumentParser) -> None:
    """Add the options of ``iotae info``."""
    parser.add_argument("model", help="the file of any model that was saved: table or stream, PyOD or River")
    parser.add_argument("--json", action="store_true", help="print one line of JSON instead")
