"""What fitting learned, as plain arrays, and how it is applied to a table: with NumPy alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from iotae._typing import Bool, Float64, Int64
from iotae.data import Table, TableError
from iotae.preprocessing.encoding import ColumnCode
from iotae.preprocessing.selection import compress_tails, restore_tails

__all__ = ["Learned"]


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
    def feature_names(self) -> list[str]:
        """Names of the d features."""
        names = [name for code in self.codes for name in code.names]
        return [names[column] for column in self.keep]

    @property
    def feature_sources(self) -> list[str]:
        """For each feature the column of the table it was made from."""
        sources = [code.name for code in self.codes for _ in code.names]
        return [sources[column] for column in self.keep]

    @property
    def feature_categories(self) -> Int64:
        """What :meth:`iotae.BatchAutoencoder.fit` takes as ``categories``: which features (d,) are one."""
        kinds: list[int] = []
        number = 0
        for code in self.codes:
            number += code.kind == "category"
            width, of_rarity = len(code.names), int(bool(code.rarity))
            own = [number] * (width - of_rarity) + [-number] * of_rarity
            kinds += own if code.kind == "category" else [0] * width
        return np.array(kinds, np.int64)[self.keep]

    def encode(self, table: Table, *, allow_missing: bool, strict: bool) -> tuple[Float64, Counter[str]]:
        """Turn a table into the D encoded columns (n, D), filled and with long tails compressed.

        The second result counts, by sentence, the cells that could not be used. For the parameters and
        errors see :meth:`iotae.preprocessing.Preprocessor.apply`.
        """
        absent = [code.name for code in self.codes if code.name not in table]
        if absent and not (allow_missing and len(absent) < len(self.codes)):
            raise TableError(
                f"Got a table without the column{'s' * (len(absent) > 1)} {', '.join(map(repr, absent))}, "
                "which the model was fitted on: add them, or allow missing columns (--allow-missing)."
            )
        notes: Counter[str] = Counter()
        parts = []
        for code in self.codes:
            if code.name in absent:
                notes[f"missing cells: column {code.name!r} is not there"] += table.n_rows
                parts.append(np.full((table.n_rows, len(code.names)), np.nan))
                continue
            part = code.encode(table)
            if strict and part.unreadable and np.isnan(part.values).all():
                expected = "a number" if code.kind == "numeric" else "a time"
                raise TableError(
                    f"Got column {code.name!r} with not one cell that is {expected}, as at fitting: check "
                    "that it is the same column, written in the same way."
                )
            notes[f"cells of {code.name!r} could not be read and count as missing"] += part.unreadable
            notes[f"cells of {code.name!r} have a value that fitting did not see"] += part.unseen
            parts.append(part.values)
        X = np.column_stack(parts)
        # without a value to fill with, NaN stays NaN
        X = np.where(np.isnan(X), self.filling, X)
        return compress_tails(X, self.logged), notes

    def features(self, encoded: Float64, rows: Bool) -> Float64:
        """Return the features (m, d) of some rows of the encoded columns (n, D)."""
        chosen = encoded[np.ix_(rows, self.keep)]
        chosen -= self.offset
        chosen /= self.scale
        return chosen

    def numbers(self, features: Float64) -> dict[str, Float64]:
        """Return what features (m, d) stand for, (m,) in its own units, of each column that is a number."""
        values = restore_tails(features * self.scale + self.offset, self.logged[self.keep])
        kinds = [code.kind for code in self.codes for _ in code.names]
        return {
            name: values[:, i]
            for i, (name, column) in enumerate(zip(self.feature_sources, self.keep, strict=True))
            if kinds[column] == "numeric"
        }

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
