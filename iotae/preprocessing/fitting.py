"""What the paper's preprocessing learns from training rows, step by step, with scikit-learn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import ArrayLike

from iotae._typing import Bool, Float64, Int64
from iotae._validation import check_labels
from iotae.data import Table, TableError
from iotae.preprocessing.encoding import ColumnCode, learn_category, learn_time
from iotae.preprocessing.selection import (
    MAX_OUTLIERS,
    MIN_ROWS_TO_TELL,
    SELECTORS,
    compress_tails,
    is_counter,
    long_tailed,
    outlying_rows,
)

__all__ = ["Fill", "Learned", "Missing", "Normalise", "Outliers", "Settings", "Tails", "learn"]

Missing = Literal["keep", "fill", "drop"]
Fill = Literal["median", "mean", "zero"]
Normalise = Literal["none", "minmax", "standard", "robust"]
Tails = Literal["keep", "log"]
Outliers = Literal["none", "robust_z", "iqr"]


class Settings(Protocol):
    """What the user chose: the parameters of :class:`iotae.preprocessing.Preprocessor`."""

    missing: Missing
    fill: Fill
    tails: Tails
    normalise: Normalise
    select: tuple[str, ...]
    outliers: Outliers
    max_categories: int | None


@dataclass(frozen=True, eq=False)
class Learned:
    """What fitting learned, as plain values: D encoded columns, of which d are kept as features.

    Parameters
    ----------
    codes : tuple of ColumnCode
        How columns of the table become the D encoded ones.
    keep : ndarray of shape (d,), int64
        Which encoded columns are features.
    filling : ndarray of shape (D,), float64
        What fills missing cells; NaN where they stay.
    logged : ndarray of shape (D,), bool
        Which encoded columns are taken as their signed logarithm.
    offset, scale : ndarray of shape (d,), float64
        A feature is ``(value - offset) / scale``.
    seen : tuple of str
        All columns of the table, those left out included.
    report : tuple of str
    training_mask : ndarray of shape (n,), bool
        The rows that are fit to learn from; not part of the state.
    """

    codes: tuple[ColumnCode, ...]
    keep: Int64
    filling: Float64
    logged: Bool
    offset: Float64
    scale: Float64
    seen: tuple[str, ...]
    report: tuple[str, ...]
    training_mask: Bool = field(default_factory=lambda: np.empty(0, dtype=bool))

    @property
    def encoded_names(self) -> list[str]:
        """Names of the D encoded columns."""
        return [name for code in self.codes for name in code.names]

    def to_state(self) -> dict[str, Any]:
        """Return everything but the training mask as arrays and JSON values."""
        return {
            "columns": [code.to_state() for code in self.codes],
            "keep": self.keep,
            "filling": self.filling,
            "logged": self.logged,
            "offset": self.offset,
            "scale": self.scale,
            "seen": list(self.seen),
            "report": list(self.report),
        }

    @classmethod
    def from_state(cls, data: Mapping[str, Any]) -> Learned:
        """Rebuild from :meth:`to_state`."""
        codes = tuple(ColumnCode.from_state(code) for code in data["columns"])
        arrays = {name: data[name] for name in ("keep", "filling", "logged", "offset", "scale")}
        return cls(codes=codes, seen=tuple(data["seen"]), report=tuple(data["report"]), **arrays)


def learn(steps: Settings, table: Table, y: ArrayLike | None) -> Learned:
    """Learn every step from a table: see :meth:`iotae.preprocessing.Preprocessor.fit`.

    Raises
    ------
    TableError
        If there are no rows, or no usable column or row is left.
    """
    if not table.n_rows:
        raise TableError("Got a table without rows, but expected rows to learn from.")
    labels = None if y is None else np.asarray(y)
    if labels is not None and labels.shape != (table.n_rows,):
        raise TableError(f"Got labels of shape {labels.shape} for {table.n_rows} rows.")
    if labels is not None and labels.size:
        labels = check_labels(labels)
    normal = np.ones(table.n_rows, dtype=bool) if labels is None else ~labels
    if not normal.any():
        raise TableError("Got no row that is labelled normal, but expected some to learn from.")
    report: list[str] = [
        f"left out {name!r}: a column of type {kind}" for name, kind in table.unsupported.items()
    ]
    codes = [c for c in (_learn_column(steps, table, name, report) for name in table.names) if c and c.names]
    if not codes:
        raise TableError("Got no column with anything to learn from: " + "; ".join(report))
    encoded = [code.encode(table) for code in codes]
    X = np.column_stack([part.values for part in encoded])
    report += [
        f"{code.name!r}: {part.unreadable} cells could not be read and count as missing"
        for code, part in zip(codes, encoded, strict=True)
        if part.unreadable
    ]
    names = [name for code in codes for name in code.names]

    holes = np.isnan(X)
    complete = ~holes.any(axis=1)
    present = complete if steps.missing == "drop" else np.ones(table.n_rows, dtype=bool)
    if not (present & normal).any():
        raise TableError("Got a missing value in every row: use missing='fill' or 'keep' instead of 'drop'.")
    filling = np.full(X.shape[1], np.nan)
    if steps.missing == "fill":
        filling = _filling(X[normal], steps.fill)
        X = np.where(holes, filling, X)
    if holes.any():
        done = {
            "keep": "kept as missing",
            "fill": "filled",
            "drop": f"in {(~complete).sum()} rows dropped",
        }
        report.append(f"missing values: {int(holes.sum())} cells {done[steps.missing]}")

    measured = np.repeat([code.kind == "numeric" for code in codes], [len(code.names) for code in codes])
    logged = np.zeros(X.shape[1], dtype=bool)
    if steps.tails == "log":
        logged = measured & long_tailed(X[present & normal])
        X = compress_tails(X, logged)
        report += [
            f"{names[column]!r}: long tail, taken as its logarithm" for column in np.flatnonzero(logged)
        ]

    training = present & normal
    if steps.outliers != "none":
        rows = np.flatnonzero(training)
        out = outlying_rows(X[np.ix_(training, measured)], steps.outliers)
        training[rows[out]] = False
        report.append(
            f"outliers ({steps.outliers}): {out.sum()} of {rows.size} training rows set aside "
            f"({out.mean():.1%}, at most {MAX_OUTLIERS:.0%})"
        )

    usable = present & (training | ~normal)
    keep = _select(steps, X[usable], None if labels is None else labels[usable], names, report)
    if not keep.size:
        raise TableError("Got no column that says anything: " + "; ".join(report[-4:]))
    offset, scale = _scaling(X[np.ix_(training, keep)], steps.normalise)
    if steps.normalise != "none":
        report.append(f"normalised: {steps.normalise}, on {int(training.sum())} rows")
    report.insert(0, f"columns: {len(table.names)} read, {keep.size} features made")

    seen = (*table.names, *table.unsupported)
    return Learned(tuple(codes), keep, filling, logged, offset, scale, seen, tuple(report), training)


def _learn_column(steps: Settings, table: Table, name: str, report: list[str]) -> ColumnCode | None:
    """Decide how one column becomes numbers; say so in the report where it does not."""
    kind = table.kind(name)
    reason = ""
    code = ColumnCode(name, kind)
    if kind == "numeric":
        values, _ = table.numbers(name)
        if np.isnan(values).all():
            reason = "no number in it"
        elif "counter" in steps.select and is_counter(values):
            reason = "counts the rows or tells the time"
    elif kind == "time":
        code = learn_time(table, name)
        if not code.cycles:
            reason = "times that do not cover a day"
    else:
        texts = table.texts(name)
        distinct = len(set(texts.tolist()))
        if distinct > max(steps.max_categories or np.inf, MIN_ROWS_TO_TELL, table.n_rows / 2):
            reason = f"{distinct} different texts, an identifier"
        else:
            code = learn_category(table, name, steps.max_categories, steps.missing)
            if code.fill and "" in texts:
                report.append(f"{name!r}: {int((texts == '').sum())} empty cells take {code.fill!r}")
    if reason:
        report.append(f"left out {name!r}: {reason}")
        return None
    return code


def _select(steps: Settings, X: Float64, y: Bool | None, names: list[str], report: list[str]) -> Int64:
    """Return the columns that all steps of selection keep."""
    keep = np.arange(X.shape[1])
    for step, (select, reason) in SELECTORS.items():
        if step in steps.select and keep.size:
            good = select(X[:, keep], y)
            report += [f"removed {names[column]!r}: {reason}" for column in keep[~good]]
            keep = keep[good]
    return keep


def _filling(X: Float64, fill: Fill) -> Float64:
    """Return what fills the missing cells of each column; 0 for a column without any value."""
    from sklearn.impute import SimpleImputer

    strategy = "constant" if fill == "zero" else fill
    imputer = SimpleImputer(strategy=strategy, fill_value=0.0, keep_empty_features=True)
    return np.asarray(imputer.fit(X).statistics_, dtype=np.float64)


def _scaling(X: Float64, rule: Normalise) -> tuple[Float64, Float64]:
    """Return offset and scale of each column; a column without spread keeps scale 1."""
    if rule == "none":
        return np.zeros(X.shape[1]), np.ones(X.shape[1])
    from sklearn.preprocessing import MinMaxScaler, RobustScaler, StandardScaler

    if rule == "minmax":
        scaler = MinMaxScaler().fit(X)
        return np.asarray(scaler.data_min_), 1.0 / np.asarray(scaler.scale_)
    scaler = StandardScaler().fit(X) if rule == "standard" else RobustScaler().fit(X)
    return np.asarray(scaler.mean_ if rule == "standard" else scaler.center_), np.asarray(scaler.scale_)
