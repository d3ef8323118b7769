"""The ``iotae`` command: exit codes and errors of one line; a module for each subcommand.

Exit codes: 0 all went well, 1 the data or the machine would not do, 2 the command was wrong,
129 SIGHUP, 130 Ctrl-C, 141 the reader of the output went away, 143 SIGTERM.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from argparse import Namespace
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import NoReturn

from iotae.cli.missing import how_to_install
from iotae.cli.parser import make_parser
from iotae.cli.signals import ENDINGS
from iotae.cli.terminal import log_as, say, words_of

__all__ = ["main"]

_INTERRUPTED, _BROKEN_PIPE = 130, 141


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
        # started with its error output closed, so messages go nowhere
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115  (open for as long as the process lives)
    args = make_parser().parse_args(argv)
    log_as("text")
    if sys.stdout is None or (sys.stdin is None and "-" in vars(args).values()):
        return _fail("standard input or output is closed: give file names, or open it.")
    if threading.current_thread() is threading.main_thread():
        # so that half-written files are removed on the way out
        for number in ENDINGS:
            signal.signal(number, _terminate)
    try:
        # only the subcommand that was asked for is imported: --help and --version stay quick
        run: Callable[[Namespace], int] = import_module(f"iotae.cli.{args.command}").run
        code = run(args)
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        _flush_or_drop()
        return _BROKEN_PIPE
    except KeyboardInterrupt:
        return _INTERRUPTED
    except ImportError as error:
        return _fail(f"{error}. {how_to_install(error)}")
    except OSError as error:
        if not _flush_or_drop() and error.filename is None:
            error.filename = "standard output"
        return _fail(words_of(error))
    except ValueError as error:
        return _fail(str(error))


def _terminate(number: int, _: object) -> NoReturn:
    sys.exit(128 + number)


def _flush_or_drop() -> bool:
    """Write what is left for standard output; if it cannot be, let it go nowhere, and say so.

    Python would write it once more at its end, and complain.
    """
    try:
        sys.stdout.flush()
    except OSError:
        original = sys.__stdout__
        if original is not None and sys.stdout is original:
            os.dup2(os.open(os.devnull, os.O_WRONLY), original.fileno())
        return False
    return True


def _fail(message: str) -> int:
    say(f"error: {' '.join(message.split())}")
    return 1
