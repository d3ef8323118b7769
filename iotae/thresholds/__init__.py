"""From scores to alarms: cuts with a stated meaning, for tables and for a stream's recent scores.

Every threshold is a :class:`Threshold`: ``fit`` and ``update`` take scores in, ``threshold``, ``classify``
and ``p_value`` judge scores and change nothing, ``to_state`` and ``from_state`` keep it. All remember a
bounded number of scores.
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
