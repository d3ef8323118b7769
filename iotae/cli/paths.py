"""Where a subcommand may write: checked before any work is done."""

from __future__ import annotations

import os
from pathlib import Path

from iotae.data import TableError

__all__ = ["check_model_output", "check_output"]


def check_output(path: str, *inputs: str) -> None:
    """Make sure that a table can be written to ``path`` and would not replace one that is read.

    Raises
    ------
    TableError
        If the folder is not there, if ``path`` is a folder itself, or if it is one of ``inputs``.
    """
    if path == "-":
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


def check_model_output(path: str, *inputs: str) -> None:
    """The same for a model, which cannot go to standard output."""
    if path == "-":
        raise TableError("Got '-' as the file for the model, but expected a file name, e.g. model.iotae.")
    check_output(path, *inputs)
