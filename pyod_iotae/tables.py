"""Any X that PyOD's users pass, as one matrix of numbers: arrays are checked, mixed frames encoded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import narwhals as nw
import numpy as np
from sklearn.utils.validation import validate_data

from iotae._typing import Bool, Float64
from iotae.batch.group_rows import GroupedRows
from iotae.data import Table
from iotae.data.foreign import as_frame, plain_array
from iotae.data.frames import is_frame
from iotae.preprocessing import Preprocessor
from pyod_iotae.groups import apart

__all__ = ["like", "to_numbers", "to_rows"]


def to_rows(detector: Any, X: Any, *, reset: bool, learned: Callable[[int], Bool] | None = None) -> Any:
    """What the detector's core takes of X: numbers as of :func:`to_numbers`, and with ``groups`` each row's.

    Raises
    ------
    ValueError
        As :func:`to_numbers`, and if ``groups`` names no column of X.
    """
    X, keys = apart(X, detector.groups)
    numbers = to_numbers(detector, X, reset=reset, learned=learned)
    return numbers if keys is None else GroupedRows(numbers, keys)


def to_numbers(
    detector: Any, X: Any, *, reset: bool, learned: Callable[[int], Bool] | None = None
) -> Float64:
    """Check X as scikit-learn does, and return it as float64 (n, e) with NaN for missing.

    A data frame with columns of text, categories or times is encoded: one column for each value, the
    sine and cosine of the hour and of the weekday. Any other X keeps its columns.

    Parameters
    ----------
    detector : estimator
        Its ``n_features_in_``, ``feature_names_in_`` and ``encoder_`` are set if ``reset``, and
        compared with X otherwise.
    X : array or data frame, shape (n, d)
    reset : bool
        Whether X is what the detector is fitted to.
    learned : callable, optional
        From the number of rows, which of them (n,) the encoding may be learned from; by default all.

    Raises
    ------
    ValueError
        If X is no such table, has infinities, or differs from what the detector was fitted to.
    TypeError
        If X is sparse.
    """
    if nw.dependencies.is_polars_lazyframe(X):
        raise ValueError("Got a lazy frame, but expected its rows: pass X.collect().")
    X = _typed(X) if is_frame(X) else plain_array(X)
    if reset:
        detector.encoder_ = Preprocessor(select=()) if _is_mixed(X) else None
    encoder: Preprocessor | None = detector.encoder_
    if encoder is None:
        return _checked(detector, X, reset)
    if not is_frame(X):
        raise ValueError(
            f"Got a {type(X).__name__}, but expected a data frame with the columns "
            f"{', '.join(encoder.feature_names_in)}: the detector was fitted on text, categories or times."
        )
    X = _named_by_text(X)
    table = _table(X)
    if reset:
        # an encoder that learns from all rows need not encode them twice
        rows = None if learned is None or not table.n_rows else learned(table.n_rows)
        if rows is None or rows.all():
            features = encoder.fit_apply(table)
            validate_data(detector, X, reset=True, skip_check_array=True)
            return features
        encoder.fit(table.take(rows))
    validate_data(detector, X, reset=reset, skip_check_array=True)
    return encoder.apply(table).X


def _checked(detector: Any, X: Any, reset: bool) -> Float64:
    try:
        # scikit-learn adds all cells up to find infinities
        with np.errstate(over="ignore", invalid="ignore"):
            table: Float64 = validate_data(
                detector, X, reset=reset, dtype=np.float64, ensure_all_finite="allow-nan", ensure_2d=True
            )
    except ValueError as error:
        if "could not convert string" not in str(error):
            raise
        raise ValueError(
            f"Got text that is no number ({error}), but expected numbers: pass a pandas, polars or pyarrow "
            "data frame to fit, which encodes text, or encode it first."
        ) from error
    return table


def _typed(X: Any) -> Any:
    """The frame, with numbers for columns of no type, which polars and pyarrow have where all is missing."""
    frame = as_frame(X)
    if not frame.columns:
        raise ValueError(f"Got a data frame of {len(frame)} rows without columns, but expected at least one.")
    untyped = [name for name, dtype in frame.schema.items() if dtype == nw.Unknown]
    empty = [name for name in untyped if frame[name].is_null().all()]
    return frame.with_columns(nw.col(*empty).cast(nw.Float64)).to_native() if empty else frame.to_native()


def _named_by_text(X: Any) -> Any:
    """The frame, with text for the names of its columns; pandas takes any."""
    if not hasattr(X, "iloc") or all(isinstance(name, str) for name in X.columns):
        return X
    return X.set_axis([str(name) for name in X.columns], axis=1)


def _is_mixed(X: Any) -> bool:
    if not is_frame(X):
        return False
    types = nw.from_native(X, eager_only=True).schema.dtypes()
    return not all(dtype.is_numeric() or dtype == nw.Boolean for dtype in types)


def _table(X: Any) -> Table:
    """A mixed frame's columns; an error if one of them cannot be used."""
    table = Table.from_frame(X)
    for name, kind in table.unsupported.items():
        raise ValueError(
            f"Got the column {name!r} of type {kind}, but expected numbers, booleans, text, categories or "
            "times: convert it or leave it out."
        )
    for name in table.names:
        column = table.array(name)
        if column.dtype.kind == "f" and table.numbers(name)[1]:
            raise ValueError(
                f"Got infinity in the column {name!r}, but expected finite numbers or missing cells."
            )
    return table


def like(X: Any, parts: Float64) -> Any:
    """Results (n, d) with X's column names, and its index if it has one; an array if X is one."""
    if not is_frame(X):
        return parts
    frame = nw.from_native(X, eager_only=True)
    if frame.implementation.is_pandas_like():
        return type(X)(parts, index=X.index, columns=X.columns)
    return nw.from_numpy(parts, schema=list(frame.columns), backend=frame.implementation).to_native()
