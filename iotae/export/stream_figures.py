"""All that scoring reads of a stream's model, as it is at one moment: arrays by slot, and single numbers."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from iotae._typing import Float32, Float64
from iotae.nn.architecture import layer_views, n_parameters
from iotae.nn.network import Network
from iotae.stream import evidence as parts
from iotae.stream import sensor_figures as of
from iotae.stream.autocorrelation import lean
from iotae.stream.autoencoder import OnlineAutoencoder
from iotae.stream.conditional import INVERSE_MEAN, INVERSE_SCALE
from iotae.stream.core import raw_scores
from iotae.stream.counters import ACCEPTED, AGREE, AGREE2, AGREE_MEAN
from iotae.stream.features import RARITY
from iotae.stream.kernels import RECENT, RESIDUAL
from iotae.stream.memory import scoring_copy, views_of
from iotae.stream.names import slot_label
from iotae.stream.scaler import CENTRE, COUNT, HEAD, SPREAD
from iotae.stream.score_scale import bounded
from iotae.stream.sensors import order_of_stream
from iotae.stream.witness import CLOCK_SLOT

_ORDER_FROM, _ORDER_OVER = 0.03, 0.07
"""As in :mod:`iotae.stream.witness`; tests hold an exported model to the model."""

_MANY = 1e6

SCORED, TELLS_HOUR, MET, KNOWN, FLAG = 1, 2, 4, 8, 16
"""What a slot is, added up: scored, a part of the hour, ever seen, seen often enough, mostly unmoved."""

__all__ = ["FrozenStream", "freeze", "frozen_scores"]


class FrozenStream(NamedTuple):
    """A stream's model at one moment, without the slots that no feature has: d slots are left."""

    names: list[str]
    """What each slot is called."""
    places: NDArray[np.intp]
    """Where in the model each slot stands (d,)."""
    slots: dict[str, Float64]
    """By name, numbers of each slot (d,)."""
    table: Float64
    """-log of each slot's density in each bin (d, BINS)."""
    tails: Float64
    """Quantile and slope of each of five statistics (d, 10)."""
    state: dict[str, Float64]
    """What the rows before left behind, by slot (d,)."""
    inverse: Float32
    """Of the correlations (d, d)."""
    into: Float32
    out_of: Float32
    """The leave-one-out network's weights (d, HIDDEN), the latter times what each slot makes of it."""
    hidden_bias: Float32
    layers: Float32
    """The autoencoder's parameter block."""
    sizes: tuple[int, ...]
    activation: str
    parts: dict[str, Float64]
    """By name, numbers of each part of the row."""
    single: dict[str, float]


def _checked_names(model: OnlineAutoencoder) -> tuple[list[str], NDArray[np.intp]]:
    features = model._features
    table = features._registry.table
    places = np.setdiff1d(np.arange(len(features.slots)), np.array(table.spare, np.intp))
    # a text has one slot for how rare its value is, whatever other slots it has
    texts: list[Hashable] = [features.slots[i][0] for i in places if features.kinds[i] == RARITY]
    if texts:
        raise ValueError(
            f"Got a model with the text features {', '.join(map(repr, texts))}, but expected numbers and "
            "times alone: an exported model has no table of texts. Learn a stream without them, or with "
            "numbers in their place."
        )
    if not places.size:
        raise ValueError("Got a model that has learned no row, but expected one that has: learn rows first.")
    return [slot_label(features.slots[i]) for i in places], places


def freeze(model: OnlineAutoencoder) -> FrozenStream:
    """All that scoring a row reads of a model.

    Raises
    ------
    ValueError
        If the model has text features, or has learned nothing.
    """
    names, places = _checked_names(model)
    with model._lock:
        memory = scoring_copy(model._memory)
        cut, empty = model._cut(), model._empty_score()
    views = views_of(memory)
    figures, moments, running = (views[name][:, places] for name in ("sensors", "moments", "running"))
    stats, tails, d = views["stats"][:, places], views["tails"][:, places], len(views["stats"][0])
    network = model._network
    lead = np.clip(figures[of.PROVED] / np.maximum(figures[of.SQUARED], 1e-9), 0.0, 1.0)
    lead = lead * np.sqrt(figures[of.SIGMA2])
    hidden, accepted = views["hidden"], views["counts"][ACCEPTED]
    order = min(1.0, max(0.0, (order_of_stream(memory) - _ORDER_FROM) / _ORDER_OVER))
    return FrozenStream(
        names,
        places,
        {
            **_scaling(stats, views["kinds"][0][places], figures),
            "lead": lead,
            "per_residual": 1.0 / running[RESIDUAL],
            "mean": moments[INVERSE_MEAN],
            "per_deviation": moments[INVERSE_SCALE],
            "out_bias": views["biases"][0][places].astype(np.float64),
            **_sensors(figures, accepted),
        },
        views["table"][:, places].T,
        _tails(tails),
        {
            "recent": running[RECENT],
            "level": figures[of.RECENT_LEVEL],
            "energy": figures[of.RECENT_ENERGY],
            "moved": figures[of.MOVED],
            "before": figures[of.BEFORE],
            "last": figures[of.LAST],
            "run": figures[of.RUN_LENGTH],
        },
        views["matrices"][2 * d :][np.ix_(places, places)],
        hidden[places],
        hidden[d + places],
        hidden[2 * d],
        *_autoencoder(network, places),
        network.activation,
        _parts(views["calibration"], accepted, order),
        {**_single(views, order), "cut": cut, "empty_score": empty},
    )


