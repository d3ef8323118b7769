"""The ``iotae`` command: options, exit codes and errors of one line.

Exit codes: 0 all went well, 1 the data or the machine would not do, 2 the command was wrong,
130 Ctrl-C, 143 SIGTERM, 141 the reader of the output went away.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import NoReturn

from iotae._version import __version__

__all__ = ["main"]

_INTERRUPTED, _BROKEN_PIPE = 130, 141
_CSV = "CSV, .csv.gz or Parquet file, or '-' for CSV on standard"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code.

    Parameters
    ----------
    argv : sequence of str, optional
        The arguments; by default those of the process.

    Examples
    --------
    >>> main(["--version"])
    Traceback (most recent call last):
    SystemExit: 0
    """
    if sys.stderr is None:
        # started with its error output closed: there is nobody to tell
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115  (open for as long as the process lives)
    args = _parser().parse_args(argv)
    if sys.stdout is None or (sys.stdin is None and "-" in vars(args).values()):
        return _fail("standard input or output is closed: give file names, or open it.")
    if threading.current_thread() is threading.main_thread():
        # so that half-written files are removed on the way out
        signal.signal(signal.SIGTERM, _terminate)
    # The subcommands are imported here, so that --help and --version cost nothing.
    run: Callable[[argparse.Namespace], int] = getattr(import_module("iotae.cli.commands"), args.command)
    try:
        code = run(args)
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        # Python would complain once more when it flushes standard output at its end.
        if sys.stdout is sys.__stdout__ and sys.stdout is not None:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _BROKEN_PIPE
    except KeyboardInterrupt:
        return _INTERRUPTED
    except ImportError as error:
        return _fail(f"{error}. Install what is missing with: pip install 'iotae[all]'")
    except OSError as error:
        place = f": {error.filename}" if error.filename else ""
        return _fail(f"{error.strerror or error}{place}")
    except ValueError as error:
        return _fail(str(error))


def _terminate(*_: object) -> NoReturn:
    sys.exit(128 + signal.SIGTERM)


def _fail(message: str) -> int:
    print(f"iotae: error: {' '.join(message.split())}", file=sys.stderr)
    return 1


