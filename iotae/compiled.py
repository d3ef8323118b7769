"""The decorator that compiles a kernel when numba is installed, and leaves it alone otherwise.

Kernels are written so that one source is right both ways: compiled, and as ordinary NumPy. The few that
touch every cell have two: loops, which a compiler can make a processor do many at a time, and whole arrays.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

__all__ = ["COMPILED", "compiled", "compiled_or"]

P = ParamSpec("P")
R = TypeVar("R")


def _import_numba() -> Any:
    try:
        # numba's np.dot is SciPy's BLAS
        import numba
        import scipy.linalg.blas
    except ImportError:
        return None
    return numba if scipy.linalg.blas else None


_numba = _import_numba()

COMPILED: bool = _numba is not None
"""Whether kernels run compiled in this process."""


def _drop_stale_cache(folder: Path) -> None:
    """Remove compiled kernels that are older than any source file of the package.

    A compiled kernel holds those that it calls, but numba looks at its own file's time alone: without
    this an edit of one room would leave the old one running in another's cache.
    """
    cached = [path for ending in ("nbi", "nbc") for path in (folder / "__pycache__").glob(f"*.{ending}")]
    if not cached or not os.access(folder / "__pycache__", os.W_OK):
        return
    newest = max(path.stat().st_mtime for path in folder.glob("*.py"))
    for path in cached:
        with suppress(FileNotFoundError):
            # another process may be doing the same
            if path.stat().st_mtime < newest:
                path.unlink()


if COMPILED:
    _drop_stale_cache(Path(__file__).parent)


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compile ``function`` with numba, cached on disk, or return it unchanged without numba."""
    if _numba is None:
        return function
    kernel: Callable[P, R] = _numba.njit(cache=True, nogil=True, error_model="numpy")(function)
    return kernel


def compiled_or(arrays: Callable[P, R]) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Compile the decorated loops, or put ``arrays``, the same work on whole arrays, in their place."""

    def chosen(loops: Callable[P, R]) -> Callable[P, R]:
        return arrays if _numba is None else compiled(loops)

    return chosen