def _scaling(stats: Float64, kinds: Float64, figures: Float64) -> dict[str, Float64]:
    scored, met = kinds % 2 == 0, stats[COUNT] > 0
    role = scored * SCORED + (kinds == CLOCK_SLOT) * TELLS_HOUR + met * MET
    role = role + (scored & (stats[COUNT] >= HEAD)) * KNOWN + (figures[of.EQUAL] > 0.5) * FLAG
    first_move = np.log1p(np.minimum(stats[COUNT] + 1.0, 50.0))
    return {"centre": stats[CENTRE], "spread": stats[SPREAD], "first_move": first_move, "role": role}


def _tails(tails: Float64) -> Float64:
    """Quantile and slope of each statistic, side by side: the slope of a logarithm, also that of runs."""
    pairs = np.stack([tails[3 * k + i] for k in range(parts.N_STATISTICS) for i in (0, 1)], axis=1)
    pairs[:, 2 * parts.RUN + 1] /= pairs[:, 2 * parts.RUN]
    return pairs


def _sensors(figures: Float64, accepted: float) -> dict[str, Float64]:
    repeats = figures[[of.EQUAL, of.BEGUN]].T.tolist()
    once, twice = (
        np.array([parts.surprise_of_run(run, equal, begun, accepted) for equal, begun in repeats])
        for run in (1.0, 2.0)
    )
    return {
        "per_usual": 1.0 / np.sqrt(figures[of.VARIANCE]),
        "per_level": 1.0 / np.sqrt(figures[of.LEVEL2]),
        "per_step": 1.0 / figures[of.STEP],
        "move_mean": figures[of.MOVE_MEAN],
        "per_move": 1.0 / np.sqrt(figures[of.MOVE2]),
        "nats_of_run": once,
        "nats_of_staying": twice - once,
        "by_chance": -np.log(figures[of.EQUAL] + 1e-3),
    }


def _autoencoder(network: Network, places: NDArray[np.intp]) -> tuple[Float32, tuple[int, ...]]:
    """The parameter block without inputs and outputs that no feature has."""
    layers = layer_views(network.parameters, network.sizes)
    sizes = (len(places), *network.sizes[1:-1], len(places))
    block = np.zeros(n_parameters(sizes), np.float32)
    kept = layer_views(block, sizes)
    for layer, ((weights, biases), (new_weights, new_biases)) in enumerate(zip(layers, kept, strict=True)):
        if layer == 0:
            weights = weights[places]
        if layer == len(layers) - 1:
            weights, biases = weights[:, places], biases[places]
        new_weights[:], new_biases[:] = weights, biases
    return block, sizes


def _parts(calibration: Float64, accepted: float, order: float) -> dict[str, Float64]:
    low, high, slope, _ = calibration.reshape(4, -1)
    # what is taken off a part's nats, and what they are then multiplied by, told by what comes of many
    full = [parts.weighed(_MANY, k, accepted, 1.0, 1.0) for k in range(parts.N_PARTS)]
    said = [parts.weighed(_MANY, k, accepted, order, 1.0) for k in range(parts.N_PARTS)]
    return {
        "low": low,
        "high": high,
        "slope": slope,
        "reduced": _MANY - np.array(full),
        "say": np.array(said) / np.array(full),
    }


def _single(views: dict[str, NDArray[Any]], order: float) -> dict[str, float]:
    context, counts = views["context"], views["counts"]
    mean, spread = context[:2].tolist()
    return {
        "lean": lean(context),
        "usual": mean,
        "reach": 5.0 * max(spread, 0.05),
        "order": order,
        "agree": float(counts[AGREE]),
        "agree_mean": float(counts[AGREE_MEAN]),
        "per_agree": float(1.0 / np.sqrt(counts[AGREE2])),
    }


def frozen_scores(model: OnlineAutoencoder, rows: Float64) -> Float64:
    """What ``score_one`` says of rows (n, d) of cells in the order of :attr:`FrozenStream.names`."""
    places = _checked_names(model)[1]
    with model._lock:
        memory, empty = scoring_copy(model._memory), model._empty_score()
    cells = np.full((len(rows), len(model._features.slots)), np.nan)
    cells[:, places] = rows
    # what the caller gives as infinite is missing
    cells[~np.isfinite(cells)] = np.nan
    raw = raw_scores(False, cells, memory)[:, 0]
    return np.where(raw >= 0.0, bounded(np.maximum(raw, 0.0)), empty)
