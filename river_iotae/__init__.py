"""iotae in River's dialect: :class:`IoTAE` detects, :class:`ConformalFilter` raises alarms."""

from __future__ import annotations

from river_iotae.detector import IoTAE
from river_iotae.filter import ConformalFilter

__all__ = ["ConformalFilter", "IoTAE"]
