"""The figures, as Display objects in scikit-learn's manner: drawn by ``plot``, written by ``save``.

They are 3.5 or 7 inches wide (one or two columns of print), in 8 and 9 point type, and in colours that
colour-blind readers can tell apart; shapes or hatches repeat what the colours say. pyplot is not used.

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

from iotae.plots.alarms import CalibrationDisplay, PValueDisplay
from iotae.plots.comparison import CriticalDifferenceDisplay
from iotae.plots.confusion import PAPER, ConfusionDisplay, MetricsDisplay
from iotae.plots.drift import DriftDisplay
from iotae.plots.explanation import ExplanationDisplay
from iotae.plots.features import FeaturesDisplay
from iotae.plots.ranking import RankingDisplay
from iotae.plots.score import ScoreDisplay
from iotae.plots.tuning import TuningDisplay

__all__ = [
    "PAPER",
    "CalibrationDisplay",
    "ConfusionDisplay",
    "CriticalDifferenceDisplay",
    "DriftDisplay",
    "ExplanationDisplay",
    "FeaturesDisplay",
    "MetricsDisplay",
    "PValueDisplay",
    "RankingDisplay",
    "ScoreDisplay",
    "TuningDisplay",
]
