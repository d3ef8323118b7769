"""A table of several groups of rows, such as devices: a model for each, whose scores compare."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from iotae._random import draw_seed
from iotae._sharing import Unshared
from iotae._typing import Float64, State
from iotae._validation import NotFittedError, check_row_weights, check_share
from iotae._validation.schema import check
from iotae.batch.autoencoder import BatchAutoencoder
from iotae.batch.group_fits import fit_all
from iotae.batch.group_rows import GroupedRows, named
from iotae.batch.group_scale import heights, points_of
from iotae.batch.grouped_schema import GROUPED_AUTOENCODER

__all__ = ["LEAST_ROWS", "GroupedAutoencoder"]

LEAST_ROWS = 100
"""Rows from which on a group has a model of its own."""


class GroupedAutoencoder(Unshared):
    """A :class:`iotae.BatchAutoencoder` for each group of rows, and one of all rows for the other groups.

    A group of at least 100 rows in the fit has a model of its own; what other groups' rows are like changes
    no bit of it. Rows of smaller groups, and of groups that the fit did not see, are scored by the model of
    all rows. A model's scores are measured by those of its own training rows: a tenth of these lies above 1,
    and the cut with a share of them above it is the same number for all models. The groups' models are fitted
    where ``joblib.parallel_config`` says, by default one after the other in this process; that changes no
    score.

    Parameters
    ----------
    template : BatchAutoencoder
        Each model is a copy of it.
    share : float, in (0, 1)
        The share of each model's own training rows that lies above the common cut.

    Attributes
    ----------
    fitted_scores : ndarray of float64, shape (n,)
        Scores of the rows given to the last fit.
    pooled : BatchAutoencoder
        The model of all rows.
    models : dict of str to BatchAutoencoder
        The models of the groups that have one, in the order of their names.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> load = rng.normal(size=(400, 1))
    >>> X = load @ [[5.0, 3.0]] + rng.normal(scale=0.1, size=(400, 2))
    >>> rows = GroupedRows(np.vstack([X, 0.01 * X]), np.repeat(np.array(["pump", "fan"], object), 400))
    >>> model = GroupedAutoencoder(BatchAutoencoder(seed=0)).fit(rows)
    >>> row = np.array([[5.0, 3.0]])
    >>> pump, fan = (model.score(GroupedRows(row, np.array([key], object)))[0] for key in ("pump", "fan"))
    >>> bool(fan > 2 * pump)
    True
    """

    def __init__(self, template: BatchAutoencoder, share: float = 0.1) -> None:
        check_share("share", share, meaning="the share of each group's rows above its cut, e.g. 0.1")
        self.template, self.share = template, float(share)
        self.models: dict[str, BatchAutoencoder] = {}
        self.fitted_scores: Float64 = np.empty(0)
        self._pooled: BatchAutoencoder | None = None
        self._points: dict[str | None, Float64] = {}
        self._level = 1.0
        self._small: list[str] = []
        self._warned = False

    @property
    def pooled(self) -> BatchAutoencoder:
        """The model of all rows."""
        if self._pooled is None:
            raise NotFittedError("Got a model that is not fitted, but expected one that is: call fit first.")
        return self._pooled

    @property
    def seed(self) -> int | None:
        """The seed of all models."""
        return self.template.seed

    @property
    def history(self) -> list[float]:
        """Mean training loss of each pass of the model of all rows."""
        return [] if self._pooled is None else self._pooled.history

    def fit(
        self, rows: GroupedRows, sample_weight: ArrayLike | None = None, categories: ArrayLike | None = None
    ) -> GroupedAutoencoder:
        """Fit to a table from scratch; for the rest see :meth:`iotae.BatchAutoencoder.fit`.

        Warns
        -----
        UserWarning
            If groups have too few rows for a model of their own.
        """
        weights = check_row_weights(len(rows), sample_weight)
        template = copy.copy(self.template)
        template.seed = draw_seed(self.seed)  # that of all models of this fit
        pooled = copy.copy(template).fit(rows.X, sample_weight, categories)
        template.progress = False
        counts = rows.counts(weights)
        small = [key for key in counts if counts[key] < LEAST_ROWS]
        models = {key: copy.copy(template) for key in counts if counts[key] >= LEAST_ROWS}
        own = None if sample_weight is None else weights
        self.models = fit_all(models, rows, own, categories, anew=models)
        self._pooled, self._small, self._warned = pooled, small, False
        self._measure(rows, weights, first=True)
        if small:
            warnings.warn(
                f"Got {named(small)} with fewer than {LEAST_ROWS} rows to learn from, whose rows are scored "
                "by the model of all rows: give more rows of them, or leave them out.",
                stacklevel=3,
            )
        return self

    def partial_fit(self, rows: GroupedRows, sample_weight: ArrayLike | None = None) -> GroupedAutoencoder:
        """Go on with more rows; the first call is a :meth:`fit`.

        A group without a model gets one where it has at least 100 of these rows, and a model's scores are
        measured anew by as many.
        """
        if self._pooled is None:
            return self.fit(rows, sample_weight)
        weights = check_row_weights(len(rows), sample_weight)
        # on copies: where one fails, none has learned
        pooled = copy.copy(self._pooled).partial_fit(rows.X, sample_weight)
        template = copy.copy(self.template)
        template.progress, template.seed = False, pooled.seed
        counts = rows.counts(weights)
        known = {key: copy.copy(self.models[key]) for key in counts if key in self.models}
        fresh = {
            key: copy.copy(template) for key in counts if counts[key] >= LEAST_ROWS and key not in self.models
        }
        own = None if sample_weight is None else weights
        fitted = fit_all(known | fresh, rows, own, pooled._categories, anew=fresh)
        self._pooled, self.models = pooled, dict(sorted((self.models | fitted).items()))
        self._small = sorted({*self._small, *rows.keys.tolist()} - self.models.keys())
        self._measure(rows, weights, first=False)
        return self

    def _measure(self, rows: GroupedRows, weights: NDArray[Any], *, first: bool) -> None:
        """Learn by what each model's scores are measured, from those of the rows just learned."""
        measured: list[tuple[str | None, Float64]] = [(None, self.pooled.fitted_scores[weights > 0])]
        for key, places in rows.by_group():
            if key in self.models:
                measured.append((key, self.models[key].fitted_scores[weights[places] > 0]))
        for one, scores in measured:
            if first or len(scores) >= LEAST_ROWS:
                self._points[one] = points_of(scores, self.share)
        if first:
            bodies = [scores / self._points[one][0] for one, scores in measured[1:] or measured]
            self._level = max(1.0, float(np.quantile(np.concatenate(bodies), 1.0 - self.share)))
        self.fitted_scores = self.score(rows)

    # -- scoring ------------------------------------------------------------------------------

    def _by_group(
        self, rows: GroupedRows, made_by: Callable[[BatchAutoencoder, Float64, str | None], Float64]
    ) -> Float64:
        """What each row's model makes of it, in the order of the rows."""
        pooled, parts, others = self.pooled, [], []
        for key, places in rows.by_group():
            if key in self.models:
                parts.append((places, made_by(self.models[key], rows.X[places], key)))
            else:
                others.append((key, places))
        self._tell_unseen([key for key, _ in others])
        places = np.concatenate([np.empty(0, np.intp), *(places for _, places in others)])
        if others or not parts:
            parts.append((places, made_by(pooled, rows.X[places], None)))
        result = np.empty((len(rows), *parts[0][1].shape[1:]))
        for places, made in parts:
            result[places] = made
        return result

    def _tell_unseen(self, keys: list[str]) -> None:
        unseen = sorted(set(keys).difference(self._small))
        if unseen and not self._warned:
            self._warned = True
            warnings.warn(
                f"Got {named(unseen)} that fit did not see, whose rows are scored by the model of all rows: "
                "fit again with rows of them. This is said once.",
                stacklevel=5,
            )

    def _height(self, scores: Float64, key: str | None) -> Float64:
        return heights(scores, self._points[key], self._level)

    def score(self, rows: GroupedRows) -> Float64:
        """Anomaly score of each row: (n,), >= 0, higher is odder; scores of different groups compare.

        Warns
        -----
        UserWarning
            Once, if rows are of groups that have no model.
        """
        return self._by_group(rows, lambda model, X, key: self._height(model.score(X), key))

    def errors(self, rows: GroupedRows) -> Float64:
        """Each feature's share (n, d) >= 0 of the score; a row's shares add up to its score."""

        def shares(model: BatchAutoencoder, X: Float64, key: str | None) -> Float64:
            parts = model.errors(X)
            whole = parts.sum(axis=1)
            height = self._height(model.score(X), key)
            scaled: Float64 = parts * (height / np.maximum(whole, np.finfo(np.float64).tiny))[:, None]
            return scaled

        return self._by_group(rows, shares)

    def expected(self, rows: GroupedRows) -> Float64:
        """What each cell (n, d) should be in its own unit, given the others, in the row's own group."""
        return self._by_group(rows, lambda model, X, _: model.expected(X))

    # -- state --------------------------------------------------------------------------------

    def to_state(self) -> State:
        """Everything needed to score and to go on; errors as in :meth:`iotae.BatchAutoencoder.to_state`."""
        return {
            "share": self.share,
            "level": self._level,
            "groups": list(self.models),
            "small": list(self._small),
            "models": [model.to_state() for model in self.models.values()],
            "points": np.array([self._points[key] for key in (*self.models, None)]),
            "pooled": self.pooled.to_state(),
        }

    @classmethod
    def from_state(cls, data: State) -> GroupedAutoencoder:
        """Rebuild from :meth:`to_state`; a state that is not as a model's raises ``StateError``."""
        check(data, GROUPED_AUTOENCODER)
        pooled = BatchAutoencoder.from_state(data["pooled"])
        restored = cls(BatchAutoencoder(pooled.hidden_sizes, **data["pooled"]["settings"]), data["share"])
        restored._pooled, restored._level, restored._small = pooled, data["level"], list(data["small"])
        models = [BatchAutoencoder.from_state(model) for model in data["models"]]
        restored.models = dict(zip(data["groups"], models, strict=True))
        restored._points = dict(zip((*restored.models, None), data["points"], strict=True))
        return restored
