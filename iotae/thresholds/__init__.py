"""From scores to alarms: thresholds with a stated guarantee, for tables and for a stream's recent scores.

Every threshold is a :class:`Threshold`. ``fit`` and ``update`` take calibration scores in. ``threshold``,
``classify`` and ``p_value`` judge scores and change nothing. ``to_state`` and ``from_state`` save and restore
it. All remember a bounded number of scores.

``alpha`` is everywhere the share of the calibration scores that lie above the threshold: the false-alarm rate
where the calibration rows are normal. :class:`QuantileThreshold` calls it ``contamination``, as PyOD does.
"""

from __future__ import annotations

from iotae.thresholds.base import Threshold
from iotae.thresholds.budget import AlertBudget
from iotae.thresholds.conformal import ConformalThreshold
from iotae.thresholds.fdr import OnlineFDR
from iotae.thresholds.quantile import QuantileThreshold
from iotae.thresholds.tail import TailThreshold

__all__ = [
    "AlertBudget",
    "ConformalThreshold",
    "OnlineFDR",
    "QuantileThreshold",
    "TailThreshold",
    "Threshold",
]
