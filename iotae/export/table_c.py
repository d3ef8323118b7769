"""The network's view of a fitted table as one C99 header, without allocation."""

from __future__ import annotations

import numpy as np

from iotae._typing import Float64
from iotae.export.c_text import array, number
from iotae.export.header import Parts, header
from iotae.export.network_c import dense_layers, scaled_array, times
from iotae.export.table_figures import FrozenTable, freeze_table, network_scores
from iotae.pipeline import TableDetector

__all__ = ["table_header"]

_N_TESTED = 16

_RECONSTRUCTION = """\
    for (j = 0; j < @P@_N_CELLS; j++)
        total += made[j] * made[j];
    return sqrtf(total * (float)@P@_N_CELLS / (float)(present > 1 ? present : 1));"""

_EACH = """\
    for (j = 0; j < @P@_N_CELLS + @P@_N_CODE; j++) {
        float value = j < @P@_N_CODE ? code[j] : made[j - @P@_N_CODE];
        value = (value - @p@_mean[j]) * @p@_whitening[j];
        total += value * value;
    }
    return sqrtf(total);"""

_WHITENED = """\
    for (j = 0; j < @P@_N_CELLS + @P@_N_CODE; j++)
        white[j] = 0.0f;
    for (k = 0; k < @P@_N_CELLS + @P@_N_CODE; k++) {
        float value = k < @P@_N_CODE ? code[k] : made[k - @P@_N_CODE];
        value = @P@_TIMES(value - @p@_mean[k], @p@_whitening_scale, k);
        for (j = 0; j < @P@_N_CELLS + @P@_N_CODE; j++)
            white[j] += value * (float)@p@_whitening[k][j];
    }
    for (j = 0; j < @P@_N_CELLS + @P@_N_CODE; j++)
        total += white[j] * white[j];
    return sqrtf(total);"""


def table_header(detector: TableDetector, name: str, weights: str) -> str:
    """The source of a header that scores rows by the network of a fitted table."""
    frozen = freeze_table(detector)
    arrays, layers = dense_layers(frozen.layers, frozen.sizes, frozen.activation, weights)
    rows = _example_rows(frozen)
    joined = bool(frozen.mean.size)
    n_code = frozen.sizes[1 + frozen.narrowest]
    definitions = {"N_CELLS": str(len(frozen.names)), "CUT": number(frozen.cut)}
    if joined:
        definitions["N_CODE"] = str(n_code)
        copy = f"    for (i = 0; i < {n_code}; i++)\n        code[i] = {'ab'[frozen.narrowest % 2]}[i];"
        layers = layers.replace("@code@", copy).replace("@code_parameter@", ", float *code")
    else:
        layers = layers.replace("@code@\n", "").replace("@code_parameter@", "")
    slots = [
        array("@p@_filling", frozen.filling, "@P@_CELL"),
        array("@p@_centre", frozen.centre, "@P@_CELL"),
        array("@p@_unit", frozen.unit, "@P@_CELL"),
        *([array("@p@_factor", frozen.factor), array("@p@_shift", frozen.shift)] if frozen.bent else []),
    ]
    return header(
        "table.h",
        name,
        Parts(
            what=f"the network of an iotae table model of {len(frozen.names)} features",
            weights=weights,
            names=frozen.names,
            definitions=[
                *(f"#define @P@_{key} {value}" for key, value in definitions.items()),
                times(weights),
            ],
            rows=rows,
            scores=network_scores(detector, rows),
            places={
                "arrays": "\n".join([*slots, *arrays, *_whitening(frozen, weights)]),
                "dense": layers,
                **_score_text(frozen),
            },
        ),
    )


def _whitening(frozen: FrozenTable, weights: str) -> list[str]:
    if not frozen.mean.size:
        return []
    mean = array("@p@_mean", frozen.mean)
    if frozen.matrix.ndim == 1:
        return [mean, array("@p@_whitening", frozen.matrix)]
    return [mean, *scaled_array("whitening", frozen.matrix, weights, bits=16)]


def _score_text(frozen: FrozenTable) -> dict[str, str]:
    joined, whole = bool(frozen.mean.size), frozen.matrix.ndim == 2
    length = (_WHITENED if whole else _EACH) if joined else _RECONSTRUCTION
    white = ", white[@P@_N_CELLS + @P@_N_CODE]" if whole else ""
    bend = "scaled = asinhf(scaled) * @p@_factor[j] - @p@_shift[j];\n    "
    bend += "scaled = scaled > 30.0f ? 30.0f : (scaled < -30.0f ? -30.0f : scaled);\n    "
    return {
        "most": "1e30" if frozen.bent else "1e9",
        "bend": bend if frozen.bent else "",
        "code_array": f", code[@P@_N_CODE]{white}" if joined else "",
        "code_argument": ", code" if joined else "",
        "count": ("k" if whole else "") if joined else "present = 0",
        "present": "" if joined else "present += scaled == scaled;",
        "length": length,
    }


def _example_rows(frozen: FrozenTable) -> Float64:
    """Rows about the middle, some with a missing or an absurd cell."""
    rng = np.random.default_rng(0)
    d = len(frozen.names)
    rows = frozen.centre + 0.25 * frozen.unit * rng.normal(size=(_N_TESTED, d))
    for i in range(_N_TESTED // 2):
        rows[i, rng.integers(d)] = (np.nan, 1e30)[i % 2]
    return rows.astype(np.float32).astype(np.float64)
