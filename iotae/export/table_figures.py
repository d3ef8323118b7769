"""All that the network's view of a fitted table reads: scaling, network, whitening and cut."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from iotae._typing import Float32, Float64
from iotae.batch.autoencoder import BatchAutoencoder
from iotae.batch.reconstruction import squared_lengths
from iotae.batch.scoring import _side_by_side
from iotae.pipeline import TableDetector

__all__ = ["FrozenTable", "freeze_table", "network_scores"]


class FrozenTable(NamedTuple):
    """A fitted table's network at one moment, for d features."""

    names: list[str]
    filling: Float64
    """What a missing cell counts as (d,), NaN where it stays missing."""
    centre: Float64
    unit: Float64
    """A reading less its centre, over its unit (d,), is bent, or taken as it is."""
    bent: bool
    factor: Float32
    shift: Float32
    """What a bent reading is multiplied by, and what is then taken off (d,)."""
    layers: Float32
    sizes: tuple[int, ...]
    activation: str
    mean: Float32
    """Of code and residual side by side (k + d,)."""
    matrix: Float32
    """Whitens them: (k + d, k + d), or (k + d,) for each by itself; empty where the score is the residual."""
    cut: float

    @property
    def narrowest(self) -> int:
        """The hidden layer that is the code."""
        return int(np.argmin(self.sizes[1:-1]))


def freeze_table(detector: TableDetector) -> FrozenTable:
    """All that the network's view of a table reads.

    Raises
    ------
    ValueError
        If a feature is more than a number and its scale.
    """
    learned, model = detector.preprocessor.learned, detector.autoencoder
    kinds = [code.kind for code in learned.codes for _ in code.names]
    logged = learned.logged
    odd = [
        name for name, at in zip(learned.feature_names, learned.keep, strict=True) if kinds[at] != "numeric"
    ]
    odd += [name for name, at in zip(learned.feature_names, learned.keep, strict=True) if logged[at]]
    if odd:
        raise ValueError(
            f"Got a model with the features {', '.join(map(repr, odd))}, but expected plain numbers alone: a "
            "category, a time or a logarithm is made by the preprocessor, which is not exported. Fit without "
            "these columns and without tails='log'."
        )
    columns, network = model._scaler._columns, model._fitted()
    bend = 4.0 if model._scaler._bent else 1.0
    offset, scale = learned.offset, learned.scale
    views = model._views
    joined = model.scoring == "joined"
    return FrozenTable(
        learned.feature_names,
        learned.filling[learned.keep],
        offset + scale * columns[0],
        scale * columns[1] * bend,
        model._scaler._bent,
        (4.0 / columns[3]).astype(np.float32),
        (columns[2] / columns[3]).astype(np.float32),
        network.parameters,
        tuple(network.sizes),
        network.activation,
        views._whitening._mean if joined else np.empty(0, np.float32),
        views._whitening._matrix if joined else np.empty((0, 0), np.float32),
        _cut_of_network(model, detector.alpha) if joined else detector.threshold,
    )


def _cut_of_network(model: BatchAutoencoder, alpha: float) -> float:
    """The length that a share ``alpha`` of the training rows reach."""
    places, heights = model._views._tails[0]._knots
    return float(np.sqrt(np.interp(-np.log(alpha), heights, places)))


def network_scores(detector: TableDetector, rows: Float64) -> Float64:
    """What the network alone says of rows (n, d) of features in their own units: (n,), at least 0."""
    model, learned = detector.autoencoder, detector.preprocessor.learned
    filling = learned.filling[learned.keep]
    with np.errstate(over="ignore"):
        table = (np.where(np.isnan(rows), filling, rows) - learned.offset) / learned.scale
    if model.scoring == "reconstruction":
        return model.score(table)

    def lengths(scaled: Float32, code: Float32, output: Float32) -> Float64:
        side = _side_by_side(code, scaled - output)
        length: Float64 = np.sqrt(squared_lengths(model._views._whitening.transform(side)))
        return length

    return model._by_blocks(table, lengths)
