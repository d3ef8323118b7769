"""A header compiled as strictly as can be, and called from Python."""

import ctypes
import shutil
import subprocess

import numpy as np
import pytest

GCC = shutil.which("gcc")
needs_gcc = pytest.mark.skipif(GCC is None, reason="gcc is not installed")
STRICT = ("-std=c99", "-Wall", "-Wextra", "-pedantic", "-Werror", "-Wdouble-promotion")

_CALLER = """
#include "model.h"
static m_state now;
void begin(void) { now = m_exported_state; }
void next(const double *rows, float *scores, int n)
{
    for (int i = 0; i < n; i++)
        scores[i] = m_score_next(&now, rows + i * M_N_CELLS);
}
void score(const double *rows, float *scores, int n)
{
    for (int i = 0; i < n; i++)
        scores[i] = m_score(&m_exported_state, rows + i * M_N_CELLS);
}
"""
_TABLE_CALLER = """
#include "model.h"
void score(const double *rows, float *scores, int n)
{
    for (int i = 0; i < n; i++)
        scores[i] = m_score(rows + i * M_N_CELLS);
}
"""


def compiled(header, folder, *flags):
    """The functions of a header whose names begin with m, as a library."""
    (folder / "model.h").write_text(header)
    source = _CALLER if "m_state" in header else _TABLE_CALLER
    (folder / "caller.c").write_text(source)
    library = folder / "model.so"
    command = [GCC, *STRICT, "-O1", "-shared", "-fPIC", *flags, "caller.c", "-o", str(library), "-lm"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return ctypes.CDLL(str(library))


def scores(library, rows, how="score"):
    rows = np.ascontiguousarray(rows, np.float64)
    result = np.empty(len(rows), np.float32)
    getattr(library, how)(
        rows.ctypes.data_as(ctypes.c_void_p), result.ctypes.data_as(ctypes.c_void_p), len(rows)
    )
    return result


def self_test(header, folder, *flags):
    """Compile a header's own test, run it, and return what it printed and its exit code."""
    (folder / "model.h").write_text(header)
    command = [GCC, *STRICT, *flags, "-DM_SELF_TEST", "-x", "c", "model.h", "-o", "test", "-lm"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    run = subprocess.run([str(folder / "test")], capture_output=True, text=True)
    return run.stdout, run.returncode
