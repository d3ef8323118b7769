"""The ablation's variants: which step of the product is removed or changed, and by what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.swaps import Swaps
from iotae._compiled import compiled
from iotae.batch.autoencoder import BatchAutoencoder
from iotae.batch.scoring import JoinedScore
from iotae.stream import evidence, histogram
from iotae.stream.counters import LEFT, WITNESS_LEFT
from iotae.stream.memory import Memory

__all__ = ["STREAM", "TABLE"]

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Whole = NDArray[np.int64]

_surprise = histogram.surprise
_tail_nats, _weighed, NOW = evidence.tail_nats, evidence.weighed, evidence.NOW
NORMAL_TAILS = evidence.new_tails(1)
_fit, _score = JoinedScore.fit, JoinedScore.score
_init = BatchAutoencoder.__init__


@compiled
def no_activation(units: Singles, activation: int) -> None:
    """Leave the units as they are."""


@compiled
def slope_of_one(delta: Singles, units: Singles, activation: int) -> None:
    """Leave the slopes as they are, as the derivative of no activation."""


@compiled
def perfect_reconstruction(parameters: Singles, sizes: Whole, activation: int, tape: Singles) -> None:
    """Copy the input to the output, so that no residual is left."""
    width = sizes[0]
    tape[tape.size - width :] = tape[:width]


@compiled
def no_training(memory: Memory) -> None:
    """Drop the autoencoder's mini-batch in training."""
    memory.counters[LEFT] = 0


@compiled
def no_witness_training(memory: Memory) -> None:
    """Drop the mini-batch in training of the network that predicts each cell, which so predicts nothing."""
    memory.counters[WITNESS_LEFT] = 0


@compiled
def nothing_expected(cells: Singles, matrices: Singles, result: Singles) -> None:
    """Take each cell's own deviation for its residual, as if no other said anything about it."""
    for j in range(cells.size):
        result[j] = cells[j]


@compiled
def surprise_alone(row: Floats, raw: float, memory: Memory) -> float:
    """Leave the row's mean surprise as it is."""
    return raw


@compiled
def by_square(surprise: float, evidence: float) -> float:
    """Take the larger of two logarithms."""
    return max(surprise, evidence)


@compiled
def one_tail_for_all(value: float, tails: Floats, statistic: int, slot: int) -> float:
    """Take each statistic for as rare as that of a normal variable, whatever the sensor."""
    return float(_tail_nats(value, NORMAL_TAILS, statistic, 0))


@compiled
def no_clock(memory: Memory) -> float:
    """Know no hour."""
    return np.nan


@compiled
def now_alone(nats: float, part: int, rows: float, order: float, sensors: float) -> float:
    """Let only the residual of the row itself speak."""
    return _weighed(nats, part, rows, order, sensors) if part == NOW else -1e9


@compiled
def no_surprise(scaled: float, table: Floats, feature: int) -> float:
    """Find every value as likely as any other."""
    return 0.0


@compiled
def surprise_without_energy(scaled: float, table: Floats, feature: int) -> float:
    """Take away beforehand the square that the score adds to the surprise."""
    return float(_surprise(scaled, table, feature) - scaled * scaled)


@compiled
def accept_every_row(gate: Floats, surprise: float) -> int:
    """Let every row teach at the ordinary rate."""
    return 1


def network_alone(heights: Sequence[Floats], weights: Sequence[float]) -> Floats:
    """Join the views by taking the autoencoder's."""
    return heights[0]


def neighbours_alone(heights: Sequence[Floats], weights: Sequence[float]) -> Floats:
    """Join the views by taking that of the neighbours."""
    return heights[1]


def _rows_alone(rows: Singles, latent: Singles) -> tuple[Singles, Singles, Singles]:
    """Return an empty code and the row itself where code and residual were."""
    return rows, latent[:, :0], rows


def mahalanobis_fit(self: JoinedScore, learned: Any, everything: Any, *others: Any) -> JoinedScore:
    """Fit with the rows themselves in the place of what the network makes of them."""
    return _fit(self, _rows_alone(*learned[:2]), _rows_alone(*everything[:2]), *others)


def mahalanobis_score(self: JoinedScore, rows: Singles, latent: Singles, residual: Singles) -> Floats:
    """Score with the rows themselves in the place of what the network makes of them."""
    return _score(self, *_rows_alone(rows, latent))


