"""The decorator that compiles a kernel when numba is installed, and leaves it alone otherwise.

Kernels are written so that one source is right both ways: compiled, and as ordinary NumPy. The few that
touch every cell have two: loops, which a compiler can make a processor do many at a time, and whole arrays.

Machine code is kept on disk in a folder that is named after the contents of all sources on the floors of
the kernels. A compiled kernel holds the kernels that it calls and the constants that it reads, and numba
looks at the time of its own file alone; with such a name no edit, update or move can leave old code running.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from hashlib import blake2b
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

__all__ = [
    "COMPILED",
    "compiled",
    "compiled_or",
    "compiled_roughly",
    "inlined",
    "say_on_standard_error",
    "warn_if_slow",
]

P = ParamSpec("P")
R = TypeVar("R")

_PREFIX = "kernels-"
_FLOORS = ("", "nn", "stream", "batch", "quality")
"""Folders of the package whose modules hold kernels, or constants that kernels read."""


def _import_numba() -> Any:
    try:
        # numba's np.dot is SciPy's BLAS
        import numba
        import scipy.linalg.blas
    except ImportError:
        return None
    # with NUMBA_DISABLE_JIT the loops would run as Python, slower than NumPy's whole arrays
    return numba if scipy.linalg.blas and not numba.config.DISABLE_JIT else None


_numba = _import_numba()

COMPILED: bool = _numba is not None
"""Whether kernels run compiled in this process."""


def _digest(package: Path) -> str:
    """A name for the contents of all sources of a package that kernels depend on."""
    seal = blake2b(digest_size=8)
    for path in sorted(path for floor in _FLOORS for path in (package / floor).glob("*.py")):
        seal.update(f"{path.relative_to(package).as_posix()}\0".encode())
        seal.update(path.read_bytes())
    return seal.hexdigest()


def _cache_folder(package: Path) -> Path | None:
    """The folder for compiled kernels, made if it can be; None where nothing can be written.

    The user's ``NUMBA_CACHE_DIR`` comes first, then the package's own ``__pycache__``, then the user's
    cache. Folders of other contents in the package's ``__pycache__`` are of no more use and are removed.
    """
    name = f"{_PREFIX}{_digest(package)}"
    given = os.environ.get("NUMBA_CACHE_DIR")
    home = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    own = package / "__pycache__"
    places = [Path(given)] if given else [own, Path(home) / "iotae"]
    for place in places:
        # one that cannot be written may have been filled when the package was installed
        if any((place / name).rglob("*.nbi")):
            return place / name
    for place in places:
        folder = place / name
        with suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                pass
            if place == own:
                for old in own.glob(f"{_PREFIX}*"):
                    if old != folder:
                        shutil.rmtree(old, ignore_errors=True)
            return folder
    return None


_folder = _cache_folder(Path(__file__).parent) if COMPILED else None


@contextmanager
def _one_process_at_a_time(folder: Path) -> Iterator[None]:
    """Hold the folder's lock where the system has one.

    Two processes that compile the same kernel for different arguments would otherwise both take the next
    free file name, and the index of one could lead to the code of the other.
    """
    try:
        import fcntl
    except ImportError:
        yield
        return
    with open(folder / ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _kept_on_disk(kernel: Any, folder: Path) -> None:
    """Let a kernel's machine code be saved under the folder's lock, and do without where that fails."""
    cache = kernel._cache
    save, load = cache.save_overload, cache.load_overload

    def load_whole(*args: Any) -> Any:
        # a file that a crash has cut short is made anew; what is left of it may raise anything
        try:
            return load(*args)
        except Exception:
            return None

    def save_locked(*args: Any) -> None:
        # a full disk or a removed folder costs the next process its compilation, and this one nothing
        with suppress(OSError), _one_process_at_a_time(folder):
            save(*args)

    cache.save_overload, cache.load_overload = save_locked, load_whole


def _njit(function: Any, **more: Any) -> Any:
    options = {"nogil": True, "error_model": "numpy", **more}
    if _folder is None:
        return _numba.njit(**options)(function)
    before = _numba.config.CACHE_DIR
    _numba.config.CACHE_DIR = str(_folder)
    try:
        kernel = _numba.njit(cache=True, **options)(function)
    finally:
        _numba.config.CACHE_DIR = before
    _kept_on_disk(kernel, _folder)
    return kernel


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compile ``function`` with numba, cached on disk, or return it unchanged without numba."""
    if _numba is None:
        return function
    kernel: Callable[P, R] = _njit(function)
    return kernel


def compiled_roughly(function: Callable[P, R]) -> Callable[P, R]:
    """:func:`compiled`, where a product and a sum may be rounded once instead of twice.

    It is up to twice as fast, and what comes out differs in the last digits from processor to processor.
    """
    if _numba is None:
        return function
    kernel: Callable[P, R] = _njit(function, fastmath={"contract"})
    return kernel


def inlined(function: Callable[P, R]) -> Callable[P, R]:
    """Make ``function`` a part of each kernel that calls it, compiled as that kernel is."""
    if _numba is None:
        return function
    part: Callable[P, R] = _numba.njit(inline="always")(function)
    return part


def compiled_or(arrays: Callable[P, R]) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Compile the decorated loops, or put ``arrays``, the same work on whole arrays, in their place."""

    def chosen(loops: Callable[P, R]) -> Callable[P, R]:
        return arrays if _numba is None else compiled(loops)

    return chosen


def _print(line: str) -> None:
    print(f"iotae: {line}", file=sys.stderr)


_speaks = False
_tell: Callable[[str], None] = _print
_said_slow = COMPILED

_SLOW = "numba is not installed or disabled, so this runs many times slower: pip install 'iotae[fast]'"


def say_on_standard_error(tell: Callable[[str], None] | None = None) -> None:
    """Say in one line on standard error, once, that kernels are being compiled, or that they cannot be.

    It is printed, or given to what writes the caller's messages (``tell``). The command asks for it; a
    library call says the former by itself where standard error is a terminal, and the latter by a warning.
    """
    global _speaks, _said_slow, _tell
    _speaks, _tell = True, tell or _tell
    if not _said_slow:
        _said_slow = True
        _tell(_SLOW)


def warn_if_slow() -> None:
    """Warn once in a process that kernels run as ordinary NumPy where they do."""
    global _said_slow
    if not _said_slow:
        _said_slow = True
        warnings.warn(_SLOW, RuntimeWarning, stacklevel=2)


def _announce_compiling() -> None:
    """Print one line when the first kernel of ours is compiled rather than read from disk."""
    from numba.core import event

    class Announcement(event.Listener):  # type: ignore[misc]
        said = False

        def on_start(self, happening: Any) -> None:
            function = getattr(happening.data.get("dispatcher"), "py_func", None)
            ours = getattr(function, "__module__", "").startswith("iotae.")
            if self.said or not ours or not (_speaks or sys.stderr.isatty()):
                return
            Announcement.said = True
            kept = "this once" if _folder is not None else "at each start, as no folder can be written"
            _tell(f"compiling for this processor, {kept}; this can take a minute")

        def on_end(self, happening: Any) -> None:
            pass

    event.register("numba:compile", Announcement())


if COMPILED:
    _announce_compiling()
