"""Many independent calls through joblib, on whatever backend the caller has chosen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

__all__ = ["fan_out"]


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

    Notes
    -----
    Where the caller has set no other backend, that is with joblib's processes, each process works in one
    thread: two levels of threads would take each other's cores.

    Examples
    --------
    >>> from joblib import delayed, parallel_config
    >>> with parallel_config(backend="threading", n_jobs=2):
    ...     list(fan_out(delayed(abs)(number) for number in (-1, 2, -3)))
    [1, 2, 3]
    """
    from joblib import Parallel, parallel_config
    from joblib.parallel import get_active_backend

    how = "generator" if ordered else "generator_unordered"
    backend, workers = get_active_backend()
    n_jobs = workers if n_jobs is None else n_jobs
    if type(backend).__name__ != "LokyBackend":
        yield from Parallel(n_jobs=n_jobs, return_as=how)(calls)
        return
    with parallel_config(backend="loky", inner_max_num_threads=1):
        results = Parallel(n_jobs=n_jobs, return_as=how)(calls)
    yield from results
