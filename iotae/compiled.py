"""The decorator that compiles a kernel when numba is installed, and leaves it alone otherwise.

Kernels are written so that one source is right both ways: compiled, and as ordinary NumPy.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

__all__ = ["COMPILED", "compiled"]

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


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compile ``function`` with numba, cached on disk, or return it unchanged without numba."""
    if _numba is None:
        return function
    kernel: Callable[P, R] = _numba.njit(cache=True, nogil=True, error_model="numpy")(function)
    return kernel
