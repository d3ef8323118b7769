"""How much memory an exported header takes, by the compiler that is here."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import NamedTuple

__all__ = ["Size", "size_of_header"]

_STATELESS = """
#include "model.h"
int judge(const @P@_CELL *cells) { return @p@_is_alarm(@p@_score(cells)); }
"""
_STATEFUL = """
#include "model.h"
char bytes_of_state[sizeof(@p@_state)];
int judge(@p@_state *state, const @P@_CELL *cells) { return @p@_is_alarm(@p@_score_next(state, cells)); }
void begin(@p@_state *state) { *state = @p@_exported_state; }
"""


class Size(NamedTuple):
    """Bytes that a header takes."""

    flash: int
    """Code and constants."""
    state: int
    """Of each device."""
    stack: int
    """At most, while a row is scored, without the mathematical functions of the C library."""


def size_of_header(source: str, name: str, *flags: str) -> Size | None:
    """Return what a header takes when it is compiled with -Os, None where there is no gcc.

    Parameters
    ----------
    source : str
    name : str
        What its names begin with.
    *flags : str
        Further options of the compiler.
    """
    gcc, size = shutil.which("gcc"), shutil.which("size")
    if gcc is None or size is None:
        return None
    has_state = f"{name}_score_next" in source
    caller = (_STATEFUL if has_state else _STATELESS).replace("@p@", name).replace("@P@", name.upper())
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "model.h").write_text(source, "utf-8")
        (Path(folder) / "caller.c").write_text(caller, "utf-8")
        command = [gcc, "-std=c99", "-Os", "-fstack-usage", *flags, "-c", "caller.c", "-o", "caller.o"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"gcc cannot compile the header: {done.stderr.strip().splitlines()[-1]}")
        told = subprocess.run(
            [size, "-A", "caller.o"], cwd=folder, capture_output=True, text=True, check=True
        )
        sections = {n: int(b) for n, b in re.findall(r"^\.([\w.]+)\s+(\d+)", told.stdout, re.M)}
        frames = re.findall(r"\t(\d+)\t[\w,]+$", (Path(folder) / "caller.su").read_text("utf-8"), re.M)
    flash = sum(n for part, n in sections.items() if part.startswith(("text", "rodata", "data.rel.ro")))
    return Size(flash, sections.get("bss", 0), sum(map(int, frames)))
