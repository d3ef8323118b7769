"""Series of rows: windows, and one score a row, for contextual anomalies and sensors that fail quietly."""

from iotae.sequence.autoencoder import SequenceAutoencoder

__all__ = ["SequenceAutoencoder"]
