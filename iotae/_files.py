"""A file that takes its name only when it is whole, and that nobody may read who may not read its sources."""

from __future__ import annotations

import os
import re
import secrets
import stat
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from errno import EINVAL, ENOENT
from pathlib import Path
from typing import BinaryIO

__all__ = ["naming", "remove_abandoned", "replacing"]

_PRIVATE = stat.S_IRUSR | stat.S_IWUSR
_GROUP, _OTHERS = 0o060, 0o006
_SUFFIX = ".part"

PathName = str | os.PathLike[str]


@contextmanager
def naming(path: PathName) -> Iterator[None]:
    """Let an ``OSError`` in the block say which file it is about, as one of a full disk does not."""
    try:
        yield
    except OSError as error:
        error.filename = os.fspath(path)
        raise


@contextmanager
def replacing(path: PathName, sources: Sequence[PathName] = ()) -> Iterator[BinaryIO]:
    """Yield a new file that takes the name ``path`` when the block ends without an error, else is removed.

    It lies beside ``path`` under a name that nobody can foresee, and is locked while it is written. Files
    that killed processes have left there for the same ``path`` are removed.

    Parameters
    ----------
    path : path
        An ordinary file, or a name for one. A link stays a link: what it points to is replaced. An earlier
        file's permissions are kept, and its owner and group where the system lets us.
    sources : sequence of path or '-'
        Where what is written comes from. A file that was not there before may be read by no one who may not
        read these. Standard input and others that are no ordinary files count as readable by the user alone.

    Raises
    ------
    OSError
        If the file cannot be written or its folder is not there; the error names ``path``.
    """
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():
        raise OSError(EINVAL, "not an ordinary file, give another name", os.fspath(path))
    if not target.parent.is_dir():
        raise FileNotFoundError(ENOENT, "no such folder, make it first", str(target.parent))
    with naming(path):
        remove_abandoned(target)
        file, part = _begin(target)
    try:
        with naming(path):
            _set_permissions(file.fileno(), target, sources)
        yield file
        with naming(path):
            file.flush()
            os.fsync(file.fileno())
            os.replace(part, target)
            file.close()
    except BaseException:
        # what could not be written is still in the buffer, and would fail once more
        with suppress(OSError):
            file.close()
        part.unlink(missing_ok=True)
        raise


def remove_abandoned(path: PathName) -> list[Path]:
    """Remove what killed processes of this user have left beside ``path``, and return which files.

    A file that a process still writes is locked, on whatever machine that shares the folder.
    """
    target = Path(os.path.realpath(path))
    name = re.compile(rf"\.{re.escape(target.name)}\.\w{{8}}{re.escape(_SUFFIX)}")
    with os.scandir(target.parent) as entries:
        found = [Path(entry.path) for entry in entries if name.fullmatch(entry.name)]
    return [part for part in found if _removed(part)]


def _removed(part: Path) -> bool:
    """Remove a file of ours that nobody has locked."""
    try:
        descriptor = os.open(part, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid() or not _lock(descriptor):
            return False
        part.unlink()
        return True
    except OSError:
        return False
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> bool:
    """Lock a file until it is closed; say whether that was possible."""
    try:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (ImportError, OSError):
        return False
    return True


def _begin(target: Path) -> tuple[BinaryIO, Path]:
    """Make a locked file beside the target."""
    while True:
        descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=_SUFFIX, dir=target.parent)
        _lock(descriptor)
        # between the two calls above another process may have taken it for abandoned
        if os.path.exists(name):
            return os.fdopen(descriptor, "wb"), Path(name)
        os.close(descriptor)


def _set_permissions(descriptor: int, target: Path, sources: Sequence[PathName]) -> None:
    """Give a file, which is private so far, the permissions of the file it replaces, or of a new one."""
    try:
        old = target.stat()
    except FileNotFoundError:
        mode = _usual_mode(target) & _readers(sources, os.fstat(descriptor).st_gid)
    else:
        for owner in (old.st_uid, -1):
            with suppress(PermissionError):
                os.fchown(descriptor, owner, old.st_gid)
                break
        mode = _for_group(stat.S_IMODE(old.st_mode) & 0o777, old.st_gid, os.fstat(descriptor).st_gid)
    os.fchmod(descriptor, mode)


def _usual_mode(target: Path) -> int:
    """The permissions that the system gives a new file beside the target.

    ``os.umask`` tells them only by changing them, for all threads at once. So an empty file is made.
    """
    trial = target.with_name(f".{target.name}.{secrets.token_hex(4)}{_SUFFIX}")
    descriptor = os.open(trial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        return stat.S_IMODE(os.fstat(descriptor).st_mode)
    finally:
        os.close(descriptor)
        trial.unlink(missing_ok=True)


def _readers(sources: Sequence[PathName], group: int) -> int:
    """The most permissions of a file of this group that is no more readable than any of the sources."""
    allowed = _PRIVATE | _GROUP | _OTHERS
    for source in sources:
        status = _status(source)
        if status is None or not stat.S_ISREG(status.st_mode):
            return _PRIVATE
        mode = _for_group(status.st_mode, status.st_gid, group)
        allowed &= _PRIVATE | (_GROUP if mode & stat.S_IRGRP else 0) | (_OTHERS if mode & stat.S_IROTH else 0)
    return allowed


def _status(source: PathName) -> os.stat_result | None:
    try:
        if source != "-":
            return os.stat(source)
        return None if sys.stdin is None else os.fstat(sys.stdin.fileno())
    except (OSError, ValueError):
        # closed, or no file of the system: nothing says who may read it
        return None


def _for_group(mode: int, group: int, other: int) -> int:
    """The permissions for a file of another group, whose members may do only what everybody may do."""
    return mode if group == other else mode & ~0o070 | (mode & 0o007) << 3
