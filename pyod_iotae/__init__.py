"""iotae for PyOD: :class:`IoTAE` and :class:`SequenceIoTAE` are ``pyod.models.base.BaseDetector``s."""

from __future__ import annotations

from pyod_iotae.detector import IoTAE
from pyod_iotae.engine import register, unregister
from pyod_iotae.sequence import SequenceIoTAE

__all__ = ["IoTAE", "SequenceIoTAE", "register", "unregister"]
