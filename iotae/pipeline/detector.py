"""A whole detector for tables: preprocessing, autoencoder and threshold, fitted and saved as one thing."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from iotae._typing import Bool, Float64
from iotae._validation import check_alpha, check_row_labels, check_share
from iotae._validation.schema import check
from iotae.batch.autoencoder import BatchAutoencoder
from iotae.batch.grouped import GroupedAutoencoder
from iotae.data import Table, TableError
from iotae.pipeline import scoring
from iotae.pipeline.calibration import fit_and_calibrate, hold_out, rows_of
from iotae.pipeline.state_schema import TABLE_DETECTOR
from iotae.pipeline.verdict import Verdict
from iotae.preprocessing import Preprocessor
from iotae.serialization.saved import Saved
from iotae.thresholds import QuantileThreshold

__all__ = ["TableDetector"]


class TableDetector(Saved):
    """Preprocessing, a batch autoencoder and the threshold that makes alarms of its scores.

    With labels it learns from rows labelled normal alone. Its threshold comes from the scores of normal rows
    that it held out from learning, so a new normal row is an alarm with a probability of about ``alpha``.
    Without labels it learns from all rows, and the threshold comes from the scores of the same rows.

    Parameters
    ----------
    preprocessor : Preprocessor, optional
        By default categories are one-hot, missing cells are masked, and the autoencoder scales. Fitting works
        on a copy.
    autoencoder : BatchAutoencoder, optional
        Fitting works on a copy, which is told that its rows are clean where labels are given.
    alpha : float, default=0.1
        The share of the calibration scores that lie above the threshold: the false-alarm rate where the
        calibration rows are normal. In (0, 1).
    holdout : float, default=0.2
        Share of the normal rows that are held out for calibration, in (0, 1); used with labels only.
    seed : int, optional
        Seed of the hold-out, and of the default autoencoder.
    label, normal_value : str, optional
        The label column, which is never a feature, and its value for 'normal', saved for the record.
    ignore : sequence of str, default=()
        Further columns that are no features.
    group : str, optional
        The column of each row's device, which has a model of its own: see ``iotae.batch.grouped``.

    Attributes
    ----------
    threshold : float
        Scores above it are alarms.
    preprocessor, autoencoder
        The fitted copies (with groups, the model of all rows); before the first fit, what was given.

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

    _KIND = "TableDetector"

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
        group: str | None = None,
    ) -> None:
        self.alpha = check_alpha(alpha)
        self.holdout = check_share("holdout", holdout, meaning="the share of the normal rows, e.g. 0.2")
        self.seed, self.label, self.normal_value, self.group = seed, label, normal_value, group
        self.ignore = list(ignore)
        self._given = (
            Preprocessor() if preprocessor is None else preprocessor,
            BatchAutoencoder(seed=seed) if autoencoder is None else autoencoder,
        )
        self.preprocessor, self.autoencoder = self._given
        self._model: scoring.Model = self.autoencoder
        self._threshold = QuantileThreshold(contamination=self.alpha)
        self._calibration: Float64 | None = None

    def with_autoencoder(self, autoencoder: BatchAutoencoder) -> TableDetector:
        """Return an unfitted detector with the same settings and another autoencoder."""
        return TableDetector(copy.deepcopy(self._given[0]), autoencoder, **self._settings())

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
        table = table.without({*self._not_features()} - {self.group})
        labels = check_row_labels(y, table.n_rows)
        # what fails on the way leaves an earlier fit as it was, and the caller's objects stay as given
        preprocessor, autoencoder = copy.deepcopy(self._given)
        autoencoder.clean = autoencoder.clean or labels is not None
        normal = np.zeros(table.n_rows, dtype=bool) if labels is None else ~labels
        held = hold_out(normal, self.holdout, self.seed)
        model = autoencoder if self.group is None else GroupedAutoencoder(autoencoder, self.alpha)
        learned = fit_and_calibrate(preprocessor, model, table, labels, held, self.group)
        self.n_learned, self._calibration = learned
        self.preprocessor, self._model, self.autoencoder = preprocessor, model, scoring.of_all_rows(model)
        self.n_calibrated = len(self._calibration)
        return self.recut(self.alpha)

    def recut(self, alpha: float) -> TableDetector:
        """Set the threshold for another ``alpha``, from the same calibration scores.

        Raises
        ------
        TableError
            If the detector was not fitted here: a saved one has its threshold, but not those scores.
        """
        if self._calibration is None:
            raise TableError("Got a detector that was not fitted here, but expected one: call fit first.")
        self._threshold = QuantileThreshold(contamination=alpha).fit(self._calibration)
        self.alpha = float(alpha)
        return self

    def _not_features(self) -> list[str]:
        named = [*self.ignore, *(name for name in (self.label, self.group) if name is not None)]
        return [*named, *map(str.strip, named)]

    @property
    def threshold(self) -> float:
        """The threshold, on the scale of the scores."""
        return self._threshold.threshold

    @property
    def columns(self) -> list[str]:
        """The table's columns that scores are shared out among; a category is one column."""
        return scoring.columns_of(self.preprocessor)

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
        self, table: Table, *, allow_missing: bool = False, strict: bool = True
    ) -> tuple[Float64, Counter[str]]:
        """Score every row, and count what could not be used: see ``Preprocessor.apply``."""
        X, notes = self._features(table, allow_missing, strict)
        return scoring.scores_of(self._model, X), notes

    def judge(
        self, table: Table, *, explain: bool = False, allow_missing: bool = False, strict: bool = True
    ) -> Verdict:
        """Score every row, say which are alarms, and explain these alone if asked for.

        The table is preprocessed once. For the other parameters see ``Preprocessor.apply``.
        """
        X, notes = self._features(table, allow_missing, strict)
        scores = scoring.scores_of(self._model, X)
        alarms = self.classify(scores)
        if not explain:
            return Verdict(scores, alarms, None, None, notes)
        asked = self._model, self.preprocessor, X[alarms]
        return Verdict(scores, alarms, scoring.shares_of(*asked), scoring.expected_of(*asked), notes)

    def _features(self, table: Table, allow_missing: bool, strict: bool) -> tuple[Any, Counter[str]]:
        X, _, notes = self.preprocessor.apply(
            table, keep_rows=True, allow_missing=allow_missing, strict=strict, known=self._not_features()
        )
        return rows_of(X, table, self.group), notes

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
        rows = self._features(table, False, False)[0]
        return self.columns, scoring.shares_of(self._model, self.preprocessor, rows)

    def _settings(self) -> dict[str, Any]:
        names = ("alpha", "holdout", "seed", "label", "normal_value", "ignore", "group")
        return {name: getattr(self, name) for name in names}

    def to_state(self) -> dict[str, Any]:
        """Return everything as arrays and JSON values."""
        return {
            "settings": self._settings(),
            "preprocessor": self.preprocessor.to_state(),
            "autoencoder": self._model.to_state(),
            "threshold": self._threshold.to_state(),
        }

    @classmethod
    def from_state(cls, data: dict[str, Any]) -> Self:
        """Rebuild from :meth:`to_state`; a state that is not as a detector's raises ``StateError``."""
        check(data, TABLE_DETECTOR)
        model = scoring.model_from_state(data["autoencoder"])
        steps = Preprocessor.from_state(data["preprocessor"])
        restored = cls(steps, scoring.of_all_rows(model), **data["settings"])
        restored._model = model
        restored._threshold = QuantileThreshold.from_state(data["threshold"])
        return restored
