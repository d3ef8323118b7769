"""What the state of a table's model must look like."""

from __future__ import annotations

import re

import numpy as np

from iotae._typing import State
from iotae._validation.schema import (
    Array,
    Choice,
    Flag,
    ListOf,
    Maybe,
    Number,
    Record,
    Text,
    Whole,
    refuse,
)
from iotae.batch.cell_schema import CELLS, WhiteningMatrix, check_whitened
from iotae.batch.forest_schema import FOREST
from iotae.batch.row_selection import LEARN_ROWS
from iotae.nn.activations import ACTIVATIONS
from iotae.nn.architecture import layer_sizes
from iotae.nn.state_schema import HIDDEN_SIZES, NETWORK, RATE, SEED, reach

__all__ = ["BATCH_AUTOENCODER", "DROPOUT_RATE", "EPOCHS", "SETTINGS", "check_device", "check_fitted"]

EPOCHS = Maybe(Whole(1, 100_000))
"""Passes over the rows; a file cannot make a continued fit run for ever."""

DROPOUT_RATE = Number(0.0, float(np.nextafter(1.0, 0.0)))

_FITTED = ("network", "scaler", "views", "kept")
"""Parts that only a fitted model has."""

_DEVICE = re.compile("(cpu|cuda|mps|xpu)(:[0-9]{1,3})?")

_FARTHEST_CELL, _FARTHEST_KNOT = 1e9, 1e45
_ROUNDING = 1e-9
_LEAST_SPAN = 1e-13
_HIGHEST_JOINED = 1e6
_MOST_CATEGORIES = 2**31


def check_device(data: State, place: str) -> None:
    """Refuse a device that torch has no name for."""
    if data["device"] is not None and not _DEVICE.fullmatch(data["device"]):
        raise refuse(data["device"], f"{place}.device", "a device such as 'cpu' or 'cuda:0'")


def check_fitted(data: State, place: str) -> None:
    """Refuse the state of a model that was never fitted."""
    if "network" not in data:
        raise refuse(data, place, "a fitted model")


def _check_order(data: State, place: str) -> None:
    places, heights = data["knots"]
    # files of before hold means of equal heights that fall by their rounding
    falls = np.diff(heights) < -_ROUNDING * heights[:-1]
    if not places.size or (np.diff(places) <= 0.0).any() or falls.any():
        raise refuse(data["knots"], f"{place}.knots", "at least one, and values that rise")


def _check_counts(data: State, place: str) -> None:
    if not 0 < len(data["rows"]) <= min(LEARN_ROWS, data["n_seen"]):
        raise refuse(data["rows"], f"{place}.rows", f"at least one row, at most {LEARN_ROWS} or n_seen")


def _check_parts(data: State, place: str) -> None:
    n_parts = sum(name in data for name in _FITTED)
    if n_parts not in (0, len(_FITTED)):
        raise refuse(data, place, f"all of {', '.join(_FITTED)}, or none")
    if n_parts:
        _check_agreement(data, place)


def _check_agreement(data: State, place: str) -> None:
    """Hold the parts of a fitted model against each other."""
    network, names = data["network"], data["feature_names"]
    sizes = layer_sizes(network["n_features"], network["hidden_sizes"])
    width, d = min(sizes[1:-1]), sizes[0]
    whitening, slopes = data["views"]["whitening"], data["views"]["slopes"]
    if data["scaler"]["columns"].shape[1] != d or whitening["mean"].size != width + d:
        raise refuse(data["scaler"]["columns"], place, f"parts for {d} features and {width} latent units")
    if slopes.shape[0] != width or not len(data["views"]["references"]):
        raise refuse(slopes, f"{place}.views", f"references, and slopes of {width} latent units")
    if names is not None and len(names) != d:
        raise refuse(names, f"{place}.feature_names", f"{d} names")
    for name, value in (
        ("hidden_sizes", data["hidden_sizes"]),
        ("activation", data["settings"]["activation"]),
    ):
        if network[name] != value:
            raise refuse(network[name], f"{place}.network.{name}", "what the settings say")
    if data["scaler"]["bent"] != (data["settings"]["scaling"] == "standard"):
        raise refuse(data["scaler"]["bent"], f"{place}.scaler.bent", "what the scaling says")
    _check_whitened(data, place, sizes)


