"""The rows that a detector learns from, and the rows whose scores set its threshold."""

from __future__ import annotations

from typing import Any

import numpy as np

from iotae._typing import Bool, Float64
from iotae.batch.autoencoder import BatchAutoencoder
from iotae.batch.group_rows import GroupedRows, keys_of
from iotae.batch.grouped import GroupedAutoencoder
from iotae.data import Table
from iotae.preprocessing import Preprocessor

__all__ = ["fit_and_calibrate", "hold_out", "rows_of"]

_MIN_HELD_OUT = 20
"""Rows held out at least; with fewer, a quantile of their scores says too little."""


def hold_out(normal: Bool, share: float, seed: int | None) -> Bool:
    """Choose a share of the normal rows (n,) for calibration; none where they would be too few."""
    held = np.zeros(normal.size, dtype=bool)
    rows = np.flatnonzero(normal)
    count = round(share * rows.size)
    if count >= _MIN_HELD_OUT:
        held[np.random.default_rng(seed).permutation(rows)[:count]] = True
    return held


def rows_of(X: Float64, table: Table, group: str | None) -> Any:
    """What a model takes of a table: its features (n, d), and where there are groups each row's."""
    return X if group is None else GroupedRows(X, keys_of(table, group))


def fit_and_calibrate(
    preprocessor: Preprocessor,
    autoencoder: BatchAutoencoder | GroupedAutoencoder,
    table: Table,
    labels: Bool | None,
    held: Bool,
    group: str | None = None,
) -> tuple[int, Float64]:
    """Fit both in place, and return the number of rows learned and the scores for calibration.

    Parameters
    ----------
    preprocessor : Preprocessor
    autoencoder : BatchAutoencoder or GroupedAutoencoder
    table : Table
    labels : ndarray of shape (n,), bool, optional
        True for anomalies, which nothing is learned from.
    held : ndarray of shape (n,), bool
        Normal rows that calibrate and are not learned. Where there are none, all normal rows calibrate.
    group : str, optional
        The column that names the group of each row, which is no feature.
    """
    given = table.take(~held) if held.any() else table
    features = given if group is None else given.without([group])
    X = rows_of(preprocessor.fit_apply(features, None if labels is None else labels[~held]), given, group)
    training, categories = preprocessor.training_mask_, preprocessor.learned.feature_categories
    learned = X if training.all() else X[training]
    if held.any():
        if isinstance(autoencoder, GroupedAutoencoder):
            autoencoder.fit(learned, categories=categories)
        else:
            # chunks are not scored after the fit: only the rows held out need scores here
            autoencoder.fit_chunks([learned], categories)
        aside = table.take(held)
        rows = rows_of(preprocessor.apply(aside, keep_rows=True, strict=False).X, aside, group)
        return len(learned), autoencoder.score(rows)
    autoencoder.fit(learned, categories=categories)
    scores = autoencoder.fitted_scores
    if not training.all():
        scores = np.full(len(X), np.nan)
        scores[training] = autoencoder.fitted_scores
        others = ~training if labels is None else ~training & ~labels
        if others.any():
            scores[others] = autoencoder.score(X[others])
    return len(learned), scores if labels is None else scores[~labels]
