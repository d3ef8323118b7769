"""What the state of a fitted preprocessor must look like."""

from __future__ import annotations

from typing import get_args

import numpy as np

from iotae._typing import State
from iotae._validation.schema import Array, Choice, ListOf, Maybe, Number, Record, Row, Text, Whole, refuse
from iotae.preprocessing.fitting import Fill, Missing, Normalise, Outliers, Tails
from iotae.preprocessing.selection import SELECTORS

__all__ = ["PREPROCESSOR", "n_features"]


def n_features(data: State) -> int:
    """How many features a preprocessor of this state makes."""
    return int(data["learned"]["keep"].size)


def _n_columns(code: State) -> int:
    """How many encoded columns are made of one column."""
    if code["kind"] == "numeric":
        return 1
    if code["kind"] == "time":
        return 2 * len(code["cycles"])
    return len(code["values"]) + bool(code["rare"]) + bool(code.get("rarity"))


def _check_code(code: State, place: str) -> None:
    if not _n_columns(code):
        raise refuse(code, place, "a column of which at least one number is made")
    known = {*code["values"], *code["rare"]}
    if len(known) < len(code["values"]) + len(code["rare"]):
        raise refuse(code["rare"], f"{place}.rare", "values that have no column of their own")
    n_surprises = len(code.get("rarity", ()))
    if n_surprises and (code["kind"] != "category" or n_surprises != len(known) + 1):
        raise refuse(
            code["rarity"], f"{place}.rarity", f"one for each of {len(known)} values, and for any other"
        )
    if code["fill"] and code["fill"] not in known:
        raise refuse(code["fill"], f"{place}.fill", "one of the values, or ''")


def _check_columns(data: State, place: str) -> None:
    n_encoded = sum(map(_n_columns, data["columns"]))
    keep, names = data["keep"], [code["name"] for code in data["columns"]]
    if len(set(names)) < len(names):
        raise refuse(data["columns"], f"{place}.columns", "columns of different names")
    if data["filling"].size != n_encoded:
        raise refuse(
            data["filling"], f"{place}.filling", f"one value for each of {n_encoded} encoded columns"
        )
    if not keep.size or np.unique(keep).size < keep.size or keep.max() >= n_encoded:
        raise refuse(keep, f"{place}.keep", f"different numbers below {n_encoded}, at least one")


_COLUMN = Record(
    {
        "name": Text(),
        "kind": Choice("numeric", "category", "time"),
        "values": ListOf(Text(), distinct=True),
        "rare": ListOf(Text(), distinct=True),
        "fill": Text(),
        "cycles": ListOf(Choice("hour", "weekday"), distinct=True),
        "notation": Row(
            Choice("numeric", "category", "time"),
            Choice(".", ","),
            Text(),
            Choice("dmy", "mdy"),
            Text(),
        ),
        "rarity": ListOf(Number(0.0, 1e3)),
    },
    (_check_code,),
    frozenset({"notation", "rarity"}),
)

PREPROCESSOR = Record(
    {
        "settings": Record(
            {
                "missing": Choice(*get_args(Missing)),
                "fill": Choice(*get_args(Fill)),
                "tails": Choice(*get_args(Tails)),
                "normalise": Choice(*get_args(Normalise)),
                "outliers": Choice(*get_args(Outliers)),
                "max_categories": Maybe(Whole(2)),
                "select": ListOf(Choice("counter", "trend", *SELECTORS)),
            }
        ),
        "learned": Record(
            {
                "columns": ListOf(_COLUMN),
                "keep": Array(np.int64, "kept columns", low=0),
                "filling": Array(np.float64, "encoded columns", missing=True),
                "logged": Array(np.bool_, "encoded columns"),
                "offset": Array(np.float64, "kept columns", missing=True),
                "scale": Array(np.float64, "kept columns", low=np.finfo(np.float64).tiny, missing=True),
                "seen": ListOf(Text()),
                "report": ListOf(Text(plain=True)),
            },
            (_check_columns,),
        ),
    }
)
