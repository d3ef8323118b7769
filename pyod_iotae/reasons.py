"""The reasons of the scores of a table's rows in words."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import narwhals as nw
import numpy as np

from iotae.data.frames import is_frame
from iotae.data.reasons import Known, reasons_of

__all__ = ["reasons_of_rows"]


def reasons_of_rows(X: Any, shares: Any, expected: Any) -> list[list[str]]:
    """Say of each row which columns its score comes from.

    Parameters
    ----------
    X : array or data frame, shape (n, d)
        The rows.
    shares, expected : array or data frame, shape (n, d)
        Each column's part of the score, at least 0, and what was expected of it, NaN where nothing was.
    """
    names: list[Hashable]
    if is_frame(X):
        frame = nw.from_native(X, eager_only=True)
        names, rows = list(frame.columns), [list(row) for row in frame.iter_rows()]
        shares, expected = (nw.from_native(part, eager_only=True).to_numpy() for part in (shares, expected))
    else:
        rows = np.atleast_2d(np.asarray(X)).tolist()
        names = [f"x{j}" for j in range(np.shape(shares)[1])]
    return [
        reasons_of(
            dict(zip(names, parts, strict=True)),
            dict(zip(names, cells, strict=True)),
            Known(dict(zip(names, made, strict=True))),
        )
        for cells, parts, made in zip(rows, shares.tolist(), expected.tolist(), strict=True)
    ]
