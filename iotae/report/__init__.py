"""A page about scored rows for the people who look after the devices: one HTML file, complete in itself."""

from __future__ import annotations

from iotae.report.findings import Findings
from iotae.report.page import page_of

__all__ = ["Findings", "page_of"]
