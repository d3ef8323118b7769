"""Models from files and to files: of the kind that a command needs, and as private as what they learned."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

from iotae import serialization
from iotae.cli.terminal import say, words_of
from iotae.data import TableError

__all__ = ["Saver", "load_model", "save_model"]

_Model = TypeVar("_Model")

_USES = {
    "Fleet": "a fleet, as iotae stream --group --save writes: use iotae stream --model with --group",
    "TableDetector": "a table model, as iotae fit writes: use iotae score",
    "OnlineAutoencoder": "a stream model, as iotae stream --save writes: use iotae stream --model",
}


class _HasState(Protocol):
    def to_state(self) -> dict[str, Any]: ...


def save_model(model: _HasState, path: str, sources: Sequence[str]) -> None:
    """Save a model that was learned from files, or from standard input ('-')."""
    serialization.write(path, type(model).__name__, model.to_state(), sources=sources)


def load_model(path: str, kind: str, build: Callable[[dict[str, Any]], _Model]) -> _Model:
    """Load a model of a kind.

    Raises
    ------
    TableError
        If the file holds another kind of model; the message says which command takes it.
    iotae.serialization.StateError
        If the file is damaged or foreign.
    """
    try:
        return serialization.restore(path, kind, build)
    except serialization.StateError:
        found, _ = serialization.read(path)
        if found == kind or found not in _USES:
            raise
        raise TableError(f"Got {path}, but expected another kind of model: this is {_USES[found]}.") from None


class Saver:
    """A stream's model saved every so many rows, at the end, and when its output fails.

    Parameters
    ----------
    model : OnlineAutoencoder
    path : str or None
        The file; without one nothing is saved.
    every : int or None
        Rows from one save to the next; None for the end only.
    sources : sequence of str
        What the model learned from.

    Attributes
    ----------
    rows : int
        Rows learned so far, which the stream counts up.
    """

    def __init__(self, model: _HasState, path: str | None, every: int | None, sources: Sequence[str]) -> None:
        self._model, self._path, self._every, self._sources = model, path, every, sources
        self.rows = self._saved = 0

    def save_if_due(self) -> None:
        """Save the model where so many rows have been learned since it was saved."""
        if self._every is None or self.rows - self._saved < self._every:
            return
        try:
            self.save()
        except OSError as error:
            say(f"warning: no model was saved after {self.rows} rows, going on: {words_of(error)}")
        # not with each row that follows
        self._saved = self.rows

    def save(self) -> None:
        """Save the model, if there is a file for it."""
        if self._path is not None:
            save_model(self._model, self._path, self._sources)

    def save_after(self, failure: OSError) -> None:
        """Save the model although the output failed, and say so, or why not."""
        if self._path is None or not self.rows:
            return
        try:
            self.save()
        except OSError as error:
            say(f"the model could not be saved either: {words_of(error)}")
        else:
            say(f"{words_of(failure)}; the model, {self.rows} rows on, is in {self._path}")
