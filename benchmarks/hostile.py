"""The hostile benchmark: what rows of every bad kind, among real ones, do to the ranking of the real ones.

A hostile row is a real row of the same stream in which some or all cells say something that no sensor
should; or it lacks cells, or has cells that no other row has. Its place is drawn at random.
"""

from __future__ import annotations

import datetime
import math
import sys
from collections.abc import Iterator, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import datasets, protocols, render
from benchmarks.dataset import Dataset
from iotae import OnlineAutoencoder

__all__ = ["COPY", "KINDS", "compare", "hostile_row", "is_finite", "measure", "mixed"]

Row = dict[Any, Any]

CELLS: dict[str, tuple[Any, ...]] = {
    "NaN": (math.nan, -math.nan),
    "infinity": (math.inf, -math.inf),
    "1e300": (1e300, -1e300, sys.float_info.max, -sys.float_info.max),
    "None": (None,),
    "text": ("error", "", "nan", "1e300", "\udce9\0"),
    "boolean": (True, False),
    "Decimal": (Decimal("1e300"), Decimal("-1.5"), Decimal("NaN"), Decimal("sNaN"), Decimal("1e999")),
    "Fraction": (Fraction(1, 3), Fraction(10**400, 3), Fraction(3, 10**400)),
    "NumPy scalar": (
        np.float32("nan"), np.float16("inf"), np.float64(1e300), np.int64(-(2**63)), np.bool_(True),
        np.str_("odd"), np.datetime64("NaT"), np.longdouble("1e4000"),
    ),
    "huge integer": (10**400, -(10**400), 10**300),
    "nested": ([1.0], {"a": 1.0}, (), [math.nan], {1.0}, np.ones(2)),
    "bytes": (b"", b"\xff\xfe", bytearray(b"1.0")),
    "datetime": (datetime.datetime(2022, 1, 1), datetime.date.max, datetime.timedelta(1)),
    "object": (object(), 1 + 2j, float, print),
}  # fmt: skip
"""Kinds of cell, and what such a cell says: each replaced cell gets one of these."""

NAMES = (3, -1, 2.5, None, True, ("t", 1), ("t", ("u", None)), "", "\0", "\udce9")
"""Odd names of features."""

KINDS = (*CELLS, "empty row", "missing cells", "fifty new keys", "odd keys")
COPY = "copy"
"""No hostile row but the real one, a second time: what more rows at the same places do by themselves."""

COUNTED = ("n_seen", "n_rejected", "n_unusable", "n_refused")
Counts = dict[str, int]

MOST_LOST = 0.01
"""Most of the ROC AUC over the real rows that hostile rows may cost."""

TEXT = (
    "{n:,} hostile rows are put at random places among the real ones: {kinds}, in equal parts. A hostile "
    "row is made of the real row that comes next; in half of the rows one cell is struck, in the others "
    "all. All rows are scored and learned in order (at most {cap} real rows a set, shuffled where the order "
    "is not time, a fresh model for each group); the ROC AUC is over the real rows alone. *Copies* has real "
    "rows a second time in the hostile rows' places: what more rows do by themselves. The program stops if "
    "a score leaves [0, 1), if a call raises, or if the state is not finite afterwards: none did. The "
    "counters are the model's own, of the hostile run."
)


def hostile_row(kind: str, x: Row, rng: np.random.Generator) -> Row:
    """Return the hostile row of a kind, out of `KINDS` or `COPY`, that is made of a real row ``x``."""
    names = list(x)
    # half of the hostile rows have one bad cell, half of them nothing else
    struck = [names[rng.integers(len(names))]] if rng.random() < 0.5 else names
    if kind in CELLS:
        values = CELLS[kind]
        return x | {name: values[rng.integers(len(values))] for name in struck}
    if kind == COPY:
        return dict(x)
    if kind == "empty row":
        return {}
    if kind == "missing cells":
        return {name: value for name, value in x.items() if name not in struck}
    if kind == "fifty new keys":
        return x | {f"new {rng.integers(10**9)}": float(rng.normal()) for _ in range(50)}
    return x | {NAMES[rng.integers(len(NAMES))]: float(rng.normal()) for _ in range(3)}


def mixed(
    rows: Sequence[Row], n_hostile: int, rng: np.random.Generator, kinds: Sequence[str] = KINDS
) -> Iterator[tuple[Row, bool]]:
    """Yield the real rows in order with ``n_hostile`` hostile ones at random places, and which is real."""
    places = np.sort(rng.integers(0, len(rows) + 1, n_hostile))
    ends = np.searchsorted(places, np.arange(len(rows) + 1), side="right")
    done = 0
    for i in range(len(rows) + 1):
        for _ in range(done, ends[i]):
            x = rows[min(i, len(rows) - 1)]
            yield hostile_row(kinds[rng.integers(len(kinds))], x, rng), False
        done = ends[i]
        if i < len(rows):
            yield rows[i], True