def by_reconstruction(self: BatchAutoencoder, *args: Any, **kwargs: Any) -> None:
    """Construct with the reconstruction error as the score."""
    _init(self, *args, **{**kwargs, "scoring": "reconstruction"})


def trust_everyone(distances: tuple[Floats, Floats], *_: Any) -> NDArray[np.bool_]:
    """Find no row suspect."""
    return np.ones(len(distances[0]), bool)


LINEAR: Swaps = {
    "iotae.nn.activations:activate": no_activation,
    "iotae.nn.activations:scale_by_slope": slope_of_one,
}
MAHALANOBIS: Swaps = {
    "iotae.batch.scoring:JoinedScore.fit": mahalanobis_fit,
    "iotae.batch.scoring:JoinedScore.score": mahalanobis_score,
}
NETWORK_ALONE: Swaps = {"iotae.batch.tail_calibration:join": network_alone}

STREAM: dict[str, Swaps] = {
    "the product": {},
    "mean surprise alone": {"iotae.stream.witness:joined_score": surprise_alone},
    "the larger of the two, no soft sum": {"iotae.stream.evidence:soft_sum": by_square},
    "no network that predicts cells: covariance alone": {
        "iotae.stream.witness_learning:_train": no_witness_training
    },
    "that network linear": {"iotae.nn.leave_one_out:LEAK": np.float32(1.0)},
    "no covariance: network alone": {"iotae.stream.conditional:residuals": nothing_expected},
    "nothing expected of a sensor": {
        "iotae.stream.conditional:residuals": nothing_expected,
        "iotae.stream.witness_learning:_train": no_witness_training,
    },
    "no tails of single sensors": {"iotae.stream.evidence:tail_nats": one_tail_for_all},
    "the row alone: no recent rows, no runs": {"iotae.stream.evidence:weighed": now_alone},
    "no clock": {"iotae.stream.witness:_agreement": no_clock},
    "no autoencoder": {"iotae.nn.kernels:forward_row": perfect_reconstruction},
    "autoencoder never trained": {"iotae.stream.calls:_train": no_training},
    "no histograms": {"iotae.stream.histogram:surprise": no_surprise},
    "no energy": {"iotae.stream.histogram:surprise": surprise_without_energy},
    "no gate of surprises": {"iotae.stream.update_gate:judge": accept_every_row},
    "gate without escape": {"iotae.stream.update_gate:_WIDEN": 0.0},
    "no context": {"iotae.stream.autocorrelation:_MOST": 0.0},
}
"""Variants of the stream's model."""

TABLE: dict[str, Swaps] = {
    "the product: network, near view, cells and forest": {},
    "no forest": {"iotae.batch.scoring:_FOREST": 0.0},
    "forest, the cell farthest off no louder in wide tables": {"iotae.batch.scoring:_LOUDER": (3.0, 3.0, 12)},
    "no view of cells": {
        "iotae.batch.scoring:_WEIGHTS": (0.2, 2.0, 0.0, 0.0),
        "iotae.batch.scoring:_CLEAN_WEIGHTS": (0.5, 3.0, 0.0, 0.0),
    },
    "no cell farthest off": {
        "iotae.batch.scoring:_WEIGHTS": (0.2, 2.0, 0.8, 0.0),
        "iotae.batch.scoring:_CLEAN_WEIGHTS": (0.5, 3.0, 0.8, 0.0),
    },
    "near view only": {"iotae.batch.tail_calibration:join": neighbours_alone},
    "network's view only": NETWORK_ALONE,
    "Mahalanobis distance in the network's place": MAHALANOBIS,
    "Mahalanobis distance only": {**MAHALANOBIS, **NETWORK_ALONE},
    "linear autoencoder (PCA's subspace)": LINEAR,
    "linear autoencoder's view only": {**LINEAR, **NETWORK_ALONE},
    "reconstruction error alone (the paper's)": {
        "iotae.batch.autoencoder:BatchAutoencoder.__init__": by_reconstruction
    },
    "nobody suspect": {"iotae.batch.row_selection:trusted": trust_everyone},
    "linear scaling": {"iotae.batch.scaler:_BEND": 1e9},
}
"""Variants of the table's model."""
