"""What the state of a stream's model must look like, and what its parts must be to each other."""

from __future__ import annotations

from typing import Any

import numpy as np

from iotae._typing import Float64, State
from iotae._validation.schema import COUNT, Choice, Number, Record, Whole, check, refuse
from iotae.nn.activations import ACTIVATIONS
from iotae.nn.architecture import layer_sizes, n_parameters
from iotae.nn.leave_one_out import N_BLOCKS, n_rows_of_block
from iotae.nn.state_schema import HIDDEN_SIZES, NETWORK, RATE, SEED, check_moments
from iotae.serialization import StateError
from iotae.stream.array_schema import ARRAYS, HORIZON, LARGEST_WEIGHT, LEAST_SPREAD
from iotae.stream.conditional import SUM
from iotae.stream.confirmed import CONFIRMED
from iotae.stream.counters import (
    ACCEPTED,
    BATCHES,
    LEARNED,
    N_PRODUCTS,
    PENDING,
    PIVOT,
    ROWS,
    WITNESS_BATCHES,
    WITNESS_PENDING,
)
from iotae.stream.kernels import MASS
from iotae.stream.memory import WITNESS_BATCH
from iotae.stream.registry import FEATURES
from iotae.stream.scaler import COUNT as SEEN
from iotae.stream.scaler import HEAD, SPREAD
from iotae.stream.score_scale import CUT
from iotae.stream.sensor_figures import LEARNED_REACH

__all__ = ["COUNTERS", "MADE_WITH", "ONLINE_AUTOENCODER", "SETTINGS", "check_state"]

_LEAST_PIVOT, _LARGEST_INVERSE = 1e-4, 1e6
_UNEVEN = 1e-3
"""How far the halves of a matrix that should be symmetrical may be apart by rounding."""

_RIDGE = 3e-3
"""Added to a correlation matrix before it is asked whether it can be inverted: about what the model adds."""

_ROOM, _ROOM_BY_SIZE = 64 * 2**20, 32
"""Bytes that a model may take which its file does not hold: so many, or so many times its arrays."""


def check_state(data: State) -> None:
    """Hold the whole state of a stream's model against its schema."""
    check(data, ONLINE_AUTOENCODER)


def _check_scaler(data: State, place: str) -> None:
    stats, head = data["scaler"]["stats"], data["scaler"]["head"]
    seen, spread = stats[:, SEEN], stats[:, SPREAD]
    if (np.floor(seen) != seen).any():
        raise refuse(stats, f"{place}.scaler.stats", "whole numbers of values seen")
    if ((spread != 0.0) & (spread < LEAST_SPREAD)).any():
        raise refuse(stats, f"{place}.scaler.stats", f"spreads of 0, or of at least {LEAST_SPREAD:g}")
    told = np.arange(1, HEAD) < seen[:, None]
    if (told & (np.diff(head, axis=1) < 0.0)).any():
        raise refuse(head, f"{place}.scaler.head", "the first values of each feature in order of size")


def _check_histograms(data: State, place: str) -> None:
    mass, total = data["running"][MASS], data["counts_of_bins"].sum(axis=0)
    if (np.abs(total - mass) > 1e-3 * mass + 1e-6).any():
        raise refuse(data["counts_of_bins"], f"{place}.counts_of_bins", "as much in each as was counted")


