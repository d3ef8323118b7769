"""Anomaly detection for IoT with a deep autoencoder: the core that both hosts share.

The names below are loaded when first used, so that ``import iotae`` costs little more
than ``import numpy``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from iotae._version import __version__

if TYPE_CHECKING:
    from iotae.batch.autoencoder import BatchAutoencoder
    from iotae.stream.autoencoder import OnlineAutoencoder
    from iotae.stream.scaler import RunningScaler

__all__ = ["BatchAutoencoder", "OnlineAutoencoder", "RunningScaler", "__version__"]

_HOMES = {
    "BatchAutoencoder": "iotae.batch.autoencoder",
    "OnlineAutoencoder": "iotae.stream.autoencoder",
    "RunningScaler": "iotae.stream.scaler",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'iotae' has no attribute {name!r}; it offers {', '.join(__all__)}.")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
