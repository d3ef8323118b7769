"""A file that one process at a time may hold."""

from __future__ import annotations

import os

__all__ = ["lock_of_one"]


def lock_of_one(path: str | os.PathLike[str]) -> int | None:
    """Open a file, made private if it is not there, that no other process may hold until it is closed.

    Returns
    -------
    int or None
        The descriptor, or None while another process holds it. On a system without locks nobody is kept out.

    Raises
    ------
    OSError
        If the file cannot be opened, or is a link.

    Examples
    --------
    >>> import tempfile
    >>> path = os.path.join(tempfile.mkdtemp(), "lock")
    >>> first = lock_of_one(path)
    >>> lock_of_one(path) is None
    True
    >>> os.close(first)
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        import fcntl
    except ImportError:
        # two processes at once are the user's to avoid
        return descriptor
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor
