"""iotae in River's dialect: :class:`IoTAE` detects, the filters raise alarms with a stated meaning.

:class:`Fleet` is for many devices in one stream.
"""

from __future__ import annotations

from river_iotae.conformal_filter import ConformalFilter
from river_iotae.detector import IoTAE
from river_iotae.filter import AlarmFilter
from river_iotae.fleet import Fleet
from river_iotae.quality_filter import QualityFilter
from river_iotae.sequence import SequenceIoTAE

__all__ = ["AlarmFilter", "ConformalFilter", "Fleet", "IoTAE", "QualityFilter", "SequenceIoTAE"]
