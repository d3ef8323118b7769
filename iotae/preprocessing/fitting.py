"""What preprocessing learns from training rows, step by step, with scikit-learn."""

from __future__ import annotations

from typing import Literal, Protocol

import numpy as np

from iotae._typing import Bool, Float64, Int64
from iotae.data import Table, TableError
from iotae.preprocessing.encoding import ColumnCode, learn_category, learn_time
from iotae.preprocessing.learned import Learned
from iotae.preprocessing.selection import (
    MAX_OUTLIERS,
    MIN_ROWS_TO_TELL,
    SELECTORS,
    compress_tails,
    is_counter,
    long_tailed,
    outlying_rows,
)

__all__ = ["Fill", "Missing", "Normalise", "Outliers", "Settings", "Tails", "learn"]

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


def learn(steps: Settings, table: Table, labels: Bool | None) -> tuple[Learned, Float64]:
    """Learn every step from a table: see :meth:`iotae.preprocessing.Preprocessor.fit`.

    Parameters
    ----------
    steps : Settings
    table : Table
    labels : ndarray of shape (n,), bool, optional
        True for anomalies.

    Returns
    -------
    learned : Learned
    X : ndarray of shape (n, D), float64
        The table's encoded columns, filled and with their long tails compressed: what
        :meth:`Learned.features` takes.

    Raises
    ------
    TableError
        If there are no rows, or no usable column or row is left.
    """
    if not table.n_rows:
        raise TableError("Got a table without rows, but expected rows to learn from.")
    normal = np.ones(table.n_rows, dtype=bool) if labels is None else ~labels
    if not normal.any():
        raise TableError("Got no row that is labelled normal, but expected some to learn from.")
    report: list[str] = [
        f"left out {name!r}: a column of type {kind}" for name, kind in table.unsupported.items()
    ]
    codes, X = _encode(steps, table, normal, report)
    names = [name for code in codes for name in code.names]
    numeric = np.repeat([code.kind == "numeric" for code in codes], [len(code.names) for code in codes])

    X, filling, present = _treat_missing(steps, X, normal, report)
    logged = np.zeros(X.shape[1], dtype=bool)
    if steps.tails == "log":
        logged = numeric & long_tailed(X[present & normal])
        X = compress_tails(X, logged)
        report += [
            f"{names[column]!r}: long tail, taken as its logarithm" for column in np.flatnonzero(logged)
        ]
    training = present & normal
    if steps.outliers != "none":
        training = _without_outliers(steps, X[:, numeric], training, report)

    usable = present & (training | ~normal)
    keep = _select(steps, X[usable], None if labels is None else labels[usable], names, report)
    if not keep.size:
        raise TableError(
            "Got no column left after the selection, but expected at least one: " + "; ".join(report[-4:])
        )
    offset, scale = _scaling(X[np.ix_(training, keep)], steps.normalise)
    if steps.normalise != "none":
        report.append(f"normalised: {steps.normalise}, on {int(training.sum())} rows")
    report.insert(0, f"columns: {len(table.names)} read, {keep.size} features made")

    seen = (*table.names, *table.unsupported)
    learned = Learned(tuple(codes), keep, filling, logged, offset, scale, seen, tuple(report), training)
    return learned, X


def _encode(
    steps: Settings, table: Table, normal: Bool, report: list[str]
) -> tuple[list[ColumnCode], Float64]:
    """Return how each usable column becomes numbers, and those numbers (n, D)."""
    learned = (_learn_column(steps, table, name, normal, report) for name in table.names)
    codes = [code for code in learned if code and code.names]
    if not codes:
        raise TableError("Got no column with anything to learn from: " + "; ".join(report))
    encoded = [code.encode(table) for code in codes]
    report += [
        f"{code.name!r}: {part.unreadable} cells could not be read and count as missing"
        for code, part in zip(codes, encoded, strict=True)
        if part.unreadable
    ]
    return codes, np.column_stack([part.values for part in encoded])


def _treat_missing(
    steps: Settings, X: Float64, normal: Bool, report: list[str]
) -> tuple[Float64, Float64, Bool]:
    """Return the table, filled if asked for, what fills each column (D,), and which rows stay (n,)."""
    holes = np.isnan(X)
    complete = ~holes.any(axis=1)
    present: Bool = np.ones(len(X), dtype=bool)
    if steps.missing == "drop":
        present = np.asarray(complete)
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
    return X, filling, present


def _without_outliers(steps: Settings, numbers: Float64, training: Bool, report: list[str]) -> Bool:
    """Return the training rows (n,) that are no outliers in the numeric columns (n, k)."""
    assert steps.outliers != "none"
    rows = np.flatnonzero(training)
    out = outlying_rows(numbers[training], steps.outliers)
    left = training.copy()
    left[rows[out]] = False
    report.append(
        f"outliers ({steps.outliers}): {out.sum()} of {rows.size} training rows set aside "
        f"({out.mean():.1%}, at most {MAX_OUTLIERS:.0%})"
    )
    return left


def _learn_column(
    steps: Settings, table: Table, name: str, normal: Bool, report: list[str]
) -> ColumnCode | None:
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
            code = learn_category(table, name, steps.max_categories, steps.missing, normal)
            if not code.values:
                reason = f"{distinct} different texts, each of them rare, an identifier"
            elif code.fill and "" in texts:
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
