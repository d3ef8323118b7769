"""The figures, as Display objects in scikit-learn's manner: drawn by ``plot``, written by ``save``.

They are 3.5 or 7 inches wide (one or two columns of print), in 8 and 9 point type and in colours that the
colour-blind can tell apart; what colour says, a shape or a hatch says too. pyplot is never touched.

Examples
--------
>>> from iotae.plots import ConfusionDisplay
>>> display = ConfusionDisplay.from_predictions([1, 1, 0, 0], [1, 0, 0, 0]).plot()
>>> display.confusion
Confusion(tp=1, fp=0, fn=1, tn=2)
>>> display.figure_.get_size_inches().tolist()
[3.5, 2.7]
"""

from __future__ import annotations

from iotae.plots.time import FeaturesDisplay, ScoreDisplay
from iotae.plots.tuning import TuningDisplay
from iotae.plots.verdict import PAPER, ConfusionDisplay, MetricsDisplay, RankingDisplay

__all__ = [
    "PAPER",
    "ConfusionDisplay",
    "FeaturesDisplay",
    "MetricsDisplay",
    "RankingDisplay",
    "ScoreDisplay",
    "TuningDisplay",
]
