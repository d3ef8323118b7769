"""The subcommands of ``iotae``, their options, and the examples at the end of each help page."""

from __future__ import annotations

import argparse
from typing import Any, NoReturn

from iotae._version import __version__
from iotae.cli.input_options import add_input_format
from iotae.cli.learning_options import add_fit_options, add_tune_options
from iotae.cli.option_types import count, share
from iotae.cli.options import (
    ALPHA,
    INPUT,
    add_chunk_rows,
    add_drop,
    add_explain,
    add_label,
    add_output,
    add_seed,
)
from iotae.cli.simulate_options import add_simulate_options

__all__ = ["make_parser"]


class _Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"iotae: error: {message} (see {self.prog} --help)\n")


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command."""
    parser = _Parser(
        prog="iotae",
        description="Find anomalies in IoT data with a deep autoencoder.",
        epilog="Exit codes: 0 done, 1 the data or the machine would not do, 2 wrong usage, 129 SIGHUP, "
        "130 Ctrl-C, 141 the reader of the output went away, 143 SIGTERM.",
    )
    parser.add_argument("--version", action="version", version=f"iotae {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _demo(commands)
    _fit(commands)
    _tune(commands)
    _score(commands)
    _stream(commands)
    _evaluate(commands)
    _info(commands)
    _simulate(commands)
    return parser


def _subcommand(commands: Any, name: str, purpose: str, detail: str, *examples: str) -> Any:
    return commands.add_parser(
        name,
        help=purpose,
        description=f"{purpose[0].upper()}{purpose[1:]}. {detail}",
        epilog="examples:\n" + "\n".join(f"  $ {example}" for example in examples),
        formatter_class=_Help,
    )


class _Help(argparse.HelpFormatter):
    """Wraps the description, and leaves the examples at the end as they are."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        if text.startswith("examples:"):
            return text
        return super()._fill_text(text, width, indent)


def _demo(commands: Any) -> None:
    parser = _subcommand(
        commands,
        "demo",
        "run the paper's experiment on simulated data, with figures",
        "Readings of simulated devices are made, a model is fitted to 70 % of them, and the rest is judged.",
        "iotae demo",
        "iotae demo -o figures --seed 3",
    )
    parser.add_argument(
        "-o",
        "--output",
        default="demo",
        metavar="FOLDER",
        help="the folder for the figures, made if it is not there (default demo)",
    )
    add_seed(parser, "the data, the split and the network")


def _fit(commands: Any) -> None:
    parser = _subcommand(
        commands,
        "fit",
        "learn what is normal in a file, and save the model",
        "With --label the model learns from rows labelled normal; without it, from all rows.",
        "iotae fit train.csv --label attack --alpha 0.01 -o model.iotae",
        "iotae fit readings.parquet --drop device,timestamp -o model.iotae",
    )
    add_fit_options(parser)
    add_input_format(parser)


def _tune(commands: Any) -> None:
    parser = _subcommand(
        commands,
        "tune",
        "search layers, neurons, learning rate and threshold",
        "Every combination is judged by cross-validation: F1 of the labels, or without labels F1 at telling "
        "real rows from rows in which one cell was swapped. The best is fitted again and saved.",
        "iotae tune train.csv --label attack -o tuned",
        "iotae tune train.csv --layers 1,3 --neurons 8,16 --alpha 0.01 --folds 3",
    )
    add_tune_options(parser)
    add_input_format(parser)


def _score(commands: Any) -> None:
    parser = _subcommand(
        commands,
        "score",
        "score the rows of a file with a saved model",
        "Each row is written out with a column 'score', where higher is more anomalous, and a column 'alarm' "
        "of 0 and 1.",
        "iotae score model.iotae new.csv -o scored.csv --explain",
        "zcat new.csv.gz | iotae score model.iotae - > scored.csv",
    )
    parser.add_argument("model", help="the model that iotae fit or iotae tune wrote")
    parser.add_argument("new", help=f"the rows to score: {INPUT}")
    add_output(parser)
    add_explain(parser)
    parser.add_argument(
        "--allow-missing",
        action="store_true",
        help="score rows although some columns of the fit are absent, which then count as missing cells",
    )
    add_chunk_rows(parser)
    add_input_format(parser)


def _stream(commands: Any) -> None:
    parser = _subcommand(
        commands,
        "stream",
        "score and learn row by row, without a model to begin with",
        "Each row is scored before it is learned, and written out with its score, alarm and threshold.",
        "iotae stream events.csv --label attack -o scored.csv",
        "tail -f events.csv | iotae stream - --alpha 0.001 --save model.iotae",
    )
    parser.add_argument("events", help=f"the rows in order: {INPUT}, where each row is answered at once")
    add_output(parser)
    add_explain(parser)
    parser.add_argument(
        "--label",
        metavar="COLUMN",
        help="a column that is written out but never learned, such as the label",
    )
    add_drop(parser)
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
    add_input_format(parser)


def _evaluate(commands: Any) -> None:
    parser = _subcommand(
        commands,
        "evaluate",
        "compare the scores and alarms of a file with its labels",
        "Prints the confusion matrix, precision, recall and F1 of the alarms, and how well the scores rank.",
        "iotae evaluate scored.csv --label attack",
        "iotae score model.iotae new.csv | iotae evaluate - --label attack --json",
    )
    parser.add_argument("scored", help=f"rows with the columns score and alarm: {INPUT}")
    add_label(parser, required=True, use="scores and alarms are compared with it")
    parser.add_argument(
        "--prefix",
        default="",
        metavar="TEXT",
        help="what --prefix put before the names score and alarm when the rows were scored",
    )
    parser.add_argument("--json", action="store_true", help="print one line of JSON instead of a table")
    add_input_format(parser)


def _info(commands: Any) -> None:
    parser = _subcommand(
        commands,
        "info",
        "print the card of a saved model",
        "Says what the model learned from, what it takes each column as, where its threshold lies, and with "
        "which versions it was read.",
        "iotae info model.iotae",
        "iotae info stream.iotae --json",
    )
    parser.add_argument("model", help="the file of any model that was saved: table or stream, PyOD or River")
    parser.add_argument("--json", action="store_true", help="print one line of JSON instead")


def _simulate(commands: Any) -> None:
    parser = _subcommand(
        commands,
        "simulate",
        "write a file of simulated readings to try the other commands with",
        "Devices of a building report temperature, humidity, light, power and latency; some rows are "
        "anomalies, which the label column marks by 1.",
        "iotae simulate -o train.csv --rows 400 --label attack",
        "iotae simulate --seed 3 | iotae stream - --label label -o scored.csv",
    )
    add_simulate_options(parser)