def _check_counters(data: State, place: str) -> None:
    counters = [int(count) for count in data["counters"]]
    counts, size, d = data["counts"], len(data["pending"]), data["kinds"].shape[1]
    if not counters[PENDING] < size:
        raise refuse(counters[PENDING], f"{place}.counters", f"fewer rows that wait than a batch's {size}")
    if counters[LEARNED] != counters[BATCHES] * size + counters[PENDING]:
        raise refuse(counters[LEARNED], f"{place}.counters", "as many rows learned as in mini-batches")
    if not counters[PIVOT] < max(d, 1) or (d == 0 and counters[PIVOT] >= 0):
        raise refuse(counters[PIVOT], f"{place}.counters", f"a pivot below {d}")
    if counts[ACCEPTED] != counters[WITNESS_BATCHES] * WITNESS_BATCH + counters[WITNESS_PENDING]:
        raise refuse(float(counts[ACCEPTED]), f"{place}.counts", "as many rows accepted as in mini-batches")
    whole = counts[[N_PRODUCTS, ACCEPTED, ROWS]]
    if (np.floor(whole) != whole).any() or not whole[0] <= whole[1] <= whole[2]:
        raise refuse(
            counts, f"{place}.counts", "rows in the covariance, accepted, met: no more than the next"
        )


def _is_even(matrix: Float64) -> bool:
    return bool(
        np.abs(matrix - matrix.T).max(initial=0.0) <= _UNEVEN * (1.0 + np.abs(matrix).max(initial=0.0))
    )


def _can_be_inverted(matrix: Float64) -> bool:
    """Whether a symmetrical matrix has no direction in which it is not clearly positive."""
    try:
        np.linalg.cholesky(0.5 * (matrix + matrix.T))
    except np.linalg.LinAlgError:
        return False
    return True


def _check_matrices(data: State, place: str) -> None:
    matrices, d, where = data["matrices"], data["kinds"].shape[1], f"{place}.matrices"
    if len(matrices) != 3 * d:
        raise refuse(matrices, where, f"three matrices ({d}, {d})")
    products, swept, inverse = (matrices[i * d : (i + 1) * d].astype(np.float64) for i in range(3))
    rows, sums = data["counts"][N_PRODUCTS], data["moments"][SUM]
    reach = 1.01 * LEARNED_REACH
    if (np.abs(sums) > reach * rows).any() or (np.abs(products) > reach * reach * rows).any():
        raise refuse(matrices, where, f"sums over the {rows:g} rows in the covariance")
    if not _is_even(products) or (rows > 0.0 and not _can_be_inverted(_correlations(products, sums, rows))):
        raise refuse(matrices, where, "sums of products of rows")
    diagonal = np.diag(inverse)
    if (diagonal < _LEAST_PIVOT).any() or (np.abs(inverse) > _LARGEST_INVERSE).any():
        raise refuse(matrices, where, "an inverse in use, with a positive diagonal")
    pivot = int(data["counters"][PIVOT])
    if pivot >= 0:
        # the pivots to come are those of what is left; what is done has the sign turned
        left = swept[pivot:, pivot:] + _RIDGE * np.eye(d - pivot)
        done = -np.diag(swept)[:pivot]
        bounded = np.abs(swept).max() <= _LARGEST_INVERSE
        if not (bounded and _is_even(swept) and (done >= _LEAST_PIVOT).all() and _can_be_inverted(left)):
            raise refuse(matrices, where, "a matrix that can be inverted further")


def _correlations(products: Float64, sums: Float64, rows: float) -> Float64:
    """The correlation matrix that an inversion begins with."""
    means = sums / rows
    scale = 1.0 / np.sqrt(np.maximum(np.diag(products) / rows - means * means, 1e-4))
    correlations = (products / rows - np.outer(means, means)) * np.outer(scale, scale)
    np.fill_diagonal(correlations, 1.0 + _RIDGE)
    return correlations


def _check_witness(data: State, place: str) -> None:
    hidden, d = data["hidden"], data["kinds"].shape[1]
    n = n_rows_of_block(d)
    if len(hidden) != N_BLOCKS * n:
        raise refuse(hidden, f"{place}.hidden", f"{N_BLOCKS * n} rows, for {d} slots")
    blocks = [hidden[i * n : (i + 1) * n] for i in range(N_BLOCKS)]
    for name, (weights, first, second) in {"hidden": blocks[:3], "biases": data["biases"][:3]}.items():
        if (np.abs(weights) > LARGEST_WEIGHT).any() or (second < 0.0).any():
            raise refuse(weights, f"{place}.{name}", f"weights up to {LARGEST_WEIGHT:g} and squares")
        check_moments(first, second, f"{place}.{name}")


