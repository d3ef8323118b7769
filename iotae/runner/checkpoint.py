"""A folder that holds where a stream stands: its model, how far it has read, and how much it has written."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from time import time
from types import TracebackType
from typing import Any

from iotae import serialization
from iotae._typing import State
from iotae.data import TableError
from iotae.runner.locks import lock_of_one
from iotae.serialization.tree import printable

__all__ = ["Checkpoint"]

_FILE, _LOCK = "checkpoint.iotae", "lock"
_KIND = "StreamCheckpoint"


class Checkpoint:
    """The one checkpoint of a stream, replaced whole or not at all, in a folder that one process may use.

    Use it in a ``with`` statement, which makes the folder, private to its user, and locks it.

    Parameters
    ----------
    folder : path
    words : mapping of str to a JSON value
        What the stream was started with, by option; a checkpoint of other words is refused.
    sources : sequence of path
        What the stream reads: nobody may read the checkpoint who may not read these.

    Raises
    ------
    TableError
        If the folder cannot be made or another process uses it, or its checkpoint is of another stream.
    iotae.serialization.StateError
        If the file in it is damaged.

    Examples
    --------
    >>> import tempfile
    >>> folder = os.path.join(tempfile.mkdtemp(), "state")
    >>> with Checkpoint(folder, {"EVENTS": "a.csv"}) as checkpoint:
    ...     checkpoint.save({"rows": 20})
    >>> with Checkpoint(folder, {"EVENTS": "a.csv"}) as checkpoint:
    ...     checkpoint.load()
    {'rows': 20}
    """

    def __init__(
        self, folder: str | os.PathLike[str], words: Mapping[str, Any], sources: Sequence[str] = ()
    ) -> None:
        self._folder = Path(folder)
        self._words, self._sources = dict(words), sources
        self._lock = -1
        self.saved_at = time()

    @property
    def path(self) -> Path:
        """The file of the checkpoint."""
        return self._folder / _FILE

    def __enter__(self) -> Checkpoint:
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            lock = lock_of_one(self._folder / _LOCK)
        except OSError as error:
            raise TableError(
                f"Got the folder {self._folder} for the checkpoint, which cannot be used: {error.strerror}."
            ) from None
        if lock is None:
            raise TableError(
                f"Got the checkpoint {self._folder}, which a running process uses: end it, or name another."
            )
        self._lock = lock
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._lock)

    def load(self) -> State | None:
        """Return what was saved last, or None where nothing was."""
        try:
            _, data = serialization.read(self.path, _KIND)
        except FileNotFoundError:
            return None
        made = data.get("words")
        if not isinstance(made, dict) or not isinstance(data.get("state"), dict):
            raise serialization.StateError(f"{self.path}: holds no stream to go on with")
        for name in dict.fromkeys([*self._words, *made]):
            if not _same(self._words.get(name), made.get(name)):
                raise TableError(
                    f"Got {name} {_shown(self._words.get(name))}, but the checkpoint in {self._folder} was "
                    f"made with {_shown(made.get(name))}: give the same again, or name another folder."
                )
        state: State = data["state"]
        return state

    def save(self, state: State) -> None:
        """Replace the checkpoint; when this returns, it is on the disk."""
        serialization.write(self.path, _KIND, {"words": self._words, "state": state}, sources=self._sources)
        self.saved_at = time()


def _same(word: Any, found: Any) -> bool:
    """Whether a file has this word; an array in its place would be compared cell by cell."""
    try:
        return json.dumps(word, sort_keys=True) == json.dumps(found, sort_keys=True)
    except TypeError:
        return False


def _shown(value: Any) -> str:
    nothing = value is None or (isinstance(value, list) and not value)
    return "nothing" if nothing else printable(value)[:200]
