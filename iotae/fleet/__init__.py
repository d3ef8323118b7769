"""Fleets: many devices in one stream, each with its own model or its own part of a shared one."""

from __future__ import annotations

from iotae.fleet.devices import Device, Silence
from iotae.fleet.fleet import Fleet

__all__ = ["Device", "Fleet", "Silence"]
