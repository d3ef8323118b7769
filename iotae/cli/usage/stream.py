"""The help page and the options of ``iotae stream``."""

from __future__ import annotations

from argparse import ArgumentParser

from iotae.cli.input_options import add_input_format
from iotae.cli.option_types import count, share
from iotae.cli.options import ALPHA, INPUT, add_drop, add_explain, add_output
from iotae.cli.running_options import add_broker, add_running

__all__ = ["DETAIL", "EXAMPLES", "PURPOSE", "add_options"]

PURPOSE = "score and learn row by row, without a model to begin with"

DETAIL = "Each row is scored before it is learned, and written out with its score, alarm and threshold."

EXAMPLES = (
    "iotae stream events.csv --label attack -o scored.csv",
    "tail -f events.csv | iotae stream - --alpha 0.001 --save model.iotae",
    "iotae stream events.csv -o scored.csv --checkpoint state",
    "iotae stream fleet.csv --group device_id -o scored.csv",
)


def add_options(parser: ArgumentParser) -> None:
    """Add the options of ``iotae stream``."""
    parser.add_argument("events", help=f"the rows in order: {INPUT}, where each row is answered at once")
    add_output(parser)
    add_explain(parser)
    parser.add_argument(
        "--label",
        metavar="COLUMN",
        help="a column that is written out but never learned, such as the label",
    )
    add_drop(parser)
    _add_group(parser)
    parser.add_argument(
        "--alpha",
        type=share,
        metavar="SHARE",
        help=ALPHA.format(rows="the latest rows") + " (default 0.01)",
    )
    parser.add_argument(
        "--seed",
        type=int,
        metavar="N",
        help="seed of the weights: the same seed gives the same result (default 0)",
    )
    parser.add_argument(
        "--model",
        metavar="FILE",
        help="go on with a stream model, which --save or iotae tune (stream.iotae) wrote, but not iotae fit; "
        "it keeps its alpha and its seed",
    )
    parser.add_argument(
        "--save",
        metavar="FILE",
        help="save the model at the end, also after Ctrl-C, SIGTERM or SIGHUP, and when the output fails",
    )
    parser.add_argument(
        "--save-every",
        type=count,
        metavar="N",
        help="save the model to the --save file also after each N rows, so that a crash costs at most these",
    )
    parser.add_argument(
        "--labels",
        metavar="FILE",
        help="an operator's answers to alarms: a table with the columns label (normal or anomaly) and row "
        "(its number from 1) or a column of the stream that tells its rows apart, and with --group maybe "
        "the device. What was normal raises no more alarms of its kind, what was an anomaly is never learned",
    )
    add_running(parser)
    add_broker(parser)
    add_input_format(parser)


def _add_group(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--group",
        metavar="COLUMN",
        help="the column that names the device: each device gets a model of its own and is judged by its own "
        "scores; rows without a name are one more device",
    )
    parser.add_argument(
        "--group-mode",
        choices=["separate", "shared"],
        help="one model a device, or one for all with scale, calibration and cut of each device (default "
        "separate with --group; a broker's devices share one plain model unless this is given)",
    )
    parser.add_argument(
        "--budget-per-day",
        type=count,
        metavar="N",
        help="with --group: at most this many alarms of all devices in any 24 hours of the rows' own time, "
        "and of one device half of them; those above the cut that are rarest",
    )
