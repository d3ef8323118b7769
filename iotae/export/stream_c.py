"""A stream's model as one C99 header: weights, scaling, score and cut, without allocation."""

from __future__ import annotations

from typing import Any

import numpy as np

from iotae._typing import Float64
from iotae.export.c_text import array, number
from iotae.export.header import Parts, header
from iotae.export.network_c import dense_layers, scaled_array, times
from iotae.export.stream_figures import (
    FLAG,
    KNOWN,
    MET,
    SCORED,
    TELLS_HOUR,
    FrozenStream,
    freeze,
    frozen_scores,
)
from iotae.nn.leave_one_out import HIDDEN
from iotae.stream.autoencoder import OnlineAutoencoder
from iotae.stream.histogram import BINS

__all__ = ["stream_header"]

_N_TESTED = 16


def stream_header(model: OnlineAutoencoder, name: str, weights: str) -> str:
    """The source of a header that scores rows as the model does now."""
    frozen = freeze(model)
    arrays, layers = dense_layers(frozen.layers, frozen.sizes, frozen.activation, weights)
    arrays = [*_slots(frozen, weights), *arrays, *_parts(frozen), _state(frozen)]
    rows = _example_rows(frozen)
    return header(
        "stream.h",
        name,
        Parts(
            what=f"an iotae stream model after {model.n_seen} rows",
            weights=weights,
            names=frozen.names,
            definitions=[*_definitions(frozen), times(weights)],
            rows=rows,
            scores=frozen_scores(model, rows),
            places={
                "arrays": "\n".join(arrays),
                "dense": layers.replace("@code@\n", "").replace("@code_parameter@", ""),
            },
            has_state=True,
        ),
    )


def _definitions(frozen: FrozenStream) -> list[str]:
    whole = {"N_BINS": BINS, "N_HIDDEN": HIDDEN, "SCORED": SCORED, "CLOCK": TELLS_HOUR}
    whole |= {"MET": MET, "KNOWN": KNOWN, "FLAG": FLAG, "N_CELLS": len(frozen.names)}
    names = ("cut", "lean", "usual", "reach", "order", "agree_mean", "per_agree", "empty_score")
    numbers: dict[str, Any] = {name.upper(): number(frozen.single[name]) for name in names}
    return [f"#define @P@_{name} {value}" for name, value in {**whole, **numbers}.items()]


def _slots(frozen: FrozenStream, weights: str) -> list[str]:
    slots = dict(frozen.slots)
    kinds = {"centre": "@P@_CELL", "spread": "@P@_CELL", "role": "uint8_t"}
    lead = slots.pop("lead")
    # the share that the network has proved goes into its weights, so its output is what it adds
    slots["out_bias"] = lead * slots["out_bias"]
    out_of = (lead[:, None] * frozen.out_of).astype(np.float32)
    arrays = [array(f"@p@_{name}", values, kinds.get(name, "float")) for name, values in slots.items()]
    return [
        *arrays,
        *scaled_array("table", frozen.table.astype(np.float32), weights),
        array("@p@_tails", frozen.tails),
        *scaled_array("inverse", frozen.inverse, weights, bits=16),
        *scaled_array("into", frozen.into, weights),
        *scaled_array("out_of", out_of, weights),
        array("@p@_hidden_bias", frozen.hidden_bias),
    ]


def _parts(frozen: FrozenStream) -> list[str]:
    return [array(f"@p@_{name}", values) for name, values in frozen.parts.items()]


def _state(frozen: FrozenStream) -> str:
    rows = []
    for name, values in frozen.state.items():
        kind = "double" if name == "last" else "float"
        words = [number(value, kind) for value in values.tolist()]
        rows.append("{" + ",\n     ".join(", ".join(words[i : i + 8]) for i in range(0, len(words), 8)) + "}")
    rows.append(number(frozen.single["agree"]))
    start = ",\n    ".join(rows)
    return (
        "/* The model's memory of the rows before, as it was exported: the state to begin with. */\n"
        f"static const @p@_state @p@_exported_state = {{\n    {start}}};"
    )


def _example_rows(frozen: FrozenStream) -> Float64:
    """Rows as the model expects them, some with a missing, an odd or an absurd cell."""
    rng = np.random.default_rng(0)
    slots, d = frozen.slots, len(frozen.names)
    rows = slots["centre"] + slots["spread"] * rng.normal(scale=1.2, size=(_N_TESTED, d))
    rows[:, slots["spread"] == 0.0] = slots["centre"][slots["spread"] == 0.0]
    for i in range(_N_TESTED // 2):
        j = rng.integers(d)
        rows[i, j] = (np.nan, rows[i, j] + 9.0 * slots["spread"][j], 1e30, -1e30)[i % 4]
    # as single precision holds them, so that the test is the same with cells of either type
    return rows.astype(np.float32).astype(np.float64)
