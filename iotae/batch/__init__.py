"""The model for tables: :class:`BatchAutoencoder` and the steps that it is made of."""

from __future__ import annotations

from iotae.batch.autoencoder import BatchAutoencoder

__all__ = ["BatchAutoencoder"]