class _Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"iotae: error: {message} (see {self.prog} --help)\n")


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _sizes(text: str) -> list[int]:
    try:
        return [int(size) for size in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected sizes like 64,16,64, got {text!r}") from None


def _count(text: str) -> int:
    count = int(text) if text.isdecimal() else 0
    if count < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number of at least 1, got {text!r}")
    return count


def _rates(text: str) -> list[float]:
    try:
        return [float(rate) for rate in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected numbers like 0.001,0.003, got {text!r}") from None


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0 < share < 1:
        raise argparse.ArgumentTypeError(f"expected a number between 0 and 1 like 0.01, got {text!r}")
    return share


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="iotae",
        description="Find anomalies in IoT data with a deep autoencoder.",
        epilog="Exit codes: 0 done, 1 the data would not do, 2 wrong usage, 130 Ctrl-C.",
    )
    parser.add_argument("--version", action="version", version=f"iotae {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_demo(commands.add_parser("demo", help="the paper's experiment on simulated data, with figures"))
    _add_fit(commands.add_parser("fit", help="learn what is normal in a file, and save the model"))
    _add_tune(commands.add_parser("tune", help="search layers, neurons, learning rate and threshold"))
    _add_score(commands.add_parser("score", help="score a file with a saved model"))
    _add_stream(
        commands.add_parser("stream", help="score and learn row by row, without a model to begin with")
    )
    _add_evaluate(commands.add_parser("evaluate", help="compare scores and alarms with labels"))
    return parser


def _add_label(parser: argparse.ArgumentParser, required: bool = False) -> None:
    parser.add_argument(
        "--label", metavar="COLUMN", required=required, help="column that says what is an anomaly; no feature"
    )
    parser.add_argument(
        "--normal-value",
        metavar="VALUE",
        help="label of a normal row (default: normal, benign, ok, 0 or false)",
    )


def _add_output(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-o", "--output", default="-", metavar="FILE", help=f"{_CSV} output (default); whole or not at all"
    )
    parser.add_argument("--prefix", default="", help="put this before the names of the columns added")
    parser.add_argument("--explain", action="store_true", help="add the columns that each alarm comes from")


def _add_drop(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--drop",
        type=_names,
        action="extend",
        default=[],
        metavar="COLUMN,...",
        help="columns that are no features",
    )


def _add_demo(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-o", "--output", default="demo", metavar="FOLDER", help="where the figures go")
    parser.add_argument("--seed", type=int, default=0)


def _add_fit(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("train", help=f"{_CSV} input")
    parser.add_argument("-o", "--output", required=True, metavar="MODEL", help="file for the model")
    _add_label(parser)
    _add_drop(parser)
    parser.add_argument(
        "--alpha",
        type=_share,
        default=0.1,
        help="share of normal rows that may raise an alarm (default 0.1, PyOD's contamination)",
    )
    parser.add_argument("--seed", type=int, default=0, help="of the weights and samples (default 0)")
    parser.add_argument(
        "--rows",
        type=_count,
        metavar="N",
        help="learn from at most N rows, drawn with the seed: for files larger than memory",
    )
    _add_preprocessing(parser)
    network = parser.add_argument_group("network")
    network.add_argument("--hidden-sizes", type=_sizes, metavar="N,...", help="layers, e.g. 64,16,64")
    network.add_argument(
        "--epochs", type=int, help="passes over the rows (default: 600 updates, 100 without labels)"
    )
    network.add_argument("--batch-size", type=int, help="rows per update (default 256)")
    network.add_argument("--learning-rate", type=float, help="largest step of Adam (default 0.003)")
    network.add_argument("--device", help="cpu (default) or cuda")


def _add_preprocessing(parser: argparse.ArgumentParser) -> None:
    steps = parser.add_argument_group("preprocessing")
    steps.add_argument(
        "--paper", action="store_true", help="the paper's steps; the options below change them"
    )
    steps.add_argument("--missing", choices=["keep", "fill", "drop"], help="cells without a value")
    steps.add_argument("--fill", choices=["median", "mean", "zero"], help="what fills them")
    steps.add_argument(
        "--tails", choices=["keep", "log"], help="log: logarithm of bytes, durations and the like"
    )
    steps.add_argument(
        "--normalise",
        choices=["none", "minmax", "standard", "robust"],
        help="none (default): the model scales",
    )
    steps.add_argument(
        "--select",
        type=_names,
        metavar="STEP,...",
        help="of counter, constant, near_constant, variance, correlation, mutual_information",
    )
    steps.add_argument("--outliers", choices=["none", "robust_z", "iqr"], help="training rows set aside")
    steps.add_argument("--max-categories", type=int, metavar="N", help="columns a text column may become")


def _add_tune(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("train", help=f"{_CSV} input")
    parser.add_argument(
        "-o", "--output", default="tuned", metavar="FOLDER", help="for table, figure and models"
    )
    _add_label(parser)
    _add_drop(parser)
    grid = parser.add_argument_group("grid", "comma-separated values to try, small before large")
    grid.add_argument("--layers", type=_sizes, metavar="N,...", help="hidden layers, odd (default 1,3,5)")
    grid.add_argument(
        "--neurons", type=_sizes, metavar="N,...", help="of the outermost layer (default 8,16,32)"
    )
    grid.add_argument("--learning-rate", type=_rates, metavar="R,...", help="default 0.001,0.003")
    grid.add_argument(
        "--alpha", type=_rates, metavar="SHARE,...", help="default 0.002,0.005,0.01,0.02,0.05,0.1"
    )
    search = parser.add_argument_group("search")
    search.add_argument("--folds", type=int, default=5, metavar="N", help="of the cross-validation (5)")
    search.add_argument(
        "--test-size", type=_share, default=0.3, metavar="SHARE", help="rows the search never sees (0.3)"
    )
    search.add_argument(
        "--anomaly-share",
        type=_share,
        metavar="SHARE",
        help="without a label: the anomalies you expect (0.05)",
    )
    search.add_argument("--jobs", type=int, default=1, metavar="N", help="processes; -1: one a core (1)")
    search.add_argument("--seed", type=int, default=0, help="of split, folds, swaps and weights (0)")
    _add_preprocessing(parser)


def _add_score(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", help="file that iotae fit wrote")
    parser.add_argument("new", help=f"{_CSV} input")
    _add_output(parser)
    parser.add_argument("--allow-missing", action="store_true", help="take absent columns as missing cells")


def _add_stream(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("events", help=f"{_CSV} input; there each row is answered as it comes")
    _add_output(parser)
    parser.add_argument("--label", metavar="COLUMN", help="column passed through and never learned")
    _add_drop(parser)
    parser.add_argument("--alpha", type=_share, help="share of all rows that may be alarms (default 0.01)")
    parser.add_argument("--seed", type=int, help="of the weights (default 0)")
    parser.add_argument(
        "--model", metavar="FILE", help="go on with a model that --save wrote (keeps its alpha)"
    )
    parser.add_argument(
        "--save", metavar="FILE", help="save the model at the end, Ctrl-C and SIGTERM included"
    )


def _add_evaluate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("scored", help=f"{_CSV} input, with the columns score and alarm")
    _add_label(parser, required=True)
    parser.add_argument("--prefix", default="", help="what was put before score and alarm")
    parser.add_argument("--json", action="store_true", help="one line of JSON")
