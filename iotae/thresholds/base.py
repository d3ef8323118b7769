"""What every threshold can do."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from inspect import signature
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike

from iotae._sharing import Unshared
from iotae._typing import Bool, State
from iotae._validation.schema import Record
from iotae.thresholds.window import ScoreWindow

__all__ = ["Threshold", "classify_in_order"]


class Threshold(Unshared, ABC):
    """A rule that makes alarms of scores: an alarm is a score above :attr:`threshold`.

    On a stream each score is judged first and then learned: ``classify(score)``, then ``update(score)``.
    Only one thread at a time may do so (``river_iotae.AlarmFilter`` has a lock). Copies, also those of
    ``copy.copy``, are deep.
    """

    SCHEMA: ClassVar[Record]
    """What its state must look like."""

    _window: ScoreWindow

    @property
    def window(self) -> int:
        """How many scores are remembered."""
        return self._window.size

    @property
    @abstractmethod
    def threshold(self) -> float:
        """The threshold on the scale of the scores; infinity where no alarm is possible yet."""

    @abstractmethod
    def fit(self, scores: ArrayLike) -> Self:
        """Start again from ``scores`` (n,), in order of time; ValueError if none, or one is not finite."""

    @abstractmethod
    def update(self, score: float) -> None:
        """Learn one more score; ValueError, and nothing changes, if it is not finite."""

    @abstractmethod
    def p_value(self, scores: ArrayLike) -> Any:
        """Probability of a score at least as high among the calibration scores, in (0, 1].

        A float for a number, else an array; NaN for NaN.
        """

    @abstractmethod
    def to_state(self) -> State:
        """Everything needed to continue, as arrays and numbers."""

    @classmethod
    @abstractmethod
    def from_state(cls, data: State) -> Self:
        """Rebuild from :meth:`to_state`; ``StateError`` if the state is not as such a threshold's."""

    def __repr__(self) -> str:
        names = signature(type(self)).parameters
        return f"{type(self).__name__}({', '.join(f'{name}={getattr(self, name)!r}' for name in names)})"

    def classify(self, scores: ArrayLike) -> Any:
        """Whether each score lies above the threshold: a bool for a number, else an array of bool."""
        if isinstance(scores, float):
            return bool(scores > self.threshold)
        above: Bool = np.asarray(scores, np.float64) > self.threshold
        return bool(above) if above.ndim == 0 else above


def classify_in_order(cut: Threshold, scores: ArrayLike) -> Any:
    """Judge the scores of the next rows, in order, by a threshold that each score moves.

    ``cut`` itself does not change. A score that is not finite is not an alarm and moves nothing.
    """
    values = np.asarray(scores, np.float64)
    if values.ndim == 0:
        return bool(values > cut.threshold)
    ahead = copy.deepcopy(cut)
    alarms = np.zeros(values.size, bool)
    for i, score in enumerate(values.ravel().tolist()):
        if np.isfinite(score):
            alarms[i] = score > ahead.threshold
            ahead.update(score)
    return alarms.reshape(values.shape)
