"""A cut at a quantile: the share of alarms that PyOD calls contamination."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from iotae._typing import State
from iotae.thresholds.base import Threshold
from iotae.thresholds.window import ScoreWindow

__all__ = ["QuantileThreshold"]


class QuantileThreshold(Threshold):
    """Alarm above the ``1 - contamination`` quantile of the scores seen.

    Guarantee: of the n scores given to :meth:`fit`, at most ``ceil(contamination * (n - 1))`` lie above
    the cut. Nothing is promised for other scores; on a stream the realised alarm rate follows the
    share asked for only as long as the scores of the last ``window`` rows look like the next one.

    Parameters
    ----------
    contamination : float, in (0, 1)
        Share of the scores to lie above the cut. PyOD's name; a stream's ``alpha``.
    window : int, at least 1
        How many of the latest scores :meth:`update` remembers.

    Attributes
    ----------
    threshold : float
        The cut on the scale of the scores; infinity before any score was seen.

    Examples
    --------
    >>> cut = QuantileThreshold(contamination=0.1).fit(np.arange(100.0))
    >>> round(cut.threshold, 1)
    89.1
    >>> int(cut.classify(np.arange(100.0)).sum())
    10
    """

    # a plain attribute: the cut moves with an update, not with a look
    threshold: float = float("inf")

    def __init__(self, contamination: float = 0.1, window: int = 1000) -> None:
        if not (isinstance(contamination, (int, float, np.number)) and 0.0 < contamination < 1.0):
            raise ValueError(
                f"Got contamination={contamination!r}, but expected a number in (0, 1): "
                "the share of rows you expect to be anomalous, e.g. contamination=0.1."
            )
        self.contamination = float(contamination)
        self.threshold = float("inf")
        self._window = ScoreWindow(window)

    def fit(self, scores: ArrayLike) -> QuantileThreshold:
        """Set the cut from ``scores`` (n,); the latest of them become the window.

        Raises
        ------
        ValueError
            If there are no scores, or if one is not finite.
        """
        values = self._window.fill(scores)
        # rounding must not put the cut below the lowest score that may be an alarm's neighbour
        spared = int(np.ceil(self.contamination * (values.size - 1)))
        lowest = np.partition(values, values.size - 1 - spared)[values.size - 1 - spared]
        self.threshold = float(max(np.quantile(values, 1.0 - self.contamination), lowest))
        return self

    def update(self, score: float) -> None:
        """Take one more score into the window and move the cut.

        Raises
        ------
        ValueError
            If the score is not finite.
        """
        self._window.push(score)
        # NumPy's linear interpolation, on the list that is kept sorted
        ordered = self._window.sorted
        position = (len(ordered) - 1) * (1.0 - self.contamination)
        low = int(position)
        high = min(low + 1, len(ordered) - 1)
        self.threshold = ordered[low] + (ordered[high] - ordered[low]) * (position - low)

    def p_value(self, scores: ArrayLike) -> Any:
        """Share of the window's scores, the row itself counted in, that are at least as high."""
        return self._window.p_value(scores)

    def to_state(self) -> State:
        """Everything needed to continue, as arrays and numbers."""
        return {
            "contamination": self.contamination,
            "threshold": np.array(self.threshold),
            "window": self._window.to_state(),
        }

    @classmethod
    def from_state(cls, data: State) -> QuantileThreshold:
        """Rebuild from :meth:`to_state`."""
        restored = cls(data["contamination"])
        restored.threshold = float(data["threshold"])
        restored._window = ScoreWindow.from_state(data["window"])
        return restored