def _in_order(data: Dataset, seed: int, max_rows: int) -> Dataset:
    """Return the rows as `protocols.stream` plays them."""
    if not data.ordered:
        data = data.take(np.random.default_rng(seed).permutation(len(data.y)))
    return data.take(np.arange(min(max_rows or len(data.y), len(data.y))))


def _run(
    data: Dataset, n_hostile: int, seed: int, kinds: Sequence[str]
) -> tuple[NDArray[np.float64], Counts]:
    """Return the scores of the real rows (n,), and what was counted; a fresh model for each group."""
    rng = np.random.default_rng(seed)
    group = np.zeros(len(data.y), dtype=np.int64) if data.group is None else data.group
    scores = np.empty(len(data.y))
    counts: Counts = dict.fromkeys(COUNTED, 0)
    for label in dict.fromkeys(group.tolist()):
        places = np.flatnonzero(group == label)
        rows = [x for block in protocols.rows_as_dicts(data.take(places)) for x in block]
        model = OnlineAutoencoder(seed=seed)
        own: list[float] = []
        for x, real in mixed(rows, round(n_hostile * len(rows) / len(data.y)), rng, kinds):
            score = model.score_one(x)
            if not 0.0 <= score < 1.0:
                raise ValueError(f"Got a score of {score!r} for {x!r}, but expected one in [0, 1).")
            if real:
                own.append(score)
            model.learn_one(x)
        scores[places] = own
        if not is_finite(model):
            raise ValueError(f"Got a state that is not finite after group {label} of {data.name}.")
        for name in counts:
            counts[name] += getattr(model, name)
    return scores, counts


def is_finite(model: OnlineAutoencoder) -> bool:
    """Whether all that a model knows is finite; a missing cell of a row in a mini-batch is NaN by right."""
    data = model.to_state()
    stream = data["stream"]
    # NaN is a missing cell, and the last reading of a feature that has none yet
    gappy = ("pending", "minibatch", "witness_wanted", "fresh_wanted", "sensors")
    batches = [stream.pop(name) for name in gappy]
    network = [array for array in data["network"].values() if isinstance(array, np.ndarray)]
    arrays = [*stream.pop("scaler").values(), *stream.values(), *network]
    arrays = [array for array in arrays if isinstance(array, np.ndarray)]
    return not any(np.isinf(batch).any() for batch in batches) and all(
        bool(np.isfinite(array).all())
        for array in arrays
        if isinstance(array, np.ndarray) and array.dtype.kind == "f"
    )


def measure(
    data: Dataset, n_hostile: int, seed: int = 0, kinds: Sequence[str] = KINDS
) -> dict[str, float | int]:
    """Run a set clean, with copies of its rows, and with hostile rows at the same places.

    Parameters
    ----------
    data : Dataset
        The stream, in the order in which it is to be played.
    n_hostile : int
        Hostile rows, spread over the groups by their length.
    seed : int
        Decides the model, the places and the hostile rows.
    kinds : sequence of str
        Kinds of hostile row to draw from, out of `KINDS`.

    Returns
    -------
    dict
        clean, copies, hostile: ROC AUC over the real rows; n, and the model's counters in the hostile run.

    Raises
    ------
    ValueError
        Where a score leaves [0, 1) or the state is no longer finite.
    """
    found: dict[str, float | int] = {"n": len(data.y)}
    for name, n_more, of in (
        ("clean", 0, kinds),
        ("copies", n_hostile, (COPY,)),
        ("hostile", n_hostile, kinds),
    ):
        scores, counts = _run(data, n_more, seed, of)
        found[name] = protocols.ranking(data.y, scores)[0]
    return found | counts


def compare(seed: int, max_rows: int, n_hostile: int = 10_000) -> tuple[list[str], list[str]]:
    """Run every stream set at hand, the Shuttle set first; return the page's sections and notes."""
    absent: list[str] = []
    rows = []
    for name in dict.fromkeys(("river_shuttle", *datasets.names("stream"))):
        if reason := datasets.why_absent("stream", name):
            absent.append(reason)
            continue
        data = _in_order(datasets.load("stream", name), seed, max_rows)
        found = measure(data, n_hostile, seed)
        lost = found["clean"] - found["hostile"]
        figures = [f"{found[key]:.4f}" for key in ("clean", "copies", "hostile")]
        verdict = "yes" if lost <= MOST_LOST else "**no**"
        rows.append(
            [name, f"{found['n']:,}", *figures, f"{-lost:+.4f}", verdict, *(f"{found[c]:,}" for c in COUNTED)]
        )
    header = ["set", "real rows", "clean", "copies", "hostile", "change", "within 0.01", *COUNTED]
    text = TEXT.format(n=n_hostile, kinds=", ".join(KINDS), cap=f"{max_rows:,}" if max_rows else "all")
    return [text, render.markdown(header, rows)], absent
