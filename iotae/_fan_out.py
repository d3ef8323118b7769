"""Many independent calls through joblib, on whatever backend the caller has chosen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

__all__ = ["fan_out"]

_LOST = frozenset({"BrokenExecutor", "CancelledError", "KilledWorker", "RayActorError"})
"""Errors of joblib, Dask and Ray where a worker process is gone; by name, as the two are not imported."""


def fan_out(calls: Iterable[Any], n_jobs: int | None = None, *, ordered: bool = True) -> Iterator[Any]:
    """Yield the results of calls that do not depend on each other.

    Parameters
    ----------
    calls : iterable
        Made by :func:`joblib.delayed`.
    n_jobs : int, optional
        Calls at a time; -1 for one a core. None leaves it to ``joblib.parallel_config``; without it, one.
    ordered : bool
        Whether results come in the order of the calls, or as they are done.

    Raises
    ------
    ChildProcessError
        If a worker process ended in mid-work, and the engine could not give its calls to another. What a call
        raises comes through as it is.

    Notes
    -----
    Where the caller has set no other backend, that is with joblib's processes, each process works in one
    thread: two levels of threads would take each other's cores. A backend that cannot hand over results one
    by one, as Ray's, hands them over when all are done, in the order of the calls.

    Examples
    --------
    >>> from joblib import delayed, parallel_config
    >>> with parallel_config(backend="threading", n_jobs=2):
    ...     list(fan_out(delayed(abs)(number) for number in (-1, 2, -3)))
    [1, 2, 3]
    """
    from joblib import Parallel, parallel_config
    from joblib.parallel import get_active_backend

    backend, workers = get_active_backend()
    n_jobs = workers if n_jobs is None else n_jobs
    how = "generator" if ordered else "generator_unordered"
    if not backend.supports_return_generator:
        how = "list"
    try:
        if type(backend).__name__ != "LokyBackend":
            yield from Parallel(n_jobs=n_jobs, return_as=how)(calls)
            return
        with parallel_config(backend="loky", inner_max_num_threads=1):
            results = Parallel(n_jobs=n_jobs, return_as=how)(calls)
        yield from results
    except Exception as error:
        if not _LOST & {kind.__name__ for kind in type(error).__mro__}:
            raise
        raise ChildProcessError(
            f"Got a worker process that ended in mid-work, with n_jobs={n_jobs}: it was killed, as a system "
            "does that is short of memory, or it crashed. Free memory, or take fewer at a time."
        ) from error