STREAM = Record(ARRAYS, (_check_scaler, _check_histograms, _check_counters, _check_matrices, _check_witness))


def _roles(data: State) -> list[float]:
    """What the score makes of each slot: see ``Features.roles``."""
    table = data["features"]["registry"]["table"]
    return [
        1.0 if kind == 3 and str(part).endswith("12 h") else float(kind)
        for kind, (_, part) in zip(table["kinds"].tolist(), table["slots"], strict=True)
    ]


def _check_parts(data: State, place: str) -> None:
    """Hold the parts of a model against each other and against its settings."""
    settings, network, stream = data["settings"], data["network"], data["stream"]
    expected: tuple[tuple[str, Any, Any], ...] = (
        ("stream.kinds", stream["kinds"][0].tolist(), _roles(data)),
        ("network.n_features", network["n_features"], max(stream["kinds"].shape[1], 1)),
        ("network.hidden_sizes", network["hidden_sizes"], data["hidden_sizes"]),
        ("network.activation", network["activation"], settings["activation"]),
        ("stream.pending", len(stream["pending"]), settings["batch_size"]),
        ("stream.scaler.horizon", float(stream["scaler"]["horizon"]), float(data["horizon"])),
        ("cut.alpha", data["cut"]["alpha"], settings["alpha"]),
    )
    for name, found, wanted in expected:
        if found != wanted:
            raise refuse(found, name, f"what the settings and the features say: {str(wanted)[:60]}")
    _check_room(data)


def _check_room(data: State) -> None:
    """Refuse a model that takes much more memory than its file, as room for training grows with the batch."""
    network, stream = data["network"], data["stream"]
    sizes = layer_sizes(network["n_features"], network["hidden_sizes"])
    held = sum(part.nbytes for part in stream.values() if isinstance(part, np.ndarray))
    held += 3 * network["parameters"].nbytes
    room = 4 * (2 * len(stream["pending"]) * sum(sizes) + n_parameters(sizes))
    if room > max(_ROOM, _ROOM_BY_SIZE * held):
        expected = f"a model that takes little more than the {held:,} bytes of its file, not {room:,}"
        raise refuse(len(stream["pending"]), "settings.batch_size", expected)


SETTINGS = Record(
    {
        "activation": Choice(*ACTIVATIONS),
        "learning_rate": RATE,
        "batch_size": Whole(1),
        "grace_period": Whole(),
        "alpha": Number(0.0, 1.0, inner=True),
        "seed": SEED,
    }
)

MADE_WITH = (*SETTINGS.fields, "hidden_sizes", "horizon")
"""What a model is made with, but its room for features."""

COUNTERS = Record({"n_seen": COUNT, "n_rejected": COUNT, "n_unusable": COUNT})


class _OfThisVersion(Record):
    """The state of a model, of which version 0.1 had another."""

    def check(self, value: Any, place: str, sizes: dict[str, int]) -> None:
        """See :class:`iotae._validation.schema.Schema`."""
        if isinstance(value, dict) and "schema" in value and "features" not in value:
            raise StateError(
                "saved by iotae 0.1, whose stream model kept other figures, so that it cannot go on; "
                "make a new model and let it learn anew"
            )
        super().check(value, place, sizes)


ONLINE_AUTOENCODER = _OfThisVersion(
    {
        "settings": SETTINGS,
        "hidden_sizes": HIDDEN_SIZES,
        "horizon": HORIZON,
        "counters": COUNTERS,
        "features": FEATURES,
        "cut": CUT,
        "network": NETWORK,
        "stream": STREAM,
        "confirmed": CONFIRMED,
    },
    (_check_parts,),
    frozenset({"confirmed"}),
)
