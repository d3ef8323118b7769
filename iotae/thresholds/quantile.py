"""A threshold at a quantile of the scores: the share of alarms that PyOD calls contamination."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from iotae._typing import State
from iotae._validation import check_finite_score, check_finite_scores, check_share
from iotae._validation.schema import Array, Number, Record, check
from iotae.thresholds.base import Threshold
from iotae.thresholds.window import ScoreWindow

__all__ = ["QuantileThreshold"]


class QuantileThreshold(Threshold):
    """Alarm above the ``1 - contamination`` quantile of the scores seen.

    Guarantee: of the n scores given to :meth:`fit`, at most ``ceil(contamination * (n - 1))`` lie above
    the threshold. There is no guarantee for other scores. On a stream the realised alarm rate is near the
    share asked for only as long as the next score is like those of the last ``window`` rows.

    Parameters
    ----------
    contamination : float, in (0, 1)
        PyOD's name for what is ``alpha`` elsewhere: the share of the calibration scores that lie above the
        threshold, which is the false-alarm rate where the calibration rows are normal.
    window : int, at least 1
        How many of the latest scores :meth:`update` remembers.

    Attributes
    ----------
    threshold : float
        The threshold on the scale of the scores; infinity before any score was seen.

    Examples
    --------
    >>> cut = QuantileThreshold(contamination=0.1).fit(np.arange(100.0))
    >>> round(cut.threshold, 1)
    89.1
    >>> int(cut.classify(np.arange(100.0)).sum())
    10
    """

    SCHEMA: ClassVar[Record] = Record(
        {
            "contamination": Number(0.0, 1.0, inner=True),
            "threshold": Array(np.float64, high=np.inf),
            "window": ScoreWindow.SCHEMA,
        }
    )

    # a plain attribute: it is computed at each update, not at each access
    threshold: float = float("inf")

    def __init__(self, contamination: float = 0.1, window: int = 1000) -> None:
        self.contamination = check_share(
            "contamination", contamination, meaning="the share of scores to be alarms, e.g. contamination=0.1"
        )
        self.threshold = float("inf")
        self._window = ScoreWindow(window)

    def fit(self, scores: ArrayLike) -> QuantileThreshold:
        """Set the threshold from ``scores`` (n,); the latest of them become the window.

        Raises
        ------
        ValueError
            If there are no scores, or if one is not finite.
        """
        values = check_finite_scores(scores)
        self._window.fill(values)
        # rounding must not lower the threshold so far that one more score becomes an alarm
        spared = int(np.ceil(self.contamination * (values.size - 1)))
        lowest = np.partition(values, values.size - 1 - spared)[values.size - 1 - spared]
        self.threshold = float(max(np.quantile(values, 1.0 - self.contamination), lowest))
        return self

    def update(self, score: float) -> None:
        """Add one more score to the window and move the threshold.

        Raises
        ------
        ValueError
            If the score is not finite.
        """
        self._window.push(check_finite_score(score))
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
        """Rebuild from :meth:`to_state`; ``StateError`` if the state is not as such a threshold's."""
        check(data, cls.SCHEMA)
        restored = cls(data["contamination"])
        restored.threshold = float(data["threshold"])
        restored._window = ScoreWindow.from_state(data["window"])
        return restored
