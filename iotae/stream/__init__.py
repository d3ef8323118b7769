"""The model for streams: :class:`OnlineAutoencoder` and the states that it is made of."""

from __future__ import annotations

from iotae.stream.autoencoder import OnlineAutoencoder
from iotae.stream.scaler import RunningScaler

__all__ = ["OnlineAutoencoder", "RunningScaler"]
