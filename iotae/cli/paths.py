"""Where a subcommand may write: checked before any work is done."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from stat import S_ISREG

from iotae._files import remove_abandoned
from iotae.cli.terminal import say
from iotae.data import TableError

__all__ = ["check_model_output", "check_output", "check_two_outputs"]


def check_output(path: str, *inputs: str) -> None:
    """Make sure that a table can be written to ``path`` and would not replace one that is read.

    Raises
    ------
    TableError
        If the folder is not there, if ``path`` is a folder itself, or if it is one of ``inputs``.
    """
    if path == "-":
        _check_standard_output(inputs)
        return
    target = Path(path)
    if target.is_dir():
        raise TableError(f"Got the folder {path} as output, but expected a file in it: add a file name.")
    if not target.parent.is_dir():
        raise TableError(f"Got the output {path}, but there is no folder {target.parent}: make it first.")
    if not os.access(target.parent, os.W_OK):
        raise TableError(f"Got the output {path}, but the folder {target.parent} may not be written to.")
    for other in inputs:
        if other != "-" and target.exists() and Path(other).exists() and target.samefile(other):
            raise TableError(f"Got {path} as input and as output: write to another file, then rename it.")
    for gone in remove_abandoned(target):
        say(f"removed {gone}, which a killed run has left unfinished")


def check_two_outputs(scores: str, model: str) -> None:
    """Make sure that scores and model do not go to one file.

    Raises
    ------
    TableError
        If they do, by whatever names.
    """
    one, other = Path(scores), Path(model)
    if scores == "-":
        same = _is_standard_output(other)
    else:
        same = one.resolve() == other.resolve() or (one.exists() and other.exists() and one.samefile(other))
    if same:
        raise TableError(f"Got {model} for the scores and for the model: name two files.")


def _check_standard_output(inputs: tuple[str, ...]) -> None:
    for other in inputs:
        if other != "-" and _is_standard_output(Path(other)):
            raise TableError(f"Got {other} as input and as standard output: write to another file.")


def _is_standard_output(path: Path) -> bool:
    """Whether standard output goes to this very file."""
    try:
        output = os.fstat(sys.stdout.fileno())
        return S_ISREG(output.st_mode) and os.path.samestat(output, path.stat())
    except (OSError, ValueError):
        # not a file of the system, or there is no file of this name yet
        return False


def check_model_output(path: str, *inputs: str) -> None:
    """The same for a model, which cannot go to standard output."""
    if path == "-":
        raise TableError("Got '-' as the file for the model, but expected a file name, e.g. model.iotae.")
    check_output(path, *inputs)
