"""Preprocessing as one object: its settings, what fitting learned, and a report of what each step did."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple, get_args

import numpy as np
from numpy.typing import ArrayLike

from iotae._typing import Bool, Float64
from iotae._validation import check_choice, check_count, check_row_labels
from iotae._validation.schema import check
from iotae.data import Table, TableError
from iotae.preprocessing.fitting import Fill, Missing, Normalise, Outliers, Tails, learn
from iotae.preprocessing.learned import Learned
from iotae.preprocessing.selection import SELECTORS
from iotae.preprocessing.state_schema import PREPROCESSOR

__all__ = ["Preprocessor", "Transformed"]


class Transformed(NamedTuple):
    """A transformed table: (n, d) float64, (input rows,) bool, and what could not be used."""

    X: Float64
    kept: Bool
    notes: Counter[str]


class Preprocessor:
    r"""Turn a table into a matrix of numbers, step by step, with a report of what each step did.

    The order is: columns to numbers, missing values, long tails, outliers (training rows only),
    selection of columns, normalisation.

    Parameters
    ----------
    missing : {'keep', 'fill', 'drop'}, default='keep'
        'keep' leaves NaN, which iotae's autoencoders mask; 'fill' replaces it; 'drop' removes the row.
    fill : {'median', 'mean', 'zero'}, default='median'
        What fills numbers; categories take their most frequent value.
    tails : {'keep', 'log'}, default='keep'
        'log' takes numbers that run over orders of magnitude (bytes, durations) as their signed
        logarithm: see :func:`iotae.preprocessing.selection.long_tailed`.
    normalise : {'none', 'minmax', 'standard', 'robust'}, default='none'
        'minmax' to [0, 1] of the training rows (the paper's), 'standard' to mean 0 and standard
        deviation 1, 'robust' to median 0 and interquartile range 1. With 'none' the detector scales.
    select : sequence of str, default=('counter', 'trend', 'constant')
        Steps, made in this order: 'counter' (row numbers, clocks), 'trend' (noisy meters), 'constant',
        'near_constant', 'variance', 'correlation' and 'mutual_information' (needs labels).
    outliers : {'none', 'robust_z', 'iqr'}, default='none'
        Rule by which training rows are set aside: see :func:`iotae.preprocessing.selection.outlying_rows`.
    max_categories : int or None, default=64
        At most this many columns for a category's values; values in less than 1 % of the rows share one. None
        for no limit. Text of rare values alone is an identifier.

    Examples
    --------
    >>> table = Table({"watts": [1.0, 3.0, float("nan")], "state": ["on", "off", "on"], "unit": ["W"] * 3})
    >>> steps = Preprocessor(missing="fill", normalise="minmax").fit(table)
    >>> steps.feature_names_out
    ['watts', 'state=off', 'state=on', 'state:rarity']
    >>> steps.transform(table)[0]
    array([[0. , 0. , 1. , 0. ],
           [1. , 1. , 0. , 1. ],
           [0.5, 0. , 1. , 0. ]])
    >>> print(*steps.report(), sep="\n")
    columns: 3 read, 4 features made
    missing values: 1 cells filled
    removed 'unit=W': constant
    removed 'unit:rarity': constant
    normalised: minmax, on 3 rows
    """

    PAPER: ClassVar[dict[str, Any]] = {
        "missing": "fill",
        "normalise": "minmax",
        "select": ("counter", "constant", "near_constant", "correlation"),
        "outliers": "robust_z",
    }
    """Settings of :meth:`paper`."""

    def __init__(
        self,
        *,
        missing: Missing = "keep",
        fill: Fill = "median",
        tails: Tails = "keep",
        normalise: Normalise = "none",
        select: Sequence[str] = ("counter", "trend", "constant"),
        outliers: Outliers = "none",
        max_categories: int | None = 64,
    ) -> None:
        check_choice("missing", missing, get_args(Missing))
        check_choice("fill", fill, get_args(Fill))
        check_choice("tails", tails, get_args(Tails))
        check_choice("normalise", normalise, get_args(Normalise))
        check_choice("outliers", outliers, get_args(Outliers))
        for step in [select] if isinstance(select, str) else select:
            check_choice("select", step, ("counter", "trend", *SELECTORS))
        if max_categories is not None:
            check_count("max_categories", max_categories, 2)
        self.missing, self.fill, self.tails, self.normalise = missing, fill, tails, normalise
        self.select = (select,) if isinstance(select, str) else tuple(select)
        self.outliers, self.max_categories = outliers, max_categories
        self._learned: Learned | None = None

    @classmethod
    def paper(cls) -> Preprocessor:
        """Return the paper's choice: fill, min-max, selection and removal of outliers."""
        return cls(**cls.PAPER)

    def fit(self, table: Table, y: ArrayLike | None = None) -> Preprocessor:
        """Learn every step from a table.

        Parameters
        ----------
        table : Table
            Without its label column.
        y : array-like of shape (n,), optional
            True or 1 for anomalies. Fill values, outliers and normalisation are then learned from normal
            rows only. Columns are selected on all rows, so that a flag that only anomalies raise does not
            count as constant.

        Raises
        ------
        TableError
            If there are no rows, or no usable column or row is left.

        Examples
        --------
        >>> Preprocessor().fit(Table({"watts": [1.0, 2.0]}), y=[0, 1]).training_mask_
        array([ True, False])
        """
        self._learned, _ = learn(self, table, check_row_labels(y, table.n_rows))
        return self

    def fit_apply(self, table: Table, y: ArrayLike | None = None) -> Float64:
        """Fit, and return the features (n, d) of every row.

        They are the ``X`` that :meth:`apply` gives with ``keep_rows=True``; the table is encoded once.
        """
        self._learned, encoded = learn(self, table, check_row_labels(y, table.n_rows))
        return self._learned.features(encoded, np.ones(table.n_rows, dtype=bool))

    @property
    def learned(self) -> Learned:
        """What fitting learned.

        Raises
        ------
        TableError
            If nothing has been learned yet.
        """
        if self._learned is None:
            raise TableError("This preprocessor has learned nothing yet: call fit first.")
        return self._learned

    @property
    def training_mask_(self) -> Bool:
        """Rows of the table given to ``fit`` that a model may learn from, (n,); empty after loading.

        Complete rows (if 'drop'), no outliers, and normal ones where labels were given.
        """
        return self.learned.training_mask

    @property
    def feature_names_in(self) -> list[str]:
        """Columns that a table must have."""
        return [code.name for code in self.learned.codes]

    @property
    def feature_names_out(self) -> list[str]:
        """Names of the features, the columns of ``transform``'s result."""
        return self.learned.feature_names

    @property
    def feature_sources(self) -> list[str]:
        """The column of the table that each feature was made from."""
        return self.learned.feature_sources

    def shares_by_column(self, shares: Float64, columns: Sequence[str]) -> Float64:
        """Add up the features' shares of a score (n, d) by the column that each feature was made from.

        Parameters
        ----------
        shares : ndarray of shape (n, d)
        columns : sequence of str, length c
            A column without a feature has the share 0.

        Returns
        -------
        ndarray of shape (n, c)
        """
        belongs = [[source.strip() == name.strip() for name in columns] for source in self.feature_sources]
        return shares @ np.array(belongs, dtype=np.float64)

    def numbers_by_column(self, features: Float64, columns: Sequence[str]) -> Float64:
        """Give back the numbers that features (n, d) stand for, in the units of the table's columns.

        Parameters
        ----------
        features : ndarray of shape (n, d)
            Such as a model's reconstruction of :meth:`transform`'s result.
        columns : sequence of str, length c

        Returns
        -------
        ndarray of shape (n, c)
            NaN for categories, times, and columns without a feature.

        Examples
        --------
        >>> table = Table({"watts": [1.0, 3.0, 2.0], "state": ["on", "off", "on"]})
        >>> steps = Preprocessor(normalise="minmax").fit(table)
        >>> steps.numbers_by_column(steps.transform(table)[0], ["watts", "state"])
        array([[ 1., nan],
               [ 3., nan],
               [ 2., nan]])
        """
        found = {name.strip(): values for name, values in self.learned.numbers(features).items()}
        none = np.full(len(features), np.nan)
        return np.column_stack([np.empty((len(features), 0)), *(found.get(c.strip(), none) for c in columns)])

    def report(self) -> list[str]:
        """Return what each step did at fitting, a line each."""
        return list(self.learned.report)

    def transform(self, table: Table) -> tuple[Float64, Bool]:
        """Apply what was learned to a table.

        Parameters
        ----------
        table : Table
            Columns that fitting did not see are ignored.

        Returns
        -------
        X : ndarray of shape (m, d), float64
        kept : ndarray of shape (n,), bool
            The rows that X has: all, but those with a missing value if ``missing='drop'``.

        Raises
        ------
        TableError
            If a column is missing, or has not one cell that can be read.
        """
        X, kept, _ = self.apply(table)
        return X, kept

    def apply(
        self,
        table: Table,
        *,
        keep_rows: bool = False,
        allow_missing: bool = False,
        strict: bool = True,
        known: Collection[str] = (),
    ) -> Transformed:
        """Apply what was learned, and count what could not be used.

        Parameters
        ----------
        table : Table
        keep_rows : bool, default=False
            Keep incomplete rows, with NaN, even if ``missing='drop'``.
        allow_missing : bool, default=False
            Take a column that is not there as one of missing cells.
        strict : bool, default=True
            Refuse a column without one readable cell; False for later parts of a file.
        known : collection of str
            Further columns that are meant to be ignored, such as the label.

        Returns
        -------
        Transformed
            Its ``notes`` count, by sentence, cells and columns that were not used.

        Raises
        ------
        TableError
            As for :meth:`transform`.
        """
        learned = self.learned
        X, notes = learned.encode(table, allow_missing=allow_missing, strict=strict)
        for name in table.names:
            if name not in learned.seen and name not in known:
                notes[f"cells of {name!r} ignored: fitting did not see this column"] += table.n_rows
        kept: Bool = np.ones(table.n_rows, dtype=bool)
        if self.missing == "drop" and not keep_rows:
            kept = np.asarray(~np.isnan(X).any(axis=1))
        return Transformed(learned.features(X, kept), kept, +notes)

    def to_state(self) -> dict[str, Any]:
        """Return everything that was learned as arrays and JSON values, for :mod:`iotae.serialization`."""
        settings = ("missing", "fill", "tails", "normalise", "outliers", "max_categories")
        return {
            "settings": {name: getattr(self, name) for name in settings} | {"select": list(self.select)},
            "learned": self.learned.to_state(),
        }

    @classmethod
    def from_state(cls, data: Mapping[str, Any]) -> Preprocessor:
        """Rebuild a fitted preprocessor from :meth:`to_state`; needs no other library than NumPy."""
        check(data, PREPROCESSOR)
        restored = cls(**data["settings"])
        restored._learned = Learned.from_state(data["learned"])
        return restored
