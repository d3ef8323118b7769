"""A fitted detector as arrays, numbers and text, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from iotae._typing import State
from iotae.batch.autoencoder import BatchAutoencoder
from iotae.preprocessing import Preprocessor
from pyod_iotae import alarms

if TYPE_CHECKING:
    from pyod_iotae.detector import IoTAE

__all__ = ["from_state", "to_state"]


def to_state(detector: IoTAE) -> State:
    """Everything that a fitted detector needs to score, to judge and to go on.

    Raises
    ------
    TypeError
        If the network is a module of the caller's own: see :meth:`iotae.BatchAutoencoder.to_state`.
    """
    names = getattr(detector, "feature_names_in_", None)
    encoder: Preprocessor | None = detector.encoder_
    return {
        "params": detector.get_params(deep=False),
        "model": detector.model_.to_state(),
        "encoder": None if encoder is None else encoder.to_state(),
        "decision_scores": detector.decision_scores_,
        "row_weights": detector._row_weights,
        "threshold": float(detector.threshold_),
        "labels": detector.labels_,
        "cut": alarms.saved(detector.cut_),
        "n_features": detector.n_features_in_,
        "feature_names": None if names is None else [str(name) for name in names],
    }


def from_state(cls: type[IoTAE], data: State) -> IoTAE:
    """Rebuild from :func:`to_state`."""
    restored: Any = cls(**data["params"])
    restored._set_n_classes(None)
    restored.model_ = BatchAutoencoder.from_state(data["model"])
    restored.encoder_ = None if data["encoder"] is None else Preprocessor.from_state(data["encoder"])
    restored.n_features_in_ = data["n_features"]
    if data["feature_names"] is not None:
        restored.feature_names_in_ = np.array(data["feature_names"], dtype=object)
    restored.decision_scores_, restored._row_weights = data["decision_scores"], data["row_weights"]
    restored.threshold_, restored.labels_ = data["threshold"], data["labels"]
    restored.cut_ = alarms.restored(data["cut"])
    restored._mu, restored._sigma = np.mean(restored._counted), np.std(restored._counted)
    detector: IoTAE = restored
    return detector
