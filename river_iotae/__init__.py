"""iotae in River's dialect: :class:`IoTAE` detects, the filters raise alarms with a stated meaning."""

from __future__ import annotations

from river_iotae.conformal_filter import ConformalFilter
from river_iotae.detector import IoTAE
from river_iotae.filter import AlarmFilter
from river_iotae.sequence import SequenceIoTAE

__all__ = ["AlarmFilter", "ConformalFilter", "IoTAE", "SequenceIoTAE"]
