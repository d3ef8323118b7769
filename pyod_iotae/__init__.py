"""iotae for PyOD: :class:`IoTAE` is a ``pyod.models.base.BaseDetector``."""

from __future__ import annotations

from pyod_iotae.detector import IoTAE
from pyod_iotae.engine import register, unregister

__all__ = ["IoTAE", "register", "unregister"]
