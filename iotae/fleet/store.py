"""Where devices that were not seen for a while are kept: a private SQLite file, each entry under a seal.

The file is scratch of one process. It is readable by its user alone and goes when the process ends. Each
entry carries a seal made with a key that is never written down, so what comes back is what was put away, or
an error.
"""

from __future__ import annotations

import hmac
import os
import secrets
import sqlite3
import weakref
from pathlib import Path

from iotae.serialization import StateError

__all__ = ["Store"]

_SEAL = 32
"""Bytes of a seal (HMAC-SHA256)."""


class Store:
    """Bytes under numbers, in a file that is made when the first of them comes.

    Parameters
    ----------
    path : path, optional
        The file. Where one of that name exists it is left alone, and a number is added to the name. By
        default SQLite makes a file without a name in its folder for temporary files.

    Examples
    --------
    >>> store = Store()
    >>> store.put(7, b"a model")
    >>> store.get(7), len(store)
    (b'a model', 1)
    """

    def __init__(self, path: str | os.PathLike[str] | None = None) -> None:
        self.path = None if path is None else Path(path)
        self._key = secrets.token_bytes(_SEAL)
        self._file: sqlite3.Connection | None = None
        self._numbers: set[int] = set()
        if self.path is not None and not self.path.parent.is_dir():
            raise FileNotFoundError(
                f"Got store={str(path)!r}, but expected a file in a folder that exists: make "
                f"{str(self.path.parent)!r}, or leave the store out."
            )

    def __len__(self) -> int:
        return len(self._numbers)

    def put(self, number: int, blob: bytes) -> None:
        """Keep bytes under a number that is free.

        Raises
        ------
        OSError
            If the file cannot be written.
        """
        seal = self._seal(number, blob)
        try:
            self._opened().execute("INSERT OR REPLACE INTO device VALUES (?, ?)", (number, seal + blob))
        except sqlite3.Error as error:
            raise OSError(f"the store of devices set aside cannot be written: {error}") from error
        self._numbers.add(number)

    def get(self, number: int) -> bytes:
        """The bytes under a number.

        Raises
        ------
        KeyError
            If there are none.
        StateError
            If the file has been changed by someone else.
        """
        if number not in self._numbers:
            raise KeyError(number)
        try:
            row = self._opened().execute("SELECT held FROM device WHERE number = ?", (number,)).fetchone()
        except sqlite3.Error as error:
            raise StateError(f"the store of devices set aside cannot be read: {error}") from error
        held = b"" if row is None else row[0]
        if not hmac.compare_digest(held[:_SEAL], self._seal(number, held[_SEAL:])):
            raise StateError("the store of devices set aside is damaged: it does not hold what was put there")
        return bytes(held[_SEAL:])

    def drop(self, number: int) -> None:
        """Forget the bytes under a number; its place is taken by what is put there next."""
        self._numbers.discard(number)

    def _seal(self, number: int, blob: bytes) -> bytes:
        return hmac.digest(self._key, number.to_bytes(8, "little") + blob, "sha256")

    def _opened(self) -> sqlite3.Connection:
        if self._file is None:
            name = "" if self.path is None else _new_file(self.path)
            # the fleet's lock lets in one thread at a time; each statement stands for itself
            self._file = sqlite3.connect(name, isolation_level=None, check_same_thread=False)
            for pragma in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -2048"):
                self._file.execute(f"PRAGMA {pragma}").close()
            self._file.execute("CREATE TABLE device (number INTEGER PRIMARY KEY, held BLOB NOT NULL)")
            weakref.finalize(self, _close, self._file, name)
        return self._file


def _new_file(path: Path) -> str:
    """An empty file that only its user may read, by this name or this name and a number."""
    for number in range(1_000_000):
        name = str(path) if not number else f"{path}-{number}"
        try:
            os.close(os.open(name, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        except FileExistsError:
            continue
        return name
    raise FileExistsError(f"Got store={str(path)!r}, but a million files of that name exist: name another.")


def _close(file: sqlite3.Connection, name: str) -> None:
    file.close()
    if name:
        Path(name).unlink(missing_ok=True)