def _check_whitened(data: State, place: str, sizes: tuple[int, ...]) -> None:
    reached = reach(data["network"])
    latent, output = reached[1 + int(np.argmin(sizes[1:-1]))], reached[-1]
    farthest = np.concatenate([latent, reached[0] + output])
    check_whitened(farthest, data["views"]["whitening"], f"{place}.views.whitening")


def _check_views(data: State, place: str) -> None:
    n_views, tails = 2 if data.get("cells") is None else 4, data["tails"]
    n_views += data.get("forest") is not None
    # models of version 0.1 have two views, and no weights of their own
    if len(tails) != n_views or len(data.get("weights", tails[:2])) != n_views:
        raise refuse(data["tails"], f"{place}.tails", f"a tail and a weight for each of {n_views} views")
    if data.get("forest") is not None:
        if data.get("cells") is None:
            raise refuse(data.get("cells"), f"{place}.cells", "a view of the cells beside the forest")
        columns, d = data["forest"]["columns"], data["references"].shape[1]
        if columns.max() >= d:
            raise refuse(columns, f"{place}.forest.columns", f"whole numbers below {d}")


_TAIL = Record(
    {
        "knots": Array(np.float64, 2, "knots", low=0.0, high=[[_FARTHEST_KNOT], [100.0]]),
        "span": Number(_LEAST_SPAN, _FARTHEST_KNOT),
    },
    (_check_order,),
)

_SCALE = Record(
    {
        "knots": Array(
            np.float64, 2, "knots of the scale", low=0.0, high=[[_HIGHEST_JOINED], [_FARTHEST_KNOT]]
        ),
        "excess": Number(_LEAST_SPAN, _FARTHEST_KNOT),
        "reach": Number(1e-2, 1e3),
    },
    (_check_order,),
)

_VIEWS = Record(
    {
        "references": Array(np.float32, "references", "features", low=-_FARTHEST_CELL, high=_FARTHEST_CELL),
        "whitening": Record({"mean": Array(np.float32, "width"), "matrix": WhiteningMatrix("width")}),
        "slopes": Array(np.float64, "latent units", "features", low=0.0, high=1e100),
        "tails": ListOf(_TAIL, 5, least=2),
        "weights": ListOf(Number(0.0, 1e3), 5, least=2),
        "cells": Maybe(CELLS),
        "forest": Maybe(FOREST),
        "scale": Maybe(_SCALE),
    },
    (_check_views,),
    # version 0.1 had neither cells nor weights; files of before have no forest, or joined scores on no scale
    frozenset({"weights", "cells", "forest", "scale"}),
)

SETTINGS = Record(
    {
        "activation": Choice(*ACTIVATIONS),
        "learning_rate": RATE,
        "epochs": EPOCHS,
        "batch_size": Whole(1),
        "dropout_rate": DROPOUT_RATE,
        "scaling": Choice("standard", "none"),
        "scoring": Choice("joined", "reconstruction"),
        "clean": Flag(),
        "seed": SEED,
        "device": Maybe(Text()),
    },
    (check_device,),
)

BATCH_AUTOENCODER = Record(
    {
        "settings": SETTINGS,
        "hidden_sizes": HIDDEN_SIZES,
        "history": ListOf(Number(-np.finfo(np.float64).max, np.finfo(np.float64).max)),
        "feature_names": Maybe(ListOf(Text())),
        "network": NETWORK,
        "scaler": Record(
            {
                "columns": Array(
                    np.float64,
                    4,
                    "features",
                    low=[[-1e300], [1e-290], [-1e3], [1e-3]],
                    high=[[1e300], [1e301], [1e3], [1e3]],
                ),
                "bent": Flag(),
            }
        ),
        "categories": Maybe(Array(np.int64, "features", low=-_MOST_CATEGORIES, high=_MOST_CATEGORIES)),
        "views": _VIEWS,
        "kept": Record(
            {
                "rows": Array(np.float64, "rows", "features", low=-np.inf, high=np.inf, missing=True),
                "weights": Array(np.float32, "rows", low=0.0),
                "n_seen": Whole(1),
            },
            (_check_counts,),
        ),
    },
    (_check_parts,),
    frozenset({*_FITTED, "categories"}),
)
