"""A whole detector for tables: preprocessing, autoencoder and threshold, fitted and saved as one thing."""

from __future__ import annotations

from iotae.pipeline.detector import TableDetector
from iotae.pipeline.verdict import Verdict

__all__ = ["TableDetector", "Verdict"]
