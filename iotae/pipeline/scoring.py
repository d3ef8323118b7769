"""What a fitted model makes of rows of features, told by the columns of the table."""

from __future__ import annotations

from typing import Any

import numpy as np

from iotae._typing import Float64, State
from iotae.batch.autoencoder import BatchAutoencoder
from iotae.batch.grouped import GroupedAutoencoder
from iotae.preprocessing import Preprocessor

__all__ = ["Model", "columns_of", "expected_of", "model_from_state", "of_all_rows", "scores_of", "shares_of"]

Model = BatchAutoencoder | GroupedAutoencoder


def of_all_rows(model: Model) -> BatchAutoencoder:
    """The model itself, or with groups the one of all rows."""
    return model.pooled if isinstance(model, GroupedAutoencoder) else model


def columns_of(preprocessor: Preprocessor) -> list[str]:
    """The table's columns that scores are shared out among; a category is one column."""
    return list(dict.fromkeys(preprocessor.feature_sources))


def scores_of(model: Model, rows: Any) -> Float64:
    """Scores (n,) of rows, which may be none."""
    return model.score(rows) if len(rows) else np.empty(0)


def shares_of(model: Model, preprocessor: Preprocessor, rows: Any) -> Float64:
    """Each column's share (n, c) of the score."""
    errors = model.errors(rows) if len(rows) else np.empty((0, of_all_rows(model).n_features))
    return preprocessor.shares_by_column(errors, columns_of(preprocessor))


def expected_of(model: Model, preprocessor: Preprocessor, rows: Any) -> Float64:
    """What the model expected of the numbers of each column (n, c), in its own unit."""
    made = model.expected(rows) if len(rows) else np.empty((0, of_all_rows(model).n_features))
    return preprocessor.numbers_by_column(made, columns_of(preprocessor))


def model_from_state(data: State) -> Model:
    """Rebuild a fitted model of either kind."""
    return GroupedAutoencoder.from_state(data) if "groups" in data else BatchAutoencoder.from_state(data)
