"""A whole detector for tables: preprocessing, autoencoder and threshold, fitted and saved as one thing."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from iotae import serialization
from iotae._typing import Bool, Float64, Int64
from iotae._validation import check_labels
from iotae.batch.autoencoder import BatchAutoencoder
from iotae.data import Table, TableError
from iotae.preprocessing import Preprocessor
from iotae.thresholds import QuantileThreshold

__all__ = ["TableDetector"]

KIND = "TableDetector"
_MIN_HELD_OUT = 20


class TableDetector:
    """Preprocessing, a batch autoencoder and the cut that makes alarms of its scores.

    With labels it learns from rows labelled normal alone, and takes the cut from normal rows that it
    held out: the share of them above the cut is the false alarm rate asked for. Without labels it
    learns from all rows and takes the cut at that share of the training rows. No other row is ever
    looked at to set the cut.

    Parameters
    ----------
    preprocessor : Preprocessor, optional
        Fitted in place; by default categories are one-hot, missing cells are masked, and the
        autoencoder scales.
    autoencoder : BatchAutoencoder, optional
        Fitted in place; with labels it is told that its rows are clean.
    alpha : float, default=0.1
        Share of the normal rows (with labels) or of all rows (without) that may be alarms, in (0, 1).
    holdout : float, default=0.2
        Share of the normal rows held out for the cut, in (0, 1); used with labels only.
    seed : int, optional
        Of the hold-out, and of the default autoencoder.
    label, normal_value : str, optional
        The label column and its value for 'normal': kept for the record, and so that the label is
        known to be no feature.
    ignore : sequence of str, default=()
        Further columns that are no features.

    Attributes
    ----------
    threshold : float
        Scores above it are alarms.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> load = rng.normal(size=2000)
    >>> watts = Table({"watts": 50 + 5 * load, "amps": 2 + 0.2 * load, "mode": ["eco", "max"] * 1000})
    >>> detector = TableDetector(alpha=0.01, seed=0).fit(watts)
    >>> odd = Table({"watts": [55.0, 55.0], "amps": [2.2, 1.2], "mode": ["eco", "eco"]})
    >>> detector.classify(detector.score(odd))
    array([False,  True])
    """

    def __init__(
        self,
        preprocessor: Preprocessor | None = None,
        autoencoder: BatchAutoencoder | None = None,
        *,
        alpha: float = 0.1,
        holdout: float = 0.2,
        seed: int | None = None,
        label: str | None = None,
        normal_value: str | None = None,
        ignore: Sequence[str] = (),
    ) -> None:
        if not 0 < alpha < 1:
            raise ValueError(
                f"Got alpha={alpha}, but expected a number in (0, 1): pass the share of rows that may raise "
                "an alarm, e.g. alpha=0.05."
            )
        if not 0 < holdout < 1:
            raise ValueError(f"Got holdout={holdout}, but expected a share in (0, 1), e.g. holdout=0.2.")
        self.preprocessor = Preprocessor() if preprocessor is None else preprocessor
        self.autoencoder = BatchAutoencoder(seed=seed) if autoencoder is None else autoencoder
        self.alpha, self.holdout, self.seed = float(alpha), float(holdout), seed
        self.label, self.normal_value, self.ignore = label, normal_value, list(ignore)
        self._threshold = QuantileThreshold(contamination=alpha)
        self._calibration: Float64 | None = None

    def fit(self, table: Table, y: ArrayLike | None = None) -> TableDetector:
        """Learn everything from a table.

        Parameters
        ----------
        table : Table
            The columns named by ``label`` and ``ignore`` are left out.
        y : array-like of shape (n,), optional
            True or 1 for anomalies.

        Raises
        ------
        TableError
            If there is nothing to learn from: see :meth:`iotae.preprocessing.Preprocessor.fit`.
        """
        table = table.without(self._no_features())
        labels = np.zeros(table.n_rows, dtype=bool) if y is None else np.asarray(y)
        if labels.shape != (table.n_rows,):
            raise TableError(f"Got labels of shape {labels.shape} for {table.n_rows} rows.")
        if labels.size:
            labels = check_labels(labels)
        held = np.zeros(table.n_rows, dtype=bool)
        if y is not None:
            held[self._hold_out(np.flatnonzero(~labels))] = True
        kept = table.take(~held) if held.any() else table
        self.preprocessor.fit(kept, None if y is None else labels[~held])
        learned = self.preprocessor.training_mask_
        X = self.preprocessor.apply(kept, keep_rows=True).X
        if y is not None:
            # the labels say that these rows are normal
            self.autoencoder.clean = True
        self.autoencoder.fit(X[learned])
        if held.any():
            normal = self.autoencoder.score(
                self.preprocessor.apply(table.take(held), keep_rows=True, strict=False).X
            )
        else:
            normal = self.autoencoder.score(X[~labels])
        self.n_learned, self.n_calibrated = int(learned.sum()), len(normal)
        self._calibration = normal
        return self.recut(self.alpha)

    def recut(self, alpha: float) -> TableDetector:
        """Take the cut anew for another ``alpha``, from the rows that it was taken from.

        Raises
        ------
        TableError
            If the detector was not fitted here: a saved one has its cut, and not those rows' scores.
        """
        if self._calibration is None:
            raise TableError("Got a detector that was not fitted here, but expected one: call fit first.")
        self._threshold = QuantileThreshold(contamination=alpha).fit(self._calibration)
        self.alpha = float(alpha)
        return self

    def _no_features(self) -> list[str]:
        return [*self.ignore, *([self.label] if self.label is not None else [])]

    def _hold_out(self, normal: Int64) -> Int64:
        """Choose the normal rows for the cut; none where they would be too few to say anything."""
        count = round(self.holdout * normal.size)
        if count < _MIN_HELD_OUT:
            return normal[:0]
        return np.random.default_rng(self.seed).permutation(normal)[:count]

    @property
    def threshold(self) -> float:
        """The cut, on the scale of the scores."""
        return self._threshold.threshold

    def score(self, table: Table) -> Float64:
        """Score every row; higher is more anomalous.

        Parameters
        ----------
        table : Table
            With the columns of fitting; others are ignored.

        Returns
        -------
        ndarray of shape (n,), float64
            At least 0 and never NaN: a row with missing cells is scored by those it has.

        Raises
        ------
        TableError
            If a column of fitting is missing or unreadable.
        """
        return self.score_with_notes(table)[0]

    def score_with_notes(
        self,
        table: Table,
        *,
        allow_missing: bool = False,
        strict: bool = True,
    ) -> tuple[Float64, Counter[str]]:
        """Score every row, and count what could not be used: see ``Preprocessor.apply``."""
        X, _, notes = self.preprocessor.apply(
            table,
            keep_rows=True,
            allow_missing=allow_missing,
            strict=strict,
            known=self._no_features(),
        )
        return (self.autoencoder.score(X) if len(X) else np.empty(0)), notes

    def classify(self, scores: ArrayLike) -> Bool:
        """Say which scores are alarms: those above the threshold."""
        return np.asarray(self._threshold.classify(np.asarray(scores, dtype=np.float64)))

    def explain(self, table: Table) -> tuple[list[str], Float64]:
        """Share out every row's score among the table's columns.

        Returns
        -------
        names : list of str
            Columns of the table; a category's or a time's features count for their column.
        shares : ndarray of shape (n, len(names))
            At least 0; a row sums to its score.
        """
        errors = self.autoencoder.errors(self.preprocessor.apply(table, keep_rows=True, strict=False).X)
        sources = self.preprocessor.feature_sources
        names = list(dict.fromkeys(sources))
        belongs = np.array([[source == name for name in names] for source in sources], dtype=np.float64)
        return names, errors @ belongs

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write everything to one file, without pickle.

        Examples
        --------
        >>> import pathlib, tempfile
        >>> table = Table({"a": [0.1, 0.2, 0.3, 0.4], "b": [1.0, 2.0, 3.0, 4.0]})
        >>> detector = TableDetector(seed=0).fit(table)
        >>> path = pathlib.Path(tempfile.mkdtemp(), "model.iotae")
        >>> detector.save(path)
        >>> bool((TableDetector.load(path).score(table) == detector.score(table)).all())
        True
        """
        serialization.write(path, KIND, self.to_state())

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> TableDetector:
        """Read a detector back.

        Raises
        ------
        iotae.serialization.StateError
            If the file is damaged, foreign, or holds something else.
        """
        return serialization.restore(path, KIND, cls.from_state)

    def to_state(self) -> dict[str, Any]:
        """Return everything as arrays and JSON values."""
        settings = ("alpha", "holdout", "seed", "label", "normal_value", "ignore")
        return {
            "settings": {name: getattr(self, name) for name in settings},
            "preprocessor": self.preprocessor.to_state(),
            "autoencoder": self.autoencoder.to_state(),
            "threshold": self._threshold.to_state(),
        }

    @classmethod
    def from_state(cls, data: dict[str, Any]) -> TableDetector:
        """Rebuild from :meth:`to_state`."""
        restored = cls(
            Preprocessor.from_state(data["preprocessor"]),
            BatchAutoencoder.from_state(data["autoencoder"]),
            **data["settings"],
        )
        restored._threshold = QuantileThreshold.from_state(data["threshold"])
        return restored
